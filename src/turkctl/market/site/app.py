"""Join the worker site: one Flask application for all the addresses that it has on the market's server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Flask, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.local import LocalProxy

from turkctl.errors import TurkctlError
from turkctl.market.site import agreements, entrance, foot, listing, mine, panel_door, submit, tasks
from turkctl.market.site.agreements import SiteTerms
from turkctl.market.site.content_app import content_app
from turkctl.market.site.desk import (
    EXTENSION,
    ROOT,
    SiteParts,
    content_origin,
    parts,
    site_origin,
    unit_of_amounts,
    with_port,
)
from turkctl.market.site.folder import FilesFolder
from turkctl.market.site.foot_lines import Foot
from turkctl.market.site.frames import origin
from turkctl.market.site.html_tasks import STATIC
from turkctl.units import duration_in_words
from turkctl.web.app import Site, error_page, make_app
from turkctl.web.bundles import SCRIPTS, STYLES
from turkctl.web.sign_in import now_utc

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from turkctl.market.people import Member
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
        "entrance.reset",
        "entrance.reset_form",
        "foot.privacy",
        "panel_door.choose",
        "panel_door.enter",
        "submit.external_submit",
        "web.bundle",
    }
)
"""Endpoints for people who have not signed in."""
_FOR_TERMS = frozenset({"agreements.terms_form", "agreements.agree_to_terms"})
"""Endpoints for people who have not agreed to the terms."""
_BUNDLES = {
    "site.css": STYLES,
    "site.js": (*SCRIPTS, STATIC / "work.js", STATIC / "queue.js"),
    "submitted.js": (STATIC / "submitted.js",),
}
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
        correct: how long a submission can be corrected before its requester is told; zero: not at all.
        terms: the site's own terms, to which everybody must agree first.
        foot: what stands below every page.
        files: a folder whose files tasks can show.
    """

    secret_key: str
    url: str | None = None
    content_url: str | None = None
    behind_proxy: bool = False
    correct: timedelta = timedelta()
    terms: SiteTerms | None = None
    foot: Foot = field(default_factory=Foot)
    files: Path | None = None


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
    proxy = options.behind_proxy
    site = Site("turkctl.market.site", ROOT, "turkctl_worker", options.secret_key, _BUNDLES, proxy, unit_of_amounts)
    app = make_app(site)
    app.config["PERMANENT_SESSION_LIFETIME"] = entrance.LASTS
    files = None
    if options.files is not None:
        files = FilesFolder(options.files, options.secret_key, lambda: clock().timestamp())
    door = entrance.MarketDoor(market, environment, clock)
    app.extensions[EXTENSION] = SiteParts(
        market,
        environment,
        door,
        options.url,
        options.content_url,
        options.behind_proxy,
        files,
        correct=options.correct,
        terms=options.terms,
        foot=options.foot,
    )
    door.attach(app, "entrance.sign_in_form")
    _add_pages(app)
    return app


def _add_pages(app: Flask) -> None:
    app.register_blueprint(entrance.pages, url_prefix=ROOT)
    for module in (listing, tasks, submit, mine, agreements, panel_door, foot):
        app.register_blueprint(module.pages)
    app.extensions["csrf"].exempt("turkctl.market.site.submit.external_submit")
    app.url_value_preprocessor(submit.keep_body)
    app.before_request(_guard)
    app.register_error_handler(TurkctlError, _explain)
    app.jinja_env.filters["seconds"] = lambda number: duration_in_words(timedelta(seconds=number))
    app.jinja_env.filters["in_words"] = duration_in_words

    @app.context_processor
    def frame() -> dict[str, Any]:
        shared = {"site_name": "Worker site", "navigation": NAVIGATION, "error_frame": "market/frame.html"}
        found_out = {"person": LocalProxy(_person), "entered": LocalProxy(panel_door.is_entered)}
        return {**shared, **found_out, "foot": parts().foot}  # found out only by pages that show it


def _person() -> Member | None:
    return current_user.account.person if current_user.is_authenticated else None


def _guard() -> ResponseReturnValue | None:
    """Let nobody in who has not signed in and agreed to the site's terms, and those of a panel not everywhere."""
    if request.endpoint is None or request.endpoint in _FOR_ALL:
        return None
    if not current_user.is_authenticated:
        return entrance.send_to_sign_in()
    panel_door.guard()
    if request.endpoint not in _FOR_TERMS and agreements.must_agree_to_terms():
        return agreements.send_to_terms()
    return None


def _explain(error: TurkctlError) -> ResponseReturnValue:
    return error_page("This cannot be done", error.message, 503, error.hint)


def mounts(app: Flask) -> Mapping[str, WSGIApplication]:
    """Return the site by the paths under which the market's server has it, for its ``mounts``."""

    def content(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer with an HTML task, unless tasks have another origin, which keeps their scripts from this one."""
        with app.request_context(_plain(environ)):
            tasks, market, host = content_origin(), site_origin(), request.host
        if origin(tasks) != origin(f"{urlsplit(tasks).scheme}://{host}"):  # a proxy may know the scheme better
            return _whole(app, {**environ, "SCRIPT_NAME": "", "PATH_INFO": _NOWHERE}, start_response)
        return _content(app, market, tasks)(environ, start_response)

    def whole(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return _whole(app, environ, start_response)

    return {**dict.fromkeys(PREFIXES, whole), "/content": content}


def content_door(app: Flask, site_port: int) -> WSGIApplication:
    """Return what a second port of the site's host answers: HTML tasks and their scripts, and nothing else.

    Args:
        app: the site.
        site_port: the port of the site itself, whose pages alone may show the tasks.
    """
    found = _parts(app)

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with app.request_context(_plain(environ)):
            asked = urlsplit(request.host_url)
        own = f"{asked.scheme}://{with_port(asked.hostname or '', site_port)}"
        return _content(app, found.url or own, found.content_url or f"{asked.scheme}://{asked.netloc}")(
            environ, start_response
        )

    return answer


def know_content_port(app: Flask, port: int) -> None:
    """Let the site's pages show HTML tasks from this port of its host, unless they have another host."""
    app.extensions[EXTENSION] = replace(_parts(app), content_port=port)


_NOWHERE = "/nothing/here"


def _parts(app: Flask) -> SiteParts:
    found: SiteParts = app.extensions[EXTENSION]
    return found


def _content(app: Flask, market_origin: str, here: str) -> WSGIApplication:
    found = _parts(app)

    def question(hit_id: str) -> str | None:
        return found.market.question_of(found.environment, hit_id)

    def agreement(name: str) -> str | None:
        if name == "terms":
            return None if found.terms is None else found.terms.page
        return found.market.consent_page(found.environment, name.removeprefix("consent/"))

    return content_app(question, market_origin, here, agreement, behind_proxy=found.behind_proxy, files=found.files)


def _whole(app: Flask, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer with the whole path again, which the server has split at the place of the mount."""
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    content_host = urlsplit(_parts(app).content_url or "").netloc
    if content_host and environ.get("HTTP_HOST") == content_host and not path.lstrip("/").startswith("mturk"):
        path = _NOWHERE  # tasks have that host for themselves
    return app({**environ, "SCRIPT_NAME": "", "PATH_INFO": f"/{path.lstrip('/')}"}, start_response)


def _plain(environ: WSGIEnvironment) -> WSGIEnvironment:
    """Return what tells the origin of a request."""
    names = ("wsgi.url_scheme", "HTTP_HOST", "SERVER_NAME", "SERVER_PORT")
    return {"REQUEST_METHOD": "GET", "PATH_INFO": "/", **{name: environ[name] for name in names if name in environ}}
