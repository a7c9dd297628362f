"""The votes of each result by class, and the probability of each class."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("turkctl_label_result", sa.Column("votes", sa.Text()))
    op.add_column("turkctl_label_result", sa.Column("by_class", sa.Text()))
