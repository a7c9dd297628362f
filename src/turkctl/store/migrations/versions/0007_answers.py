"""Answers by field, beside the document that they came in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("turkctl_assignment", sa.Column("answers", sa.Text()))
    op.create_index("ix_turkctl_assignment_assignment_id", "turkctl_assignment", ["assignment_id"])
