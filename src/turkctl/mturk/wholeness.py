"""Tell a complete answer from one that is truncated or not one of the API's.

botocore cannot: it does not compare lengths, reads a missing body as ``{}``, and half a document as well, so that a
market that dies while answering would seem to say that there is nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from turkctl.model import service_model
from turkctl.mturk.errors import NONE_OF_THE_API

_SOMETIMES: Final[Mapping[str, frozenset[str]]] = {
    "GetAccountBalance": frozenset({"OnHoldBalance"}),
    "GetAssignment": frozenset({"HIT"}),
    "ListReviewPolicyResultsForHIT": frozenset(
        {"AssignmentReviewPolicy", "HITReviewPolicy", "AssignmentReviewReport", "HITReviewReport"}
    ),
}
"""Members that an operation may leave out, besides the NextToken of a last page. The service model marks none as
required, but the service always sends every other one: an empty list, a count of 0."""


class NotWholeError(Exception):
    """An answer that is truncated or not one of the API's; the text says what is wrong with it."""


class NotOfTheApiError(NotWholeError):
    """An answer of something that is no market; the text says what it is, as in ``a web page``."""


class _TooDeepError(NotWholeError):
    def __init__(self, depth: int) -> None:
        super().__init__(f"it is nested more than {depth} deep")


@cache
def always_present(operation: str) -> frozenset[str]:
    """Return the members that every answer to an operation has; none if the answer is ``{}``."""
    model = service_model()
    output = model["operations"][operation].get("output")
    members = model["shapes"][output["shape"]]["members"] if output else ()
    return frozenset(members) - {"NextToken"} - _SOMETIMES.get(operation, frozenset())


def check(operation: str, status: int, headers: Mapping[str, str], body: bytes, depth: int) -> None:
    """Raise unless the answer is complete: an error as far as its length goes, any other answer to its last member.

    Args:
        operation: the API's name, as in ``ListHITs``.
        status: the HTTP status.
        headers: names in any case or in lower case.
        body: the answer's body.
        depth: maximum levels of nested documents.

    Raises:
        NotOfTheApiError: the answer is not one of the API's, complete or not.
        NotWholeError: the answer is not complete.
    """
    stated = headers.get("content-length") or ""
    if status < 300:
        _refuse_others(headers, body)
    if stated.isdecimal() and len(body) < int(stated):
        raise NotWholeError(f"it ended after {len(body)} of {stated} bytes")
    known = "json" in (headers.get("content-type") or "")
    if status >= 300:
        _check_refusal(status, known, body, depth)
        return
    if not known and "x-amzn-requestid" not in headers:
        raise NotWholeError(NONE_OF_THE_API)
    _check_members(operation, headers, body, depth)


def _refuse_others(headers: Mapping[str, str], body: bytes) -> None:
    """Raise for what no market sends, cut or not. Headers may be cut as well: that one is missing says nothing."""
    if "x-amzn-requestid" in headers:
        return
    kind = headers.get("content-type") or ""
    start = body.lstrip()[:1]
    if "html" in kind or start == b"<":
        raise NotOfTheApiError("a web page")
    if kind.startswith("text/") or (start not in (b"", b"{") and not headers.get("content-encoding")):
        raise NotOfTheApiError("no JSON object")


def _check_refusal(status: int, known: bool, body: bytes, depth: int) -> None:
    """Raise if an error answer is inconclusive. Web pages are told from the API's errors by their code, later."""
    try:
        _document(body, depth)
    except _TooDeepError:
        raise
    except NotWholeError:
        if known and status < 500:  # a fault of the market counts as one whatever it says
            raise


def _check_members(operation: str, headers: Mapping[str, str], body: bytes, depth: int) -> None:
    members = always_present(operation)
    if not body:
        framed = headers.get("content-length") == "0" or "chunked" in headers.get("transfer-encoding", "")
        if members or not framed:
            raise NotWholeError("it has no body")
        return
    document = _document(body, depth)
    if not isinstance(document, dict):
        raise NotWholeError(NONE_OF_THE_API)
    missing = sorted(member for member in members if document.get(member) is None)
    signed = "x-amzn-requestid" in headers or "x-amz-json" in (headers.get("content-type") or "")
    if not signed and (missing or (document and not members)):
        raise NotOfTheApiError("JSON of another program")
    if missing:
        raise NotWholeError(f"{NONE_OF_THE_API}: it lacks {' and '.join(missing)}")


def _document(body: bytes, depth: int) -> Any:
    try:
        document = json.loads(body)
    except RecursionError:
        raise _TooDeepError(depth) from None
    except ValueError:
        raise NotWholeError("it is not a whole JSON document") from None
    if _deeper(document, depth):
        raise _TooDeepError(depth)
    return document


def _deeper(document: Any, depth: int) -> bool:
    """Return whether the document is nested more than ``depth`` deep; level by level, since it may be very deep."""
    level = [document]
    for _ in range(depth + 1):
        level = [each for each in level if isinstance(each, dict | list)]
        if not level:
            return False
        level = [inner for outer in level for inner in (outer.values() if isinstance(outer, dict) else outer)]
    return True
