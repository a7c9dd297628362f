"""Who aggregates labels and who runs a round is told by leases alone."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("turkctl_label_state", "holder")
    op.drop_column("turkctl_label_state", "held_until")
    op.drop_column("turkctl_round", "owner")
