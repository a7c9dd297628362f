"""No request of the size that is taken costs more than a moment or is answered with more than a client reads."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from request_support import largest

from turkctl.market.doors.http import MAX_BODY_BYTES
from turkctl.market.parameter_limits import LIMITS
from turkctl.market.protocol.endpoint import Endpoint
from turkctl.market.protocol.sigv4 import ANONYMOUS_ACCOUNT
from turkctl.market.protocol.validate import operations
from turkctl.market.protocol.wire import answer
from turkctl.market.questions import FORMS, SCHEMAS, html_question
from turkctl.market.requester import Requester
from turkctl.market.service import Market

ME = Requester(ANONYMOUS_ACCOUNT, "production")
MOST_ANSWERED = 32_000_000
"""Bytes that a client of ours reads of one answer."""
MOST_REFUSED = 20_000
_LETTERS = st.characters(exclude_categories=["Cc", "Cs"])
LOOPS = 60
"""A request may take as much processor time as counting to a million so often; the slowest takes a tenth of it."""
TRIES, QUICK = 3, 0.2
"""A request that took more seconds than that is asked again: a busy core makes one slow, not all of them."""
FILLS = [
    "x",
    "<a ",
    "<![ ",
    "<![x[",
    "<!--",
    "&amp;",
    "]]>",
    "é",
    "\U0001f600",
    '"',
    "\\",
    "\n",
    "%",
    "_",
    "a ",
    "${a}",
]
HIT = {
    "Title": "t", "Description": "d", "Reward": "0.01", "AssignmentDurationInSeconds": 60, "LifetimeInSeconds": 3600,
    "MaxAssignments": 1, "Question": html_question("<p>Go on.</p>"),
}  # fmt: skip


def padded(make: Callable[[str], str], fill: str) -> str:
    """A document of the most bytes that it may have."""
    room = LIMITS["Question"].high - len(make("").encode())
    while len(make((fill * room)[:room]).encode()) > LIMITS["Question"].high:
        room -= room // 10
    return make((fill * room)[:room])


def question(number: int) -> str:
    choice = "<Selection><SelectionIdentifier>s</SelectionIdentifier><Text>t</Text></Selection>"
    return (
        f"<Question><QuestionIdentifier>q{number}</QuestionIdentifier><QuestionContent/><AnswerSpecification>"
        f"<SelectionAnswer><Selections>{choice}</Selections></SelectionAnswer></AnswerSpecification></Question>"
    )


def long_form() -> str:
    return f'<QuestionForm xmlns="{FORMS[0][1:-1]}">{"".join(question(n) for n in range(220))}</QuestionForm>'


def long_key() -> str:
    option = "<AnswerOption><SelectionIdentifier>s</SelectionIdentifier><AnswerScore>1</AnswerScore></AnswerOption>"
    keys = "".join(f"<Question><QuestionIdentifier>q{n}</QuestionIdentifier>{option}</Question>" for n in range(220))
    return f'<AnswerKey xmlns="{SCHEMAS}2005-10-01/AnswerKey.xsd">{keys}</AnswerKey>'


class Populated:
    """A market with one of everything, and the members of requests that name it."""

    def __init__(self) -> None:
        self.market = Market("sqlite://", clock=lambda: 1_795_348_800.0, rng=random.Random(1))
        self.endpoint = Endpoint(self.market)
        hit = self.market.create_hit(ME, HIT)["HIT"]
        kind = {"Name": "Readers", "Description": "d", "QualificationTypeStatus": "Active"}
        qualification = self.market.create_qualification_type(ME, kind)["QualificationType"]["QualificationTypeId"]
        worker = self.market.register_worker("production")
        assignment = self.market.accept("production", worker, hit["HITId"])["AssignmentId"]
        self.market.submit("production", worker, assignment, {"colour": "blue"})
        self.known: dict[str, Any] = {
            "HITId": hit["HITId"],
            "HITTypeId": hit["HITTypeId"],
            "QualificationTypeId": qualification,
            "WorkerId": worker,
            "AssignmentId": assignment,
        }

    def ask(self, operation: str, request: dict[str, Any]) -> tuple[int, bytes, float]:
        """The answer, and the processor time that it took."""
        body = json.dumps(request, ensure_ascii=False).encode()
        assert len(body) <= MAX_BODY_BYTES
        target = {"X-Amz-Target": f"MTurkRequesterServiceV20170117.{operation}"}
        took = []
        for _ in range(TRIES):  # what else runs on the processor's core counts once, what the request costs each time
            before = time.process_time()
            status, _, content = answer(self.endpoint, "/", target, body)
            took.append(time.process_time() - before)
            if took[-1] < QUICK:
                break
        return status, content, min(took)


@pytest.fixture(scope="module")
def bound() -> float:
    """Seconds of processor time, measured on this machine."""
    before = time.process_time()
    for _ in range(1_000_000):
        pass
    return LOOPS * (time.process_time() - before)


@pytest.fixture
def populated() -> Iterator[Populated]:
    made = Populated()
    yield made
    made.market.close()


def check(populated: Populated, bound: float, operation: str, request: dict[str, Any]) -> None:
    status, content, took = populated.ask(operation, request)
    assert status in {200, 400}, (operation, content[:500])
    assert len(content) <= (MOST_ANSWERED if status == 200 else MOST_REFUSED), (operation, len(content))
    assert took < bound, (operation, took)


@pytest.mark.parametrize("fill", FILLS)
def test_the_largest_request_of_every_operation_costs_a_moment(populated: Populated, bound: float, fill: str):
    documents = {"Question": padded(html_question, fill)}
    for operation in sorted(operations()):
        for known in ({}, populated.known, populated.known | documents):
            check(populated, bound, operation, largest(operation, fill, known))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    operation=st.sampled_from(sorted(operations())), fill=st.text(_LETTERS, min_size=1, max_size=8), named=st.booleans()
)
def test_whatever_it_is_filled_with(operation: str, fill: str, named: bool):
    populated = Populated()
    check(populated, 5.0, operation, largest(operation, fill, populated.known if named else {}))
    populated.market.close()


@pytest.mark.parametrize(
    "member",
    ["<a/>", "<a>", '<a b="" ', "<b1:c/>", "&#38;", "<![CDATA[x]]>", "<!-- -->", "<?p q?>"],
)
def test_a_document_of_any_markup_is_read_in_a_moment(populated: Populated, bound: float, member: str):
    names = " ".join(f'xmlns:b{number}="n{number}"' for number in range(1_000))
    for head in ("<HTMLQuestion", f"<HTMLQuestion {names}"):
        document = padded(lambda inside, head=head: f"{head}><x>{inside}</x></HTMLQuestion>", member)  # type: ignore[misc]
        check(populated, bound, "CreateHIT", {**HIT, "Question": document})


def test_a_namespace_cannot_make_a_short_document_long(populated: Populated, bound: float):
    names = "".join(f"<a{number}/>" for number in range(4_000))
    document = f'<x xmlns="{"n" * 30_000}">{names}</x>'
    assert b"a namespace is too long" in populated.ask("CreateHIT", {**HIT, "Question": document})[1]
    document = f'<x xmlns="{"n" * 200}">{names}</x>'
    check(populated, bound, "CreateHIT", {**HIT, "Question": document})


def test_a_long_test_and_its_key_are_checked_in_a_moment(populated: Populated, bound: float):
    kind = {
        "Name": "n", "Description": "d", "QualificationTypeStatus": "Active",
        "Test": long_form(), "TestDurationInSeconds": 60, "AnswerKey": long_key(),
    }  # fmt: skip
    status, content, took = populated.ask("CreateQualificationType", kind)
    assert (status, took < bound) == (200, True), content[:500]


@pytest.mark.parametrize("fill", ["a ", "abcdefghi ", "% ", "é "])
def test_a_search_for_many_words_is_answered(populated: Populated, bound: float, fill: str):
    words = "".join(f"{number}{fill}" for number in range(100))[: LIMITS["Query"].high]
    request = {"Query": words, "MustBeRequestable": False}
    status, _, took = populated.ask("ListQualificationTypes", request)
    assert (status, took < bound) == (200, True)
    for count in (1_600, 50_000):
        many = " ".join(map(str, range(count)))
        check(populated, bound, "ListQualificationTypes", {**request, "Query": many})


def test_a_layout_does_not_multiply_what_is_filled_in(populated: Populated, bound: float):
    layout = populated.market.register_layout(ME, "<p>" + "${a}" * 10_000)
    value = [{"Name": "a", "Value": "v" * LIMITS["HITLayoutParameters.Value"].high}]
    request = {**HIT, "HITLayoutId": layout, "HITLayoutParameters": value}
    del request["Question"]
    status, content, took = populated.ask("CreateHIT", request)
    assert (status, took < bound) == (400, True)
    assert b"The HITLayout filled in is longer than 65535 bytes." in content


def test_a_page_of_the_largest_rows_is_what_a_client_reads(populated: Populated):
    page = padded(lambda inside: html_question(f"<p>{inside}"), '"')
    request = largest("CreateHIT", '"', {**HIT, "Question": page, "QualificationRequirements": []})
    for name in ("HITLayoutId", "HITLayoutParameters", "AssignmentReviewPolicy", "HITReviewPolicy"):
        del request[name]
    populated.market.deposit(ME, Decimal(100_000))
    populated.market.bulk_hits(ME, request, 100)
    status, content, _ = populated.ask("ListHITs", {"MaxResults": 100})
    assert status == 200
    assert 13_000_000 < len(content) < MOST_ANSWERED


@pytest.mark.parametrize("authorization", ["Credential=" * 5_000, "AWS4-HMAC-SHA256 " + " " * 60_000, "," * 60_000])
def test_headers_cost_a_moment(populated: Populated, bound: float, authorization: str):
    before = time.process_time()
    for target in (authorization, "MTurkRequesterServiceV20170117.GetAccountBalance"):
        headers = {"Authorization": authorization, "X-Amz-Target": target, "Host": "h" * 60_000}
        for keys in ({}, {"KEY": "secret"}):
            populated.endpoint.keys = keys
            status, _, content = answer(populated.endpoint, "/", headers, b"{}")
            assert (status < 500, len(content) < MOST_REFUSED) == (True, True)
    assert time.process_time() - before < bound / 5
