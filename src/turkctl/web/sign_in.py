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
        """Return the name they sign in with."""

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
        accounts: by name.
        attempts: failed attempts and ended sessions.
        clock: returns the real time.
    """

    def __init__(
        self, accounts: Mapping[str, Account], attempts: Attempts, clock: Callable[[], datetime] = now_utc
    ) -> None:
        self.accounts = {_typed(name): account for name, account in accounts.items()}
        self.attempts = attempts
        self.clock = clock

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
        account = self.accounts.get(_typed(name))
        if not matches(None if account is None else account.password_hash, password) or account is None:
            self.attempts.failed(name, address, now)
            return False
        self.attempts.succeeded(name, address, now)
        self._end_session()  # of whoever used this browser before
        self._begin(account, now)
        return True

    def leave(self) -> None:
        """Sign out; the cookie is worthless from now on."""
        self._end_session()
        logout_user()
        session.clear()

    def _end_session(self) -> None:
        token = session.get(_TOKEN)
        if isinstance(token, str):
            self.attempts.end_session(token, self.clock() + LASTS)

    def _begin(self, account: Account, now: datetime) -> None:
        session.clear()  # a new session, with a new token and a new CSRF token
        session.permanent = True
        session[_TOKEN] = secrets.token_urlsafe(24)
        session[_SINCE] = now.timestamp()
        session[_PROOF] = _fingerprint(account)
        login_user(SignedIn(account))

    def _known(self, name: str) -> SignedIn | None:
        account, now = self.accounts.get(_typed(name)), self.clock()
        since, token = session.get(_SINCE), session.get(_TOKEN)
        if account is None or not isinstance(since, float) or not isinstance(token, str):
            return None
        age = now.timestamp() - since
        valid = 0 <= age < LASTS.total_seconds() and session.get(_PROOF) == _fingerprint(account)
        return SignedIn(account) if valid and not self.attempts.is_ended(token, now) else None


def _typed(name: str) -> str:
    """Return a name in the one form in which names are compared, however a keyboard composes its letters."""
    return unicodedata.normalize("NFKC", name)


def _fingerprint(account: Account) -> str:
    return hashlib.sha256(account.password_hash.encode()).hexdigest()[:32]
