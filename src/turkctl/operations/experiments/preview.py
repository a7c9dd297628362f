"""Show a HIT as a worker would see it before accepting it, without posting it or asking a market."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sqlmodel import Session

from turkctl.errors import NotFoundError, UsageError
from turkctl.harmless import harmless_html
from turkctl.mturk.questions import parse_question
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.rendering import Row, placeholders, task_of, version_source
from turkctl.operations.experiments.stored import find_experiment, settings_of
from turkctl.operations.project.questions import additions, columns_of
from turkctl.operations.project.templates import JSON_NAME
from turkctl.paths import is_folder
from turkctl.store import contents, contents_counts
from turkctl.store.base import Scope
from turkctl.store.contents_counts import ListFilter
from turkctl.store.experiments import Version
from turkctl.words import counted

NOT_ACCEPTED = "ASSIGNMENT_ID_NOT_AVAILABLE"
"""What the market gives instead of an assignment's id before a worker has accepted the HIT."""
NO_HIT = "3PREVIEW0000000000000000000000"
SUBMIT_TO = "http://127.0.0.1:8800"
"""Where the built-in market is served by default."""

_INERT = """
<script>/* added by turkctl experiments preview: nothing is sent */
(function () {
  var stop = function () { window.alert("This is a preview: nothing is sent."); };
  document.addEventListener("submit", function (event) { event.preventDefault(); stop(); }, true);
  HTMLFormElement.prototype.submit = stop;
})();
</script>
"""


@dataclass(frozen=True)
class Preview:
    """One HIT as it would be shown.

    Attributes:
        kind: ``external``, ``html``, ``form`` or ``layout``.
        keys: the keys of the items of content that it shows.
        url: the address with the market's parameters; None for a page that is part of the HIT.
        page: HTML that a browser can open; None for a layout, whose page only the market has.
        layout: the layout's id and parameters.
        notes: notes for the user.
        sources: the files that may be its template, which the page must not overwrite.
    """

    experiment: str
    kind: str
    keys: tuple[str, ...]
    url: str | None = None
    page: str | None = None
    layout: dict[str, Any] | None = None
    notes: tuple[str, ...] = ()
    sources: tuple[Path, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the record that is shown."""
        return {
            "experiment": self.experiment,
            "kind": self.kind,
            "contents": list(self.keys),
            "url": self.url,
            "page": self.page,
            "layout": self.layout,
        }

    @property
    def text(self) -> str:
        """Return the text to print: an address, a page, or a line per parameter of a layout."""
        if self.layout is not None:
            lines = [self.layout["layout_id"], *(f"{k} = {v}" for k, v in self.layout["parameters"].items())]
            return "\n".join(lines) + "\n"
        return f"{self.url}\n" if self.url is not None else f"{self.page}"


def preview(world: World, slug: str, row: str | None = None, *, key: str | None = None) -> Preview:
    """Return the preview of the HIT that shows a row of the content, by default of the next HIT to dispatch.

    Args:
        world: database and clock.
        slug: the experiment.
        row: an item's position in the order of dispatch, counted from 1, or its key.
        key: an item's key, even if it looks like a position.

    Raises:
        NotFoundError: there is no such experiment or item.
        UsageError: the item does not make a valid question.
    """
    with world.database.read() as session:
        version = find_experiment(session, slug)
        keys, rows = _rows(session, world, version, row) if key is None else _by_key(session, version, key)
    notes: tuple[str, ...] = ()
    if not rows and (asked := placeholders(version)):
        rows = _made_up(version, asked)
        notes = ("there is no content yet: each placeholder shows its own name",)
    return replace(_shown(version, keys, rows, notes), sources=_sources(version, world.settings.folder))


def _shown(version: Version, keys: tuple[str, ...], rows: list[Row], notes: tuple[str, ...]) -> Preview:
    slug, task = version.slug, task_of(version, rows, lenient=not keys)
    if task.question is None:
        layout = {"layout_id": task.layout_id, "parameters": dict(task.layout_parameters or {})}
        why = "only the market has the page of a layout; to see it, post a HIT in mode local or sandbox"
        return Preview(slug, "layout", keys, layout=layout, notes=(*notes, why))
    question = parse_question(task.question)
    if question.url is not None:
        url = with_parameters(question.url)
        return Preview(slug, "external", keys, url, _frame(url, question.frame_height or 0), notes=notes)
    if question.html is not None:
        notes = (*notes, *additions(settings_of(version), version.settings.get("template")))
        return Preview(slug, "html", keys, page=_inert(question.html), notes=notes)
    why = "the market draws question forms itself; this is the form's XML"
    return Preview(slug, "form", keys, page=f"<pre>{harmless_html(task.question)}</pre>\n", notes=(*notes, why))


def _sources(version: Version, folder: Path) -> tuple[Path, ...]:
    """Return the files that may be the experiment's template: beside the project file, or in a folder there."""
    settings = settings_of(version)
    name = settings.html_template or settings.question_file
    return () if name is None else (folder / name, *(each / name for each in folder.iterdir() if is_folder(each)))


def with_parameters(url: str) -> str:
    """Return the address with the parameters that the market adds before the HIT is accepted, before any fragment."""
    base, mark, fragment = url.partition("#")
    added = urlencode({"assignmentId": NOT_ACCEPTED, "hitId": NO_HIT, "turkSubmitTo": SUBMIT_TO})
    joint = "" if base.endswith(("?", "&")) else "&" if "?" in base else "?"
    return f"{base}{joint}{added}{mark}{fragment}"


def _rows(session: Session, world: World, version: Version, row: str | None) -> tuple[tuple[str, ...], list[Row]]:
    """Return the keys and the data of the items that the HIT would show."""
    items = settings_of(version).items_per_hit
    if row is not None and not (row.isascii() and row.isdigit() and len(row) < 10):
        return _by_key(session, version, row)
    first = 1 if row is None else int(row)
    if first < 1:
        raise UsageError(f"--row must be at least 1, not {row}", hint="give the number of an item, from 1, or its key")
    scope = Scope(session, world.listing_place, world.now())
    listed = contents_counts.list_contents(scope, ListFilter(version.slug, pending=True))
    keys = [each.key for each in islice(listed, first - 1, first - 1 + items)]
    if not keys:  # nothing is pending: use the order of age
        every = contents_counts.list_contents(scope, ListFilter(version.slug))
        keys = [each.key for each in islice(every, first - 1, first - 1 + items)]
    if not keys and row is not None and contents.find(session, version.experiment_id, [row]):
        return _by_key(session, version, row)
    if not keys and row is not None:
        number = contents.numbers(session).get(version.experiment_id, 0)
        raise NotFoundError(
            f"experiment '{version.slug}' has no item {first}, only {counted(number, 'item')}",
            hint=f"see: turkctl content list --experiment {version.slug}",
        )
    found = contents.find(session, version.experiment_id, keys)
    ids = [found[key][0] for key in keys]
    data = contents.data_of(session, ids)
    return tuple(keys), [data[each] for each in ids]


def _by_key(session: Session, version: Version, key: str) -> tuple[tuple[str, ...], list[Row]]:
    found = contents.find(session, version.experiment_id, [key])
    if key not in found:
        raise NotFoundError(
            f"experiment '{version.slug}' has no content '{key}'",
            hint=f"see: turkctl content list --experiment {version.slug}",
        )
    item = found[key][0]
    return (key,), [contents.data_of(session, [item])[item]]


def _made_up(version: Version, asked: frozenset[str]) -> list[Row]:
    """Return rows whose values are the names of their columns."""
    items = settings_of(version).items_per_hit
    if version_source(version).liquid is not None:
        return [{name: name for name in sorted(asked)}] * items
    columns = columns_of(asked, items) or {JSON_NAME}
    return [
        {name: name if items == 1 else f"{name}_{number}" for name in sorted(columns)} for number in range(1, items + 1)
    ]


def _inert(page: str) -> str:
    """Return the page with a script, ahead of its own, that keeps its forms from submitting."""
    for name in ("head", "body", "html"):
        opening = re.search(rf"<{name}(?=[\s>])[^>]*>", page, re.IGNORECASE)
        if opening is not None:
            return page[: opening.end()] + _INERT + page[opening.end() :]
    return _INERT + page


def _frame(url: str, height: int) -> str:
    """Return a page that shows the address in a frame, as the market does."""
    size = f"{height}px" if height else "100vh"
    style = f"border:0;width:100%;height:{size}"
    return f'<!DOCTYPE html>\n<meta charset="utf-8">\n<iframe src="{html.escape(url)}" style="{style}"></iframe>\n'
