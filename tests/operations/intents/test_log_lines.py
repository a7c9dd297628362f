"""Lines of the log: begun with the first run, told in one sentence, true of what was done before an error."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from study_support import Study, everything

from turkctl.errors import MarketUnreachableError
from turkctl.operations.engine.world import CommandOrigin
from turkctl.operations.hits.create import CreateRequest, prepare_create
from turkctl.operations.intents.lines import leaving_line
from turkctl.operations.log import LogQuery, list_log
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.sync.run import sync
from turkctl.operations.workers.approve import prepare_approve


@pytest.fixture
def study(either: Study) -> Study:
    """A study whose world is that of a command."""
    either.world.__dict__["origin"] = CommandOrigin("turkctl hits create --hits 6", act="hits create")
    return either


def lines(study: Study) -> list[dict[str, Any]]:
    return list_log(study.world, LogQuery())


def test_a_line_is_there_from_the_moment_that_its_first_run_begins(study: Study) -> None:
    plan, act = prepare_create(study.world, CreateRequest("stroop", 1, 2))
    seen: list[dict[str, Any]] = []
    with leaving_line(study.world):
        study.world.engine().apply(plan, act, on_item=lambda _item: seen.extend(lines(study)))
    assert seen[0]["outcome"] == "no end is recorded: it is at work, or was cut short"
    (line,) = lines(study)
    assert (line["outcome"], line["cost"], line["experiments"]) == ("2 HITs created", Decimal("1.20"), ["stroop"])


def test_what_was_done_before_an_error_is_counted_and_paid_for(study: Study) -> None:
    plan, act = prepare_create(study.world, CreateRequest("stroop", 1, 6))
    with pytest.raises(MarketUnreachableError), leaving_line(study.world):
        study.world.engine(workers=1, group=2, beat=_fails_at(3)).apply(plan, act)
    (line,) = lines(study)
    posted = len(study.sql("SELECT hit_id FROM turkctl_hit"))
    assert 2 <= posted < 6
    assert line["outcome"] == f"{posted} HITs created, {6 - posted} not begun; failed: market_unreachable"
    assert (line["succeeded"], line["matched"], line["cost"]) == (posted, 6, posted * Decimal("0.60"))
    assert line["error"] == "market_unreachable"


def _fails_at(number: int) -> Any:
    calls = iter(range(1, number))

    def beat() -> None:
        if next(calls, None) is None:
            raise MarketUnreachableError("the market does not answer")

    return beat


def test_many_batches_of_one_command_are_told_as_one(study: Study) -> None:
    (hit_id,) = study.post(3)
    study.world.__dict__["origin"] = CommandOrigin("turkctl workers approve --all --watch", act="workers approve")
    with leaving_line(study.world):
        for worker in ("AW1", "AW2", "AW3"):
            study.submit(hit_id, worker)
            sync(study.world, full=True)
            study.world.origin.tally.said.clear()
            study.apply(prepare_approve(study.world, WorkSelection(everything())))
    (*_before, line) = lines(study)
    assert (line["outcome"], line["succeeded"]) == ("3 assignments approved", 3)


def test_a_command_that_does_nothing_leaves_no_line(study: Study) -> None:
    with leaving_line(study.world):
        sync(study.world)
    assert lines(study) == []
