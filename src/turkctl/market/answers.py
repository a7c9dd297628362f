"""Convert the fields of a worker's form to a QuestionFormAnswers document and back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

import defusedxml.ElementTree as SafeTree

from turkctl.market.questions import SCHEMAS


class OtherText(str):
    """What somebody typed in beside the selections of a multiple-choice question; given among its values."""


Fields = Mapping[str, str | Sequence[str]]

NAMESPACE = f"{SCHEMAS}2005-10-01/QuestionFormAnswers.xsd"
RESERVED = ("assignmentId", "hitId", "turkSubmitTo", "workerId")
"""Names that a task page sends for the market's own use; they are not answers."""
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def document(fields: Fields, selections: frozenset[str] = frozenset()) -> str:
    """Return the answers as XML: ``FreeText`` for each field, selections for names in ``selections``.

    Reserved names are left out, the values of a repeated name are joined with ``|``, and characters that XML cannot
    hold are dropped. ``&``, ``<`` and ``>`` are escaped; quotes are not, since clients cut the text out by pattern.
    """
    parts = [_answer(name, value, name in selections) for name, value in fields.items() if name not in RESERVED]
    return (
        '<?xml version="1.0" encoding="ASCII"?>\n'
        f'<QuestionFormAnswers xmlns="{NAMESPACE}">\n' + "".join(parts) + "</QuestionFormAnswers>"
    )


def _answer(name: str, value: str | Sequence[str], selection: bool) -> str:
    values = [value] if isinstance(value, str) else list(value)
    inner = "".join(map(_selection, values)) if selection else f"<FreeText>{_text('|'.join(values))}</FreeText>"
    return f"  <Answer><QuestionIdentifier>{_text(name)}</QuestionIdentifier>{inner}</Answer>\n"


def _selection(value: str) -> str:
    kind = "OtherSelectionText" if isinstance(value, OtherText) else "SelectionIdentifier"
    return f"<{kind}>{_text(value)}</{kind}>"


def _text(value: str) -> str:
    # The declared encoding is ASCII: everything else becomes a character reference.
    return escape(_FORBIDDEN.sub("", value)).encode("ascii", "xmlcharrefreplace").decode()


def read(answers: str) -> dict[str, list[str]]:
    """Read a document of :func:`document` of any length; return each question's identifier and its values."""
    found: dict[str, list[str]] = {}
    inside = f"{{{NAMESPACE}}}"
    for answer in SafeTree.fromstring(answers, forbid_dtd=True).iter(f"{inside}Answer"):
        values = [child.text or "" for child in answer if child.tag != f"{inside}QuestionIdentifier"]
        found[answer.findtext(f"{inside}QuestionIdentifier") or ""] = values
    return found
