"""The whole job of a team: people label items, two are bad, some answers are odd, second opinions are asked for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from benchmarks.team_study import CLASSES, MOST_ROUNDS, ODD_IN, ONE_ANSWER, OUTPUTS, STAFF, SWAPS, TeamStudy
from databases import KINDS, new_database
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from turkctl.fees import NONE
from turkctl.operations.content.groups import Answerers, make_groups
from turkctl.store.contents_counts import Pending

SHOWN = (
    "SELECT c.key, l.position, a.worker_id, a.answers FROM turkctl_content_hit l "
    "JOIN turkctl_content c ON c.id = l.content_id JOIN turkctl_assignment a ON a.hit_row = l.hit_row "
    "WHERE c.gold IS NULL"
)


@pytest.fixture(params=KINDS)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database, on SQLite and on PostgreSQL."""
    with new_database(request.param, tmp_path) as found:
        yield found


def do_all(team: TeamStudy) -> int:
    """Dispatch, work and aggregate until nothing is missing, with second opinions once; their number."""
    asked = 0
    for _ in range(MOST_ROUNDS):
        if not team.dispatch():
            if asked:
                return asked
            asked = team.ask_again()
            continue
        team.work()
        team.sync()
        team.aggregate()
    raise AssertionError("it never ends")


def answers(team: TeamStudy) -> list[tuple[str, str, Any]]:
    """(item, worker, answer) of all that people were asked about ordinary items."""
    with team.world.database.read() as session:
        rows = session.connection().execute(text(SHOWN)).all()
    found = []
    for key, position, who, sent in rows:
        fields = json.loads(sent) if isinstance(sent, str) else sent
        found.append((key, who, fields[f"kind_{position}"]))
    return found


@pytest.mark.parametrize(("items", "odd_in"), [(150, 50), pytest.param(2000, ODD_IN, marks=pytest.mark.slow)])
def test_a_team_gives_each_item_its_answers_and_who_is_bad_stands_out(
    tmp_path: Path, address: str, items: int, odd_in: int
) -> None:
    with closing(TeamStudy(tmp_path, items, address, odd_in)) as team:
        whole_job(team, items)


def whole_job(team: TeamStudy, items: int) -> None:
    """Do it, and hold the outcome against what people really answered."""
    asked = do_all(team)
    given = answers(team)
    assert {who for _, who, _ in given} == set(STAFF)
    assert max(Counter((item, who) for item, who, _ in given).values()) == 1
    usable = Counter(item for item, _, answer in given if answer in CLASSES)
    assert sum(usable.values()) < len(given), "some answers are odd"
    looked = team.look()
    assert len(looked) == items
    assert {item: number for item, (number, _) in looked.items()} == dict(usable)
    assert Counter(wanted for _, wanted in looked.values()) == {OUTPUTS: items - asked, OUTPUTS + 1: asked}
    assert [item for item, (number, wanted) in looked.items() if number < wanted] == []
    assert set(team.flagged()) == {ONE_ANSWER, SWAPS}
    assert team.right() > 0.97


def crowd_of(everybody: int, *had: str) -> Answerers:
    """People 0 to 9, a to f as those who have had each item, in order."""
    return Answerers({number: frozenset(people) for number, people in enumerate(had)}, everybody)


def grouped(crowd: Answerers, items: int, need: int = 1) -> list[list[int]]:
    """The ids of the items that share a HIT of up to nine."""
    pending = [Pending(number, 0.0, 2, need, 1, 3) for number in range(items)]
    groups, more = make_groups(pending, 9, 1, 1000, NONE, crowd)
    assert not more
    return [group.ids for group in groups]


def test_items_that_few_people_are_left_for_share_no_hit() -> None:
    assert grouped(Answerers(), 4) == [[0, 1, 2, 3]]
    assert grouped(crowd_of(12, "012", "345", "678", "9ab"), 4) == [[0, 1], [2, 3]]
    assert grouped(crowd_of(12, "012", "345", "678", "012"), 4) == [[0, 1, 3], [2]]
    assert grouped(crowd_of(100, "012", "345", "678", "9ab"), 4) == [[0, 1, 2, 3]]


def test_an_item_that_closes_a_hit_to_nobody_else_may_join_it() -> None:
    assert grouped(crowd_of(3, "012", "01", "012"), 3) == [[0, 1, 2]]
    assert grouped(crowd_of(3, "01", "2"), 2) == [[0], [1]]


@given(st.lists(st.frozensets(st.sampled_from("0123456789ab"), max_size=4), max_size=60), st.integers(1, 3))
def test_each_item_is_in_one_group_and_enough_people_are_left_for_it(had: list[frozenset[str]], need: int) -> None:
    groups = grouped(Answerers(dict(enumerate(had)), 12), len(had), need)
    assert sorted(item for group in groups for item in group) == list(range(len(had)))
    for group in groups:
        closed_to = frozenset[str]().union(*(had[item] for item in group))
        assert len(closed_to) <= max(12 - max(4, 2 * need), *(len(had[item]) for item in group))
