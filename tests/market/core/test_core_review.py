"""Review policies carried out: scores, actions and reports, on both databases where it matters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from market_support import REQUESTER, Bench, choice, form, refused
from sqlalchemy import text

from turkctl.market import hit_changes, hit_rows, review_actions
from turkctl.market.errors import RequestError
from turkctl.market.tx import Tx

KNOWN = "ScoreMyKnownAnswers/2011-09-01"
PLURALITY = "SimplePlurality/2011-09-01"
KEY = {"one": ["a"], "two": ["b", "c"]}

COATS = (
    {"A": "coat", "B": "blue", "C": "large", "D": "Furry"},
    {"A": "sweater", "B": "blue", "C": "large", "D": "fur"},
    {"A": "coat", "B": "green", "C": "large", "D": "furr"},
)
"""The documentation's example."""


def parameters(values: Mapping[str, object]) -> list[dict[str, Any]]:
    return [
        {"Key": key, "Values": [str(each) for each in (value if isinstance(value, list) else [value])]}
        for key, value in values.items()
    ]


def known(key: Mapping[str, list[str]] | None = None, **more: object) -> dict[str, Any]:
    entries = [{"Key": name, "Values": values} for name, values in (KEY if key is None else key).items()]
    return {"PolicyName": KNOWN, "Parameters": [{"Key": "AnswerKey", "MapEntries": entries}, *parameters(more)]}


def twice(level: int) -> dict[str, Any]:
    """Known answers whose parameter (0), or one of whose entries (1), is there two times."""
    policy = known()
    rows = policy["Parameters"] if level == 0 else policy["Parameters"][0]["MapEntries"]
    rows.append(rows[0])
    return policy


def plurality(questions: object = "A,B,C,D", threshold: int = 50, **more: object) -> dict[str, Any]:
    basic = {"QuestionIds": questions, "QuestionAgreementThreshold": threshold}
    return {"PolicyName": PLURALITY, "Parameters": parameters(basic | more)}


def report(bench: Bench, hit: str, level: str = "HIT") -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Results as (subject, question, key, value) and actions as (name, target, status, code)."""
    listed = bench.market.list_review_policy_results_for_hit(REQUESTER, {"HITId": hit})[f"{level}ReviewReport"]
    results = [
        (each["SubjectId"], each.get("QuestionId"), each["Key"], each["Value"]) for each in listed["ReviewResults"]
    ]
    actions = [
        (each["ActionName"], each["TargetId"], each["Status"], each.get("ErrorCode"))
        for each in listed["ReviewActions"]
        if each["ActionName"] != "review"
    ]
    return results, actions


def statuses(bench: Bench, *work: str) -> list[str]:
    return [bench.assignment(each)["AssignmentStatus"] for each in work]


def submit(bench: Bench, hit: str, *answers: Mapping[str, str]) -> list[str]:
    return [bench.submitted(hit, **each)[1] for each in answers]


def test_known_answers_are_scored_when_the_work_is_submitted(bench: Bench) -> None:
    hit = bench.hit(MaxAssignments=2, AssignmentReviewPolicy=known())
    (half,) = submit(bench, hit, {"one": " a ", "two": "b"})
    results, actions = report(bench, hit, "Assignment")
    assert results == [
        (half, "one", "KnownAnswerCorrect", "1"),
        (half, "two", "KnownAnswerCorrect", "0"),
        (half, None, "KnownAnswerScore", "50"),
    ]
    assert (actions, statuses(bench, half)) == ([], ["Submitted"])


@pytest.mark.parametrize(
    ("wanted", "given", "right"),
    [
        (["a"], {"q": "a"}, True),
        ([" a "], {"q": "a\n"}, True),
        (["a"], {"q": "A"}, False),
        (["a"], {"q": "a."}, False),
        (["a"], {"q": ""}, False),
        (["a"], {}, False),
        ([], {}, True),
        ([], {"q": ""}, True),
        ([], {"q": "a"}, False),
        (["a", "b"], {"q": ["b", "a"]}, True),
        (["a", "b"], {"q": "a"}, False),
        (["a"], {"q": ["a", "b"]}, False),
        (["a|b"], {"q": "a|b"}, True),
    ],
)
def test_an_answer_is_right_with_exactly_the_values_of_the_key(
    bench: Bench, wanted: list[str], given: dict[str, Any], right: bool
) -> None:
    hit = bench.hit(AssignmentReviewPolicy=known({"q": wanted}, ApproveIfKnownAnswerScoreIsAtLeast=100))
    worker, assignment = bench.accepted(hit)
    bench.market.submit("production", worker, assignment, {"other": "x", **given})
    assert statuses(bench, assignment) == ["Approved" if right else "Submitted"]


def test_selections_of_a_form_are_compared_as_a_set(bench: Bench) -> None:
    question = form(choice("q", "a", "b", "c"))
    hit = bench.hit(Question=question, AssignmentReviewPolicy=known({"q": ["a", "b"]}))
    worker, assignment = bench.accepted(hit)
    bench.market.submit("production", worker, assignment, {"q": ["b", "a"]})
    assert report(bench, hit, "Assignment")[0][-1][3] == "100"


@pytest.mark.parametrize(
    ("threshold", "score", "status"),
    [(0, 0, "Approved"), (50, 50, "Approved"), (51, 50, "Submitted"), (101, 100, "Submitted")],
)
def test_work_is_approved_from_its_threshold_on(bench: Bench, threshold: int, score: int, status: str) -> None:
    policy = known(ApproveIfKnownAnswerScoreIsAtLeast=threshold, ApproveReason="thank you")
    hit = bench.hit(AssignmentReviewPolicy=policy)
    given = {0: {"x": "y"}, 50: {"one": "a"}, 100: {"one": "a", "two": "b|c"}}[score]
    (assignment,) = submit(bench, hit, given)
    found = bench.assignment(assignment)
    assert found["AssignmentStatus"] == status
    assert found.get("RequesterFeedback") == ("thank you" if status == "Approved" else None)
    assert bench.balance()[1] == (Decimal("0.00") if status == "Approved" else Decimal("0.60"))


@pytest.mark.parametrize(
    ("threshold", "score", "status"),
    [(0, 0, "Submitted"), (50, 50, "Submitted"), (51, 50, "Rejected"), (101, 100, "Rejected")],
)
def test_work_is_rejected_below_its_threshold(bench: Bench, threshold: int, score: int, status: str) -> None:
    hit = bench.hit(AssignmentReviewPolicy=known(RejectIfKnownAnswerScoreIsLessThan=threshold, RejectReason="wrong"))
    given = {0: {"x": "y"}, 50: {"one": "a"}, 100: {"one": "a", "two": "b|c"}}[score]
    worker, assignment = bench.accepted(hit)
    bench.market.submit("production", worker, assignment, given)
    found = bench.assignment(assignment)
    assert (found["AssignmentStatus"], found.get("RequesterFeedback")) == (
        status,
        "wrong" if status == "Rejected" else None,
    )


def test_where_both_thresholds_apply_it_is_approved_and_the_rejection_fails(bench: Bench) -> None:
    policy = known(ApproveIfKnownAnswerScoreIsAtLeast=0, RejectIfKnownAnswerScoreIsLessThan=101)
    hit = bench.hit(AssignmentReviewPolicy=policy)
    (assignment,) = submit(bench, hit, {"one": "a"})
    assert statuses(bench, assignment) == ["Approved"]
    assert report(bench, hit, "Assignment")[1] == [
        ("approve", assignment, "Succeeded", None),
        ("reject", assignment, "Failed", "AWS.MechanicalTurk.InvalidAssignmentState"),
    ]


def test_a_low_score_gets_another_assignment_up_to_the_maximum(bench: Bench) -> None:
    policy = known(ExtendIfKnownAnswerScoreIsLessThan=60, ExtendMaximumAssignments=3, ExtendMinimumTimeInSeconds=600)
    hit = bench.hit(AssignmentReviewPolicy=policy, LifetimeInSeconds=3600)
    expires = bench.get(hit)["Expiration"]
    submit(bench, hit, {"one": "a"}, {"one": "a"})
    assert bench.state(hit)[:2] == ("Assignable", 1)
    assert bench.get(hit)["Expiration"] == expires + timedelta(seconds=1200)
    submit(bench, hit, {"one": "a"})
    assert bench.state(hit)[:2] == ("Reviewable", 0)
    assert [action[2] for action in report(bench, hit, "Assignment")[1]] == ["Succeeded"] * 3
    assert bench.get(hit)["MaxAssignments"] == 3
    assert bench.balance()[1] == 3 * Decimal("0.60")


def test_an_extension_that_the_market_refuses_is_a_failed_action_and_the_work_is_in(bench: Bench) -> None:
    policy = known(ExtendIfKnownAnswerScoreIsLessThan=101, ExtendMaximumAssignments=25)
    hit = bench.hit(AssignmentReviewPolicy=policy, MaxAssignments=9)
    (assignment,) = submit(bench, hit, {"one": "a"})
    assert statuses(bench, assignment) == ["Submitted"]
    assert report(bench, hit, "Assignment")[1] == [
        ("extend", hit, "Failed", "AWS.MechanicalTurk.InvalidMaximumAssignmentsIncrease")
    ]
    poor = Bench(opening_balance=Decimal("0.60"))
    hit = poor.hit(AssignmentReviewPolicy=policy)
    (assignment,) = submit(poor, hit, {"one": "a"})
    assert report(poor, hit, "Assignment")[1] == [("extend", hit, "Failed", "AWS.MechanicalTurk.InsufficientFunds")]
    assert (poor.balance(), poor.get(hit)["MaxAssignments"]) == ((Decimal("0.00"), Decimal("0.60")), 1)
    poor.market.close()


def test_an_action_that_fails_half_way_changes_nothing_and_tells_nobody(url: str) -> None:
    told: list[str] = []
    bench = Bench(url, notify=lambda _, body: told.append(body))
    hit_id = bench.hit()
    kind = bench.get(hit_id)["HITTypeId"]
    events = {"Destination": "https://queue.example.org/q", "Transport": "SQS", "Version": "2014-08-15"}
    notification = {**events, "EventTypes": ["HITExtended"]}
    bench.market.update_notification_settings(REQUESTER, {"HITTypeId": kind, "Notification": notification})
    before = bench.get(hit_id), bench.balance()

    def half(tx: Tx) -> None:
        hit = hit_rows.load(tx, hit_id)

        def act() -> str:
            hit_changes.extend(tx, hit, 1, hit.expires_at)
            raise RequestError("InvalidHITState", "half way")

        review_actions._attempt(tx, hit, "HIT", "extend", hit.id, "HIT", act)

    bench.market._write(REQUESTER, half)
    assert ((bench.get(hit_id), bench.balance()), told) == (before, [])
    bench.market.close()


def test_the_plurality_of_the_documentations_example(url: str) -> None:
    bench = Bench(url)
    hit = bench.hit(MaxAssignments=3, HITReviewPolicy=plurality())
    work = submit(bench, hit, *COATS[:2])
    assert report(bench, hit) == ([], [])
    work += submit(bench, hit, COATS[2])
    results, _ = report(bench, hit)
    assert [result[1:] for result in results if result[0] == hit] == [
        ("A", "AgreedAnswerFound", "true"),
        ("A", "AgreedAnswer", "coat"),
        ("A", "AnswerAgreementScore", "66"),
        ("B", "AgreedAnswerFound", "true"),
        ("B", "AgreedAnswer", "blue"),
        ("B", "AnswerAgreementScore", "66"),
        ("C", "AgreedAnswerFound", "true"),
        ("C", "AgreedAnswer", "large"),
        ("C", "AnswerAgreementScore", "100"),
        ("D", "AgreedAnswerFound", "false"),
        (None, "HitAgreementScore", "75"),
    ]
    scores = {(subject, key): value for subject, _, key, value in results if subject != hit}
    assert [scores[each, "WorkerAgreementScore"] for each in work] == ["100", "66", "66"]
    assert [scores[each, "PluralityAnswersCorrect"] for each in work] == ["3", "2", "2"]
    assert [scores[each, "PluralityAnswersIncorrect"] for each in work] == ["0", "1", "1"]
    bench.market.close()


def test_workers_are_approved_and_rejected_by_their_agreement(url: str) -> None:
    bench = Bench(url)
    policy = plurality(
        ["A", "B", "C"],
        ApproveIfWorkerAgreementScoreIsAtLeast=67,
        RejectIfWorkerAgreementScoreIsLessThan=67,
        RejectReason="no",
    )
    hit = bench.hit(MaxAssignments=3, HITReviewPolicy=policy)
    work = submit(bench, hit, *COATS)
    assert statuses(bench, *work) == ["Approved", "Rejected", "Rejected"]
    assert bench.assignment(work[1])["RequesterFeedback"] == "no"
    assert [action[:3] for action in report(bench, hit)[1]] == [
        ("approve", work[0], "Succeeded"),
        ("reject", work[1], "Succeeded"),
        ("reject", work[2], "Succeeded"),
    ]
    assert bench.balance() == (Decimal("9999.40"), Decimal("0.00"))
    bench.market.close()


def test_a_hit_without_agreement_gets_another_worker_and_is_compared_again(bench: Bench) -> None:
    policy = plurality(
        "A", ExtendIfHITAgreementScoreIsLessThan=100, ExtendMaximumAssignments=3, ExtendMinimumTimeInSeconds=3600
    )
    hit = bench.hit(MaxAssignments=2, HITReviewPolicy=policy, LifetimeInSeconds=3600)
    expires = bench.get(hit)["Expiration"]
    submit(bench, hit, {"A": "x"}, {"A": "y"})
    assert bench.state(hit)[:2] == ("Assignable", 1)
    assert bench.get(hit)["Expiration"] == expires + timedelta(hours=1)
    submit(bench, hit, {"A": "y"})
    results, actions = report(bench, hit)
    found = [value for _, _, key, value in results if key == "HitAgreementScore"]
    assert (found, actions) == (["0", "100"], [("extend", hit, "Succeeded", None)])
    assert bench.state(hit)[0] == "Reviewable"


def test_at_its_maximum_a_hit_is_not_extended_and_that_is_a_success(bench: Bench) -> None:
    policy = plurality(
        "A", ExtendIfHITAgreementScoreIsLessThan=100, ExtendMaximumAssignments=2, ExtendMinimumTimeInSeconds=3600
    )
    hit = bench.hit(MaxAssignments=2, HITReviewPolicy=policy)
    submit(bench, hit, {"A": "x"}, {"A": "y"})
    assert report(bench, hit)[1] == [("extend", hit, "Succeeded", None)]
    assert (bench.state(hit)[0], bench.get(hit)["MaxAssignments"]) == ("Reviewable", 2)


@pytest.mark.parametrize("way", ["by hand", "by time", "abandoned"])
def test_a_hit_that_ends_with_open_slots_is_compared_and_stays_ended(bench: Bench, way: str) -> None:
    policy = plurality(
        "A",
        ApproveIfWorkerAgreementScoreIsAtLeast=100,
        ExtendIfHITAgreementScoreIsLessThan=100,
        ExtendMaximumAssignments=9,
        ExtendMinimumTimeInSeconds=3600,
    )
    hit = bench.hit(MaxAssignments=5, HITReviewPolicy=policy)
    submit(bench, hit, {"A": "x"}, {"A": "y"})
    if way == "abandoned":
        bench.accepted(hit)
    if way != "by time":
        bench.expire(hit)
    bench.market.advance(timedelta(hours=1))
    assert bench.state(hit)[0] == "Reviewable"
    results, actions = report(bench, hit)
    assert ([each for each in results if each[2] == "HitAgreementScore"], actions) == (
        [(hit, None, "HitAgreementScore", "0")],
        [],
    )


def test_a_hit_nobody_did_has_nothing_to_compare(bench: Bench) -> None:
    hit = bench.hit(HITReviewPolicy=plurality())
    bench.expire(hit)
    assert report(bench, hit) == ([], [])


@pytest.mark.parametrize(("flag", "agreed"), [("T", "true"), ("F", "false")])
def test_rejected_work_may_be_left_out_of_the_comparison(bench: Bench, flag: str, agreed: str) -> None:
    hit = bench.hit(MaxAssignments=3, HITReviewPolicy=plurality("A", 60, DisregardAssignmentIfRejected=flag))
    (bad,) = submit(bench, hit, {"A": "x"})
    bench.reject(bad)
    work = submit(bench, hit, {"A": "y"}, {"A": "y"}) if flag == "T" else submit(bench, hit, {"A": "y"}, {"A": "z"})
    results, _ = report(bench, hit)
    assert (hit, "A", "AgreedAnswerFound", agreed) in results
    counted = {subject for subject, *_ in results} - {hit}
    assert counted == {*work, *([] if flag == "T" else [bad])}


def test_work_with_a_low_score_on_known_answers_may_be_left_out(bench: Bench) -> None:
    hit = bench.hit(
        MaxAssignments=3,
        AssignmentReviewPolicy=known({"G": ["gold"]}),
        HITReviewPolicy=plurality("A", 60, DisregardAssignmentIfKnownAnswerScoreIsLessThan=100),
    )
    work = submit(bench, hit, {"A": "x", "G": "lead"}, {"A": "y", "G": "gold"}, {"A": "y", "G": "gold"})
    results, _ = report(bench, hit)
    assert (hit, "A", "AnswerAgreementScore", "100") in results
    assert work[0] not in {subject for subject, *_ in results}


@pytest.mark.parametrize(
    ("answers", "threshold", "agreed"),
    [
        (["x", "x ", "y"], 65, "x"),
        (["x", "x", "y"], 66, None),
        (["x", "X"], 40, None),
        (["x", "x", "y", "y"], 40, None),
        (["x", "y", "z" * 257], 49, None),
        (["x", "x", "z" * 257], 99, "x"),
        (["a|b", "b|a", "a"], 50, None),
    ],
)
def test_an_answer_is_agreed_on_above_the_threshold(
    bench: Bench, answers: list[str], threshold: int, agreed: str | None
) -> None:
    hit = bench.hit(MaxAssignments=len(answers), HITReviewPolicy=plurality("A", threshold))
    submit(bench, hit, *({"A": answer} for answer in answers))
    found = [value for _, _, key, value in report(bench, hit)[0] if key == "AgreedAnswer"]
    assert found == ([] if agreed is None else [agreed])


def test_an_assignments_policy_goes_first_and_may_keep_the_hit_from_being_compared(bench: Bench) -> None:
    hit = bench.hit(
        AssignmentReviewPolicy=known(RejectIfKnownAnswerScoreIsLessThan=60, ExtendIfKnownAnswerScoreIsLessThan=60),
        HITReviewPolicy=plurality("one"),
    )
    submit(bench, hit, {"one": "a"})
    assert (bench.state(hit)[0], report(bench, hit)) == ("Assignable", ([], []))
    submit(bench, hit, {"one": "a", "two": "b|c"})
    assert (hit, None, "HitAgreementScore", "100") in report(bench, hit)[0]


def test_an_answer_of_any_length_is_scored(bench: Bench) -> None:
    hit = bench.hit(AssignmentReviewPolicy=known({"one": ["a"]}, RejectIfKnownAnswerScoreIsLessThan=100))
    (assignment,) = submit(bench, hit, {"one": "a", "essay": "x" * 100_000})
    assert statuses(bench, assignment) == ["Submitted"]


def test_reports_come_in_pages_of_the_levels_and_kinds_asked_for(bench: Bench) -> None:
    policies = {"AssignmentReviewPolicy": known(), "HITReviewPolicy": plurality("one")}
    hit = bench.hit(**policies)
    listing = bench.market.list_review_policy_results_for_hit
    empty: dict[str, Any] = {"ReviewResults": [], "ReviewActions": []}
    nothing = {"HITId": hit, "AssignmentReviewReport": empty, "HITReviewReport": empty, **policies}
    assert listing(REQUESTER, {"HITId": hit}) == nothing
    submit(bench, hit, {"one": "a"})
    whole = listing(REQUESTER, {"HITId": hit})
    seen: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = listing(REQUESTER, {"HITId": hit, "MaxResults": 2, **token})
        reports = [page["AssignmentReviewReport"], page["HITReviewReport"]]
        rows = [row["ActionId"] for each in reports for kind in each.values() for row in kind]
        assert len(rows) <= 2
        seen += rows
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    every = [whole["AssignmentReviewReport"], whole["HITReviewReport"]]
    assert set(seen) == {row["ActionId"] for each in every for kind in each.values() for row in kind}
    assert len(seen) == len(set(seen))
    only = listing(REQUESTER, {"HITId": hit, "PolicyLevels": ["HIT"], "RetrieveActions": False})
    assert set(only) == {"HITId", "HITReviewPolicy", "HITReviewReport", "NextToken"}
    assert set(only["HITReviewReport"]) == {"ReviewResults"}
    (done,) = whole["HITReviewReport"]["ReviewActions"]
    assert (done["ActionName"], done["TargetId"], done["TargetType"], done["Status"], done["CompleteTime"]) == (
        "review",
        hit,
        "HIT",
        "Succeeded",
        bench.market.now(),
    )


@pytest.mark.parametrize(
    ("member", "policy", "says"),
    [
        ("AssignmentReviewPolicy", plurality(), "is not a policy for"),
        ("HITReviewPolicy", known(), "is not a policy for"),
        ("AssignmentReviewPolicy", {"PolicyName": KNOWN}, "AnswerKey"),
        (
            "AssignmentReviewPolicy",
            twice(0),
            "The parameter AnswerKey of ScoreMyKnownAnswers/2011-09-01 is given twice",
        ),
        ("AssignmentReviewPolicy", twice(1), "is given twice"),
        ("AssignmentReviewPolicy", known(ApproveIfKnownAnswerScoreIsAtLeast=102), "from 0 to 101"),
        ("AssignmentReviewPolicy", known(RejectIfKnownAnswerScoreIsLessThan="-1"), "from 0 to 101"),
        ("AssignmentReviewPolicy", known(ExtendIfKnownAnswerScoreIsLessThan="half"), "from 0 to 101"),
        ("AssignmentReviewPolicy", known(ExtendMaximumAssignments=26), "from 2 to 25"),
        ("AssignmentReviewPolicy", known(ExtendMinimumTimeInSeconds=59), "from 60 to 31536000"),
        ("AssignmentReviewPolicy", known(RejectReason=["a", "b"]), "one value"),
        ("AssignmentReviewPolicy", known(RejectReason="bell\x07"), "control characters"),
        ("AssignmentReviewPolicy", known(ApproveIfScoreIsAtLeast=5), "no parameter ApproveIfScoreIsAtLeast"),
        ("HITReviewPolicy", {"PolicyName": PLURALITY}, "QuestionIds"),
        ("HITReviewPolicy", {"PolicyName": PLURALITY, "Parameters": parameters({"QuestionIds": "A"})}, "Threshold"),
        ("HITReviewPolicy", plurality(DisregardAssignmentIfRejected="maybe"), "T or F"),
        ("HITReviewPolicy", plurality(ExtendIfHITAgreementScoreIsLessThan=50), "ExtendMaximumAssignments"),
        (
            "HITReviewPolicy",
            plurality(ExtendIfHITAgreementScoreIsLessThan=50, ExtendMaximumAssignments=5),
            "ExtendMinimumTimeInSeconds",
        ),
        ("HITReviewPolicy", plurality(ExtendIfHITAgreementScoreIsLessThan=101), "from 1 to 100"),
        ("HITReviewPolicy", plurality(ExtendMinimumTimeInSeconds=60), "from 3600 to 31536000"),
    ],
)
def test_a_policy_with_other_parameters_is_refused(
    bench: Bench, member: str, policy: dict[str, Any], says: str
) -> None:
    with refused("InvalidParameterValue", says):
        bench.hit(**{member: policy})


def test_a_policy_stored_before_it_was_checked_stops_nobodys_work(bench: Bench) -> None:
    hit = bench.hit(AssignmentReviewPolicy=known(), HITReviewPolicy=plurality())
    with bench.market._database.write() as connection:
        old = """UPDATE market_hit SET assignment_policy = '{"PolicyName": "x"}', hit_policy = '{"PolicyName": "y"}'"""
        connection.execute(text(old))
    (assignment,) = submit(bench, hit, {"one": "a"})
    assert statuses(bench, assignment) == ["Submitted"]
