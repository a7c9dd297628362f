"""The dashboard: lines of the log that forms begin, attempts to sign in, and ended sessions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TIME = sa.String(27).with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.add_column("turkctl_run", sa.Column("form", sa.String(64)))
    op.add_column("turkctl_run", sa.Column("request", sa.Text()))
    op.create_index("ix_turkctl_run_form", "turkctl_run", ["form"], unique=True)
    op.create_table(
        "turkctl_sign_in_attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("failed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_turkctl_sign_in_attempt"),
    )
    op.create_index("ix_turkctl_sign_in_attempt_name_at", "turkctl_sign_in_attempt", ["name", "at"])
    op.create_index("ix_turkctl_sign_in_attempt_address_at", "turkctl_sign_in_attempt", ["address", "at"])
    op.create_table(
        "turkctl_ended_session",
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("until", TIME, nullable=False),
        sa.PrimaryKeyConstraint("token", name="pk_turkctl_ended_session"),
    )
    op.create_index("ix_turkctl_ended_session_until", "turkctl_ended_session", ["until"])
