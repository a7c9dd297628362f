"""A page of HITs has the rows of ``hits list``, in the order asked for, with what can be done to each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from study_support import Study, new_study

from turkctl.errors import NotFoundError, UsageError
from turkctl.operations.hits.actions import VIEWS, actions_of, view
from turkctl.operations.hits.create import CreateRequest, prepare_create
from turkctl.operations.hits.delete import prepare_delete
from turkctl.operations.hits.expire import prepare_expire
from turkctl.operations.hits.lists import STATUSES, list_hits
from turkctl.operations.hits.pages import SORTABLE, HitQuery, actions_here, last_look, page_of_hits
from turkctl.operations.selection.hits import Selection
from turkctl.operations.sync.run import sync
from turkctl.units import parse_money


@pytest.fixture
def study(folder: Path) -> Iterator[Study]:
    with new_study(folder, {"stroop": "1.0", "words": "2.1"}, turned=True) as made:
        made.post(3)
        for reward in ("0.30", "0.90", "0.60"):
            request = CreateRequest("words", 2, reward=parse_money(reward), new=True)
            made.apply(prepare_create(made.world, request))
        gone, over = (row["hit_id"] for row in list_hits(made.world, Selection(experiment="words"))[:2])
        made.apply(prepare_delete(made.world, Selection(ids=(gone,)), force=True))
        made.apply(prepare_expire(made.world, Selection(ids=(over,))))
        (open_,) = (row["hit_id"] for row in list_hits(made.world, Selection(experiment="stroop")))
        made.submit(open_, "A1")
        sync(made.world)
        yield made


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("status", [None, *STATUSES])
@pytest.mark.parametrize("slug", [None, "words"])
def test_a_page_has_the_hits_of_the_list(study: Study, name: str, status: str | None, slug: str | None) -> None:
    selection, kept = Selection(experiment=slug), view(name)
    statuses = kept.pop("statuses", STATUSES)
    both = [each for each in statuses if status in (None, each)]
    wanted = list_hits(study.world, selection, statuses=both, **kept) if both else []
    found = page_of_hits(study.world, HitQuery(selection, name, status), 1, 50)
    assert sorted(row["hit_id"] for row in found.rows) == sorted(row["hit_id"] for row in wanted)
    assert found.total == len(wanted)
    assert found.actions == actions_of(wanted, study.world.now())


@pytest.mark.parametrize("column", SORTABLE)
@pytest.mark.parametrize("descending", [False, True])
def test_pages_continue_each_other_in_the_order_asked_for(study: Study, column: str, descending: bool) -> None:
    query = HitQuery(sort=column, descending=descending)
    parts = [page_of_hits(study.world, query, number, 1) for number in (1, 2, 3, 4, 5)]
    values = [row[column] for part in parts for row in part.rows]
    assert [part.has_more for part in parts] == [True, True, True, False, False]
    assert len({row["hit_id"] for part in parts for row in part.rows}) == 4
    known = [value for value in values if value is not None]
    assert known == sorted(known, reverse=descending)


def test_the_newest_come_first_unless_another_order_is_asked_for(study: Study) -> None:
    (newest,) = study.post(1)
    assert page_of_hits(study.world, HitQuery(), 1, 50).rows[0]["hit_id"] == newest


def test_a_page_with_hits_of_two_markets_says_that_only_one_of_them_can_be_acted_on(study: Study) -> None:
    (row,) = list_hits(study.world, Selection(experiment="stroop"))
    actions = actions_here(study.world, [row, {**row, "hit_id": "3OTHER", "market": "local:another"}])
    assert actions["3OTHER"]["expire"] == "it belongs to the market local:another in mode local"
    assert actions[row["hit_id"]]["expire"] is None


def test_unknown_names_are_refused_with_what_there_is(study: Study) -> None:
    for query in (HitQuery(view="some"), HitQuery(status="open"), HitQuery(sort="rewards; DROP TABLE")):
        with pytest.raises(UsageError):
            page_of_hits(study.world, query, 1, 50)
    with pytest.raises(NotFoundError):
        page_of_hits(study.world, HitQuery(Selection(experiment="stoop")), 1, 50)


def test_the_last_sync_is_the_one_that_listed_the_account(study: Study) -> None:
    before = last_look(study.world)
    assert before is not None
    study.pass_time(hours=3)
    sync(study.world)
    after = last_look(study.world)
    assert after is not None
    assert after.looked > before.looked
    assert after.unknown == 0


def test_without_a_sync_there_is_no_last_one(folder: Path) -> None:
    with new_study(folder) as made:
        assert last_look(made.world) is None
