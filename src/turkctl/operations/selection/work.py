"""The submitted work that an act is about: assignments of the database, of psiTurk's rows, and of the market alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from sqlmodel import Session

from turkctl.errors import NotFoundError, WrongMarketError
from turkctl.fees import reward_fee
from turkctl.ids import can_be_id, can_be_worker, quoted
from turkctl.mturk.errors import DoesNotExistError, InvalidStateError, MarketRefusedError
from turkctl.mturk.types import Assignment
from turkctl.operations.engine.batch import read_each
from turkctl.operations.engine.plan import ItemResult, fail
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import find_experiment
from turkctl.operations.selection.gold import Accuracy, accuracies
from turkctl.operations.selection.hits import Selection, compile_regex, refuse_elsewhere
from turkctl.operations.sync.observe import named_on_market
from turkctl.operations.sync.of_psiturk import enter_psiturk
from turkctl.operations.sync.run import read_market
from turkctl.store import experiments, hits, participants, workers
from turkctl.store.assignments import SUBMITTED
from turkctl.store.base import Place
from turkctl.store.hits import HitFilter
from turkctl.store.participant_credits import SetBack
from turkctl.store.participants import Claim
from turkctl.store.workers import WorkFilter, WorkRow

_SHOWN = 3
"""Assignments that a note names one by one."""


@dataclass(frozen=True)
class WorkSelection:
    """The selectors of acts on workers; the ids are of workers or assignments."""

    selection: Selection
    hit_ids: tuple[str, ...] = ()
    min_gold: float | None = None
    """Only of workers who gave at least this share (0 to 1) of the known answers that they were asked for, one at
    least; asked by the experiments that the selection names."""

    def require(self) -> WorkSelection:
        """Itself.

        Raises:
            UsageError: nothing selects anything.
        """
        if not self.hit_ids and self.min_gold is None:
            self.selection.require()
        return self


@dataclass(frozen=True)
class Work:
    """One assignment, submitted or decided, as it was last heard of."""

    assignment_id: str
    worker_id: str
    hit_id: str
    status: str
    experiment: str | None = None
    cost: Decimal | None = None
    """Dollars that approving costs, commission included; None where its HIT is not ours."""
    set_back: SetBack | None = None
    """The participant's row, where psiTurk set it back to submitted after this was approved."""

    @property
    def claim(self) -> Claim:
        """The assignment and its worker: what a participant's row is found by."""
        return self.assignment_id, self.worker_id

    @classmethod
    def of_row(cls, row: WorkRow) -> Work:
        """From the database."""
        cost = None
        if row.reward is not None and row.max_assignments is not None:
            cost = row.reward + reward_fee(row.reward, row.max_assignments, masters=bool(row.masters))
        return cls(row.assignment_id, row.worker_id, row.hit_id, row.status, row.experiment, cost)

    @classmethod
    def of_market(cls, found: Assignment) -> Work:
        """From the market."""
        return cls(found.assignment_id, found.worker_id, found.hit_id, found.status)


@dataclass(frozen=True)
class FoundWork:
    """What matches, whatever its status, and the named ids that stand for nothing one could decide on."""

    work: tuple[Work, ...]
    idle: tuple[tuple[str, str], ...] = ()
    """(id, reason) of ids that exist and have no submitted work."""
    below: tuple[Work, ...] = ()
    """Work that is left out because its workers gave too few of the known answers."""
    failed: tuple[ItemResult, ...] = ()
    """A failed item for each named id that nobody knows."""


def find_work(world: World, wanted: WorkSelection, *, statuses: Sequence[int] = (participants.SUBMITTED,)) -> FoundWork:
    """Return the work that matches: of our tables, marked submitted in psiTurk's rows, and on the market.

    What is on the market alone takes part by name, or where it is asked for. Of work that psiTurk's rows alone tell of
    the HITs are read first: only the market knows who did it.

    Args:
        world: database and market.
        wanted: what matches.
        statuses: psiTurk's, of the rows whose HITs are read first.

    Raises:
        NotFoundError: an experiment that nobody knows.
        WrongMarketError: an id that belongs to another mode or market.
        UsageError: a bad regular expression.
        UnreachableError: the market is out of reach.
    """
    place, selection = world.place, wanted.selection
    if _looks_at_ours(wanted):
        _read_first(world, wanted, statuses)
    with world.database.read() as session:
        table = participants_table(session, world)
        narrowed = work_filter(session, place, wanted)
        strange_hits = _strange_hits(session, place, wanted.hit_ids, table)
        stored = _stored(session, narrowed, table) if _looks_at_ours(wanted) else PsiturkWork()
        known = workers.known_names(session, place, selection.ids, table)
        strangers = [each for each in selection.ids if each not in known]
        ours = workers.known_names(session, place, selection.ids, None)
        for each in selection.ids:
            if each not in ours:
                _refuse_elsewhere(session, place, each)
    elsewhere, failed = _on_market(world, wanted, strange_hits)
    named = _named(world, [each for each in strangers if each not in _names(elsewhere)])
    work = {found.assignment_id: found for found in (*named.work, *elsewhere)}
    work |= {row.assignment_id: Work.of_row(row) for row in stored.rows}
    none = known - _names(work.values()) - stored.idle_names
    nothing = [(each, "nothing submitted that matches") for each in selection.ids if each in none]
    idle = (*named.idle, *stored.idle, *nothing)
    return _good_enough(world, wanted, FoundWork(tuple(work.values()), idle, failed=(*named.failed, *failed)))


def _read_first(world: World, wanted: WorkSelection, statuses: Sequence[int]) -> None:
    """Read the HITs, where the market has them, of work that participants' rows alone tell of."""
    place, now = world.place, world.now()
    with world.database.read() as session:
        table = participants_table(session, world)
        narrowed = work_filter(session, place, wanted)
        by_version = _by_version(session)
        named = {
            row.hit_id
            for status in (statuses if table is not None else ())
            for row in workers.select_psiturk_work(
                session, narrowed, table or "", status, says="", by_version=by_version
            )
        }
    if not named:
        return
    entered = enter_psiturk(world, now)
    with world.database.read() as session:
        unread = hits.select_hits(session, HitFilter(place, ids=sorted(named), disposed=False))
    read_market(world, unread, now, known=entered)


def _by_version(session: Session) -> dict[str, str]:
    """The experiments, by slug, that are alone in having their code version."""
    versions = [(each.code_version, each.slug) for each in experiments.list_all(session, inactive=False)]
    return {code: slug for code, slug in versions if [code for code, _ in versions].count(code) == 1}


def _good_enough(world: World, wanted: WorkSelection, found: FoundWork) -> FoundWork:
    """The work of those who gave enough of the known answers; of what was named and is not, why."""
    if wanted.min_gold is None:
        return found
    with world.database.read() as session:
        known = accuracies(session, world.place, wanted.selection)
    low: list[tuple[str, str]] = []
    good: list[Work] = []
    below: list[Work] = []
    for each in found.work:
        accuracy = known.get(each.worker_id, Accuracy())
        if accuracy.share is not None and accuracy.share >= wanted.min_gold:
            good.append(each)
            continue
        below.append(each)
        if {each.assignment_id, each.worker_id} & set(wanted.selection.ids):
            low.append((each.assignment_id, f"{accuracy.right} of {accuracy.asked} known answers right"))
    return replace(found, work=tuple(good), idle=(*found.idle, *low), below=tuple(below))


def _names(work: Iterable[Work]) -> set[str]:
    return {name for each in work for name in (each.assignment_id, each.worker_id)}


def participants_table(session: Session, world: World) -> str | None:
    """The name of the participants table; None where there is none."""
    name: str = world.settings["participants_table"]
    return name if participants.exists(session, name) else None


def _looks_at_ours(wanted: WorkSelection) -> bool:
    chosen = wanted.selection
    alone = wanted.min_gold is not None and not chosen.all_studies
    return bool(chosen.ids or chosen.filters or chosen.everything or wanted.hit_ids or alone)


def work_filter(session: Session, place: Place, wanted: WorkSelection) -> WorkFilter:
    """The selectors as the store takes them.

    Raises:
        UsageError: a bad regular expression.
        NotFoundError: an experiment that is not there.
    """
    chosen = wanted.selection
    if chosen.experiment is not None:
        find_experiment(session, chosen.experiment)
    return WorkFilter(
        place,
        ids=chosen.ids or None,
        hit_ids=wanted.hit_ids or None,
        slug=chosen.experiment,
        pattern=compile_regex(chosen.regex),
        campaign=chosen.campaign,
        code_version=chosen.code_version,
    )


@dataclass(frozen=True)
class PsiturkWork:
    """Work that the database knows from participants' rows, and those of the rows that nothing can be done about."""

    rows: tuple[WorkRow, ...] = ()
    doubtful: tuple[tuple[str, str], ...] = ()
    """(assignment, reason) of what rows of several workers claim to have done."""
    impossible: tuple[tuple[WorkRow, str], ...] = ()
    """Rows of people whom no market can know, each with the reason."""

    @property
    def idle(self) -> list[tuple[str, str]]:
        """Return (id, reason) of the rows that nothing can be done about."""
        return [*self.doubtful, *((row.assignment_id, reason) for row, reason in self.impossible)]

    @property
    def idle_names(self) -> set[str]:
        """Return the ids, of assignments and workers, of those rows."""
        people = {name for row, _reason in self.impossible for name in (row.assignment_id, row.worker_id)}
        return people | {name for name, _reason in self.doubtful}


def _impossible(row: WorkRow) -> str | None:
    """Return why no market can have the work; people may come to a psiTurk server from Prolific, say."""
    if not can_be_id(row.assignment_id):
        return "no market can have an assignment with this id: the participant came from elsewhere"
    if not can_be_worker(row.worker_id):
        return f"no market can have a worker {quoted(row.worker_id)}: the participant came from elsewhere"
    return None if can_be_id(row.hit_id) else f"no market can have a HIT {quoted(row.hit_id)}"


def _stored(session: Session, narrowed: WorkFilter, table: str | None) -> PsiturkWork:
    """Return the work of our tables, with that which participants' rows alone tell of."""
    rows = tuple(workers.select_work(session, narrowed))
    if table is None:
        return PsiturkWork(rows)
    theirs = psiturk_market_work(session, narrowed, table, participants.SUBMITTED, says=SUBMITTED)
    return replace(theirs, rows=rows + theirs.rows)


def psiturk_market_work(session: Session, narrowed: WorkFilter, table: str, status: int, *, says: str) -> PsiturkWork:
    """Return :func:`psiturk_work`, with the rows that no market can know set apart."""
    theirs = psiturk_work(session, narrowed, table, status, says=says)
    judged = [(row, _impossible(row)) for row in theirs.rows]
    there = tuple(row for row, reason in judged if reason is None)
    return replace(theirs, rows=there, impossible=tuple((row, why) for row, why in judged if why is not None))


def psiturk_work(session: Session, narrowed: WorkFilter, table: str, status: int, *, says: str) -> PsiturkWork:
    """Return the participants at a status of psiTurk's whose assignment we have no row of.

    They belong to the experiment of their HIT or, where we do not know it, to the only one with their code version.
    One person did an assignment: where rows of several say that they did, only the market could tell who.

    Args:
        session: on turkctl's database.
        narrowed: what matches.
        table: the name of the participants table.
        status: psiTurk's number.
        says: the market's word for it.
    """
    by_version = _by_version(session)
    rows = workers.select_psiturk_work(session, narrowed, table, status, says=says, by_version=by_version)
    claims = participants.claims(session, table, narrowed.place.mode, [row.assignment_id for row in rows])
    several = {
        name: f"rows of {', '.join(theirs)} say that they did it, and the market has not told who"
        for name, by_worker in claims.items()
        if len(theirs := [worker for worker, said in by_worker.items() if said in participants.HANDED_IN]) > 1
    }
    sole = tuple(row for row in rows if row.assignment_id not in several)
    return PsiturkWork(sole, tuple(several.items()))


def misnamed(world: World, work: Sequence[Work]) -> tuple[str, ...]:
    """Return a note where participants' rows name these assignments, but not the workers who did them."""
    with world.database.read() as session:
        table = participants_table(session, world)
        if table is None:
            return ()
        claims = participants.claims(session, table, world.place.mode, [each.assignment_id for each in work])
    wrong = [
        f"{each.assignment_id} (did it: {each.worker_id}; in the row: {', '.join(claims[each.assignment_id])})"
        for each in work
        if each.assignment_id in claims and each.worker_id not in claims[each.assignment_id]
    ]
    if not wrong:
        return ()
    more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
    return (f"left as they are, participants' rows that name another worker: {', '.join(wrong[:_SHOWN])}{more}",)


def _strange_hits(session: Session, place: Place, hit_ids: Sequence[str], table: str | None) -> list[str]:
    """Named HITs that the database does not know.

    Raises:
        WrongMarketError: one belongs to another mode or market.
    """
    unknown = hits.unknown_ids(session, place, hit_ids)
    for hit_id in unknown:
        refuse_elsewhere(session, place, hit_id)
    if not unknown or table is None:
        return unknown
    theirs = participants.known_ids(session, table, place.mode).hit_ids
    return [hit_id for hit_id in unknown if hit_id not in theirs]


def _refuse_elsewhere(session: Session, place: Place, assignment_id: str) -> None:
    elsewhere = workers.where_is(session, assignment_id)
    if elsewhere:
        other = elsewhere[0]
        belongs = f"mode {other.mode}" if other.mode != place.mode else f"the market {other.market}"
        raise WrongMarketError(
            f"assignment {assignment_id} belongs to {belongs}",
            hint="name its mode with --mode, and its market with --endpoint-url or --market-url",
        )


def work_elsewhere(world: World) -> tuple[str, ...]:
    """What to say where nothing was found: that the mode's work is on another market, for which nobody looked."""
    with world.database.read() as session:
        others = workers.other_markets(session, world.place)
    if not others:
        return ()
    words = f"the database has work of mode {world.place.mode} on {', '.join(others)}, and this is {world.place.market}"
    return (f"{words}: look at the credentials and --endpoint-url or --market-url",)


def _named(world: World, ids: Sequence[str]) -> FoundWork:
    """Return assignments that only the market knows, asked for by name; an id that it does not know has failed.

    Raises:
        UnreachableError: the market is out of reach.
    """
    work: list[Work] = []
    idle: list[tuple[str, str]] = []
    failed = [fail(each, nobody_knows(each)) for each in ids if not can_be_id(each)]
    askable = [each for each in ids if can_be_id(each)]
    for each, answer in read_each(world.engine(), askable, world.mturk.get_assignment):
        if isinstance(answer, DoesNotExistError):
            failed.append(fail(each, nobody_knows(each)))
        elif isinstance(answer, InvalidStateError):
            idle.append((each, "not submitted yet"))
        elif isinstance(answer, MarketRefusedError):
            failed.append(fail(each, answer))
        else:
            work.append(Work.of_market(answer))
    return FoundWork(tuple(work), tuple(idle), failed=tuple(failed))


def nobody_knows(name: str) -> NotFoundError:
    """Return the error of an id that is neither a worker's nor an assignment's."""
    return NotFoundError(
        f"no worker and no assignment {quoted(name)} is known",
        hint="see: turkctl workers list; what is new comes in with: turkctl sync",
    )


def _on_market(
    world: World, wanted: WorkSelection, named_hits: Sequence[str]
) -> tuple[list[Work], tuple[ItemResult, ...]]:
    """Submitted work of HITs that the database does not know: named ones, and with ``--all-studies`` all of them.

    A HIT that is none, or that the market does not tell the work of, is a failed item.
    """
    chosen = wanted.selection
    asked, failed = named_on_market(world.mturk, world.engine(), named_hits, world.now())
    hit_ids = [hit.hit_id for hit in asked]
    if chosen.all_studies and not chosen.filters and not wanted.hit_ids:
        listed = world.engine().call(lambda: list(world.mturk.list_hits()))
        with world.database.read() as session:
            hit_ids += hits.unknown_ids(session, world.place, [hit.hit_id for hit in listed])

    def read(hit_id: str) -> list[Assignment]:
        return list(world.mturk.list_assignments(hit_id, (SUBMITTED,)))

    found: list[Work] = []
    for hit_id, answer in read_each(world.engine(), hit_ids, read):
        if isinstance(answer, MarketRefusedError):
            failed.append(fail(hit_id, answer))
        else:
            found += [Work.of_market(each) for each in answer]
    if chosen.ids:
        found = [each for each in found if {each.assignment_id, each.worker_id} & set(chosen.ids)]
    return found, tuple(failed)


def of_hits(selection: Selection, hit_ids: Sequence[str]) -> WorkSelection:
    """The work on HITs: what the selection of HITs stands for among assignments."""
    return WorkSelection(replace(selection, ids=()), tuple(hit_ids))


def refuse_strangers(session: Session, place: Place, wanted: WorkSelection, table: str | None) -> None:
    """See that every worker or assignment that is named is known.

    Raises:
        NotFoundError: one is not.
    """
    known = workers.known_names(session, place, wanted.selection.ids, table)
    for each in wanted.selection.ids:
        if each not in known:
            raise NotFoundError(f"no worker {each} is known", hint="what is new comes in with: turkctl sync")
