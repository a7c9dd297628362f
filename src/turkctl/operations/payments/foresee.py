"""Plan bonuses without asking the market, where there are no credentials for it (``workers bonus --dry-run``).

Such a plan is only to be shown: the market may know newer work, and bonuses that other programs paid.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from turkctl.errors import CredentialsError
from turkctl.mturk.client import MTurk
from turkctl.operations.engine.batch import Engine
from turkctl.operations.engine.plan import Plan, skip
from turkctl.operations.engine.world import CommandOrigin, World
from turkctl.operations.payments.bonus import plan_orders
from turkctl.operations.payments.orders import BonusRequest, orders_of, refuse_ambiguous
from turkctl.operations.selection.work import (
    FoundWork,
    PsiturkWork,
    Work,
    WorkSelection,
    participants_table,
    psiturk_work,
    refuse_unknown_names,
    work_filter,
)
from turkctl.settings import Settings
from turkctl.store import participant_bonuses, participants, workers
from turkctl.store.assignments import APPROVED, SUBMITTED
from turkctl.store.base import Place
from turkctl.store.engine import Database
from turkctl.store.intents import Intent

_NOTE = "there are no credentials: the market was not asked for newer work, for the balance, or what others have paid"
_SEVERAL = "in the rows of several workers, and only the market knows which of them did it"


def foresee_bonus(world: World, wanted: WorkSelection, request: BonusRequest) -> Plan[Intent] | None:
    """Return the plan by what the database knows; None if there are credentials, with which the market is to be asked.

    Raises:
        UsageError: the amount or the reason is invalid, or a worker that is named has several assignments.
        FundsError: the budget of an experiment does not allow it.
        NotFoundError: an experiment or an id is unknown.
    """
    request.check()
    try:
        _ = world.place
    except CredentialsError:
        return _foreseen(_WithoutMarket(world), wanted, request, world.now())
    return None


def _foreseen(world: World, wanted: WorkSelection, request: BonusRequest, now: datetime) -> Plan[Intent]:
    approved = (participants.CREDITED, participants.BONUSED)
    with world.database.read() as session:
        table = participants_table(session, world)
        narrowed = work_filter(session, world.place, wanted)
        refuse_unknown_names(session, world.place, wanted, table)
        work = {row.assignment_id: Work.of_row(row) for row in workers.select_work(session, narrowed)}
        theirs: list[PsiturkWork] = []
        for statuses, says in ((approved, APPROVED), ((participants.SUBMITTED,), SUBMITTED)):
            if table is not None:
                theirs.append(psiturk_work(session, narrowed, table, statuses, says=says).of_a_market())
        for row in (row for found in theirs for row in found.rows):
            work.setdefault(row.assignment_id, Work.of_row(row))
        rows = {} if table is None else participant_bonuses.read(session, table, world.place.mode, list(work))
    if not request.each:
        refuse_ambiguous(wanted.selection.ids, list(work.values()))
    idle = [(row.assignment_id, why) for found in theirs for row, why in found.impossible]
    idle += [(row.assignment_id, _SEVERAL) for found in theirs for row in found.doubtful]
    orders, left = orders_of(request, FoundWork(tuple(work.values())), wanted.selection.ids, rows)
    plan = plan_orders(world, orders, [*left, *skip(idle)], now, strict=request.amount is not None, ask=False)
    return replace(plan, notes=(_NOTE, *plan.notes))


class _WithoutMarket:
    """A world whose place is every market of the mode, because credentials alone could tell which one is meant."""

    def __init__(self, world: World) -> None:
        self._world = world

    @property
    def settings(self) -> Settings:
        return self._world.settings

    @property
    def database(self) -> Database:
        return self._world.database

    @property
    def mturk(self) -> MTurk:
        return self._world.mturk

    @property
    def place(self) -> Place:
        return self._world.listing_place

    @property
    def listing_place(self) -> Place:
        return self._world.listing_place

    @property
    def origin(self) -> CommandOrigin:
        return self._world.origin

    def now(self) -> datetime:
        return self._world.now()

    def engine(self, **options: Any) -> Engine:
        return self._world.engine(**options)
