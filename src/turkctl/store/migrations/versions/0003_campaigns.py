"""Campaigns, their rounds, and the qualification types that keep repeat workers out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MONEY = sa.BigInteger()
TIME = sa.String(27).with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    _campaigns()
    _rounds()
    _qualifications()


def _campaigns() -> None:
    op.create_table(
        "turkctl_campaign",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("market", sa.String(512), nullable=False),
        sa.Column("experiment_id", sa.Integer(), nullable=False),
        sa.Column("code_version", sa.String(128), nullable=False),
        sa.Column("goal", sa.Integer(), nullable=False),
        sa.Column("reward", MONEY, nullable=False),
        sa.Column("duration", sa.Integer(), nullable=False),
        sa.Column("every", sa.Integer(), nullable=False),
        sa.Column("per_round", sa.Integer(), nullable=False),
        sa.Column("budget", MONEY),
        sa.Column("start_at", TIME),
        sa.Column("end_at", TIME),
        sa.Column("hours", sa.String(16)),
        sa.Column("timezone", sa.String(64)),
        sa.Column("allow_repeat_workers", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("created", TIME, nullable=False),
        sa.Column("ended", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_turkctl_campaign"),
        sa.ForeignKeyConstraint(["experiment_id"], ["turkctl_experiment.id"], name="fk_turkctl_campaign_experiment_id"),
    )
    op.create_index("ix_turkctl_campaign_experiment_id", "turkctl_campaign", ["experiment_id"])
    running = sa.text("status IN ('active', 'exhausted')")
    op.create_index(
        "uq_turkctl_campaign_running",
        "turkctl_campaign",
        ["experiment_id", "mode"],
        unique=True,
        sqlite_where=running,
        postgresql_where=running,
    )


def _rounds() -> None:
    op.create_table(
        "turkctl_round",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started", TIME, nullable=False),
        sa.Column("finished", TIME),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("goal", sa.Integer()),
        sa.Column("completed", sa.Integer()),
        sa.Column("outstanding", sa.Integer()),
        sa.Column("unsettled", sa.Integer()),
        sa.Column("wanted", sa.Integer()),
        sa.Column("posted", sa.Integer(), nullable=False),
        sa.Column("hits", sa.Integer(), nullable=False),
        sa.Column("cost", MONEY, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_turkctl_round"),
        sa.ForeignKeyConstraint(["campaign_id"], ["turkctl_campaign.id"], name="fk_turkctl_round_campaign_id"),
        sa.UniqueConstraint("campaign_id", "number", name="uq_turkctl_round_campaign_id_number"),
    )


def _qualifications() -> None:
    op.create_table(
        "turkctl_qualification_type",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("market", sa.String(512), nullable=False),
        sa.Column("experiment_id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("type_id", sa.String(64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_turkctl_qualification_type"),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["turkctl_experiment.id"], name="fk_turkctl_qualification_type_experiment_id"
        ),
        sa.UniqueConstraint(
            "mode",
            "market",
            "experiment_id",
            "purpose",
            name="uq_turkctl_qualification_type_mode_market_experiment_id_purpose",
        ),
    )
    op.create_table(
        "turkctl_qualification_grant",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("type_row", sa.Integer(), nullable=False),
        sa.Column("worker_id", sa.String(64), nullable=False),
        sa.Column("granted", TIME, nullable=False),
        sa.Column("error", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_turkctl_qualification_grant"),
        sa.ForeignKeyConstraint(
            ["type_row"], ["turkctl_qualification_type.id"], name="fk_turkctl_qualification_grant_type_row"
        ),
        sa.UniqueConstraint("type_row", "worker_id", name="uq_turkctl_qualification_grant_type_row_worker_id"),
    )
