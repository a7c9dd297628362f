"""Lines of the log that forms of the dashboard begin."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("turkctl_run", sa.Column("form", sa.String(64)))
    op.add_column("turkctl_run", sa.Column("request", sa.Text()))
    op.create_index("ix_turkctl_run_form", "turkctl_run", ["form"], unique=True)
