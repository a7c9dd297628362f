"""One context shared by several threads, each with a world of its own."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from databases import KINDS, new_database
from study_support import Study

from turkctl.context import Context
from turkctl.operations.engine.plan import BatchResult
from turkctl.operations.engine.world import CommandOrigin
from turkctl.operations.hits.create import CreateRequest, prepare_create
from turkctl.operations.intents.forms import ActForm, FormLine, begin_form, read_form_line
from turkctl.scheduler.worlds import ChildWorld, Worlds

ACT = "hits create"


@pytest.fixture(params=KINDS)
def study(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Study]:
    """One experiment, ``stroop``, and nothing posted, on either kind of database."""
    with new_database(request.param, tmp_path) as url:
        (tmp_path / "turkctl.toml").write_text("")
        made = Study(tmp_path, url)
        made.configure({"stroop": "1.0"})
        yield made
        made.close()


def at_once(count: int, what: Callable[[int], None]) -> None:
    """Do something in so many threads that begin together; none of them may fail."""
    together = threading.Barrier(count, timeout=20)

    def run(number: int) -> None:
        together.wait()
        what(number)

    with ThreadPoolExecutor(count) as pool:
        for done in [pool.submit(run, number) for number in range(count)]:
            done.result(60)


@pytest.mark.parametrize("name", ["bare_database", "database", "market", "mturk", "place", "origin"])
def test_what_many_threads_ask_for_at_once_is_opened_once(study: Study, name: str) -> None:
    context = Context(study.world.settings)
    seen: list[Any] = []
    at_once(8, lambda _number: seen.append(getattr(context, name)))
    opened = len(context._opened)
    context.close()
    assert {id(each) for each in seen} == {id(seen[0])}
    assert opened <= 1


class LeisurelyContext(Context):
    """A context that lets other threads go first while it is made."""

    def __init__(self, *given: Any) -> None:
        for _ in range(100):
            os.sched_yield()
        super().__init__(*given)


def test_the_context_of_another_mode_is_made_once_for_many_threads(study: Study) -> None:
    own = LeisurelyContext(study.world.settings)
    worlds = Worlds(own)
    seen: list[Context] = []
    at_once(8, lambda _number: seen.append(worlds.context("sandbox")))
    assert {id(each) for each in seen} == {id(seen[0])}
    assert worlds.context("local") is own
    worlds.close()


def test_acts_at_the_same_time_are_told_apart_and_one_stops_alone(study: Study) -> None:
    lines: dict[int, FormLine] = {}

    def post(number: int) -> None:
        origin = CommandOrigin(f"turkctl hits create --hits {number + 2}", act=ACT, account=f"person {number}")
        world = ChildWorld(study.world, origin)
        line = begin_form(world, ActForm(f"form {number}", ACT, {"number": number}, f"person {number}"))
        world.beat, lines[number] = line.beat, line
        with line.keeping():
            plan, act = prepare_create(world, CreateRequest("stroop", 1, number + 2, new=True))
            if number == 0:
                world.stop.set()
            result: BatchResult = world.engine(workers=2).apply(plan, act)
            assert result.interrupted is (number == 0)

    study.post(1)
    at_once(4, post)
    told = {number: read_form_line(study.world, line.number) for number, line in lines.items()}
    found = {number: (row["state"], row["account"], row["succeeded"]) for number, row in told.items() if row}
    assert found == {
        0: ("interrupted", "person 0", 0),
        1: ("ended", "person 1", 3),
        2: ("ended", "person 2", 4),
        3: ("ended", "person 3", 5),
    }
    assert study.world.origin.tally.line is None


def test_a_world_says_what_its_user_must_know_to_its_own(study: Study) -> None:
    said: list[str] = []
    study.world.notice = lambda words: said.append(f"context: {words}")
    origin = CommandOrigin("x")
    ChildWorld(study.world, origin, notice=lambda words: said.append(f"act: {words}")).engine().notice("wait")
    ChildWorld(study.world, origin).engine().notice("wait")
    assert said == ["act: wait", "context: wait"]
