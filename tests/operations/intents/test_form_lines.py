"""Lines that forms begin: once for each form, kept while the act is at work, and offered again after a crash."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import timedelta
from typing import Any

import pytest
from study_support import Study, everything

from turkctl.context import Context
from turkctl.errors import InterruptedByUserError, MarketUnreachableError, RefusedError, UsageError
from turkctl.operations.engine.world import CommandOrigin
from turkctl.operations.hits.create import CreateRequest, prepare_create
from turkctl.operations.hits.expire import prepare_expire
from turkctl.operations.intents.forms import (
    MOST_BYTES,
    ActForm,
    FormLine,
    FormUsedError,
    LineLostError,
    begin_form,
    interrupted_forms,
    read_form_line,
)
from turkctl.operations.log import LogQuery, list_log
from turkctl.store import leases

ACT = "hits create"
FIELDS = {"experiment": "stroop", "hits": 3}


@pytest.fixture
def study(either: Study) -> Study:
    return either


@contextmanager
def submitted(study: Study, form: str = "f1", fields: dict[str, Any] | None = None) -> Iterator[tuple[Context, Any]]:
    """A submission of a form, in a world of its own as in another process; the world, and what begins its line."""
    world = Context(study.world.settings)
    world.__dict__["origin"] = CommandOrigin("turkctl hits create --hits 3", act=ACT, account="ann (dashboard)")
    given = ActForm(form, ACT, FIELDS if fields is None else fields, "ann (dashboard)")
    try:
        yield world, lambda: begin_form(world, given)
    finally:
        world.close()


def begin(study: Study, form: str = "f1", fields: dict[str, Any] | None = None) -> FormLine:
    """Begin the line of a form whose process then stays away."""
    with submitted(study, form, fields) as (_world, begin_line):
        line: FormLine = begin_line()
        return line


def died(study: Study, number: int) -> None:
    """Have the process that holds a line be one that has ended."""
    study.write("UPDATE turkctl_lease SET started = 'another' WHERE name = :name", name=leases.of_line(number))


def finished(study: Study, form: str, fields: dict[str, Any] | None = None, error: Exception | None = None) -> None:
    """Give an act that does nothing, or fails."""
    with submitted(study, form, fields) as (_world, begin_line):
        line = begin_line()
        with suppress(type(error)) if error else nullcontext(), line.keeping():
            if error is not None:
                raise error


def row_of(study: Study, number: int) -> dict[str, Any]:
    found = read_form_line(study.world, number)
    assert found is not None
    return found


def leases_left(study: Study) -> list[str]:
    return [name for (name,) in study.sql("SELECT name FROM turkctl_lease")]


def test_the_act_of_a_form_is_told_in_its_line_with_who_asked_for_it(study: Study) -> None:
    with submitted(study) as (world, begin_line):
        line = begin_line()
        before = row_of(study, line.number)
        with line.keeping():
            for hits in (1, 2):
                plan, act = prepare_create(world, CreateRequest("stroop", 1, hits, new=True))
                world.engine(beat=line.beat).apply(plan, act)
        after = row_of(study, line.number)
    assert line.begun
    assert (before["state"], before["outcome"], before["fields"]) == ("at work", None, FIELDS)
    assert before["holder"].startswith("process ")
    assert (after["state"], after["outcome"], after["holder"]) == ("ended", "3 HITs created", None)
    assert (after["account"], after["succeeded"], len(after["parts"])) == ("ann (dashboard)", 3, 2)
    accounts = study.sql("SELECT DISTINCT account FROM turkctl_run WHERE id >= :line", line=line.number)
    assert accounts == [("ann (dashboard)",)]
    assert [each["who"] for each in list_log(study.world, LogQuery(act="create"))] == ["ann (dashboard)"]
    assert leases_left(study) == []


def test_a_form_that_is_sent_again_begins_nothing_even_after_its_act_has_ended(study: Study) -> None:
    first, second = begin(study), begin(study)
    assert (first.begun, second.begun, second.number) == (True, False, first.number)
    died(study, first.number)
    assert not begin(study).begun
    finished(study, "f2")
    assert not begin(study, "f2").begun
    assert len(study.sql("SELECT id FROM turkctl_run WHERE form IS NOT NULL")) == 2


def test_of_a_form_sent_many_times_at_once_one_submission_begins_its_act(study: Study) -> None:
    together = threading.Barrier(4, timeout=20)
    found: list[FormLine] = []

    def send() -> None:
        with submitted(study) as (world, begin_line):
            assert world.database is not None
            together.wait()
            found.append(begin_line())

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(line.begun for line in found) == [False, False, False, True]
    assert len({line.number for line in found}) == 1


def test_a_form_with_the_id_of_another_is_refused(study: Study) -> None:
    begin(study)
    with pytest.raises(FormUsedError):
        begin(study, fields={"experiment": "stroop", "hits": 30})


def test_an_act_whose_process_died_is_interrupted_and_offered_until_it_is_given_again(study: Study) -> None:
    first = begin(study)
    assert interrupted_forms(study.world) == []
    died(study, first.number)
    (offered,) = interrupted_forms(study.world)
    assert (offered["id"], offered["state"], offered["fields"]) == (first.number, "interrupted", FIELDS)
    finished(study, "f2", {"experiment": "stroop", "hits": 4})
    assert [line["id"] for line in interrupted_forms(study.world)] == [first.number]
    finished(study, "f3", error=RefusedError("another process does it"))
    assert [line["id"] for line in interrupted_forms(study.world)] == [first.number], "it did nothing"
    second = begin(study, "f4")
    assert interrupted_forms(study.world) == []
    died(study, second.number)
    assert [line["id"] for line in interrupted_forms(study.world)] == [second.number]
    finished(study, "f5")
    assert interrupted_forms(study.world) == []


def test_what_was_interrupted_long_ago_or_in_another_mode_is_not_offered(study: Study) -> None:
    first, other = begin(study), begin(study, "f2", {"experiment": "other"})
    died(study, first.number)
    died(study, other.number)
    study.write("UPDATE turkctl_run SET mode = 'live' WHERE id = :id", id=other.number)
    study.pass_time(days=6)
    assert [line["id"] for line in interrupted_forms(study.world)] == [first.number]
    study.pass_time(days=2)
    assert interrupted_forms(study.world) == []
    assert [line["id"] for line in interrupted_forms(study.world, timedelta(days=9))] == [first.number]


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (InterruptedByUserError("stopped"), "interrupted"),
        (RefusedError("not enough money"), "ended"),
        (ValueError("a fault"), "ended"),
    ],
)
def test_an_act_that_ends_by_an_error_says_so_in_its_line(study: Study, error: Exception, state: str) -> None:
    finished(study, "f1", error=error)
    (number,) = study.sql("SELECT id FROM turkctl_run WHERE form = 'f1'")[0]
    line = row_of(study, number)
    assert (line["state"], line["error"]) == (state, getattr(error, "code", "ValueError"))
    assert leases_left(study) == []


def test_an_act_with_something_left_can_be_finished(study: Study) -> None:
    with submitted(study) as (world, begin_line):
        line = begin_line()
        plan, act = prepare_create(world, CreateRequest("stroop", 1, 3))
        with pytest.raises(MarketUnreachableError), line.keeping():
            world.engine(workers=1, group=1, beat=fails_second()).apply(plan, act)
    row = row_of(study, line.number)
    assert (row["state"], row["error"], row["matched"]) == ("interrupted", "market_unreachable", 3)
    assert [offered["id"] for offered in interrupted_forms(study.world)] == [line.number]


def fails_second() -> Any:
    calls = iter([None])

    def beat() -> None:
        if next(calls, "over") == "over":
            raise MarketUnreachableError("the market does not answer")

    return beat


def test_a_batch_stops_when_others_see_its_act_as_interrupted(study: Study) -> None:
    with submitted(study) as (world, begin_line):
        line = begin_line()
        study.write("UPDATE turkctl_lease SET owner = 'another' WHERE name = :name", name=leases.of_line(line.number))
        line._keeper._renewed -= 60
        plan, act = prepare_create(world, CreateRequest("stroop", 1, 3))
        with pytest.raises(LineLostError), line.keeping():
            world.engine(beat=line.beat).apply(plan, act)
    assert study.sql("SELECT hit_id FROM turkctl_hit") == []
    assert row_of(study, line.number)["state"] == "interrupted"


def test_a_line_of_the_command_line_is_read_too_its_state_by_its_runs(study: Study) -> None:
    study.world.__dict__["origin"] = CommandOrigin("turkctl hits create --hits 2", act=ACT)
    plan, act = prepare_create(study.world, CreateRequest("stroop", 1, 2))
    seen: list[dict[str, Any]] = []
    study.world.engine().apply(plan, act, on_item=lambda _item: seen.append(row_of(study, 1)))
    assert (seen[0]["state"], seen[0]["fields"], len(seen[0]["parts"])) == ("at work", None, 1)
    line = row_of(study, 1)
    assert (line["state"], line["outcome"], line["succeeded"]) == ("interrupted", None, 2), "nobody closed it"
    assert read_form_line(study.world, 99) is None


def test_a_run_begun_from_python_is_its_own_line(study: Study) -> None:
    study.post(1)
    study.apply(prepare_expire(study.world, everything()))
    (last,) = study.sql("SELECT max(id) FROM turkctl_run")[0]
    row = row_of(study, last)
    assert (row["state"], row["matched"], row["succeeded"], row["parts"]) == ("ended", 1, 1, [])


@pytest.mark.parametrize(
    ("form", "fields"),
    [("f1", {"file": "a" * MOST_BYTES}), ("f1", {"file": "é" * (MOST_BYTES // 2)}), ("", {}), ("f" * 65, {})],
)
def test_what_cannot_be_kept_is_refused(study: Study, form: str, fields: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        begin(study, form, fields)
    assert study.sql("SELECT id FROM turkctl_run WHERE form IS NOT NULL") == []


def test_a_secret_is_never_kept(study: Study) -> None:
    with pytest.raises(ValueError, match="secret"):
        begin(study, fields={"csrf_token": "x"})


def test_text_that_no_database_holds_is_refused(study: Study) -> None:
    with pytest.raises(UsageError, match="NUL"):
        begin(study, "f\0")
    assert begin(study, fields={"reason": "a\0b"}).begun, "in JSON it is written in other characters"
