"""Tasks, their runs, and the lease of the one that runs them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TIME = sa.String(27).with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "turkctl_task",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("market", sa.String(512)),
        sa.Column("every", sa.Integer(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("next_run", TIME, nullable=False),
        sa.Column("requested", TIME),
        sa.Column("last_run", TIME),
        sa.Column("last_status", sa.String(16)),
        sa.Column("last_error", sa.Text()),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("consecutive_failures", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer()),
        sa.Column("created", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_turkctl_task"),
        sa.UniqueConstraint("name", name="uq_turkctl_task_name"),
    )
    op.create_index("ix_turkctl_task_mode_paused_next_run", "turkctl_task", ["mode", "paused", "next_run"])
    op.create_index("ix_turkctl_task_campaign_id", "turkctl_task", ["campaign_id"])
    _runs()
    _lease()


def _runs() -> None:
    op.create_table(
        "turkctl_task_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("task_id", sa.Integer(), nullable=False),
        sa.Column("task", sa.String(128), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("slot", TIME, nullable=False),
        sa.Column("started", TIME, nullable=False),
        sa.Column("finished", TIME),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("summary", sa.Text()),
        sa.Column("error", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_turkctl_task_run"),
    )
    for column in ("task_id", "task", "status"):
        op.create_index(f"ix_turkctl_task_run_{column}", "turkctl_task_run", [column])


def _lease() -> None:
    op.create_table(
        "turkctl_lease",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("owner", sa.String(64)),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("boot_id", sa.String(64)),
        sa.Column("pid_namespace", sa.String(64)),
        sa.Column("started", sa.String(32)),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("heartbeat", TIME, nullable=False),
        sa.Column("expires", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_turkctl_lease"),
    )
