"""Who set labels by hand and why, answers that stand for another one, and intervals of numbers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0019"
branch_labels = None
depends_on = None

TIME = sa.String(27).with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.add_column("turkctl_label_admin", sa.Column("set_by", sa.String(128)))
    op.add_column("turkctl_label_admin", sa.Column("reason", sa.Text()))
    op.add_column("turkctl_label_result", sa.Column("low", sa.Double()))
    op.add_column("turkctl_label_result", sa.Column("high", sa.Double()))
    op.create_table(
        "turkctl_label_relabel",
        sa.Column("experiment_id", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("answer", sa.String(255), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("set_at", TIME, nullable=False),
        sa.Column("set_by", sa.String(128)),
        sa.Column("reason", sa.Text()),
        sa.PrimaryKeyConstraint("experiment_id", "mode", "answer", name="pk_turkctl_label_relabel"),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["turkctl_experiment.id"], name="fk_turkctl_label_relabel_experiment_id"
        ),
    )
