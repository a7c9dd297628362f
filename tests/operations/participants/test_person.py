"""One worker with all that the database knows of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from dispatch_support import ContentStudy
from study_support import Study, everything, new_study, worker

from turkctl.errors import NotFoundError
from turkctl.operations.participants.person import OF_MESSAGE, OF_PARTICIPANT, show_person
from turkctl.operations.payments.bonus import prepare_bonus
from turkctl.operations.payments.compensate import CompensateRequest, compensate, prepare_compensate
from turkctl.operations.payments.orders import BonusRequest
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.sync.run import sync
from turkctl.operations.workers.approve import prepare_approve
from turkctl.operations.workers.assignments import list_assignments
from turkctl.operations.workers.block import prepare_block
from turkctl.operations.workers.exclude import prepare_exclude
from turkctl.operations.workers.lists import list_workers
from turkctl.operations.workers.message import MessageRequest, prepare_message
from turkctl.operations.workers.reject import prepare_reject
from turkctl.store import contents_gold

ALL = WorkSelection(everything())
ANNA, BEN = worker(1), worker(2)


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    """Two experiments, and no waiting."""
    with new_study(tmp_path, {"stroop": "1.0", "flanker": "2.0"}, turned=True) as made:
        yield made


def done(study: Study, who: str, hit: str, minutes: int = 6) -> str:
    assignment = study.accept(hit, who)
    study.pass_time(minutes=minutes)
    return study.finish(who, assignment)


def only(*ids: str) -> WorkSelection:
    return WorkSelection(Selection(ids=ids))


@pytest.fixture
def worked(study: Study) -> Study:
    """Anna did one HIT well and one badly, and one that waits; Ben did one."""
    first, second, third = study.post(3)[0], study.post(3, experiment="flanker")[0], study.post(3)[0]
    good, bad, _waits = (done(study, ANNA, hit) for hit in (first, second, third))
    other = done(study, BEN, first)
    sync(study.world)
    study.apply(prepare_approve(study.world, only(good, other)))
    study.apply(prepare_reject(study.world, [bad], "empty"))
    study.apply(prepare_bonus(study.world, only(good, other), BonusRequest("more", Decimal("0.10"))))
    return study


def test_the_work_is_that_of_the_list_and_the_counts_are_those_of_workers_list(worked: Study) -> None:
    person = show_person(worked.world, ANNA)
    assert person["work"] == list_assignments(worked.world, only(ANNA))
    (row,) = list_workers(worked.world, only(ANNA))
    for name in ("assignments", "submitted", "approved", "rejected", "last_seen"):
        assert person[name] == row[name]
    assert (person["assignments"], person["submitted"], person["approved"], person["rejected"]) == (3, 1, 1, 1)
    assert {each["experiment"] for each in person["work"]} == {"stroop", "flanker"}


def test_money_is_summed_by_kind_and_the_wage_is_per_hour(worked: Study) -> None:
    person = show_person(worked.world, ANNA)
    money = person["money"]
    assert (money["rewards"], money["bonuses"], money["compensation"]) == (Decimal("0.50"), Decimal("0.10"), 0)
    assert (money["fees"], money["total"]) == (Decimal("0.12"), Decimal("0.72"))
    assert person["wage"] == pytest.approx(Decimal(6), abs=Decimal("0.2"))
    assert person["hours"] == pytest.approx(0.1, abs=0.01)


def test_messages_say_whether_they_arrived(worked: Study) -> None:
    world = worked.world
    worked.apply(prepare_message(world, MessageRequest((ANNA, BEN), "Thank you", "Come again")))
    worked.apply(prepare_message(world, MessageRequest((BEN,), ANNA, f'Do you know "{ANNA}"?')))
    worked.apply(prepare_message(world, MessageRequest((ANNA, "ASTRANGER"), "More", "Soon")))
    messages = show_person(world, ANNA)["messages"]
    assert all(tuple(each) == OF_MESSAGE for each in messages)
    assert [(each["subject"], each["text"], each["delivered"]) for each in messages] == [
        ("Thank you", "Come again", True),
        ("More", "Soon", True),
    ]
    assert all(each["sent"] is not None for each in messages)
    (stranger,) = show_person(world, "ASTRANGER")["messages"]
    assert (stranger["subject"], stranger["delivered"], bool(stranger["detail"])) == ("More", False, True)


def test_a_message_that_got_no_answer_may_have_arrived(worked: Study) -> None:
    worked.switch(answer_lost=1.0)
    worked.apply(prepare_message(worked.world, MessageRequest((ANNA,), "Thank you", "Come again")))
    (message,) = show_person(worked.world, ANNA)["messages"]
    assert (message["delivered"], message["detail"]) == (None, "it may have been sent")


def test_a_compensation_is_told_of_and_paid_apart(worked: Study) -> None:
    request = CompensateRequest(ANNA, Decimal("2.00"), "Our server broke", None, timedelta(days=1))
    compensate(worked.world, prepare_compensate(worked.world, request))
    ((posted,),) = worked.sql("SELECT hit_id FROM turkctl_hit WHERE reward = 2000000")
    done(worked, ANNA, posted)
    sync(worked.world)
    worked.apply(prepare_approve(worked.world, WorkSelection(Selection(), (posted,))))
    person = show_person(worked.world, ANNA)
    assert person["money"]["compensation"] == Decimal("2.00")
    (message,) = person["messages"]
    assert (message["about"], message["delivered"]) == ("compensation", True)
    assert show_person(worked.world, BEN)["messages"] == []


def test_what_they_are_kept_out_of_and_whether_they_are_blocked(worked: Study) -> None:
    worked.apply(prepare_exclude(worked.world, WorkSelection(Selection(ids=(ANNA,), experiment="flanker"))))
    worked.apply(prepare_block(worked.world, [ANNA], "A script"))
    person = show_person(worked.world, ANNA)
    assert {each["experiment"] for each in person["exclusions"]} == {"flanker"}
    assert person["blocked"] is None
    assert show_person(worked.world, ANNA, refresh=True)["blocked"] is True
    assert show_person(worked.world, BEN, refresh=True)["blocked"] is False
    assert "flanker" not in {each["experiment"] for each in show_person(worked.world, BEN)["exclusions"]}


def test_psiturks_rows_are_those_of_this_mode(worked: Study) -> None:
    for name, mode in (("1", "local"), ("2", "debug")):
        worked.write(
            "INSERT INTO assignments (uniqueid, assignmentid, workerid, hitid, cond, codeversion, status, mode)"
            " VALUES (:u, :a, 'AVISITOR', '3OLD', 4, '0.9', 2, :m)",
            u=f"AVISITOR:{name}",
            a=name,
            m=mode,
        )
    person = show_person(worked.world, "AVISITOR")
    assert (person["assignments"], person["work"], person["last_seen"]) == (0, [], None)
    (row,) = person["participants"]
    assert tuple(row) == OF_PARTICIPANT
    assert (row["uniqueid"], row["condition"], row["status"]) == ("AVISITOR:1", 4, "started")
    assert len(show_person(worked.world, ANNA)["participants"]) == 3


def test_nobody_is_shown_by_the_id_of_an_assignment_or_of_somebody_unknown(worked: Study) -> None:
    ((assignment,), *_) = worked.sql("SELECT assignment_id FROM turkctl_assignment")
    for name in (assignment, "ANOBODY", "", ANNA[:-1]):
        with pytest.raises(NotFoundError, match="there is no worker"):
            show_person(worked.world, name)


def test_known_answers_are_counted_where_the_settings_name_their_field(tmp_path: Path) -> None:
    keys = 'answer_field = "label_{key}"\ncontents_per_hit = 1\ngold_per_hit = 1\noutputs = 2\n'
    study = ContentStudy(tmp_path, keys)
    study.add("key,url,truth\ng1,x,cat\n", gold="truth")
    study.add_numbered(1)
    study.dispatch()
    (hit,) = study.shown()
    study.answer(hit, 1, label_g1="cat")
    study.answer(hit, 2, label_g1="dog")
    study.sync()
    gold: dict[str, Any] = {}
    for number in (1, 2):
        person = show_person(study.world, worker(number))
        gold[worker(number)] = (person["gold_n"], person["gold_accuracy"])
        (row,) = list_workers(study.world, only(worker(number)), gold=True)
        assert gold[worker(number)] == (row["gold_n"], row["gold_accuracy"])
    assert gold == {worker(1): (1, 1.0), worker(2): (1, 0.0)}
    with study.world.database.read() as session:
        read = list(contents_gold.submissions(session, study.world.place, None, worker(2)))
    assert [each.worker_id for each in read] == [worker(2)], "nobody else's answers are read"
    study.world.close()


def test_known_answers_are_unknown_where_no_settings_name_their_field(tmp_path: Path) -> None:
    study = ContentStudy(tmp_path, "gold_per_hit = 1\n")
    study.add("key,url,truth\ng1,x,cat\n", gold="truth")
    study.add_numbered(1)
    study.dispatch()
    (hit,) = study.shown()
    study.answer(hit, 1, label="cat")
    study.sync()
    person = show_person(study.world, worker(1))
    assert (person["gold_n"], person["gold_accuracy"]) == (None, None)
    study.world.close()
