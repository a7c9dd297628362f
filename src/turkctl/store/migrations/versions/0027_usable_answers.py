"""Answers to content that do not count, and how far answers were looked at."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "turkctl_content_unusable",
        sa.Column("content_id", sa.Integer(), nullable=False),
        sa.Column("assignment_row", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.ForeignKeyConstraint(["content_id"], ["turkctl_content.id"], name="fk_turkctl_content_unusable_content_id"),
        sa.ForeignKeyConstraint(
            ["assignment_row"], ["turkctl_assignment.id"], name="fk_turkctl_content_unusable_assignment_row"
        ),
        sa.PrimaryKeyConstraint("content_id", "assignment_row", "reason", name="pk_turkctl_content_unusable"),
    )
    op.create_index(
        "ix_turkctl_content_unusable_assignment_row", "turkctl_content_unusable", ["assignment_row"], unique=False
    )
    op.create_table(
        "turkctl_content_reading",
        sa.Column("experiment_id", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("read_until", sa.Integer(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["turkctl_experiment.id"], name="fk_turkctl_content_reading_experiment_id"
        ),
        sa.PrimaryKeyConstraint("experiment_id", "mode", name="pk_turkctl_content_reading"),
    )
