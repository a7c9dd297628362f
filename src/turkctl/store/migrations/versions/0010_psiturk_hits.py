"""psiTurk's HITs beside our own, and what is known of ids that are not on this market."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TIME = sa.String(27).with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    origin = sa.Column("origin", sa.String(16), server_default="turkctl", nullable=False)
    op.add_column("turkctl_hit", origin)
    op.add_column("turkctl_hit", sa.Column("adopted", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "turkctl_psiturk_id",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("market", sa.String(512), nullable=False),
        sa.Column("hit_id", sa.String(128), nullable=False),
        sa.Column("asked", TIME, nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_turkctl_psiturk_id"),
        sa.UniqueConstraint("mode", "market", "hit_id", name="uq_turkctl_psiturk_id_mode_market_hit_id"),
    )
    _mark_imported()


def _mark_imported() -> None:
    """Mark HITs that an import entered before as psiTurk's: no settings of ours made them, and its table has them."""
    connection = op.get_bind()
    inspector = sa.inspect(connection)
    if not inspector.has_table("amt_hit"):
        return
    if "hitid" not in {column["name"] for column in inspector.get_columns("amt_hit")}:
        return
    theirs = sa.select(sa.table("amt_hit", sa.column("hitid")).c.hitid)
    ours = sa.table("turkctl_hit", sa.column("origin"), sa.column("settings_id"), sa.column("hit_id"))
    imported = ours.update().where(ours.c.settings_id.is_(None), ours.c.hit_id.in_(theirs))
    connection.execute(imported.values(origin="psiturk"))
