"""Plan HITs for pending items, as many as limits, budget and balance allow (``content dispatch``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sqlmodel import Session

from turkctl.errors import FundsError, UsageError
from turkctl.fees import FeeRule
from turkctl.operations.content.groups import Answerers, ItemGroup, KnownItems, make_groups, mixed
from turkctl.operations.content.posting import Dispatching, digest
from turkctl.operations.engine.plan import FAILED, ItemError, ItemResult, Plan, Step
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.rendering import Row, task_of, version_source
from turkctl.operations.experiments.stored import find_active_experiment, settings_of
from turkctl.operations.hits.create import MAX_HITS
from turkctl.operations.intents.outcomes import RESEND_WITHIN
from turkctl.operations.intents.posts import Post
from turkctl.operations.intents.runs import at_work, logged
from turkctl.operations.intents.settle import Settled, settle
from turkctl.operations.limits.budgets import exposure, headroom
from turkctl.operations.limits.room import Room, read_room
from turkctl.operations.market_rules import learn_rules
from turkctl.operations.project.questions import check_places
from turkctl.operations.qualifications.study_types import require_market
from turkctl.operations.selection.hits import Selection, compile_regex
from turkctl.operations.sync.run import read_market, unread_since_expiry
from turkctl.operations.sync.usable import look_at_answers
from turkctl.store import contents, contents_counts, contents_gold, contents_usable, experiments, intents, market_rules
from turkctl.store.base import Place, Scope
from turkctl.store.contents_counts import Pending
from turkctl.store.experiments import Version
from turkctl.store.intents import Batch, Intent
from turkctl.units import ZERO, money_text
from turkctl.words import counted, plural


@dataclass
class _Share:
    """The pending work of one experiment."""

    version: Version
    room: Room
    unanswered: list[Intent]
    """Requests of an earlier dispatch whose answer was lost."""
    groups: list[ItemGroup]
    gold: list[int]
    stopped: str | None
    """The limit on the number of HITs that leaves some items pending; None if there is none."""
    fee: FeeRule
    """The market's rule of commission."""


@dataclass
class _Draft:
    """A dispatch while it is being planned."""

    balance: Decimal = ZERO
    """Dollars of the balance that are left for further HITs."""
    steps: list[Step[Intent]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    funds: list[str] = field(default_factory=list)
    """Messages about experiments that lack money for more HITs."""
    wrong: list[tuple[str, UsageError]] = field(default_factory=list)
    """Names of HITs whose question cannot be made from their content, and why not."""


def prepare_dispatch(
    world: World, selection: Selection, *, hits: int | None = None
) -> tuple[Plan[Intent], Dispatching]:
    """Return the plan for pending items of the experiments that match, ordered by slug, and the act that applies it.

    Requests of an earlier dispatch whose answer was lost come first, and count like new ones. Notes of the plan say
    which limits left items pending.

    Args:
        world: database, market and clock.
        selection: selects the experiments; an empty selection means all of them.
        hits: the highest number of HITs to post. It includes what earlier dispatches left: requests without an answer,
            and HITs that have only now been found to be posted.

    Raises:
        NotFoundError: there is no such experiment.
        UsageError: a regular expression or number is invalid, or no pending item makes a valid question.
        ConfigError: an experiment has an audience or a consent, which this market does not know.
        FundsError: items are pending, but budget or balance cannot pay a HIT for them.
        UnreachableError: the market cannot be reached.
    """
    if hits is not None and not 1 <= hits <= MAX_HITS:
        raise UsageError(
            f"--hits must be between 1 and {MAX_HITS:,}, not {hits:,}",
            hint="to post more, run the command several times",
        )
    now = world.now()
    learn_rules(world)
    settled = settle(world, now)
    _read_expired(world, selection, now)
    with world.database.read() as session:
        chosen = _chosen(session, world, selection)
    look_at_answers(world, chosen)
    keeps_apart = world.engine().call(world.mturk.keeps_items_apart)
    with world.database.read() as session:
        entered = _entered(session, _chosen(session, world, selection), settled, now)
        shares = _shares(session, world, selection, hits, entered, now, keeps_apart=keeps_apart)
        promised = exposure(Scope(session, world.place, now))
    require_market(world, [share.version for share in shares])
    balance = headroom(world.engine().call(world.mturk.balance), promised, None) if shares else ZERO
    draft = _Draft(balance, notes=list(settled.notes))
    if hits is not None and entered:
        posted = f"{counted(entered, 'HIT')} that an interrupted dispatch had posted"
        draft.notes.append(f"{posted} {plural(entered, 'counts', 'count')} within --hits {hits}")
    with world.database.read() as session:
        for share in shares:
            _hold_back(Scope(session, world.place, now), share, draft)
        for share in shares:
            planned = _plan_share(Scope(session, world.place, now), share, draft)
            if not keeps_apart:
                draft.notes += _loss(session, world.place, share, planned)
    if draft.wrong and not draft.steps:
        raise draft.wrong[0][1]
    if draft.funds and not draft.steps:
        raise FundsError(
            f"nothing was dispatched: {draft.funds[0]}",
            hint="see: turkctl balance; open HITs, limits.budget and limits.min_balance reduce what can be spent",
        )
    draft.notes += draft.funds
    if not shares:
        draft.notes.append("nothing is pending; see: turkctl content list")
    wrong = tuple(ItemResult(name, FAILED, error=ItemError.of(error)) for name, error in draft.wrong)
    run = logged(world, "dispatch")
    plan = Plan("dispatch", world.place.mode, tuple(draft.steps), wrong, tuple(draft.notes), run)
    return plan, Dispatching(world, plan.steps, now, balance, run)


def _chosen(session: Session, world: World, selection: Selection) -> list[Version]:
    """Return the configured experiments of the selection, ordered by slug."""
    pattern = compile_regex(selection.regex)
    if selection.experiment is not None:
        found = [find_active_experiment(session, selection.experiment, world.settings)]
    else:
        found = experiments.list_all(session, inactive=False)
    return sorted(
        (
            each
            for each in found
            if (pattern is None or pattern.search(each.slug)) and selection.code_version in (None, each.code_version)
        ),
        key=lambda each: each.slug,
    )


def _read_expired(world: World, selection: Selection, now: datetime) -> None:
    """Read HITs that have expired since they were last read: their items may be pending again."""
    with world.database.read() as session:
        chosen = _chosen(session, world, selection)
        unread = [row for each in chosen for row in unread_since_expiry(session, world.place, each.experiment_id, now)]
    read_market(world, unread, now)


def _entered(session: Session, chosen: Sequence[Version], settled: Settled, now: datetime) -> int:
    """Count the HITs of these experiments, posted by interrupted dispatches, that settling has just found."""
    digests = {digest(version.experiment_id) for version in chosen}
    interrupted = [each.run for each in settled.leftovers if each.found and not each.ended and each.run is not None]
    return sum(
        intent.digest in digests and intent.state == intents.DONE and intent.finished == now
        for run in interrupted
        for intent in intents.of_run(session, run)
    )


def _shares(
    session: Session,
    world: World,
    selection: Selection,
    hits: int | None,
    entered: int,
    now: datetime,
    *,
    keeps_apart: bool,
) -> list[_Share]:
    """Return the experiments with something to dispatch; ``entered`` HITs already count within ``hits``."""
    most = hits or MAX_HITS
    left, found = max(0, most - entered), []
    for version in _chosen(session, world, selection):
        share = _share(Scope(session, world.place, now), version, left, most, keeps_apart=keeps_apart)
        left -= len(share.unanswered) + sum(len(group.assignments) for group in share.groups)
        if share.unanswered or share.groups or share.stopped:
            found.append(share)
    return found


def _share(scope: Scope, version: Version, left: int, most: int, *, keeps_apart: bool) -> _Share:
    session, place, now = scope.session, scope.place, scope.now
    settings = settings_of(version)
    room = read_room(scope, version)
    waiting = intents.unfinished_by_digest(session, place, digest(version.experiment_id))
    busy = at_work(session, {intent.run for intent in waiting if intent.run is not None})
    asked = [each for each in waiting if now - each.created < RESEND_WITHIN and each.run not in busy]
    unanswered = asked[:left]
    seen = contents_counts.seen_pending(scope, version.experiment_id)
    pending = contents_counts.pending(scope, version.experiment_id, seen)
    crowd = _crowd(scope, version, seen) if keeps_apart and settings.contents_per_hit > 1 else Answerers()
    fee, most_hits = market_rules.fee_at(session, place), min(room.hits, left - len(unanswered))
    size, outputs = settings.contents_per_hit, settings.outputs_per_assignment
    groups, more = make_groups(pending, size, outputs, most_hits, fee, crowd)
    stopped = None
    if more or len(asked) > len(unanswered):
        by_limit = room.hits <= left - len(unanswered) and len(asked) == len(unanswered)
        stopped = f"{room.why} is reached" if by_limit else f"this run posts at most {counted(most, 'HIT')}"
    return _Share(version, room, unanswered, groups, contents.gold_ids(session, version.experiment_id), stopped, fee)


def _crowd(scope: Scope, version: Version, seen: Sequence[Pending]) -> Answerers:
    answered = [item.id for item in seen if item.answers]
    if not answered:
        return Answerers()
    had = contents_usable.who_answered(scope.session, scope.place, answered)
    return Answerers(had, contents_usable.people_of(scope.session, scope.place, version.experiment_id))


WORTHLESS = 10
"""From this number of answers on, if none is usable, nothing more is asked: a setting is wrong, not ten people."""


def _hold_back(scope: Scope, share: _Share, draft: _Draft) -> None:
    """Post nothing new for an experiment whose answers cannot count, whoever gives them."""
    version, settings = share.version, settings_of(share.version)
    if not share.groups:
        return
    try:
        check_places(version_source(version), settings)
        if not contents_usable.has_unusable(scope.session, version.experiment_id, WORTHLESS):
            return
        numbers = contents_usable.numbers(scope.session, scope.place, version.experiment_id)
        if numbers.unusable >= WORTHLESS and numbers.unusable == numbers.answers:
            raise UsageError(
                f"none of its {numbers.answers:,} answers is usable: all are blank, skipped or outside the classes",
                hint=f"check answer_field and [experiments.{version.slug}.labels], then: turkctl experiments configure",
            )
    except UsageError as error:
        draft.wrong.append((version.slug, UsageError(f"{version.slug}: {error.message}", hint=error.hint)))
        share.groups = []


def _plan_share(scope: Scope, share: _Share, draft: _Draft) -> list[ItemGroup]:
    """Add the steps of an experiment to the draft; return the groups of items that they are for."""
    planned: list[ItemGroup] = []
    version, settings = share.version, settings_of(share.version)
    for number, intent in enumerate(share.unanswered, start=1):
        draft.steps.append(_step(f"{version.slug} again {number}", intent, Post.restore(version, intent.request)))
    if share.stopped:
        draft.notes.append(f"{version.slug}: {share.stopped}; more is pending")
    if not share.groups:
        return planned
    _on_known_items(scope, share, draft)
    share.fee.check_reward(settings.reward)
    known = _known_items(scope, share)
    number, batch = 0, Batch.begin(scope)
    for group in share.groups:
        for part, size in enumerate(group.assignments):
            post = Post.of(version, size, share.fee)
            refusal = share.room.money_refuses(post.cost, draft.balance)
            if refusal is not None:
                draft.funds.append(f"{version.slug}: {refusal}; more is pending")
                return planned
            intent = _intent(batch, share, group, part, post, known)
            number += 1
            mistake = None if part else find_mistake(scope.session, version, intent.request["contents"])
            if mistake is not None:
                draft.wrong.append((f"{version.slug} {number}", mistake))
                break
            share.room.take(post.cost)
            draft.balance -= post.cost
            draft.steps.append(_step(f"{version.slug} {number}", intent, post))
            if not part:
                planned.append(group)
    return planned


def _known_items(scope: Scope, share: _Share) -> KnownItems:
    """Return what deals an experiment's known items out to its HITs."""
    version, settings = share.version, settings_of(share.version)
    places = contents_gold.places(scope.session, scope.place, version.experiment_id, version.settings_id)
    return KnownItems(share.gold, places, settings.gold_per_hit, settings.gold_share, settings.most_gold_per_hit)


def _on_known_items(scope: Scope, share: _Share, draft: _Draft) -> None:
    """Note that there are too few known items for the HITs, or for those who will do many of them."""
    slug, settings, number = share.version.slug, settings_of(share.version), len(share.gold)
    most = settings.most_gold_per_hit
    if number < most:
        share_of = settings.gold_share
        asked = f"gold_per_hit = {settings.gold_per_hit}" if share_of is None else f"gold_share = {share_of:g}"
        has = f"{slug} has {counted(number, 'item')} with a known answer"
        draft.notes.append(f"{has}, but {asked}: its HITs show fewer")
    known = _known_items(scope, share)
    for group in share.groups:
        for part in range(len(group.assignments)):
            known.deal(len(group.ids), f"{group.ids} {part}")
    if most and known.used_up_after is not None:
        draft.notes.append(
            f"{slug}: whoever does more than {counted(known.used_up_after, 'HIT')} meets known items again, as there "
            f"are {number:,}; each counts once; to add some: turkctl content add FILE --gold COLUMN"
        )


def _loss(session: Session, place: Place, share: _Share, planned: Sequence[ItemGroup]) -> list[str]:
    """Return how many of the answers may come from people who answer an item a second time, which do not count.

    Only turkctl's own market can keep them from it; on others they are paid, and their items stay pending.
    """
    answered = contents_usable.people_who_answered(session, place, [item for group in planned for item in group.ids])
    lost = 0
    for group in planned:
        people = sum(group.assignments)
        elsewhere = people - max(group.assignments)  # somebody may do all parts of an item's HITs
        lost += sum(min(people, answered.get(item, 0) + elsewhere) for item in group.ids)
    lost *= settings_of(share.version).outputs_per_assignment
    if not lost:
        return []
    may = f"up to {counted(lost, 'answer')} may come from people who answer an item a second time"
    return [f"{share.version.slug}: {may}: this market cannot prevent it; those do not count, and are asked for again"]


def _intent(batch: Batch, share: _Share, group: ItemGroup, part: int, post: Post, known: KnownItems) -> Intent:
    """Return the intent of one HIT. Its token stays the same until something is posted for its items."""
    version, settings, ids = share.version, settings_of(share.version), group.ids
    times = sum(item.shown for item in group.items)
    made_of: tuple[str | int, ...] = ("dispatch", version.experiment_id, version.settings_id, times, part, *ids)
    intent = batch.post(version, post.stored(), post.cost, *made_of, digest=digest(version.experiment_id))
    shown = mixed(ids, known.deal(len(ids), intent.token), intent.token)
    intent.request |= {
        "contents": shown,
        "gold": sorted(set(shown) - set(ids)),
        "outputs": settings.outputs_per_assignment,
    }
    return intent


def _step(name: str, intent: Intent, post: Post) -> Step[Intent]:
    items, people = len(intent.request["contents"]), post.assignments
    words = f"{counted(items, 'item')}, {counted(people, 'assignment')} at {money_text(post.reward)}"
    return Step(name, intent, intent.cost, words, assignments=people)


NAMED = 3
"""Number of items that a message names."""


def find_mistake(session: Session, version: Version, shown: Sequence[int]) -> UsageError | None:
    """Return why the items of a HIT do not make a valid question, naming the invalid ones; None if they do.

    An item is invalid if it makes no valid question on its own either; if there are none, all items are named.
    """
    data = contents.data_of(session, shown)
    error = _refusal(version, [data[item] for item in shown])
    if error is None:
        return None
    alone = [item for item in shown if _refusal(version, [data[item]]) is not None]
    keys = contents.keys_by_id(session, alone or shown)
    named = [f"'{keys[item]}'" for item in (alone or shown)]
    more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
    what = f"{version.slug}, content {', '.join(named[:NAMED])}{more}"
    return UsageError(f"{what}: {error.message}", hint=error.hint)


def _refusal(version: Version, rows: Sequence[Row]) -> UsageError | None:
    try:
        task_of(version, rows)
    except UsageError as error:
        return error
    return None
