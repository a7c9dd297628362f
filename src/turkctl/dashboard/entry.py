"""Sign in and out, and what is answered outside the dashboard's own paths."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from turkctl.dashboard.desk import parts
from turkctl.web.sign_in_form import SignInForm

pages = Blueprint("entry", __name__)
outside = Blueprint("outside", __name__)
"""Has no prefix."""

FORM = SignInForm(
    "dashboard/login.html",
    ("/dashboard",),
    "home.index",
    "Login name and password do not match.",
    lambda: parts().door,
)


@pages.get("/login")
def login_form() -> ResponseReturnValue:
    """Show the form; who has signed in already goes on."""
    return FORM.show()


@pages.post("/login")
def login() -> ResponseReturnValue:
    """Sign in, and go on to the page that was asked for."""
    return FORM.take()


def send_to_login() -> ResponseReturnValue:
    """Send somebody who has not signed in to the form, from which they come back to the page that they were on."""
    if "HX-Request" in request.headers:  # a part of a page: the page itself must go
        seen = urlsplit(request.headers.get("HX-Current-URL", ""))
        address = url_for("entry.login_form", next=FORM.way_on(f"{seen.path}?{seen.query}"))
        return Response("Sign in first.", 401, {"HX-Redirect": address}, content_type="text/plain; charset=utf-8")
    wanted = request.full_path if request.method == "GET" else request.form.get("from")
    return redirect(url_for("entry.login_form", next=FORM.way_on(wanted)), 303)


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
