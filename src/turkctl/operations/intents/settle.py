"""Unfinished intents: what a crash left between a request and its record.

Settling only looks. A HIT whose annotation is an intent's token was posted, and is entered; an intent that the market
shows no trace of stays for the command that made it to go on with, or is given up once its token is too old for any
request with it to be under way.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from turkctl.mturk.client import MTurk
from turkctl.mturk.errors import DoesNotExistError, MarketRefusedError
from turkctl.mturk.types import Hit
from turkctl.operations.engine.batch import Engine
from turkctl.operations.engine.world import World
from turkctl.operations.intents.bonuses import enter_found, read_bonuses
from turkctl.operations.intents.compensations import Compensation
from turkctl.operations.intents.posts import Post
from turkctl.store import contents, experiments, hits, intents
from turkctl.store.base import Place
from turkctl.store.intents import TOKEN_TRUSTED, Intent

_POSTS = (intents.CREATE_HIT, intents.COMPENSATE)
"""Kinds whose token is the annotation of the HIT that they make."""


@dataclass(frozen=True)
class Settled:
    """What settling came to, in numbers of intents."""

    found: int = 0
    given_up: int = 0
    open: int = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should hear of it."""
        lines = []
        if self.found:
            lines.append(f"{self.found} requests that an interrupted run left open had reached the market: entered")
        if self.open:
            lines.append(f"{self.open} requests of an interrupted run never reached the market: repeat it to go on")
        return tuple(lines)


def settle(world: World, now: datetime) -> Settled:
    """Look for what unfinished intents of this place came to, and write it down.

    Costs nothing when there are none; else the pages of ListHITs, and a GetHIT per unfinished extension.
    """
    place, engine = world.place, world.engine()
    with world.database.read() as session:
        waiting = intents.unfinished(session, place)
    if not waiting:
        return Settled()
    creations = [intent for intent in waiting if intent.kind in _POSTS]
    paid, untold = _settle_bonuses(world, [intent for intent in waiting if intent.kind == intents.BONUS], now)
    listed = engine.call(lambda: list(world.mturk.list_hits())) if creations else []
    by_annotation = {hit.annotation: hit for hit in listed if hit.annotation}
    found, given_up = paid, 0
    for intent in waiting:
        hit = by_annotation.get(intent.token) if intent.kind in _POSTS else _extended(world.mturk, engine, intent)
        with world.database.write() as session:
            if hit is not None:
                found += _enter(session, place, intent, hit, now)
            elif now - intent.created > TOKEN_TRUSTED and intent.token not in untold:
                left = intents.abandon(session, intent.token, "no trace of it on the market", now)
                given_up += left and intent.kind != intents.MESSAGE
    letters = sum(intent.kind == intents.MESSAGE for intent in waiting)
    return Settled(found, given_up, len(waiting) - letters - found - given_up)


def _settle_bonuses(world: World, waiting: list[Intent], now: datetime) -> tuple[int, set[str]]:
    """Enter those bonuses that ListBonusPayments tells of: a request per HIT.

    Returns:
        How many those were, and the tokens of those that the market would not tell about.
    """
    refused: dict[str, MarketRefusedError] = {}
    listed = read_bonuses(world, [intent.request["hit"] for intent in waiting], refused)
    untold = {intent.token for intent in waiting if intent.request["hit"] in refused}
    return enter_found(world, listed, now), untold


def _extended(mturk: MTurk, engine: Engine, intent: Intent) -> Hit | None:
    """The HIT of an extension, if it has grown as the intent meant it to."""
    if intent.kind != intents.EXTEND_HIT:
        return None
    try:
        hit = engine.call(lambda: mturk.get_hit(intent.subject))
    except DoesNotExistError:
        return None
    return hit if hit.max_assignments >= int(intent.request["total"]) else None


def _enter(session: Session, place: Place, intent: Intent, hit: Hit, now: datetime) -> bool:
    if intent.kind in _POSTS:
        enter_hit(session, place, intent, hit, now)
    return intents.complete(session, intent.token, hit.hit_id, now)


def enter_hit(session: Session, place: Place, intent: Intent, hit: Hit, now: datetime) -> None:
    """Store the HIT that a creation intent made, unless it is there."""
    known = hits.get(session, place, hit.hit_id)
    if known is not None:
        _show_content(session, intent, known)
        return
    if intent.kind == intents.COMPENSATE:
        hits.insert(session, Compensation.restore(intent.request).row(hit, place, now))
        return
    version = experiments.settings_of(session, int(intent.request["settings_id"]))
    assert version is not None, "settings are never deleted"
    post = Post.restore(version, intent.request)
    made = hits.insert(session, post.row(hit, place, now, campaign_id=intent.request.get("campaign_id")))
    _show_content(session, intent, made)


def _show_content(session: Session, intent: Intent, hit: hits.Hit) -> None:
    """Note which HIT shows the items of a dispatch."""
    if "contents" in intent.request:
        assert hit.id is not None, "a stored HIT has its row's number"
        contents.attach(session, intent.token, hit.id)
