"""The rows that an import reports: the outcome of each item of psiTurk."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

COLUMNS = ("what", "from", "to", "status", "detail")
TAKEN = "taken"
KEPT = "kept"
SKIPPED = "skipped"


@dataclass(frozen=True)
class ImportItem:
    """One item of psiTurk: a setting, a campaign, a job, a HIT.

    Attributes:
        what: ``setting``, ``experiment``, ``campaign``, ``task`` or ``hit``.
        source: its name or number in psiTurk; None for something that psiTurk lacks.
        to: its name in turkctl; None if it has none.
        status: ``taken``; ``kept`` if an existing value stays; ``skipped``.
        detail: the value, or why.
    """

    what: str
    source: str | None
    to: str | None
    status: str
    detail: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the row that is shown."""
        row = asdict(self)
        return {name: row["source" if name == "from" else name] for name in COLUMNS}
