"""Run one round of a campaign: read the market, count people, post the missing assignments, record why.

The decision and the intents of its HITs are one transaction, and writing transactions run one after another. So
assignments that one process has decided to post count for every other process from that moment on, even if the
process ends: ``completed + outstanding + newly posted <= goal`` holds through crashes, lost answers and simultaneous
rounds. The lease of a round only keeps two processes from doing the same work; the goal does not depend on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from turkctl.errors import RefusedError, TurkctlError
from turkctl.mturk.types import Balance
from turkctl.operations.campaigns.decisions import (
    CLOSED,
    EXHAUSTED,
    LAST,
    POSTED,
    WAITING,
    Decision,
    decide,
    next_round_at,
)
from turkctl.operations.campaigns.lifecycle import end, exhaust, find, give_up_unsent, keep_task
from turkctl.operations.campaigns.posting import Posting, batch_name, new_intents, unanswered
from turkctl.operations.campaigns.standing import Facts, Standing, read_facts
from turkctl.operations.engine.plan import BatchResult, ItemResult, Plan, Step
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.people import completed
from turkctl.operations.intents.lease import Keeper, in_words
from turkctl.operations.intents.settle import recount, settle
from turkctl.operations.market_rules import learn_rules
from turkctl.operations.qualifications.gate import keep_out
from turkctl.operations.qualifications.took_part import grant_new
from turkctl.operations.sync.of_psiturk import enter_psiturk, posted_meanwhile
from turkctl.operations.sync.run import read_market, unfinished
from turkctl.store import campaigns, experiments, intents, leases, psiturk_hits, rounds, tasks
from turkctl.store.campaigns import Campaign, digest
from turkctl.store.engine import Database
from turkctl.store.experiments import Version
from turkctl.store.hits import PSITURK, HitRow
from turkctl.store.intents import Intent
from turkctl.store.leases import LeaseRow
from turkctl.store.people import unreviewed
from turkctl.store.rounds import Round
from turkctl.words import counted

_FUNDS = "InsufficientFunds"


class RoundKeeper(Keeper):
    """The lease of one process on a campaign's round."""

    def __init__(self, database: Database, campaign_id: int, **options: Any) -> None:
        super().__init__(database, name=leases.of_round(campaign_id), **options)
        self._campaign = campaign_id

    def refusal(self, row: LeaseRow) -> RefusedError:
        """Return the error for a round that another process runs."""
        return RefusedError(
            f"{in_words(row)} is already running a round of campaign {self._campaign}", hint="wait until it is done"
        )

    def loss(self) -> RefusedError:
        """Return the error for a round that another process may have taken over."""
        return RefusedError(
            f"this process paused for too long; another process may be running campaign {self._campaign} now",
            hint=f"see: turkctl campaigns show {self._campaign}",
        )


def run_round(
    world: World,
    campaign_id: int,
    now: datetime,
    *,
    keeper: Keeper | None = None,
    on_item: Callable[[ItemResult], None] = lambda _item: None,
) -> RoundReport:
    """Run the campaign's next round.

    Args:
        world: database, market and clock.
        campaign_id: its number.
        now: the time that the study lives in.
        keeper: holds the lease that lets one process at a time run a round.
        on_item: called with the result of each HIT that it posts.

    Raises:
        NotFoundError, WrongMarketError: there is no such campaign in this mode and market.
        RefusedError: another process is running a round of it, or took this one over while this process was paused.
        UnreachableError: the market cannot be reached; the next round continues what was begun.
    """
    keeper = keeper or RoundKeeper(world.database, campaign_id)
    begun = _begin(world, campaign_id, now, keeper)
    if isinstance(begun, RoundReport):
        return begun
    with keeper.renewed():
        try:
            return begun.run(on_item)
        except BaseException as error:
            begun.give_up(error)
            raise


def _begin(world: World, campaign_id: int, now: datetime, keeper: Keeper) -> RoundReport | _BegunRound:
    place = world.place
    with world.database.write() as session:
        campaign = find(session, campaign_id, place)
        if not campaign.running:
            return RoundReport(campaign, None, campaign.status, campaign.reason)
        keeper.acquire_in(session)
        give_up_unsent(session, campaign, "replaced by the decision of a later round", now)
        waiting = intents.unfinished_by_digest(session, place, digest(campaign_id))
        begun = rounds.begin(session, campaign_id, now)
        version = experiments.current(session, campaign.experiment_id)
        _take_slot(session, campaign, now)
    return _BegunRound(world, campaign, version, begun, {intent.batch for intent in waiting}, now, keeper)


def _take_slot(session: Session, campaign: Campaign, now: datetime) -> None:
    """Use up the slot that is due, so that the scheduler does not run a round right after one run by hand."""
    task = tasks.of_campaign(session, campaign.number)
    if task is not None and task.next_run <= now:
        keep_task(session, campaign, task.schedule.after(task.next_run, now))


@dataclass
class _Decided:
    """A decision, the numbers it was made from, and the requests that follow from it."""

    decision: Decision
    standing: Standing
    requests: list[Intent]


class _BegunRound:
    """A round that has begun."""

    def __init__(
        self,
        world: World,
        campaign: Campaign,
        version: Version,
        begun: Round,
        batches: set[str],
        now: datetime,
        keeper: Keeper,
    ) -> None:
        self._world = world
        self._database = world.database
        self._campaign = campaign
        self._version = version
        self._round = begun
        self._batches = batches
        """The rounds with unanswered requests when this one began."""
        self._now = now
        self._keeper = keeper
        self._table = world.settings["participants_table"]

    def run(self, on_item: Callable[[ItemResult], None]) -> RoundReport:
        """Read the market, count, post, and record the outcome."""
        absent: tuple[str, ...] = ()
        balance = None
        if self._version.code_version == self._campaign.code_version:
            absent = self._look()
            balance = self._balance()
        decided = self._decide(absent, balance)
        result = self._post(decided, on_item) if decided.requests else None
        return self._finish(decided, result)

    def give_up(self, error: BaseException) -> None:
        """Record that the round ended with an error; the next round takes care of its unanswered requests."""
        words = error.message if isinstance(error, TurkctlError) else f"{type(error).__name__}: {error}"
        with self._database.write() as session:
            recount(session, self._batches | {self._batch})
            self._write(session, outcome=rounds.FAILED, reason=words, finished=self._now)
            self._keeper.drop_in(session)

    @property
    def _batch(self) -> str:
        return batch_name(self._campaign, self._round)

    def _write(self, session: Session, **values: Any) -> None:
        assert self._round.id is not None
        rounds.write(session, self._round.id, values)

    def _look(self) -> tuple[str, ...]:
        """Bring the database up to date and exclude repeat workers; return the types that a new HIT must exclude."""
        world, campaign = self._world, self._campaign
        learn_rules(world)
        settle(world, self._now)
        entered = enter_psiturk(world, self._now)
        with self._database.read() as session:
            rows = unfinished(session, campaign.place, self._now, experiment_id=campaign.experiment_id)
        # Of other code versions, read only expired HITs: the budget reserves their slots until they are read again.
        version = (campaign.code_version, None)
        count = [row for row in rows if row.code_version in version or row.expires <= self._now]
        read_market(world, count, self._now, known=entered)
        self._look_again()
        if campaign.allow_repeat_workers:
            return ()
        absent = keep_out(world, self._version, self._now)
        grant_new(world, campaign.experiment_id, self._now)
        return absent

    def _look_again(self) -> None:
        """Read unreviewed work again if the goal seems met: some may have been rejected without turkctl."""
        campaign = self._campaign
        with self._database.read() as session:
            triple = (campaign.place, campaign.experiment_id, campaign.code_version)
            if completed(session, *triple, participants_table=self._table) < campaign.goal:
                return
            rows = unreviewed(session, campaign.place)
        read_market(self._world, [row for row in rows if self._counts(row)], self._now)

    def _counts(self, row: HitRow) -> bool:
        """Return whether the HIT counts for the campaign: it is of its experiment, or of psiTurk and unassigned."""
        code_version = self._campaign.code_version
        if row.origin == PSITURK and row.experiment is None:
            return row.code_version in (code_version, None)
        return (row.experiment, row.code_version) == (self._version.slug, code_version)

    def _balance(self) -> Balance | None:
        """Return the balance if there is something to post, else None."""
        with self._database.read() as session:
            facts = read_facts(session, self._campaign, self._table, self._now)
        if decide(facts, None, self._now).outcome != POSTED:
            return None
        return self._world.engine().call(self._world.mturk.balance)

    def _decide(self, absent: tuple[str, ...], balance: Balance | None) -> _Decided:
        """Count, decide, and commit the decision with its intents, all in one transaction."""
        now = self._now
        with self._database.write() as session:
            self._keeper.renew_in(session)
            campaign = find(session, self._campaign.number)
            facts = read_facts(session, campaign, self._table, now)
            numbers = facts.standing
            if campaign.running:
                decision = decide(facts, balance, now)
                if decision.post and posted_meanwhile(session, self._world):
                    decision = Decision(WAITING, "psiTurk posted HITs while this round was counting", decision.wanted)
            else:
                decision = Decision(campaign.status, campaign.reason or "")
            if decision.post and balance is None:
                decision = Decision(WAITING, "assignments became free while this round was counting", decision.wanted)
            requests = self._requests(session, facts, decision, absent)
            self._enter(session, facts, decision)
        return _Decided(decision, numbers, requests)

    def _requests(
        self,
        session: Session,
        facts: Facts,
        decision: Decision,
        absent: tuple[str, ...],
    ) -> list[Intent]:
        campaign, numbers = facts.campaign, facts.standing
        if decision.outcome not in (POSTED, WAITING, EXHAUSTED):
            return []
        in_play = numbers.completed + numbers.outstanding + numbers.unsettled
        again = unanswered(session, campaign, self._now) if in_play <= numbers.goal else []
        sizes = facts.fee.split(decision.post)
        new = new_intents(session, campaign, facts.version, self._round, sizes, absent, self._now)
        return [*again, *intents.open_many(session, new)]

    def _enter(self, session: Session, facts: Facts, decision: Decision) -> None:
        """Record the decision, and change the campaign accordingly."""
        campaign, numbers = facts.campaign, facts.standing
        self._write(
            session,
            goal=numbers.goal,
            completed=numbers.completed,
            outstanding=numbers.outstanding,
            unsettled=numbers.unsettled,
            wanted=decision.wanted,
            reason=decision.reason,
        )
        if decision.outcome in LAST:
            end(session, facts, decision.outcome, decision.reason, self._now)
        elif decision.outcome == EXHAUSTED:
            exhaust(session, campaign.number, decision.reason, self._now, numbers.completed)
        elif decision.outcome in (POSTED, WAITING):
            self._set_active(session)
        if decision.outcome not in LAST:
            self._reschedule(session, campaign, closed=decision.outcome == CLOSED)

    def _set_active(self, session: Session) -> None:
        number = self._campaign.number
        campaigns.set_status(
            session, number, expected=campaigns.RUNNING, new=campaigns.ACTIVE, reason=None, now=self._now
        )

    def _reschedule(self, session: Session, campaign: Campaign, *, closed: bool) -> None:
        """Move the next round to the next time at which the campaign may post, or to its end if that comes first."""
        task = tasks.of_campaign(session, campaign.number)
        if task is None:
            return
        due = next_round_at(campaign, self._now if closed else task.next_run, self._now)
        if due != task.next_run:
            keep_task(session, campaign, due)

    def _post(self, decided: _Decided, on_item: Callable[[ItemResult], None]) -> BatchResult:
        steps = tuple(
            Step(f"{self._version.slug} {intent.token[:8]}", intent, intent.cost, _words(intent))
            for intent in decided.requests
        )
        plan = Plan("create", self._campaign.mode, steps)
        act = Posting(self._world, self._campaign, self._keeper, steps, self._now)
        return self._world.engine().apply(plan, act, on_item)

    def _finish(self, decided: _Decided, result: BatchResult | None) -> RoundReport:
        decision, errors = decided.decision, [item.error for item in result.results if item.error] if result else []
        outcome, reason = decision.outcome, decision.reason
        with self._database.write() as session:
            recount(session, self._batches | {self._batch})
            own = rounds.posted(session, self._campaign.number, self._round.number)
            if errors and not own and outcome == POSTED:
                outcome, reason = rounds.FAILED, f"{errors[0].code}: {errors[0].message}"
            if any(error.code.endswith(_FUNDS) for error in errors):
                too_low = "the market says that the balance is too low"
                exhaust(session, self._campaign.number, too_low, self._now, decided.standing.completed)
            self._write(session, outcome=outcome, reason=reason, finished=self._now)
            self._keeper.drop_in(session)
            campaign = find(session, self._campaign.number)
            posted = _posted(session, decided.requests, result)
            nobodys = tuple(psiturk_hits.unassigned(session, campaign.place))
        told = f"{counted(posted, 'assignment')} posted" if posted else reason or outcome
        what = f"campaign {campaign.number} round {self._round.number}"
        self._world.origin.tally.say(f"{what}: {told}", self._version.slug)
        return RoundReport(
            campaign, self._round.number, outcome, reason, decided.standing, decision.wanted, result, posted, nobodys
        )


def _words(intent: Intent) -> str:
    number = int(intent.request["assignments"])
    return counted(number, "assignment")


def _posted(session: Session, requests: Sequence[Intent], result: BatchResult | None) -> int:
    """Return the number of assignments posted, those of earlier rounds included, as in the cost."""
    made = {item.id for item in result.results if item.status == "created"} if result else set()
    sent = intents.by_tokens(session, [intent.token for intent in requests])
    return sum(int(intent.request["assignments"]) for intent in sent if intent.result in made)


COLUMNS = ("round", "outcome", "completed", "outstanding", "posted", "cost", "reason")


@dataclass(frozen=True)
class RoundReport:
    """The result of a round."""

    campaign: Campaign
    """The campaign after the round."""
    round: int | None
    """The number of the round; None if there was none because the campaign was over."""
    outcome: str
    reason: str | None
    standing: Standing | None = None
    wanted: int = 0
    batch: BatchResult | None = None
    posted: int = 0
    """Number of assignments posted, including those that earlier rounds had requested without an answer."""
    unassigned: tuple[str, ...] = ()
    """HITs of psiTurk that were counted because their experiment is unknown."""

    @property
    def hits(self) -> list[str]:
        """Return the ids of the posted HITs, including those that earlier rounds had requested without an answer."""
        return [item.id for item in self.batch.results if item.status == "created"] if self.batch else []

    @property
    def failed(self) -> int:
        """Return the number of requests that failed or got no answer."""
        return self.batch.failed if self.batch else 0

    @property
    def errors(self) -> list[str]:
        """Return the distinct errors of the failed requests."""
        found = self.batch.results if self.batch else []
        return list(dict.fromkeys(f"{item.error.code}: {item.error.message}" for item in found if item.error))

    def as_dict(self) -> dict[str, Any]:
        """Return the result as ``campaign run`` prints it."""
        numbers = self.standing
        return {
            "campaign": self.campaign.number,
            "round": self.round,
            "status": self.campaign.status,
            "outcome": self.outcome,
            "goal": self.campaign.goal,
            "completed": numbers.completed if numbers else None,
            "outstanding": numbers.outstanding if numbers else None,
            "unsettled": numbers.unsettled if numbers else None,
            "wanted": self.wanted,
            "posted": self.posted,
            "hits": self.hits,
            "cost": self.batch.cost if self.batch else Decimal("0.00"),
            "failed": self.failed,
            "reason": self.reason,
            "errors": self.errors,
            "unassigned": list(self.unassigned),
        }
