"""``hits create``: post HITs of an experiment, each exactly once whatever happens in between."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlmodel import Session

from turkctl.errors import TurkctlError, UsageError
from turkctl.fees import LARGE_HIT, split_assignments
from turkctl.mturk.client import MTurk
from turkctl.mturk.errors import AlreadyExistsError, MarketRefusedError
from turkctl.mturk.types import Hit
from turkctl.operations.plan import Done, Plan, Step
from turkctl.operations.posting import Post
from turkctl.operations.settle import enter_hit
from turkctl.store import experiments, intents, meta
from turkctl.store.base import Place
from turkctl.store.engine import Database
from turkctl.store.experiments import Version
from turkctl.store.intents import Intent
from turkctl.units import CENT, format_money

MAX_HITS = 10_000
"""HITs that one command may post: more is a slip of the keyboard."""


@dataclass(frozen=True)
class CreateRequest:
    """The arguments of ``hits create``: ``hits`` times ``assignments`` of the experiment."""

    version: Version
    assignments: int
    hits: int = 1
    reward: Decimal | None = None
    duration: timedelta | None = None
    lifetime: timedelta | None = None
    allow_high_commission: bool = False
    new: bool = False
    """Do not go on with an unfinished batch of the same arguments."""

    def posts(self) -> list[Post]:
        """The HITs, of at most nine assignments unless more are allowed.

        Raises:
            UsageError: a number or an amount that the market would not take.
        """
        self._check()
        sizes = [self.assignments] if self.allow_high_commission else split_assignments(self.assignments)
        post = [
            Post.of(self.version, size, reward=self.reward, duration=self.duration, lifetime=self.lifetime)
            for size in sizes
        ] * self.hits
        if len(post) > MAX_HITS:
            raise UsageError(f"{len(post):,} HITs at once is more than {MAX_HITS:,}", hint="post them in parts")
        return post

    def _check(self) -> None:
        for name, number in (("--assignments", self.assignments), ("--hits", self.hits)):
            if number < 1:
                raise UsageError(f"{name} {number} posts nothing", hint="give 1 or more")
        if self.reward is not None and self.reward < CENT:
            raise UsageError(f"a reward of ${format_money(self.reward)} is too low", hint="give $0.01 or more")
        for flag, given, low in (
            ("--duration", self.duration, timedelta(seconds=30)),
            ("--lifetime", self.lifetime, timedelta(seconds=30)),
        ):
            if given is not None and not low <= given <= timedelta(days=365):
                raise UsageError(f"{flag} lies outside 30 seconds to 365 days", hint="write 30m, 12h or 3d")

    def digest(self) -> str:
        """Stands for the arguments: how an unfinished run is found again."""
        arguments = [
            self.version.slug,
            self.version.settings_id,
            self.assignments,
            self.hits,
            None if self.reward is None else format_money(self.reward),
            None if self.duration is None else self.duration.total_seconds(),
            None if self.lifetime is None else self.lifetime.total_seconds(),
            self.allow_high_commission,
        ]
        return hashlib.sha256(json.dumps(["hits create", *arguments]).encode()).hexdigest()


def plan_create(session: Session, place: Place, request: CreateRequest, now: datetime) -> Plan[Intent]:
    """What would be posted: the rest of an unfinished run of the same arguments, else all of it anew.

    Raises:
        UsageError: see :meth:`CreateRequest.posts`.
    """
    posts = request.posts()
    digest = request.digest()
    rest = [] if request.new else _unfinished(session, place, digest)
    if rest:
        steps = tuple(_step(session, intent) for intent in rest)
        note = f"goes on with a run of {rest[0].created:%Y-%m-%d %H:%M} UTC that left {len(rest)} HITs undone"
        return Plan("create", place.mode, steps, notes=(f"{note}; --new would post all anew",))
    batch = secrets.token_hex(16)
    database_id = meta.database_id(session)
    made = [
        Intent(
            token=intents.token(database_id, intents.CREATE_HIT, batch, index),
            kind=intents.CREATE_HIT,
            mode=place.mode,
            market=place.market,
            batch=batch,
            digest=digest,
            subject=request.version.slug,
            experiment_id=request.version.experiment_id,
            request=post.stored(),
            cost=post.cost,
            created=now,
        )
        for index, post in enumerate(posts)
    ]
    steps = tuple(
        Step(f"{request.version.slug} {index}", intent, post.cost, _words(post))
        for index, (intent, post) in enumerate(zip(made, posts, strict=True), start=1)
    )
    return Plan("create", place.mode, steps, notes=_split_note(request))


def _unfinished(session: Session, place: Place, digest: str) -> list[Intent]:
    """What the latest run of these arguments left undone: never sent, unanswered, or refused by the market."""
    found = intents.incomplete_by_digest(session, place, digest)
    return [intent for intent in found if intent.batch == found[-1].batch]


def _step(session: Session, intent: Intent) -> Step[Intent]:
    version = experiments.settings_of(session, int(intent.request["settings_id"]))
    assert version is not None, "settings are never deleted"
    return Step(intent.token[:12], intent, intent.cost, _words(Post.restore(version, intent.request)))


def _words(post: Post) -> str:
    plural = "s" if post.assignments > 1 else ""
    return f"{post.assignments} assignment{plural} at ${format_money(post.reward)}"


def _split_note(request: CreateRequest) -> tuple[str, ...]:
    if request.assignments >= LARGE_HIT and not request.allow_high_commission:
        return (f"{request.assignments} assignments are split into HITs of at most 9, at 20 % commission, not 40 %",)
    return ()


class Create:
    """Posts each HIT with its intent's token."""

    def __init__(
        self, database: Database, mturk: MTurk, place: Place, now: datetime, steps: Sequence[Step[Intent]]
    ) -> None:
        self._database = database
        self._mturk = mturk
        self._place = place
        self._now = now
        self._steps = steps
        self._opened = False
        self._posts: dict[str, Post] = {}

    def prepare(self, steps: Sequence[Step[Intent]]) -> None:
        """Commit the whole run's intents before its first request, so that after a crash all of it is found."""
        with self._database.write() as session:
            if not self._opened:
                intents.open_many(session, [step.payload for step in self._steps])
                self._opened = True
            for step in steps:
                intents.mark_sent(session, step.payload.token, self._now)
                self._posts[step.payload.token] = self._post(session, step.payload)

    def _post(self, session: Session, intent: Intent) -> Post:
        version = experiments.settings_of(session, int(intent.request["settings_id"]))
        assert version is not None, "settings are never deleted"
        return Post.restore(version, intent.request)

    def perform(self, step: Step[Intent]) -> Done:
        """Post it; a token that was used means that it is posted, once the HIT proves to carry it."""
        token = step.payload.token
        try:
            hit = self._mturk.create_hit(self._posts[token].request(token, self._place.mode), token)
        except AlreadyExistsError as error:
            hit = self._ours(error, token)
        return Done("created", step.detail, id=hit.hit_id, value=hit)

    def _ours(self, error: AlreadyExistsError, token: str) -> Hit:
        if error.hit_id is None:
            raise error
        hit = self._mturk.get_hit(error.hit_id)
        if hit.annotation != token:
            raise error
        return hit

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


def refused(error: TurkctlError) -> bool:
    """Whether the market said no, so that nothing happened; after any other error it may have."""
    return isinstance(error, MarketRefusedError) and not error.uncertain
