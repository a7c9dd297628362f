"""Fill in Liquid templates as Ground Truth's: ``{{ task.input.x }}``, ``{% for %}``, ``{% if %}``.

Values are escaped for their place in the page, as those of ``${column}`` are, so that no value can change the page
around it: ``escape`` therefore changes nothing, and ``skip_autoescape`` puts a value in as it is. Time and memory are
bounded. What is asked of a template is read from its text, without the library.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from turkctl.errors import ConfigError, UsageError
from turkctl.operations.project.templates import Placeholder, html_pieces, literally

if TYPE_CHECKING:
    from turkctl.operations.project.liquid_engine import Template

LIQUID: Final = "liquid"
"""The value of ``html_template_language`` for these templates."""
FILES: Final = "/content/files/"
"""Where the worker site has the pictures of ``market serve --files``."""
TASK_OBJECT: Final = "taskObject"
"""What Ground Truth calls the item if its data has no name of its own."""
_OBJECTS: Final = ("source-ref", "source", "url", "file")
"""Columns that are the item, if none is named ``taskObject``."""
_TAG: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_HIDDEN: Final = re.compile(r"\{%-?\s*(raw|comment)\s*-?%\}.*?\{%-?\s*end\1\s*-?%\}|\{%-?\s*#.*?%\}", re.DOTALL)
_CAPTURE: Final = re.compile(r"\{%-?\s*capture\b.*?\{%-?\s*endcapture\s*-?%\}", re.DOTALL)
_COLUMN: Final = re.compile(r"\btask\.input(?:\.([A-Za-z_][\w-]*)|\[\s*(?:'([^']*)'|\"([^\"]*)\")\s*\])")
_INPUTS: Final = re.compile(r"\btask\.inputs\b(?:\[\s*(\d+)\s*\])?")
_VALUES: Final = ("attribute", "address", "addresses", "address without scheme", "handler", "style attribute")
_UNQUOTED: Final = re.compile(r"=\s*[^\s\"'<>]*\Z")


@dataclass(frozen=True, slots=True)
class ValuePlace:
    """A place in a template where a value is put.

    Attributes:
        place: as of :class:`~turkctl.operations.project.templates.Placeholder`; ``capture`` if it is kept for later.
        line: its line, from 1.
        unquoted: whether it is in the value of an attribute without quotes.
    """

    place: str
    line: int
    unquoted: bool


def asked(template: str) -> tuple[Placeholder, ...]:
    """Return the columns without which the template cannot be filled in, with their lines.

    Columns in conditions, and those with a default, may be missing.
    """
    found = []
    for tag in _tags(template):
        text = tag[0]
        if not (text.startswith("{{") or re.match(r"\{%-?\s*for\b", text)) or re.search(r"\|\s*default\b", text):
            continue
        line = template.count("\n", 0, tag.start()) + 1
        for column in _COLUMN.finditer(text):
            name = next(filter(None, column.groups()), "")
            found.append(Placeholder(name, "skip_autoescape" in text, "text", line))
    return tuple(found)


def places(template: str) -> set[int] | None:
    """Return which items of a HIT the template names one by one, from 1; None if it names the whole list."""
    used = [each for tag in _tags(template) for each in _INPUTS.finditer(tag[0])]
    if any(each[1] is None for each in used):
        return None
    return {int(each[1]) + 1 for each in used}


def missing(template: str, columns: set[str]) -> list[str]:
    """Return the columns that the template needs and ``columns`` lacks, sorted."""
    has_object = TASK_OBJECT in columns or len(columns) == 1 or bool(columns & set(_OBJECTS))
    known = columns | ({TASK_OBJECT} if has_object else set())
    return sorted({each.name for each in asked(template)} - known)


def check(template: str) -> None:
    """Raise UsageError if the template is invalid; the message has the line."""
    _read(template, lenient=False)


def fill(template: str, rows: Sequence[Mapping[str, Any]], items: int, *, lenient: bool = False) -> str:
    """Return the page of a HIT.

    Args:
        template: the template.
        rows: the data of the HIT's items.
        items: the number of items in a full HIT: with one, ``task.input`` is its row; with more, ``task.inputs`` is the
            list of rows.
        lenient: put nothing where a value is missing, instead of raising.

    Raises:
        UsageError: a value is missing or wrong, or the template asks for too much; the message has the line.
    """
    inputs = [_input(row) for row in rows]
    task: dict[str, Any] = {"inputs": inputs}
    if items == 1:
        task["input"] = inputs[0] if inputs else {}
    try:
        return _read(template, lenient=lenient).render(task)
    except UsageError as error:
        columns = ", ".join(rows[0]) if rows else ""
        hint = "for several items in a HIT, write: {% for item in task.inputs %} … {{ item.COLUMN }}"
        if items == 1:
            hint = f"the content has the columns {columns}" if columns else "add content with: turkctl content add"
        raise UsageError(error.message, hint=error.hint or hint) from None


def _input(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as templates know it: with ``taskObject``, which is the item itself."""
    if TASK_OBJECT in row:
        return dict(row)
    named = next((name for name in _OBJECTS if name in row), None)
    if named is None and len(row) == 1:
        named = next(iter(row))
    return dict(row) if named is None else {**row, TASK_OBJECT: row[named]}


def file_address(value: str) -> str:
    """Return the address of a file that a row names: web addresses as they are, of others that on the worker site.

    ``s3://BUCKET/KEY`` is the file ``BUCKET/KEY``.
    """
    if re.match(r"(https?|data|blob):", value, re.IGNORECASE) or value.startswith(FILES):
        return value
    return FILES + quote(re.sub(r"\As3:", "", value, flags=re.IGNORECASE).lstrip("/"), safe="/")


@lru_cache(maxsize=32)
def outputs(template: str) -> Mapping[int, ValuePlace]:
    """Return the places of the template's values, by their positions in its text.

    Raises:
        UsageError: a value is where no escaping is safe.
    """
    captures = [(each.start(), each.end()) for each in _CAPTURE.finditer(template)]
    parts: list[str] = []
    starts: list[int] = []
    at = 0
    for tag in _tags(template):
        parts.append(literally(template[at : tag.start()]))
        if tag[0].startswith("{{"):
            parts.append(f"${{v{len(starts)}|raw}}")
            starts.append(tag.start())
        else:
            parts.append("\n" * tag[0].count("\n"))
        at = tag.end()
    parts.append(literally(template[at:]))
    places = {each.name: each.place for each in html_pieces("".join(parts)) if isinstance(each, Placeholder)}
    found = {}
    for number, start in enumerate(starts):
        captured = any(first < start < last for first, last in captures)
        place = "capture" if captured else places[f"v{number}"]
        if place in ("text", "comment") and template.endswith(("<", "</"), 0, start):
            place = "name"
        unquoted = place in _VALUES and _UNQUOTED.search(template, max(0, start - 500), start) is not None
        found[start] = ValuePlace(place, template.count("\n", 0, start) + 1, unquoted)
    return found


def _tags(template: str) -> list[re.Match[str]]:
    """Return the tags and outputs that are not within comments or raw text."""
    hidden = [(each.start(), each.end()) for each in _HIDDEN.finditer(template)]
    return [tag for tag in _TAG.finditer(template) if not any(first <= tag.start() < last for first, last in hidden)]


@lru_cache(maxsize=32)
def _read(template: str, *, lenient: bool) -> Template:
    try:
        from turkctl.operations.project.liquid_engine import parse
    except ImportError:
        raise ConfigError(
            'html_template_language = "liquid" needs the library python-liquid',
            hint="run: pip install 'turkctl[liquid]'",
        ) from None
    return parse(template, outputs(template), lenient=lenient)
