"""Know the people behind worker ids: names, passwords, groups, and the ids that a lab has for them.

A person is one worker id in one environment. How they come in (by an invitation, by name and password) does not matter
to requesters, who see the worker id alone.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, exists, select

from turkctl.errors import NotFoundError, UsageError
from turkctl.ids import looks_like_markets, storable
from turkctl.market import erased_ids, tables, workers
from turkctl.market.given_text import checked_text
from turkctl.market.requester import Environment
from turkctl.market.state import MarketDatabase
from turkctl.market.tx import Tx, to_ms, when
from turkctl.newcomers import NewPerson

_AT_ONCE = 500
"""Ids that one query looks up."""
# Each page asks this, so it is built once.
_BY_WORKER = select(tables.person).where(
    tables.person.c.environment == bindparam("b_environment"), tables.person.c.worker_id == bindparam("b_worker")
)
_OF_SESSION = _BY_WORKER.where(
    ~exists().where(
        tables.ended_session.c.token == bindparam("b_token"), tables.ended_session.c.ends_at > bindparam("b_now")
    )
)
_NEW_RECORD = {"approved": 0, "rejected": 0, "submitted": 0, "masters": 0, "adult": 0}


@dataclass(frozen=True)
class Member:
    """Somebody who works here.

    Attributes:
        worker_id: as requesters know them.
        name: the login name, if they have one.
        password_hash: of their password; empty if they have none.
        own_id: the lab's own id of them.
        label: a note of whoever runs the market.
        groups: the groups they belong to.
        created: when they were added.
        full_name: what they are called.
        terms_version: of the site's terms, to which they agreed last.
        terms_at: when they did.
    """

    worker_id: str
    name: str | None
    password_hash: str
    own_id: str | None
    label: str | None
    groups: tuple[str, ...]
    created: datetime
    full_name: str | None
    terms_version: str | None = None
    terms_at: datetime | None = None


def typed(name: str) -> str:
    """Return a name or an own id in the one form in which they are compared, however a keyboard composes letters."""
    return unicodedata.normalize("NFKC", name)


def add(tx: Tx, new: NewPerson) -> str:
    """Add a person with a new worker id, and return it.

    Raises:
        UsageError: a text is not usable, the name or the own id is taken, or the own id was erased.
    """
    row = {
        "environment": tx.environment,
        "name": None if new.name is None else checked_text(typed(new.name), "login name"),
        "password_hash": new.password_hash,
        "own_id": None if new.own_id is None else checked_own_id(tx, new.own_id),
        "label": None if new.label is None else checked_text(new.label, "label"),
        "full_name": None if new.full_name is None else checked_text(new.full_name, "name"),
        "groups": groups_text(new.groups),
        "created_at": tx.now,
    }
    _refuse_taken(tx, row)
    worker_id = workers.register(tx, None, dict(_NEW_RECORD), new.locale)
    tx.run(tables.person.insert(), row | {"worker_id": worker_id})
    return worker_id


def _refuse_taken(tx: Tx, row: dict[str, Any]) -> None:
    for column, words in (("name", "login name"), ("own_id", "own id")):
        if row[column] is not None and _first(tx, tables.person.c[column] == row[column]) is not None:
            raise UsageError(f"the {words} '{row[column]}' is taken", hint=f"choose another {words}")


def checked_own_id(tx: Tx, own_id: str) -> str:
    """Return an own id in the form in which it is stored.

    Raises:
        UsageError: it is not usable, looks like an id of the market, or was erased.
    """
    own_id = checked_text(typed(own_id), "own id")
    if looks_like_markets(own_id):
        raise UsageError(
            f"the own id '{own_id}' looks like an id that the market gives",
            hint="write it in another way, as in own-" + own_id,
        )
    erased_ids.refuse(tx, erased_ids.OWN, own_id)
    return own_id


def groups_text(groups: Sequence[str]) -> str:
    """Return groups as they are stored.

    Raises:
        UsageError: the name of one is not usable.
    """
    return json.dumps([checked_text(group, "group") for group in dict.fromkeys(groups)])


def _first(tx: Tx, condition: ColumnElement[bool]) -> Row[Any] | None:
    return tx.first(select(tables.person).where(tables.person.c.environment == tx.environment, condition))


def by_worker(tx: Tx, worker_id: str) -> Member | None:
    """Return the person with this worker id, or None."""
    row = tx.first(_BY_WORKER, {"b_environment": tx.environment, "b_worker": worker_id})
    return None if row is None else _person(row)


def of_session(
    database: MarketDatabase, environment: Environment, worker_id: str, token: str, now: datetime
) -> Member | None:
    """Return the person with this worker id, or None if the session with this token was ended.

    Each page asks this, so it is one statement; it depends on nothing that becomes due.
    """
    values = {"b_environment": environment, "b_worker": worker_id, "b_token": token, "b_now": to_ms(now)}
    row = database.first(_OF_SESSION, values)
    return None if row is None else _person(row)


def by_name(tx: Tx, name: str) -> Member | None:
    """Return the person with this login name, or None."""
    row = _first(tx, tables.person.c.name == typed(name))
    return None if row is None else _person(row)


def by_own_id(tx: Tx, own_id: str) -> Member | None:
    """Return the person of whom this is the lab's own id, or None."""
    row = _first(tx, tables.person.c.own_id == typed(own_id))
    return None if row is None else _person(row)


def by_own_ids(tx: Tx, own_ids: Sequence[str]) -> dict[str, Member]:
    """Return the people who have these own ids, in the form in which they are stored, by own id."""
    found: dict[str, Member] = {}
    wanted = list(dict.fromkeys(own_ids))
    for start in range(0, len(wanted), _AT_ONCE):
        mine = tables.person.c.own_id.in_(wanted[start : start + _AT_ONCE])
        rows = tx.all(select(tables.person).where(tables.person.c.environment == tx.environment, mine))
        found |= {row.own_id: _person(row) for row in rows}
    return found


def named(tx: Tx, who: str) -> Member:
    """Return the person that whoever runs the market means: by worker id, own id or login name.

    Raises:
        NotFoundError: there is nobody.
        UsageError: it is the own id of one person, and the login name of another.
    """
    who = storable(who)
    found = by_worker(tx, who)
    if found is not None:
        return found
    people = {each.worker_id: each for each in (by_own_id(tx, who), by_name(tx, who)) if each is not None}
    if not people:
        raise NotFoundError(f"nobody here has the id '{who}'", hint="see who there is: turkctl market workers list")
    if len(people) > 1:
        both = " or ".join(people)
        raise UsageError(f"'{who}' is the own id of one person, and the login name of another", hint=f"give {both}")
    return next(iter(people.values()))


def everybody(tx: Tx, group: str | None = None) -> list[Member]:
    """Return all people, or those of a group, in the order in which they came."""
    found = tables.person
    rows = tx.all(select(found).where(found.c.environment == tx.environment).order_by(found.c.seq))
    people = [_person(row) for row in rows]
    return people if group is None else [each for each in people if group in each.groups]


def _person(row: Row[Any]) -> Member:
    groups = tuple(json.loads(row.groups))
    agreed = None if row.terms_at is None else when(row.terms_at)
    known = (row.worker_id, row.name, row.password_hash or "", row.own_id, row.label, groups, when(row.created_at))
    return Member(*known, row.full_name, row.terms_version, agreed)


def record(tx: Tx, worker_id: str) -> dict[str, Any]:
    """Return where a person lives, and how many of their assignments were submitted, approved and rejected.

    Raises:
        WorkError: UnknownWorker.
    """
    row = workers.at_work(tx, worker_id)
    locale = "-".join(filter(None, (row.country, row.subdivision)))
    return {"locale": locale, "submitted": row.submitted, "approved": row.approved, "rejected": row.rejected}


def set_password(tx: Tx, worker_id: str, name: str, password_hash: str) -> None:
    """Give a person who has none a login name and a password.

    Raises:
        UsageError: the name is not usable or taken, or they have one already.
    """
    person = by_worker(tx, worker_id)
    if person is None or person.name is not None:
        raise UsageError("you have a login name already", hint="sign in with it")
    row = {"name": checked_text(typed(name), "login name"), "own_id": None}
    _refuse_taken(tx, row)
    change(tx, worker_id, name=row["name"], password_hash=password_hash)


def add_groups(tx: Tx, worker_id: str, groups: Sequence[str]) -> None:
    """Make a person belong to these groups as well."""
    person = by_worker(tx, worker_id)
    if person is None or set(groups) <= set(person.groups):
        return
    change(tx, worker_id, groups=groups_text([*person.groups, *groups]))


def change(tx: Tx, worker_id: str, **columns: str | int | None) -> None:
    """Set columns of a person."""
    mine = (tables.person.c.environment == tx.environment, tables.person.c.worker_id == worker_id)
    tx.run(tables.person.update().where(*mine).values(**columns))
