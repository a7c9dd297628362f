"""Runs, and the number of its run in each request."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TIME = sa.String(27).with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "turkctl_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("market", sa.String(512), nullable=False),
        sa.Column("act", sa.String(32), nullable=False),
        sa.Column("identity", sa.String(64)),
        sa.Column("settings", sa.String(64)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("begun", TIME, nullable=False),
        sa.Column("ended", TIME),
        sa.Column("command", sa.Text(), nullable=False),
        sa.Column("matched", sa.Integer(), nullable=False),
        sa.Column("succeeded", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_turkctl_run"),
    )
    columns = ["mode", "market", "act", "identity"]
    op.create_index("ix_turkctl_run_mode_market_act_identity", "turkctl_run", columns)
    op.add_column("turkctl_intent", sa.Column("run", sa.Integer()))
    op.create_index("ix_turkctl_intent_run", "turkctl_intent", ["run"])
