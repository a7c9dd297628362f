"""Tasks that are due by a cron line."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("turkctl_task", sa.Column("cron", sa.String(200)))
    op.add_column("turkctl_task", sa.Column("timezone", sa.String(64)))
