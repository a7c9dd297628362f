"""Content, and the HITs that it is shown in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TIME = sa.String(27).with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "turkctl_content",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("experiment_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("priority", sa.Double(), nullable=False),
        sa.Column("outputs_max", sa.Integer(), nullable=False),
        sa.Column("gold", sa.Text()),
        sa.Column("added", TIME, nullable=False),
        sa.Column("updated", TIME, nullable=False),
        sa.Column("removed", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_turkctl_content"),
        sa.ForeignKeyConstraint(["experiment_id"], ["turkctl_experiment.id"], name="fk_turkctl_content_experiment_id"),
        sa.UniqueConstraint("experiment_id", "key", name="uq_turkctl_content_experiment_id_key"),
    )
    op.create_index("ix_turkctl_content_queue", "turkctl_content", ["experiment_id", sa.text("priority DESC"), "id"])
    op.create_table(
        "turkctl_content_hit",
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("content_id", sa.Integer(), nullable=False),
        sa.Column("hit_row", sa.Integer()),
        sa.Column("assignments", sa.Integer(), nullable=False),
        sa.Column("outputs", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("token", "position", name="pk_turkctl_content_hit"),
        sa.ForeignKeyConstraint(["token"], ["turkctl_intent.token"], name="fk_turkctl_content_hit_token"),
        sa.ForeignKeyConstraint(["content_id"], ["turkctl_content.id"], name="fk_turkctl_content_hit_content_id"),
        sa.ForeignKeyConstraint(["hit_row"], ["turkctl_hit.id"], name="fk_turkctl_content_hit_hit_row"),
    )
    op.create_index("ix_turkctl_content_hit_content_id", "turkctl_content_hit", ["content_id"])
    op.create_index("ix_turkctl_content_hit_hit_row", "turkctl_content_hit", ["hit_row"])
