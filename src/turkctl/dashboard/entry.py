"""Sign in and out, and what is answered outside the dashboard's own paths."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from turkctl.dashboard.desk import parts
from turkctl.web.inside import inside
from turkctl.web.sign_in import TooManyAttempts

pages = Blueprint("entry", __name__)
outside = Blueprint("outside", __name__)
"""Has no prefix."""

WRONG = "Login name and password do not match."


@pages.get("/login")
def login_form() -> ResponseReturnValue:
    """Show the form; who has signed in already goes on."""
    target = _next(request.args.get("next"))
    return redirect(target) if current_user.is_authenticated else _form(target)


@pages.post("/login")
def login() -> ResponseReturnValue:
    """Sign in, and go on to the page that was asked for."""
    name, target = request.form.get("name", ""), _next(request.form.get("next"))
    entered = parts().door.enter(name, request.form.get("password", ""), request.remote_addr or "")
    if isinstance(entered, TooManyAttempts):
        minutes = -(-int(entered.wait.total_seconds()) // 60)
        return _form(target, name, f"Too many attempts. Try again in {minutes} min."), 429
    return redirect(target, 303) if entered else (_form(target, name, WRONG), 401)


def send_to_login() -> ResponseReturnValue:
    """Send somebody who has not signed in to the form, from which they come back to the page that they were on."""
    if "HX-Request" in request.headers:  # a part of a page: the page itself must go
        seen = urlsplit(request.headers.get("HX-Current-URL", ""))
        address = url_for("entry.login_form", next=_next(f"{seen.path}?{seen.query}"))
        return Response("Sign in first.", 401, {"HX-Redirect": address}, content_type="text/plain; charset=utf-8")
    wanted = request.full_path if request.method == "GET" else request.form.get("from")
    return redirect(url_for("entry.login_form", next=_next(wanted)), 303)


@pages.post("/logout")
def logout() -> ResponseReturnValue:
    """Sign out."""
    parts().door.leave()
    return redirect(url_for("entry.login_form"), 303)


@outside.get("/")
def root() -> ResponseReturnValue:
    """Go to the dashboard."""
    return redirect(url_for("home.index"))


@outside.get("/healthz")
def healthz() -> ResponseReturnValue:
    """Say that the server answers, for monitors and proxies; asks neither database nor market."""
    return Response("ok\n", content_type="text/plain; charset=utf-8")


def _form(target: str, name: str = "", trouble: str | None = None) -> str:
    return render_template("dashboard/login.html", next=target, name=name, trouble=trouble)


def _next(target: str | None) -> str:
    return inside((target or "").removesuffix("?"), "/dashboard", url_for("home.index"))
