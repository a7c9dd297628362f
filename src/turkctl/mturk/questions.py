"""Question documents and answer documents: build them, and read them without expanding entities. Pure.

Schemas: ExternalQuestion 2006-07-14, HTMLQuestion 2011-11-11, QuestionFormAnswers 2005-10-01. Documents are read by
local names, whatever their namespace, since the service accepts several versions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

from turkctl.errors import UsageError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element  # for the type checker; defusedxml does the parsing

SCHEMAS: Final = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas"
EXTERNAL_QUESTION: Final = f"{SCHEMAS}/2006-07-14/ExternalQuestion.xsd"
HTML_QUESTION: Final = f"{SCHEMAS}/2011-11-11/HTMLQuestion.xsd"
MAX_QUESTION: Final = 65_535
"""Maximum number of bytes of a question, white space and markup included."""

Kind = Literal["external", "html", "form"]
_KINDS: Final[dict[str, Kind]] = {"ExternalQuestion": "external", "HTMLQuestion": "html", "QuestionForm": "form"}
ROOTS: Final = frozenset(_KINDS)
"""Names of the outermost elements of question documents."""
_VALUES: Final = ("FreeText", "SelectionIdentifier", "OtherSelectionText", "UploadedFileKey")
_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot contain, even escaped (its production 2)."""


@dataclass(frozen=True, slots=True)
class Question:
    """A parsed question document.

    Attributes:
        kind: ``external``, ``html``, or ``form`` (a QuestionForm).
        url: the page of an external question.
        html: the page of an HTML question.
        frame_height: pixels; 0 fits the frame to the page; None if there is no frame (forms).
    """

    kind: Kind
    url: str | None = None
    html: str | None = None
    frame_height: int | None = None


def external_question(url: str, frame_height: int = 0) -> str:
    """Return the document for a task on a page of your own, which the market shows in a frame.

    Raises:
        UsageError: not an http or https address, a negative height, or too long.
    """
    if not _is_web_address(url):
        raise UsageError(f"'{url}' is not the address of a page", hint="write it in full, starting with https://")
    return _document("ExternalQuestion", EXTERNAL_QUESTION, "ExternalURL", _escaped(url), frame_height)


def html_question(html: str, frame_height: int = 0) -> str:
    r"""Return the document for a task whose page is part of the HIT. Line ends become ``\n``, as XML requires.

    Raises:
        UsageError: a character that XML cannot contain, a negative height, or too long.
    """
    bad = _NOT_XML.search(html)
    if bad is not None:
        line = html.count("\n", 0, bad.start()) + 1
        raise UsageError(
            f"the page has a character that a question cannot contain: U+{ord(bad[0]):04X}, in line {line}",
            hint="save the page as UTF-8 without control characters",
        )
    content = html.replace("\r\n", "\n").replace("\r", "\n").replace("]]>", "]]]]><![CDATA[>")
    return _document("HTMLQuestion", HTML_QUESTION, "HTMLContent", f"<![CDATA[{content}]]>", frame_height)


def check_size(document: str) -> str:
    """Return the document; raise if it is too long.

    Raises:
        UsageError: it has more than 65,535 bytes in UTF-8.
    """
    size = len(document.encode())
    if size > MAX_QUESTION:
        raise UsageError(
            f"the question has {size:,} bytes; the market takes at most {MAX_QUESTION:,}",
            hint="load scripts, styles and images from the web, or use external_url",
        )
    return document


def parse_question(document: str) -> Question:
    """Return the kind and content of a question document.

    Raises:
        UsageError: not XML, XML with a document type or entities, or none of the three kinds.
    """
    root = _parsed(document, "the question")
    kind = _KINDS.get(_name(root))
    if kind is None:
        raise UsageError(
            f"a <{_name(root)}> is not a question", hint="use an ExternalQuestion, HTMLQuestion or QuestionForm"
        )
    if kind == "form":
        return Question(kind)
    content = _child_text(root, "ExternalURL" if kind == "external" else "HTMLContent")
    height = (_child_text(root, "FrameHeight") or "").strip()
    if content is None or (height and not re.fullmatch(r"[0-9]{1,9}", height)):
        raise UsageError(
            f"the question, a <{_name(root)}>, has no content, or its FrameHeight is not a number",
            hint="give it an ExternalURL or HTMLContent, and a FrameHeight in pixels",
        )
    frame_height = int(height) if height else None
    if kind == "external":
        return Question(kind, url=content.strip(), frame_height=frame_height)
    return Question(kind, html=content, frame_height=frame_height)


def root_name(document: str) -> str:
    """Return the name of an XML document's outermost element.

    Raises:
        UsageError: not XML, or XML with a document type or entities.
    """
    return _name(_parsed(document, "the document"))


def parse_answers(document: str) -> dict[str, str | list[str]]:
    """Return the answers of a QuestionFormAnswers document, in its order, by question identifier (the form field).

    A single value is a text; several (multiple choice, repeated fields) are a list. The ``taskAnswers`` of crowd-form
    elements are JSON in a text and stay so.

    Raises:
        UsageError: not XML, XML with a document type or entities, or not QuestionFormAnswers.
    """
    root = _parsed(document, "the answer")
    if _name(root) != "QuestionFormAnswers":
        raise UsageError(f"the answer is a <{_name(root)}>, not QuestionFormAnswers")
    values: dict[str, list[str]] = {}
    for answer in _children(root, "Answer"):
        identifier = _child_text(answer, "QuestionIdentifier")
        if identifier is None:
            raise UsageError("the answer has a value without a QuestionIdentifier")
        values.setdefault(identifier, []).extend(_text(child) for child in answer if _name(child) in _VALUES)
    return {name: found[0] if len(found) == 1 else found or "" for name, found in values.items()}


def _document(root: str, namespace: str, member: str, content: str, frame_height: int) -> str:
    if frame_height < 0:
        raise UsageError(f"a frame cannot be {frame_height} pixels high", hint="give 0 to fit it to the page")
    return check_size(
        f'<{root} xmlns="{namespace}"><{member}>{content}</{member}><FrameHeight>{frame_height}</FrameHeight></{root}>'
    )


def _is_web_address(url: str) -> bool:
    if _NOT_XML.search(url) or re.search(r"\s", url):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _parsed(document: str, what: str) -> Element:
    from xml.etree.ElementTree import ParseError  # the exception only; defusedxml does the parsing

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root: Element = fromstring(document, forbid_dtd=True)
    except DefusedXmlException:
        raise UsageError(f"{what} has a document type or entities, which are not allowed") from None
    except (ParseError, UnicodeEncodeError) as error:
        raise UsageError(f"{what} is not well-formed XML: {error}") from None
    return root


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _children(element: Element, name: str) -> Iterator[Element]:
    return (child for child in element if _name(child) == name)


def _child_text(element: Element, name: str) -> str | None:
    child = next(_children(element, name), None)
    return None if child is None else _text(child)


def _text(element: Element) -> str:
    return "".join(element.itertext())
