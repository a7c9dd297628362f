"""The ledger of payments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MONEY = sa.BigInteger()
TIME = sa.String(27).with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "turkctl_payment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("market", sa.String(512), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("assignment_id", sa.String(64), nullable=False),
        sa.Column("worker_id", sa.String(64), nullable=False),
        sa.Column("hit_id", sa.String(64), nullable=False),
        sa.Column("experiment_id", sa.Integer()),
        sa.Column("purpose", sa.String(128), nullable=False),
        sa.Column("amount", MONEY, nullable=False),
        sa.Column("fee", MONEY, nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("token", sa.String(64)),
        sa.Column("reason", sa.Text()),
        sa.Column("paid_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_turkctl_payment"),
        sa.ForeignKeyConstraint(["experiment_id"], ["turkctl_experiment.id"], name="fk_turkctl_payment_experiment_id"),
        sa.UniqueConstraint(
            "mode",
            "market",
            "kind",
            "assignment_id",
            "purpose",
            name="uq_turkctl_payment_mode_market_kind_assignment_id_purpose",
        ),
    )
    op.create_index("ix_turkctl_payment_experiment_id", "turkctl_payment", ["experiment_id"])
    op.create_index("ix_turkctl_payment_mode_market_worker_id", "turkctl_payment", ["mode", "market", "worker_id"])
