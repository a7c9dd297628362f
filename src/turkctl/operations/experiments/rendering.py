"""The task of a HIT: the experiment's question with the rows of the HIT's content put into it.

A HIT of one item has placeholders named as its columns: ``${image_url}``. Where the settings put several items into a
HIT they are numbered from 1, ``${image_url_1}`` to ``${image_url_9}``; those of the items that a last, smaller group
lacks are empty. ``${contents_json}`` is all of the items as a JSON array, for scripts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from turkctl.errors import UsageError
from turkctl.mturk import questions
from turkctl.operations.experiments.stored import settings_of
from turkctl.operations.project import templates
from turkctl.operations.project.experiments import ExperimentSettings
from turkctl.operations.project.templates import JSON_NAME, Piece, Placeholder
from turkctl.store.experiments import Version

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Task:
    """What a HIT asks: a question document, or a layout of the market with its parameters."""

    question: str | None = None
    layout_id: str | None = None
    layout_parameters: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A question before its placeholders are filled in.

    Attributes:
        kind: ``external``, ``html``, ``form`` or ``layout``.
        parts: its texts by name: one, or a layout's parameters.
        frame_height: pixels; 0 fits the frame to the page.
        layout_id: of a layout.
    """

    kind: str
    parts: Mapping[str, tuple[Piece, ...]]
    frame_height: int = 0
    layout_id: str | None = None

    @property
    def placeholders(self) -> tuple[Placeholder, ...]:
        """All of them, in order."""
        return tuple(piece for pieces in self.parts.values() for piece in templates.asked(pieces))


def source_of(settings: ExperimentSettings, template: str | None) -> Source:
    """The question of an experiment; ``template`` is the text of its template or question file.

    A question file has its own frame height.

    Raises:
        UsageError: a question file that is none, a placeholder where none may stand.
    """
    filled = settings.placeholders
    if settings.external_url is not None:
        return Source(
            "external", {"": _pieces(templates.url_pieces, settings.external_url, filled)}, settings.frame_height
        )
    if settings.hit_layout is not None:
        named = settings.hit_layout_parameters.items()
        parts = {name: _pieces(templates.text_pieces, value, filled) for name, value in named}
        return Source("layout", parts, layout_id=settings.hit_layout)
    assert template is not None, "the template is stored with the settings"
    if settings.html_template is not None:
        return Source("html", {"": _pieces(templates.html_pieces, template, filled)}, settings.frame_height)
    return _of_file(template, filled)


@lru_cache(maxsize=64)
def _of_file(document: str, filled: bool) -> Source:
    """A question file: its address or its page are filled in as such, a form as XML."""
    found = questions.parse_question(document)
    if found.url is not None:
        return Source("external", {"": _pieces(templates.url_pieces, found.url, filled)}, found.frame_height or 0)
    if found.html is not None:
        return Source("html", {"": _pieces(templates.html_pieces, found.html, filled)}, found.frame_height or 0)
    return Source("form", {"": _pieces(templates.xml_pieces, document, filled)})


def _pieces(cut: Any, text: str, filled: bool) -> tuple[Piece, ...]:
    return tuple(cut(text)) if filled else (text,)


def version_source(version: Version) -> Source:
    """The question of a stored version."""
    return source_of(settings_of(version), version.settings.get("template"))


def placeholders(version: Version) -> frozenset[str]:
    """The names in the question's placeholders, as they are written there."""
    return frozenset(each.name for each in version_source(version).placeholders)


def columns_of(names: Sequence[str] | frozenset[str], items_per_hit: int) -> frozenset[str]:
    """The columns that placeholders ask rows for: without their numbers where a HIT has several items.

    Raises:
        UsageError: a number is missing, or higher than a HIT has items.
    """
    found = set()
    for name in sorted(set(names) - {JSON_NAME}):
        found.add(name if items_per_hit == 1 else numbered(name, items_per_hit)[0])
    return frozenset(found)


def numbered(name: str, items: int) -> tuple[str, int]:
    """Return the column and the item's number that a placeholder such as ``url_3`` names.

    Raises:
        UsageError: the name has no number between 1 and ``items``.
    """
    match = re.fullmatch(r"(.+)_([1-9][0-9]*)", name)
    if match is None or int(match[2]) > items:
        column = match[1] if match else name
        raise UsageError(
            f"${{{name}}} belongs to no item: a HIT has {items} of them",
            hint=f"write ${{{column}_1}} to ${{{column}_{items}}}, or one ${{{JSON_NAME}}}",
        )
    return match[1], int(match[2])


def task_of(version: Version, rows: Sequence[Row] = ()) -> Task:
    """What a HIT of this version with these rows asks.

    Args:
        version: the settings it is posted with.
        rows: the data of the HIT's items of content, in order; none for a HIT without content.

    Raises:
        UsageError: a placeholder with no column, a question that is too long or that the market could not read.
    """
    source = version_source(version)
    settings = settings_of(version)
    values = _values(version.slug, source.placeholders, rows, settings.items_per_hit)
    texts = {name: templates.fill(pieces, values) for name, pieces in source.parts.items()}
    if source.kind == "layout":
        return Task(layout_id=source.layout_id, layout_parameters=texts)
    if source.kind == "external":
        return Task(questions.external_question(texts[""], source.frame_height))
    if source.kind == "html":
        return Task(questions.html_question(texts[""], source.frame_height))
    questions.parse_question(texts[""])  # a raw placeholder may have broken it
    return Task(questions.check_size(texts[""]))


def _values(slug: str, asked: Sequence[Placeholder], rows: Sequence[Row], items: int) -> dict[str, Any]:
    """A value for each placeholder."""
    values: dict[str, Any] = {}
    for each in asked:
        if not rows:
            raise UsageError(
                f"experiment '{slug}': ${{{each.name}}} in line {each.line} of its question asks for content",
                hint="add some with: turkctl content add; post with: turkctl content dispatch; a literal one is "
                f"written $${{{each.name}}}",
            )
        if each.name == JSON_NAME:
            values[each.name] = [dict(row) for row in rows]
        elif items == 1:
            values[each.name] = _value(slug, each, rows[0], each.name)
        else:
            column, number = numbered(each.name, items)
            missing = number > len(rows)
            values[each.name] = None if missing else _value(slug, each, rows[number - 1], column)
    return values


def _value(slug: str, asked: Placeholder, row: Row, column: str) -> Any:
    if column not in row:
        raise UsageError(
            f"experiment '{slug}': a placeholder with no column, ${{{asked.name}}} in line {asked.line}",
            hint=f"the columns are {', '.join(row) or 'none'}",
        )
    return row[column]
