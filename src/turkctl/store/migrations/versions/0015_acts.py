"""Who did what: the people behind runs, the line of the log that a run is part of, and what turkctl decided on work."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("turkctl_run", sa.Column("account", sa.String(255)))
    op.add_column("turkctl_run", sa.Column("outcome", sa.Text()))
    op.add_column("turkctl_run", sa.Column("experiments", sa.Text()))
    op.add_column("turkctl_run", sa.Column("part_of", sa.Integer()))
    op.create_index("ix_turkctl_run_part_of", "turkctl_run", ["part_of"])
    op.add_column("turkctl_assignment", sa.Column("our_decision", sa.String(16)))
