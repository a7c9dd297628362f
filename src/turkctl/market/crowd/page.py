"""Read the form of an HTML page: the controls that a person could fill in, and whether they could submit them.

Browsers send the controls of one form, those that are not disabled, and the button that was pressed. The worker site
puts a form around fields that have none, and takes what is sent to ``/mturk/externalSubmit``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser

from turkctl.market.crowd.fields import RESERVED, Field, Form, Shape, decimal, number_field
from turkctl.market.crowd.texts import allowed_texts

Attributes = dict[str, str]
Owner = str | None
"""The form that a control belongs to; None if it is outside of all forms."""

_NOT_FILLED_IN = ("button", "reset", "file")
_SUBMITTING = ("submit", "image")
_TICKED = ("radio", "checkbox")
_NUMERIC = ("number", "range")
_ONE_LINE = ("text", "search", "tel", "url", "email", "password", "number", "date", "month", "week", "time")
"""Types of fields in which the Enter key submits a form that has no button, if there is only one of them."""
_CHANGEABLE = ("radio", "checkbox", "range", "color")
"""Types that ``readonly`` does not apply to."""
_UNSEEN = ("template", "noscript")
"""Elements whose content is not part of the page."""
_TEXT_ONLY = ("textarea", "title", "xmp", "iframe", "noembed", "noframes")
"""Elements in which browsers see text and Python before 3.13.6 sees markup."""
_CROWD = "crowd-form"
_HERE = re.compile(r"/mturk/externalSubmit/*\s*(?:[?#].*)?\Z", re.DOTALL)
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
    return reader.form()


@dataclass
class _Options:
    """A group of radio buttons or checkboxes, or a select, while its options are being read."""

    name: str
    several: bool
    shape: Shape
    options: list[tuple[str, str]] = field(default_factory=list)
    """(name of the option's own button, value)."""
    required: bool = False
    always: list[str] = field(default_factory=list)
    """Values of checkboxes that must be ticked."""
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
            always = tuple(value for value in values if value in self.always)
            least = max(1 if self.required else 0, len(always))
            return Field(self.name, "several", values, own, always, least, len(values), shape=self.shape)
        return Field(self.name, "choice", values, own, shape=self.shape)


@dataclass
class _SeenForm:
    """A form of the page.

    Attributes:
        owner: what its controls are known to belong to: its id, or a number.
        sends_here: whether what it sends comes to the market.
        submitted: whether it has a button that submits it.
        named: its submit buttons with a name, and their values.
        lines: number of fields in which Enter would submit it.
        impossible: whether it has a field that must be filled in and cannot be.
    """

    owner: Owner
    sends_here: bool
    submitted: bool = False
    named: list[tuple[str, str]] = field(default_factory=list)
    lines: int = 0
    impossible: bool = False


class _Reader(HTMLParser):
    """Collects the controls that a browser would send, in the order of the page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._crowd = False
        self._has_elements = False
        self._flatten = False
        self._scripted = False
        self._found: dict[tuple[Owner, str], Field | _Options] = {}
        self._forms: dict[Owner, _SeenForm] = {None: _SeenForm(None, sends_here=True)}
        self._owner: Owner = None
        self._select: _Options | None = None
        self._group: _Options | None = None
        self._unseen = 0
        self._disabled: list[bool] = []
        """Whether each of the field sets around the current place is disabled."""
        self._kept: tuple[Owner, str] | None = None
        """The text area whose text is being read, because nobody can change it."""
        self._starts: dict[str, Callable[[Attributes], None]] = {
            "input": self._input,
            "button": self._button,
            "textarea": self._textarea,
            "select": self._start_select,
            "option": self._option,
            "form": self._start_form,
            "script": self._script,
            "crowd-form": self._crowd_form,
            "crowd-input": self._input,
            "crowd-text-area": self._textarea,
            "crowd-slider": self._slider,
            "crowd-checkbox": lambda attributes: self._tick(attributes, several=True),
            "crowd-radio-group": self._radio_group,
            "crowd-radio-button": self._radio_button,
            "crowd-button": self._crowd_button,
        }

    def form(self) -> Form:
        """Return the form that a person would submit."""
        if self._crowd:
            crowd = self._forms[_CROWD]
            submits = self._has_elements and not crowd.impossible
            return Form(self._fields(_CROWD), True, self._flatten, submits, self._scripted)
        own = [seen for owner, seen in self._forms.items() if owner is not None]
        if not own:  # the worker site puts a form around them
            fields, alone = self._fields(None), self._forms[None]
            return Form(fields, submits=bool(fields) and not alone.impossible, scripted=self._scripted)
        able = [seen for seen in own if self._is_able(seen)]
        chosen = next((seen for seen in able if self._fields(seen.owner)), able[0] if able else None)
        if chosen is not None:
            return Form(self._fields(chosen.owner) + self._pressed(chosen), scripted=self._scripted)
        first = next((seen for seen in own if self._fields(seen.owner)), own[0])
        return Form(self._fields(first.owner), submits=False, scripted=self._scripted)

    def _is_able(self, seen: _SeenForm) -> bool:
        """Return whether a person can submit the form, here; a script may do what its markup does not."""
        by_itself = seen.sends_here and (seen.submitted or seen.lines == 1)
        return (by_itself or self._scripted) and not seen.impossible

    def _pressed(self, seen: _SeenForm) -> tuple[Field, ...]:
        """Return the answer that is given by pressing one of several buttons."""
        if not seen.named or (seen.owner, seen.named[0][0]) in self._found:
            return ()
        name = seen.named[0][0]
        values = tuple(dict.fromkeys(value for each, value in seen.named if each == name))
        return (Field(name, "choice", values),)

    def _fields(self, owner: Owner) -> tuple[Field, ...]:
        """Return all fields of a form that can be answered."""
        of_it = [one for (belongs, _), one in self._found.items() if belongs == owner]
        done = [one.finished() if isinstance(one, _Options) else one for one in of_it]
        return tuple(one for one in done if one is not None)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in reversed(attrs)}
        if tag in _TEXT_ONLY:
            self.set_cdata_mode(tag)
        if tag in _UNSEEN:
            self._unseen += 1
        if self._unseen:
            return
        self._scripted = self._scripted or any(name.startswith("on") for name in attributes)
        if tag == "fieldset":
            self._disabled.append("disabled" in attributes)
        if tag == "optgroup" and "disabled" in attributes:
            self._disabled.append(True)
        if tag == "option" and self._select is not None:
            self._select.blank = False
        if "disabled" in attributes or (any(self._disabled) and tag not in ("form", "crowd-form", "script")):
            return
        if tag in _CLASSIFIERS:
            self._classifier(attributes, _CLASSIFIERS[tag])
        elif tag in self._starts:
            self._starts[tag](attributes)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)  # HTML has no elements that end at once; its own are none that end

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif tag == "select":
            self._select = None
        elif tag in ("fieldset", "optgroup"):
            if self._disabled and (tag == "fieldset" or self._select is not None):
                self._disabled.pop()
        elif tag == "crowd-radio-group":
            self._group = None
        elif tag == "option" and self._select is not None:
            self._select.blank = False
        elif tag in ("form", "crowd-form") and (self._owner != _CROWD or tag == _CROWD):
            self._owner = None
        elif tag == "textarea":
            self._kept = None

    def handle_data(self, data: str) -> None:
        select = self._select
        if select is not None and select.blank and data.strip():
            select.options.append(("", data.strip()))
            select.blank = False
        if self._kept is not None:
            before = self._found[self._kept]
            if isinstance(before, Field):
                self._found[self._kept] = Field(before.name, "fixed", (before.options[0] + data,))

    def _belongs_to(self, attributes: Attributes) -> Owner:
        return attributes["form"] if attributes.get("form") and self._owner != _CROWD else self._owner

    def _form_of(self, attributes: Attributes) -> _SeenForm:
        owner = self._belongs_to(attributes)
        return self._forms.setdefault(owner, _SeenForm(owner, sends_here=False))

    def _add(self, attributes: Attributes, made: Callable[[str], Field | _Options]) -> None:
        name = attributes.get("name", "")
        key = (self._belongs_to(attributes), name)
        if name and name not in RESERVED and key not in self._found:
            self._found[key] = made(name)

    def _start_form(self, attributes: Attributes) -> None:
        if self._owner is not None:  # HTML has no forms within forms
            return
        owner = attributes.get("id") or f"#{len(self._forms)}"
        self._owner = owner
        seen = self._forms.setdefault(owner, _SeenForm(owner, sends_here=False))
        seen.sends_here = seen.sends_here or _HERE.search(attributes.get("action", "")) is not None

    def _script(self, attributes: Attributes) -> None:
        self._has_elements = self._has_elements or "crowd-html-elements" in attributes.get("src", "")
        own = "crowd-html-elements" in attributes.get("src", "") or "data-turkctl-form" in attributes
        self._scripted = self._scripted or not own

    def _input(self, attributes: Attributes) -> None:
        kind = attributes.get("type", "text").strip().lower()
        if kind in _SUBMITTING:
            self._submit(attributes, attributes.get("value", "Submit") if kind == "submit" else None)
        elif kind == "hidden" or ("readonly" in attributes and kind not in _CHANGEABLE):
            self._add(attributes, lambda name: Field(name, "fixed", (attributes.get("value", ""),)))
        elif kind in _TICKED:
            self._tick(attributes, several=kind == "checkbox")
        elif kind in _NUMERIC:
            self._number(attributes, kind)
        elif kind not in _NOT_FILLED_IN:
            self._text(attributes, kind)
        elif kind == "file" and "required" in attributes:
            self._form_of(attributes).impossible = True
        if kind in _ONE_LINE or kind == "datetime-local":
            self._form_of(attributes).lines += 1

    def _button(self, attributes: Attributes) -> None:
        kind = attributes.get("type", "submit").strip().lower()
        # In a crowd-form, a button without a type does not submit.
        if kind not in ("button", "reset") and not (self._owner == _CROWD and "type" not in attributes):
            self._submit(attributes, attributes.get("value", ""))

    def _crowd_button(self, attributes: Attributes) -> None:
        if attributes.get("form-action", "") == "submit":
            self._submit({**attributes, "name": ""}, None)

    def _submit(self, attributes: Attributes, value: str | None) -> None:
        seen = self._form_of(attributes)
        seen.submitted = True
        seen.sends_here = seen.sends_here or _HERE.search(attributes.get("formaction", "")) is not None
        name = attributes.get("name", "")
        if name and name not in RESERVED and value is not None:
            seen.named.append((name, value))

    def _textarea(self, attributes: Attributes) -> None:
        if "readonly" in attributes:
            self._add(attributes, lambda name: Field(name, "fixed", ("",)))
            key = (self._belongs_to(attributes), attributes.get("name", ""))
            self._kept = key if key in self._found else None
            return
        self._text(attributes, "textarea")

    def _text(self, attributes: Attributes, kind: str) -> None:
        texts = allowed_texts(kind, attributes)
        if texts is not None:
            self._add(attributes, lambda name: Field(name, "text", texts))
        elif "required" in attributes:
            self._form_of(attributes).impossible = True
        else:  # browsers send it, empty
            self._add(attributes, lambda name: Field(name, "fixed", ("",)))

    def _number(self, attributes: Attributes, kind: str) -> None:
        low, high = decimal(attributes.get("min")), decimal(attributes.get("max"))
        if kind == "number" and low is not None and high is not None and low > high:
            self._form_of(attributes).impossible |= "required" in attributes
            self._add(attributes, lambda name: Field(name, "fixed", ("",)))
            return
        if kind == "range":
            attributes = {"min": "0", "max": "100", **attributes}
        self._slider(attributes)

    def _slider(self, attributes: Attributes) -> None:
        ends = attributes.get("min"), attributes.get("max"), attributes.get("step"), attributes.get("value")
        self._add(attributes, lambda name: number_field(name, *ends))

    def _tick(self, attributes: Attributes, *, several: bool) -> None:
        self._add(attributes, lambda name: _Options(name, several, "flags"))
        group = self._found.get((self._belongs_to(attributes), attributes.get("name", "")))
        if isinstance(group, _Options) and group.several == several and group.shape == "flags":
            value = attributes.get("value", "on")
            group.options.append((group.name, value))
            if several and "required" in attributes:
                group.always.append(value)

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
        self._crowd = True
        self._owner = _CROWD
        self._forms.setdefault(_CROWD, _SeenForm(_CROWD, sends_here=True))
        self._flatten = attributes.get("answer-format", "").strip() == "flatten-objects"

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
        self._found.setdefault((self._owner, group.name), group)
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
