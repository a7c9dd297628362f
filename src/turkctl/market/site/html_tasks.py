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
from pathlib import Path
from urllib.parse import urlsplit

from turkctl import paths
from turkctl.market.questions import HTML, parse
from turkctl.task_forms import Edit, Outline, edited

STATIC = Path(__file__).parent / "static"
EXTERNAL_HIT = "externalHIT_v1.js"
CROWD = "crowd-html-elements.js"
"""Its name must stay in its address: the script finds itself by it."""
SHIM = "task-shim.js"

_ATTRIBUTE = re.compile(r"""[\s/]+([^\s/>=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+)))?""")
"""One attribute of a start tag: its name, and its value with either quote or none."""


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
    seen = _TaskOutline(content, content_origin)
    edits = [*seen.edits, Edit(seen.head_at, seen.head_at, f'<script src="{script(content_origin, SHIM)}"></script>')]
    if seen.lacks_form and seen.has_fields:
        edits += seen.form_edits()
    return edited(content, edits)


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
class _Attribute:
    start: int
    end: int
    value: str


@dataclass
class _Tag:
    """Attributes of a start tag, with their places in the document."""

    attributes: dict[str, _Attribute] = field(default_factory=dict)


class _TaskOutline(Outline):
    """Finds where a document must be changed."""

    def __init__(self, content: str, content_origin: str) -> None:
        self.edits: list[Edit] = []
        self._origin = content_origin
        super().__init__(content)

    def found_script(self, text: str, start: int) -> None:
        tag = _read_tag(text, start)
        source = tag.attributes.get("src")
        name = own_script(source.value) if source else None
        if source is None or name is None:
            return
        self.edits.append(Edit(source.start, source.end, f' src="{script(self._origin, name)}"'))
        if check := tag.attributes.get("integrity"):  # it is that of the other text
            self.edits.append(Edit(check.start, check.end, ""))


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
