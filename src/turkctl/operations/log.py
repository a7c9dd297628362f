"""List the log of acts: what was done, when, by whom, by which command, with which result, at what cost.

:mod:`turkctl.operations.intents.lines` writes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import find_experiment
from turkctl.store import runs
from turkctl.store.runs import LineFilter, Run
from turkctl.units import ZERO

COLUMNS = ("when", "who", "act", "command", "outcome", "cost")
NUMBERS = ("matched", "succeeded", "skipped", "failed")
KEYS = (*COLUMNS, "number", "ended", "error", *NUMBERS, "experiments", "pid", "mode", "market")
OPEN = "no end is recorded: it is at work, or was cut short"


@dataclass(frozen=True)
class LogQuery:
    """Which lines; what is given is combined by "and".

    Attributes:
        since: begun at this time or later.
        until: begun before this time.
        act: words of the act's name, as in ``approve`` or ``hits create``.
        experiment: what the act was about, by its slug.
        limit: number of lines, the newest.
        offset: number of lines that are left out, the newest of all; for pages of the log.
        all_modes: of every mode, not only the world's.
    """

    since: datetime | None = None
    until: datetime | None = None
    act: str | None = None
    experiment: str | None = None
    limit: int | None = None
    all_modes: bool = False
    offset: int = 0

    def of(self, mode: str | None = None, *, other_than: str | None = None) -> LineFilter:
        """Return the same for the store, of one mode, or of all others."""
        words = () if self.act is None else tuple(self.act.split())
        return LineFilter(mode, other_than, self.since, self.until, words, self.experiment)


def list_log(world: World, query: LogQuery) -> list[dict[str, Any]]:
    """Return the lines that match, the newest last.

    Raises:
        NotFoundError: no such experiment.
    """
    wanted = query.of(None if query.all_modes else world.settings.mode)
    with world.database.read() as session:
        if query.experiment is not None:
            find_experiment(session, query.experiment)
        found = list(runs.lines(session, wanted, query.limit, query.offset))
        return [_row(session, line) for line in reversed(found)]


def other_modes(world: World, query: LogQuery) -> str | None:
    """Return a note on the lines of other modes, which the log of this mode leaves out."""
    if query.all_modes:
        return None
    with world.database.read() as session:
        others = runs.count_lines(session, query.of(other_than=world.settings.mode))
    return f"{others:,} more in other modes: --all-modes" if others else None


def _row(session: Session, line: Run) -> dict[str, Any]:
    parts = [] if line.outcome is not None else runs.parts(session, line.number)
    counted = parts or [line]
    numbers = {name: sum(getattr(part, name) for part in counted) for name in NUMBERS}
    return {
        "when": line.begun,
        "who": _who(line),
        "act": line.act,
        "command": line.command,
        "outcome": _in_words(line, numbers) if line.outcome is None else line.outcome,
        "cost": sum((part.cost for part in counted), ZERO),
        "number": line.number,
        "ended": line.ended,
        "error": line.error,
        **numbers,
        "experiments": line.experiments,
        "pid": line.pid,
        "mode": line.mode,
        "market": line.market,
    }


def _who(line: Run) -> str:
    """Return the person and the host; of a form, the person alone, who need not be at that host."""
    if line.account is None:
        return line.host
    return line.account if line.form is not None else f"{line.account}@{line.host}"


def _in_words(line: Run, numbers: dict[str, int]) -> str:
    """Return what is known of a line that nobody closed, or of a run that is a line of its own."""
    said = f"{numbers['succeeded']:,} of {numbers['matched']:,} done" if numbers["matched"] else ""
    rest = [f"{numbers[name]:,} {name}" for name in ("skipped", "failed") if numbers[name]]
    state = {runs.WORKING: OPEN, runs.INCOMPLETE: "incomplete"}.get(line.state)
    code = None if line.error is None else f"failed: {line.error}"
    parts = [", ".join(filter(None, [said, *rest])), state, code]
    return "; ".join(part for part in parts if part)
