"""When experiments were closed to new work, and when they ended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0022"
branch_labels = None
depends_on = None

TIME = sa.String(27).with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.add_column("turkctl_experiment", sa.Column("closed", TIME))
    op.add_column("turkctl_experiment", sa.Column("ended", TIME))
