"""Erase a person: put a random pseudonym in their place everywhere in the market.

Amounts, times and decisions stay, so that accounts and counts are still right.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select

from turkctl.attempt_limits import digest
from turkctl.erasing import Texts, count_texts, forms_of, overwrite_deleted, replace_texts, replacement, texts_of
from turkctl.errors import NotFoundError, RefusedError
from turkctl.market import answers, erased_ids, payouts, people, rules, tables, workers
from turkctl.market.payouts import Span
from turkctl.market.people import Member
from turkctl.market.tx import Tx
from turkctl.units import ZERO, format_money
from turkctl.words import counted

SHORTEST = 4
"""Characters from which on own ids and names are looked for in texts; shorter ones are everywhere."""
EVERY_TABLE = tuple(table.name for table in tables.metadata.sorted_tables if table is not tables.meta)


@dataclass(frozen=True)
class ErasurePlan:
    """Who would be erased, and what is in the way.

    Attributes:
        worker_id: as requesters know them; None if they were erased before.
        person: what is known of them, if anything.
        open: assignments that they are at work on.
        undecided: submitted assignments that nobody has decided on.
        assignments: all of their assignments.
        owed: what they earned and nobody has marked as paid.
    """

    worker_id: str | None
    person: Member | None = None
    open: int = 0
    undecided: int = 0
    assignments: int = 0
    owed: Decimal = ZERO

    def require_free(self, *, unpaid: bool = False) -> None:
        """Raise RefusedError if work is open or undecided, or not paid, unless ``unpaid`` says that this may be."""
        if self.open or self.undecided:
            raise RefusedError(
                f"{self.worker_id} has {counted(self.open, 'open assignment')}"
                f" and {counted(self.undecided, 'submitted one')} that nobody has decided on",
                hint="decide on the work, and wait until what is open was returned or its time is over",
            )
        if self.owed and not unpaid:
            raise RefusedError(
                f"{self.worker_id} is owed {format_money(self.owed)} that is not marked as paid",
                hint=f"pay them: turkctl market payouts mark-paid {self.worker_id}; or, if nobody is paid outside the"
                " market, give --unpaid",
            )


@dataclass(frozen=True)
class Erasure:
    """What was erased.

    Attributes:
        pseudonym: the worker id in the person's place.
        changed: numbers of rows by table.
        left: cells of other people's rows in which the own id or a name still stands, by table.
    """

    pseudonym: str
    changed: dict[str, int]
    left: dict[str, int]


def look(tx: Tx, who: str) -> ErasurePlan:
    """Return who would be erased: a person by worker id, own id or login name, or a worker without a person's row.

    Raises:
        NotFoundError: there is and was nobody.
    """
    try:
        person: Member | None = people.named(tx, who)
    except NotFoundError:
        person = None
        if workers.find(tx, who) is None:
            if _was_erased(tx, who):
                return ErasurePlan(None)
            raise
    worker_id = who if person is None else person.worker_id
    found = tables.assignment.c
    mine = (found.environment == tx.environment, found.worker_id == worker_id)
    counts = {
        row.status: row.n
        for row in tx.all(select(found.status, func.count().label("n")).where(*mine).group_by(found.status))
    }
    owed = ZERO
    if tx.environment != "sandbox":  # which counts no money
        owed = sum((each.amount for each in payouts.owed(tx, Span(), [worker_id])), ZERO)
    busy = counts.get(rules.ACCEPTED, 0), counts.get(rules.SUBMITTED, 0)
    return ErasurePlan(worker_id, person, *busy, sum(counts.values()), owed)


def _was_erased(tx: Tx, who: str) -> bool:
    return any(erased_ids.is_erased(tx, kind, people.typed(who)) for kind in (erased_ids.WORKER, erased_ids.OWN))


def erase(tx: Tx, plan: ErasurePlan, *, answers_too: bool, unpaid: bool = False) -> Erasure:
    """Erase the person of a plan, also if they are owed something where ``unpaid`` is given.

    Raises:
        RefusedError: they have begun to work by now, or have earned something.
    """
    assert plan.worker_id is not None
    now = look(tx, plan.worker_id)
    now.require_free(unpaid=unpaid)
    overwrite_deleted(tx.connection)
    old, pseudonym = plan.worker_id, tx.random_id(14, "A")
    erased_ids.remember(tx, erased_ids.WORKER, old)
    if now.person is not None:
        _empty_person(tx, now.person)
    if answers_too:
        _empty_answers(tx, old)
    panel_ids = _forget_panel_ids(tx, old, pseudonym)
    _clean_bodies(tx, old, pseudonym)
    everything = list(texts_of(tx.connection, EVERY_TABLE))
    here = {"environment": tx.environment}
    changed = {each.table.name: replace_texts(tx.connection, each, [old], pseudonym, here) for each in everything}
    private = _private_texts(now.person, panel_ids)
    for each in everything:
        _clean_own_rows(tx, each, pseudonym, private, changed)
    tx.shared.marks.forget(old)
    tx.next_generation()  # titles and descriptions of HIT types may have named the worker
    left = {
        each.table.name: number
        for each in everything
        if (number := sum(count_texts(tx.connection, each, text) for text in private))
    }
    return Erasure(pseudonym, {name: number for name, number in changed.items() if number}, left)


def _private_texts(person: Member | None, panel_ids: list[str]) -> list[str]:
    """Return the own id, names and panels' ids that are looked for in texts."""
    found = (*(() if person is None else (person.own_id, person.full_name, person.name)), *panel_ids)
    return [each for each in dict.fromkeys(found) if each is not None and len(each) >= SHORTEST]


def _clean_own_rows(tx: Tx, found: Texts, pseudonym: str, private: list[str], changed: dict[str, int]) -> None:
    """Replace own id and names in the rows about the person; in those of others they may mean somebody else."""
    if "worker_id" not in found.table.c:
        return
    mine = {"environment": tx.environment, "worker_id": pseudonym}
    name = found.table.name
    for text in private:
        changed[name] += replace_texts(tx.connection, found, forms_of(text), pseudonym, mine)


def _empty_person(tx: Tx, person: Member) -> None:
    """Remove what is known of a person: names, own id, label, groups, terms, attempts to sign in, links."""
    if person.own_id is not None:
        erased_ids.remember(tx, erased_ids.OWN, person.own_id)
    emptied = ("name", "password_hash", "own_id", "full_name", "label", "terms_version", "terms_at")
    people.change(tx, person.worker_id, groups="[]", **dict.fromkeys(emptied))
    names = [digest(each) for each in (person.name, person.own_id) if each is not None]
    tx.run(tables.sign_in_attempt.delete().where(tables.sign_in_attempt.c.name.in_(names)))
    for table in (tables.password_reset, tables.invitation):
        mine = (table.c.environment == tx.environment, table.c.worker_id == person.worker_id)
        tx.run(table.delete().where(*mine))


def _forget_panel_ids(tx: Tx, worker_id: str, pseudonym: str) -> list[str]:
    """Remove what panels call a person, and what they sent of them; return these ids.

    Who comes by such an id again is somebody new: it is they themselves who come back, and not by accident.
    """
    member, visit, found = tables.panel_member, tables.entry_visit, list[str]()
    for table in (member, visit):
        mine = (table.c.environment == tx.environment, table.c.worker_id == worker_id)
        found += [row.panel_id for row in tx.all(select(table.c.panel_id).where(*mine))]
        if table is member:
            tx.run(table.delete().where(*mine))
        else:
            tx.run(table.update().where(*mine).values(panel_id=pseudonym, parameters="{}"))
    return list(dict.fromkeys(found))


def _clean_bodies(tx: Tx, worker_id: str, pseudonym: str) -> None:
    """Delete what the person's tasks sent, which answers repeat; replace the worker id in what others' tasks sent."""
    kept, taken = tables.submission, tables.assignment.c
    theirs = select(taken.id).where(taken.environment == tx.environment, taken.worker_id == worker_id)
    tx.run(kept.delete().where(kept.c.assignment_id.in_(theirs)))
    place = func.instr if tx.connection.dialect.name == "sqlite" else func.pg_catalog.position
    here = select(taken.id).where(taken.environment == tx.environment)
    naming = select(kept.c.seq, kept.c.body).where(
        place(kept.c.body, worker_id.encode()) > 0, kept.c.assignment_id.in_(here)
    )
    replace = replacement(worker_id, pseudonym)
    for row in tx.all(naming):
        body = replace(row.body.decode("latin-1")).encode("latin-1")
        tx.run(kept.update().where(kept.c.seq == row.seq).values(body=body))


def _empty_answers(tx: Tx, worker_id: str) -> None:
    for table in (tables.assignment, tables.qualification_request):
        mine = (table.c.environment == tx.environment, table.c.worker_id == worker_id, table.c.answer.is_not(None))
        tx.run(table.update().where(*mine).values(answer=answers.document({})))
