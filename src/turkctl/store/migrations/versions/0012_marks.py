"""How far psiTurk's table was searched, the version of a HIT's first participant, and what tells runs apart."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TIME = sa.String(27).with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.add_column("turkctl_run", sa.Column("left_at", TIME))
    op.add_column("turkctl_run", sa.Column("given", sa.String(64)))
    op.add_column("turkctl_hit", sa.Column("first_version", sa.String(128)))
    op.create_table(
        "turkctl_psiturk_mark",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("market", sa.String(512), nullable=False),
        sa.Column("participants", sa.String(128), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("uniqueid", sa.String(128), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_turkctl_psiturk_mark"),
        sa.UniqueConstraint("mode", "market", "participants", name="uq_turkctl_psiturk_mark_mode_market_participants"),
    )
