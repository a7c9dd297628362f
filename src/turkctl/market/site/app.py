"""Join the worker site: one Flask application for all the addresses that it has on the market's server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Blueprint, Flask, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from turkctl.errors import TurkctlError
from turkctl.market.site import entrance, listing, mine, submit, tasks
from turkctl.market.site.content_app import content_app
from turkctl.market.site.desk import EXTENSION, ROOT, SiteParts, site_origin, unit_of_amounts
from turkctl.units import format_duration
from turkctl.web.app import Site, error_page, make_app
from turkctl.web.sign_in import Door, now_utc

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from turkctl.market.requester import Environment
    from turkctl.market.service import Market

PREFIXES = (ROOT, "/mturk", "//mturk", "/projects")
"""Where the site is mounted. Task pages that add a path to an origin with a slash at its end ask with two slashes."""
_FOR_ALL = frozenset(
    {
        "entrance.sign_in",
        "entrance.sign_in_form",
        "entrance.sign_out",
        "entrance.sign_out_form",
        "entrance.join",
        "entrance.join_form",
        "submit.external_submit",
        "files.static",
        "web.static",
    }
)
"""Endpoints for people who have not signed in."""
NAVIGATION = (
    ("listing.index", "HITs"),
    ("mine.index", "My work"),
    ("mine.messages", "Messages"),
    ("mine.qualifications", "Qualifications"),
)


@dataclass(frozen=True)
class SiteOptions:
    """How the site is served.

    Attributes:
        secret_key: signs sessions and forms.
        url: the site's own address, if requests do not tell it.
        content_url: the origin of HTML tasks, if there is one.
        behind_proxy: a proxy in front adds TLS and says who asks.
    """

    secret_key: str
    url: str | None = None
    content_url: str | None = None
    behind_proxy: bool = False


def make_site(
    market: Market, environment: Environment, options: SiteOptions, clock: Callable[[], datetime] = now_utc
) -> Flask:
    """Return the worker site of one environment of a market.

    Args:
        market: what people work on.
        environment: the one whose HITs are shown.
        options: how it is served.
        clock: returns the real time, by which sessions end; work is by the market's.
    """
    site = Site(
        "turkctl.market.site", ROOT, "turkctl_worker", options.secret_key, options.behind_proxy, unit=unit_of_amounts
    )
    app = make_app(site)
    app.config["PERMANENT_SESSION_LIFETIME"] = entrance.LASTS
    accounts = entrance.MarketAccounts(market, environment)
    door = Door(accounts, entrance.MarketAttempts(market, clock), clock, entrance.LASTS)
    app.extensions[EXTENSION] = SiteParts(market, environment, door, options.url, options.content_url)
    door.attach(app, "entrance.sign_in_form")
    _add_pages(app)
    return app


def _add_pages(app: Flask) -> None:
    files = Blueprint(
        "files", __name__, template_folder="templates", static_folder="static", static_url_path=f"{ROOT}/files"
    )
    app.register_blueprint(files)
    app.register_blueprint(entrance.pages, url_prefix=ROOT)
    for module in (listing, tasks, submit, mine):
        app.register_blueprint(module.pages)
    app.extensions["csrf"].exempt("turkctl.market.site.submit.external_submit")
    app.before_request(_guard)
    app.register_error_handler(TurkctlError, _explain)
    app.jinja_env.filters["seconds"] = lambda number: format_duration(timedelta(seconds=number))

    @app.context_processor
    def frame() -> dict[str, Any]:
        person = current_user.account.person if current_user.is_authenticated else None
        shared = {"site_name": "Worker site", "navigation": NAVIGATION, "error_frame": "market/frame.html"}
        return {**shared, "person": person}


def _guard() -> ResponseReturnValue | None:
    """Let nobody in who has not signed in."""
    if request.endpoint is None or request.endpoint in _FOR_ALL or current_user.is_authenticated:
        return None
    return entrance.send_to_sign_in()


def _explain(error: TurkctlError) -> ResponseReturnValue:
    return error_page("This cannot be done", error.message, 503, error.hint)


def mounts(app: Flask) -> Mapping[str, WSGIApplication]:
    """Return the site by the paths under which the market's server has it, for its ``mounts``."""
    found: SiteParts = app.extensions[EXTENSION]
    content_host = urlsplit(found.content_url or "").netloc

    def question(hit_id: str) -> str | None:
        return found.market.question_of(found.environment, hit_id)

    @lru_cache(maxsize=8)
    def tasks_of(origin: str) -> WSGIApplication:
        return content_app(question, origin, found.content_url or origin)

    def content(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer with an HTML task, which pages of this site alone may show."""
        with app.request_context(_plain(environ)):
            origin = site_origin()
        return tasks_of(origin)(environ, start_response)

    def whole(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer with the whole path again, which the server has split at the place of the mount."""
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        if content_host and environ.get("HTTP_HOST") == content_host and not path.lstrip("/").startswith("mturk"):
            path = "/nothing/here"  # tasks have that host for themselves
        return app({**environ, "SCRIPT_NAME": "", "PATH_INFO": f"/{path.lstrip('/')}"}, start_response)

    return {**dict.fromkeys(PREFIXES, whole), "/content": content}


def _plain(environ: WSGIEnvironment) -> WSGIEnvironment:
    """Return what tells the origin of a request."""
    names = ("wsgi.url_scheme", "HTTP_HOST", "SERVER_NAME", "SERVER_PORT")
    return {"REQUEST_METHOD": "GET", "PATH_INFO": "/", **{name: environ[name] for name in names if name in environ}}
