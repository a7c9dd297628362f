"""Pay the bonuses of a table with an id, an amount and a reason in each row (``workers bonus --from FILE``)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TextIO

from turkctl.errors import TurkctlError, UsageError
from turkctl.ids import can_be_id
from turkctl.mturk.errors import DoesNotExistError, InvalidStateError, MarketRefusedError
from turkctl.operations.engine.batch import read_each
from turkctl.operations.engine.plan import SKIPPED, ItemResult, Plan, fail, skip
from turkctl.operations.engine.world import World
from turkctl.operations.intents.bonuses import plain, purpose_of
from turkctl.operations.intents.runs import logged
from turkctl.operations.intents.settle import settle
from turkctl.operations.market_rules import learn_rules
from turkctl.operations.payments.bonus import Bonus, plan_orders
from turkctl.operations.payments.caps import order_over_cap
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
from turkctl.operations.selection.file_rows import (
    WORK,
    Bad,
    FileRow,
    FileRows,
    Named,
    mangled_ids,
    other_workers,
    refusal,
    with_worker_ids,
)
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import Work, WorkSelection, nobody_knows, participants_table
from turkctl.rows import Table, opened
from turkctl.store import workers
from turkctl.store.assignments import REJECTED
from turkctl.store.intents import Intent


@dataclass(frozen=True)
class Line(Named):
    """A valid row: an id, dollars, and the reason that the worker reads."""

    amount: Decimal
    reason: str
    worker: str = ""
    """The worker that the row names besides its assignment."""


def read_bonuses(table: Table, reason: str | None = None) -> tuple[list[Line], list[Bad]]:
    """Return the good rows and the bad rows; ``reason`` is used for rows that have none.

    In a file that says what to approve or reject, a row without an amount gets no bonus.

    Raises:
        UsageError: a column is missing, or the table cannot be read to its end.
    """
    rows = FileRows(table, WORK, "amount", "reason", "approve", "reject")
    for name in ("amount",) if reason is not None else ("amount", "reason"):
        rows.require(name)
    decides = rows.has("approve") or rows.has("reject")
    good: list[Line] = []
    bad: list[Bad] = []
    for each in rows.read():
        if decides and not each.texts["amount"]:
            continue
        try:
            good.append(_line(table, each, reason))
        except UsageError as error:
            bad.append(Bad(each.row, each.id, error.message, error.hint))
    return _once(good, [*rows.bad, *bad])


def _line(table: Table, entry: FileRow, reason: str | None) -> Line:
    dollars = table.money(entry.texts["amount"])
    check_amount(dollars)
    told = entry.texts["reason"] or (reason or "").strip()
    check_reason(told)
    return Line(entry.row, entry.id, dollars, told, entry.worker)


def _once(good: list[Line], bad: list[Bad]) -> tuple[list[Line], list[Bad]]:
    """Return the good and the bad rows, after moving rows that repeat an id and a reason to the bad ones.

    Such a repeat is a mistake: only the first of them would ever be paid.
    """
    seen: Counter[tuple[str, str]] = Counter()
    kept = []
    for line in good:
        seen[line.id, line.reason] += 1
        if line.id and seen[line.id, line.reason] > 1:
            bad.append(Bad(line.row, line.id, "an earlier row has the same id and reason"))
        else:
            kept.append(line)
    return kept, sorted(bad, key=lambda each: each.row)


def prepare_bonus_file(
    world: World,
    path: Path,
    stdin: TextIO,
    *,
    reason: str | None = None,
    purpose: str | None = None,
    each: bool = False,
    skip_bad_rows: bool = False,
) -> tuple[Plan[Intent], Bonus]:
    """Return the plan for the rows of a file, or of standard input for ``-``, and the act that pays them.

    Raises:
        UsageError: the file cannot be read, or it has a bad row and ``skip_bad_rows`` is not set; nothing is paid. A
            row with an unknown id is not a bad row: only that row fails.
        FundsError, WrongMarketError: see :func:`turkctl.operations.payments.bonus.prepare_bonus`.
    """
    if reason is not None or purpose is not None:
        BonusRequest(reason or "-", Decimal("0.01"), purpose).check()
    with opened(path, stdin) as table:
        lines, bad = read_bonuses(table, reason)
    now = world.now()
    learn_rules(world)
    settled = settle(world, now)
    named = with_worker_ids(world, lines)
    lines, unknown = _known(world, named)
    orders, wrong, left = _orders(world, lines, purpose and plain(purpose), each=each)
    bad = sorted([*bad, *wrong], key=lambda one: one.row)
    if bad and not skip_bad_rows:
        others = "add --skip-bad-rows to pay the others; --skip-bad-rows --dry-run shows them all"
        raise refusal(table, bad, "nothing was paid", otherwise=f", or {others}")
    left += [ItemResult(one.id or f"row {one.row:,}", SKIPPED, f"row {one.row:,}: {one.why}") for one in bad]
    left += unknown
    plan = plan_orders(world, orders, left, now, strict=True)
    run = logged(world, "bonus")
    did = {order.work.assignment_id: order.work.worker_id for order in orders}
    doubts = mangled_ids(named) + other_workers(world, [(line.row, line.id, line.worker) for line in lines], did)
    return replace(plan, notes=(*settled.notes, *plan.notes, *doubts), run=run), Bonus(world, run=run)


def _known(world: World, lines: Sequence[Line]) -> tuple[list[Line], list[ItemResult]]:
    """Return the rows whose id the database or the market knows, and a failed item for each of the others."""
    ids = list(dict.fromkeys(line.id for line in lines))
    with world.database.read() as session:
        own = workers.own_names(session, world.place, ids)
        known = workers.known_names(session, world.place, ids, participants_table(session, world), own)
    unknown = [name for name in ids if name not in known]
    askable = [name for name in unknown if can_be_id(name)]
    errors: dict[str, TurkctlError] = {name: nobody_knows(name) for name in unknown if not can_be_id(name)}
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
    """Return the bonuses in the order of the rows, the bad rows, and the results of ids with no work to pay for."""
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


def _check(world: World, line: Line, made: Sequence[Order], taken: set[tuple[str, str]], *, each: bool) -> None:
    if not each:
        refuse_ambiguous([line.id], [order.work for order in made])
    for order in made:
        if (order.work.assignment_id, order.purpose) in taken:
            raise UsageError(f"an earlier row pays assignment {order.work.assignment_id} for the same purpose")
        error = order_over_cap(world, order)
        if error is not None:
            raise UsageError(error.message, hint=error.hint)
