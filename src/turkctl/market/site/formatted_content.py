"""Turn FormattedContent, the XHTML subset of QuestionForms, into HTML that can do no harm on our own page.

Only listed elements and attributes are written; everything else loses its tags, and what acts, its content too. The
text is parsed as XML, and the HTML is written anew from the tree, so that nothing passes that was not understood.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.entities import html5
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

from markupsafe import Markup, escape

from turkctl.market.errors import ParameterValidationError
from turkctl.market.questions import parse

_DEEPEST = 50
"""Greatest depth of elements; no text that people wrote comes near it."""
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,31});")
_XML_ENTITIES = ("amp", "lt", "gt", "quot", "apos")
_SHOWN = (
    "a abbr acronym address b bdo big blockquote br caption center cite code col colgroup dd del dfn div dl dt em h1 "
    "h2 h3 h4 h5 h6 hr i img ins kbd li ol p pre q s samp small span strike strong sub sup table tbody td tfoot th "
    "thead tr tt u ul var"
)
_HIDDEN = (
    "applet audio base button embed form frame frameset head iframe input link map math meta noframes noscript object "
    "param script select style svg template textarea title video"
)
_ELEMENTS = frozenset(_SHOWN.split())
_EMPTY = frozenset(("br", "col", "hr", "img"))
_DROPPED = frozenset(_HIDDEN.split())
"""Elements of which not even the content is shown."""
_RENAMED = {"acronym": "abbr", "big": "span", "center": "div", "strike": "s", "tt": "code", "h1": "h2"}
"""Names that HTML has given up; and a page has one first heading, which is not the form's."""
_EVERYWHERE = frozenset(("title", "lang", "dir"))
_ATTRIBUTES = {
    "a": frozenset(("href",)),
    "col": frozenset(("span",)),
    "colgroup": frozenset(("span",)),
    "img": frozenset(("src", "alt", "width", "height")),
    "li": frozenset(("value",)),
    "ol": frozenset(("start", "type")),
    "td": frozenset(("colspan", "rowspan", "headers")),
    "th": frozenset(("colspan", "rowspan", "headers", "scope")),
}
_LINKS = ("https", "http", "mailto")


def formatted(text: str) -> Markup:
    """Return FormattedContent as harmless HTML; as plain text if it is not well-formed, or nested deeply."""
    root = _tree(text)
    if root is None:
        return Markup("<p>{}</p>").format(text.strip())
    return Markup("").join(_inside(root))


def plain_text(text: str) -> str:
    """Return FormattedContent without its markup, for places that take text only."""
    root = _tree(text)
    return " ".join((text if root is None else "".join(root.itertext())).split())


def image_origins(text: str) -> set[str]:
    """Return the origins of the images that FormattedContent shows."""
    root = _tree(text)
    sources = [] if root is None else [element.get("src", "") for element in root.iter() if _name(element) == "img"]
    return {found for source in sources if (found := https_origin(source))}


def https_origin(address: str) -> str | None:
    """Return the origin of an address on https, as policies name it; None for all other addresses."""
    try:
        parts = urlsplit(address.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    # A policy is a list of words with marks between them: a host with anything else in it would change it.
    if parts.scheme != "https" or not host or not re.fullmatch(r"[a-z0-9.-]+", host):
        return None
    return f"https://{host}" + (f":{port}" if port not in (None, 443) else "")


def _tree(text: str) -> Element | None:
    try:
        root = parse(f"<div>{_ENTITY.sub(_character, text)}</div>", "FormattedContent")
    except ParameterValidationError:
        return None
    return root if _is_shallow(root) else None


def _is_shallow(root: Element) -> bool:
    level = [root]
    for _ in range(_DEEPEST):
        level = [child for element in level for child in element]
    return not level


def _character(found: re.Match[str]) -> str:
    """Return a character for HTML's name of it; XML knows five of these names only."""
    return found[0] if found[1] in _XML_ENTITIES else html5.get(f"{found[1]};", found[0])


def _name(element: Element) -> str:
    # Comments and processing instructions have functions in place of names; the parser leaves them out.
    return element.tag.rpartition("}")[2].lower()


def _inside(parent: Element) -> Iterator[Markup]:
    yield escape(parent.text or "")
    for element in parent:
        yield from _element(element)
        yield escape(element.tail or "")


def _element(element: Element) -> Iterator[Markup]:
    name = _name(element)
    if name in _DROPPED:
        return
    if name not in _ELEMENTS or (name == "img" and https_origin(element.get("src", "")) is None):
        yield escape(element.get("alt", "")) if name == "img" else Markup("")
        yield from _inside(element)
        return
    shown = _RENAMED.get(name, name)
    yield Markup("<{}{}>").format(shown, Markup("").join(_attributes(element, name)))
    if name not in _EMPTY:
        yield from _inside(element)
        yield Markup("</{}>").format(shown)


def _attributes(element: Element, name: str) -> Iterator[Markup]:
    allowed = _EVERYWHERE | _ATTRIBUTES.get(name, frozenset())
    given = {key.lower(): value for key, value in element.attrib.items() if key.lower() in allowed}
    if name == "img":
        given.setdefault("alt", "")
    if name == "a" and not _is_link(given.get("href", "")):
        given.pop("href", None)
    for key, value in given.items():
        yield Markup(' {}="{}"').format(key, value)
    if "href" in given:
        yield Markup(' target="_blank" rel="noopener noreferrer"')


def _is_link(address: str) -> bool:
    try:
        return urlsplit(address.strip()).scheme in _LINKS
    except ValueError:
        return False
