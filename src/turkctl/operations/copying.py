"""Move a study, and its market, to other databases, so that at every moment at most one of two acts.

Two databases cannot commit at once, so the steps are these, each one commit, and any of them may be the last:

1. the target gets everything, and the mark of a copy that is not handed over;
2. the source gets the mark of one that was moved (the market first, so that no work is done on it any more);
3. the target loses its mark (the market first, so that the study finds it).

Meanwhile, nobody else can write to the sources. Before step 2 the source acts and the target does not, after it neither
does, after step 3 the target does. The same command again does what is missing: it begins step 1 anew, as work may have
been done on the source since, and it goes on with steps 2 and 3.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from turkctl.copying import marks
from turkctl.copying.contents import Contents
from turkctl.copying.marks import MoveMark
from turkctl.copying.misfits import refuse_misfits
from turkctl.copying.rows import compare, copy_rows, count, go_on_counting, learn
from turkctl.copying.sides import Side
from turkctl.copying.tables import CopiedTable
from turkctl.errors import NotFoundError, RefusedError, UsageError
from turkctl.operations.intents import processes
from turkctl.paths import exists
from turkctl.store import failures
from turkctl.store.engine import WRITABLE, parse_url

TO_COPY, TO_FINISH, DONE = "to copy", "to finish", "done"


class AtWorkError(RefusedError):
    """Somebody is at work with what should be moved."""

    code = "at_work"

    def __init__(self, worker: Mapping[str, Any], what: str) -> None:
        super().__init__(
            f"{worker['does']} is at work with {what}: {processes.in_words(worker)}",
            hint="stop it first; if it was killed, it counts for a minute and a half more",
        )


class TargetHasDataError(RefusedError):
    """The target is not empty."""

    code = "target_has_data"

    def __init__(self, target: Side, what: str) -> None:
        super().__init__(
            f"{target.name} has data already, so {what} is not copied into it",
            hint="name a new database",
        )


@dataclass
class Part:
    """What is copied, from where, and where to.

    Attributes:
        contents: the study or the market.
        source: the database that it is in.
        target: the database that it goes to.
        state: what is left to do.
        tables: that are copied.
        rows: number of rows by table, once it is copied.
    """

    contents: Contents
    source: Side
    target: Side
    state: str = TO_COPY
    tables: Sequence[CopiedTable] = ()
    rows: dict[str, int] = field(default_factory=dict)
    left_out: Sequence[str] = ()
    """Tables of the source that are nobody's that is copied."""
    journal: str = "wal"
    """How the copy keeps changes, on SQLite: as turkctl does, or as a file that psiTurk made does."""

    def refusal(self, mark: MoveMark) -> RefusedError:
        """Return the error for a source that does not act."""
        return marks.refusal(mark, self.contents.what, self.source.name, self.contents.setting)


@dataclass(frozen=True)
class CopyProgress:
    """Whom a copy tells how far it is.

    Attributes:
        rows: called with the number of rows copied, and of all.
        step: called with a few words before each commit and after it; it may raise, as a killed process would end.
        check: called between rows, until the source is marked; it raises where the user wants to stop.
    """

    rows: Callable[[int, int], None] = lambda _done, _all: None
    step: Callable[[str], None] = lambda _words: None
    check: Callable[[], None] = lambda: None


def parts_of(pairs: Sequence[tuple[Contents, str, str]]) -> list[Part]:
    """Return what is copied, of contents with the addresses of their source and target.

    What shares a database shares its connection, and so is locked and committed together.

    Raises:
        ConfigError, UsageError: an address is invalid, or that of a database which turkctl cannot write to.
    """
    sources, targets = dict[str, Side](), dict[str, Side]()
    parts = []
    for contents, source, target in pairs:
        here, there = (_side(url, known) for url, known in ((source, sources), (target, targets)))
        parts.append(Part(contents, here, there))
    for part in parts:
        if part.target.name in {side.name for side in sources.values()}:
            raise UsageError(f"{part.target.name} is the database that is copied", hint="name another one")
    return parts


def _side(url: str, known: dict[str, Side]) -> Side:
    parsed = parse_url(url)
    if parsed.get_backend_name() not in WRITABLE:
        raise UsageError(f"turkctl does not write to {parsed.get_backend_name()}", hint="use SQLite or PostgreSQL")
    name = parsed.render_as_string(hide_password=False)
    if name not in known:
        try:
            known[name] = Side(parsed, failures.translated)
        except ImportError as error:
            raise failures.missing_driver(error, parsed) from None
    return known[name]


def move(parts: Sequence[Part], now: str, *, keep: bool = False, progress: CopyProgress | None = None) -> None:
    """Copy the parts, and let the copies act instead of what they were copied from.

    Args:
        parts: the market first, if it is copied too.
        now: the time, in ISO 8601.
        keep: make copies that never act; the sources go on acting.
        progress: whom to tell.

    Raises:
        NotFoundError: there is nothing to copy.
        RefusedError: somebody is at work, a target has data, or a source was moved elsewhere.
        UsageError: PostgreSQL cannot hold a row.
        CopyDiffersError: a copy is not the same.
        DatabaseUnreachableError: a database does not answer, or somebody writes to it for longer than five seconds.
    """
    told = progress or CopyProgress()
    with _closing(parts):
        for part in parts:
            _look(part, keep=keep)
        to_copy = [part for part in parts if part.state == TO_COPY]
        for part in to_copy:
            _prepare(part)
        _copy(to_copy, told, secrets.token_hex(16), now)
        if keep:
            for part in parts:
                _set_mark_of_target(part, marks.KEPT, now, told)
            return
        for part in to_copy:
            _mark_source(part, now)
        for source in dict.fromkeys(part.source for part in parts):
            told.step(f"marking {source.name}")
            source.commit()
            told.step(f"marked {source.name}")
        for part in parts:
            if part.state != DONE:
                _set_mark_of_target(part, marks.ARRIVED, now, told)


@contextmanager
def _closing(parts: Sequence[Part]) -> Iterator[None]:
    try:
        yield
    finally:
        for part in parts:
            part.source.close()
            part.target.close()


def _look(part: Part, *, keep: bool) -> None:
    """Lock the source, and decide what is left to do.

    Raises:
        NotFoundError, RefusedError: nothing can be done.
    """
    source, target, contents = part.source, part.target, part.contents
    if source.file is not None and not exists(source.file):
        raise NotFoundError(f"there is no database {source.name}")
    source.begin()
    part.journal = source.journal_mode() or part.journal
    identity = contents.identity(source.connection)
    if identity is None:
        raise NotFoundError(f"{contents.what} is not in {source.name}")
    part.tables = contents.tables(source.connection, "sqlite" if target.sqlite else "postgresql")
    part.left_out = contents.left_out(source.tables())
    source.lock([each.name for each in part.tables])
    mark = contents.mark(source.connection)
    moved = mark is not None and mark.state == marks.MOVED and not keep
    if mark is not None and not (moved or mark.acts or (keep and mark.state == marks.KEPT)):
        raise part.refusal(mark)
    if not moved:
        _refuse_work(part)
    target.expect_much()
    target.begin()
    target.require_unicode()
    there = _found_there(part)
    if moved and mark is not None:
        part.state = _what_is_left(part, mark, there)
    elif there is not None and not _may_begin_anew(part, there, identity):
        raise TargetHasDataError(target, contents.what)


def _refuse_work(part: Part) -> None:
    """Raise AtWorkError if a living process is at work with the source."""
    for worker in part.contents.at_work(part.source.connection):
        if not processes.is_gone(worker):
            raise AtWorkError(worker, part.contents.what)


def _found_there(part: Part) -> MoveMark | None:
    """Return the mark of what is in the target; None if nothing is, or nothing but tables.

    Raises:
        TargetHasDataError: there is something without a mark.
    """
    target, contents = part.target, part.contents
    if not any(contents.owns(name) for name in target.tables()):
        return None
    known = contents.identity(target.connection) is not None
    mark = contents.mark(target.connection) if known else None
    if mark is None and not (known and contents.is_empty(target.connection)):
        raise TargetHasDataError(target, contents.what)
    return mark


def _may_begin_anew(part: Part, there: MoveMark, identity: str) -> bool:
    """Return whether what is in the target is a copy of this source that was never handed over."""
    return there.state == marks.INCOMING and part.contents.identity(part.target.connection) == identity


def _what_is_left(part: Part, mark: MoveMark, there: MoveMark | None) -> str:
    """Return what is left to do where the source is marked as moved.

    Raises:
        MarkedError: it was moved elsewhere.
    """
    if there is None or there.token != mark.token:
        raise part.refusal(mark)
    return TO_FINISH if there.state == marks.INCOMING else DONE


def _prepare(part: Part) -> None:
    """See that all rows fit the target, before anything is written.

    Raises:
        UsageError: one does not, which is named.
    """
    if part.source.sqlite and not part.target.sqlite:
        for each in part.tables:
            if each.filled:
                with part.source.translating():
                    refuse_misfits(part.source, each)


def _copy(parts: Sequence[Part], told: CopyProgress, token: str, now: str) -> None:
    """Fill the targets, each in one transaction that also marks it."""
    everything = sum(count(part.source, each) for part in parts for each in part.tables if each.filled)
    done = 0

    def tell(number: int) -> None:
        nonlocal done
        done += number
        told.check()
        told.rows(done, everything)

    for target in dict.fromkeys(part.target for part in parts):
        for part in parts:
            if part.target is target:
                _fill(part, tell)
                with target.translating():
                    part.contents.set_mark(target.connection, MoveMark(marks.INCOMING, token, part.source.name, now))
        told.step(f"filling {target.name}")
        target.commit()
        told.step(f"filled {target.name}")


def _fill(part: Part, tell: Callable[[int], None]) -> None:
    """Make the tables, copy the rows, and compare them."""
    source, target = part.source, part.target
    for name in _in_the_way(part):
        target.connection.exec_driver_sql(f"DROP TABLE {target.quote(name)}{'' if target.sqlite else ' CASCADE'}")
    for each in part.tables:
        with target.translating():
            each.make(target.connection)
        if each.filled:
            copy_rows(source, target, each, tell)
            part.rows[each.name] = compare(source, target, each)
            with target.translating():
                go_on_counting(target, each)
                learn(target, each)


def _in_the_way(part: Part) -> list[str]:
    """Return the tables of an earlier copy that was not handed over, each before those that it refers to."""
    there = [name for name in part.target.tables() if part.contents.owns(name)]
    order = [each.name for each in part.tables]
    return sorted(there, key=lambda name: order.index(name) if name in order else -1, reverse=True)


def _mark_source(part: Part, now: str) -> None:
    """MoveMark the source as moved, in the transaction that has kept it locked since before it was read."""
    mark = _mark_of(part)
    with part.source.translating():
        part.contents.set_mark(part.source.connection, MoveMark(marks.MOVED, mark.token, part.target.name, now))


def _mark_of(part: Part) -> MoveMark:
    """Return the mark of the target."""
    part.target.begin()
    mark = part.contents.mark(part.target.connection)
    assert mark is not None, "it was filled, or found so"
    return mark


def _set_mark_of_target(part: Part, state: str, now: str, told: CopyProgress) -> None:
    """Say of the target whether it acts from now on."""
    mark = _mark_of(part)
    with part.target.translating():
        part.contents.set_mark(part.target.connection, MoveMark(state, mark.token, part.source.name, now))
    told.step(f"{state} {part.contents.what}")
    part.target.commit()
    part.target.use_journal(part.journal)
    told.step(f"{state} {part.contents.what}, done")
