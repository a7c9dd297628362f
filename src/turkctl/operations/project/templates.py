"""Find ``${column}`` placeholders in a text, and fill them in so that no value can change the page around it.

The syntax is that of Mechanical Turk's own site: ``${name}`` with letters, digits and underscores. Every other dollar
sign stays as it is. ``${name|raw}`` puts the value in unchanged. ``$${name}`` stands for a literal ``${name}``, which
JavaScript's template literals need.

In HTML a value is escaped for its place: for HTML in text and attributes, for a JavaScript (and JSON) string in scripts
and in attributes that hold scripts, for CSS in styles. Attributes without quotes get quotes; in the names of elements
and attributes only raw placeholders are allowed. The tokens are those of
https://html.spec.whatwg.org/multipage/parsing.html. Pure.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote

from turkctl.errors import UsageError

JSON_NAME: Final = "contents_json"
"""The placeholder for all rows of a HIT, as a JSON array."""

_PLACEHOLDER: Final = re.compile(r"\$(?P<escaped>\$)?\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<raw>\|raw)?\}")
_SPACE: Final = r"\t\n\f\r "
"""The separators in a tag. Other white space, such as a no-break space, is part of the name or the value."""
_OPENING: Final = re.compile(rf"<!--|<(?P<close>/?)(?P<name>[A-Za-z][^{_SPACE}/>]*)|<[!?/]")
_ATTRIBUTE: Final = re.compile(
    rf"""[{_SPACE}/]*(?P<name>[^{_SPACE}/>][^{_SPACE}/>=]*)(?P<is>[{_SPACE}]*=[{_SPACE}]*)?"""
)
_UNQUOTED: Final = re.compile(rf"[^{_SPACE}>]*")
_TEXT_ONLY: Final = {
    **dict.fromkeys(("title", "textarea", "xmp", "iframe", "noembed", "noframes"), "text"),
    "script": "script",
    "style": "style",
}
"""Elements that contain no other elements, with the place that values in them are escaped for."""
_ADDRESSES: Final = (
    *("href", "src", "action", "formaction", "data", "poster", "xlink:href", "from", "to", "by"),
    *("background", "cite", "codebase", "dynsrc", "longdesc", "lowsrc", "manifest", "ping", "xml:base"),
)
"""Attributes that hold an address; in SVG, ``from``, ``to`` and ``by`` set an address in another attribute."""
_ADDRESS_LIST: Final = "values"
"""The SVG attribute that sets one address after another in another attribute, separated by semicolons."""
_SCRIPT_ADDRESS: Final = re.compile(
    r"(javascript:|vbscript:|data:(?!(image/(?!svg)|audio/|video/|font/)))", re.IGNORECASE
)
"""Matches addresses that may run a script, after removing what browsers ignore; documents and SVG pictures may."""
_INVISIBLE: Final = re.compile(r"[\x00-\x20\x7f]")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A placeholder: the name of its column, its place in the page, and its line (from 1)."""

    name: str
    raw: bool
    place: str
    """One of the keys of ``_ESCAPES``."""
    line: int


Piece = str | Placeholder


def html_pieces(template: str) -> tuple[Piece, ...]:
    """Return the literal texts and the placeholders of an HTML template, in order."""
    return _html_pieces(template)


def url_pieces(url: str) -> tuple[Piece, ...]:
    """Return the pieces of an address with placeholders."""
    return tuple(_split(url, 0, len(url), "url"))


def text_pieces(text: str) -> tuple[Piece, ...]:
    """Return the pieces of a text that the market puts into a page: a parameter of a layout."""
    return tuple(_split(text, 0, len(text), "text"))


def xml_pieces(document: str) -> tuple[Piece, ...]:
    """Return the pieces of an XML document with placeholders."""
    return tuple(_split(document, 0, len(document), "xml"))


def literally(text: str) -> str:
    """Return the text with its dollar signs doubled, so that ``${name}`` in it is no placeholder."""
    return re.sub(r"\$(?=\$?\{)", "$$$$", text)


def asked(pieces: tuple[Piece, ...]) -> tuple[Placeholder, ...]:
    """Return the placeholders among the pieces."""
    return tuple(piece for piece in pieces if isinstance(piece, Placeholder))


def fill(pieces: tuple[Piece, ...], values: Mapping[str, Any]) -> str:
    """Return the text with each placeholder replaced by its value.

    Raises:
        UsageError: an address would run a script.
    """
    return "".join(piece if isinstance(piece, str) else _filled(piece, values[piece.name]) for piece in pieces)


def _filled(asked_for: Placeholder, value: Any) -> str:
    if asked_for.name == JSON_NAME:
        text = safe_json(value)
        return text if asked_for.raw or asked_for.place == "script" else _JSON_ESCAPES[asked_for.place](text)
    text = as_text(value)
    if asked_for.raw:
        return text
    if asked_for.place == "address" and _SCRIPT_ADDRESS.match(_INVISIBLE.sub("", text)):
        raise UsageError(
            f"'{asked_for.name}' would put a script where an address belongs, in line {asked_for.line} of the template",
            hint="fix the row; an address begins with https://",
        )
    if asked_for.place == "addresses" and any(_SCRIPT_ADDRESS.match(_INVISIBLE.sub("", x)) for x in text.split(";")):
        raise UsageError(
            f"'{asked_for.name}' would put a script into a list of addresses, in line {asked_for.line} of the template",
            hint="fix the row; an address begins with https://",
        )
    return _ESCAPES[asked_for.place](text)


def as_text(value: Any) -> str:
    """Return a value of a row as workers read it: texts unchanged, null as an empty text, other values as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def safe_json(value: Any) -> str:
    """Return JSON that is safe in a script element: it cannot end it, begin a comment, or break a line of script."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _javascript(text: str) -> str:
    """Return a text escaped for a JavaScript or JSON string in any quotes: special characters become numbers."""
    return _NOT_PLAIN.sub(lambda match: "".join(f"\\u{unit:04x}" for unit in _utf16(match[0])), text)


def _utf16(sign: str) -> list[int]:
    code = ord(sign)
    return [code] if code < 0x10000 else [0xD800 + ((code - 0x10000) >> 10), 0xDC00 + (code & 0x3FF)]


_CSS_VALUE: Final = r"(?:#[0-9A-Fa-f]{3,8}|[+-]?[0-9]*\.?[0-9]+(?:%|[A-Za-z]{1,5})?|[A-Za-z][A-Za-z0-9-]*)"
_CSS_VALUES: Final = re.compile(f"{_CSS_VALUE}(?: {_CSS_VALUE})*")
"""Colours, numbers with their units, and names, which mean the same in a string and outside. Escaped, ``#b3261e`` would
be the name of nothing."""


def _css(text: str) -> str:
    if _CSS_VALUES.fullmatch(text):
        return text
    return re.sub(r"[^A-Za-z0-9_-]", lambda match: f"\\{ord(match[0]):06x} ", text)


_NOT_PLAIN: Final = re.compile("[^A-Za-z0-9 _.,:\u00a1-\u2027\u202a-\ud7ff-]")
_ESCAPES: Final[Mapping[str, Callable[[str], str]]] = {
    "text": html.escape,
    "comment": lambda text: html.escape(text).replace("-", "&#45;"),
    "attribute": html.escape,
    "address": html.escape,
    "addresses": html.escape,
    "address without scheme": lambda text: html.escape(text.replace(":", "%3A")),
    "handler": lambda text: html.escape(_javascript(text)),
    "script": _javascript,
    "style": _css,
    "style attribute": lambda text: html.escape(_css(text)),
    "url": lambda text: quote(text, safe=""),
    "xml": html.escape,
}
_JSON_ESCAPES: Final = {**_ESCAPES, "handler": html.escape}


@lru_cache(maxsize=64)
def _html_pieces(template: str) -> tuple[Piece, ...]:
    return tuple(_joined(_scan(template)))


def _joined(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Yield the pieces, with neighbouring texts joined."""
    literal: list[str] = []
    for piece in pieces:
        if isinstance(piece, str):
            literal.append(piece)
            continue
        if literal:
            yield "".join(literal)
            literal.clear()
        yield piece
    if literal:
        yield "".join(literal)


def _split(text: str, start: int, end: int, place: str, *, whole: bool = False) -> Iterator[Piece]:
    """Yield the pieces of ``text[start:end]``, all in one place; ``whole`` if it is a whole address or list of them."""
    at = start
    for match in _PLACEHOLDER.finditer(text, start, end):
        if match.start() > at:
            yield text[at : match.start()]
        at = match.end()
        if match["escaped"]:
            yield match[0][1:]
            continue
        line = text.count("\n", 0, match.start()) + 1
        here = _within(place, text[start : match.start()]) if whole else place
        named = here in ("text", "comment", "xml") and text.endswith(("<", "</"), 0, match.start())
        if not match["raw"] and here == "page":
            raise UsageError(
                f"line {line}: {match[0]} is in a page within the page, where no escaping is safe",
                hint="give that page its own address, or set the value with a script",
            )
        if not match["raw"] and (named or here == "name"):
            raise UsageError(
                f"line {line}: {match[0]} is where the name of an element or attribute belongs",
                hint=f"put it into the text or a value in quotes, or insert it unchanged: ${{{match['name']}|raw}}",
            )
        yield Placeholder(match["name"], bool(match["raw"]), here, line)
    if at < end:
        yield text[at:end]


def _within(place: str, before: str) -> str:
    """Return the place of a value in an address or a list of them, judged by the text before it."""
    if place == "address":
        return _within_address(before)
    last = html.unescape(before).rpartition(";")[2]
    if _PLACEHOLDER.search(last) is not None:  # its value may have begun another address
        return "address without scheme"
    here = _within_address(last)
    return "addresses" if here in ("address", "attribute") else here


def _within_address(before: str) -> str:
    """Return the place of a value in an address; a value at the beginning may name a scheme."""
    if not before.strip():
        return "address"
    before = html.unescape(before)
    if _SCRIPT_ADDRESS.match(_INVISIBLE.sub("", before)):
        return "handler"
    return "attribute" if re.search("[:/?#]", _PLACEHOLDER.sub("", before)) else "address without scheme"


def _scan(text: str) -> Iterator[Piece]:
    at = 0
    while at < len(text):
        opening = _OPENING.search(text, at)
        start = opening.start() if opening else len(text)
        yield from _split(text, at, start, "text")
        if opening is None:
            return
        if opening["name"] is None:
            at = _end_of_declaration(text, opening)
            yield from _split(text, start, at, "comment")
            continue
        yield from _split(text, start, opening.end(), "name")
        at = yield from _scan_tag(text, opening.end())
        name = opening["name"].lower()
        if name in _TEXT_ONLY and not opening["close"]:
            end = _end_of_element(text, at, name)
            yield from _split(text, at, end, _TEXT_ONLY[name])
            at = end


def _end_of_declaration(text: str, opening: re.Match[str]) -> int:
    """Return the position after a comment, doctype or processing instruction."""
    is_comment = opening[0] == "<!--"
    ending = re.compile("--!?>" if is_comment else ">")
    end = ending.search(text, opening.start() + 2 if is_comment else opening.end())
    return len(text) if end is None else end.end()


def _end_of_element(text: str, at: int, name: str) -> int:
    closing = re.compile(rf"</{name}(?=[{_SPACE}/>])", re.IGNORECASE).search(text, at)
    return closing.start() if closing else len(text)


def _scan_tag(text: str, at: int) -> Generator[Piece, None, int]:
    """Yield the pieces of a tag after its name; return the position after the tag."""
    while at < len(text):
        match = _ATTRIBUTE.match(text, at)
        if match is None:  # only white space and slashes before the end
            end = text.find(">", at)
            end = len(text) if end < 0 else end + 1
            yield text[at:end]
            return end
        yield from _split(text, at, match.end(), "name")
        at = match.end()
        if match["is"]:
            at = yield from _scan_value(text, at, _place_of(match["name"].lower()))
    return at


def _place_of(attribute: str) -> str:
    if attribute.startswith("on"):
        return "handler"
    if attribute == "srcdoc":
        return "page"
    if attribute == "style":
        return "style attribute"
    if attribute == _ADDRESS_LIST:
        return "addresses"
    return "address" if attribute in _ADDRESSES else "attribute"


def _scan_value(text: str, at: int, place: str) -> Generator[Piece, None, int]:
    """Yield the pieces of an attribute's value, with quotes added if it has placeholders but no quotes.

    Return the position after the value.
    """
    sign = text[at : at + 1]
    if sign in ('"', "'"):
        end = text.find(sign, at + 1)
        end = len(text) if end < 0 else end
        yield sign
        yield from _split(text, at + 1, end, place, whole=place in ("address", "addresses"))
        yield text[end : end + 1]
        return end + 1
    match = _UNQUOTED.match(text, at)
    end = at if match is None else match.end()
    pieces = tuple(_split(text, at, end, place, whole=place in ("address", "addresses")))
    bare = not any(isinstance(piece, Placeholder) for piece in pieces)
    if not bare:
        yield '"'
    yield from (piece if bare or isinstance(piece, Placeholder) else piece.replace('"', "&quot;") for piece in pieces)
    if not bare:
        yield '"'
    return end
