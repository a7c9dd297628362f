"""The checks of ``turkctl doctor``: what works, and how to mend what does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from turkctl.errors import TurkctlError


@dataclass(frozen=True)
class Check:
    """One line of the report."""

    name: str
    ok: bool
    detail: str
    mend: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The row that is shown."""
        return {"check": self.name, "ok": self.ok, "detail": self.detail, "mend": self.mend}


def run_checks(checks: Mapping[str, Callable[[], str]], needs: Mapping[str, str]) -> Iterator[Check]:
    """Run the checks in order, each on its own.

    Args:
        checks: by name, a function that says what it found, or raises a TurkctlError.
        needs: by name, the check without which this one cannot say anything.
    """
    failed: set[str] = set()
    for name, check in checks.items():
        if needs.get(name) in failed:
            failed.add(name)
            yield Check(name, False, f"not checked: needs {needs[name]}", f"mend {needs[name]} first")
            continue
        try:
            yield Check(name, True, check())
        except TurkctlError as error:
            failed.add(name)
            yield Check(name, False, error.message, error.hint)
