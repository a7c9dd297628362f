"""``${column}`` placeholders: found in a text, and filled in so that no value can leave the place that it was put in.

The syntax is that of Mechanical Turk's own site: ``${name}`` with letters, digits and underscores. Every other dollar
sign stays as it is. ``${name|raw}`` puts the value in unchanged. ``$${name}`` stands for a literal ``${name}``, which
JavaScript's template literals need.

In HTML a value is escaped for the place where it stands: as text and in attributes for HTML, in scripts and in
attributes that hold scripts as part of a JavaScript (and JSON) text, in styles for CSS. An attribute without quotes
is given them; in the names of elements and attributes only raw placeholders may stand. The tokens are those of
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
"""The placeholder that stands for all rows of a HIT as a JSON array."""

_PLACEHOLDER: Final = re.compile(r"\$(?P<escaped>\$)?\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<raw>\|raw)?\}")
_SPACE: Final = r"\t\n\f\r "
"""What separates in a tag. No other white space does: behind a no-break space the name or the value goes on."""
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
"""Elements in which no other begins, and the place that a value in them is escaped for."""
_ADDRESSES: Final = (
    *("href", "src", "action", "formaction", "data", "poster", "xlink:href", "from", "to", "by"),
    *("background", "cite", "codebase", "dynsrc", "longdesc", "lowsrc", "manifest", "ping", "xml:base"),
)
"""Attributes that hold an address; ``from``, ``to`` and ``by`` give one to others, in SVG."""
_ADDRESS_LIST: Final = "values"
"""The attribute that gives one address after another to others, in SVG, with semicolons between them."""
_SCRIPT_ADDRESS: Final = re.compile(
    r"(javascript:|vbscript:|data:(?!(image/(?!svg)|audio/|video/|font/)))", re.IGNORECASE
)
"""Of an address without what browsers skip. A document in an address may hold a script, and so may an SVG picture."""
_INVISIBLE: Final = re.compile(r"[\x00-\x20\x7f]")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One placeholder: what it asks for, where it stands, and its line (from 1)."""

    name: str
    raw: bool
    place: str
    """One of the keys of the escapes below."""
    line: int


Piece = str | Placeholder


def html_pieces(template: str) -> tuple[Piece, ...]:
    """The literal texts and the placeholders of an HTML template, in order."""
    return _html_pieces(template)


def url_pieces(url: str) -> tuple[Piece, ...]:
    """The pieces of an address with placeholders."""
    return tuple(_split(url, 0, len(url), "url"))


def text_pieces(text: str) -> tuple[Piece, ...]:
    """The pieces of a text that is put into a page: a layout's parameter."""
    return tuple(_split(text, 0, len(text), "text"))


def xml_pieces(document: str) -> tuple[Piece, ...]:
    """The pieces of an XML document with placeholders."""
    return tuple(_split(document, 0, len(document), "xml"))


def asked(pieces: tuple[Piece, ...]) -> tuple[Placeholder, ...]:
    """The placeholders among the pieces."""
    return tuple(piece for piece in pieces if isinstance(piece, Placeholder))


def fill(pieces: tuple[Piece, ...], values: Mapping[str, Any]) -> str:
    """The text with every placeholder replaced; ``values`` has one for each.

    Raises:
        UsageError: an address that would run a script.
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
    """A value of a row as workers read it: texts as they are, nothing for null, the rest as JSON has it."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def safe_json(value: Any) -> str:
    """JSON that may stand in a script element: it cannot end it, begin a comment, or break a line of JavaScript."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _javascript(text: str) -> str:
    """Part of a text in JavaScript or JSON, in any kind of quotes: what could mean something is given by its number."""
    return _NOT_PLAIN.sub(lambda match: "".join(f"\\u{unit:04x}" for unit in _utf16(match[0])), text)


def _utf16(sign: str) -> list[int]:
    code = ord(sign)
    return [code] if code < 0x10000 else [0xD800 + ((code - 0x10000) >> 10), 0xDC00 + (code & 0x3FF)]


def _css(text: str) -> str:
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
    """The pieces with neighbouring texts made one."""
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
    """Return the pieces of ``text[start:end]``, all of one place; ``whole``: it is addresses from its beginning."""
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
                f"line {line}: {match[0]} stands in a page within the page, where no escaping is sure",
                hint="give that page an address of its own, or have a script put the value in",
            )
        if not match["raw"] and (named or here == "name"):
            raise UsageError(
                f"line {line}: {match[0]} stands where the name of an element or attribute belongs",
                hint=f"put it into the text, or into a value in quotes; as it is: ${{{match['name']}|raw}}",
            )
        yield Placeholder(match["name"], bool(match["raw"]), here, line)
    if at < end:
        yield text[at:end]


def _within(place: str, before: str) -> str:
    """Return the place of a value in an address or a list of them, by what stands before it."""
    if place == "address":
        return _within_address(before)
    last = html.unescape(before).rpartition(";")[2]
    if _PLACEHOLDER.search(last) is not None:  # whose value may have begun another address
        return "address without scheme"
    here = _within_address(last)
    return "addresses" if here in ("address", "attribute") else here


def _within_address(before: str) -> str:
    """The place of a value in an address: what stands first may name a scheme."""
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
    """Behind a comment, doctype or processing instruction."""
    is_comment = opening[0] == "<!--"
    ending = re.compile("--!?>" if is_comment else ">")
    end = ending.search(text, opening.start() + 2 if is_comment else opening.end())
    return len(text) if end is None else end.end()


def _end_of_element(text: str, at: int, name: str) -> int:
    closing = re.compile(rf"</{name}(?=[{_SPACE}/>])", re.IGNORECASE).search(text, at)
    return closing.start() if closing else len(text)


def _scan_tag(text: str, at: int) -> Generator[Piece, None, int]:
    """The pieces of a tag behind its name; returns the position behind it."""
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
    """The pieces of an attribute's value, with quotes around one that has placeholders and none."""
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
