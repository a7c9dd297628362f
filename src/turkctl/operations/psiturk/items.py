"""What became of each thing that psiTurk had: the rows that an import reports."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

COLUMNS = ("what", "from", "to", "status", "detail")
TAKEN = "taken"
KEPT = "kept"
SKIPPED = "skipped"


@dataclass(frozen=True)
class ImportItem:
    """One thing of psiTurk's: a setting, a campaign, a job, a HIT.

    Attributes:
        what: ``setting``, ``experiment``, ``campaign``, ``task`` or ``hit``.
        source: its name or number with psiTurk; None for something that psiTurk lacks.
        to: what it is with turkctl; None where it has no place here.
        status: ``taken``; ``kept`` where what was here already stays; ``skipped``.
        detail: the value, or why.
    """

    what: str
    source: str | None
    to: str | None
    status: str
    detail: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The row that is shown."""
        row = asdict(self)
        return {name: row["source" if name == "from" else name] for name in COLUMNS}
