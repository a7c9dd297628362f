"""Labels, what was made of them, and by which run."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TIME = sa.String(27).with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    _labels()
    _decisions()
    _runs()
    _states()


def _experiment(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["experiment_id"], ["turkctl_experiment.id"], name=f"fk_{table}_experiment_id")


def _run(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["run_id"], ["turkctl_label_run.id"], name=f"fk_{table}_run_id")


def _labels() -> None:
    op.create_table(
        "turkctl_label",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("experiment_id", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("market", sa.String(512), nullable=False),
        sa.Column("origin", sa.String(64), nullable=False),
        sa.Column("item", sa.String(255), nullable=False),
        sa.Column("worker_id", sa.String(255), nullable=False),
        sa.Column("value", sa.Text()),
        sa.Column("at", TIME, nullable=False),
        sa.Column("rejected", sa.Boolean(), nullable=False),
        sa.Column("invalid", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_turkctl_label"),
        _experiment("turkctl_label"),
        sa.UniqueConstraint(
            "experiment_id",
            "mode",
            "market",
            "origin",
            "item",
            "worker_id",
            name="uq_turkctl_label_vote",
        ),
    )
    op.create_index("ix_turkctl_label_listed", "turkctl_label", ["experiment_id", "mode", "id"])


def _decisions() -> None:
    op.create_table(
        "turkctl_label_excluded",
        sa.Column("experiment_id", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("worker_id", sa.String(255), nullable=False),
        sa.Column("excluded", TIME, nullable=False),
        sa.PrimaryKeyConstraint("experiment_id", "mode", "worker_id", name="pk_turkctl_label_excluded"),
        _experiment("turkctl_label_excluded"),
    )
    op.create_table(
        "turkctl_label_admin",
        sa.Column("experiment_id", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("item", sa.String(255), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("set_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("experiment_id", "mode", "item", name="pk_turkctl_label_admin"),
        _experiment("turkctl_label_admin"),
    )


def _states() -> None:
    op.create_table(
        "turkctl_label_state",
        sa.Column("experiment_id", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("dirty", TIME),
        sa.Column("read_until", sa.Integer(), nullable=False),
        sa.Column("read_field", sa.Text()),
        sa.Column("holder", sa.Text()),
        sa.Column("held_until", TIME),
        sa.Column("run_id", sa.Integer()),
        sa.PrimaryKeyConstraint("experiment_id", "mode", name="pk_turkctl_label_state"),
        _experiment("turkctl_label_state"),
        _run("turkctl_label_state"),
    )


def _runs() -> None:
    op.create_table(
        "turkctl_label_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("experiment_id", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("method", sa.String(32), nullable=False),
        sa.Column("started", TIME, nullable=False),
        sa.Column("finished", TIME),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("facts", sa.Text()),
        sa.Column("changes", sa.Text()),
        sa.Column("error", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_turkctl_label_run"),
        _experiment("turkctl_label_run"),
    )
    op.create_index("ix_turkctl_label_run_experiment_id_mode", "turkctl_label_run", ["experiment_id", "mode"])
    op.create_table(
        "turkctl_label_result",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("item", sa.String(255), nullable=False),
        sa.Column("label", sa.Text()),
        sa.Column("score", sa.Double()),
        sa.Column("p", sa.Double()),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("n_true", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "item", name="pk_turkctl_label_result"),
        _run("turkctl_label_result"),
    )
    op.create_table(
        "turkctl_label_worker",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("worker_id", sa.String(255), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "worker_id", name="pk_turkctl_label_worker"),
        _run("turkctl_label_worker"),
    )
