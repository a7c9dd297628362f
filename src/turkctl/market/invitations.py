"""Invite people: make invitations, let people in by them, end them."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from turkctl.errors import NotFoundError, UsageError
from turkctl.ids import storable
from turkctl.market import id_patterns, people, tables, workers
from turkctl.market.errors import WorkError
from turkctl.market.given_text import checked_text
from turkctl.market.people import Member
from turkctl.market.tx import Tx, to_ms, when
from turkctl.newcomers import NewInvitation, NewPerson

MOST_INVITATIONS = 10_000
"""Invitations that are made at once."""
_TOKEN_BYTES = 24


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
    ask: str | None
    pattern: str | None
    known_only: bool


def invite(tx: Tx, new: NewInvitation, count: int) -> list[str]:
    """Make invitations, and return their tokens, which can never be read again.

    Raises:
        UsageError: there are too many, or a text or the pattern is not usable.
    """
    _check_question(new)
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
        "label": None if new.label is None else checked_text(new.label, "label"),
        "groups": people.groups_text(new.groups),
        "locale": new.locale,
        "ask": new.ask,
        "pattern": new.pattern,
        "known_only": int(new.known_only),
        "created_at": tx.now,
        "ends_at": None if new.until is None else to_ms(new.until),
    }
    tx.run(
        tables.invitation.insert(),
        [row | {"id": tx.random_id(12, "I"), "token_hash": hash_token(token)} for token in tokens],
    )
    return tokens


def _check_question(new: NewInvitation) -> None:
    if new.ask is None:
        if new.pattern is not None or new.known_only:
            raise UsageError("nothing asks for the id that --pattern and --known-only are about", hint="add --ask TEXT")
        return
    checked_text(new.ask, "text of --ask")
    if new.personal:
        raise UsageError(
            "an invitation that is one person cannot ask who they are", hint="give --uses N, or --uses unlimited"
        )
    if new.pattern is not None:
        id_patterns.check(new.pattern)


def invite_each(tx: Tx, new: NewInvitation, ids: Sequence[str]) -> list[str]:
    """Make a personal invitation for each of these people, and return the tokens in their order.

    People are named by own id, worker id or login name; who is not there yet is made, with the id as their own.

    Raises:
        UsageError: an id is not usable, or an earlier one is of the same person; then none is made.
    """
    tokens, before = [], set[str]()
    for each in ids:
        try:
            worker_id = people.named(tx, each).worker_id
        except NotFoundError:
            worker_id = people.add(tx, NewPerson(own_id=each, groups=new.groups, locale=new.locale))
        if worker_id in before:
            raise UsageError(f"'{each}' is somebody who is named before", hint="name each person once")
        before.add(worker_id)
        people.add_groups(tx, worker_id, new.groups)
        (token,) = invite(tx, new, 1)
        mine = tables.invitation.c.token_hash == hash_token(token)
        tx.run(tables.invitation.update().where(mine).values(worker_id=worker_id))
        tokens.append(token)
    return tokens


def hash_token(token: str) -> str:
    """Return what is stored of a token; it is random and long, so that no salt is needed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def find(tx: Tx, token: str) -> Invitation:
    """Return the invitation with this token, if it can be used.

    Raises:
        WorkError: NoInvitation, whatever is wrong with it.
    """
    return _described(_usable(tx, token))


def _usable(tx: Tx, token: str) -> Row[Any]:
    found = tables.invitation
    row = tx.first(select(found).where(found.c.environment == tx.environment, found.c.token_hash == hash_token(token)))
    over = row is None or row.revoked_at is not None or (row.ends_at is not None and row.ends_at <= tx.now)
    if row is None or over or (_is_spent(row) and row.worker_id is None and row.ask is None):
        raise _none()
    return row


def _is_spent(row: Row[Any]) -> bool:
    return row.uses is not None and row.used >= row.uses


def _none() -> WorkError:
    return WorkError("NoInvitation", "This invitation does not exist, has ended, or was used already.")


def join(tx: Tx, token: str, worker_id: str | None = None, own_id: str | None = None) -> str:
    """Come in by an invitation, and return the worker id.

    Args:
        tx: the transaction.
        token: of the invitation.
        worker_id: of somebody who is signed in; they stay who they are, and get the invitation's groups.
        own_id: what they typed, if the invitation asks for it.

    Raises:
        WorkError: NoInvitation; SignIn if the person has a password, which counts from then on; WrongOwnId if the own
            id cannot be what the invitation asks for; UnknownOwnId if it is of nobody whom the invitation lets in;
            OtherOwnId if it is of somebody else than who is signed in.
    """
    row = _usable(tx, token)
    if row.ask is not None:
        return _join_by_own_id(tx, row, worker_id, people.typed((own_id or "").strip()))
    if row.worker_id is not None:  # a personal link that was opened before
        person = people.by_worker(tx, row.worker_id)
        if worker_id is None and person is not None and person.name is not None:
            raise WorkError("SignIn", "You chose a name and a password: sign in with them.")
        return worker_id or str(row.worker_id)
    groups = json.loads(row.groups)
    if worker_id is None:
        worker_id = people.add(tx, NewPerson(label=row.label, groups=groups, locale=row.locale))
    else:
        people.add_groups(tx, worker_id, groups)
    bound = worker_id if row.personal else None
    mine = tables.invitation.c.seq == row.seq
    tx.run(tables.invitation.update().where(mine).values(used=row.used + 1, worker_id=bound))
    return worker_id


def _join_by_own_id(tx: Tx, row: Row[Any], worker_id: str | None, own_id: str) -> str:
    """Come in by an invitation that asks for an own id: one person is one worker on every device."""
    known = None if worker_id is None else people.by_worker(tx, worker_id)
    person = known if known is not None and known.own_id is not None else _who(tx, row, known, own_id)
    came = tables.arrival.c
    before = select(came.at).where(came.invitation_id == row.id)
    arrived = person is not None and tx.first(before.where(came.worker_id == person.worker_id)) is not None
    if not arrived and _is_spent(row):
        raise _none()
    if person is None:
        new = NewPerson(own_id=own_id, label=row.label, locale=row.locale)
        found = people.add(tx, new)
    else:
        found = person.worker_id
        if person.own_id is None:
            people.change(tx, found, own_id=own_id)
    people.add_groups(tx, found, json.loads(row.groups))
    if not arrived:
        new_row = {"invitation_id": row.id, "environment": tx.environment, "worker_id": found, "at": tx.now}
        tx.run(tables.arrival.insert(), new_row)
        mine = tables.invitation.c.seq == row.seq
        tx.run(tables.invitation.update().where(mine).values(used=row.used + 1))
    return found


def _who(tx: Tx, row: Row[Any], signed_in: Member | None, own_id: str) -> Member | None:
    """Return the person who has this own id, or who is signed in and gets it; None if there is to be a new one."""
    if not id_patterns.fits(row.pattern, own_id):
        raise WorkError("WrongOwnId", "It is not written as it should be. Look for mistakes.")
    person = people.by_own_id(tx, own_id)
    if person is None and row.known_only:
        raise WorkError("UnknownOwnId", "It is not in the list of those who are invited. Look for mistakes.")
    try:
        people.checked_own_id(tx, own_id)
    except UsageError:
        raise WorkError("UnknownOwnId", "Nobody can come in with it. Ask whoever sent you the link.") from None
    if signed_in is not None:
        if person is not None:
            raise WorkError("OtherOwnId", "It is of somebody else than who is signed in here. Sign out first.")
        return signed_in
    if person is not None and person.name is not None:
        raise WorkError("SignIn", "You chose a name and a password: sign in with them.")
    return person


def every(tx: Tx) -> list[Invitation]:
    """Return all invitations in the order in which they were made."""
    found = tables.invitation
    rows = tx.all(select(found).where(found.c.environment == tx.environment).order_by(found.c.seq))
    return [_described(row) for row in rows]


def _described(row: Row[Any]) -> Invitation:
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
        row.ask,
        row.pattern,
        bool(row.known_only),
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
