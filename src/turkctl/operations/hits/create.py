"""Post HITs of an experiment, each exactly once, even after crashes and lost answers (``hits create``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from turkctl.errors import TurkctlError, UsageError
from turkctl.fees import FeeRule
from turkctl.mturk.errors import DoesNotExistError
from turkctl.mturk.types import Hit
from turkctl.operations.engine.plan import ALREADY_DONE, Act, Done, ItemResult, Plan, Step
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import find_active_experiment, settings_of
from turkctl.operations.hits.cost import MAX_ASSIGNMENTS
from turkctl.operations.intents.outcomes import for_good, post_once, refused
from turkctl.operations.intents.posts import Post
from turkctl.operations.intents.runs import Command, RunRow, find_run, glance_at_runs
from turkctl.operations.intents.settle import enter_posts, settle
from turkctl.operations.limits.budgets import check_budgets, check_funds
from turkctl.operations.limits.room import check_counts
from turkctl.operations.market_rules import learn_rules
from turkctl.operations.qualifications.gate import keep_out, kept_out
from turkctl.operations.qualifications.own_types import ensure_types
from turkctl.operations.qualifications.study_types import ensure_rules, require_market
from turkctl.operations.sync.run import read_market, unread_since_expiry
from turkctl.store import experiments, intents, market_rules, qualifications
from turkctl.store.base import Place, Scope
from turkctl.store.experiments import Version
from turkctl.store.intents import Batch, Intent
from turkctl.units import ZERO, format_duration, format_money, money_text
from turkctl.words import counted

MAX_HITS = 10_000
"""The highest number of HITs that one command may post: more is probably a typing mistake."""


@dataclass(frozen=True)
class CreateRequest:
    """The arguments of ``hits create``: ``hits`` copies with ``assignments`` each."""

    experiment: str | None
    """The slug; None means the only configured experiment."""
    assignments: int
    hits: int = 1
    reward: Decimal | None = None
    duration: timedelta | None = None
    lifetime: timedelta | None = None
    allow_high_commission: bool = False
    allow_repeat_workers: bool = False
    """Do not exclude workers with the experiment's qualification for having taken part."""
    new: bool = False
    """Begin a new run even if one with the same arguments was interrupted."""
    resume: bool = False
    """Continue an interrupted run even if it is old or its settings have changed."""

    def posts(self, version: Version, fee: FeeRule, absent: tuple[str, ...] = ()) -> list[Post]:
        """Return the HITs, at the lowest commission unless more is allowed; ``absent`` types exclude workers.

        Raises:
            UsageError: a number or an amount is invalid.
        """
        self._check()
        fee.check_reward(settings_of(version).reward if self.reward is None else self.reward)
        sizes = [self.assignments] if self.allow_high_commission else fee.split(self.assignments)
        number = len(sizes) * self.hits
        if number > MAX_HITS:
            raise UsageError(
                f"one command posts at most {MAX_HITS:,} HITs, not {number:,}",
                hint="to post more, run several commands with fewer HITs",
            )
        of_size = {
            size: Post.of(
                version, size, fee, reward=self.reward, duration=self.duration, lifetime=self.lifetime, absent=absent
            )
            for size in set(sizes)
        }
        return [of_size[size] for size in sizes] * self.hits

    def _check(self) -> None:
        for name, number in (("--assignments", self.assignments), ("--hits", self.hits)):
            if number < 1:
                raise UsageError(f"{name} must be at least 1, not {number}", hint="give 1 or more")
            if number > MAX_ASSIGNMENTS:
                raise UsageError(
                    f"{name} must be at most {MAX_ASSIGNMENTS:,}, not {number:,}", hint="give a lower number"
                )
        for flag, given, low in (
            ("--duration", self.duration, timedelta(seconds=30)),
            ("--lifetime", self.lifetime, timedelta(seconds=30)),
        ):
            if given is not None and not low <= given <= timedelta(days=365):
                raise UsageError(f"{flag} must be between 30 seconds and 365 days", hint="write 30m, 12h or 3d")

    def command(self, version: Version) -> Command:
        """Return the command by which an earlier run of the same arguments is found, with the experiment's settings.

        An argument that is given and the same value from the settings are equal. After a change of the settings, the
        same command line is still the same command, but an interrupted run of it is stale.
        """
        own = settings_of(version)
        filled = replace(
            self,
            reward=own.reward if self.reward is None else self.reward,
            duration=own.duration if self.duration is None else self.duration,
            lifetime=own.lifetime if self.lifetime is None else self.lifetime,
        )
        arguments, given = _arguments(filled, version.slug), _arguments(self, version.slug)
        return Command("hits create", arguments, version.digest, self.new, self.resume, given)


def _arguments(request: CreateRequest, slug: str) -> dict[str, Any]:
    """Return the arguments that two equal commands share, as JSON values."""
    return {
        "experiment": slug,
        "assignments": request.assignments,
        "hits": request.hits,
        "reward": None if request.reward is None else format_money(request.reward),
        "duration": None if request.duration is None else format_duration(request.duration),
        "lifetime": None if request.lifetime is None else format_duration(request.lifetime),
        "allow_high_commission": request.allow_high_commission,
        "allow_repeat_workers": request.allow_repeat_workers,
    }


def plan_create(scope: Scope, request: CreateRequest, version: Version, run: RunRow) -> Plan[Intent]:
    """Return the plan: the rest of an interrupted run with the same arguments, else all HITs.

    Raises:
        UsageError: see :meth:`CreateRequest.posts`; or the question has placeholders, which need content.
    """
    session, mode = scope.session, scope.place.mode
    opened = run.opened(session)
    if opened:
        return _plan_rest(scope, run, opened)
    fee = market_rules.fee_at(session, scope.place)
    posts = request.posts(version, fee, () if request.allow_repeat_workers else kept_out(session, scope.place, version))
    posts[0].request("", mode)  # refuses a question that needs content
    made = _new_intents(scope, version, posts)
    steps = tuple(
        Step(f"{version.slug} {index}", intent, post.cost, _words(post), assignments=post.assignments)
        for index, (intent, post) in enumerate(zip(made, posts, strict=True), start=1)
    )
    return Plan("create", mode, steps, notes=_split_note(request, fee), run=run)


def _new_intents(scope: Scope, version: Version, posts: Sequence[Post]) -> list[Intent]:
    batch = Batch.begin(scope)
    return [
        batch.post(version, {**post.stored(), "place": index}, post.cost, batch.name, index)
        for index, post in enumerate(posts)
    ]


def _plan_rest(scope: Scope, run: RunRow, opened: Sequence[Intent]) -> Plan[Intent]:
    """Return the plan for what an interrupted run left undone: not sent, not answered, refused, or given up."""
    versions = experiments.by_settings(scope.session, _settings_ids(opened))
    rest = [intents.afresh(intent, scope.now) for intent in opened if intent.state != intents.DONE]
    steps = tuple(_step(versions, intent) for intent in rest)
    before = tuple(
        ItemResult(intent.result or "", ALREADY_DONE, _step(versions, intent).detail)
        for intent in opened
        if intent.state == intents.DONE
    )
    return Plan("create", scope.place.mode, steps, before, run.note(len(rest), "post", "HIT"), run)


def _settings_ids(wanted: Sequence[Intent]) -> set[int]:
    return {int(intent.request["settings_id"]) for intent in wanted}


def _step(versions: Mapping[int, Version], intent: Intent) -> Step[Intent]:
    post = Post.restore(versions[int(intent.request["settings_id"])], intent.request)
    return Step(intent.token[:12], intent, intent.cost, _words(post), assignments=post.assignments)


def _words(post: Post) -> str:
    return f"{counted(post.assignments, 'assignment')} at {money_text(post.reward)}"


def _split_note(request: CreateRequest, fee: FeeRule) -> tuple[str, ...]:
    if fee.rises(1, request.assignments) and not request.allow_high_commission:
        return (f"{request.assignments} assignments are split into HITs of at most 9, at 20 % commission, not 40 %",)
    return ()


def prepare_create(world: World, request: CreateRequest) -> tuple[Plan[Intent], Create]:
    """Return the plan for a request, and the act that applies it.

    Raises:
        UsageError, NotFoundError: a number or amount is invalid, or the experiment is unknown or not named.
        FundsError, RefusedError: the budget, the balance or a limit of the experiment does not allow it.
        ConfigError: the experiment has an audience or a consent, which this market does not know.
        RunAtWorkError, RunOvertakenError, StaleRunError: see :func:`turkctl.operations.intents.runs.find_run`.
    """
    now = world.now()
    with world.database.read() as session:
        version = find_active_experiment(session, request.experiment, world.settings)
    require_market(world, [version])
    command = request.command(version)
    before = glance_at_runs(world, command)
    learn_rules(world)
    settled = settle(world, now)
    run = find_run(world, command, now, before)
    with world.database.read() as session:
        expired = unread_since_expiry(session, world.place, version.experiment_id, now)
    read_market(world, expired, now)
    with world.database.read() as session:
        scope = Scope(session, world.place, now)
        plan = plan_create(scope, request, version, run)
        cost = _new_cost(session, world.place, plan.steps)
        check_counts(scope, version, {step.payload.token for step in plan.steps})
    check_funds(world, {version.experiment_id: cost}, now)
    return replace(plan, notes=(*settled.beside(run), *plan.notes)), Create(world, plan.steps, now, run)


def _new_cost(session: Session, place: Place, steps: Sequence[Step[Intent]]) -> Decimal:
    """Return the dollars of the requests that are not already counted as unfinished."""
    counted = {intent.token for intent in intents.unfinished(session, place)}
    return sum((step.cost for step in steps if step.payload.token not in counted), ZERO)


class Create(Act[Intent]):
    """The act of posting each HIT with its intent's token."""

    def __init__(self, world: World, steps: Sequence[Step[Intent]], now: datetime, run: RunRow | None = None) -> None:
        self._run = run
        self._world = world
        self._database = world.database
        self._mturk = world.mturk
        self._place = world.place
        self._now = now
        self._steps = steps
        self._opened = False
        self._posts: dict[str, Post] = {}
        self._types: dict[str, str] = {}
        self._rules: dict[int, tuple[dict[str, Any], ...]] = {}

    def prepare(self, steps: Sequence[Step[Intent]]) -> None:
        """Commit all intents of the run before its first request, so that they are found after a crash.

        Raises:
            FundsError, RefusedError: requests begun since the plan was made have used up the money or a limit.
        """
        self._ensure_types(steps)
        if not self._opened:
            self._keep_out()
        with self._database.write() as session:
            if not self._opened:
                self._check_again(session)
                for step in self._steps:
                    step.payload.run = None if self._run is None else self._run.number
                intents.open_many(session, [step.payload for step in self._steps])
                self._opened = True
            for step in steps:
                intents.mark_sent(session, step.payload.token, self._now)
            self._restore(session, [step.payload for step in steps])

    def _ensure_types(self, steps: Sequence[Step[Intent]]) -> None:
        """Create missing qualification types that the HITs require, before anything is sent."""
        with self._database.read() as session:
            asked = experiments.by_settings(session, _settings_ids([step.payload for step in steps]))
        self._types = ensure_types(self._world, [*asked.values()], self._now)
        new = [version for number, version in asked.items() if number not in self._rules]
        self._rules |= ensure_rules(self._world, new, self._now)

    def _keep_out(self) -> None:
        """Create missing types that exclude workers, and have new HITs require that workers hold none of them."""
        new = [step.payload for step in self._steps if step.payload.sent is None and step.payload.request.get("absent")]
        with self._database.read() as session:
            versions = experiments.by_settings(session, _settings_ids(new))
        types = {
            settings_id: list(keep_out(self._world, version, self._now)) for settings_id, version in versions.items()
        }
        for intent in new:
            settings_id = int(intent.request["settings_id"])
            intent.request = intent.request | {"absent": types[settings_id]}

    def _check_again(self, session: Session) -> None:
        experiment_id = self._steps[0].payload.experiment_id
        assert experiment_id is not None, "a created HIT belongs to an experiment"
        version, scope = experiments.current(session, experiment_id), Scope(session, self._place, self._now)
        check_counts(scope, version, {step.payload.token for step in self._steps})
        cost = _new_cost(session, self._place, self._steps)
        if cost:
            check_budgets(scope, {experiment_id: cost})

    def _restore(self, session: Session, wanted: Sequence[Intent]) -> None:
        """Make the posts of a group's intents, with one look at the settings."""
        versions = experiments.by_settings(session, _settings_ids(wanted))
        for intent in wanted:
            settings_id = int(intent.request["settings_id"])
            post = Post.restore(versions[settings_id], intent.request)
            self._posts[intent.token] = replace(post, types=self._types, rules=self._rules[settings_id])

    def perform(self, step: Step[Intent]) -> Done:
        """Post the HIT (see :func:`turkctl.operations.intents.outcomes.post_once`)."""
        token = step.payload.token
        hit = post_once(self._mturk, self._posts[token].request(token, self._place.mode), token)
        return Done("created", step.detail, id=hit.hit_id, value=hit)

    def record(self, outcomes: Sequence[tuple[Step[Intent], Done | TurkctlError]]) -> None:
        """Store the HITs and finish their intents; a request without an answer stays unfinished."""
        with self._database.write() as session:
            enter_posts(Scope(session, self._place, self._now), made_of(outcomes))
            for step, outcome in outcomes:
                if not isinstance(outcome, Done) and refused(outcome):
                    intents.fail(session, step.payload.token, outcome.code, self._now)
                    self._forget_own(session, step.payload, outcome)
                    if self._run is not None and not for_good(outcome):
                        self._run.leave_undone()

    def _forget_own(self, session: Session, intent: Intent, error: TurkctlError) -> None:
        """Forget a type of turkctl that the market has dropped for lack of use: it is created again when needed."""
        if isinstance(error, DoesNotExistError):
            rules = [rule["QualificationTypeId"] for rule in self._rules.get(int(intent.request["settings_id"]), ())]
            for type_id in (*self._types.values(), *rules, *intent.request.get("absent", ())):
                if type_id in error.message:
                    qualifications.forget(session, type_id, self._place)


def made_of(outcomes: Sequence[tuple[Step[Intent], Done | TurkctlError]]) -> list[tuple[Intent, Hit]]:
    """Return the HITs that were posted, each after its intent."""
    return [(step.payload, each.value) for step, each in outcomes if isinstance(each, Done) and each.value is not None]
