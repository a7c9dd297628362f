"""Experiments: their settings as stored, the history of these, counts, and the task as a worker sees it.

A task's page is written by a requester, and may do what it likes. It has an address of its own, whose policy puts it
into a sandbox: a browser treats it as a site of its own that shares nothing with the dashboard, neither cookies nor
storage nor the page around it, even if somebody opens the address by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue

from turkctl.dashboard.addresses import link_to
from turkctl.dashboard.commands import option
from turkctl.dashboard.desk import desk, page
from turkctl.errors import NotFoundError, TurkctlError
from turkctl.operations.experiments.lists import experiment_rows, read_experiment
from turkctl.operations.experiments.preview import Preview, preview

pages = Blueprint("experiments", __name__)

COLUMNS = ("experiment", "codeversion", "title", "reward", "hits", "contents", "active", "version", "configured")
SANDBOX = "allow-scripts allow-forms"
"""What a task's page may do. It must not get ``allow-same-origin``, which would make it a page of the dashboard."""
_ANYTHING = "http: https: data: blob:"
TASK_POLICY = "; ".join(
    (
        f"sandbox {SANDBOX}",
        f"default-src {_ANYTHING} 'unsafe-inline' 'unsafe-eval'",
        "form-action 'none'",
        "frame-ancestors 'self'",
    )
)
"""The policy of a task's page: it may load what it needs from anywhere, and send no form."""


@pages.get("/experiments")
def index() -> ResponseReturnValue:
    """Show the experiments that were ever configured; those that have ended where the address asks for them."""
    ended = request.args.get("ended") == "1"
    return page(
        "experiments.html",
        ["experiments", "list", *(["--ended"] if ended else [])],
        columns=(*COLUMNS, "ended") if ended else COLUMNS,
        rows=experiment_rows(desk().world, ended=ended),
        ended=ended,
        links={"experiment": lambda row: link_to("experiments.show", slug=row["experiment"])},
    )


@pages.get("/experiments/<slug>")
def show(slug: str) -> ResponseReturnValue:
    """Show one experiment: its settings, their history, and how many HITs and items it has."""
    found = read_experiment(desk().world, slug)
    return page(
        "experiment.html",
        ["experiments", "show", slug],
        found=found,
        settings=list(_flat(found["settings"])),
    )


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each setting that has a value by its dotted name, as a settings file has it."""
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{name}.")
        elif value not in (None, [], {}):
            yield prefix + name, value


@pages.get("/experiments/<slug>/preview")
def show_preview(slug: str) -> ResponseReturnValue:
    """Show the task as a worker sees it before accepting it, in a frame."""
    row, key = _asked()
    return page(
        "preview.html",
        ["experiments", "preview", slug, *option("--row", key or row)],
        slug=slug,
        row=key or row,
        task=shown_task(slug, row, key),
    )


def _asked() -> tuple[str | None, str | None]:
    """Return the item that the address names: its place in the queue or its key, and its key alone."""
    return request.args.get("row") or None, request.args.get("key") or None


@dataclass(frozen=True)
class ShownTask:
    """The task that shows an item, as ``shown_task.html`` draws it.

    Attributes:
        found: the task; None if the item makes no valid question.
        error: why there is none.
        source: the address of its page, if it has one of its own.
        link: the address of a task that is on another server, if a browser can open it.
        sandbox: what its page may do.
    """

    found: Preview | None
    error: TurkctlError | None = None
    source: str | None = None
    link: str | None = None
    sandbox: str = SANDBOX


def shown_task(slug: str, row: str | None = None, key: str | None = None) -> ShownTask:
    """Return the task that shows an item, or why it cannot be shown.

    Args:
        slug: the experiment.
        row: the item's place in the queue, or its key; None for the next item.
        key: the item's key, even if it looks like a place.

    Raises:
        NotFoundError: no such experiment or item.
    """
    try:
        found = preview(desk().world, slug, row, key=key)
    except NotFoundError:
        raise
    except TurkctlError as problem:  # an item that makes no valid question is worth a page
        return ShownTask(None, problem)
    return ShownTask(found, None, url_for("experiments.document", slug=slug, row=row, key=key), _link(found))


def _link(found: Preview) -> str | None:
    """Return the address of a task that is on another server, if a browser can open it."""
    url = found.url or ""
    return url if url.startswith(("http://", "https://")) else None


@pages.get("/experiments/<slug>/preview/page")
def document(slug: str) -> ResponseReturnValue:
    """Return the page of the task itself, in a sandbox of its own."""
    row, key = _asked()
    found = preview(desk().world, slug, row, key=key)
    if found.page is None or found.url is not None:
        raise NotFoundError(f"experiment '{slug}' has no page of its own", hint="see its preview")
    answer = Response(found.page, content_type="text/html; charset=utf-8")
    answer.headers["Content-Security-Policy"] = TASK_POLICY
    answer.headers["X-Frame-Options"] = "SAMEORIGIN"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
