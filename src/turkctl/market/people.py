"""Know the people behind worker ids: accounts with a name and a password, and invitations.

A person is one worker id in one environment. How they come in (by an invitation, by name and password) does not matter
to requesters, who see the worker id alone.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, select

from turkctl.errors import NotFoundError, UsageError
from turkctl.harmless import hides_characters
from turkctl.ids import is_text, storable
from turkctl.market import tables, workers
from turkctl.market.errors import WorkError
from turkctl.market.tx import Tx, to_ms, when

LONGEST_TEXT = 200
"""Characters of a name, an own id, a label or a group at most."""
MOST_INVITATIONS = 10_000
"""Invitations that are made at once."""
_TOKEN_BYTES = 24
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
    """

    worker_id: str
    name: str | None
    password_hash: str
    own_id: str | None
    label: str | None
    groups: tuple[str, ...]
    created: datetime


@dataclass(frozen=True)
class NewInvitation:
    """What invitations are made for.

    Attributes:
        uses: people who may come in by it; None: any number.
        personal: the link is the person: opened again, it is the same person.
        until: when it ends, by the market's clock; None: never.
        label: a note.
        groups: the groups of those who come in by it.
        locale: where they are taken to live, as in ``US`` or ``US-NY``.
    """

    uses: int | None = 1
    personal: bool = True
    until: datetime | None = None
    label: str | None = None
    groups: tuple[str, ...] = ()
    locale: str = "US"


@dataclass(frozen=True)
class Invitation:
    """An invitation as it is stored: not its token, which is kept as a hash alone."""

    id: str
    uses: int | None
    used: int
    personal: bool
    worker_id: str | None
    label: str | None
    groups: tuple[str, ...]
    created: datetime
    until: datetime | None
    revoked: datetime | None


def typed(name: str) -> str:
    """Return a login name in the one form in which names are compared, however a keyboard composes its letters."""
    return unicodedata.normalize("NFKC", name)


def add(
    tx: Tx,
    *,
    name: str | None = None,
    password_hash: str | None = None,
    own_id: str | None = None,
    label: str | None = None,
    groups: Sequence[str] = (),
    locale: str = "US",
) -> str:
    """Add a person with a new worker id, and return it.

    Raises:
        UsageError: a text is not usable, or the name or the own id is taken.
    """
    row = {
        "environment": tx.environment,
        "name": None if name is None else _checked(typed(name), "login name"),
        "password_hash": password_hash,
        "own_id": None if own_id is None else _checked(own_id, "own id"),
        "label": None if label is None else _checked(label, "label"),
        "groups": groups_text(groups),
        "created_at": tx.now,
    }
    _refuse_taken(tx, row)
    worker_id = workers.register(tx, None, dict(_NEW_RECORD), locale)
    tx.run(tables.person.insert(), row | {"worker_id": worker_id})
    return worker_id


def _refuse_taken(tx: Tx, row: dict[str, Any]) -> None:
    for column, words in (("name", "login name"), ("own_id", "own id")):
        if row[column] is not None and _first(tx, tables.person.c[column] == row[column]) is not None:
            raise UsageError(f"the {words} '{row[column]}' is taken", hint=f"choose another {words}")


def _checked(text: str, words: str) -> str:
    """Return a text that people read.

    Raises:
        UsageError: it is empty, too long, or has characters that cannot be seen.
    """
    if not text.strip() or text != text.strip():
        raise UsageError(f"the {words} is empty, or begins or ends with a blank", hint=f"give another {words}")
    if len(text) > LONGEST_TEXT:
        raise UsageError(f"the {words} is longer than {LONGEST_TEXT} characters", hint=f"give a shorter {words}")
    if hides_characters(text) or not is_text(text):
        raise UsageError(f"the {words} has characters that cannot be seen", hint=f"give another {words}")
    return text


def groups_text(groups: Sequence[str]) -> str:
    """Return groups as they are stored.

    Raises:
        UsageError: the name of one is not usable.
    """
    return json.dumps([_checked(group, "group") for group in dict.fromkeys(groups)])


def _first(tx: Tx, condition: ColumnElement[bool]) -> Row[Any] | None:
    return tx.first(select(tables.person).where(tables.person.c.environment == tx.environment, condition))


def by_worker(tx: Tx, worker_id: str) -> Member | None:
    """Return the person with this worker id, or None."""
    row = _first(tx, tables.person.c.worker_id == worker_id)
    return None if row is None else _person(row)


def by_name(tx: Tx, name: str) -> Member | None:
    """Return the person with this login name, or None."""
    row = _first(tx, tables.person.c.name == typed(name))
    return None if row is None else _person(row)


def named(tx: Tx, who: str) -> Member:
    """Return the person that whoever runs the market means: by worker id, own id or login name.

    Raises:
        NotFoundError: there is nobody.
    """
    who = storable(who)
    found = by_worker(tx, who)
    if found is None:
        row = _first(tx, tables.person.c.own_id == who)
        found = by_name(tx, who) if row is None else _person(row)
    if found is None:
        raise NotFoundError(f"nobody here has the id '{who}'", hint="see who there is: turkctl market workers list")
    return found


def everybody(tx: Tx, group: str | None = None) -> list[Member]:
    """Return all people, or those of a group, in the order in which they came."""
    found = tables.person
    rows = tx.all(select(found).where(found.c.environment == tx.environment).order_by(found.c.seq))
    people = [_person(row) for row in rows]
    return people if group is None else [each for each in people if group in each.groups]


def _person(row: Row[Any]) -> Member:
    groups = tuple(json.loads(row.groups))
    created = when(row.created_at)
    return Member(row.worker_id, row.name, row.password_hash or "", row.own_id, row.label, groups, created)


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
    row = {"name": _checked(typed(name), "login name"), "own_id": None}
    _refuse_taken(tx, row)
    mine = (tables.person.c.environment == tx.environment, tables.person.c.worker_id == worker_id)
    tx.run(tables.person.update().where(*mine).values(name=row["name"], password_hash=password_hash))


# Invitations


def invite(tx: Tx, new: NewInvitation, count: int) -> list[str]:
    """Make invitations, and return their tokens, which can never be read again.

    Raises:
        UsageError: there are too many, or a text is not usable.
    """
    if not 1 <= count <= MOST_INVITATIONS:
        raise UsageError(f"{count} invitations cannot be made at once", hint=f"ask for 1 to {MOST_INVITATIONS}")
    if new.until is not None and to_ms(new.until) <= tx.now:
        raise UsageError("the invitations would have ended already", hint="give a later --until")
    workers.check_locale(new.locale)
    tokens = [secrets.token_urlsafe(_TOKEN_BYTES) for _ in range(count)]
    row = {
        "environment": tx.environment,
        "uses": new.uses,
        "personal": int(new.personal),
        "label": None if new.label is None else _checked(new.label, "label"),
        "groups": groups_text(new.groups),
        "locale": new.locale,
        "created_at": tx.now,
        "ends_at": None if new.until is None else to_ms(new.until),
    }
    tx.run(
        tables.invitation.insert(),
        [row | {"id": tx.random_id(12, "I"), "token_hash": hash_token(token)} for token in tokens],
    )
    return tokens


def hash_token(token: str) -> str:
    """Return what is stored of a token; it is random and long, so that no salt is needed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def invitation(tx: Tx, token: str) -> Invitation:
    """Return the invitation with this token, if it can be used.

    Raises:
        WorkError: NoInvitation, whatever is wrong with it.
    """
    return _invitation(_usable(tx, token))


def _usable(tx: Tx, token: str) -> Row[Any]:
    found = tables.invitation
    row = tx.first(select(found).where(found.c.environment == tx.environment, found.c.token_hash == hash_token(token)))
    over = row is None or row.revoked_at is not None or (row.ends_at is not None and row.ends_at <= tx.now)
    spent = row is not None and row.uses is not None and row.used >= row.uses and row.worker_id is None
    if row is None or over or spent:
        raise WorkError("NoInvitation", "This invitation does not exist, has ended, or was used already.")
    return row


def join(tx: Tx, token: str, worker_id: str | None = None) -> str:
    """Come in by an invitation, and return the worker id.

    Args:
        tx: the transaction.
        token: of the invitation.
        worker_id: of somebody who is signed in; they stay who they are, and get the invitation's groups.

    Raises:
        WorkError: NoInvitation; SignIn if the link's person has a password, which counts from then on.
    """
    row = _usable(tx, token)
    if row.worker_id is not None:  # a personal link that was opened before
        person = by_worker(tx, row.worker_id)
        if worker_id is None and person is not None and person.name is not None:
            raise WorkError("SignIn", "You chose a name and a password: sign in with them.")
        return worker_id or str(row.worker_id)
    groups = json.loads(row.groups)
    if worker_id is None:
        worker_id = add(tx, label=row.label, groups=groups, locale=row.locale)
    else:
        add_groups(tx, worker_id, groups)
    bound = worker_id if row.personal else None
    mine = tables.invitation.c.seq == row.seq
    tx.run(tables.invitation.update().where(mine).values(used=row.used + 1, worker_id=bound))
    return worker_id


def add_groups(tx: Tx, worker_id: str, groups: Sequence[str]) -> None:
    """Add groups to those that a person belongs to."""
    person = by_worker(tx, worker_id)
    if person is None or set(groups) <= set(person.groups):
        return
    mine = (tables.person.c.environment == tx.environment, tables.person.c.worker_id == worker_id)
    tx.run(tables.person.update().where(*mine).values(groups=groups_text([*person.groups, *groups])))


def invitations(tx: Tx) -> list[Invitation]:
    """Return all invitations in the order in which they were made."""
    found = tables.invitation
    rows = tx.all(select(found).where(found.c.environment == tx.environment).order_by(found.c.seq))
    return [_invitation(row) for row in rows]


def _invitation(row: Row[Any]) -> Invitation:
    return Invitation(
        row.id,
        row.uses,
        row.used,
        bool(row.personal),
        row.worker_id,
        row.label,
        tuple(json.loads(row.groups)),
        when(row.created_at),
        None if row.ends_at is None else when(row.ends_at),
        None if row.revoked_at is None else when(row.revoked_at),
    )


def revoke(tx: Tx, ids: Sequence[str]) -> int:
    """End invitations, by id or by token, and return how many were not ended before.

    Raises:
        NotFoundError: there is no such invitation; then none is ended.
    """
    found = tables.invitation
    ended = 0
    for wanted in ids:
        same = (found.c.id == storable(wanted)) | (found.c.token_hash == hash_token(wanted))
        row = tx.first(select(found).where(found.c.environment == tx.environment, same))
        if row is None:
            raise NotFoundError(
                f"there is no invitation '{wanted[:20]}'", hint="see: turkctl market workers invitations"
            )
        if row.revoked_at is None:
            tx.run(found.update().where(found.c.seq == row.seq).values(revoked_at=tx.now))
            ended += 1
    return ended


# Attempts to sign in, in real time


def nth_failure(tx: Tx, number: int, since: datetime, name: str | None, address: str | None) -> datetime | None:
    """Return the time of the failure that is ``number``-th from the latest since then; None if there are fewer."""
    tried = tables.sign_in_attempt.c
    wanted = [tried.failed == 1, tried.at > to_ms(since)]
    wanted += [tried.name == name] if name is not None else []
    wanted += [tried.address == address] if address is not None else []
    row = tx.first(select(tried.at).where(*wanted).order_by(tried.at.desc()).offset(number - 1).limit(1))
    return None if row is None else when(row.at)


def has_succeeded(tx: Tx, since: datetime, name: str, address: str) -> bool:
    """Return whether this name signed in from this address since then."""
    tried = tables.sign_in_attempt.c
    same = (tried.failed == 0, tried.name == name, tried.address == address, tried.at > to_ms(since))
    return tx.first(select(tried.seq).where(*same).limit(1)) is not None


def note_attempt(tx: Tx, name: str, address: str, now: datetime, *, failed: bool) -> None:
    """Remember an attempt; a success forgets the failures of this name from this address."""
    tried = tables.sign_in_attempt
    if not failed:
        tx.run(tried.delete().where(tried.c.name == name, tried.c.address == address))
    tx.run(tried.insert(), {"name": name, "address": address, "failed": int(failed), "at": to_ms(now)})


def forget_attempts(tx: Tx, failures_before: datetime, all_before: datetime) -> None:
    """Forget attempts that count no more."""
    tried = tables.sign_in_attempt
    old = (tried.c.at <= to_ms(failures_before)) & (tried.c.failed == 1)
    tx.run(tried.delete().where(old | (tried.c.at <= to_ms(all_before))))


def end_session(tx: Tx, token: str, until: datetime, now: datetime) -> None:
    """Remember that a session was signed out; forget those that are over anyway."""
    ended = tables.ended_session
    tx.run(ended.delete().where(ended.c.ends_at <= to_ms(now)))
    if tx.first(select(ended.c.token).where(ended.c.token == token)) is None:
        tx.run(ended.insert(), {"token": token, "ends_at": to_ms(until)})


def is_ended(tx: Tx, token: str, now: datetime) -> bool:
    """Return whether a session was signed out."""
    ended = tables.ended_session.c
    return tx.first(select(ended.token).where(ended.token == token, ended.ends_at > to_ms(now))) is not None
