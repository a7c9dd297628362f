"""Settle unfinished intents, which a crash left between a request and its record.

Settling only reads the market. A HIT whose annotation is an intent's token was posted, and is stored; an intent
without a trace on the market stays for its command to continue, or is given up once its token is so old that no
request with it can still be on its way.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from turkctl.accounts import told_apart
from turkctl.mturk.errors import DoesNotExistError, MarketRefusedError
from turkctl.mturk.types import Hit
from turkctl.operations.engine.batch import Engine
from turkctl.operations.engine.world import World
from turkctl.operations.intents.bonuses import enter_found, read_bonuses
from turkctl.operations.intents.compensations import Compensation
from turkctl.operations.intents.posts import Post
from turkctl.operations.intents.runs import RunRow, at_work
from turkctl.store import campaigns, contents, experiments, hits, intents, rounds, runs
from turkctl.store.base import Place, Scope
from turkctl.store.experiments import Version
from turkctl.store.intents import TOKEN_TRUSTED, Intent
from turkctl.store.runs import Run
from turkctl.words import counted, plural

_POSTS = (intents.CREATE_HIT, intents.COMPENSATE)
"""The kinds whose token is the annotation of the HIT that they create."""
_ACTS = {
    intents.CREATE_HIT: "`turkctl hits create` or `turkctl content dispatch`",
    intents.EXTEND_HIT: "`turkctl hits extend`",
    intents.BONUS: "`turkctl workers bonus`",
    intents.COMPENSATE: "`turkctl workers compensate`",
}
"""The commands that may have made an intent which is older than the table of runs."""


SHOWN = 120
"""The highest number of characters of a command line that a note quotes."""


@dataclass(frozen=True)
class Leftover:
    """The numbers of intents that one interrupted run left open."""

    run: int | None
    whose: str
    """The command or the campaign, as notes name it."""
    found: int = 0
    open: int = 0
    unsent: int = 0
    """Number of open intents that were never sent; the others may have reached the market."""
    ended: bool = False
    """Whether the run has ended, so that its requests are still looked for, but never sent again."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what the user should know about it."""
        lines = []
        if self.found:
            stored = plural(self.found, "is", "are")
            left = f"{counted(self.found, 'request')} that {self.whose} left open"
            lines.append(f"{left} had reached the market and {stored} now stored")
        if self.open and not self.ended:
            them = plural(self.open, "it", "them")
            requests = counted(self.open, "request")
            reached = "never reached" if self.unsent == self.open else "may not have reached"
            lines.append(f"{requests} of {self.whose} {reached} the market; its next run finishes {them}")
        return tuple(lines)


@dataclass(frozen=True)
class Settled:
    """Counts of settled intents, and the runs they belong to."""

    found: int = 0
    given_up: int = 0
    open: int = 0
    leftovers: tuple[Leftover, ...] = ()
    elsewhere: tuple[str, ...] = ()
    """Notes on requests that were left open on another market or in another account, which was not checked."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what the user should know; each interrupted run is named, because it may not be this command's."""
        return self.beside(None)

    def beside(self, run: RunRow | None) -> tuple[str, ...]:
        """Return what the user should know about the leftovers of all runs except this one, which the plan describes.

        Of runs that this one abandons, and that nothing continues, only requests that reached the market are reported.
        """
        own = None if run is None else run.number
        aside = set() if run is None else {each.number for each in run.aside}
        others = [
            replace(each, ended=each.ended or each.run in aside)
            for each in self.leftovers
            if own is None or each.run != own
        ]
        return (*(line for each in others for line in each.notes), *self.elsewhere)


def settle(world: World, now: datetime) -> Settled:
    """Find out on the market what became of the unfinished intents of this place, and record it.

    Intents of runs in progress are left to them. If there are no others, no request is sent; else the pages of
    ListHITs are read, ListBonusPayments for each HIT with an unfinished bonus, and GetHIT for each unfinished
    extension.
    """
    place, engine = world.place, world.engine()
    with world.database.read() as session:
        waiting = intents.unfinished(session, place)
        busy = at_work(session, {intent.run for intent in waiting if intent.run is not None})
        waiting = [intent for intent in waiting if intent.run not in busy]
        known = runs.by_number(session, {intent.run for intent in waiting if intent.run is not None})
        elsewhere = _left_elsewhere(session, place)
    if not waiting:
        return Settled(elsewhere=elsewhere)
    creations = [intent for intent in waiting if intent.kind in _POSTS]
    untold = _settle_bonuses(world, [intent for intent in waiting if intent.kind == intents.BONUS], now)
    listed = engine.call(lambda: list(world.mturk.list_hits())) if creations else []
    by_annotation = {hit.annotation: hit for hit in listed if hit.annotation}
    for intent in waiting:
        hit = by_annotation.get(intent.token) if intent.kind in _POSTS else _extended(world, engine, intent, now)
        with world.database.write() as session:
            if hit is not None:
                _enter(Scope(session, place, now), intent, hit)
            elif now - intent.created > TOKEN_TRUSTED and intent.token not in untold:
                intents.abandon(session, intent.token, "not found on the market", now)
    with world.database.read() as session:
        told = _tell(session, [intent for intent in waiting if intent.kind != intents.MESSAGE], known)
    return replace(told, elsewhere=elsewhere)


def _left_elsewhere(session: Session, place: Place) -> tuple[str, ...]:
    """Return notes on requests elsewhere, which this command cannot check; none after a local market was reset."""
    if place.mode == "local":
        return ()
    return tuple(
        f"{counted(number, 'request')} of an interrupted run {plural(number, 'is', 'are')} on "
        f"{told_apart(market, place.market)}, but this is {place.market}: {plural(number, 'it was', 'they were')} not "
        "checked; repeat that command with the same credentials and address as before"
        for market, number in sorted(intents.unfinished_elsewhere(session, place).items())
    )


def _tell(session: Session, waiting: Sequence[Intent], known: Mapping[int, Run]) -> Settled:
    """Count the outcomes of the intents, by the run or campaign that they belong to."""
    states = {intent.token: intent.state for intent in intents.by_tokens(session, [each.token for each in waiting])}
    of_campaigns = {int(each.request["campaign_id"]) for each in waiting if "campaign_id" in each.request}
    found = {number: campaigns.get(session, number) for number in of_campaigns}
    over = {_of_campaign(number) for number, campaign in found.items() if campaign is None or not campaign.running}
    by_whose: dict[tuple[int | None, str], list[str]] = {}
    for intent in waiting:
        by_whose.setdefault((intent.run, _words(intent, known)), []).append(states.get(intent.token, ""))
    leftovers = tuple(
        Leftover(
            number,
            words,
            found=became.count(intents.DONE),
            open=sum(state in intents.UNFINISHED for state in became),
            unsent=became.count(intents.OPEN),
            ended=_is_ended(known.get(number or 0)) or words in over,
        )
        for (number, words), became in by_whose.items()
    )
    happened, open_ = sum(each.found for each in leftovers), sum(each.open for each in leftovers)
    return Settled(happened, len(waiting) - happened - open_, open_, leftovers)


def _is_ended(run: Run | None) -> bool:
    return run is not None and run.state == runs.ENDED


def _words(intent: Intent, known: Mapping[int, Run]) -> str:
    if "campaign_id" in intent.request:
        return _of_campaign(intent.request["campaign_id"])
    run = known.get(intent.run or 0)
    if run is None:
        return f"an interrupted {_ACTS[intent.kind]}"
    command = run.command
    return f"the interrupted `{command if len(command) <= SHOWN else command[: SHOWN - 1] + '…'}`"


def _of_campaign(number: int) -> str:
    return f"campaign {number}"


def _settle_bonuses(world: World, waiting: list[Intent], now: datetime) -> set[str]:
    """Enter the bonuses that ListBonusPayments reports; return the tokens of intents whose HIT it refused."""
    refused: dict[str, MarketRefusedError] = {}
    listed = read_bonuses(world, [intent.request["hit"] for intent in waiting], refused)
    enter_found(world, listed, now)
    return {intent.token for intent in waiting if intent.request["hit"] in refused}


def _extended(world: World, engine: Engine, intent: Intent, now: datetime) -> Hit | None:
    """Return the HIT of an extension that was sent, if this extension, and no other, made it grow."""
    if intent.kind != intents.EXTEND_HIT or intent.state != intents.SENT:
        return None
    try:
        hit = engine.call(lambda: world.mturk.get_hit(intent.subject))
    except DoesNotExistError:
        return None
    with world.database.read() as session:  # after GetHIT: extensions that had made the HIT grow by then are recorded
        alone = not _others_since(session, world.place, intent)
    trusted = now - intent.created <= TOKEN_TRUSTED
    return hit if has_grown(hit, intent) and (not trusted or _is_told(hit, intent, alone=alone)) else None


def has_grown(hit: Hit, intent: Intent) -> bool:
    """Return whether a HIT has the assignments and the expiry that an extension was to give it."""
    until = intent.request.get("expires")
    if until is not None and hit.expires is not None and hit.expires < datetime.fromisoformat(until):
        return False
    return hit.max_assignments >= int(intent.request["total"])


def _is_told(hit: Hit, intent: Intent, *, alone: bool) -> bool:
    """Return whether the number of assignments shows that this extension arrived.

    It does not if another extension may have raised it. While the market remembers the token, repeating the request
    shows it; after that, only the number does.
    """
    return not intent.request["assignments"] or (alone and hit.max_assignments == int(intent.request["total"]))


def _others_since(session: Session, place: Place, intent: Intent) -> bool:
    """Return whether other extensions by turkctl may have added assignments after this one was planned."""
    return any(
        other.token != intent.token
        and other.request["assignments"]
        and (other.state == intents.SENT or (other.state == intents.DONE and _ended_after(other, intent)))
        for other in intents.by_subject(session, place, intents.EXTEND_HIT, [intent.subject])
    )


def _ended_after(other: Intent, intent: Intent) -> bool:
    return other.finished is not None and other.finished >= intent.created


def _enter(scope: Scope, intent: Intent, hit: Hit) -> None:
    if intent.kind in _POSTS:
        enter_posts(scope, [(intent, hit)])
    else:
        intents.complete(scope.session, intent.token, hit.hit_id, scope.now)


def enter_posts(scope: Scope, made: Sequence[tuple[Intent, Hit]]) -> None:
    """Store the HITs that intents created, finish the intents, and count the HITs in their rounds."""
    _enter_hits(scope, made)
    for intent, hit in made:
        intents.complete(scope.session, intent.token, hit.hit_id, scope.now)
    recount(scope.session, {intent.batch for intent, _hit in made if "campaign_id" in intent.request})


def recount(session: Session, batches: Collection[str]) -> None:
    """Record how many HITs and assignments these rounds of campaigns posted, by their intents."""
    for batch in batches:
        done = [intent for intent in intents.of_batch(session, batch) if intent.state == intents.DONE]
        if done:
            rounds.record_posted(
                session,
                int(done[0].request["campaign_id"]),
                int(done[0].request["round"]),
                posted=sum(int(intent.request["assignments"]) for intent in done),
                hits=len(done),
                cost=sum((intent.cost for intent in done[1:]), done[0].cost),
            )


def _enter_hits(scope: Scope, made: Sequence[tuple[Intent, Hit]]) -> None:
    """Store the HIT that an intent created, unless it is already stored."""
    session = scope.session
    stored = hits.by_ids(session, scope.place, [hit.hit_id for _intent, hit in made])
    new = [intent for intent, hit in made if hit.hit_id not in stored and intent.kind != intents.COMPENSATE]
    versions = experiments.by_settings(session, {int(intent.request["settings_id"]) for intent in new})
    for intent, hit in made:
        if hit.hit_id not in stored:
            stored[hit.hit_id] = hits.insert(session, _row(scope, intent, hit, versions))
        _show_content(session, intent, stored[hit.hit_id])


def _row(scope: Scope, intent: Intent, hit: Hit, versions: Mapping[int, Version]) -> hits.Hit:
    if intent.kind == intents.COMPENSATE:
        return Compensation.restore(intent.request).row(hit, scope.place, scope.now)
    post = Post.restore(versions[int(intent.request["settings_id"])], intent.request)
    return post.row(hit, scope.place, scope.now, campaign_id=intent.request.get("campaign_id"))


def _show_content(session: Session, intent: Intent, hit: hits.Hit) -> None:
    """Record which HIT shows the items of a dispatch."""
    if "contents" in intent.request:
        assert hit.id is not None, "a stored HIT has its row's number"
        contents.attach(session, intent.token, hit.id)
