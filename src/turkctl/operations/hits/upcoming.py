"""Tell people of deadlines within a day, once for each experiment, kind of deadline and day."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any

from turkctl.operations.engine.world import World
from turkctl.operations.hits.deadlines import APPROVAL, DISPOSAL, EXPIRY, FINAL, foresee
from turkctl.operations.notices.events import in_mode, mode_flag
from turkctl.operations.selection.hits import Selection
from turkctl.store import campaigns, notices
from turkctl.units import ZERO, format_time, money_text
from turkctl.words import counted, plural

DAY = timedelta(days=1)

Row = dict[str, Any]
_Group = tuple[str, str | None, date]


def tell_of_deadlines(world: World) -> None:
    """Write a notice of each experiment's deadlines of a day, once the first of them is less than a day away.

    Work that approves itself is meant while nobody has decided on it. A HIT's expiry is meant if nothing posts again
    what nobody took, so not while its campaign runs; and not if the HIT was posted for a day or less, when its poster
    knew.

    Raises:
        DatabaseUnreachableError: the database did not answer.
    """
    place, now = world.listing_place, world.now()
    with world.database.read() as session:
        running = {each.number for each in campaigns.list_all(session, place, campaigns.RUNNING)}
    groups: defaultdict[_Group, list[Row]] = defaultdict(list)
    for row in foresee(world, Selection(everything=True), 2 * DAY):
        if row["when"] > now and not _expected(row, running):
            groups[row["what"], row["experiment"], row["when"].date()].append(row)
    near = {
        f"{what} {place.mode} {place.market} {experiment or ''} {day}": rows
        for (what, experiment, day), rows in groups.items()
        if rows[0]["when"] <= now + DAY
    }
    with world.database.read() as session:
        told = notices.known(session, near)
    new = {key: rows for key, rows in near.items() if key not in told}
    if new:
        _write(world, new, now)


def _write(world: World, new: dict[str, list[Row]], now: datetime) -> None:
    mode = world.settings.mode
    with world.database.write() as session:
        for key, rows in new.items():
            what, slug = rows[0]["what"], rows[0]["experiment"]
            message = _words(what, rows, mode)
            notices.add(session, key, what, message, mode=mode, happened=now, experiment=slug)


def _expected(row: Row, running: set[int]) -> bool:
    """Return whether an expiry is no news."""
    return row["what"] == EXPIRY and (row["campaign"] in running or row["when"] - row["created"] <= DAY)


def _words(what: str, rows: list[Row], mode: str) -> str:
    """Return what is about to happen, in a sentence."""
    number = len(rows)
    of = (f" of {rows[0]['experiment']}" if rows[0]["experiment"] else "") + in_mode(mode)
    moment = format_time(rows[0]["when"].replace(microsecond=0))
    when = f"at {moment}" if number == 1 else f"from {moment} on"
    money = money_text(sum((row["amount"] or ZERO for row in rows), ZERO))
    happens = {
        APPROVAL: f"{counted(number, 'submission')}{of} that nobody has decided on "
        f"{plural(number, 'approves itself', 'approve themselves')} {when}, for {money}",
        FINAL: f"{counted(number, 'rejection')}{of} {plural(number, 'becomes', 'become')} final {when}",
        EXPIRY: f"{counted(number, 'HIT')}{of} with open places {plural(number, 'expires', 'expire')} {when}",
        DISPOSAL: f"{counted(number, 'HIT')}{of} {plural(number, 'is', 'are')} removed from the market {when}",
    }
    return f"{happens[what]}; see: turkctl hits deadlines{mode_flag(mode)}"
