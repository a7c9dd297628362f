"""Add assignments or time to HITs (``hits extend``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from sqlmodel import Session

from turkctl.errors import TurkctlError, UsageError
from turkctl.fees import LARGE_HIT, FeeRule, rule_of
from turkctl.mturk.errors import AlreadyExistsError, DoesNotExistError
from turkctl.mturk.requirements import ask_for_masters
from turkctl.mturk.types import Hit
from turkctl.operations.engine.plan import ALREADY_DONE, Act, Done, ItemResult, Plan, Step, fail, skip
from turkctl.operations.engine.world import World
from turkctl.operations.intents.outcomes import for_good, refused
from turkctl.operations.intents.runs import Command, RunRow, find_run, glance_at_runs
from turkctl.operations.intents.settle import settle
from turkctl.operations.limits.budgets import check_budgets, check_funds
from turkctl.operations.limits.campaigns import check_extensions
from turkctl.operations.market_rules import learn_rules
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.targets import Target, find_targets
from turkctl.operations.sync.observe import Observed, observe, snapshot
from turkctl.store import hit_changes, hits, intents, market_rules
from turkctl.store.base import Scope
from turkctl.store.hits import DISPOSED
from turkctl.store.intents import Batch, Intent
from turkctl.units import ZERO, format_duration, format_time
from turkctl.words import counted

DELETED = "deleted HITs cannot be extended"
MEANWHILE = "expired since the run began: to extend it, run the command again"


@dataclass(frozen=True)
class ExtendRequest:
    """The arguments of ``hits extend``: what each HIT gets."""

    hit_ids: tuple[str, ...]
    assignments: int = 0
    lifetime: timedelta | None = None
    new: bool = False
    """Begin a new run even if one with the same arguments was interrupted."""
    resume: bool = False
    """Continue an interrupted run even if it is old."""

    def check(self) -> None:
        """Raise unless there is something to add.

        Raises:
            UsageError: there is nothing to add, or the number of assignments is negative.
        """
        if self.assignments < 0 or (self.assignments == 0 and self.lifetime is None):
            raise UsageError("nothing to add", hint="give --assignments N (1 or more), --lifetime D, or both")

    def command(self) -> Command:
        """Return the command by which an earlier run of the same arguments is found; it depends on no settings."""
        arguments = {
            "hits": sorted(set(self.hit_ids)),
            "assignments": self.assignments,
            "lifetime": None if self.lifetime is None else format_duration(self.lifetime),
        }
        return Command("hits extend", arguments, None, self.new, self.resume)


def plan_extend(
    scope: Scope, targets: Sequence[Target], seen: Mapping[str, Observed], request: ExtendRequest
) -> Plan[Intent]:
    """Return the plan for each HIT; time is added to its expiry, or to now if it has expired.

    The resulting slots and expiry of each HIT are decided here and stored in its intent, so that repeating the command
    leads to the same result.

    Raises:
        UsageError: a HIT of nine or fewer assignments would get ten or more, which the market refuses because the
            commission differs.
    """
    batch, new = Batch.begin(scope), market_rules.fee_at(scope.session, scope.place)
    steps, skipped = [], []
    for index, target in enumerate(targets):
        hit = seen[target.hit_id].hit
        if hit is None or hit.status == DISPOSED:
            skipped.append((target.hit_id, DELETED))
            continue
        row = hits.get(scope.session, scope.place, hit.hit_id)
        fee = new if row is None else rule_of(row.fee)
        _check_size(hit, request.assignments, fee)
        if request.lifetime is None and hit.expired(scope.now):
            skipped.append((target.hit_id, "expired, so nobody could take more assignments: add --lifetime too"))
            continue
        steps.append(_step(_intent(batch, index, hit, request, fee, None if row is None else row.experiment_id)))
    return Plan("extend", scope.place.mode, tuple(steps), skip(skipped))


def _plan_rest(world: World, run: RunRow, opened: Sequence[Intent], now: datetime) -> Plan[Intent]:
    """Return the plan for what an interrupted run left undone, with the slots and expiries decided when it began.

    A HIT that somebody has expired since then stays expired, and the run gives it up.
    """
    steps, over, moot = [], [], []
    rest = [intent for intent in opened if intent.state != intents.DONE]
    seen = observe(world.mturk, world.engine(), [intent.subject for intent in rest], now)
    for intent in rest:
        expires = _expires(intent)
        if _expired_meanwhile(seen[intent.subject].hit, intent, now):
            moot.append(intent.token)
            over.append((intent.subject, MEANWHILE))
        elif expires is not None and expires <= now:
            past = f"the new expiry {format_time(expires)} is already past"
            over.append((intent.subject, f"{past}: to extend it, run the command again"))
        else:
            steps.append(_step(intents.afresh(intent, now)))
    before = tuple(
        ItemResult(intent.subject, ALREADY_DONE, _step(intent).detail)
        for intent in opened
        if intent.state == intents.DONE and intent.result == intent.subject
    )
    over += [(each.subject, MEANWHILE) for each in opened if each.state == intents.DONE and each.result != each.subject]
    run.moot = tuple(moot)
    notes = () if moot and not steps else run.note(len(steps), "add", "HIT")
    return Plan("extend", world.place.mode, tuple(steps), (*before, *skip(over)), notes, run)


def _expired_meanwhile(hit: Hit | None, intent: Intent, now: datetime) -> bool:
    """Return whether somebody expired a HIT after its extension was planned; expiry at its own time does not count.

    Intents of older versions do not store the earlier expiry.
    """
    before = intent.request.get("expired")
    return before is not None and hit is not None and hit.expired(now) and hit.expires != datetime.fromisoformat(before)


def _expires(intent: Intent) -> datetime | None:
    until = intent.request.get("expires")
    return None if until is None else datetime.fromisoformat(until)


def _check_size(hit: Hit, assignments: int, fee: FeeRule) -> None:
    total = hit.max_assignments + assignments
    if fee.rises(hit.max_assignments, total):
        room = LARGE_HIT - 1 - hit.max_assignments
        raise UsageError(
            f"HIT {hit.hit_id} would go from {hit.max_assignments} to {total} assignments; the market refuses ten or "
            "more on a HIT created with fewer, because the commission differs",
            hint=(f"add at most {room}, or " if room else "") + "post another HIT: turkctl hits create",
        )


def _intent(
    batch: Batch, index: int, hit: Hit, request: ExtendRequest, fee: FeeRule, experiment_id: int | None
) -> Intent:
    each = fee.assignment_cost(hit.reward, hit.max_assignments, masters=ask_for_masters(hit.requirements))
    expires = None if request.lifetime is None else max(hit.expires or batch.now, batch.now) + request.lifetime
    if expires is not None:
        expires = expires.replace(microsecond=0)  # as the market keeps it
    asked = {
        "assignments": request.assignments,
        "total": hit.max_assignments + request.assignments,
        "lifetime": None if request.lifetime is None else format_duration(request.lifetime),
        "expires": None if expires is None else format_time(expires),
        "expired": None if hit.expires is None else format_time(hit.expires),
    }
    return batch.extension(hit.hit_id, asked, each * request.assignments, index, experiment_id=experiment_id)


def _step(intent: Intent) -> Step[Intent]:
    asked, expires = intent.request, _expires(intent)
    number = asked["assignments"]
    words = [counted(number, "more assignment") if number else ""]
    if expires is not None:
        words.append(f"{asked['lifetime']} more time, until {format_time(expires)}")
    return Step(intent.subject, intent, intent.cost, " and ".join(filter(None, words)), assignments=number)


def prepare_extend(world: World, request: ExtendRequest) -> tuple[Plan[Intent], Extend]:
    """Return the plan for these HITs, by their current state on the market, and the act that applies it.

    An interrupted run with the same arguments is continued, with the result that it had decided for each HIT.

    Raises:
        FundsError: the budget of an experiment or a campaign, or the balance, does not allow it.
        RunAtWorkError, RunOvertakenError, StaleRunError: see :func:`turkctl.operations.intents.runs.find_run`.
        UsageError, NotFoundError, WrongMarketError: see :func:`plan_extend` and
            :func:`turkctl.operations.selection.targets.find_targets`.
    """
    request.check()
    now, command = world.now(), request.command()
    learn_rules(world)
    before = glance_at_runs(world, command)
    settled = settle(world, now)
    run = find_run(world, command, now, before)
    with world.database.read() as session:
        opened = run.opened(session)
    plan = _plan_rest(world, run, opened, now) if opened else _plan_new(world, request, run, now)
    wanted = [step.payload for step in plan.steps]
    with world.database.read() as session:
        counted = {intent.token for intent in intents.unfinished(session, world.place, intents.EXTEND_HIT)}
    new = [intent for intent in wanted if intent.token not in counted]
    check_funds(world, costs_of(new), now)
    with world.database.read() as session:
        check_extensions(Scope(session, world.place, now), new)
    return replace(plan, notes=(*settled.beside(run), *plan.notes)), Extend(world, wanted, run, now)


def _plan_new(world: World, request: ExtendRequest, run: RunRow, now: datetime) -> Plan[Intent]:
    targets = find_targets(world, Selection(ids=tuple(dict.fromkeys(request.hit_ids))), now)
    seen = observe(world.mturk, world.engine(), [target.hit_id for target in targets.found], now)
    untold = [fail(each.hit_id, each.refused) for each in seen.values() if each.refused is not None]
    told = [target for target in targets.found if seen[target.hit_id].refused is None]
    with world.database.read() as session:
        plan = plan_extend(Scope(session, world.place, now), told, seen, request)
    return replace(plan, skipped=(*plan.skipped, *untold, *targets.failed), run=run)


def costs_of(wanted: Sequence[Intent]) -> dict[int | None, Decimal]:
    """Return the dollars of the extensions by experiment; None stands for HITs without an experiment."""
    costs: dict[int | None, Decimal] = {}
    for intent in wanted:
        costs[intent.experiment_id] = costs.get(intent.experiment_id, ZERO) + intent.cost
    return costs


class Extend(Act[Intent]):
    """The act of adding time first, so that new assignments can be taken at once, and then assignments."""

    def __init__(self, world: World, wanted: Sequence[Intent], run: RunRow, now: datetime) -> None:
        self._database = world.database
        self._mturk = world.mturk
        self._place = world.place
        self._wanted = wanted
        self._run = run
        self._now = now
        self._opened = False

    def prepare(self, steps: Sequence[Step[Intent]]) -> None:
        """Commit all intents of the run before its first request, so that a repeated command finds them.

        Raises:
            FundsError: requests begun since the plan was made have used up the money.
        """
        with self._database.write() as session:
            if not self._opened:
                self._open(session)
            for step in steps:
                intents.mark_sent(session, step.payload.token, self._now)

    def _open(self, session: Session) -> None:
        counted = {intent.token for intent in intents.unfinished(session, self._place, intents.EXTEND_HIT)}
        new = [intent for intent in self._wanted if intent.token not in counted]
        scope = Scope(session, self._place, self._now)
        check_budgets(scope, costs_of(new))
        check_extensions(scope, new)
        for intent in self._wanted:
            intent.run = self._run.number
        intents.open_many(session, self._wanted)
        self._opened = True

    def perform(self, step: Step[Intent]) -> Done:
        """Extend the HIT on the market, then read it."""
        intent = step.payload
        expires, added = _expires(intent), int(intent.request["assignments"])
        if expires is not None and not self._lasts(step.id, expires):
            self._mturk.set_expiration(step.id, expires)
        if added:
            with suppress(AlreadyExistsError):  # the token was used: they were already added
                self._mturk.extend_hit(step.id, added, intent.token)
        return Done("extended", value=self._mturk.get_hit(step.id))

    def _lasts(self, hit_id: str, expires: datetime) -> bool:
        """Return whether a HIT of a continued run already lasts as long or longer: its time is never shortened."""
        if self._run.left is None:
            return False
        now_until = self._mturk.get_hit(hit_id).expires
        return now_until is not None and now_until >= expires

    def record(self, outcomes: Sequence[tuple[Step[Intent], Done | TurkctlError]]) -> None:
        """Store the new counters and finish the intents; a request without an answer stays unfinished."""
        with self._database.write() as session:
            for step, outcome in outcomes:
                token = step.payload.token
                if isinstance(outcome, Done):
                    hit_changes.update_counters(session, self._place, snapshot(outcome.value, self._now))
                    intents.complete(session, token, step.id, self._now)
                elif refused(outcome):
                    intents.fail(session, token, outcome.code, self._now)
                    if not (for_good(outcome) or isinstance(outcome, DoesNotExistError)):
                        self._run.leave_undone()
