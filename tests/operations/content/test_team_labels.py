"""The whole job of a team: people label items, two are bad, some answers are odd, second opinions are asked for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from benchmarks.team_study import CLASSES, MOST_ROUNDS, ODD_IN, ONE_ANSWER, OUTPUTS, STAFF, SWAPS, TeamStudy
from databases import KINDS, new_database
from sqlalchemy import text

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
    team = TeamStudy(tmp_path, items, address, odd_in)
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
    team.close()
