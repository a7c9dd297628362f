"""Run the checks of ``turkctl doctor``: what works, and how to fix what does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from turkctl.accounts import told_apart
from turkctl.errors import TurkctlError

if TYPE_CHECKING:
    from turkctl.context import Context


def other_markets(world: Context) -> str:
    """Return a note on other markets or accounts that the database has HITs of in this mode; usually empty.

    Raises:
        TurkctlError: the database cannot be read.
    """
    from turkctl.store import hits

    with world.database.read() as session:
        known = hits.markets(session, world.place.mode)
    others = [told_apart(market, world.place.market) for market in known if market != world.place.market]
    return f"; the database also has HITs of {', '.join(others)}" if others else ""


@dataclass(frozen=True)
class Check:
    """One line of the report, and how to fix what failed."""

    name: str
    ok: bool
    detail: str
    fix: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the row that is shown."""
        return {"check": self.name, "ok": self.ok, "detail": self.detail, "mend": self.fix}


def run_checks(checks: Mapping[str, Callable[[], str]], needs: Mapping[str, str]) -> Iterator[Check]:
    """Run the checks in order, each on its own.

    Args:
        checks: by name, a function that returns what it found, or raises a TurkctlError.
        needs: by name, the check that must succeed first.
    """
    failed: set[str] = set()
    for name, check in checks.items():
        if needs.get(name) in failed:
            failed.add(name)
            yield Check(name, False, f"not checked: needs {needs[name]}", f"fix {needs[name]} first")
            continue
        try:
            yield Check(name, True, check())
        except TurkctlError as error:
            failed.add(name)
            yield Check(name, False, error.message, error.hint)
