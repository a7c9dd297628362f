"""What the client asks the market, member by member, and how it reads the answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from turkctl.errors import MarketUnreachableError, UsageError
from turkctl.mturk import errors
from turkctl.mturk.client import MTurk
from turkctl.mturk.types import Balance, BonusPayment, HitRequest, Notification, NotifyFailure, WorkerBlock

REQUEST = HitRequest(
    title="Name a colour",
    description="Short.",
    reward=Decimal("0.5"),
    duration=timedelta(minutes=30),
    lifetime=timedelta(days=1),
    max_assignments=9,
    auto_approval_delay=timedelta(days=3),
    keywords=("colour", "word"),
    question="<ExternalQuestion/>",
    annotation="campaign 1",
    requirements=({"QualificationTypeId": "3Q", "Comparator": "Exists"},),
)
SPECIFICATION = {
    "Destination": "https://sqs/q",
    "Transport": "SQS",
    "Version": "2014-08-15",
    "EventTypes": ["AssignmentSubmitted"],
}
NOTIFICATION = Notification("https://sqs/q", ["AssignmentSubmitted"])
TYPE = {"QualificationType": {"QualificationTypeId": "3Q", "Name": "seen", "Keywords": "a, b"}}
PAGE = {"MaxResults": 100}

# what is called, what the market says, the operation, and exactly the members that are sent
CALLS: dict[str, tuple[Callable[[MTurk], Any], dict[str, Any], str, dict[str, Any]]] = {
    "find workers": (
        lambda m: m.find_workers(["4711"], create=True),
        {"Workers": [{"OwnId": "4711", "WorkerId": "A1"}]},
        "FindWorkers",
        {"OwnIds": ["4711"], "CreateMissing": True},
    ),
    "own ids": (
        lambda m: m.own_ids(["A1"]),
        {"Workers": [{"WorkerId": "A1", "OwnId": "4711"}]},
        "ListOwnIds",
        {"WorkerIds": ["A1"]},
    ),
    "hits that require a type": (
        lambda m: list(m.hits_that_require("3TYPE")),
        {"HITs": [], "NumResults": 0},
        "ListHITsForQualificationType",
        {"QualificationTypeId": "3TYPE", "MaxResults": 100},
    ),
    "balance": (lambda m: m.balance(), {"AvailableBalance": "1.00"}, "GetAccountBalance", {}),
    "extend": (
        lambda m: m.extend_hit("3H", 2, "t"),
        {},
        "CreateAdditionalAssignmentsForHIT",
        {"HITId": "3H", "NumberOfAdditionalAssignments": 2, "UniqueRequestToken": "t"},
    ),
    "expire": (
        lambda m: m.expire_hit("3H"),
        {},
        "UpdateExpirationForHIT",
        {"HITId": "3H", "ExpireAt": 1_420_070_400},
    ),
    "set expiration": (
        lambda m: m.set_expiration("3H", datetime(2026, 12, 1, tzinfo=UTC)),
        {},
        "UpdateExpirationForHIT",
        {"HITId": "3H", "ExpireAt": 1_796_083_200},
    ),
    "delete": (lambda m: m.delete_hit("3H"), {}, "DeleteHIT", {"HITId": "3H"}),
    "reviewable": (
        lambda m: list(m.list_reviewable_hits("3T", "Reviewing")),
        {"NumResults": 0, "HITs": []},
        "ListReviewableHITs",
        {"HITTypeId": "3T", "Status": "Reviewing", **PAGE},
    ),
    "hits": (lambda m: list(m.list_hits()), {"NumResults": 0, "HITs": []}, "ListHITs", PAGE),
    "assignments": (
        lambda m: list(m.list_assignments("3H", ["Submitted"])),
        {"NumResults": 0, "Assignments": []},
        "ListAssignmentsForHIT",
        {"HITId": "3H", "AssignmentStatuses": ["Submitted"], **PAGE},
    ),
    "all assignments": (
        lambda m: list(m.list_assignments("3H")),
        {"NumResults": 0, "Assignments": []},
        "ListAssignmentsForHIT",
        {"HITId": "3H", **PAGE},
    ),
    "approve": (lambda m: m.approve("3A"), {}, "ApproveAssignment", {"AssignmentId": "3A"}),
    "overturn": (
        lambda m: m.approve("3A", "sorry", override_rejection=True),
        {},
        "ApproveAssignment",
        {"AssignmentId": "3A", "RequesterFeedback": "sorry", "OverrideRejection": True},
    ),
    "reject": (
        lambda m: m.reject("3A", "empty"),
        {},
        "RejectAssignment",
        {"AssignmentId": "3A", "RequesterFeedback": "empty"},
    ),
    "bonus": (
        lambda m: m.send_bonus("A1", "3A", Decimal(1), "well done", "t"),
        {},
        "SendBonus",
        {
            "WorkerId": "A1",
            "AssignmentId": "3A",
            "BonusAmount": "1.00",
            "Reason": "well done",
            "UniqueRequestToken": "t",
        },
    ),
    "bonuses of a hit": (
        lambda m: list(m.list_bonuses(hit_id="3H")),
        {"NumResults": 0, "BonusPayments": []},
        "ListBonusPayments",
        {"HITId": "3H", **PAGE},
    ),
    "bonuses of an assignment": (
        lambda m: list(m.list_bonuses(assignment_id="3A")),
        {"NumResults": 0, "BonusPayments": []},
        "ListBonusPayments",
        {"AssignmentId": "3A", **PAGE},
    ),
    "block": (lambda m: m.block("A1", "spam"), {}, "CreateWorkerBlock", {"WorkerId": "A1", "Reason": "spam"}),
    "unblock": (lambda m: m.unblock("A1"), {}, "DeleteWorkerBlock", {"WorkerId": "A1"}),
    "blocks": (lambda m: list(m.list_blocks()), {"NumResults": 0, "WorkerBlocks": []}, "ListWorkerBlocks", PAGE),
    "notify": (
        lambda m: m.notify(["A1"], "hello", "there"),
        {"NotifyWorkersFailureStatuses": []},
        "NotifyWorkers",
        {"WorkerIds": ["A1"], "Subject": "hello", "MessageText": "there"},
    ),
    "create type": (
        lambda m: m.create_qualification_type("seen", "took part", keywords=("a", "b")),
        TYPE,
        "CreateQualificationType",
        {"Name": "seen", "Description": "took part", "Keywords": "a, b", "QualificationTypeStatus": "Active"},
    ),
    "create granted type": (
        lambda m: m.create_qualification_type(
            "seen", "x", auto_granted_value=7, retry_delay=timedelta(hours=1), active=False
        ),
        TYPE,
        "CreateQualificationType",
        {
            "Name": "seen",
            "Description": "x",
            "QualificationTypeStatus": "Inactive",
            "AutoGranted": True,
            "AutoGrantedValue": 7,
            "RetryDelayInSeconds": 3600,
        },
    ),
    "update type": (
        lambda m: m.update_qualification_type("3Q", description="new", active=False),
        TYPE,
        "UpdateQualificationType",
        {"QualificationTypeId": "3Q", "Description": "new", "QualificationTypeStatus": "Inactive"},
    ),
    "get type": (
        lambda m: m.get_qualification_type("3Q"),
        TYPE,
        "GetQualificationType",
        {"QualificationTypeId": "3Q"},
    ),
    "types": (
        lambda m: list(m.list_qualification_types("seen")),
        {"NumResults": 0, "QualificationTypes": []},
        "ListQualificationTypes",
        {"Query": "seen", "MustBeOwnedByCaller": True, "MustBeRequestable": False, **PAGE},
    ),
    "delete type": (
        lambda m: m.delete_qualification_type("3Q"),
        {},
        "DeleteQualificationType",
        {"QualificationTypeId": "3Q"},
    ),
    "grant": (
        lambda m: m.grant("3Q", "A1"),
        {},
        "AssociateQualificationWithWorker",
        {"QualificationTypeId": "3Q", "WorkerId": "A1", "IntegerValue": 1, "SendNotification": False},
    ),
    "revoke": (
        lambda m: m.revoke("3Q", "A1", "over"),
        {},
        "DisassociateQualificationFromWorker",
        {"QualificationTypeId": "3Q", "WorkerId": "A1", "Reason": "over"},
    ),
    "score": (
        lambda m: m.score("3Q", "A1"),
        {"Qualification": {"QualificationTypeId": "3Q", "WorkerId": "A1"}},
        "GetQualificationScore",
        {"QualificationTypeId": "3Q", "WorkerId": "A1"},
    ),
    "holders": (
        lambda m: list(m.holders("3Q")),
        {"NumResults": 0, "Qualifications": []},
        "ListWorkersWithQualificationType",
        {"QualificationTypeId": "3Q", "Status": "Granted", **PAGE},
    ),
    "a raw list": (
        lambda m: m.raw("ListBonusPayments", {"HITId": "3HIT"}),
        {"NumResults": 0, "BonusPayments": []},
        "ListBonusPayments",
        {"HITId": "3HIT", **PAGE},
    ),
    "notifications": (
        lambda m: m.set_notifications("3T", NOTIFICATION),
        {},
        "UpdateNotificationSettings",
        {"HITTypeId": "3T", "Notification": SPECIFICATION, "Active": True},
    ),
    "notifications off": (
        lambda m: m.set_notifications("3T", None, active=False),
        {},
        "UpdateNotificationSettings",
        {"HITTypeId": "3T", "Active": False},
    ),
}


@pytest.mark.parametrize(("call", "answer", "operation", "members"), CALLS.values(), ids=CALLS.keys())
def test_a_method_makes_one_request_with_exactly_these_members(
    market: MTurk, line, call: Callable[[MTurk], Any], answer: Any, operation: str, members: dict[str, Any]
) -> None:
    line.say(answer)
    call(market)
    assert line.asked == [(operation, members)]
    assert market.requests == {operation: 1}


def test_every_public_method_has_its_request_tested_here_or_below(market: MTurk) -> None:
    methods = {name for name in dir(MTurk) if not name.startswith("_") and callable(getattr(MTurk, name))}
    called = {name for call, *_ in CALLS.values() for name in call.__code__.co_names if name in methods}
    below = {"create_hit", "get_hit", "get_assignment", "find_qualification_type"}
    assert methods - called == {
        *below,
        "is_turkctls",
        "knows_studies",
        "keeps_items_apart",
        "market_rules",
        "forget_rules",
        "close",
    }


def test_a_hit_is_posted_with_its_token_money_as_text_and_seconds(market: MTurk, line, hit_body) -> None:
    line.say({"HIT": hit_body()})
    assert market.create_hit(REQUEST, "token-1").hit_id == "3HIT"
    assert line.asked == [
        (
            "CreateHIT",
            {
                "Title": "Name a colour",
                "Description": "Short.",
                "Keywords": "colour, word",
                "Reward": "0.50",
                "MaxAssignments": 9,
                "AssignmentDurationInSeconds": 1800,
                "LifetimeInSeconds": 86400,
                "AutoApprovalDelayInSeconds": 259200,
                "Question": "<ExternalQuestion/>",
                "RequesterAnnotation": "campaign 1",
                "QualificationRequirements": [{"QualificationTypeId": "3Q", "Comparator": "Exists"}],
                "UniqueRequestToken": "token-1",
            },
        )
    ]


def test_a_hit_with_a_layout_sends_its_parameters_and_an_auto_approval_of_nothing(
    market: MTurk, line, hit_body
) -> None:
    line.say({"HIT": hit_body()})
    request = dataclasses.replace(
        REQUEST, question=None, layout_id="3L", layout_parameters={"word": "red"}, auto_approval_delay=timedelta(0)
    )
    market.create_hit(request, "t")
    sent = line.asked[0][1]
    assert "Question" not in sent
    assert sent["HITLayoutParameters"] == [{"Name": "word", "Value": "red"}]
    assert sent["AutoApprovalDelayInSeconds"] == 0


@pytest.mark.parametrize("amount", ["0.975", "-1", "NaN", "Infinity"])
def test_money_that_the_market_would_refuse_is_refused_before_it_is_asked(market: MTurk, line, amount: str) -> None:
    with pytest.raises(UsageError):
        market.send_bonus("A1", "3A", Decimal(amount), "x", "t")
    with pytest.raises(UsageError):
        market.create_hit(dataclasses.replace(REQUEST, reward=Decimal(amount)), "t")
    assert line.asked == []


def test_a_hit_is_read_with_utc_times_decimal_money_and_what_waits_for_review(market: MTurk, line, hit_body) -> None:
    line.say({"HIT": hit_body(Keywords="colour, word", AssignmentDurationInSeconds=90, Expiration=1_790_003_600.5)})
    hit = market.get_hit("3HIT")
    assert hit.reward == Decimal("0.50")
    assert hit.created == datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)
    assert hit.created.tzinfo is UTC
    assert hit.expires is not None
    assert hit.expires - hit.created == timedelta(seconds=3600.5)
    assert hit.duration == timedelta(seconds=90)
    assert hit.keywords == ("colour", "word")
    assert (hit.question, hit.annotation, hit.auto_approval_delay) == (None, None, None)
    assert (hit.max_assignments, hit.available, hit.pending, hit.completed, hit.submitted) == (5, 1, 1, 1, 2)


def test_counters_that_lag_never_make_a_negative_number_of_submissions(market: MTurk, line, hit_body) -> None:
    line.say({"HIT": hit_body(NumberOfAssignmentsAvailable=5)})
    assert market.get_hit("3HIT").submitted == 0


def test_an_assignment_is_read_in_full(market: MTurk, line) -> None:
    line.say(
        {
            "Assignment": {
                "AssignmentId": "3A",
                "WorkerId": "A1",
                "HITId": "3H",
                "AssignmentStatus": "Rejected",
                "SubmitTime": 10,
                "RejectionTime": 20,
                "Answer": "<QuestionFormAnswers/>",
                "RequesterFeedback": "empty",
            },
            "HIT": {},
        }
    )
    assignment = market.get_assignment("3A")
    assert line.asked == [("GetAssignment", {"AssignmentId": "3A"})]
    assert (assignment.assignment_id, assignment.worker_id, assignment.hit_id) == ("3A", "A1", "3H")
    assert assignment.status == "Rejected"
    assert assignment.submitted == datetime(1970, 1, 1, 0, 0, 10, tzinfo=UTC)
    assert assignment.rejected == datetime(1970, 1, 1, 0, 0, 20, tzinfo=UTC)
    assert assignment.approved is None
    assert (assignment.answer, assignment.feedback) == ("<QuestionFormAnswers/>", "empty")


def test_balance_bonus_and_block_are_read(market: MTurk, line) -> None:
    line.say({"AvailableBalance": "10000.00", "OnHoldBalance": "0.60"})
    assert market.balance() == Balance(Decimal("10000.00"), Decimal("0.60"))
    line.say(
        {
            "NumResults": 1,
            "BonusPayments": [{"WorkerId": "A1", "AssignmentId": "3A", "BonusAmount": "0.10", "GrantTime": 0}],
        }
    )
    paid = BonusPayment("A1", "3A", Decimal("0.10"), None, datetime(1970, 1, 1, tzinfo=UTC))
    assert list(market.list_bonuses(hit_id="3H")) == [paid]
    line.say({"NumResults": 1, "WorkerBlocks": [{"WorkerId": "A1", "Reason": "spam"}]})
    assert list(market.list_blocks()) == [WorkerBlock("A1", "spam")]


def test_a_locale_qualification_has_a_place_and_no_value(market: MTurk, line) -> None:
    place = {"Country": "US", "Subdivision": "CA"}
    line.say({"Qualification": {"QualificationTypeId": "00", "WorkerId": "A1", "LocaleValue": place}})
    found = market.score("00", "A1")
    assert found is not None
    assert (found.locale, found.value) == ("US-CA", None)


def test_workers_whom_a_message_does_not_reach_are_returned_not_raised(market: MTurk, line) -> None:
    status = {"WorkerId": "A1", "NotifyWorkersFailureCode": "HardFailure", "NotifyWorkersFailureMessage": "never seen"}
    line.say({"NotifyWorkersFailureStatuses": [status]})
    assert market.notify(["A1"], "s", "t") == (NotifyFailure("A1", "HardFailure", "never seen"),)


@pytest.mark.parametrize(("subject", "text"), [("s" * 201, "t"), ("s", "t" * 4097)])
def test_a_message_that_is_too_long_is_refused_before_it_is_sent(market: MTurk, line, subject: str, text: str) -> None:
    with pytest.raises(UsageError, match="characters"):
        market.notify(["A1"], subject, text)
    assert line.asked == []


def test_a_message_takes_at_most_100_workers(market: MTurk) -> None:
    with pytest.raises(ValueError, match="100"):
        market.notify(["A1"] * 101, "s", "t")


def test_bonuses_are_listed_for_a_hit_or_an_assignment_not_for_both_or_none(market: MTurk) -> None:
    with pytest.raises(ValueError, match="HIT or an assignment"):
        market.list_bonuses()
    with pytest.raises(ValueError, match="HIT or an assignment"):
        market.list_bonuses(hit_id="3H", assignment_id="3A")


def test_all_pages_are_read_up_to_the_one_without_a_token(market: MTurk, line, hit_body) -> None:
    line.say(
        {"NumResults": 1, "HITs": [hit_body(HITId="31"), hit_body(HITId="32")], "NextToken": "a"},
        {"NumResults": 0, "HITs": [], "NextToken": "b"},
        {"NumResults": 1, "HITs": [hit_body(HITId="33")], "NextToken": "c"},
        {"NumResults": 0, "HITs": []},
    )
    assert [hit.hit_id for hit in market.list_hits()] == ["31", "32", "33"]
    assert [members.get("NextToken") for _, members in line.asked] == [None, "a", "b", "c"]
    assert all(members["MaxResults"] == 100 for _, members in line.asked)


def test_a_page_is_asked_for_when_it_is_needed(market: MTurk, line, hit_body) -> None:
    line.say({"NumResults": 1, "HITs": [hit_body()], "NextToken": "a"}, {"NumResults": 1, "HITs": [hit_body()]})
    hits = market.list_hits()
    assert line.asked == []
    next(hits)
    assert len(line.asked) == 1


def test_a_market_that_gives_the_same_page_again_is_not_read_for_ever(market: MTurk, line, hit_body) -> None:
    line.say({"NumResults": 1, "HITs": [hit_body()], "NextToken": "a"})
    with pytest.raises(MarketUnreachableError):
        list(market.list_hits())
    assert len(line.asked) == 2


def test_a_type_is_found_by_its_exact_name(market: MTurk, line) -> None:
    similar = {"QualificationTypeId": "31", "Name": "Seen"}
    exact = {"QualificationTypeId": "32", "Name": "seen"}
    line.say({"NumResults": 1, "QualificationTypes": [similar, exact]})
    found = market.find_qualification_type("seen")
    assert found is not None
    assert found.type_id == "32"
    assert len(line.asked) == 1


def test_a_type_that_the_search_misses_is_found_in_the_list(market: MTurk, line) -> None:
    line.say(
        {"NumResults": 0, "QualificationTypes": []},
        {"NumResults": 1, "QualificationTypes": [{"QualificationTypeId": "32", "Name": "seen"}]},
    )
    found = market.find_qualification_type("seen")
    assert found is not None
    assert [members.get("Query") for _, members in line.asked] == ["seen", None]


def test_a_type_that_nobody_made_is_none(market: MTurk, line) -> None:
    line.say({"NumResults": 1, "QualificationTypes": [{"QualificationTypeId": "31", "Name": "Seen"}]})
    assert market.find_qualification_type("seen") is None


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("AWS.MechanicalTurk.QualificationDoesNotExist", "You requested a Qualification that does not exist."),
        ("AWS.MechanicalTurk.InvalidQualificationState", "This operation can be called with a status of: Granted"),
        (None, "This operation can be called with a status of: Granted"),
    ],
)
def test_a_qualification_never_held_and_one_revoked_are_none(market: MTurk, line, code: str, message: str) -> None:
    line.refuse("RequestError", message, code)
    assert market.score("3Q", "A1") is None


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("AWS.MechanicalTurk.QualificationTypeDoesNotExist", errors.DoesNotExistError),
        ("AWS.MechanicalTurk.InvalidQualificationTypeState", errors.InvalidStateError),
    ],
)
def test_the_score_of_a_type_that_is_gone_is_an_error(
    market: MTurk, line, code: str, expected: type[Exception]
) -> None:
    line.refuse("RequestError", "…", code)
    with pytest.raises(expected):
        market.score("3Q", "A1")


def test_a_fault_inside_the_built_in_market_is_not_mistaken_for_a_foreign_server() -> None:
    from turkctl.mturk.connect import LOCAL_ENDPOINT, connect

    def fail(**_: Any) -> None:
        raise ValueError("a bug in the market")

    market = connect(endpoint_url=LOCAL_ENDPOINT, local=lambda events: events.register_first("before-send.mturk", fail))
    with pytest.raises(ValueError, match="a bug in the market"):
        market.balance()


def test_a_list_that_goes_on_without_end_and_without_an_item_is_none_of_a_market(market: MTurk, line) -> None:
    line.say(*({"NumResults": 0, "HITs": [], "NextToken": str(number)} for number in range(200)))
    with pytest.raises(MarketUnreachableError):
        list(market.list_hits())
    assert len(line.asked) < 100


@pytest.mark.parametrize("date", ["Fri, 31 Dec 9999 23:59:59 -2359", "yesterday", ""])
def test_a_date_that_cannot_be_told_does_not_spoil_an_answer(market: MTurk, line, hit_body, date: str) -> None:
    line.say({"HIT": hit_body()})
    line.answers = [(status, {**headers, "date": date}, body) for status, headers, body in line.answers]
    assert market.create_hit(REQUEST, "token-1").hit_id == "3HIT"
