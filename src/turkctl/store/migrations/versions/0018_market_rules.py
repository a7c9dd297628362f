"""The rules of money of markets, and of the HITs that were posted under them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("turkctl_hit", sa.Column("fee", sa.String(16)))
    op.create_table(
        "turkctl_market_rules",
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("market", sa.String(512), nullable=False),
        sa.Column("fee", sa.String(16), nullable=False),
        sa.Column("unit", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("mode", "market", name="pk_turkctl_market_rules"),
    )
