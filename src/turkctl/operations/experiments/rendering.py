"""Fill in the question of a HIT with the rows of its content.

In a HIT of one item, placeholders have the names of columns: ``${image_url}``. If the settings put several items into a
HIT, placeholders are numbered from 1, ``${image_url_1}`` to ``${image_url_9}``; those of items that a last, smaller
group lacks are empty. ``${contents_json}`` is a JSON array of all items, for scripts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from turkctl.errors import UsageError
from turkctl.mturk import questions
from turkctl.operations.experiments.stored import settings_of
from turkctl.operations.project import liquid_pages, templates
from turkctl.operations.project.questions import QuestionSource, numbered, refuse_foreign, source_of
from turkctl.operations.project.templates import JSON_NAME, Placeholder
from turkctl.store.experiments import Version

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class HitTask:
    """The task of a HIT: a question document, or a layout of the market with its parameters."""

    question: str | None = None
    layout_id: str | None = None
    layout_parameters: Mapping[str, str] | None = None


def version_source(version: Version) -> QuestionSource:
    """Return the question of a stored version."""
    return source_of(settings_of(version), version.settings.get("template"))


def placeholders(version: Version) -> frozenset[str]:
    """Return the names in the question's placeholders, as they are written there."""
    return frozenset(each.name for each in version_source(version).placeholders)


def task_of(version: Version, rows: Sequence[Row] = (), *, lenient: bool = False) -> HitTask:
    """Return the task of a HIT of this version with these rows.

    Args:
        version: the settings that the HIT is posted with.
        rows: the data of the HIT's items of content, in order; none for a HIT without content.
        lenient: put nothing where a Liquid template has no value, for a preview without content.

    Raises:
        UsageError: a placeholder has no column or is another system's, or the question is too long or invalid for the
            market.
    """
    source = version_source(version)
    settings = settings_of(version)
    _refuse_foreign(version)
    if source.liquid is not None:
        page = _liquid(version.slug, source.liquid, rows, settings.items_per_hit, lenient=lenient)
        return HitTask(questions.html_question(page, source.frame_height))
    values = _values(version.slug, source.placeholders, rows, settings.items_per_hit)
    texts = {name: templates.fill(pieces, values) for name, pieces in source.parts.items()}
    if source.kind == "layout":
        return HitTask(layout_id=source.layout_id, layout_parameters=texts)
    if source.kind == "external":
        return HitTask(questions.external_question(texts[""], source.frame_height))
    if source.kind == "html":
        return HitTask(questions.html_question(texts[""], source.frame_height))
    questions.parse_question(texts[""])  # a raw placeholder may have broken it
    return HitTask(questions.check_size(texts[""]))


def _refuse_foreign(version: Version) -> None:
    """Refuse what an older turkctl stored: ``experiments configure`` refuses it today."""
    try:
        refuse_foreign(settings_of(version), version.settings.get("template"))
    except UsageError as error:
        raise UsageError(f"experiment '{version.slug}': its question: {error.message}", hint=error.hint) from None


def _liquid(slug: str, template: str, rows: Sequence[Row], items: int, *, lenient: bool) -> str:
    try:
        return liquid_pages.fill(template, rows, items, lenient=lenient)
    except UsageError as error:
        raise UsageError(f"experiment '{slug}': its template: {error.message}", hint=error.hint) from None


def _values(slug: str, asked: Sequence[Placeholder], rows: Sequence[Row], items: int) -> dict[str, Any]:
    """Return a value for each placeholder."""
    values: dict[str, Any] = {}
    for each in asked:
        if not rows:
            raise UsageError(
                f"experiment '{slug}': ${{{each.name}}} in line {each.line} of its question needs content",
                hint="add content with: turkctl content add; post it with: turkctl content dispatch; if the text is "
                f"not a placeholder, write $${{{each.name}}}",
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
            f"experiment '{slug}': the content has no column for the placeholder ${{{asked.name}}} in line "
            f"{asked.line}",
            hint=f"use one of the columns of the content: {', '.join(row)}" if row else "add a column to the content",
        )
    return row[column]
