"""Post a campaign's HITs: each by its intent, and none after the campaign is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session

from turkctl.errors import RefusedError, TurkctlError
from turkctl.mturk.errors import DoesNotExistError
from turkctl.operations.engine.plan import Done, Step
from turkctl.operations.engine.world import World
from turkctl.operations.hits.create import Create, made_of
from turkctl.operations.intents.lease import Keeper
from turkctl.operations.intents.outcomes import RESEND_WITHIN, certain
from turkctl.operations.intents.posts import Post
from turkctl.operations.intents.settle import enter_posts
from turkctl.store import campaigns, intents, market_rules, qualifications
from turkctl.store.base import Scope
from turkctl.store.campaigns import Campaign, digest
from turkctl.store.experiments import Version
from turkctl.store.intents import Batch, Intent
from turkctl.store.rounds import Round


def new_intents(
    session: Session,
    campaign: Campaign,
    version: Version,
    claimed: Round,
    sizes: Sequence[int],
    absent: tuple[str, ...],
    now: datetime,
) -> list[Intent]:
    """Return the intents of a round's HITs. Their tokens depend only on database, campaign, round and index."""
    fee, duration = market_rules.fee_at(session, campaign.place), timedelta(seconds=campaign.duration)
    posts = [Post.of(version, size, fee, reward=campaign.reward, duration=duration, absent=absent) for size in sizes]
    batch = Batch.begin(Scope(session, campaign.place, now), name=batch_name(campaign, claimed))
    counted = {"campaign_id": campaign.number, "round": claimed.number}
    made_of = ("campaign", campaign.number, claimed.number)
    return [
        batch.post(version, {**post.stored(), **counted}, post.cost, *made_of, index, digest=digest(campaign.number))
        for index, post in enumerate(posts)
    ]


def batch_name(campaign: Campaign, claimed: Round) -> str:
    """Return the batch by which the intents of a round are found again."""
    return f"campaign {campaign.number} round {claimed.number}"


def unanswered(session: Session, campaign: Campaign, now: datetime) -> list[Intent]:
    """Return the campaign's requests that were sent, got no answer, and may be sent again with the same tokens."""
    waiting = intents.unfinished_by_digest(session, campaign.place, digest(campaign.number))
    return [intent for intent in waiting if intent.state == intents.SENT and now - intent.created < RESEND_WITHIN]


class Posting(Create):
    """The act of sending a round's requests: new ones, and those of earlier rounds whose answer was lost."""

    def __init__(
        self,
        world: World,
        campaign: Campaign,
        keeper: Keeper,
        steps: Sequence[Step[Intent]],
        now: datetime,
    ) -> None:
        super().__init__(world, steps, now)
        self._campaign = campaign
        self._keeper = keeper
        self._ours_to_send: set[str] = set()

    def prepare(self, steps: Sequence[Step[Intent]]) -> None:
        """Claim each request for sending, unless another process has claimed it or the campaign is over.

        Raises:
            RefusedError: another process may have taken over the round.
        """
        self._ensure_types(steps)
        with self._database.write() as session:
            campaign = campaigns.get(session, self._campaign.number)
            if campaign is None or not campaign.running:
                return
            self._keeper.renew_in(session)
            for step in steps:
                intent = step.payload
                if intents.mark_sent(session, intent.token, self._now, sent_before=intent.sent):
                    self._ours_to_send.add(intent.token)
            self._restore(session, [step.payload for step in steps if step.payload.token in self._ours_to_send])

    def perform(self, step: Step[Intent]) -> Done:
        """Post the HIT.

        Raises:
            RefusedError: this process has not claimed the request.
        """
        if step.payload.token not in self._ours_to_send:
            raise RefusedError("not posted: the campaign is over, or another process is posting this HIT")
        return super().perform(step)

    def record(self, outcomes: Sequence[tuple[Step[Intent], Done | TurkctlError]]) -> None:
        """Store the HITs and finish their intents; a request that may have succeeded stays unfinished."""
        with self._database.write() as session:
            enter_posts(Scope(session, self._place, self._now), made_of(outcomes))
            for step, outcome in outcomes:
                intent = step.payload
                if not isinstance(outcome, Done) and certain(intent, outcome, self._now):
                    intents.fail(session, intent.token, outcome.code, self._now)
                    self._forget_type(session, intent, outcome)
                    self._forget_own(session, intent, outcome)

    def _forget_type(self, session: Session, intent: Intent, error: TurkctlError) -> None:
        """Forget a qualification type that the market has dropped for lack of use: the next round creates another."""
        if isinstance(error, DoesNotExistError) and "Qualification" in f"{error.code} {error.message}":
            absent = intent.request.get("absent", ())
            for type_id in [each for each in absent if each in error.message] or absent:
                qualifications.forget(session, type_id, self._place)
