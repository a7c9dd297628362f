"""Qualifications: types, grants, requests, tests with keys, requirements, and the records behind system types."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from market_support import REQUESTER, SCHEMAS, STRANGER, Bench, choice, form, free, hit_request, not_allowed, refused

APPROVED = "00000000000000000040"
LOCALE = "00000000000000000071"
ADULT = "00000000000000000060"
PERCENT = "000000000000000000L0"
MASTERS = "2F1QJWKUDD8XADTFD2Q0G6UTO95ALH"
MASTERS_SANDBOX = "2ARFPLSP75KLA8M8DH1HTEQVJT3SY6"


def requirement(kind: str, comparator: str, *values: Any, **more: Any) -> dict[str, Any]:
    asked: dict[str, Any] = {"QualificationTypeId": kind, "Comparator": comparator}
    if values and isinstance(values[0], int):
        asked["IntegerValues"] = list(values)
    elif values:
        places = [dict(zip(("Country", "Subdivision"), value.split("-"), strict=False)) for value in values]
        asked["LocaleValues"] = places
    return asked | more


def may_accept(bench: Bench, worker: str, *asked: dict[str, Any]) -> bool:
    hit = bench.hit(MaxAssignments=9, QualificationRequirements=list(asked))
    (seen,) = [item for item in bench.market.available_hits("production", worker) if item["HITId"] == hit]
    if not seen["Qualified"]:
        with not_allowed("DoesNotMeetRequirements"):
            bench.market.accept("production", worker, hit)
        return False
    bench.market.accept("production", worker, hit)
    return True


@pytest.mark.parametrize(
    ("comparator", "values", "met"),
    [
        ("LessThan", [5], False),
        ("LessThan", [6], True),
        ("LessThanOrEqualTo", [5], True),
        ("LessThanOrEqualTo", [4], False),
        ("GreaterThan", [5], False),
        ("GreaterThan", [4], True),
        ("GreaterThanOrEqualTo", [5], True),
        ("GreaterThanOrEqualTo", [6], False),
        ("EqualTo", [5], True),
        ("EqualTo", [4], False),
        ("NotEqualTo", [5], False),
        ("NotEqualTo", [4], True),
        ("Exists", [], True),
        ("DoesNotExist", [], False),
        ("In", [1, 5], True),
        ("In", [1, 2], False),
        ("NotIn", [1, 5], False),
        ("NotIn", [1, 2], True),
    ],
)
def test_each_comparator_decides_for_holders_and_only_doesnotexist_lets_others_in(
    bench: Bench, comparator: str, values: list[int], met: bool
) -> None:
    kind, worker = bench.qualification(), bench.worker()
    bench.grant(kind, worker, IntegerValue=5)
    assert may_accept(bench, worker, requirement(kind, comparator, *values)) is met
    assert may_accept(bench, bench.worker(), requirement(kind, comparator, *values)) is (comparator == "DoesNotExist")


@pytest.mark.parametrize(
    ("comparator", "places", "met"),
    [
        ("EqualTo", ["US"], True),
        ("EqualTo", ["US-NY"], True),
        ("EqualTo", ["US-CA"], False),
        ("EqualTo", ["CA"], False),
        ("NotEqualTo", ["US"], False),
        ("NotEqualTo", ["US-CA"], True),
        ("In", ["CA", "US"], True),
        ("In", ["CA", "GB"], False),
        ("NotIn", ["CA", "GB"], True),
        ("NotIn", ["CA", "US-NY"], False),
    ],
)
def test_locales_match_countries_and_states(bench: Bench, comparator: str, places: list[str], met: bool) -> None:
    assert may_accept(bench, bench.worker(locale="US-NY"), requirement(LOCALE, comparator, *places)) is met


def test_all_requirements_must_hold(bench: Bench) -> None:
    worker = bench.worker(approved=10)
    assert may_accept(bench, worker, requirement(APPROVED, "GreaterThan", 5), requirement(LOCALE, "EqualTo", "US"))
    assert not may_accept(bench, worker, requirement(APPROVED, "GreaterThan", 5), requirement(LOCALE, "EqualTo", "CA"))


def test_masters_and_adult_come_from_the_record(bench: Bench) -> None:
    both = (requirement(MASTERS, "Exists"), requirement(ADULT, "EqualTo", 1))
    assert may_accept(bench, bench.worker(masters=True, adult=True), *both)
    assert not may_accept(bench, bench.worker(adult=True), *both)
    assert not may_accept(bench, bench.worker(masters=True), *both)
    with refused("QualificationTypeDoesNotExist", MASTERS_SANDBOX):
        bench.hit(QualificationRequirements=[requirement(MASTERS_SANDBOX, "Exists")])


def test_the_approval_rate_stands_at_100_until_100_submissions(bench: Bench) -> None:
    perfect = requirement(PERCENT, "EqualTo", 100)
    assert may_accept(bench, bench.worker(approved=1, rejected=98), perfect)
    assert not may_accept(bench, bench.worker(approved=1, rejected=99), perfect)
    assert may_accept(bench, bench.worker(approved=95, rejected=5), requirement(PERCENT, "EqualTo", 95))


def test_work_in_this_market_counts_in_the_record(bench: Bench) -> None:
    worker = bench.worker(approved=99, rejected=0)
    first, second = (bench.submitted(bench.hit(Title=name), worker)[1] for name in "ab")
    bench.approve(first)
    assert may_accept(bench, worker, requirement(APPROVED, "EqualTo", 100), requirement(PERCENT, "EqualTo", 100))
    bench.reject(second)
    assert may_accept(bench, worker, requirement(PERCENT, "EqualTo", 99))
    bench.approve(second, OverrideRejection=True)
    assert may_accept(bench, worker, requirement(APPROVED, "EqualTo", 101), requirement(PERCENT, "EqualTo", 100))


def test_actions_guarded_decide_who_sees_and_previews(bench: Bench) -> None:
    kind = bench.qualification()
    outsider, insider = bench.worker(), bench.worker()
    bench.grant(kind, insider)
    guards = ("Accept", "PreviewAndAccept", "DiscoverPreviewAndAccept")
    hits = {
        guard: bench.hit(QualificationRequirements=[requirement(kind, "Exists", ActionsGuarded=guard)])
        for guard in guards
    }
    seen = {hit["HITId"]: hit["Qualified"] for hit in bench.market.available_hits("production", outsider)}
    assert seen == {hits["Accept"]: False, hits["PreviewAndAccept"]: False}
    assert len(bench.market.available_hits("production", insider)) == 3
    for who in (outsider, None):
        assert bench.market.preview("production", who, hits["Accept"])["HITId"] == hits["Accept"]
        for guard in guards[1:]:
            with not_allowed("DoesNotMeetRequirements"):
                bench.market.preview("production", who, hits[guard])
    for hit in hits.values():
        assert bench.market.preview("production", insider, hit)["HITId"] == hit


def test_requirements_are_answered_with_guard_and_the_deprecated_flag(bench: Bench) -> None:
    old = bench.hit(QualificationRequirements=[requirement(APPROVED, "GreaterThan", 5, RequiredToPreview=True)])
    assert bench.get(old)["QualificationRequirements"] == [
        {
            "QualificationTypeId": APPROVED,
            "Comparator": "GreaterThan",
            "IntegerValues": [5],
            "ActionsGuarded": "PreviewAndAccept",
            "RequiredToPreview": True,
        }
    ]


@pytest.mark.parametrize("preview", [True, False])
@pytest.mark.parametrize("guard", ["Accept", "PreviewAndAccept", "DiscoverPreviewAndAccept"])
def test_the_deprecated_flag_may_stand_beside_a_guard_that_says_the_same(
    bench: Bench, guard: str, preview: bool
) -> None:
    both = requirement(APPROVED, "GreaterThan", 5, RequiredToPreview=preview, ActionsGuarded=guard)
    if preview is (guard != "Accept"):
        answered = bench.get(bench.hit(QualificationRequirements=[both]))["QualificationRequirements"]
        assert answered == [both]
        assert bench.get(bench.hit(QualificationRequirements=answered))["QualificationRequirements"] == answered
        return
    with refused(None, f"RequiredToPreview {str(preview).lower()} contradicts", "ParameterValidationError"):
        bench.hit(QualificationRequirements=[both])


@pytest.mark.parametrize(
    "asked",
    [
        requirement(APPROVED, "EqualTo"),
        requirement(APPROVED, "EqualTo", 1, 2),
        requirement(APPROVED, "Exists", 1),
        requirement(APPROVED, "In", *range(16)),
        requirement(LOCALE, "EqualTo", "US", "CA"),
        requirement(LOCALE, "GreaterThan", "US"),
        requirement(LOCALE, "In", *["US"] * 31),
        requirement(LOCALE, "EqualTo", 1),
        requirement(LOCALE, "EqualTo", "CA-ON"),
    ],
)
def test_values_must_go_with_the_comparator(bench: Bench, asked: dict[str, Any]) -> None:
    with refused(None, "is not valid for the parameter", "ParameterValidationError"):
        bench.hit(QualificationRequirements=[asked])


def test_a_hit_has_at_most_ten_requirements(bench: Bench) -> None:
    asked = [requirement(APPROVED, "GreaterThan", value) for value in range(11)]
    bench.hit(QualificationRequirements=asked[:10])
    with refused(None, "at most 10", "ParameterValidationError"):
        bench.hit(QualificationRequirements=asked)


def test_a_grant_can_be_overwritten_revoked_and_given_again(bench: Bench) -> None:
    kind, worker = bench.qualification(), bench.worker()
    request = {"QualificationTypeId": kind, "WorkerId": worker}
    bench.grant(kind, worker)
    assert bench.market.get_qualification_score(REQUESTER, request)["Qualification"]["IntegerValue"] == 1
    bench.grant(kind, worker, IntegerValue=0)
    found = bench.market.get_qualification_score(REQUESTER, request)["Qualification"]
    assert (found["IntegerValue"], found["Status"], found["GrantTime"]) == (0, "Granted", bench.market.now())
    bench.market.disassociate_qualification_from_worker(REQUESTER, request | {"Reason": "old"})
    listing = bench.market.list_workers_with_qualification_type
    assert listing(REQUESTER, {"QualificationTypeId": kind})["Qualifications"] == []
    revoked = listing(REQUESTER, {"QualificationTypeId": kind, "Status": "Revoked"})["Qualifications"]
    assert [item["WorkerId"] for item in revoked] == [worker]
    assert next(item["MessageText"] for item in bench.market.messages("production", worker)) == "old"
    bench.grant(kind, worker, SendNotification=False)
    assert len(listing(REQUESTER, {"QualificationTypeId": kind})["Qualifications"]) == 1


def test_requests_wait_for_their_requester(bench: Bench) -> None:
    kind, other = bench.qualification(), bench.qualification("other")
    workers = [bench.worker() for _ in range(3)]
    for worker in workers:
        assert bench.market.request_qualification("production", worker, kind)["Status"] == "Pending"
    with not_allowed("QualificationRequestPending"):
        bench.market.request_qualification("production", workers[0], kind)
    assert bench.market.list_qualification_requests(STRANGER, {})["QualificationRequests"] == []
    assert bench.market.list_qualification_requests(REQUESTER, {"QualificationTypeId": other})["NumResults"] == 0
    waiting = bench.market.list_qualification_requests(REQUESTER, {})["QualificationRequests"]
    assert [item["WorkerId"] for item in waiting] == workers
    first, second, third = (item["QualificationRequestId"] for item in waiting)
    bench.market.accept_qualification_request(REQUESTER, {"QualificationRequestId": first, "IntegerValue": 80})
    bench.market.reject_qualification_request(REQUESTER, {"QualificationRequestId": second, "Reason": "no"})
    with refused("PermissionDenied", third):
        bench.market.accept_qualification_request(STRANGER, {"QualificationRequestId": third})
    assert bench.market.list_qualification_requests(REQUESTER, {})["NumResults"] == 1
    score = bench.market.get_qualification_score(REQUESTER, {"QualificationTypeId": kind, "WorkerId": workers[0]})
    assert score["Qualification"]["IntegerValue"] == 80
    with not_allowed("QualificationTypeDoesNotAllowRetake"):
        bench.market.request_qualification("production", workers[1], kind)


def test_automatic_grants_come_at_once_and_again_after_the_retry_delay(bench: Bench) -> None:
    kind = bench.qualification(AutoGranted=True, AutoGrantedValue=7, RetryDelayInSeconds=3600)
    worker = bench.worker()
    answer = bench.market.request_qualification("production", worker, kind)
    assert (answer["Status"], answer["IntegerValue"]) == ("Granted", 7)
    with not_allowed("QualificationTypeRetryDelayNotElapsed"):
        bench.market.request_qualification("production", worker, kind)
    bench.market.advance(timedelta(hours=1))
    assert bench.market.request_qualification("production", worker, kind)["Status"] == "Granted"


def key(mapping: str = "") -> str:
    option = "<AnswerOption>{}<AnswerScore>{}</AnswerScore></AnswerOption>"
    one, two = ("<SelectionIdentifier>a</SelectionIdentifier>", "<SelectionIdentifier>b</SelectionIdentifier>")
    return (
        f'<AnswerKey xmlns="{SCHEMAS}2005-10-01/AnswerKey.xsd">'
        f"<Question><QuestionIdentifier>q1</QuestionIdentifier>{option.format(one, 10)}{option.format(one + two, 5)}"
        "<DefaultScore>-1</DefaultScore></Question>"
        f"<Question><QuestionIdentifier>q2</QuestionIdentifier>{option.format(two, 20)}</Question>{mapping}</AnswerKey>"
    )


def mapping(inner: str) -> str:
    return f"<QualificationValueMapping>{inner}</QualificationValueMapping>"


def span(low: int, high: int, value: int) -> str:
    return (
        f"<SummedScoreRange><InclusiveLowerBound>{low}</InclusiveLowerBound><InclusiveUpperBound>{high}"
        f"</InclusiveUpperBound><QualificationValue>{value}</QualificationValue></SummedScoreRange>"
    )


PERCENTAGE = mapping("<PercentageMapping><MaximumSummedScore>30</MaximumSummedScore></PercentageMapping>")
SCALE = mapping("<ScaleMapping><SummedScoreMultiplier>0.5</SummedScoreMultiplier></ScaleMapping>")
OUT_OF_RANGE = "<OutOfRangeQualificationValue>3</OutOfRangeQualificationValue>"
RANGES = mapping(f"<RangeMapping>{span(0, 10, 1)}{span(11, 29, 2)}{OUT_OF_RANGE}</RangeMapping>")


@pytest.mark.parametrize(
    ("rule", "answers", "value"),
    [
        ("", {"q1": "a", "q2": "b"}, 30),
        ("", {"q1": ["a", "b"], "q2": "b"}, 25),
        ("", {"q1": "b", "q2": "a"}, -1),
        ("", {}, -1),
        (PERCENTAGE, {"q1": ["b", "a"], "q2": "b"}, 83),
        (PERCENTAGE, {"q1": "a", "q2": "b"}, 100),
        (SCALE, {"q1": ["a", "b"]}, 3),
        (RANGES, {"q1": "a"}, 1),
        (RANGES, {"q1": "b", "q2": "b"}, 2),
        (RANGES, {"q1": "a", "q2": "b"}, 3),
    ],
)
def test_answer_keys_score_sets_of_selections_and_map_the_sum(
    bench: Bench, rule: str, answers: dict[str, Any], value: int
) -> None:
    test = form(choice("q1", "a", "b"), choice("q2", "a", "b"))
    kind = bench.qualification(Test=test, TestDurationInSeconds=60, AnswerKey=key(rule))
    worker = bench.worker()
    with not_allowed("AnswersNeeded"):
        bench.market.request_qualification("production", worker, kind)
    assert bench.market.request_qualification("production", worker, kind, answers)["IntegerValue"] == value


def test_a_test_without_a_key_is_graded_by_hand(bench: Bench) -> None:
    kind = bench.qualification(Test=form(free("why"), choice("pick", "a")), TestDurationInSeconds=60)
    told = bench.market.request_qualification("production", bench.worker(), kind, {"why": "so", "pick": "a"})
    assert told["Status"] == "Pending"
    (waiting,) = bench.market.list_qualification_requests(REQUESTER, {})["QualificationRequests"]
    assert "<FreeText>so</FreeText>" in waiting["Answer"]
    assert "<SelectionIdentifier>a</SelectionIdentifier>" in waiting["Answer"]
    assert waiting["Test"].startswith("<QuestionForm")


@pytest.mark.parametrize(
    "wrong",
    [
        {"Test": form(free("q1"))},
        {"AnswerKey": key()},
        {"Test": form(choice("q1", "a")), "TestDurationInSeconds": 60, "AutoGranted": True},
    ],
)
def test_tests_keys_and_automatic_grants_must_go_together(bench: Bench, wrong: dict[str, Any]) -> None:
    with refused("InvalidParameterValue", "need" if "AutoGranted" not in wrong else "cannot be AutoGranted"):
        bench.qualification(**wrong)


def test_a_duration_without_a_test_is_taken(bench: Bench) -> None:
    kind = bench.qualification(TestDurationInSeconds=60)
    described = bench.market.get_qualification_type(REQUESTER, {"QualificationTypeId": kind})["QualificationType"]
    assert described["TestDurationInSeconds"] == 60
    other = bench.qualification("other")
    bench.market.update_qualification_type(REQUESTER, {"QualificationTypeId": other, "TestDurationInSeconds": 90})


@pytest.mark.parametrize(
    "bad", [key().replace("q2", "q9"), key().replace("20", "x"), key(mapping("<Odd/>")), "<AnswerKey/>", "x"]
)
def test_a_key_must_fit_its_test(bench: Bench, bad: str) -> None:
    test = form(choice("q1", "a", "b"), choice("q2", "a", "b"), free("q3"))
    with refused(None, "parsing the XML question or answer data", "ParameterValidationError"):
        bench.qualification(Test=test, TestDurationInSeconds=60, AnswerKey=bad)


def test_updating_a_type_keeps_its_name_and_a_new_test_drops_the_key(bench: Bench) -> None:
    test = form(choice("q1", "a", "b"), choice("q2", "a", "b"))
    kind = bench.qualification(Test=test, TestDurationInSeconds=60, AnswerKey=key(), Keywords="k")
    update = bench.market.update_qualification_type
    changed = update(REQUESTER, {"QualificationTypeId": kind, "Description": "new", "RetryDelayInSeconds": 5})
    assert changed["QualificationType"]["AnswerKey"] == key()
    assert (changed["QualificationType"]["Name"], changed["QualificationType"]["Description"]) == ("q", "new")
    changed = update(REQUESTER, {"QualificationTypeId": kind, "Test": form(choice("q1", "a"))})
    assert "AnswerKey" not in changed["QualificationType"]
    with refused("InvalidParameterValue", "AutoGranted"):
        update(REQUESTER, {"QualificationTypeId": kind, "AutoGranted": True})


def test_types_are_found_by_words_owner_and_requestability(bench: Bench) -> None:
    mine = bench.qualification("Careful reader", Keywords="Text")
    bench.market.create_qualification_type(
        STRANGER, {"Name": "Reader", "Description": "d", "QualificationTypeStatus": "Active", "AnswerKey": None}
    )
    bench.qualification("hidden", QualificationTypeStatus="Inactive")
    listing = bench.market.list_qualification_types

    def names(**request: Any) -> list[str]:
        found = listing(REQUESTER, {"MustBeRequestable": False, "MaxResults": 100, **request})
        return [item["Name"] for item in found["QualificationTypes"]]

    assert names(Query="READER") == ["Careful reader", "Reader"]
    assert names(Query="reader text") == ["Careful reader"]
    assert names(Query="%") == []
    assert names(MustBeOwnedByCaller=True) == ["Careful reader", "hidden"]
    assert names(MustBeRequestable=True) == ["Careful reader", "Reader"]
    assert {"Masters", "Worker_Locale"} < set(names())
    found = bench.market.get_qualification_type(REQUESTER, {"QualificationTypeId": mine})["QualificationType"]
    assert found["IsRequestable"] is True
    system = bench.market.get_qualification_type(REQUESTER, {"QualificationTypeId": LOCALE})["QualificationType"]
    assert system["IsRequestable"] is False


def test_the_answer_key_is_told_to_its_owner_only(bench: Bench) -> None:
    test = form(choice("q1", "a", "b"), choice("q2", "a", "b"))
    kind = bench.qualification(Test=test, TestDurationInSeconds=60, AnswerKey=key())
    get = bench.market.get_qualification_type
    assert "AnswerKey" in get(REQUESTER, {"QualificationTypeId": kind})["QualificationType"]
    assert "AnswerKey" not in get(STRANGER, {"QualificationTypeId": kind})["QualificationType"]


def test_deleting_a_type_rejects_requests_and_deletes_its_hit_types_but_not_its_hits(bench: Bench) -> None:
    kind, worker = bench.qualification(), bench.worker()
    request = hit_request(QualificationRequirements=[requirement(kind, "Exists")])
    hit = bench.market.create_hit(REQUESTER, request)["HIT"]
    bench.grant(kind, worker)
    bench.market.request_qualification("production", bench.worker(), kind)
    assert bench.market.list_hits_for_qualification_type(REQUESTER, {"QualificationTypeId": kind})["NumResults"] == 1
    bench.market.delete_qualification_type(REQUESTER, {"QualificationTypeId": kind})
    assert bench.market.list_qualification_requests(REQUESTER, {})["QualificationRequests"] == []
    with refused("QualificationTypeDoesNotExist", kind):
        bench.market.list_hits_for_qualification_type(REQUESTER, {"QualificationTypeId": kind})
    with refused("InvalidParameterValue", hit["HITTypeId"]):
        bench.market.create_hit_with_hit_type(REQUESTER, hit_request(HITTypeId=hit["HITTypeId"]))
    with refused("QualificationTypeDoesNotExist", kind):
        bench.market.create_hit(REQUESTER, request)
    bench.market.accept("production", worker, hit["HITId"])  # grants stay, and so does the HIT
    bench.qualification()  # the name is free


def test_a_value_beyond_32_bits_is_refused(bench: Bench) -> None:
    kind, worker = bench.qualification(), bench.worker()
    with refused(None, "IntegerValue", "ParameterValidationError"):
        bench.grant(kind, worker, IntegerValue=2**31)
