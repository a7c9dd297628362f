"""``hits create``: post HITs of an experiment, each exactly once whatever happens in between."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from turkctl.errors import TurkctlError, UsageError
from turkctl.fees import LARGE_HIT, split_assignments
from turkctl.mturk.errors import AlreadyExistsError, DoesNotExistError
from turkctl.operations.engine.plan import ALREADY_DONE, Done, ItemResult, Plan, Step
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import settings_of, the_experiment
from turkctl.operations.hits.cost import MAX_ASSIGNMENTS
from turkctl.operations.intents.outcomes import for_good, posted_before, refused
from turkctl.operations.intents.posts import Post
from turkctl.operations.intents.runs import Command, RunRow, find_run, glance_at_runs
from turkctl.operations.intents.settle import enter_hit, settle
from turkctl.operations.limits.budgets import check_budgets, check_funds
from turkctl.operations.limits.room import check_counts
from turkctl.operations.qualifications.gate import keep_out, kept_out
from turkctl.operations.qualifications.own_types import ensure_types
from turkctl.operations.sync.run import read_market, unread_since_expiry
from turkctl.store import experiments, intents, meta, qualifications
from turkctl.store.base import Place
from turkctl.store.experiments import Version
from turkctl.store.intents import Intent
from turkctl.units import CENT, ZERO, format_duration, format_money
from turkctl.words import counted

MAX_HITS = 10_000
"""HITs that one command may post: more is a slip of the keyboard."""


@dataclass(frozen=True)
class CreateRequest:
    """The arguments of ``hits create``: ``hits`` times ``assignments`` of the experiment."""

    experiment: str | None
    """The slug; None means the only one that is configured."""
    assignments: int
    hits: int = 1
    reward: Decimal | None = None
    duration: timedelta | None = None
    lifetime: timedelta | None = None
    allow_high_commission: bool = False
    allow_repeat_workers: bool = False
    """Do not keep out who holds the experiment's qualification for having taken part."""
    new: bool = False
    """Begin another run, though one of the same arguments may have been interrupted."""
    resume: bool = False
    """Take up an interrupted run even if it is old or its settings have changed."""

    def posts(self, version: Version, absent: tuple[str, ...] = ()) -> list[Post]:
        """The HITs, of at most nine assignments unless more are allowed; ``absent`` types keep workers out.

        Raises:
            UsageError: a number or an amount that the market would not take.
        """
        self._check()
        sizes = [self.assignments] if self.allow_high_commission else split_assignments(self.assignments)
        number = len(sizes) * self.hits
        if number > MAX_HITS:
            raise UsageError(f"{number:,} HITs at once is more than {MAX_HITS:,}", hint="post them in parts")
        of_size = {
            size: Post.of(
                version, size, reward=self.reward, duration=self.duration, lifetime=self.lifetime, absent=absent
            )
            for size in set(sizes)
        }
        return [of_size[size] for size in sizes] * self.hits

    def _check(self) -> None:
        for name, number in (("--assignments", self.assignments), ("--hits", self.hits)):
            if number < 1:
                raise UsageError(f"{name} must be at least 1, not {number}", hint="give 1 or more")
            if number > MAX_ASSIGNMENTS:
                raise UsageError(f"{name} {number:,} is more than {MAX_ASSIGNMENTS:,}", hint="post them in parts")
        if self.reward is not None and self.reward < CENT:
            raise UsageError(f"a reward of ${format_money(self.reward)} is too low", hint="give $0.01 or more")
        for flag, given, low in (
            ("--duration", self.duration, timedelta(seconds=30)),
            ("--lifetime", self.lifetime, timedelta(seconds=30)),
        ):
            if given is not None and not low <= given <= timedelta(days=365):
                raise UsageError(f"{flag} lies outside 30 seconds to 365 days", hint="write 30m, 12h or 3d")

    def command(self, version: Version) -> Command:
        """Return what makes this the same command as an earlier one; its settings are those of the experiment.

        A value that is given and one that the settings fill in are the same. After a change of the settings the same
        words are the same command all the same, and an interrupted run of them is stale.
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
    """Return what makes two commands the same, as JSON has it."""
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


def plan_create(
    session: Session, place: Place, request: CreateRequest, version: Version, run: RunRow, now: datetime
) -> Plan[Intent]:
    """Plan what would be posted: the rest of an interrupted run of the same arguments, else all of it anew.

    Raises:
        UsageError: see :meth:`CreateRequest.posts`; or the question has placeholders, which content fills in.
    """
    opened = run.opened(session)
    if opened:
        return _plan_rest(session, place, run, opened, now)
    posts = request.posts(version, () if request.allow_repeat_workers else kept_out(session, place, version))
    posts[0].request("", place.mode)  # refuses a question that asks for content
    made = _new_intents(session, place, version, posts, now)
    steps = tuple(
        Step(f"{version.slug} {index}", intent, post.cost, _words(post), assignments=post.assignments)
        for index, (intent, post) in enumerate(zip(made, posts, strict=True), start=1)
    )
    return Plan("create", place.mode, steps, notes=_split_note(request), run=run)


def _new_intents(
    session: Session, place: Place, version: Version, posts: Sequence[Post], now: datetime
) -> list[Intent]:
    batch, database_id = secrets.token_hex(16), meta.database_id(session)
    return [
        Intent(
            token=intents.token(database_id, intents.CREATE_HIT, batch, index),
            kind=intents.CREATE_HIT,
            mode=place.mode,
            market=place.market,
            batch=batch,
            digest=batch,
            subject=version.slug,
            experiment_id=version.experiment_id,
            request={**post.stored(), "place": index},
            cost=post.cost,
            created=now,
        )
        for index, post in enumerate(posts)
    ]


def _plan_rest(session: Session, place: Place, run: RunRow, opened: Sequence[Intent], now: datetime) -> Plan[Intent]:
    """Plan what an interrupted run left undone: never sent, unanswered, refused, or given up without a trace."""
    rest = [intents.afresh(intent, now) for intent in opened if intent.state != intents.DONE]
    steps = tuple(_step(session, intent) for intent in rest)
    before = tuple(
        ItemResult(intent.result or "", ALREADY_DONE, _step(session, intent).detail)
        for intent in opened
        if intent.state == intents.DONE
    )
    return Plan("create", place.mode, steps, before, run.note(len(rest), "post", "HIT"), run)


def _step(session: Session, intent: Intent) -> Step[Intent]:
    version = experiments.settings_of(session, int(intent.request["settings_id"]))
    assert version is not None, "settings are never deleted"
    post = Post.restore(version, intent.request)
    return Step(intent.token[:12], intent, intent.cost, _words(post), assignments=post.assignments)


def _words(post: Post) -> str:
    return f"{counted(post.assignments, 'assignment')} at ${format_money(post.reward)}"


def _split_note(request: CreateRequest) -> tuple[str, ...]:
    if request.assignments >= LARGE_HIT and not request.allow_high_commission:
        return (f"{request.assignments} assignments are split into HITs of at most 9, at 20 % commission, not 40 %",)
    return ()


def prepare_create(world: World, request: CreateRequest) -> tuple[Plan[Intent], Create]:
    """The plan for what was asked for, and how it is done.

    Raises:
        UsageError, NotFoundError: a bad number or amount; no such experiment, or several and none named.
        FundsError, RefusedError: the budget, the balance or a limit of the experiment does not allow it.
        RunAtWorkError, RunOvertakenError, StaleRunError: see :func:`turkctl.operations.intents.runs.find_run`.
    """
    now = world.now()
    with world.database.read() as session:
        version = the_experiment(session, request.experiment, world.settings)
    command = request.command(version)
    before = glance_at_runs(world, command)
    settled = settle(world, now)
    run = find_run(world, command, now, before)
    with world.database.read() as session:
        expired = unread_since_expiry(session, world.place, version.experiment_id, now)
    read_market(world, expired, now)
    with world.database.read() as session:
        plan = plan_create(session, world.place, request, version, run, now)
        cost = _new_cost(session, world.place, plan.steps)
        check_counts({step.payload.token for step in plan.steps}, session, world.place, now, version)
    check_funds(world, {version.experiment_id: cost}, now)
    return replace(plan, notes=(*settled.beside(run), *plan.notes)), Create(world, plan.steps, now, run)


def _new_cost(session: Session, place: Place, steps: Sequence[Step[Intent]]) -> Decimal:
    """Dollars of those requests that are not under way and so not counted already."""
    counted = {intent.token for intent in intents.unfinished(session, place)}
    return sum((step.cost for step in steps if step.payload.token not in counted), ZERO)


class Create:
    """Posts each HIT with its intent's token."""

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

    def prepare(self, steps: Sequence[Step[Intent]]) -> None:
        """Commit the whole run's intents before its first request, so that after a crash all of it is found.

        Raises:
            FundsError, RefusedError: what others have begun since the plan was made leaves no room for it.
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
                self._posts[step.payload.token] = self._post(session, step.payload)

    def _ensure_types(self, steps: Sequence[Step[Intent]]) -> None:
        """Have the project's own qualification types that the HITs ask for on this market, before anything is sent."""
        with self._database.read() as session:
            versions = [
                experiments.settings_of(session, settings_id)
                for settings_id in {int(step.payload.request["settings_id"]) for step in steps}
            ]
        asked = [version for version in versions if version is not None]
        self._types = ensure_types(self._world, asked, self._now)

    def _keep_out(self) -> None:
        """Have new HITs that keep workers out require all types absent that do so: one may be missing, or be older."""
        new = [step.payload for step in self._steps if step.payload.sent is None and step.payload.request.get("absent")]
        with self._database.read() as session:
            versions = {
                settings_id: experiments.settings_of(session, settings_id)
                for settings_id in {int(intent.request["settings_id"]) for intent in new}
            }
        types = {
            settings_id: list(keep_out(self._world, version, self._now))
            for settings_id, version in versions.items()
            if version is not None
        }
        for intent in new:
            settings_id = int(intent.request["settings_id"])
            intent.request = intent.request | {"absent": types[settings_id]}

    def _check_again(self, session: Session) -> None:
        experiment_id = self._steps[0].payload.experiment_id
        assert experiment_id is not None, "what is created belongs to an experiment"
        version = experiments.current(session, experiment_id)
        check_counts({step.payload.token for step in self._steps}, session, self._place, self._now, version)
        cost = _new_cost(session, self._place, self._steps)
        if cost:
            check_budgets(session, self._place, {experiment_id: cost}, self._now)

    def _post(self, session: Session, intent: Intent) -> Post:
        version = experiments.settings_of(session, int(intent.request["settings_id"]))
        assert version is not None, "settings are never deleted"
        return replace(Post.restore(version, intent.request), types=self._types)

    def perform(self, step: Step[Intent]) -> Done:
        """Post it; a token that was used means that it is posted, once the HIT proves to carry it."""
        token = step.payload.token
        try:
            hit = self._mturk.create_hit(self._posts[token].request(token, self._place.mode), token)
        except AlreadyExistsError as error:
            hit = posted_before(self._mturk, error, token)
        return Done("created", step.detail, id=hit.hit_id, value=hit)

    def record(self, outcomes: Sequence[tuple[Step[Intent], Done | TurkctlError]]) -> None:
        """Enter the HITs and finish their intents; one without an answer stays unfinished."""
        with self._database.write() as session:
            for step, outcome in outcomes:
                token = step.payload.token
                if isinstance(outcome, Done):
                    enter_hit(session, self._place, step.payload, outcome.value, self._now)
                    intents.complete(session, token, outcome.value.hit_id, self._now)
                elif refused(outcome):
                    intents.fail(session, token, outcome.code, self._now)
                    self._forget_own(session, step.payload, outcome)
                    if self._run is not None and not for_good(outcome):
                        self._run.leave_undone()

    def _forget_own(self, session: Session, intent: Intent, error: TurkctlError) -> None:
        """The market no longer has a type that turkctl made (it drops unused ones): it is made anew when needed."""
        if isinstance(error, DoesNotExistError):
            for type_id in (*self._types.values(), *intent.request.get("absent", ())):
                if type_id in error.message:
                    qualifications.forget(session, type_id, self._place)
