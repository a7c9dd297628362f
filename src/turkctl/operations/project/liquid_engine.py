"""Run Liquid with python-liquid: Ground Truth's filters, values escaped for their places, everything bounded.

Only :mod:`turkctl.operations.project.liquid_pages` imports this module, when there is a template of this kind.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any, Final, TextIO

from liquid import Environment, FalsyStrictUndefined, RenderContext, Undefined
from liquid.builtin.output import Output as OutputTag
from liquid.builtin.output import OutputNode
from liquid.exceptions import LiquidError
from liquid.stringify import to_liquid_string
from liquid.template import BoundTemplate

from turkctl.errors import UsageError
from turkctl.operations.project import liquid_pages
from turkctl.operations.project.liquid_pages import ValuePlace
from turkctl.operations.project.templates import JSON_NAME, Placeholder, as_text, safe_json
from turkctl.operations.project.templates import fill as fill_pieces
from turkctl.words import meant_or

LOOPS: Final = 10_000
"""Most rounds of all loops together."""
LONGEST: Final = 1_000_000
"""Most bytes of a page while it is made; the market accepts 65,535 in the end."""
_VARIABLES: Final = ("task",)
_LEFT_OUT: Final = (
    *("cycle", "decrement", "doc", "echo", "ifchanged", "include", "increment", "liquid", "render"),
    "tablerow",
)
"""Tags that load other files, or print values in other ways than ``{{ }}``."""


class _AsIs(str):
    """Goes into the page as it is."""

    __slots__ = ()


class _Escaped(str):
    """Is escaped, whatever comes after it."""

    __slots__ = ()


class _JsonText(str):
    """A value as JSON."""

    value: Any

    def __new__(cls, value: Any) -> _JsonText:
        made = super().__new__(cls, safe_json(value))
        made.value = value
        return made


class _PlacedNode(OutputNode):
    """Puts a value into the page, escaped for its place."""

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        environment = context.env
        assert isinstance(environment, _Liquid)
        place = environment.places[self.token.start_index]
        return buffer.write(_placed(self.expression.evaluate(context), place, str(self.expression)))


class _PlacedTag(OutputTag):
    node_class = _PlacedNode


class _Liquid(Environment):
    """One template's own environment, which knows the places of its values."""

    loop_iteration_limit = LOOPS
    output_stream_limit = LONGEST
    local_namespace_limit = LONGEST
    block_nesting_limit = 50

    def __init__(self, places: Mapping[int, ValuePlace], undefined: type[Undefined]) -> None:
        super().__init__(undefined=undefined)
        self.places = places
        self.add_tag(_PlacedTag)
        for name in _LEFT_OUT:
            self.tags.pop(name, None)
        self.filters |= {
            "escape": lambda value: value if isinstance(value, _JsonText) else _Escaped(_text(value)),
            "escape_once": lambda value: _Escaped(html.unescape(_text(value))),
            "skip_autoescape": lambda value: value if isinstance(value, _Escaped) else _AsIs(_text(value)),
            "to_json": _JsonText,
            "grant_read_access": lambda value: liquid_pages.file_address(_text(value)),
            "newline_to_br": lambda value: _AsIs(html.escape(_text(value)).replace("\n", "<br>\n")),
        }
        for name in ("safe", "escapejs"):  # not of Ground Truth
            self.filters.pop(name, None)


class Template:
    """A template that was read."""

    def __init__(self, template: BoundTemplate) -> None:
        self._template = template

    def render(self, task: Mapping[str, Any]) -> str:
        """Return the page with ``task`` filled in.

        Raises:
            UsageError: a value is missing or wrong, or the template asks for too much.
        """
        try:
            return self._template.render(task=task)
        except LiquidError as error:
            raise _told(error) from None


def parse(source: str, places: Mapping[int, ValuePlace], *, lenient: bool) -> Template:
    """Return a template; a lenient one puts nothing where a value is missing.

    Raises:
        UsageError: it is invalid; the message has the line.
    """
    environment = _Liquid(places, Undefined if lenient else FalsyStrictUndefined)
    try:
        template = environment.from_string(source)
        if not lenient:
            _check_names(environment, source, template)
    except LiquidError as error:
        raise _told(error, _line_of(environment, source, error)) from None
    return Template(template)


def _check_names(environment: Environment, source: str, template: BoundTemplate) -> None:
    """Raise UsageError if a filter or a variable is unknown, which would otherwise show when a HIT is posted."""
    used = template.analyze()
    unknown = [
        *(
            (span.index, f"unknown filter '{name}'", environment.filters)
            for name, spans in used.filters.items()
            if name not in environment.filters
            for span in spans
        ),
        *(
            (each.span.index, f"unknown variable '{name}'", _VARIABLES)
            for name, places in used.globals.items()
            if name not in _VARIABLES
            for each in places
        ),
    ]
    for index, words, known in sorted(unknown, key=lambda found: found[0])[:1]:
        name = words.split("'")[1]
        hint = "columns of the content are {{ task.input.COLUMN }}" if known is _VARIABLES else "see Liquid's filters"
        raise UsageError(f"line {source.count(chr(10), 0, index) + 1}: {words}", hint=meant_or(name, known, hint))


def _line_of(environment: Environment, source: str, error: LiquidError) -> int | None:
    """Return the line of a mistake that the library gives no place for: of the first tag that makes it."""
    if error.context() is not None:
        return None
    for tag in re.finditer(r"\{\{.*?\}\}|\{%.*?%\}", source, re.DOTALL):
        try:
            environment.from_string(source[: tag.end()])
        except LiquidError as found:
            if found.args == error.args:
                return source.count("\n", 0, tag.start()) + 1
    return None


def _told(error: LiquidError, line: int | None = None) -> UsageError:
    place = error.context()
    where = line if place is None else place[0]
    words = " ".join(str(error.message or type(error).__name__).split())
    return UsageError(words if where is None else f"line {where}: {words}")


def _text(value: Any) -> str:
    """Return a value as workers read it; lists as JSON, as Ground Truth's templates expect them in attributes."""
    return as_text(value) if isinstance(value, dict | list) else str(to_liquid_string(value, autoescape=False))


def _placed(value: Any, output: ValuePlace, shown: str) -> str:
    if output.place == "capture" or isinstance(value, _AsIs):
        return _text(value)
    if output.place in ("name", "page"):
        what = "in a page within the page" if output.place == "page" else "where the name of an element belongs"
        raise UsageError(
            f"line {output.line}: {{{{ {shown} }}}} is {what}, where no escaping is safe",
            hint="put it into the text or a value in quotes, or add the filter skip_autoescape",
        )
    is_json = isinstance(value, _JsonText)
    asked = Placeholder(JSON_NAME if is_json else shown, raw=False, place=output.place, line=output.line)
    text = fill_pieces((asked,), {asked.name: value.value if is_json else _text(value)})
    return re.sub(r"[\s`=]", lambda found: f"&#{ord(found[0])};", text) if output.unquoted else text
