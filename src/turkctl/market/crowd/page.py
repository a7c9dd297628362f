"""Read the fields of an HTML page: form controls, and the common crowd elements."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser

from turkctl.market.crowd.fields import REMARKS, RESERVED, WORDS, Field, Form, Shape, number_field, text_field

Attributes = dict[str, str]

_NOT_FILLED_IN = ("submit", "button", "reset", "image", "file")
_TYPED = {
    "email": ("someone@example.org", "anyone@example.com"),
    "url": ("https://example.org/", "https://example.com/"),
    "tel": ("+1 202 555 0100", "+1 202 555 0199"),
    "date": ("2026-01-15", "2026-06-30"),
    "month": ("2026-01", "2026-06"),
    "week": ("2026-W03", "2026-W26"),
    "time": ("09:30", "17:45"),
    "datetime-local": ("2026-01-15T09:30", "2026-06-30T17:45"),
    "color": ("#ff0000", "#0000ff"),
}
_NUMERIC = ("number", "range")
_CLASSIFIERS: dict[str, Shape] = {
    "crowd-classifier": "label",
    "crowd-image-classifier": "label",
    "crowd-classifier-multi-select": "labels",
    "crowd-image-classifier-multi-select": "labels",
}


def read_page(html: str) -> Form:
    """Return the form of an HTML document or fragment; never raise, whatever the text."""
    reader = _Reader()
    # The parser refuses unknown marked sections, which browsers take for comments.
    reader.feed(html.replace("<![", "&lt;!["))
    reader.close()
    return Form(tuple(reader.fields()), reader.crowd, reader.flatten)


@dataclass
class _Options:
    """A group of radio buttons or checkboxes, or a select, while its options are being read."""

    name: str
    several: bool
    shape: Shape
    options: list[tuple[str, str]] = field(default_factory=list)
    """(name of the option's own button, value)."""
    required: bool = False
    blank: bool = False
    """Whether the current option has no value attribute: its text is its value."""

    def finished(self) -> Field | None:
        """Return the field, or None if there is nothing to choose."""
        pairs = list(dict.fromkeys(pair for pair in self.options if pair[1])) or self.options[:1]
        if not pairs:
            return None
        values = tuple(value for _, value in pairs)
        if len(set(values)) < len(values):  # buttons of one group that differ by name only
            values = tuple(f"{name}.{value}" for name, value in pairs)
        own = tuple(pairs) if len({name for name, _ in pairs}) > 1 else ()
        if self.several:
            least = 1 if self.required else 0
            return Field(self.name, "several", values, own, at_least=least, at_most=len(values), shape=self.shape)
        return Field(self.name, "choice", values, own, shape=self.shape)


class _Reader(HTMLParser):
    """Collects the controls that a browser would send, in the order of the page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.crowd = False
        self.flatten = False
        self._found: dict[str, Field | _Options] = {}
        self._select: _Options | None = None
        self._group: _Options | None = None
        self._starts: dict[str, Callable[[Attributes], None]] = {
            "input": self._input,
            "textarea": self._textarea,
            "select": self._start_select,
            "option": self._option,
            "crowd-form": self._crowd_form,
            "crowd-input": self._input,
            "crowd-text-area": self._textarea,
            "crowd-slider": self._slider,
            "crowd-checkbox": lambda attributes: self._tick(attributes, several=True),
            "crowd-radio-group": self._radio_group,
            "crowd-radio-button": self._radio_button,
        }

    def fields(self) -> list[Field]:
        """Return all fields that can be answered."""
        done = [one.finished() if isinstance(one, _Options) else one for one in self._found.values()]
        return [one for one in done if one is not None]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in reversed(attrs)}
        if "disabled" in attributes:
            return
        if tag in _CLASSIFIERS:
            self._classifier(attributes, _CLASSIFIERS[tag])
        elif tag in self._starts:
            self._starts[tag](attributes)

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = None
        elif tag == "crowd-radio-group":
            self._group = None
        elif tag == "option" and self._select is not None:
            self._select.blank = False

    def handle_data(self, data: str) -> None:
        select = self._select
        if select is not None and select.blank and data.strip():
            select.options.append(("", data.strip()))
            select.blank = False

    def _add(self, attributes: Attributes, made: Callable[[str], Field | _Options]) -> None:
        name = attributes.get("name", "")
        if name and name not in RESERVED and name not in self._found:
            self._found[name] = made(name)

    def _input(self, attributes: Attributes) -> None:
        kind = attributes.get("type", "text").strip().lower()
        if kind in ("radio", "checkbox"):
            self._tick(attributes, several=kind == "checkbox")
        elif kind == "hidden":
            self._add(attributes, lambda name: Field(name, "fixed", (attributes.get("value", ""),)))
        elif kind in _NUMERIC:
            self._slider(attributes)
        elif kind not in _NOT_FILLED_IN:
            self._text(attributes, _TYPED.get(kind, WORDS))

    def _textarea(self, attributes: Attributes) -> None:
        self._text(attributes, REMARKS)

    def _text(self, attributes: Attributes, options: tuple[str, ...]) -> None:
        limits = attributes.get("minlength"), attributes.get("maxlength")
        self._add(attributes, lambda name: text_field(name, options, *limits))

    def _slider(self, attributes: Attributes) -> None:
        ends = attributes.get("min"), attributes.get("max"), attributes.get("step")
        self._add(attributes, lambda name: number_field(name, *ends))

    def _tick(self, attributes: Attributes, *, several: bool) -> None:
        self._add(attributes, lambda name: _Options(name, several, "flags"))
        group = self._found.get(attributes.get("name", ""))
        if isinstance(group, _Options) and group.several == several and group.shape == "flags":
            group.options.append((group.name, attributes.get("value", "on")))
            group.required = group.required or "required" in attributes

    def _start_select(self, attributes: Attributes) -> None:
        several = "multiple" in attributes
        made = _Options("", several, "plain", required="required" in attributes)
        self._select = made

        def named(name: str) -> _Options:
            made.name = name
            return made

        self._add(attributes, named)

    def _option(self, attributes: Attributes) -> None:
        if self._select is None:
            return
        self._select.blank = "value" not in attributes
        if "value" in attributes:
            self._select.options.append(("", attributes["value"]))

    def _crowd_form(self, attributes: Attributes) -> None:
        self.crowd = True
        self.flatten = attributes.get("answer-format", "").strip() == "flatten-objects"

    def _radio_group(self, attributes: Attributes) -> None:
        self._group = _Options(attributes.get("name", ""), several=False, shape="flags")

    def _radio_button(self, attributes: Attributes) -> None:
        group, name = self._group, attributes.get("name", "")
        if group is None:
            self._tick(attributes, several=False)
            return
        if not name or name in RESERVED:
            return
        group.name = group.name or name
        if group.name not in self._found:
            self._found[group.name] = group
        group.options.append((name, attributes.get("value", "on")))

    def _classifier(self, attributes: Attributes, shape: Shape) -> None:
        options = tuple(dict.fromkeys(_categories(attributes.get("categories", ""))))
        if not options:
            return
        if shape == "label":
            self._add(attributes, lambda name: Field(name, "choice", options, shape=shape))
        else:
            most = len(options)
            self._add(attributes, lambda name: Field(name, "several", options, at_least=1, at_most=most, shape=shape))


def _categories(text: str) -> list[str]:
    """Return the categories of a classifier: a JSON list, or one in single quotes as many templates have it."""
    for attempt in (text, text.replace("'", '"')):
        try:
            found = json.loads(attempt)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, list):
            return [str(one) for one in found if str(one).strip()]
    return [part.strip() for part in text.strip().strip("[]").split(",") if part.strip()]
