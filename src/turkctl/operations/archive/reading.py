"""Show and check what was archived; no market is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from turkctl.archive.facts import ArchiveFacts, read_facts
from turkctl.archive.folder import opened_archive
from turkctl.archive.verify import problems


@dataclass(frozen=True)
class CheckReport:
    """The result of a check: what is wrong, in sentences, and what the archive has and lacks."""

    problems: Sequence[str]
    facts: ArchiveFacts

    @property
    def well(self) -> bool:
        """Return whether nothing is wrong."""
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON has it."""
        facts = self.facts
        return {
            "folder": facts.folder,
            "well": self.well,
            "problems": list(self.problems),
            "finished": facts.finished,
            "items": facts.items,
            "missing": facts.missing,
        }


def check(folder: Path) -> CheckReport:
    """Check an archive.

    Raises:
        NotFoundError, SchemaError, UsageError: it is no archive, a newer one, or damaged.
    """
    with opened_archive(folder) as database:
        return CheckReport(list(problems(database)), read_facts(database))


def show(folder: Path) -> ArchiveFacts:
    """Return what an archive has and lacks.

    Raises:
        NotFoundError, SchemaError, UsageError: as for :func:`check`.
    """
    with opened_archive(folder) as database:
        return read_facts(database)
