"""Approving, rejecting, messaging, blocking and excluding from a table: each row its own words."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standard_input import standard_input
from study_support import Study, worker

from turkctl.errors import UsageError
from turkctl.market.errors import insufficient_funds
from turkctl.operations.payments.from_file import prepare_bonus_file
from turkctl.operations.selection.file_rows import COLUMNS, NOTHING, WORK, FileRows
from turkctl.operations.sync.run import sync
from turkctl.operations.workers.approve import prepare_approve_file
from turkctl.operations.workers.block import prepare_block_file
from turkctl.operations.workers.exclude import prepare_exclude_file
from turkctl.operations.workers.message import prepare_message_file
from turkctl.operations.workers.reject import prepare_reject_file
from turkctl.rows import opened

HEAD = "HITId,AssignmentId,WorkerId,Approve,Reject\n"

Prepare = Callable[..., tuple[Any, Any]]


def submitted(study: Study, number: int = 3) -> list[str]:
    made = [study.submit(hit, worker(each))[0] for each, hit in enumerate(study.post(1, hits=number))]
    sync(study.world)
    study.requests()
    return made


def table(study: Study, text: str) -> Path:
    path = study.folder / "review.csv"
    path.write_text(text, encoding="utf-8")
    return path


def do(study: Study, prepare: Prepare, text: str, /, **given: Any) -> Any:
    return study.apply(prepare(study.world, table(study, text), sys.stdin, **given))


def decided(study: Study) -> dict[str, tuple[str, str | None]]:
    rows = study.sql("SELECT assignment_id, status, feedback FROM turkctl_assignment")
    return {name: (status, feedback) for name, status, feedback in rows if status != "Submitted"}


def told(study: Study, assignment_id: str) -> str | None:
    return study.world.mturk.get_assignment(assignment_id).feedback


def errors(result: Any) -> list[str]:
    return [item.error.message for item in result.results if item.error]


def test_one_file_says_what_to_approve_and_what_to_reject_each_with_its_reason(study: Study) -> None:
    first, second, third = submitted(study)
    text = f"{HEAD}H,{first},{worker(0)},x,\nH,{second},{worker(1)},,Wrong completion code\nH,{third},,,\n"
    approved = do(study, prepare_approve_file, text)
    assert [(item.id, item.status) for item in approved.results] == [(first, "approved"), (third, "skipped")]
    assert decided(study) == {first: ("Approved", None)}
    rejected = do(study, prepare_reject_file, text)
    assert [(item.id, item.status) for item in rejected.results] == [(second, "rejected"), (third, "skipped")]
    assert decided(study)[second] == ("Rejected", "Wrong completion code")
    assert told(study, second) == "Wrong completion code"


def test_giving_the_same_file_again_does_only_the_rest(study: Study) -> None:
    first, second, _third = submitted(study)
    text = f"{HEAD}H,{first},,,No answers\nH,{second},,,No code\n"
    plan, act = prepare_reject_file(study.world, table(study, text), sys.stdin)
    study.apply((type(plan)(plan.action, plan.mode, plan.steps[:1]), act))
    study.requests()
    again = do(study, prepare_reject_file, text)
    assert [(item.id, item.status) for item in again.results] == [(second, "rejected"), (first, "skipped")]
    assert study.requests()["RejectAssignment"] == 1
    assert told(study, first) == "No answers"


@pytest.mark.parametrize("prepare", [prepare_approve_file, prepare_reject_file])
@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("H,{0},,x,bad\n", r"row 2: {0} is marked both in Approve and in Reject"),
        ("H,{1},,x,\nH,{0},,x,\nH,{0},,,bad\n", r"row 4: this row would reject {0}, and row 3 would approve it"),
        ("H,{0},,,bad\nH,{0},,,worse\n", r"row 3: row 2 has another reason for {0}"),
        ("H,{0},,x\n", r"row 2: 4 cells, but the header has 5"),
    ],
)
def test_a_file_that_contradicts_itself_decides_nothing(study: Study, prepare: Prepare, rows: str, words: str) -> None:
    made = submitted(study)
    with pytest.raises(UsageError, match=words.format(*made) + ".*; nothing was decided"):
        do(study, prepare, HEAD + rows.format(*made))
    assert (decided(study), study.requests().get("RejectAssignment")) == ({}, None)


def test_a_worker_whose_work_is_approved_and_rejected_in_one_file_is_a_contradiction(study: Study) -> None:
    made = submitted(study)
    with pytest.raises(UsageError, match=rf"row 3 would reject {made[0]}, and row 2 approve all work of {worker(0)}"):
        do(study, prepare_approve_file, f"id,approve,reject\n{worker(0)},x,\n{made[0]},,no code\n")
    assert decided(study) == {}


def test_rows_without_an_id_or_with_one_that_nobody_has_fail_alone(study: Study) -> None:
    first, *_others = submitted(study)
    text = f"AssignmentId,Approve,Reject\n{first},x,\n3.0E+20,x,\n,x,\n00123,x,\n,,late\n"
    done = do(study, prepare_approve_file, text)
    assert (done.succeeded, done.failed, done.exit_code) == (1, 3, 1)
    assert errors(done) == [
        "row 3: there is no worker or assignment '3.0E+20'",
        "row 5: there is no worker or assignment 00123",
        "row 4: the id is missing",
    ]
    assert errors(do(study, prepare_reject_file, text)) == ["row 6: the id is missing"]


def test_what_the_market_refuses_is_told_with_its_row(study: Study) -> None:
    first, *_others = submitted(study)

    def refuse(operation: str) -> None:
        if operation == "ApproveAssignment":
            raise insufficient_funds()

    study.world.endpoint.before = refuse
    done = do(study, prepare_approve_file, f"id,approve\n\n{first},x\n")
    assert [each[:6] for each in errors(done)] == ["row 3:"]


def test_the_words_of_other_programs_for_empty_and_for_no_are_no_marks(study: Study) -> None:
    made = submitted(study)
    text = "AssignmentId;Approve;Reject\n" + "".join(
        f"{name};{approve};{reject}\n"
        for name, approve, reject in zip(made, ("TRUE", "NA", "0"), ("NA", "0", "nan"), strict=True)
    )
    assert [step.id for step in prepare_approve_file(study.world, table(study, text), sys.stdin)[0].steps] == made[:1]
    assert prepare_reject_file(study.world, table(study, text), sys.stdin)[0].steps == ()


def test_a_mark_in_reject_is_no_reason(study: Study) -> None:
    first, second, _third = submitted(study)
    text = f"AssignmentId,Reject\n{first},x\n{second},No code\n"
    with pytest.raises(UsageError, match="row 2: a rejection needs a reason, which the worker reads; nothing was"):
        do(study, prepare_reject_file, text)
    do(study, prepare_reject_file, text, feedback="No answers")
    assert (told(study, first), told(study, second)) == ("No answers", "No code")


def test_our_own_columns_take_every_row(study: Study) -> None:
    first, second, third = submitted(study)
    do(study, prepare_approve_file, f"assignment_id,feedback\n{first},Well done\n", feedback="Thank you")
    do(study, prepare_approve_file, f"worker_id\n{worker(1)}\n", feedback="Thank you")
    do(study, prepare_reject_file, json.dumps([{"id": third, "reason": "No answers"}]))
    assert [told(study, each) for each in (first, second, third)] == ["Well done", "Thank you", "No answers"]


def test_a_reason_beside_amounts_is_about_bonuses(study: Study) -> None:
    first, second, third = submitted(study)
    text = (
        "AssignmentId,WorkerId,Approve,Reject,BonusAmount,Reason\n"
        f"{first},{worker(0)},x,,0.10,The best answer\n{second},{worker(1)},x,,,\n{third},{worker(2)},,No code,,\n"
    )
    do(study, prepare_approve_file, text)
    do(study, prepare_reject_file, text)
    assert [told(study, each) for each in (first, second, third)] == [None, None, "No code"]
    paid = do(study, prepare_bonus_file, text)
    assert [(item.id, item.status) for item in paid.results] == [(first, "bonused")]
    assert study.sql("SELECT reason FROM turkctl_payment WHERE kind = 'bonus'") == [("The best answer",)]


@pytest.mark.parametrize(
    ("prepare", "head", "given"),
    [
        (prepare_approve_file, "assignment_id,approve", {}),
        (prepare_reject_file, "assignment_id,reject", {"feedback": "Late"}),
        (prepare_message_file, "worker_id,note", {"subject": "Hello", "text": "Come again"}),
        (prepare_block_file, "worker_id,note", {"reason": None}),
        (prepare_exclude_file, "assignment_id,note", {}),
        (prepare_bonus_file, "assignment_id,amount", {"reason": "Thanks"}),
    ],
)
def test_an_id_that_a_spreadsheet_made_a_number_of_is_a_failed_item_and_a_note(
    study: Study, prepare: Prepare, head: str, given: dict[str, Any]
) -> None:
    plan, _act = prepare(study.world, table(study, f"{head}\n\n3.1E+29,1\n"), sys.stdin, **given)
    assert [(item.id, item.status, item.error.message[:7]) for item in plan.skipped] == [
        ("3.1E+29", "failed", "row 3: ")
    ]
    assert [note[:54] for note in plan.notes] == ["a spreadsheet made numbers of ids: row 3 (3.1E+29); fo"]


@pytest.mark.parametrize("prepare", [prepare_approve_file, prepare_reject_file, prepare_bonus_file])
def test_a_row_with_another_worker_than_did_the_work_is_told_of(study: Study, prepare: Prepare) -> None:
    first, second, _third = submitted(study)
    mark = "reject" if prepare is prepare_reject_file else "approve"
    rows = f"{first},{worker(0)},late,0.10,late\n{second},{worker(2)},late,0.20,late\n"
    text = f"assignment_id,worker_id,{mark},amount,reason\n{rows}"
    plan, _act = prepare(study.world, table(study, text), sys.stdin)
    (note,) = [each for each in plan.notes if "another worker" in each]
    assert note.endswith(f": row 3 ({second}: {worker(1)} did it, not {worker(2)})")


@pytest.mark.parametrize(
    ("prepare", "given", "words"),
    [
        (prepare_approve_file, {}, "id, assignment_id, worker_id, worker or own_id"),
        (prepare_reject_file, {}, "id or assignment_id"),
        (prepare_message_file, {"subject": "s", "text": "t"}, "worker_id, worker, own_id or id"),
        (prepare_block_file, {"reason": None}, "worker_id, worker, own_id or id"),
        (prepare_exclude_file, {}, "id, assignment_id, worker_id, worker or own_id"),
        (prepare_bonus_file, {}, "id, assignment_id, worker_id, worker or own_id"),
    ],
)
def test_a_file_without_its_columns_says_which_were_looked_for(
    study: Study, prepare: Prepare, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=f"has no column {words}") as refused:
        do(study, prepare, "one,other\n1,2\n", **given)
    assert refused.value.hint == "the columns are one, other"


@pytest.mark.parametrize(
    ("prepare", "head", "words"),
    [
        (prepare_approve_file, "id,reject", "has no column approve"),
        (prepare_reject_file, "id,approve,reason", "has no column reject"),
        (prepare_reject_file, "id,note", "has no column reject or feedback"),
        (prepare_message_file, "id,subject", "has no column text"),
    ],
)
def test_a_file_without_what_it_should_say_is_refused(study: Study, prepare: Prepare, head: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        do(study, prepare, f"{head}\nA1,x{',x' * (head.count(',') - 1)}\n")


def readers(study: Study, number: int) -> list[str]:
    for hit, each in zip(study.post(1, hits=number), range(number), strict=True):
        study.world.mturk.approve(study.submit(hit, worker(each))[0])
    study.requests()
    return [worker(each) for each in range(number)]


def inbox(study: Study, worker_id: str) -> list[tuple[str, str]]:
    letters = study.world.market.messages("production", worker_id)
    return [(each["Subject"], each["MessageText"]) for each in letters]


def test_everybody_gets_the_text_of_their_row_and_one_request_carries_those_who_get_the_same(study: Study) -> None:
    one, two, three = readers(study, 3)
    text = f"WorkerId,Subject,Text\n{one},,Code 1\n{two},Hi,Come\n{three},,Code 1\n{one},,Code 1\n3E+20,,Code 1\n"
    done = do(study, prepare_message_file, text, subject="Your code")
    assert (done.succeeded, [each[:6] for each in errors(done)]) == (3, ["row 6:"])
    assert study.requests()["NotifyWorkers"] == 2
    assert [inbox(study, each) for each in (one, two, three)] == [
        [("Your code", "Code 1")],
        [("Hi", "Come")],
        [("Your code", "Code 1")],
    ]
    with pytest.raises(UsageError, match=r"row 2: the text is empty, for .*; nothing was sent"):
        do(study, prepare_message_file, f"WorkerId,Text\n{one},\n", subject="Your code")


class DiedError(BaseException):
    """The process is gone."""


def test_a_file_of_messages_given_again_after_a_crash_sends_only_the_rest(study: Study) -> None:
    study.world.workers = 1
    people = readers(study, 3)
    text = "worker_id,text\n" + "".join(f"{each},Code {number}\n" for number, each in enumerate(people))
    requests = iter(range(9))

    def die(operation: str) -> None:
        if operation == "NotifyWorkers" and next(requests):
            raise DiedError

    study.world.endpoint.before = die
    with pytest.raises(DiedError):
        do(study, prepare_message_file, text, subject="Code")
    study.world.endpoint.before = None
    other = prepare_message_file(study.world, table(study, text.replace("Code 2", "Code 3")), sys.stdin, subject="Code")
    assert len(other[0].steps) == 3
    again = do(study, prepare_message_file, text, subject="Code")
    became = {item.id: item.status for item in again.results}
    assert became[people[0]] in ("already_done", "skipped"), "it is out, whether or not that was recorded"
    assert became[people[1]] == "skipped", "nobody knows of the one under way"
    assert [inbox(study, each) for each in people[:2]] == [[("Code", "Code 0")], []]
    assert inbox(study, people[2]) == ([("Code", "Code 2")] if became[people[2]] == "messaged" else [])


def test_workers_are_blocked_each_for_the_reason_of_their_row(study: Study) -> None:
    submitted(study)
    text = f"WorkerId,Reason\n{worker(0)},A script\n{worker(1)},\nnobody,x\n{worker(0)},A script\n"
    done = do(study, prepare_block_file, text, reason="robots")
    assert [(item.id, item.status, item.detail) for item in done.results] == [
        (worker(0), "blocked", "A script"),
        (worker(1), "blocked", "robots"),
        ("nobody", "failed", None),
    ]
    reasons = {each.worker_id: each.reason for each in study.world.mturk.list_blocks()}
    assert reasons == {worker(0): "A script", worker(1): "robots"}
    with pytest.raises(UsageError, match=r"row 3: row 2 gives another reason for .*; nothing was done"):
        do(study, prepare_block_file, f"WorkerId,Reason\n{worker(2)},a\n{worker(2)},b\n", reason=None)
    assert do(study, prepare_block_file, text, reason=None, unblock=True).succeeded == 2


def test_those_of_a_file_are_kept_out_of_later_hits(study: Study) -> None:
    first, *_others = submitted(study)
    done = do(study, prepare_exclude_file, f"AssignmentId,WorkerId\n{first},{worker(0)}\n3.1E+29,\n,x\n")
    assert [(item.id, item.status) for item in done.results] == [
        (worker(0), "excluded"),
        ("3.1E+29", "failed"),
        ("row 4", "failed"),
    ]
    assert [each[:6] for each in errors(done)] == ["row 3:", "row 4:"]
    assert do(study, prepare_exclude_file, "AssignmentId\n").results == []


CELLS = st.one_of(st.sampled_from(["x", "no", "", *sorted(NOTHING)]), st.text(max_size=12))


@given(st.lists(st.dictionaries(st.sampled_from(["AssignmentId", "Reject", "feedback"]), CELLS), max_size=5))
def test_any_rows_are_read_or_bad(rows: list[dict[str, str]]) -> None:
    text = "\n".join(json.dumps({"AssignmentId": "", "Reject": "", **row}) for row in rows)
    if not rows:
        return
    with opened("-", standard_input(text.encode("utf-8", "surrogatepass"))) as found:
        given = FileRows(found, WORK, *COLUMNS)
        read = list(given.read())
    assert len(read) + len(given.bad) == len(rows)
    assert all(text not in NOTHING for each in read for text in each.texts.values())
