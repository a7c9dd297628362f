"""Read what an archive has, and what it lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from turkctl.archive.calls import GONE, WANTED, refusals
from turkctl.archive.folder import ArchiveDatabase
from turkctl.archive.shapes import BALANCES, KINDS, OPERATIONS, UNOBTAINABLE
from turkctl.fees import MTURK
from turkctl.units import ZERO


@dataclass(frozen=True)
class ArchiveYear:
    """Dollars that were paid in one year: approved rewards, bonuses, and the commission by the published rule."""

    year: str
    rewards: Decimal
    bonuses: Decimal
    commission: Decimal


@dataclass(frozen=True)
class ArchiveFacts:
    """What an archive has and lacks.

    Attributes:
        runs: number, begin and end of each run; a run without an end is not finished.
        items: number of items by table.
        vanished: of these, those that an earlier run found and the last finished one did not.
        first, last: creation of the first HIT, and the last submission.
        missing: what the market refused in the last run: operation, code, message, number of calls.
        gone: number of calls about what was deleted meanwhile.
        left: number of calls that are still to be made.
    """

    folder: str
    mode: str
    market: str
    runs: Sequence[Mapping[str, Any]]
    items: Mapping[str, int]
    vanished: Mapping[str, int]
    workers: int
    first: str | None
    last: str | None
    money: Sequence[ArchiveYear]
    missing: Sequence[Mapping[str, Any]]
    gone: int
    left: int

    @property
    def finished(self) -> bool:
        """Return whether all calls of the last run were made."""
        return not self.left and bool(self.runs)

    def as_dict(self) -> dict[str, Any]:
        """Return the facts as JSON has them."""
        unobtainable = [{"what": what, "why": why} for what, why in UNOBTAINABLE]
        money = [asdict(each) for each in self.money]
        return {**vars(self), "money": money, "finished": self.finished, "unobtainable": unobtainable}


def read_facts(database: ArchiveDatabase) -> ArchiveFacts:
    """Read what the archive has."""
    identity = database.identity
    run = database.one("SELECT max(number) FROM run") or 0
    ended = database.one("SELECT max(number) FROM run WHERE ended IS NOT NULL") or 0
    return ArchiveFacts(
        folder=str(database.folder),
        mode=identity.mode,
        market=identity.market,
        runs=[dict(row) for row in database.all("SELECT number, began, ended FROM run ORDER BY number")],
        items={name: _count(database, name) for name in (*(kind.table for kind in KINDS), "batch_rows")},
        vanished={
            kind.table: number
            for kind in KINDS
            if kind is not BALANCES
            and (number := _count(database, f"{kind.table} WHERE last_run BETWEEN 1 AND {ended - 1}"))
        },
        workers=database.one("SELECT count(DISTINCT worker_id) FROM assignments"),
        first=database.one("SELECT min(created) FROM hits"),
        last=database.one("SELECT max(submitted) FROM assignments"),
        money=_money(database),
        missing=refusals(database, run),
        gone=database.one("SELECT count(*) FROM call WHERE run = ? AND state = ?", (run, GONE)),
        left=database.one("SELECT count(*) FROM call WHERE run = ? AND state = ?", (run, WANTED)),
    )


def _count(database: ArchiveDatabase, rows: str) -> int:
    return int(database.one(f"SELECT count(*) FROM {rows}"))  # noqa: S608  # names are ours


def calls_by_operation(database: ArchiveDatabase) -> list[dict[str, Any]]:
    """Return what each operation gave in all runs: number of calls by their state, and of items."""
    rows = database.all(
        "SELECT operation, count(*) AS calls, sum(state = 'answered') AS answered, sum(state = 'refused') AS refused,"
        " sum(state = 'gone') AS gone, coalesce(sum(items), 0) AS items FROM call GROUP BY operation"
    )
    found = {row["operation"]: dict(row) for row in rows}
    return [found[each] for each in OPERATIONS if each in found]


def _money(database: ArchiveDatabase) -> list[ArchiveYear]:
    rewards: dict[str, Decimal] = {}
    bonuses: dict[str, Decimal] = {}
    fees: dict[str, Decimal] = {}
    for row in database.all(
        "SELECT substr(approved, 1, 4) AS year, reward, max_assignments, count(*) AS number FROM assignments"
        " JOIN hits USING (hit_id) WHERE assignments.status = 'Approved' AND approved IS NOT NULL GROUP BY 1, 2, 3"
    ):
        year, reward, number = row["year"], Decimal(row["reward"]), row["number"]
        rewards[year] = rewards.get(year, ZERO) + reward * number
        fee = MTURK.reward_fee(reward, row["max_assignments"] or 1)
        fees[year] = fees.get(year, ZERO) + fee * number
    for row in database.all(
        "SELECT substr(granted, 1, 4) AS year, amount, count(*) AS number FROM bonuses GROUP BY 1, 2"
    ):
        year, amount = row["year"], Decimal(row["amount"])
        bonuses[year] = bonuses.get(year, ZERO) + amount * row["number"]
        fees[year] = fees.get(year, ZERO) + MTURK.bonus_fee(amount) * row["number"]
    years = sorted(rewards.keys() | bonuses.keys())
    return [ArchiveYear(year, rewards.get(year, ZERO), bonuses.get(year, ZERO), fees[year]) for year in years]
