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
from turkctl.market import people, tables, workers
from turkctl.market.errors import WorkError
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
        "label": None if new.label is None else people.checked_text(new.label, "label"),
        "groups": people.groups_text(new.groups),
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
    )


def revoke(tx: Tx, ids: Sequence[str]) -> int:
    """End invitations, by id or by token, and return how many were not ended before.

    Raises:
        NotFoundError: there is no such invitation; then none is ended.
    """
    found = tables.invitation
    ended = 0
    for wanted in ids:
        same = (found.c.id == wanted) | (found.c.token_hash == hash_token(wanted))
        row = tx.first(select(found).where(found.c.environment == tx.environment, same))
        if row is None:
            raise NotFoundError(
                f"there is no invitation '{wanted[:20]}'", hint="see: turkctl market workers invitations"
            )
        if row.revoked_at is None:
            tx.run(found.update().where(found.c.seq == row.seq).values(revoked_at=tx.now))
            ended += 1
    return ended
