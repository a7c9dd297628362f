"""Let people choose a new password by a link that works once, which whoever runs the market gives them."""

from __future__ import annotations

import secrets
from datetime import timedelta

from sqlalchemy import select

from turkctl.errors import UsageError
from turkctl.market import people, tables
from turkctl.market.errors import WorkError
from turkctl.market.invitations import hash_token
from turkctl.market.people import Member
from turkctl.market.tx import Tx

_TOKEN_BYTES = 24
LONGEST = timedelta(days=30)
"""How long such a link works at most."""


def make(tx: Tx, who: str, lasts: timedelta) -> str:
    """Return the token of a new link for a person; links made for them before work no longer.

    Raises:
        NotFoundError: there is nobody of this id or name.
        UsageError: they have no password, or the link would last for too long.
    """
    if not timedelta() < lasts <= LONGEST:
        raise UsageError(f"the link can work for at most {LONGEST.days} days", hint="give a duration such as 1d")
    person = people.named(tx, who)
    if person.name is None:
        raise UsageError(
            f"'{who}' has no name and password to sign in with",
            hint="give them an invitation of their own: turkctl market workers invite --from FILE",
        )
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    _forget(tx, person.worker_id)
    ends = tx.now + lasts // timedelta(milliseconds=1)
    row = {"token_hash": hash_token(token), "environment": tx.environment}
    tx.run(tables.password_reset.insert(), row | {"worker_id": person.worker_id, "ends_at": ends})
    return token


def find(tx: Tx, token: str) -> Member:
    """Return the person who may choose a new password by this token.

    Raises:
        WorkError: NoReset, whatever is wrong with it.
    """
    found = tables.password_reset.c
    mine = (found.environment == tx.environment, found.token_hash == hash_token(token), found.ends_at > tx.now)
    row = tx.first(select(found.worker_id).where(*mine))
    person = None if row is None else people.by_worker(tx, row.worker_id)
    if person is None:
        raise WorkError("NoReset", "This link does not exist, has ended, or was used already.")
    return person


def use(tx: Tx, token: str, password_hash: str) -> str:
    """Set the password, which ends all sessions of the old one; return the worker id.

    Raises:
        WorkError: NoReset, whatever is wrong with the token.
    """
    person = find(tx, token)
    people.change(tx, person.worker_id, password_hash=password_hash)
    _forget(tx, person.worker_id)
    return person.worker_id


def _forget(tx: Tx, worker_id: str) -> None:
    found = tables.password_reset
    mine = (found.c.environment == tx.environment, found.c.worker_id == worker_id)
    tx.run(found.delete().where(*mine))
