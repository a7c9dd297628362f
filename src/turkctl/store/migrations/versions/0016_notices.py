"""Events that people are told of once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TIME = sa.String(27).with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "turkctl_notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("experiment", sa.String(128)),
        sa.Column("campaign", sa.Integer()),
        sa.Column("task", sa.String(128)),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("happened", TIME, nullable=False),
        sa.Column("written", TIME, nullable=False),
        sa.Column("said", TIME),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due", TIME, nullable=False),
        sa.Column("reached", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_turkctl_notice"),
        sa.UniqueConstraint("key", name="uq_turkctl_notice_key"),
    )
    op.create_index("ix_turkctl_notice_state_due", "turkctl_notice", ["state", "due"])
