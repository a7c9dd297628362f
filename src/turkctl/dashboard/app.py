"""Join the dashboard: the application with its pages, what they share, and the threads that do acts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Flask, g, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from turkctl.dashboard import entry
from turkctl.dashboard.acts import glance
from turkctl.dashboard.acts import pages as act_pages
from turkctl.dashboard.addresses import link_to
from turkctl.dashboard.desk import EXTENSION, Parts, desk, parts
from turkctl.dashboard.frame import Frames
from turkctl.dashboard.jobs import Jobs
from turkctl.dashboard.looks import last_sync
from turkctl.dashboard.pages import (
    campaigns,
    content,
    experiments,
    hits,
    home,
    labels,
    log,
    participant,
    participants,
    people,
    review,
    settings,
    tasks,
    work,
    workers,
)
from turkctl.dashboard.requests import RequestSigner
from turkctl.dashboard.studies import Studies
from turkctl.dashboard.texts import NAVIGATION, heading, is_current
from turkctl.errors import NotFoundError, RefusedError, TurkctlError, UnreachableError, UsageError
from turkctl.operations.participants.counting import CountCache
from turkctl.operations.sign_ins import SignIns
from turkctl.units import unit_in_use
from turkctl.web.app import Site, error_page, make_app
from turkctl.web.bundles import CHART_SCRIPTS, CHART_STYLES, HTMX, SCRIPTS, STYLES
from turkctl.web.sign_in import Door, now_utc

if TYPE_CHECKING:
    from turkctl.context import Context
    from turkctl.dashboard.access import Access
    from turkctl.operations.engine.plan import ItemResult

ROOT = "/dashboard"
_MODULES = (
    glance,
    home,
    participants,
    participant,
    people,
    content,
    labels,
    review,
    campaigns,
    work,
    workers,
    hits,
    experiments,
    tasks,
    settings,
    log,
)
"""The modules with a blueprint of pages each."""
_FOR_ALL = ("entry.login", "entry.login_form", "outside.root", "outside.healthz", "web.bundle")
"""Endpoints for people who have not signed in."""
_BUNDLES = {
    "site.css": STYLES,
    "site.js": (*HTMX, *SCRIPTS),
    "chart.css": (*STYLES, *CHART_STYLES),
    "chart.js": (*HTMX, *SCRIPTS, *CHART_SCRIPTS),
}
_FOR_VIEWERS = ("entry.login", "entry.logout", "settings.switch")
"""Endpoints that take a POST and change nothing of the study."""
_STATUS: tuple[tuple[type[TurkctlError], int], ...] = (
    (NotFoundError, 404),
    (UsageError, 400),
    (RefusedError, 409),
    (UnreachableError, 503),
)


class Dashboard:
    """The dashboard of one study.

    Attributes:
        app: the WSGI application.
        jobs: acts at work.
        frames: what all pages show.
    """

    def __init__(self, context: Context, access: Access, clock: Callable[[], datetime] = now_utc) -> None:
        """Make the application; opens no database and no market.

        Args:
            context: of the mode that sessions begin with.
            access: who may sign in, and the key that signs sessions.
            clock: returns the real time.
        """
        key = access.secret_key
        self.jobs = Jobs()
        self.frames = Frames()
        self.studies = Studies(context)
        proxy = context.settings["dashboard.behind_proxy"]
        site = Site("turkctl.dashboard", ROOT, "turkctl_dashboard", key, _BUNDLES, proxy, unit_in_use)
        self.app = make_app(site)
        secret = hashlib.sha256(f"pseudonyms:{key}".encode()).digest()
        door = Door(access.users, SignIns(context), clock)
        self.app.extensions[EXTENSION] = Parts(
            self.studies, self.jobs, door, CountCache(), self.frames, RequestSigner(key, clock), secret
        )
        door.attach(self.app, "entry.login_form")
        _add_pages(self.app)
        _add_words(self.app)

    def close(self) -> None:
        """Stop acts after what they have in hand, and close what was opened."""
        self.jobs.close()
        self.studies.close()


def _add_pages(app: Flask) -> None:
    blueprints: Iterable[Blueprint] = (entry.pages, act_pages.pages, *(module.pages for module in _MODULES))
    for blueprint in blueprints:
        app.register_blueprint(blueprint, url_prefix=ROOT)
    app.register_blueprint(entry.outside)
    app.before_request(_guard)
    app.register_error_handler(TurkctlError, _explain)


def _guard() -> ResponseReturnValue | None:
    """Let nobody in who has not signed in, and let those who may only look change nothing."""
    if request.endpoint is None or request.endpoint in _FOR_ALL:
        return None
    if not current_user.is_authenticated:
        return entry.send_to_login()
    looks = request.method in ("GET", "HEAD", "OPTIONS") or request.endpoint in _FOR_VIEWERS
    if not looks:
        desk().require_manager()
    return None


def _explain(error: TurkctlError) -> ResponseReturnValue:
    """Return a page with what is wrong and what to do, without a traceback."""
    status = next((number for kind, number in _STATUS if isinstance(error, kind)), 502)
    title = "Not found" if status == 404 else "This cannot be done" if status < 500 else "No answer"
    words = desk().veil.text(error.message, g.get("workers", ())) if current_user.is_authenticated else error.message
    return error_page(title, words, status, error.hint)


def _add_words(app: Flask) -> None:
    app.jinja_env.filters.update(heading=heading, capitalize_first=_capitalize, items_rows=_items_rows)
    app.jinja_env.globals.update(is_current=is_current, last_sync=last_sync, link_to=link_to)

    @app.context_processor
    def frame() -> dict[str, Any]:
        shared = {"site_name": "turkctl", "navigation": NAVIGATION, "error_frame": "dashboard/frame.html"}
        if not current_user.is_authenticated:
            return {**shared, "desk": None, "frame_facts": None, "frame_warning": None}
        frames = parts().frames
        return {**shared, "desk": desk(), "frame_facts": frames.facts(desk().world), "frame_warning": frames.warning}


def _capitalize(text: str) -> str:
    return text[:1].upper() + text[1:]


def _items_rows(items: Iterable[ItemResult], workers: Collection[str] = ()) -> list[dict[str, Any]]:
    """Return results of items as rows of a table; ``workers`` are ids of workers that they may name."""
    rows = [
        {
            "id": item.id,
            "status": item.status.replace("_", " "),
            "detail": item.detail,
            "why": item.error.message if item.error else item.detail,
            "cost": item.cost or None,
        }
        for item in items
    ]
    return desk().veil.rows(rows, workers)
