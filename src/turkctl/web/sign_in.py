"""Sign people in and out: signed sessions that end after 12 hours, and limited attempts.

A session is a signed cookie with the name, the time of the sign-in, a random token, and a fingerprint of the password's
hash: a new password ends all sessions of the old one. The token of a session that was signed out is remembered by the
site, so that a copied cookie is worth nothing after it.
"""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from flask import Flask, session
from flask_login import LoginManager, UserMixin, login_user, logout_user

from turkctl.web.passwords import matches

LASTS = timedelta(hours=12)
"""How long a session lasts after the sign-in."""
_TOKEN, _SINCE, _PROOF = "token", "since", "proof"


class Account(Protocol):
    """Somebody who may sign in."""

    @property
    def name(self) -> str:
        """Return what their session knows them by: the name they sign in with, unless the site says otherwise."""

    @property
    def password_hash(self) -> str:
        """Return the argon2 hash of their password."""


class Attempts(Protocol):
    """Remembers failed attempts and ended sessions; processes that serve one site share it."""

    def wait(self, name: str, address: str, now: datetime) -> timedelta | None:
        """Return how long until another attempt is allowed; None if it is allowed now."""

    def failed(self, name: str, address: str, now: datetime) -> None:
        """Remember a failed attempt."""

    def succeeded(self, name: str, address: str, now: datetime) -> None:
        """Forget the failed attempts of this name from this address."""

    def end_session(self, token: str, until: datetime) -> None:
        """Remember that a session was signed out, until it would have ended by itself."""

    def is_ended(self, token: str, now: datetime) -> bool:
        """Return whether the session was signed out."""


class Accounts(Protocol):
    """Where a site finds who may sign in."""

    def by_login(self, name: str) -> Account | None:
        """Return the account that somebody signs in to with this name, or None."""

    def by_session(self, name: str) -> Account | None:
        """Return the account whose own name is this, or None."""


class _KnownAccounts:
    """Accounts that are all known beforehand."""

    def __init__(self, accounts: Mapping[str, Account]) -> None:
        self._accounts = {_typed(name): account for name, account in accounts.items()}

    def by_login(self, name: str) -> Account | None:
        return self._accounts.get(_typed(name))

    by_session = by_login


class SignedIn(UserMixin):  # type: ignore[misc]  # Flask-Login ships no types
    """The person of a request."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.id = account.name


@dataclass(frozen=True)
class TooManyAttempts:
    """No attempt is allowed for some time."""

    wait: timedelta


def now_utc() -> datetime:
    """Return the real time."""
    return datetime.now(UTC)


class Door:
    """Lets people in by name and password.

    Attributes:
        accounts: who may sign in.
        attempts: failed attempts and ended sessions.
        clock: returns the real time.
        lasts: how long a session lasts after the sign-in.
    """

    def __init__(
        self,
        accounts: Mapping[str, Account] | Accounts,
        attempts: Attempts,
        clock: Callable[[], datetime] = now_utc,
        lasts: timedelta = LASTS,
    ) -> None:
        self.accounts: Accounts = _KnownAccounts(accounts) if isinstance(accounts, Mapping) else accounts
        self.attempts = attempts
        self.clock = clock
        self.lasts = lasts

    def attach(self, app: Flask, sign_in_endpoint: str) -> None:
        """Make the application know who asks; pages that need somebody send others to the sign-in page."""
        manager = LoginManager(app)
        manager.login_view = sign_in_endpoint
        manager.login_message = None
        manager.session_protection = None  # people change networks; the session's own token is checked instead
        manager.user_loader(self._known)

    def enter(self, name: str, password: str, address: str) -> bool | TooManyAttempts:
        """Sign somebody in if name and password match; a wrong name takes as long as a wrong password."""
        now = self.clock()
        wait = self.attempts.wait(name, address, now)
        if wait is not None:
            return TooManyAttempts(wait)
        account = self.accounts.by_login(name)
        if not matches(None if account is None else account.password_hash, password) or account is None:
            self.attempts.failed(name, address, now)
            return False
        self.attempts.succeeded(name, address, now)
        self.welcome(account)
        return True

    def welcome(self, account: Account) -> None:
        """Begin a session of somebody who has shown in some way who they are."""
        self._end_session()  # of whoever used this browser before
        self._begin(account, self.clock())

    def leave(self) -> None:
        """Sign out; the cookie is worthless from now on."""
        self._end_session()
        logout_user()
        session.clear()

    def _end_session(self) -> None:
        token = session.get(_TOKEN)
        if isinstance(token, str):
            self.attempts.end_session(token, self.clock() + self.lasts)

    def _begin(self, account: Account, now: datetime) -> None:
        session.clear()  # a new session, with a new token and a new CSRF token
        session.permanent = True
        session[_TOKEN] = secrets.token_urlsafe(24)
        session[_SINCE] = now.timestamp()
        session[_PROOF] = _fingerprint(account)
        login_user(SignedIn(account))

    def _known(self, name: str) -> SignedIn | None:
        now, since, token = self.clock(), session.get(_SINCE), session.get(_TOKEN)
        if not isinstance(since, float) or not isinstance(token, str):
            return None
        if not 0 <= now.timestamp() - since < self.lasts.total_seconds():
            return None
        account = self.account_of(name, token, now)
        return SignedIn(account) if account is not None and session.get(_PROOF) == _fingerprint(account) else None

    def account_of(self, name: str, token: str, now: datetime) -> Account | None:
        """Return the account of a session, unless it was ended; each page asks, so a site may answer in one go."""
        account = self.accounts.by_session(name)
        return None if account is None or self.attempts.is_ended(token, now) else account


def _typed(name: str) -> str:
    """Return a name in the one form in which names are compared, however a keyboard composes its letters."""
    return unicodedata.normalize("NFKC", name)


def _fingerprint(account: Account) -> str:
    return hashlib.sha256(account.password_hash.encode()).hexdigest()[:32]
