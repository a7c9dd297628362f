"""Find the submitted work that a command acts on: in the database, in psiTurk's rows, and only on the market."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from sqlmodel import Session

from turkctl.errors import NotFoundError, WrongMarketError
from turkctl.fees import rule_of
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
from turkctl.store import experiments, hits, participants, workers
from turkctl.store.assignments import SUBMITTED
from turkctl.store.base import Place
from turkctl.store.hits import HitFilter
from turkctl.store.participant_credits import SetBack
from turkctl.store.participants import Claim
from turkctl.store.workers import WorkFilter, WorkRow

_SHOWN = 3
"""Most assignments that a note lists."""


@dataclass(frozen=True)
class WorkSelection:
    """The selectors of acts on workers; ids are those of workers or assignments."""

    selection: Selection
    hit_ids: tuple[str, ...] = ()
    min_gold: float | None = None
    """Only work of workers who gave at least this share (0 to 1) of the known answers, and were given at least one such
    item, in the selected experiments."""

    def require(self) -> WorkSelection:
        """Return self; raise if nothing is selected.

        Raises:
            UsageError: nothing selects anything.
        """
        if not self.hit_ids and self.min_gold is None:
            self.selection.require()
        return self


@dataclass(frozen=True)
class Work:
    """An assignment, submitted or decided, as last read."""

    assignment_id: str
    worker_id: str
    hit_id: str
    status: str
    experiment: str | None = None
    cost: Decimal | None = None
    """Dollars that approving it costs, commission included; None if its HIT is not ours."""
    set_back: SetBack | None = None
    """The participant's row, if psiTurk set it back to submitted after the approval."""

    @property
    def claim(self) -> Claim:
        """Return the assignment and its worker, which identify a participant's row."""
        return self.assignment_id, self.worker_id

    @classmethod
    def of_row(cls, row: WorkRow) -> Work:
        """Return the work for a row of the database."""
        cost = None
        if row.reward is not None and row.max_assignments is not None:
            cost = rule_of(row.fee).assignment_cost(row.reward, row.max_assignments, masters=bool(row.masters))
        return cls(row.assignment_id, row.worker_id, row.hit_id, row.status, row.experiment, cost)

    @classmethod
    def of_market(cls, found: Assignment) -> Work:
        """Return the work for an assignment as the market describes it."""
        return cls(found.assignment_id, found.worker_id, found.hit_id, found.status)


@dataclass(frozen=True)
class FoundWork:
    """The work that matches, whatever its status, and the results for ids that match no such work."""

    work: tuple[Work, ...]
    idle: tuple[tuple[str, str], ...] = ()
    """(id, reason) of ids that exist but have no submitted work that matches."""
    below: tuple[Work, ...] = ()
    """Work that is left out because its workers answered too few known items right."""
    failed: tuple[ItemResult, ...] = ()
    """A failed item for each unknown id."""


def find_work(world: World, wanted: WorkSelection) -> FoundWork:
    """Return the work that matches: of our tables, marked submitted in psiTurk's rows, and on the market.

    Work that only the market has matches by id or with ``--all-studies``. For work that only psiTurk's rows name, the
    market is asked who did it.

    Raises:
        NotFoundError: an experiment is unknown.
        WrongMarketError: an id belongs to another mode or market.
        UsageError: the regular expression is invalid.
        UnreachableError: the market cannot be reached.
    """
    place, selection = world.place, wanted.selection
    with world.database.read() as session:
        table = participants_table(session, world)
        narrowed = work_filter(session, place, wanted)
        unknown_hits = _unknown_hits(session, place, wanted.hit_ids, table)
        rows = workers.select_work(session, narrowed) if _looks_at_ours(wanted) else []
        theirs = PsiturkWork()
        if table is not None and _looks_at_ours(wanted):
            theirs = psiturk_work(session, narrowed, table, (participants.SUBMITTED,), says=SUBMITTED).of_a_market()
        ours = workers.own_names(session, place, selection.ids)
        known = workers.known_names(session, place, selection.ids, table, ours)
        unknown = [each for each in selection.ids if each not in known]
        for each in selection.ids:
            if each not in ours:
                _refuse_elsewhere(session, place, each)
    by_rows, left = who_did(world, narrowed, theirs, every=True)
    on_market, failed = _on_market(world, wanted, unknown_hits)
    named = _named(world, [each for each in unknown if each not in _names(on_market)])
    work = {found.assignment_id: found for found in (*named.work, *on_market)}
    work |= {each.assignment_id: each for each in (*by_rows, *map(Work.of_row, rows))}
    none = known - _names(work.values()) - {name for name, _reason in left} - theirs.impossible_names
    nothing = [(each, "no submitted work that matches") for each in selection.ids if each in none]
    idle = (*named.idle, *left, *nothing)
    return _good_enough(world, wanted, FoundWork(tuple(work.values()), idle, failed=(*named.failed, *failed)))


def _by_version(session: Session) -> dict[str, str]:
    """Return the slug of the only experiment with each code version, by code version."""
    versions = [(each.code_version, each.slug) for each in experiments.list_all(session, inactive=False)]
    return {code: slug for code, slug in versions if [code for code, _ in versions].count(code) == 1}


def _good_enough(world: World, wanted: WorkSelection, found: FoundWork) -> FoundWork:
    """Return the work of those who answered enough known items right, with the reason for each given id left out."""
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
    """Return the name of the participants table; None if there is none."""
    name: str = world.settings["participants_table"]
    return name if participants.exists(session, name) else None


def _looks_at_ours(wanted: WorkSelection) -> bool:
    chosen = wanted.selection
    alone = wanted.min_gold is not None and not chosen.all_studies
    return bool(chosen.ids or chosen.filters or chosen.everything or wanted.hit_ids or alone)


def work_filter(session: Session, place: Place, wanted: WorkSelection) -> WorkFilter:
    """Return the selectors as a filter for the store.

    Raises:
        UsageError: the regular expression is invalid.
        NotFoundError: the experiment is unknown.
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
    """Work known only from participants' rows."""

    rows: tuple[WorkRow, ...] = ()
    doubtful: tuple[WorkRow, ...] = ()
    """Assignments in the rows of several workers; one of them did it, and only the market knows who."""
    claimants: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The workers in such rows, by assignment."""
    impossible: tuple[tuple[WorkRow, str], ...] = ()
    """Rows with ids that no market can have, each with the reason."""

    @property
    def impossible_names(self) -> set[str]:
        """Return the ids of assignments and workers in ``impossible``."""
        return {name for row, _reason in self.impossible for name in (row.assignment_id, row.worker_id)}

    def of_a_market(self) -> PsiturkWork:
        """Return the same, with the rows whose ids no market can have moved to ``impossible``."""
        judged = [(row, _impossible(row)) for row in (*self.rows, *self.doubtful)]
        beyond = tuple((row, why) for row, why in judged if why is not None)
        apart = {row.assignment_id for row, _reason in beyond}
        return replace(
            self,
            rows=tuple(row for row in self.rows if row.assignment_id not in apart),
            doubtful=tuple(row for row in self.doubtful if row.assignment_id not in apart),
            impossible=beyond,
        )


def _impossible(row: WorkRow) -> str | None:
    """Return why no market can have the work, else None; people may come to a psiTurk server from Prolific, say."""
    if not can_be_id(row.assignment_id):
        return "no market can have an assignment with this id: the participant came from elsewhere"
    if not can_be_worker(row.worker_id):
        return f"no market can have a worker {quoted(row.worker_id)}: the participant came from elsewhere"
    return None if can_be_id(row.hit_id) else f"no market can have a HIT {quoted(row.hit_id)}"


def psiturk_work(
    session: Session, narrowed: WorkFilter, table: str, statuses: Collection[int], *, says: str
) -> PsiturkWork:
    """Return the work of participants with one of these statuses whose assignments have no row in our tables.

    They belong to the experiment of their HIT or, if the HIT is unknown, to the only one with their code version.

    Args:
        session: on turkctl's database.
        narrowed: the filter.
        table: the name of the participants table.
        statuses: psiTurk's numbers of the statuses.
        says: the market's word for them.
    """
    by_version = _by_version(session)
    rows = workers.select_psiturk_work(session, narrowed, table, statuses, says=says, by_version=by_version)
    claims = participants.claims(session, table, narrowed.place.mode, [row.assignment_id for row in rows])
    several = {
        name: theirs
        for name, by_worker in claims.items()
        if len(theirs := [each for each, said in by_worker.items() if said in participants.HANDED_IN]) > 1
    }
    return PsiturkWork(
        tuple(row for row in rows if row.assignment_id not in several),
        tuple(row for row in rows if row.assignment_id in several),
        several,
    )


def who_did(
    world: World, narrowed: WorkFilter, theirs: PsiturkWork, *, every: bool
) -> tuple[list[Work], list[tuple[str, str]]]:
    """Return the work with the workers that the market names, and (id, reason) of what is left out.

    Args:
        world: database and market.
        narrowed: the filter; it is applied to the workers that the market names.
        theirs: the work in participants' rows.
        every: ask about each assignment, not only about those in the rows of several workers.
    """
    told = _told(world, [*theirs.doubtful, *(theirs.rows if every else ())])
    work: list[Work] = []
    left = [(row.assignment_id, reason) for row, reason in theirs.impossible]
    for row in (*theirs.rows, *theirs.doubtful):
        worker = told.get(row.assignment_id)
        if worker is None and row in theirs.doubtful:
            names = ", ".join(theirs.claimants[row.assignment_id])
            left.append(
                (row.assignment_id, f"in the rows of {names}, and the market does not say which of them did it")
            )
            continue
        meant = row if worker is None else replace(row, worker_id=worker)
        if narrowed.matches(meant):
            work.append(Work.of_row(meant))
        else:
            left.append((row.assignment_id, f"the market says that {worker} did it, not {row.worker_id}"))
    return work, left


def _told(world: World, rows: Sequence[WorkRow]) -> dict[str, str]:
    """Return the workers that the market names, by assignment, for work on HITs that it has."""
    if not rows:
        return {}
    enter_psiturk(world, world.now())
    with world.database.read() as session:
        named = HitFilter(world.place, ids=sorted({row.hit_id for row in rows}), disposed=False)
        there = [row.hit_id for row in hits.select_hits(session, named)]
    found: dict[str, str] = {}
    for _hit, answer in read_each(world.engine(), there, lambda hit_id: list(world.mturk.list_assignments(hit_id))):
        if isinstance(answer, DoesNotExistError):
            continue
        if isinstance(answer, MarketRefusedError):
            raise answer
        found |= {each.assignment_id: each.worker_id for each in answer}
    return found


def misnamed(world: World, work: Sequence[Work]) -> tuple[str, ...]:
    """Return a note if participants' rows name these assignments, but not the workers who did them."""
    with world.database.read() as session:
        table = participants_table(session, world)
        if table is None:
            return ()
        claims = participants.claims(session, table, world.place.mode, [each.assignment_id for each in work])
    return misnamed_by(work, claims)


def misnamed_by(work: Sequence[Work], claims: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Return the same note, given the workers that the rows name, by assignment."""
    wrong = [
        f"{each.assignment_id} (did it: {each.worker_id}; in the row: {', '.join(claims[each.assignment_id])})"
        for each in work
        if each.assignment_id in claims and each.worker_id not in claims[each.assignment_id]
    ]
    if not wrong:
        return ()
    more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
    return (f"participants' rows that name another worker are left unchanged: {', '.join(wrong[:_SHOWN])}{more}",)


def _unknown_hits(session: Session, place: Place, hit_ids: Sequence[str], table: str | None) -> list[str]:
    """Return the given HITs that the database does not know.

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
            hint="give its mode with --mode, and its market with --endpoint-url or --market-url",
        )


def work_elsewhere(world: World) -> tuple[str, ...]:
    """Return a note that the mode's work belongs to another market, if there is any; for commands that found none."""
    with world.database.read() as session:
        others = workers.other_markets(session, world.place)
    if not others:
        return ()
    words = f"the database has work of mode {world.place.mode} on {', '.join(others)}, but this is {world.place.market}"
    return (f"{words}: check the credentials and --endpoint-url or --market-url",)


def _named(world: World, ids: Sequence[str]) -> FoundWork:
    """Return the assignments with these ids, which only the market knows; an id that it does not know is a failed item.

    Raises:
        UnreachableError: the market cannot be reached.
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
    """Return the error for an id that is neither a known worker nor a known assignment."""
    return NotFoundError(
        f"there is no worker or assignment {quoted(name)}",
        hint="see: turkctl workers list; to read new work from the market, run: turkctl sync",
    )


def _on_market(
    world: World, wanted: WorkSelection, named_hits: Sequence[str]
) -> tuple[list[Work], tuple[ItemResult, ...]]:
    """Return the submitted work of HITs that the database does not know: given ones, or all with ``--all-studies``.

    A HIT that does not exist, or whose work the market refuses to list, is a failed item.
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
    """Return the selection of the work on these HITs."""
    return WorkSelection(replace(selection, ids=()), tuple(hit_ids))


def refuse_unknown_names(session: Session, place: Place, wanted: WorkSelection, table: str | None) -> None:
    """Raise if a given worker or assignment is unknown.

    Raises:
        NotFoundError: one is.
    """
    ids = wanted.selection.ids
    known = workers.known_names(session, place, ids, table, workers.own_names(session, place, ids))
    for each in ids:
        if each not in known:
            raise NotFoundError(
                f"there is no worker {each}", hint="to read new work from the market, run: turkctl sync"
            )
