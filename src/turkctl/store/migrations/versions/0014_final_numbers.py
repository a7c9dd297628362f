"""The numbers with which a campaign ended, and what the last sync saw of the account."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

MONEY = sa.BigInteger()
TIME = sa.String(27).with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.add_column("turkctl_campaign", sa.Column("completed_at_end", sa.Integer()))
    op.add_column("turkctl_campaign", sa.Column("outstanding_at_end", sa.Integer()))
    op.add_column("turkctl_campaign", sa.Column("spent_at_end", MONEY))
    op.create_table(
        "turkctl_account_look",
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("market", sa.String(512), nullable=False),
        sa.Column("looked", TIME, nullable=False),
        sa.Column("unknown", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("mode", "market", name="pk_turkctl_account_look"),
    )
