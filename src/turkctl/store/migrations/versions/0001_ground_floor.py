"""Experiments, HITs, assignments and intents.

Written by hand. A revision describes the tables as they were at its time, and so names no model.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MONEY = sa.BigInteger()
TIME = sa.String(27).with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "turkctl_meta",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_turkctl_meta"),
    )
    _experiments()
    _hits()
    _assignments()
    _intents()


def _experiments() -> None:
    op.create_table(
        "turkctl_experiment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(128), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created", TIME, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_turkctl_experiment"),
        sa.UniqueConstraint("slug", name="uq_turkctl_experiment_slug"),
    )
    op.create_table(
        "turkctl_experiment_settings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("experiment_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("code_version", sa.String(128), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_turkctl_experiment_settings"),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["turkctl_experiment.id"], name="fk_turkctl_experiment_settings_experiment_id"
        ),
        sa.UniqueConstraint("experiment_id", "version", name="uq_turkctl_experiment_settings_experiment_id_version"),
    )


def _hits() -> None:
    op.create_table(
        "turkctl_hit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("market", sa.String(512), nullable=False),
        sa.Column("hit_id", sa.String(64), nullable=False),
        sa.Column("hit_type_id", sa.String(64), nullable=False),
        sa.Column("hit_group_id", sa.String(64)),
        sa.Column("experiment_id", sa.Integer()),
        sa.Column("settings_id", sa.Integer()),
        sa.Column("code_version", sa.String(128)),
        sa.Column("campaign_id", sa.Integer()),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("reward", MONEY, nullable=False),
        sa.Column("masters", sa.Boolean(), nullable=False),
        sa.Column("max_assignments", sa.Integer(), nullable=False),
        sa.Column("available", sa.Integer(), nullable=False),
        sa.Column("pending", sa.Integer(), nullable=False),
        sa.Column("completed", sa.Integer(), nullable=False),
        sa.Column("assignment_duration", sa.Integer(), nullable=False),
        sa.Column("auto_approval_delay", sa.Integer(), nullable=False),
        sa.Column("created", TIME, nullable=False),
        sa.Column("expires", TIME, nullable=False),
        sa.Column("disposed_at", TIME),
        sa.Column("synced", TIME),
        sa.Column("annotation", sa.String(255)),
        sa.PrimaryKeyConstraint("id", name="pk_turkctl_hit"),
        sa.ForeignKeyConstraint(["experiment_id"], ["turkctl_experiment.id"], name="fk_turkctl_hit_experiment_id"),
        sa.ForeignKeyConstraint(["settings_id"], ["turkctl_experiment_settings.id"], name="fk_turkctl_hit_settings_id"),
        sa.UniqueConstraint("market", "hit_id", name="uq_turkctl_hit_market_hit_id"),
    )
    op.create_index("ix_turkctl_hit_mode_market_status", "turkctl_hit", ["mode", "market", "status"])
    op.create_index("ix_turkctl_hit_experiment_id", "turkctl_hit", ["experiment_id"])
    op.create_index("ix_turkctl_hit_campaign_id", "turkctl_hit", ["campaign_id"])


def _assignments() -> None:
    op.create_table(
        "turkctl_assignment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("market", sa.String(512), nullable=False),
        sa.Column("assignment_id", sa.String(64), nullable=False),
        sa.Column("hit_id", sa.String(64), nullable=False),
        sa.Column("hit_row", sa.Integer()),
        sa.Column("worker_id", sa.String(64), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("accepted", TIME),
        sa.Column("submitted", TIME),
        sa.Column("auto_approval", TIME),
        sa.Column("deadline", TIME),
        sa.Column("approved", TIME),
        sa.Column("rejected", TIME),
        sa.Column("feedback", sa.Text()),
        sa.Column("answer", sa.Text()),
        sa.Column("synced", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_turkctl_assignment"),
        sa.ForeignKeyConstraint(["hit_row"], ["turkctl_hit.id"], name="fk_turkctl_assignment_hit_row"),
        sa.UniqueConstraint("market", "assignment_id", name="uq_turkctl_assignment_market_assignment_id"),
    )
    op.create_index("ix_turkctl_assignment_mode_market_hit_id", "turkctl_assignment", ["mode", "market", "hit_id"])
    op.create_index(
        "ix_turkctl_assignment_mode_market_worker_id", "turkctl_assignment", ["mode", "market", "worker_id"]
    )
    op.create_index("ix_turkctl_assignment_hit_row", "turkctl_assignment", ["hit_row"])


def _intents() -> None:
    op.create_table(
        "turkctl_intent",
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("market", sa.String(512), nullable=False),
        sa.Column("batch", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(128), nullable=False),
        sa.Column("experiment_id", sa.Integer()),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("cost", MONEY, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("created", TIME, nullable=False),
        sa.Column("sent", TIME),
        sa.Column("finished", TIME),
        sa.Column("result", sa.Text()),
        sa.PrimaryKeyConstraint("token", name="pk_turkctl_intent"),
        sa.ForeignKeyConstraint(["experiment_id"], ["turkctl_experiment.id"], name="fk_turkctl_intent_experiment_id"),
    )
    op.create_index("ix_turkctl_intent_mode_market_state", "turkctl_intent", ["mode", "market", "state"])
    op.create_index("ix_turkctl_intent_batch", "turkctl_intent", ["batch"])
    op.create_index("ix_turkctl_intent_experiment_id", "turkctl_intent", ["experiment_id"])
    op.create_index("ix_turkctl_intent_digest", "turkctl_intent", ["digest"])
