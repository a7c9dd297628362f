"""Post the HITs that ``content dispatch`` has planned: each by its intent, and only if it is still needed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from turkctl.errors import TurkctlError, UsageError
from turkctl.mturk.errors import InsufficientFundsError
from turkctl.operations.engine.plan import SKIPPED, Done, Step
from turkctl.operations.engine.world import World
from turkctl.operations.hits.create import Create, made_of
from turkctl.operations.intents.outcomes import certain
from turkctl.operations.intents.runs import RunRow
from turkctl.operations.intents.settle import enter_posts
from turkctl.operations.limits.budgets import exposure, headroom
from turkctl.operations.limits.room import Room, read_room
from turkctl.store import contents, contents_counts, experiments, intents, meta
from turkctl.store.base import Scope
from turkctl.store.intents import Intent
from turkctl.units import ZERO

BALANCE_EVERY = 200
"""Number of HITs after which the balance is read again."""
NOT_POSTED = "not posted: "
_DATABASE_ID = 24
"""Characters of the database's id in the names of its items."""
SHORT = NOT_POSTED + "the market says that the balance is too low"


def digest(experiment_id: int) -> str:
    """Return the digest by which the unfinished requests of an experiment's dispatches are found again."""
    return hashlib.sha256(f"content dispatch {experiment_id}".encode()).hexdigest()


class Dispatching(Create):
    """The act of posting: the transaction that opens a request checks that it is still needed and within the limits.

    So work that another process has done since the plan was made is not repeated, even if two dispatches run at once.
    """

    def __init__(
        self, world: World, steps: Sequence[Step[Intent]], now: datetime, balance: Decimal, run: RunRow
    ) -> None:
        """Take ``balance``, the dollars that may be spent on the steps."""
        super().__init__(world, steps, now, run)
        self._world = world
        self._balance = balance
        self._since_read = 0
        self._short = False
        self._held: dict[str, str] = {}
        """The reasons why requests are not sent, by token."""
        self._tried: set[str] = set()
        self._tells_items = False

    def prepare(self, steps: Sequence[Step[Intent]]) -> None:
        """Commit the requests of a group with the items of their HITs, except requests that are no longer possible.

        Raises:
            UnreachableError: the balance cannot be read.
        """
        self._tells_items = self._world.engine().call(self._world.mturk.keeps_items_apart)
        if self._short or self._since_read + len(steps) > BALANCE_EVERY:
            self._read_balance()
        self._ensure_types(steps)
        with self._database.write() as session:
            self._open(session, [step.payload for step in steps if step.payload.sent is None])
            ours: list[Intent] = []
            for intent in (step.payload for step in steps):
                if intent.token in self._held:
                    continue
                if intents.mark_sent(session, intent.token, self._now, sent_before=intent.sent):
                    ours.append(intent)
                else:
                    self._held[intent.token] = NOT_POSTED + "another process is posting this HIT"
            self._restore(session, ours)

    def _read_balance(self) -> None:
        balance = self._world.engine().call(self._mturk.balance)
        with self._database.read() as session:
            self._balance = headroom(balance, exposure(Scope(session, self._place, self._now)), None)
        self._since_read, self._short = 0, False

    def _open(self, session: Session, wanted: Sequence[Intent]) -> None:
        new = [each for each in wanted if each.state == intents.OPEN and intents.get(session, each.token) is None]
        pending = [item for intent in new for item in _pending(intent)]
        needs = contents_counts.needs(Scope(session, self._place, self._now), pending)
        rooms: dict[int, Room] = {}
        opened: list[Intent] = []
        for intent in new:
            why = self._refusal(session, intent, needs, rooms)
            if why is None:
                intent.run = None if self._run is None else self._run.number
                opened.append(intent)
            else:
                self._held[intent.token] = NOT_POSTED + why
        intents.open_many(session, opened)
        contents.open_links(session, [link for intent in opened for link in _links(intent)])

    def _refusal(self, session: Session, intent: Intent, needs: dict[int, int], rooms: dict[int, Room]) -> str | None:
        """Return why the request is not opened; if None, deduct it from what is needed and allowed."""
        assert intent.experiment_id is not None, "a dispatched HIT belongs to an experiment"
        request = intent.request
        given = (int(request["assignments"]) - 1) * int(request["outputs"])
        if any(needs.get(item, 0) <= given for item in _pending(intent)):
            return "another dispatch posted it, or its content was changed; for the rest, run: turkctl content dispatch"
        if intent.experiment_id not in rooms:
            version = experiments.current(session, intent.experiment_id)
            rooms[intent.experiment_id] = read_room(Scope(session, self._place, self._now), version)
        room = rooms[intent.experiment_id]
        if room.hits <= 0:
            return f"{room.why} is reached"
        why = room.money_refuses(intent.cost, self._balance)
        if why is None:
            room.take(intent.cost)
            self._balance -= intent.cost
            self._since_read += 1
            for item in _pending(intent):
                needs[item] -= int(request["assignments"]) * int(request["outputs"])
        return why

    def _restore(self, session: Session, wanted: Sequence[Intent]) -> None:
        super()._restore(session, wanted)
        shown = {intent.token: [int(item) for item in intent.request["contents"]] for intent in wanted}
        data = contents.data_of(session, list({item for items in shown.values() for item in items}))
        for token, items in shown.items():
            self._posts[token] = replace(self._posts[token], rows=tuple(data[item] for item in items))
        if self._tells_items:
            for intent in wanted:
                known = {int(item) for item in intent.request["gold"]}
                names = {item: name_of(session, item) for item in shown[intent.token]}
                self._posts[intent.token] = replace(
                    self._posts[intent.token],
                    items=tuple(name for item, name in names.items() if item not in known),
                    known_items=tuple(name for item, name in names.items() if item in known),
                )

    def perform(self, step: Step[Intent]) -> Done:
        """Post the HIT; if the balance is too low, it is skipped, not failed."""
        token = step.payload.token
        if token in self._held:
            return Done(SKIPPED, self._held[token], cost=ZERO)
        first = step.payload.sent is None and token not in self._tried
        self._tried.add(token)
        if first and self._short:
            return Done(SKIPPED, SHORT, cost=ZERO)
        try:
            return super().perform(step)
        except InsufficientFundsError:
            self._short = True
            if not first:  # an earlier try may have reached the market
                raise
            return Done(SKIPPED, SHORT, cost=ZERO)

    def record(self, outcomes: Sequence[tuple[Step[Intent], Done | TurkctlError]]) -> None:
        """Store the HITs and finish their intents; a request that may have succeeded stays unfinished."""
        with self._database.write() as session:
            enter_posts(Scope(session, self._place, self._now), made_of(outcomes))
            for step, outcome in outcomes:
                intent = step.payload
                self._posts.pop(intent.token, None)
                if not isinstance(outcome, Done):
                    unasked = isinstance(outcome, UsageError) and intent.sent is None
                    if unasked or certain(intent, outcome, self._now):
                        intents.fail(session, intent.token, outcome.code, self._now)
                        self._forget_own(session, intent, outcome)
                elif outcome.status == SKIPPED and intent.token not in self._held:
                    intents.fail(session, intent.token, "InsufficientFunds", self._now)


def name_of(session: Session, item: int) -> str:
    """Return what the market calls an item: the same in every HIT, and like no item of another database."""
    return f"{meta.database_id(session)[:_DATABASE_ID]}-{item}"


def _pending(intent: Intent) -> list[int]:
    """Return the items that the HIT is for, without those with a known answer."""
    known = set(intent.request["gold"])
    return [int(item) for item in intent.request["contents"] if item not in known]


def _links(intent: Intent) -> list[dict[str, Any]]:
    return [
        {
            "token": intent.token,
            "position": position,
            "content_id": item,
            "hit_row": None,
            "assignments": int(intent.request["assignments"]),
            "outputs": int(intent.request["outputs"]),
        }
        for position, item in enumerate(intent.request["contents"], start=1)
    ]
