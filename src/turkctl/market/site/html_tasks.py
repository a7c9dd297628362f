"""Make an HTML task ready for the content origin, and change as little of it as possible.

Scripts of Mechanical Turk are loaded from our own address, a script that sends forms to this market is added, and a
layout that has fields but no form gets one. All other bytes are those that the requester gave.
"""

from __future__ import annotations

import hashlib
import html
import re
from dataclasses import dataclass, field
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

from turkctl import paths
from turkctl.market.questions import HTML, parse

STATIC = Path(__file__).parent / "static"
EXTERNAL_HIT = "externalHIT_v1.js"
CROWD = "crowd-html-elements.js"
"""Its name must stay in its address: the script finds itself by it."""
SHIM = "task-shim.js"

_ATTRIBUTE = re.compile(r"""[\s/]+([^\s/>=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+)))?""")
"""One attribute of a start tag: its name, and its value with either quote or none."""
_FIELDS = ("input", "select", "textarea")
_LOOKED_AT = (*_FIELDS, "button", "html", "head", "body", "script", "form", "crowd-form")
_TEXT_ONLY = ("textarea", "title", "xmp", "iframe", "noembed", "noframes")
"""Elements in which browsers see text and Python before 3.13.6 sees markup."""
_SUBMITS = "mturk/externalsubmit"
_FORM = (
    '<form name="mturk_form" id="mturk_form" method="post" action="/mturk/externalSubmit" data-turkctl-form>'
    '<input type="hidden" name="assignmentId" id="assignmentId" value="">'
)
_BUTTON = '<p><input type="submit" id="submitButton" value="Submit"></p>'


def html_content(question: str) -> str | None:
    """Return the document of an HTMLQuestion; None if the question is of another kind."""
    root = parse(question, "Question")
    return (root.findtext(f"{HTML}HTMLContent") or "") if root.tag == f"{HTML}HTMLQuestion" else None


@lru_cache(maxsize=32)
def task_page(content: str, content_origin: str) -> str:
    """Return the document as the content origin serves it.

    Args:
        content: the requester's document.
        content_origin: origin of our own scripts; named in full, because the document may have a ``base``.
    """
    seen = _Outline(content, content_origin)
    seen.feed(content)
    seen.close()
    edits = [*seen.edits, _Edit(seen.head_at, seen.head_at, f'<script src="{script(content_origin, SHIM)}"></script>')]
    if seen.wants_form():
        start = max(seen.body_at, seen.head_at)
        end = len(content) if seen.end_at is None else max(seen.end_at, start)
        edits += [_Edit(start, start, _FORM), _Edit(end, end, ("" if seen.submits else _BUTTON) + "</form>")]
    return _edited(content, edits)


def script(content_origin: str, name: str) -> str:
    """Return the address of one of our own scripts; it changes when any of them does, so that it can be kept long."""
    return f"{content_origin.rstrip('/')}/content/static/{version()}/{name}"


@lru_cache(maxsize=1)
def version() -> str:
    """Return a name of the present text of all our scripts, since they load each other."""
    digest = hashlib.sha256()
    for path in sorted(STATIC.rglob("*")):
        if paths.is_file(path):
            digest.update(f"{path.relative_to(STATIC).as_posix()}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


@dataclass(frozen=True)
class _Edit:
    """A part of the document, from ``start`` to ``end``, and what takes its place."""

    start: int
    end: int
    text: str


def _edited(content: str, edits: list[_Edit]) -> str:
    parts, at = [], 0
    for edit in sorted(edits, key=lambda edit: edit.start):  # stable: of two in one place, the first comes first
        parts += [content[at : edit.start], edit.text]
        at = edit.end
    return "".join([*parts, content[at:]])


@dataclass(frozen=True)
class _Attribute:
    start: int
    end: int
    value: str


@dataclass
class _Tag:
    """Attributes of a start tag, with their places in the document."""

    attributes: dict[str, _Attribute] = field(default_factory=dict)

    def value(self, name: str) -> str:
        found = self.attributes.get(name)
        return "" if found is None else found.value


class _Outline(HTMLParser):
    """Finds where a document must be changed."""

    def __init__(self, content: str, content_origin: str) -> None:
        super().__init__(convert_charrefs=False)
        self.edits: list[_Edit] = []
        self.head_at = 0
        self.body_at = 0
        self.end_at: int | None = None
        self.submits = False
        self._content = content
        self._origin = content_origin
        self._lines = [0, *(found.end() for found in re.finditer("\n", content))]
        self._has_form = False
        self._has_fields = False
        self._head_found = False

    def wants_form(self) -> bool:
        """Return whether the document is a layout: fields, and nothing that could submit them."""
        return self._has_fields and not self._has_form

    def handle_starttag(self, tag: str, _attrs: object) -> None:
        self._start(tag)
        if tag in _TEXT_ONLY:
            self.set_cdata_mode(tag)

    def _start(self, tag: str) -> None:
        if tag in _LOOKED_AT:
            start, text = self._here(), self.get_starttag_text() or ""
            self._note(tag, _read_tag(text, start), start + len(text))

    def _note(self, tag: str, found: _Tag, end: int) -> None:
        if tag == "head" or (tag == "html" and not self._head_found):
            self.head_at, self._head_found = end, tag == "head"
        elif tag == "body":
            self.body_at = end
        elif tag == "script":
            self._rewrite(found)
        elif tag in ("form", "crowd-form"):
            self._has_form = True
        elif tag in _FIELDS:
            self._has_fields = self._has_fields or bool(found.value("name"))
        if tag in ("input", "button") and found.value("type").lower() in ("submit", "image"):
            self.submits = True

    def handle_startendtag(self, tag: str, _attrs: object) -> None:
        self._start(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == "head" and not self.body_at:  # a document without a tag for its body
            self.body_at = self._content.find(">", self._here()) + 1
        if tag == "body" or (tag == "html" and self.end_at is None):
            self.end_at = self._here()

    def handle_decl(self, decl: str) -> None:
        if not self._head_found and not self.head_at and decl.lower().startswith("doctype"):
            self.head_at = self._here() + len(decl) + len("<!>")

    def handle_data(self, data: str) -> None:
        if _SUBMITS in data.lower():
            self._has_form = True  # a script that submits by itself

    def _here(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def _rewrite(self, tag: _Tag) -> None:
        source = tag.attributes.get("src")
        name = own_script(source.value) if source else None
        if source is None or name is None:
            return
        self.edits.append(_Edit(source.start, source.end, f' src="{script(self._origin, name)}"'))
        if check := tag.attributes.get("integrity"):  # it is that of the other text
            self.edits.append(_Edit(check.start, check.end, ""))


def own_script(source: str) -> str | None:
    """Return the name of our own script that takes the place of one of Amazon's; None for every other script."""
    try:
        parts = urlsplit(source.strip())
        host = (parts.hostname or "").lower()
    except ValueError:
        return None
    name = parts.path.rpartition("/")[2]
    if name.lower() == EXTERNAL_HIT.lower() and f".{host}".endswith((".amazonaws.com", ".mturk.com")):
        return EXTERNAL_HIT
    return CROWD if name.startswith("crowd-html-elements") and f".{host}".endswith(".crowd.aws") else None


def _read_tag(text: str, start: int) -> _Tag:
    """Return the attributes of a start tag that begins at ``start``; of two with one name, the first counts."""
    tag = _Tag()
    name = re.match(r"<[^\s/>]+", text)
    at = name.end() if name else 0
    while found := _ATTRIBUTE.match(text, at):
        at = found.end()
        value = next((each for each in found.groups()[1:] if each is not None), "")
        place = _Attribute(start + found.start(), start + found.end(), html.unescape(value))
        tag.attributes.setdefault(found[1].lower(), place)
    return tag
