from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from study_support import Study, new_study, worker

from turkctl.context import Context
from turkctl.errors import NotFoundError, SchemaError, UsageError
from turkctl.operations.participants.filters import Query
from turkctl.operations.participants.lists import SHOWN, count, grouped, listed, show
from turkctl.operations.sync.run import sync
from turkctl.settings import load
from turkctl.store.participant_lists import Ordering

PLAIN = Ordering()


@pytest.fixture
def psiturk(tmp_path: Path) -> Iterator[Context]:
    """A database of psiTurk's, with a project folder that names it."""
    with closing(sqlite3.connect(tmp_path / "participants.db")) as plain:
        columns = (
            "uniqueid, assignmentid, workerid, hitid, cond, counterbalance, codeversion, beginhit, beginexp, endhit"
        )
        columns += ", bonus, status, mode, datastring, ipaddress, browser, platform, language"
        plain.execute(f"CREATE TABLE people ({columns})")
        for number, (mode, status) in enumerate((("live", 4), ("live", 3), ("debug", 2), ("live", None))):
            began = f"2026-11-2{number} 23:30:00.000000"
            values = (f"W{number}:A{number}", f"A{number}", f"W{number}", "H", number % 2, 0, "1.0", began, None, None)
            plain.execute(
                f"INSERT INTO people VALUES ({','.join('?' * 18)})",
                (*values, 0.25, status, mode, '{"answers": [1]}', None, None, None, None),
            )
        plain.commit()
    text = 'database_url = "sqlite:///participants.db"\nparticipants_table = "people"\n'
    text += 'participants_timezone = "America/New_York"\n[experiments.x]\ncode_version = "1.0"\ntitle = "t"\n'
    text += 'description = "d"\nreward = "0.50"\nduration = "30m"\nlifetime = "24h"\n'
    (tmp_path / "turkctl.toml").write_text(text + 'external_url = "https://lab.example.org/pub"\n')
    context = Context(load({}, {}, tmp_path))
    yield context
    context.close()


def ids(context: Context, **filters: Any) -> list[str]:
    _columns, rows = listed(context, Query(**filters), PLAIN)
    return [row["worker_id"] for row in rows]


def test_somebody_elses_database_is_read_and_left_as_it_is(psiturk: Context, tmp_path: Path) -> None:
    before = (tmp_path / "participants.db").read_bytes()
    assert count(psiturk, Query()) == 4
    assert ids(psiturk) == ["W0", "W1", "W2", "W3"]
    assert (tmp_path / "participants.db").read_bytes() == before


def test_a_row_has_the_keys_of_the_contract_and_times_in_utc(psiturk: Context) -> None:
    _columns, rows = listed(psiturk, Query(workers=["W0"]), PLAIN)
    assert tuple(rows[0]) == SHOWN
    assert rows[0] == {
        "uniqueid": "W0:A0",
        "assignment_id": "A0",
        "worker_id": "W0",
        "hit_id": "H",
        "condition": 0,
        "counterbalance": 0,
        "codeversion": "1.0",
        "begin_hit": datetime(2026, 11, 21, 4, 30, tzinfo=UTC),
        "begin_exp": None,
        "end_hit": None,
        "bonus": 0.25,
        "status": "submitted",
        "mode": "live",
        "complete": True,
    }


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"modes": ["live"]}, "013"),
        ({"modes": ["live", "debug"]}, "0123"),
        ({"conditions": [1]}, "13"),
        ({"statuses": ["submitted", "started"]}, "02"),
        ({"complete": True}, "01"),
        ({"complete": False}, "23"),
        ({"hits": ["H"], "workers": ["W1", "W2"]}, "12"),
        ({"current": True}, "0123"),
        ({"current": True, "code_versions": ["9"]}, ""),
        ({"code_versions": ["1.0", "9"]}, "0123"),
        ({"since": "2026-11-22T04:30"}, "123"),
        ({"until": "2026-11-22T04:30Z"}, "0"),
        ({"where": ["status="]}, "3"),
        ({"where": ["status=submitted"]}, "0"),
        ({"where": ["status=3", "mode=live"]}, "1"),
        ({"where": ["cond=1", "bonus=0.25"]}, "13"),
        ({"where": ["begin_hit=2026-11-21T23:30-05:00"]}, "1"),
        ({"where": ["workerid=W2"]}, "2"),
    ],
)
def test_filters_are_combined_by_and_their_values_by_or(
    psiturk: Context, filters: dict[str, Any], expected: str
) -> None:
    assert ids(psiturk, **filters) == [f"W{number}" for number in expected]
    assert count(psiturk, Query(**filters)) == len(expected)


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ({"statuses": ["submited"]}, "submitted"),
        ({"where": ["cond"]}, "COLUMN=VALUE"),
        ({"where": ["colour=red"]}, "one of"),
        ({"where": ["datastring=x"]}, "one of"),
        ({"where": ["condition=red"]}, "condition=2"),
        ({"where": [f"condition={10**30}"]}, "at most"),
        ({"conditions": [10**30]}, "at most"),
        ({"since": "yesterday"}, "ISO 8601"),
        ({"since": "0001-01-01"}, "a year"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_fix(psiturk: Context, filters: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as refused:
        count(psiturk, Query(**filters))
    assert words in (refused.value.hint or "")


def test_columns_order_and_part_can_be_chosen(psiturk: Context) -> None:
    columns, rows = listed(psiturk, Query(), Ordering("begin_hit", True, 2, 1), ["worker_id", "complete"])
    assert list(columns) == ["worker_id", "complete"]
    assert rows == [{"worker_id": "W2", "complete": False}, {"worker_id": "W1", "complete": True}]
    for broken in (["colour"], ["datastring"]):
        with pytest.raises(UsageError):
            listed(psiturk, Query(), PLAIN, broken)
    with pytest.raises(UsageError):
        listed(psiturk, Query(), Ordering("colour"))


def test_groups_are_counted(psiturk: Context) -> None:
    columns, rows = grouped(psiturk, Query(modes=["live"]), PLAIN, ["condition", "status"])
    assert list(columns) == ["condition", "status", "count"]
    assert rows == [
        {"condition": 0, "status": "submitted", "count": 1},
        {"condition": 1, "status": "completed", "count": 1},
        {"condition": 1, "status": None, "count": 1},
    ]
    assert grouped(psiturk, Query(), Ordering(limit=1), ["day"])[1] == [{"day": "2026-11-20", "count": 1}]
    for by, order in ((["colour"], None), (["mode"], "condition")):
        with pytest.raises(UsageError):
            grouped(psiturk, Query(), Ordering(order), by)


def test_one_participant_is_shown_with_what_was_recorded(psiturk: Context) -> None:
    for wanted in ("W1:A1", "A1", "W1"):
        shown = show(psiturk, wanted)
        assert (shown["uniqueid"], shown["data"]) == ("W1:A1", {"answers": [1]})
    with pytest.raises(NotFoundError):
        show(psiturk, "W9")


def test_a_table_that_is_not_there_is_named(psiturk: Context, tmp_path: Path) -> None:
    missing = Context(
        load({"config": str(tmp_path / "turkctl.toml")}, {"TURKCTL_PARTICIPANTS_TABLE": "folk"}, tmp_path)
    )
    with pytest.raises(NotFoundError, match="no table folk"):
        count(missing, Query())
    missing.close()


def test_columns_that_the_table_lacks_are_named_and_others_can_still_be_read(psiturk: Context, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "participants.db")) as plain:
        plain.execute("ALTER TABLE people DROP COLUMN counterbalance")
        plain.execute("ALTER TABLE people DROP COLUMN platform")
        plain.commit()
    with pytest.raises(SchemaError, match="counterbalance"):
        listed(psiturk, Query(), PLAIN)
    with pytest.raises(SchemaError, match="platform"):
        count(psiturk, Query(where=["platform=x"]))
    assert count(psiturk, Query()) == 4
    assert len(listed(psiturk, Query(), PLAIN, ["worker_id", "status"])[1]) == 4
    assert show(psiturk, "A1")["counterbalance"] is None


def test_campaigns_need_turkctls_own_tables(psiturk: Context) -> None:
    with pytest.raises(SchemaError, match="none of turkctl's"):
        count(psiturk, Query(campaigns=[1]))


def test_an_empty_project_has_no_participants(tmp_path: Path) -> None:
    (tmp_path / "turkctl.toml").write_text("")
    context = Context(load({}, {}, tmp_path))
    assert count(context, Query()) == 0
    with pytest.raises(NotFoundError, match="code version"):
        count(context, Query(current=True))
    with pytest.raises(NotFoundError, match="campaign 5"):
        count(context, Query(campaigns=[5]))
    context.close()


def test_what_sync_filled_in_is_listed_and_the_current_version_is_the_configured_one(tmp_path: Path) -> None:
    with new_study(tmp_path) as study:
        (hit,) = study.post(3)
        (made,) = study.submit(hit, worker(1))
        sync(study.world)
        assert ids(study.world, current=True) == [worker(1)]
        assert ids(study.world, code_versions=["9"]) == []
        shown = show(study.world, made)
        assert (shown["status"], shown["codeversion"], shown["data"]) == ("submitted", "1.0", None)


def test_a_worker_who_took_part_twice_has_to_be_named_by_assignment(study: Study) -> None:
    first, second = study.post(3, hits=2)
    (one,) = study.submit(first, worker(1))
    study.submit(second, worker(1))
    sync(study.world)
    with pytest.raises(UsageError) as refused:
        show(study.world, worker(1))
    assert f"{worker(1)}:{one}" in (refused.value.hint or "")
