"""Come in and go out: invitations, name and password."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from turkctl.errors import UsageError
from turkctl.market.errors import WorkError
from turkctl.market.id_patterns import LONGEST_ID
from turkctl.market.requester import Environment
from turkctl.market.site import own_ids
from turkctl.market.site.desk import ROOT, MemberAccount, me, parts
from turkctl.market.site.panel_door import who_stays
from turkctl.web.app import error_page
from turkctl.web.passwords import hash_password
from turkctl.web.sign_in import Account, Door
from turkctl.web.sign_in_form import SignInForm

if TYPE_CHECKING:
    from turkctl.market.service import Market

pages = Blueprint("entrance", __name__)

LASTS = timedelta(days=180)
"""How long somebody stays signed in: who has no password cannot sign in again without their link."""
FORM = SignInForm(
    "market/sign_in.html",
    (ROOT, "/mturk", "/projects"),
    "listing.index",
    "Name and password do not match.",
    lambda: parts().door,
)


class MarketAccounts:
    """The people of one environment, for the door."""

    def __init__(self, market: Market, environment: Environment) -> None:
        self._market = market
        self._environment = environment

    def by_login(self, name: str) -> Account | None:
        """Return the person with this login name, if they have a password."""
        person = self._market.person_named(self._environment, name)
        return None if person is None or not person.password_hash else MemberAccount(person)

    def by_session(self, name: str) -> Account | None:
        """Return the person with this worker id."""
        person = self._market.person(self._environment, name)
        return None if person is None else MemberAccount(person)


class MarketAttempts:
    """Attempts to sign in and ended sessions, in the market's database."""

    def __init__(self, market: Market, clock: Callable[[], datetime]) -> None:
        self._market = market
        self._clock = clock

    def wait(self, name: str, address: str, now: datetime) -> timedelta | None:
        """Return how long until another attempt is allowed; None if it is allowed now."""
        return self._market.sign_in_wait(name, address, now)

    def failed(self, name: str, address: str, now: datetime) -> None:
        """Remember a failed attempt."""
        self._market.note_sign_in(name, address, now, failed=True)

    def succeeded(self, name: str, address: str, now: datetime) -> None:
        """Forget the failed attempts of this name from this address."""
        self._market.note_sign_in(name, address, now, failed=False)

    def end_session(self, token: str, until: datetime) -> None:
        """Remember that a session was signed out."""
        self._market.end_session(token, until, self._clock())

    def is_ended(self, token: str, now: datetime) -> bool:
        """Return whether the session was signed out."""
        return self._market.is_session_ended(token, now)


class MarketDoor(Door):
    """The door of one environment of a market."""

    def __init__(self, market: Market, environment: Environment, clock: Callable[[], datetime]) -> None:
        super().__init__(MarketAccounts(market, environment), MarketAttempts(market, clock), clock, LASTS)
        self._market = market
        self._environment = environment

    def account_of(self, name: str, token: str, now: datetime) -> Account | None:
        """Return the account of a session, unless it was ended, in one transaction."""
        person = self._market.person_of_session(self._environment, name, token, now)
        return None if person is None else MemberAccount(person)


@pages.get("/sign-in")
def sign_in_form() -> ResponseReturnValue:
    """Show the form; who has signed in already goes on."""
    return FORM.show()


@pages.post("/sign-in")
def sign_in() -> ResponseReturnValue:
    """Sign in, and go on to the page that was asked for."""
    return FORM.take()


@pages.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """Sign out."""
    parts().door.leave()
    return redirect(url_for("entrance.sign_in_form"), 303)


@pages.get("/sign-out")
def sign_out_form() -> ResponseReturnValue:
    """Show the button, so that a link to this address does nothing by itself."""
    if not current_user.is_authenticated:
        return redirect(url_for("entrance.sign_in_form"))
    return render_template("market/sign_out.html")


def send_to_sign_in() -> ResponseReturnValue:
    """Send somebody who has not signed in to the form, from which they come back to the page that they were on."""
    wanted = request.full_path if request.method == "GET" else None
    return redirect(url_for("entrance.sign_in_form", next=FORM.way_on(wanted)), 303)


@pages.get("/join/<token>")
def join_form(token: str) -> ResponseReturnValue:
    """Show an invitation; opening it does nothing by itself, as programs open links too."""
    return _invitation(token)


@pages.post("/join/<token>")
def join(token: str) -> ResponseReturnValue:
    """Come in by an invitation; somebody who is signed in stays who they are, unless a panel's id let them in."""
    signed_in = who_stays()
    try:
        asks = parts().market.invitation(parts().environment, token).ask is not None
        if asks and (wait := own_ids.wait()) is not None:
            return make_response(_invitation(token, trouble=wait), 429)
        worker_id = own_ids.limited(lambda: _come_in(token, signed_in)) if asks else _come_in(token, signed_in)
    except UsageError as error:
        trouble = f"{error.message[:1].upper()}{error.message[1:]}."
        return make_response(_invitation(token, request.form.get("name", ""), trouble), 400)
    except WorkError as error:
        return make_response(_invitation(token, trouble=error.message), 400) if _to_mend(error) else _refused(error)
    if signed_in is None:
        _welcome(worker_id)
    return redirect(url_for("listing.index"), 303)


def _to_mend(error: WorkError) -> bool:
    return error.code in own_ids.TO_MEND


def _come_in(token: str, signed_in: str | None) -> str:
    """Come in as who is signed in, or as a new person, with a name and a password if that is wanted."""
    market, environment = parts().market, parts().environment
    if request.form.get("how") != "name" or signed_in is not None:
        return market.join(environment, token, signed_in, own_ids.given())
    hashed = hash_password(request.form.get("password", ""))
    return market.join_as(environment, token, request.form.get("name", ""), hashed, own_ids.given())


def _welcome(worker_id: str) -> None:
    person = parts().market.person(parts().environment, worker_id)
    assert person is not None
    parts().door.welcome(MemberAccount(person))


def _invitation(token: str, name: str = "", trouble: str | None = None) -> ResponseReturnValue:
    try:
        found = parts().market.invitation(parts().environment, token)
    except WorkError as error:
        return _refused(error)
    person = None if found.worker_id is None else parts().market.person(parts().environment, found.worker_id)
    if person is not None and person.name is not None and who_stays() is None:
        return redirect(url_for("entrance.sign_in_form"))
    return render_template(
        "market/join.html",
        invitation=found,
        token=token,
        name=name,
        own_id=own_ids.given() or "",
        longest=LONGEST_ID,
        trouble=trouble,
    )


def _refused(error: WorkError) -> ResponseReturnValue:
    if error.code == "SignIn":
        return redirect(url_for("entrance.sign_in_form"), 303)
    return error_page("No such invitation", error.message, 404, "Ask whoever sent you the link for another one.")


@pages.post("/password")
def choose_password() -> ResponseReturnValue:
    """Give oneself a name and a password, so that one can sign in on other devices."""
    name = request.form.get("name", "")
    try:
        hashed = hash_password(request.form.get("password", ""))
        parts().market.set_password(parts().environment, me().worker_id, name, hashed)
    except UsageError as error:
        return render_template("market/password.html", name=name, trouble=f"{error.message}."), 400
    _welcome(me().worker_id)  # the session carries a mark of the password
    return redirect(url_for("listing.index"), 303)


@pages.get("/password")
def password_form() -> ResponseReturnValue:
    """Show the form for a name and a password."""
    return render_template("market/password.html", name="", trouble=None)


@pages.get("/reset/<token>")
def reset_form(token: str) -> ResponseReturnValue:
    """Show the form for a new password to whoever has the link that works once."""
    return _reset(token)


@pages.post("/reset/<token>")
def reset(token: str) -> ResponseReturnValue:
    """Set a new password, which ends all sessions of the old one, and sign in with it."""
    try:
        parts().market.reset_for(parts().environment, token)  # before a hash is computed for anybody
        hashed = hash_password(request.form.get("password", ""))
        worker_id = parts().market.reset_password(parts().environment, token, hashed)
    except UsageError as error:
        return make_response(_reset(token, f"{error.message[:1].upper()}{error.message[1:]}."), 400)
    except WorkError as error:
        return _no_reset(error)
    _welcome(worker_id)
    return redirect(url_for("listing.index"), 303)


def _reset(token: str, trouble: str | None = None) -> ResponseReturnValue:
    try:
        person = parts().market.reset_for(parts().environment, token)
    except WorkError as error:
        return _no_reset(error)
    return render_template("market/reset.html", token=token, whose=person, trouble=trouble)


def _no_reset(error: WorkError) -> ResponseReturnValue:
    return error_page("No such link", error.message, 404, "Ask whoever sent you the link for another one.")
