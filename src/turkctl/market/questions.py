"""Question documents: checks made when a HIT or a qualification test is created.

The structures are those of the published schemas: ExternalQuestion 2006-07-14, HTMLQuestion 2011-11-11, QuestionForm
2017-11-06 or 2005-10-01. Parsed with defusedxml: no entities, no external documents. The cost of a check is linear in
the length of the document.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, ParseError

import defusedxml.ElementTree as SafeTree
from defusedxml.common import DefusedXmlException

from turkctl.market.errors import ParameterValidationError, bad_html, bad_xml
from turkctl.market.parameter_limits import LIMITS

SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/"
EXTERNAL = f"{{{SCHEMAS}2006-07-14/ExternalQuestion.xsd}}"
HTML = f"{{{SCHEMAS}2011-11-11/HTMLQuestion.xsd}}"
FORMS = (f"{{{SCHEMAS}2017-11-06/QuestionForm.xsd}}", f"{{{SCHEMAS}2005-10-01/QuestionForm.xsd}}")

_MOST_NAMESPACE = 200
"""Maximum length of a namespace in characters. Each name repeats its namespace, so a long one inflates a document."""
_MARKUP = re.compile(r"<(?:(?P<comment>!--)|(?P<section>!\[)|(?P<start>[A-Za-z][^\s/>]*)|[!?/])")
_RAW = {name: re.compile(f"</{name}", re.IGNORECASE) for name in ("script", "style", "textarea", "title", "xmp")}
"""Elements whose text is not markup, and what ends them."""
_SECTION = re.compile(r"!\[\s*(?:if|else|endif|cdata|temp|ignore|include|rcdata)\b", re.IGNORECASE)
"""Browsers treat a marked section as a comment; these are the ones that occur in pages."""
_LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")


def parse(document: str, parameter: str) -> Element:
    """Return the root of an XML document of at most 65,535 bytes.

    Raises:
        ParameterValidationError: it is too long or not well-formed.
    """
    encoded = document.encode()
    if len(encoded) > LIMITS["Question"].high:
        raise ParameterValidationError(
            f"{parameter} is {len(encoded)} bytes long; the limit is {LIMITS['Question'].high}."
        )
    try:
        parser = _QuestionParser(forbid_dtd=True)
        parser.feed(document)
        root: Element = parser.close()
    except ParseError as error:
        raise bad_xml(str(error)) from None
    except (DefusedXmlException, ValueError, LookupError) as error:
        raise bad_xml(f"this is not allowed in a document: {error}") from None
    return root


class _QuestionParser(SafeTree.XMLParser):
    """Refuses, in addition to what defusedxml refuses, namespaces longer than any in use."""

    def __init__(self, *, forbid_dtd: bool) -> None:
        super().__init__(forbid_dtd=forbid_dtd)
        self.parser.StartNamespaceDeclHandler = self._check_namespace

    @staticmethod
    def _check_namespace(_prefix: str | None, address: str | None) -> None:
        if len(address or "") > _MOST_NAMESPACE:
            raise ValueError("a namespace is too long")


@lru_cache(maxsize=32)
def check(question: str) -> None:
    """Check a HIT's question; results for recent texts are cached.

    Raises:
        ParameterValidationError: it is not one of the three structures, or invalid.
    """
    root = parse(question, "Question")
    if root.tag == f"{EXTERNAL}ExternalQuestion":
        _check_external(root)
    elif root.tag == f"{HTML}HTMLQuestion":
        _check_html(root)
    elif root.tag in [f"{form}QuestionForm" for form in FORMS]:
        _check_form(root)
    else:
        raise bad_xml(f"cannot find the declaration of element '{_plain(root.tag)}' in any known schema.")


@lru_cache(maxsize=32)
def check_test(test: str) -> None:
    """Check a qualification test, which must be a QuestionForm.

    Raises:
        ParameterValidationError: it is not one, or invalid.
    """
    root = parse(test, "Test")
    if root.tag not in [f"{form}QuestionForm" for form in FORMS]:
        raise bad_xml(f"a qualification test is a QuestionForm, not '{_plain(root.tag)}'.")
    _check_form(root)


@lru_cache(maxsize=32)
def check_page(test: str) -> None:
    """Check the page of a consent, which must be an HTMLQuestion.

    Raises:
        ParameterValidationError: it is not one, or invalid.
    """
    root = parse(test, "Test")
    if root.tag != f"{HTML}HTMLQuestion":
        raise bad_xml(f"a consent is an HTMLQuestion, not '{_plain(root.tag)}'.")
    _check_html(root)


def page_of(test: str) -> str:
    """Return the page in a checked HTMLQuestion."""
    return parse(test, "Test").findtext(f"{HTML}HTMLContent") or ""


def form_questions(form: str) -> list[Element]:
    """Return the Question elements of a checked QuestionForm."""
    root = parse(form, "Test")
    return root.findall(f"{_namespace(root)}Question")


def html_question(content: str, frame_height: int = 0) -> str:
    """Return an HTMLQuestion document around ``content``."""
    guarded = content.replace("]]>", "]]]]><![CDATA[>")
    return (
        f'<HTMLQuestion xmlns="{HTML[1:-1]}"><HTMLContent><![CDATA[{guarded}]]></HTMLContent>'
        f"<FrameHeight>{frame_height}</FrameHeight></HTMLQuestion>"
    )


def _check_external(root: Element) -> None:
    _check_children(root, EXTERNAL, ["ExternalURL", "FrameHeight"])
    address = _text(root, f"{EXTERNAL}ExternalURL")
    _check_height(root, EXTERNAL)
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        raise bad_xml(f"ExternalURL '{address}' is not an address.") from None
    if not host or any(character.isspace() for character in address):
        raise bad_xml(f"ExternalURL '{address}' is not an address.")
    # Workers' pages are shown in a frame on https, which loads nothing else; pages on this computer are for testing.
    if parts.scheme != "https" and not (parts.scheme == "http" and host in _LOCAL_HOSTS):
        raise bad_xml(f"ExternalURL '{address}' must begin with https.")


def _check_html(root: Element) -> None:
    _check_children(root, HTML, ["HTMLContent", "FrameHeight"])
    content = _text(root, f"{HTML}HTMLContent")
    _check_height(root, HTML)
    _check_page(content)


def _check_page(page: str) -> None:
    """Check that a page has an element, in one pass: every search starts where the last one ended."""
    elements, at = 0, 0
    while found := _MARKUP.search(page, at):
        if found["section"] and not _SECTION.match(page, found.start("section")):
            raise _page_error(page, found.start(), "Bogus comment.")
        at = page.find("-->" if found["comment"] else ">", found.start() + 2) + 1
        if not at:
            break
        if found["start"]:
            elements += 1
            at = _end_of_text(page, found["start"].lower(), at)
    if not elements:
        raise bad_html(1, 1, "Expected an HTML document, found no element.")


def _end_of_text(page: str, element: str, at: int) -> int:
    """Return where markup continues after the start tag that ends at ``at``."""
    end = _RAW[element].search(page, at) if element in _RAW else None
    return len(page) if element in _RAW and end is None else end.start() if end else at


def _page_error(page: str, at: int, message: str) -> ParameterValidationError:
    return bad_html(page.count("\n", 0, at) + 1, at - page.rfind("\n", 0, at), message)


def _check_height(root: Element, namespace: str) -> None:
    height = _text(root, f"{namespace}FrameHeight")
    if not (height.isascii() and height.isdigit()):
        raise bad_xml(f"FrameHeight '{height}' is not a number of pixels.")


def _check_form(root: Element) -> None:
    namespace = _namespace(root)
    for child in root:
        if child.tag not in (f"{namespace}Question", f"{namespace}Overview"):
            raise bad_xml(f"'{_plain(child.tag)}' is not allowed in a QuestionForm.")
    asked = root.findall(f"{namespace}Question")
    if not asked:
        raise bad_xml("a QuestionForm has at least one Question.")
    names = [_check_question(question, namespace) for question in asked]
    if len(set(names)) < len(names):
        raise bad_xml("each QuestionIdentifier may be used once only.")


def _check_question(question: Element, namespace: str) -> str:
    name = _text(question, f"{namespace}QuestionIdentifier")
    if question.find(f"{namespace}QuestionContent") is None:
        raise bad_xml(f"Question '{name}' has no QuestionContent.")
    specification = question.find(f"{namespace}AnswerSpecification")
    kinds = [] if specification is None else [_plain(child.tag) for child in specification]
    if len(kinds) != 1 or kinds[0] not in ("FreeTextAnswer", "SelectionAnswer"):
        raise bad_xml(f"Question '{name}' needs one FreeTextAnswer or SelectionAnswer in its AnswerSpecification.")
    if specification is not None and kinds[0] == "SelectionAnswer":
        _check_selections(name, specification, namespace)
    return name


def _check_selections(name: str, specification: Element, namespace: str) -> None:
    selections = specification.findall(f"{namespace}SelectionAnswer/{namespace}Selections/{namespace}Selection")
    if not selections:
        raise bad_xml(f"Question '{name}' has no Selection.")
    shown = {f"{namespace}{kind}" for kind in ("Text", "FormattedContent", "Binary")}
    for selection in selections:
        _text(selection, f"{namespace}SelectionIdentifier")
        if not shown & {child.tag for child in selection}:
            raise bad_xml(f"a Selection of Question '{name}' shows nothing.")


def _check_children(root: Element, namespace: str, names: Iterable[str]) -> None:
    if [child.tag for child in root] != [f"{namespace}{name}" for name in names]:
        raise bad_xml(f"'{_plain(root.tag)}' must have the elements {', '.join(names)}, in this order.")


def _text(parent: Element, tag: str) -> str:
    text = (parent.findtext(tag) or "").strip()
    if not text:
        raise bad_xml(f"'{_plain(parent.tag)}' needs the element '{_plain(tag)}' with a value.")
    return text


def _plain(tag: str) -> str:
    return tag.rpartition("}")[2]


def _namespace(root: Element) -> str:
    return root.tag[: root.tag.index("}") + 1]


@lru_cache(maxsize=64)
def is_form(question: str) -> bool:
    """Return whether a checked question is a QuestionForm; each submission asks, of few questions."""
    return _plain(parse(question, "Question").tag) == "QuestionForm"
