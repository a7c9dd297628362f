"""Read a HIT's Question document and return the form that it shows.

The three structures are those of the published schemas. A page behind an ExternalURL is not fetched, and many pages
build their form with a script; both get a set of fields that the caller chooses. No other page gets a field that it
does not have.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from xml.etree.ElementTree import Element, ParseError

import defusedxml.ElementTree as SafeTree
from defusedxml.common import DefusedXmlException

from turkctl.market.crowd.fields import (
    DEFAULT_FIELDS,
    REMARKS,
    RESERVED,
    WORDS,
    Field,
    Form,
    number_field,
    text_field,
    whole,
)
from turkctl.market.crowd.page import read_page


@lru_cache(maxsize=256)
def read_question(document: str, otherwise: tuple[Field, ...] = DEFAULT_FIELDS) -> Form:
    """Return the form of a HIT's Question document; never raise.

    Args:
        document: ExternalQuestion, HTMLQuestion or QuestionForm, as XML.
        otherwise: the fields of a page that cannot be read: it is on another server, or its scripts make its form.
    """
    try:
        root: Element = SafeTree.fromstring(document, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return Form(otherwise)
    kind = _plain(root.tag)
    if kind == "QuestionForm":
        return Form(tuple(_of_form(root)))
    if kind != "HTMLQuestion":
        return Form(otherwise)
    form = read_page(_find_text(root, "HTMLContent"))
    # A page that builds its form with a script has hidden fields only.
    if form.scripted and all(field.kind == "fixed" for field in form.fields):
        return replace(form, fields=form.fields + _unnamed(otherwise, form.fields), submits=True)
    return form


def _unnamed(wanted: Sequence[Field], present: Sequence[Field]) -> tuple[Field, ...]:
    names = {field.name for field in present}
    return tuple(field for field in wanted if field.name not in names)


def _of_form(root: Element) -> list[Field]:
    found: dict[str, Field] = {}
    for question in _children(root, "Question"):
        name = _find_text(question, "QuestionIdentifier").strip()
        for specification in _children(question, "AnswerSpecification"):
            for answer in specification:
                if name and name not in RESERVED and name not in found:
                    found[name] = _selection(name, answer) or _free_text(name, answer)
    return list(found.values())


def _selection(name: str, answer: Element) -> Field | None:
    listed = [
        _find_text(selection, "SelectionIdentifier").strip()
        for selections in _children(answer, "Selections")
        for selection in _children(selections, "Selection")
    ]
    options = tuple(dict.fromkeys(option for option in listed if option))
    if not options:
        return None
    # The schema's default for both counts is 1.
    most = min(max(whole(_find_text(answer, "MaxSelectionCount"), 1), 1), len(options))
    least = min(whole(_find_text(answer, "MinSelectionCount"), 1), most)
    if (least, most) == (1, 1):
        return Field(name, "choice", options)
    return Field(name, "several", options, at_least=least, at_most=most)


def _free_text(name: str, answer: Element) -> Field:
    numeric = next(_descendants(answer, "IsNumeric"), None)
    if numeric is not None:
        return number_field(name, numeric.get("minValue"), numeric.get("maxValue"), None)
    length = next(_descendants(answer, "Length"), None)
    limits = {} if length is None else length.attrib
    long = whole(_find_text(answer, "NumberOfLinesSuggestion"), 1) > 1
    return text_field(name, REMARKS if long else WORDS, limits.get("minLength"), limits.get("maxLength"))


def _plain(tag: str) -> str:
    return tag.rpartition("}")[2]


def _children(parent: Element, name: str) -> list[Element]:
    return [child for child in parent if _plain(child.tag) == name]


def _descendants(parent: Element, name: str) -> Iterator[Element]:
    return (child for child in parent.iter() if _plain(child.tag) == name)


def _find_text(parent: Element, name: str) -> str:
    return next((child.text or "" for child in _children(parent, name)), "")
