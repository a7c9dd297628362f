"""``workers bonus --from FILE``: a CSV with the columns id, amount and reason."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from turkctl.errors import TurkctlError, UsageError
from turkctl.ids import can_be_id
from turkctl.mturk.errors import DoesNotExistError, InvalidStateError, MarketRefusedError
from turkctl.operations.engine.batch import read_each
from turkctl.operations.engine.plan import SKIPPED, ItemResult, Plan, fail, skip
from turkctl.operations.engine.world import World
from turkctl.operations.intents.bonuses import plain, purpose_of
from turkctl.operations.intents.runs import logged
from turkctl.operations.intents.settle import settle
from turkctl.operations.payments.bonus import Bonus, plan_orders
from turkctl.operations.payments.caps import cap_of
from turkctl.operations.payments.orders import (
    REJECTED_WORK,
    BonusRequest,
    Order,
    check_amount,
    check_reason,
    find_candidates,
    participant_rows,
    refuse_ambiguous,
)
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import Work, WorkSelection, nobody_knows, participants_table
from turkctl.store import workers
from turkctl.store.assignments import REJECTED
from turkctl.store.intents import Intent
from turkctl.store.participant_bonuses import BonusRow
from turkctl.units import parse_money

COLUMNS = ("id", "amount", "reason")


@dataclass(frozen=True)
class Line:
    """One row that can be read: whom, dollars, and what the worker reads. Its id may stand for nobody.

    Rows count from 1, empty ones too, the header aside.
    """

    row: int
    id: str
    amount: Decimal
    reason: str


@dataclass(frozen=True)
class Bad:
    """A row that cannot be paid, and why."""

    row: int
    id: str
    why: str
    hint: str | None = None


def parse(text: str, reason: str | None = None) -> tuple[list[Line], list[Bad]]:
    """The good rows and the bad ones; ``reason`` stands in where a row has none.

    Raises:
        UsageError: it is no CSV, or lacks a column.
    """
    try:
        rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True))
    except csv.Error as error:
        raise UsageError(f"this is no CSV file: {error}", hint=f"columns are {', '.join(COLUMNS)}") from None
    while rows and not _filled(rows[0]):
        del rows[0]
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    needed = COLUMNS if reason is None else COLUMNS[:2]
    missing = [name for name in needed if header.count(name) != 1]
    if missing:
        raise UsageError(
            f"the file needs one column {missing[0]}",
            hint=f"its first row names the columns, with commas between them: {','.join(COLUMNS)}",
        )
    good: list[Line] = []
    bad: list[Bad] = []
    for number, row in enumerate(rows[1:], start=1):
        if not _filled(row):
            continue
        cells = dict(zip(header, (cell.strip() for cell in row), strict=False))
        try:
            good.append(_line(number, cells, reason, whole=len(row) == len(header)))
        except UsageError as error:
            bad.append(Bad(number, cells.get("id", ""), error.message, error.hint))
    return _once(good, bad)


def _filled(row: Sequence[str]) -> bool:
    return any(cell.strip() for cell in row)


def _line(number: int, cells: dict[str, str], reason: str | None, *, whole: bool) -> Line:
    if not whole:
        raise UsageError("it has more or fewer cells than the header")
    amount = parse_money(cells["amount"])
    check_amount(amount)
    told = (cells.get("reason") or reason or "").strip()
    check_reason(told)
    return Line(number, cells["id"], amount, told)


def _once(good: list[Line], bad: list[Bad]) -> tuple[list[Line], list[Bad]]:
    """The same id and reason twice is a slip: none but the first would ever be paid."""
    seen: Counter[tuple[str, str]] = Counter()
    kept = []
    for line in good:
        seen[line.id, line.reason] += 1
        if line.id and seen[line.id, line.reason] > 1:
            bad.append(Bad(line.row, line.id, "the id is there before, for the same reason"))
        else:
            kept.append(line)
    return kept, sorted(bad, key=lambda each: each.row)


def prepare_bonus_file(
    world: World,
    path: Path,
    *,
    reason: str | None = None,
    purpose: str | None = None,
    each: bool = False,
    skip_bad_rows: bool = False,
) -> tuple[Plan[Intent], Bonus]:
    """The plan for the rows of a file, and how they are paid.

    Raises:
        UsageError: the file cannot be read, or has a bad row and ``skip_bad_rows`` is not set; nothing is done then.
            An id that nobody knows makes no bad row: it fails alone.
        FundsError, WrongMarketError: see :func:`turkctl.operations.payments.bonus.prepare_bonus`.
    """
    if reason is not None or purpose is not None:
        BonusRequest(reason or "-", Decimal("0.01"), purpose).check()
    lines, bad = parse(_read(path), reason)
    now = world.now()
    settled = settle(world, now)
    lines, unknown = _known(world, lines)
    orders, wrong, left = _orders(world, lines, purpose and plain(purpose), each=each)
    bad = sorted([*bad, *wrong], key=lambda one: one.row)
    if bad and not skip_bad_rows:
        raise _refused(path.name, bad)
    left += [ItemResult(one.id or f"row {one.row}", SKIPPED, f"row {one.row}: {one.why}") for one in bad]
    left += unknown
    plan = plan_orders(world, orders, left, now, strict=True)
    run = logged(world, "bonus")
    return replace(plan, notes=(*settled.notes, *plan.notes), run=run), Bonus(world, run=run)


def _refused(name: str, bad: Sequence[Bad]) -> UsageError:
    first = bad[0]
    whose = f", for {first.id}" if first.id and first.id not in first.why else ""
    more = f" ({len(bad)} bad rows in all)" if len(bad) > 1 else ""
    others = "add --skip-bad-rows to pay the others; --skip-bad-rows --dry-run shows them all"
    return UsageError(
        f"row {first.row} of {name}: {first.why}{whose}{more}; nothing was done",
        hint=f"{first.hint or 'correct it'}, or {others}",
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{path} cannot be read: {why}", hint="give a CSV file in UTF-8") from None


def _known(world: World, lines: Sequence[Line]) -> tuple[list[Line], list[ItemResult]]:
    """Return the rows whose id somebody knows, and a failed item for each of the others."""
    ids = list(dict.fromkeys(line.id for line in lines))
    with world.database.read() as session:
        own = workers.own_names(session, world.place, ids)
        known = workers.known_names(session, world.place, ids, participants_table(session, world), own)
    strangers = [name for name in ids if name not in known]
    askable = [name for name in strangers if can_be_id(name)]
    errors: dict[str, TurkctlError] = {name: nobody_knows(name) for name in strangers if not can_be_id(name)}
    for name, answer in read_each(world.engine(), askable, world.mturk.get_assignment):
        if isinstance(answer, DoesNotExistError):
            errors[name] = nobody_knows(name)
        elif isinstance(answer, MarketRefusedError) and not isinstance(answer, InvalidStateError):
            errors[name] = answer
    if "" in errors:
        errors[""] = UsageError("the id is missing")
    failed = [fail(line.id, errors[line.id], line.row) for line in lines if line.id in errors]
    return [line for line in lines if line.id not in errors], failed


def _orders(
    world: World, lines: Sequence[Line], purpose: str | None, *, each: bool
) -> tuple[list[Order], list[Bad], list[ItemResult]]:
    """Bonuses by row, bad rows, and what has nothing that could get one."""
    if not lines:
        return [], [], []
    ids = tuple(dict.fromkeys(line.id for line in lines))
    found = find_candidates(world, WorkSelection(Selection(ids=ids)))
    rows = participant_rows(world, found.work)
    by_name: dict[str, list[Work]] = {}
    for work in found.work:
        by_name.setdefault(work.assignment_id, []).append(work)
        if work.status != REJECTED:
            by_name.setdefault(work.worker_id, []).append(work)
    orders, bad = [], []
    left = [
        ItemResult(work.assignment_id, SKIPPED, REJECTED_WORK)
        for work in found.work
        if work.worker_id in ids and work.worker_id not in by_name and work.assignment_id not in ids
    ]
    taken: set[tuple[str, str]] = set()
    for line in lines:
        theirs = by_name.get(line.id, [])
        made = [
            Order(
                work,
                line.amount,
                line.reason,
                purpose or purpose_of(line.reason),
                rows.get(work.claim),
                line.row,
            )
            for work in theirs
        ]
        try:
            _check(world, line, made, taken, each=each)
        except UsageError as error:
            bad.append(Bad(line.row, line.id, error.message, error.hint))
            continue
        taken |= {(order.work.assignment_id, order.purpose) for order in made}
        orders += made
    return orders, bad, [*left, *skip(found.idle), *found.failed]


def _order(line: Line, work: Work, purpose: str | None, rows: Mapping[str, BonusRow]) -> Order:
    wanted = purpose or purpose_of(line.reason)
    return Order(work, line.amount, line.reason, wanted, rows.get(work.assignment_id), line.row)


def _check(world: World, line: Line, made: Sequence[Order], taken: set[tuple[str, str]], *, each: bool) -> None:
    if not each:
        refuse_ambiguous([line.id], [order.work for order in made])
    for order in made:
        if (order.work.assignment_id, order.purpose) in taken:
            raise UsageError(f"assignment {order.work.assignment_id} is there before, for the same purpose")
        error = cap_of(world, order)
        if error is not None:
            raise UsageError(error.message, hint=error.hint)
