"""Put a form around a task page that has none, as Mechanical Turk's own site did with what requesters designed there.

What is posted and what the worker site shows are decided by the same look at the page: whether it has a form, or a
script that submits by itself, and where a form would begin and end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from html.parser import HTMLParser

FORM = (
    '<form name="mturk_form" id="mturk_form" method="post" action="/mturk/externalSubmit" data-turkctl-form>'
    '<input type="hidden" name="assignmentId" id="assignmentId" value="">'
)
BUTTON = '<p><input type="submit" id="submitButton" value="Submit"></p>'
_TO_MARKET = (
    "<script data-turkctl-form>/* added by turkctl: the form goes to the market that shows the page */"
    '(function(){var asked=new URLSearchParams(window.location.search),id=asked.get("assignmentId")||"",'
    'to=asked.get("turkSubmitTo")||"",form=document.querySelector("form[data-turkctl-form]");'
    'form.querySelector("[name=assignmentId]").value=id;'
    'if(/^https?:/.test(to))form.setAttribute("action",to.replace(/\\/+$/,"")+"/mturk/externalSubmit");'
    'if(id==="ASSIGNMENT_ID_NOT_AVAILABLE")form.querySelectorAll("[type=submit]").forEach('
    "function(each){each.disabled=true;});})();</script>"
)
"""What our own worker site does with such a form, for markets that do not. One line, so that no line moves."""

_FIELDS = ("input", "select", "textarea")
_TEXT_ONLY = ("textarea", "title", "xmp", "iframe", "noembed", "noframes")
"""Elements in which browsers see text and Python before 3.13.6 sees markup."""
_ANSWERING = re.compile(
    "crowd-(bounding-box|checkbox|classifier|entity-annotation|image-classifier|input|keypoint|line|polygon|polyline"
    "|radio-button|slider|text-area|toggle-button)"
)
CROWD_SCRIPT = '<script src="https://assets.crowd.aws/crowd-html-elements.js" data-turkctl-form></script>'
"""What draws crowd elements; the worker site has its own in the place of Amazon's."""
_SUBMITS = re.compile(
    r"""mturk/externalsubmit|turksubmit|createelement\(\s*["'`](?:crowd-)?form|<form\b""", re.IGNORECASE
)
"""What a script contains that makes a form, or submits without one."""


@dataclass(frozen=True)
class Edit:
    """A part of a page, from ``start`` to ``end``, and what takes its place."""

    start: int
    end: int
    text: str


class Outline(HTMLParser):
    """Finds whether a page has a form, and where one would begin and end."""

    def __init__(self, page: str) -> None:
        """Read the page."""
        super().__init__(convert_charrefs=False)
        self.head_at = 0
        self.has_fields = False
        """Whether it has a field with a name."""
        self._page = page
        self._lines = [0, *(found.end() for found in re.finditer("\n", page))]
        self._body_at = 0
        self._end_at: int | None = None
        self._head_found = False
        self._has_form = False
        self._has_elements = False
        self._is_crowd = False
        self._has_scripts = False
        self._submits = False
        self._in_script = False
        # The parser refuses unknown marked sections, which browsers take for comments; no position may change.
        self.feed(page.replace("<![", "<!_"))
        self.close()

    @property
    def lacks_form(self) -> bool:
        """Return whether nothing on the page submits it."""
        return not self._has_form

    @property
    def wants_form(self) -> bool:
        """Return whether a form makes it a task: nothing submits it, and no script could make its fields."""
        return self.lacks_form and (self.has_fields or self._has_elements or not self._has_scripts)

    @property
    def wants_crowd_script(self) -> bool:
        """Return whether it has crowd elements, and nothing that names the script that draws them."""
        return self._is_crowd and "crowd-html-elements" not in self._page

    def form_edits(self, *, for_any_market: bool = False) -> list[Edit]:
        """Return the edits that put a form around the page.

        Args:
            for_any_market: the form finds the market that shows the page by itself; ours needs no script for that.
        """
        start = max(self._body_at, self.head_at)
        end = len(self._page) if self._end_at is None else max(self._end_at, start)
        if for_any_market and self._has_elements:
            return [Edit(start, start, "<crowd-form>"), Edit(end, end, "</crowd-form>")]
        closing = ("" if self._submits else BUTTON) + "</form>" + (_TO_MARKET if for_any_market else "")
        return [Edit(start, start, FORM), Edit(end, end, closing)]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a start tag."""
        self._in_script = tag == "script"
        self._note(tag, {name: value or "" for name, value in reversed(attrs)})
        if tag in _TEXT_ONLY:
            self.set_cdata_mode(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag that is written as if it had no end."""
        self._note(tag, {name: value or "" for name, value in reversed(attrs)})

    def _note(self, tag: str, attributes: dict[str, str]) -> None:
        text = self.get_starttag_text() or ""
        start = self.here()
        kind = attributes.get("type", "").strip().lower()
        if tag == "head" or (tag == "html" and not self._head_found):
            self.head_at, self._head_found = start + len(text), tag == "head"
        elif tag == "body":
            self._body_at = start + len(text)
        elif tag in ("form", "crowd-form"):
            self._has_form = True
            self._is_crowd = self._is_crowd or tag == "crowd-form"
        elif tag == "script":
            self._has_scripts = True
            self.found_script(text, start)
        elif tag in _FIELDS:
            self.has_fields = self.has_fields or bool(attributes.get("name"))
        elif _ANSWERING.match(tag):
            self._has_elements = self._is_crowd = True
        if tag in ("input", "button") and kind in ("submit", "image"):
            self._submits = True
        self._has_scripts = self._has_scripts or any(name.startswith("on") for name in attributes)

    def found_script(self, text: str, start: int) -> None:
        """Do something about a script's start tag, which is ``text`` and begins at ``start``."""

    def handle_endtag(self, tag: str) -> None:
        """Note an end tag."""
        self._in_script = False
        if tag == "head" and not self._body_at:  # a page without a tag for its body
            self._body_at = self._page.find(">", self.here()) + 1
        if tag == "body" or (tag == "html" and self._end_at is None):
            self._end_at = self.here()

    def handle_decl(self, decl: str) -> None:
        """Note the document type."""
        if not self._head_found and not self.head_at and decl.lower().startswith("doctype"):
            self.head_at = self.here() + len(decl) + len("<!>")

    def handle_data(self, data: str) -> None:
        """Note a script that submits by itself."""
        if self._in_script and _SUBMITS.search(data):
            self._has_form = True

    def here(self) -> int:
        """Return the position in the page."""
        line, column = self.getpos()
        return self._lines[line - 1] + column


def edited(page: str, edits: list[Edit]) -> str:
    """Return the page with the edits made."""
    parts, at = [], 0
    for edit in sorted(edits, key=lambda edit: edit.start):  # stable: of two in one place, the first comes first
        parts += [page[at : edit.start], edit.text]
        at = edit.end
    return "".join([*parts, page[at:]])


FORM_ADDED = "its page has no form: it is posted in one that turkctl adds, with a button to submit"
SCRIPT_ADDED = "its page has crowd elements, and not the script that draws them: it is posted with it"


@lru_cache(maxsize=64)
def with_form(page: str) -> str:
    """Return the page as it can be posted to any market, with what :func:`what_is_added` names."""
    seen = Outline(page)
    edits = [Edit(seen.head_at, seen.head_at, CROWD_SCRIPT)] if seen.wants_crowd_script else []
    return edited(page, edits + (seen.form_edits(for_any_market=True) if seen.wants_form else []))


def what_is_added(page: str) -> tuple[str, ...]:
    """Return in words what :func:`with_form` adds to a page: a form if nothing on it submits it, a script."""
    seen = Outline(page)
    return (*([FORM_ADDED] if seen.wants_form else []), *([SCRIPT_ADDED] if seen.wants_crowd_script else []))
