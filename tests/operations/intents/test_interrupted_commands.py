"""What the same command does after one that was interrupted, is at work, is old, or had other settings."""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text
from study_support import Study, worker

from turkctl.errors import FundsError, RefusedError, UsageError
from turkctl.market.errors import RequestError
from turkctl.market.protocol.endpoint import CutAnswerError
from turkctl.operations.engine.plan import BatchResult, Plan
from turkctl.operations.experiments.stored import find_active_experiment, settings_of
from turkctl.operations.hits.create import CreateRequest, prepare_create
from turkctl.operations.hits.expire import prepare_expire
from turkctl.operations.hits.extend import ExtendRequest, prepare_extend
from turkctl.operations.intents.runs import RunAtWorkError, RunOvertakenError, StaleRunError
from turkctl.operations.payments.compensate import CompensateRequest, compensate, prepare_compensate
from turkctl.operations.selection.hits import Selection
from turkctl.operations.workers.message import MessageRequest, prepare_message
from turkctl.store import leases

WEEK = timedelta(days=7)
PATIENCE = 0.0


class DiedError(BaseException):
    """Stands for the end of the process."""


@dataclass
class Case:
    """One act: how it is prepared and applied, and how much of it is on the market."""

    operation: str
    items: int
    prepare: Callable[..., Any]
    apply: Callable[[Any], BatchResult]
    made: Callable[[], Any]
    once: Any
    """What ``made`` says when the act was done once."""

    def run(self, **changes: Any) -> BatchResult:
        return self.apply(self.prepare(**changes))

    def plan(self, **changes: Any) -> Plan[Any]:
        prepared = self.prepare(**changes)
        return prepared[0] if isinstance(prepared, tuple) else prepared


def quick(study: Study) -> Callable[[Any], BatchResult]:
    return lambda prepared: study.apply(prepared, workers=8, patience=PATIENCE, sleep=lambda _seconds: None)


def creation(study: Study) -> Case:
    request = CreateRequest("stroop", 2, 3)
    return Case(
        "CreateHIT",
        3,
        lambda **changes: prepare_create(study.world, replace(request, **changes)),
        quick(study),
        lambda: len(list(study.world.mturk.list_hits())),
        3,
    )


def listed(study: Study) -> list[Any]:
    return list(study.world.mturk.list_hits())


def extension(study: Study) -> Case:
    request = ExtendRequest(tuple(study.post(2, hits=3)), 3, WEEK)
    ends = {hit.hit_id: hit.expires.replace(microsecond=0) + WEEK for hit in listed(study)}

    def made() -> Any:
        return {hit.hit_id: (hit.max_assignments, hit.expires.replace(microsecond=0)) for hit in listed(study)}

    return Case(
        "CreateAdditionalAssignmentsForHIT",
        3,
        lambda **changes: prepare_extend(study.world, replace(request, **changes)),
        quick(study),
        made,
        {hit_id: (5, until) for hit_id, until in ends.items()},
    )


def compensation(study: Study) -> Case:
    study.world.market.register_worker("production", worker(1))
    request = CompensateRequest(worker(1), Decimal("2.50"), "The server broke")
    before = len(list(study.world.mturk.list_hits()))
    return Case(
        "CreateHIT",
        1,
        lambda **changes: prepare_compensate(study.world, replace(request, **changes)),
        lambda plan: compensate(study.world, plan),
        lambda: len(list(study.world.mturk.list_hits())) - before,
        1,
    )


CASES = (creation, extension, compensation)


@pytest.fixture(params=CASES, ids=lambda case: case.__name__)
def case(request: pytest.FixtureRequest, study: Study) -> Case:
    made: Case = request.param(study)
    study.requests()
    return made


def die_with_all(study: Study, case: Case, where: str = "after") -> None:
    """Let the process end when every request of the act has arrived, or is about to, and none is recorded."""
    together = threading.Barrier(case.items)

    def die(operation: str) -> None:
        if operation == case.operation:
            together.wait(timeout=20)
            raise DiedError

    setattr(study.world.endpoint, where, die)
    with pytest.raises(DiedError):
        case.run()
    setattr(study.world.endpoint, where, None)


def states(study: Study) -> list[str]:
    return [state for (state,) in study.sql("SELECT state FROM turkctl_run WHERE identity IS NOT NULL ORDER BY id")]


def left_behind(study: Study) -> None:
    """Make the newest run look as if its process had been killed: at work, by nobody who lives."""
    study.write("UPDATE turkctl_run SET state = 'working' WHERE id = (SELECT max(id) FROM turkctl_run)")


@pytest.mark.parametrize("killed", [False, True], ids=["left", "killed"])
def test_when_all_arrived_and_none_was_recorded_the_same_command_makes_nothing(
    study: Study, case: Case, killed: bool
) -> None:
    die_with_all(study, case)
    assert case.made() == case.once
    if killed:
        left_behind(study)
    again = case.run()
    assert case.made() == case.once
    assert {item.status for item in again.results} <= {"already_done", "compensated"}
    assert (len(again.results), again.exit_code) == (case.items, 0)
    assert states(study)[-1] == "ended"


def test_it_says_that_nothing_is_left_and_names_what_the_first_part_made(study: Study) -> None:
    case = creation(study)
    die_with_all(study, case)
    plan = case.plan()
    assert plan.notes == ("the interrupted run is complete, nothing is left to post; to start another, add --new",)
    assert {item.id for item in plan.skipped} == {hit.hit_id for hit in study.world.mturk.list_hits()}
    assert {item.status for item in plan.skipped} == {"already_done"}


def test_when_every_answer_is_lost_the_same_command_makes_nothing_more(study: Study, case: Case) -> None:
    def lose(operation: str) -> None:
        if operation == case.operation:
            raise CutAnswerError(operation)

    study.world.endpoint.after = lose
    if case.items > 1:
        assert case.run().failed == case.items
    else:
        study.world.endpoint.after = None
        die_with_all(study, case)
    study.world.endpoint.after = None
    assert case.made() == case.once
    assert states(study)[-1] == "incomplete"
    assert case.run().exit_code == 0
    assert case.made() == case.once
    assert states(study)[-1] == "ended"


def test_what_never_went_out_is_done_by_the_same_command(study: Study, case: Case) -> None:
    nothing = case.made()
    die_with_all(study, case, "before")
    plan = case.plan()
    assert "continues the run begun" in plan.notes[-1]
    assert re.search(rf"which left {case.items} (HIT|message|payment)s? undone", plan.notes[-1])
    assert case.run().exit_code == 0
    assert case.made() == case.once != nothing


def test_a_run_that_ended_never_blocks_a_new_one(study: Study) -> None:
    case = creation(study)
    for number in (1, 2):
        assert case.plan().notes == ()
        assert case.run().succeeded == 3
        assert case.made() == 3 * number
    assert states(study) == ["ended", "ended"]


def test_while_it_is_at_work_the_same_command_is_refused_and_new_goes_ahead_beside_it(study: Study) -> None:
    case = creation(study)
    seen: list[Any] = []

    def meanwhile(operation: str) -> None:
        if operation == "CreateHIT":
            study.world.endpoint.before = None
            with pytest.raises(RunAtWorkError, match=f"process {os.getpid()} on ") as refused:
                case.plan()
            seen.append(refused.value.exit_code)
            seen.append(case.run(new=True).succeeded)

    study.world.endpoint.before = meanwhile
    assert study.apply(case.prepare(), workers=1).succeeded == 3
    assert seen == [3, 3]
    assert case.made() == 6


def test_of_two_terminals_that_plan_the_same_at_once_one_works_and_the_other_is_refused(study: Study) -> None:
    case = creation(study)
    first, second = case.prepare(), case.prepare()
    assert case.apply(first).succeeded == 3
    with pytest.raises(RunOvertakenError):
        case.apply(second)
    assert case.made() == 3


def test_of_two_terminals_that_take_the_same_run_up_one_gets_it(study: Study) -> None:
    case = creation(study)
    die_with_all(study, case, "before")
    first, second = case.prepare(), case.prepare()
    assert case.apply(first).succeeded == 3
    with pytest.raises(RunOvertakenError):
        case.apply(second)
    assert case.made() == 3


def meanwhile(monkeypatch: pytest.MonkeyPatch, prepare: Callable[..., Any], act: Callable[[], Any]) -> None:
    """Let another process act once while a command settles: after its first look at the runs, before it finds its."""
    module = sys.modules[prepare.__module__]
    find = module.find_run

    def find_later(*args: Any) -> Any:
        monkeypatch.setattr(module, "find_run", find)
        act()
        return find(*args)

    monkeypatch.setattr(module, "find_run", find_later)


PREPARES = (prepare_create, prepare_extend, prepare_compensate)


@pytest.mark.parametrize("interrupted", [True, False])
def test_what_another_process_carried_out_while_this_one_settled_is_not_done_again(
    study: Study, case: Case, monkeypatch: pytest.MonkeyPatch, interrupted: bool
) -> None:
    if interrupted:
        die_with_all(study, case, "before")
    for prepare in PREPARES:
        meanwhile(monkeypatch, prepare, case.run)
    with pytest.raises(RunOvertakenError) as refused:
        case.run()
    assert refused.value.exit_code == 3
    assert case.made() == case.once
    assert states(study)[-1] == "ended"


def test_an_older_run_that_another_process_ended_while_this_one_settled_is_not_begun_anew(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = creation(study)
    die_with_all(study, case, "before")
    assert case.run(new=True).succeeded == 3
    meanwhile(monkeypatch, prepare_create, case.run)
    with pytest.raises(RunOvertakenError):
        case.run()
    assert case.made() == 6


def given(study: Study, since: float | None) -> None:
    """Let what the study does next belong to a command line that was given at that time, by time.monotonic()."""
    study.world._since = since
    study.world.__dict__.pop("origin", None)


def test_a_command_that_was_given_before_the_same_one_ended_is_not_carried_out_again(either: Study) -> None:
    study = either
    case = creation(study)
    both = time.monotonic()
    given(study, both)
    assert case.run().succeeded == 3
    given(study, both)
    with pytest.raises(RunOvertakenError) as refused:
        case.run()
    assert (refused.value.exit_code, case.made()) == (3, 3)
    assert case.run(new=True).succeeded == 3
    given(study, time.monotonic())
    assert case.run().succeeded == 3
    assert case.made() == 9


def test_a_command_that_was_refused_before_it_did_anything_stands_in_nobodys_way(study: Study) -> None:
    case = creation(study)
    given(study, time.monotonic())
    prepared = case.prepare()
    changed = (
        "UPDATE turkctl_experiment_settings SET settings = json_set(settings, '$.limits.budget', {}), digest = '{}'"
    )
    with study.world.database.read() as session:
        digest = session.connection().execute(text("SELECT digest FROM turkctl_experiment_settings")).scalar()
    study.write(changed.format("'0.10'", "another"))
    with pytest.raises(FundsError):
        case.apply(prepared)
    assert states(study) == ["ended"]
    study.write(changed.format("NULL", digest))
    assert case.run().succeeded == 3


def test_new_begins_another_though_another_process_carried_it_out_meanwhile(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = creation(study)
    meanwhile(monkeypatch, prepare_create, case.run)
    assert case.run(new=True).succeeded == 3
    assert case.made() == 6


def test_a_message_that_another_process_sent_since_the_command_began_is_not_sent_again(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers = known_workers(study, 2)
    request = MessageRequest(workers, "Thank you", "Come again")
    meanwhile(monkeypatch, prepare_message, lambda: study.apply(prepare_message(study.world, request)))
    with pytest.raises(RunOvertakenError):
        prepare_message(study.world, request)
    assert messages(study, workers) == {1}


def test_the_lease_and_not_the_state_says_whether_a_run_is_at_work(study: Study) -> None:
    case = creation(study)
    die_with_all(study, case, "before")
    left_behind(study)
    with study.world.database.write() as session:
        now = leases.machine_clock(session)
        elsewhere = leases.Claimant("x", "lab-2", 99, "another boot", None)
        ((number,),) = session.connection().exec_driver_sql("SELECT max(id) FROM turkctl_run").fetchall()
        held = leases.acquire(session, elsewhere, now, lambda _row: False, leases.of_run(number))
        assert isinstance(held, leases.LeaseGrant)
    with pytest.raises(RunAtWorkError):
        case.plan()
    ended = {"expires": now - timedelta(seconds=1)}
    with study.world.database.write() as session:
        session.connection().execute(leases.LEASES.update().values(**ended))
    assert case.run().succeeded == 3


def test_an_old_run_is_taken_up_or_left_only_when_asked(study: Study, case: Case) -> None:
    die_with_all(study, case)
    study.pass_time(hours=23, minutes=5)
    with pytest.raises(StaleRunError, match=rf"did {case.items} of {case.items}: .* more than 23 hours ago") as refused:
        case.plan()
    assert refused.value.exit_code == 3
    assert "--resume" in str(refused.value.hint)
    assert "--new" in str(refused.value.hint)
    assert case.run(resume=True).exit_code == 0
    assert case.made() == case.once
    assert case.plan().notes == (), "it has ended"


def test_a_run_whose_settings_changed_is_taken_up_with_those_it_was_planned_with(study: Study) -> None:
    case = creation(study)
    die_with_all(study, case, "before")
    study.configure({"stroop": "2.0"})
    with pytest.raises(StaleRunError, match=r"did 0 of 3; .* the settings have changed since"):
        case.plan()
    assert case.run(resume=True).succeeded == 3
    assert study.sql("SELECT code_version, count(*) FROM turkctl_hit GROUP BY code_version") == [("1.0", 3)]


def test_a_value_that_is_the_experiments_own_makes_no_other_command(study: Study) -> None:
    case = creation(study)
    with study.world.database.read() as session:
        own = settings_of(find_active_experiment(session, "stroop", study.world.settings))
    values = {"reward": own.reward, "duration": own.duration, "lifetime": own.lifetime}
    die_with_all(study, case, "before")
    for name, value in values.items():
        assert "continues the run begun" in case.plan(**{name: value}).notes[-1]
        assert "continues the run begun" not in case.plan(**{name: value * 2}).notes[-1]
    assert case.run(**values).succeeded == 3
    assert (case.made(), states(study)) == (3, ["ended"])


def test_a_value_that_was_the_experiments_own_does_not_hide_the_run_when_the_settings_change(study: Study) -> None:
    case = creation(study)
    with study.world.database.read() as session:
        own = settings_of(find_active_experiment(session, "stroop", study.world.settings))
    die_with_all(study, replace(case, prepare=lambda: case.prepare(reward=own.reward)), "before")
    study.configure({"stroop": "2.0"})
    with pytest.raises(StaleRunError, match="the settings have changed since"):
        case.plan()


def reward_is(study: Study, reward: str) -> None:
    path = study.folder / "turkctl.toml"
    path.write_text(path.read_text().replace('reward = "0.50"', f'reward = "{reward}"'))
    study.configure_file()


@pytest.mark.parametrize("reward", ["0.50", "0.60", None], ids=["as it was", "as it is", "not given"])
def test_the_same_words_are_the_same_command_after_a_change_of_the_setting_that_they_name(
    study: Study, reward: str | None
) -> None:
    case = creation(study)
    words = {"reward": None if reward is None else Decimal(reward)}
    die_with_all(study, replace(case, prepare=lambda: case.prepare(**words)), "before")
    reward_is(study, "0.60")
    with pytest.raises(StaleRunError, match="the settings have changed since"):
        case.plan(**words)
    assert case.run(**words, resume=True).succeeded == 3
    assert study.sql("SELECT DISTINCT reward FROM turkctl_hit") == [(600_000 if reward == "0.60" else 500_000,)]


def test_other_words_of_the_same_effect_are_the_same_command_after_a_change_of_the_settings(study: Study) -> None:
    case = creation(study)
    die_with_all(study, replace(case, prepare=lambda: case.prepare(reward=Decimal("0.60"))), "before")
    reward_is(study, "0.60")
    with pytest.raises(StaleRunError, match="the settings have changed since"):
        case.plan()


def test_what_was_to_be_paid_otherwise_is_another_command(study: Study) -> None:
    case = creation(study)
    die_with_all(study, replace(case, prepare=lambda: case.prepare(reward=Decimal("0.50"))), "before")
    reward_is(study, "0.60")
    assert case.run().succeeded == 3
    assert states(study) == ["incomplete", "ended"]


def test_a_run_of_an_older_version_is_found_by_what_was_given(study: Study) -> None:
    case = creation(study)
    die_with_all(study, case)
    study.write("UPDATE turkctl_run SET identity = given, given = NULL WHERE identity IS NOT NULL")
    assert {item.status for item in case.run().results} == {"already_done"}
    assert case.made() == 3


def test_new_leaves_a_stale_run_for_good(study: Study) -> None:
    case = creation(study)
    die_with_all(study, case, "before")
    study.configure({"stroop": "2.0"})
    assert case.run(new=True).succeeded == 3
    assert states(study) == ["ended", "ended"]
    assert case.plan().notes == ()
    assert study.sql("SELECT code_version, count(*) FROM turkctl_hit GROUP BY code_version") == [("2.0", 3)]


def test_new_beside_a_run_of_today_leaves_that_to_the_same_command(study: Study) -> None:
    case = creation(study)
    die_with_all(study, case, "before")
    assert case.run(new=True).succeeded == 3
    assert "continues the run begun" in case.plan().notes[-1]
    assert case.run().succeeded == 3
    assert case.made() == 6


def test_resume_with_nothing_to_resume_posts_nothing(study: Study) -> None:
    case = creation(study)
    for _ in range(2):
        with pytest.raises(RefusedError, match="no interrupted run"):
            case.plan(resume=True)
        case.run()
    with pytest.raises(UsageError, match="cannot be used together"):
        case.plan(resume=True, new=True)
    assert case.made() == 6


@pytest.mark.parametrize(
    ("code", "state", "repeated"),
    [
        ("AWS.MechanicalTurk.InsufficientFunds", "incomplete", 1),
        ("AWS.MechanicalTurk.InvalidParameterValue", "ended", 3),
    ],
)
def test_what_may_succeed_later_is_left_for_the_same_command_and_what_is_wrong_for_good_is_not(
    study: Study, code: str, state: str, repeated: int
) -> None:
    case, asked = creation(study), iter(range(99))

    def refuse(operation: str) -> None:
        if operation == "CreateHIT" and next(asked) == 0:
            raise RequestError(code, "No.")

    study.world.endpoint.before = refuse
    assert case.run().failed == 1
    assert states(study) == [state]
    assert len(case.plan().steps) == repeated
    case.run()
    assert case.made() == 2 + repeated
    assert states(study)[-1] == "ended"


def test_an_extension_taken_up_later_reaches_for_the_time_that_was_fixed_when_it_began(study: Study) -> None:
    case = extension(study)
    die_with_all(study, case, "before")
    study.pass_time(hours=20)
    assert case.run().succeeded == 3
    assert case.made() == case.once


def test_hits_in_another_order_are_the_same_command(study: Study) -> None:
    ids = study.post(1, hits=2)
    first = prepare_extend(study.world, ExtendRequest(tuple(ids), 1))[0]
    second = prepare_extend(study.world, ExtendRequest((ids[1], ids[0], ids[1]), 1))
    study.apply((first, prepare_extend(study.world, ExtendRequest(tuple(ids), 1))[1]))
    with pytest.raises(RunOvertakenError):
        study.apply(second)


def known_workers(study: Study, number: int) -> tuple[str, ...]:
    posted = study.post(9, hits=-(-number // 9))
    for each in range(number):
        (made,) = study.submit(posted[each // 9], worker(each))
        study.world.mturk.approve(made)
    return tuple(worker(each) for each in range(number))


def messages(study: Study, workers: tuple[str, ...]) -> set[int]:
    return {len(study.world.market.messages("production", each)) for each in workers}


def test_a_message_goes_on_with_the_messages_that_are_not_out(study: Study) -> None:
    workers = known_workers(study, 3)
    request = MessageRequest(workers, "Thank you", "Come again")

    def die(operation: str) -> None:
        if operation == "NotifyWorkers":
            raise DiedError

    study.world.endpoint.before = die
    with pytest.raises(DiedError):
        study.apply(prepare_message(study.world, request))
    study.world.endpoint.before = None
    assert messages(study, workers) == {0}
    again = study.apply(prepare_message(study.world, request))
    assert {item.status for item in again.results} == {"skipped"}, "it was about to be sent, so nobody knows"
    assert states(study)[-1] == "ended"
    assert study.apply(prepare_message(study.world, request)).succeeded == 3
    assert messages(study, workers) == {1}


def test_a_message_that_is_out_and_was_not_recorded_is_not_sent_again(study: Study) -> None:
    workers = known_workers(study, 2)
    request = MessageRequest(workers, "Thank you", "Come again")

    def die(operation: str) -> None:
        if operation == "NotifyWorkers":
            raise DiedError

    study.world.endpoint.after = die
    with pytest.raises(DiedError):
        study.apply(prepare_message(study.world, request))
    study.world.endpoint.after = None
    assert study.apply(prepare_message(study.world, request)).skipped == 2
    assert messages(study, workers) == {1}


def test_a_note_names_the_command_that_left_something_and_never_says_to_repeat_this_one(study: Study) -> None:
    case = creation(study)
    die_with_all(study, case, "before")
    study.write("UPDATE turkctl_run SET command = 'turkctl hits create --assignments 2 --hits 3'")
    (note,) = prepare_expire(study.world, Selection(regex="nothing"))[0].notes
    assert "3 requests of the interrupted `turkctl hits create --assignments 2 --hits 3` may not have reached" in note
    assert "repeat" not in note
    assert not any("reached" in line for line in case.plan().notes), "of its own it says that it goes on"


def test_nobody_goes_on_with_a_run_that_this_command_sets_aside(study: Study) -> None:
    case = creation(study)
    die_with_all(study, case, "before")
    study.configure({"stroop": "2.0"})
    assert case.plan(new=True).notes == ()


def test_what_had_reached_the_market_is_told_of_a_run_that_is_set_aside(study: Study) -> None:
    case = creation(study)
    die_with_all(study, case)
    study.configure({"stroop": "2.0"})
    (note,) = case.plan(new=True).notes
    assert note.startswith("3 requests that the interrupted")
    assert note.endswith("had reached the market and are now stored")


def test_a_note_of_one_request_is_in_the_singular(study: Study) -> None:
    case = compensation(study)
    die_with_all(study, case, "before")
    (note,) = prepare_expire(study.world, Selection(regex="nothing"))[0].notes
    assert note.startswith("1 request of ")
    assert note.endswith("may not have reached the market; its next run finishes it")


def test_other_acts_leave_a_row_that_says_how_they_ended(study: Study) -> None:
    (hit,) = study.post(2)
    study.apply(prepare_expire(study.world, Selection(ids=(hit,))))
    (row,) = study.sql("SELECT act, identity, state, matched, succeeded, failed FROM turkctl_run WHERE act = 'expire'")
    assert row == ("expire", None, "ended", 1, 1, 0)
    study.apply(prepare_expire(study.world, Selection(regex="nothing")))
    assert study.sql("SELECT count(*) FROM turkctl_run WHERE act = 'expire'") == [(1,)], "nothing was done"
    assert study.sql("SELECT count(*) FROM turkctl_lease") == [(0,)]


def test_the_states_are_the_same_on_either_database(either: Study) -> None:
    case = creation(either)
    die_with_all(either, case)
    assert states(either) == ["incomplete"]
    assert {item.status for item in case.run().results} == {"already_done"}
    first, second = case.prepare(), case.prepare()
    case.apply(first)
    with pytest.raises(RunOvertakenError):
        case.apply(second)
    assert (case.made(), states(either)) == (6, ["ended", "ended"])
