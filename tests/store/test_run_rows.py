from __future__ import annotations

from datetime import timedelta
from typing import Any

from rows import HOUR, NOW

from turkctl.store import leases, runs
from turkctl.store.base import Place
from turkctl.store.engine import Database
from turkctl.store.leases import Claimant, LeaseGrant, LeaseRow
from turkctl.store.runs import ENDED, INCOMPLETE, WORKING, LineFilter, Run

HERE = Place("live", "https://market")


def begin(database: Database, owner: str = "a", **changes: Any) -> Run:
    values: dict[str, Any] = {
        "mode": HERE.mode,
        "market": HERE.market,
        "act": "hits create",
        "identity": "one",
        "owner": owner,
        "host": "lab",
        "pid": 7,
        "begun": NOW,
        "command": "turkctl hits create --assignments 9",
    }
    with database.write() as session:
        return runs.insert(session, Run(**(values | changes)))


ONE = runs.Identity("one", "one")


def standing(database: Database, identity: str = "one") -> list[tuple[int, str]]:
    with database.read() as session:
        return [
            (run.number, run.state)
            for run in runs.standing(session, HERE, "hits create", runs.Identity(identity, identity))
        ]


def leave(database: Database, number: int, owner: str, state: str) -> bool:
    with database.write() as session:
        return runs.leave(session, number, owner, state, {"ended": NOW + HOUR})


def take_up(database: Database, run: Run, owner: str) -> bool:
    with database.write() as session:
        return runs.take_up(session, run, owner=owner, host="lab-2", pid=8)


def test_a_run_stands_until_it_has_ended(database: Database) -> None:
    first, second = begin(database), begin(database)
    begin(database, identity="other")
    begin(database, mode="local")
    begin(database, market="https://another")
    assert standing(database) == [(second.number, WORKING), (first.number, WORKING)]
    assert leave(database, first.number, "a", ENDED)
    assert leave(database, second.number, "a", INCOMPLETE)
    assert standing(database) == [(second.number, INCOMPLETE)]
    with database.read() as session:
        newest = runs.newest(session, HERE, "hits create", ONE)
    assert newest is not None
    assert newest.number == second.number


def test_of_two_that_take_up_the_same_run_one_gets_it(database: Database) -> None:
    run = begin(database)
    assert leave(database, run.number, "a", INCOMPLETE)
    with database.read() as session:
        (seen,) = runs.standing(session, HERE, "hits create", ONE)
    assert take_up(database, seen, "b")
    assert not take_up(database, seen, "c")
    assert not leave(database, run.number, "a", ENDED), "it is another's by now"
    assert leave(database, run.number, "b", ENDED)
    assert not leave(database, run.number, "b", INCOMPLETE), "what has ended stays so"


def test_a_run_that_was_taken_up_is_not_set_aside(database: Database) -> None:
    run = begin(database)
    assert leave(database, run.number, "a", INCOMPLETE)
    with database.read() as session:
        (seen,) = runs.standing(session, HERE, "hits create", ONE)
    assert take_up(database, seen, "b")
    with database.write() as session:
        assert not runs.set_aside(session, seen, NOW)
    assert standing(database) == [(run.number, WORKING)]


def test_runs_are_found_by_number_with_the_command_line_that_was_typed(database: Database) -> None:
    run = begin(database, command="turkctl hits create --assignments 3")
    with database.read() as session:
        found = runs.by_number(session, {run.number, 999})
    assert {number: each.command for number, each in found.items()} == {run.number: run.command}


def test_leases_of_different_names_do_not_get_into_each_others_way(database: Database) -> None:
    def acquire(owner: str, name: str) -> LeaseGrant | LeaseRow:
        claimant = Claimant(owner, "lab", 1, None, None)
        with database.write() as session:
            return leases.acquire(session, claimant, NOW, lambda _row: False, name)

    one, other = acquire("a", leases.of_run(1)), acquire("b", leases.of_run(2))
    assert isinstance(one, LeaseGrant)
    assert isinstance(other, LeaseGrant)
    assert isinstance(acquire("c", leases.of_run(1)), LeaseRow)
    with database.write() as session:
        assert leases.renew(session, one, NOW + timedelta(seconds=1))
        leases.drop(session, one)
    with database.read() as session:
        assert leases.holder(session, NOW, leases.of_run(1)) is None
        held = leases.holder(session, NOW, leases.of_run(2))
        assert leases.holder(session, NOW) is None, "nobody is the scheduler"
    assert held is not None
    assert held.owner == "b"


def numbers(database: Database, wanted: LineFilter, **page: int) -> list[int]:
    with database.read() as session:
        return [line.number for line in runs.lines(session, wanted, **page)]


def test_the_log_is_filtered_by_the_database_newest_first(database: Database) -> None:
    create = begin(database, experiments=["stroop", "flanker"])
    begin(database, part_of=create.number)
    approve = begin(database, act="workers approve", begun=NOW + HOUR, experiments=["stroop-2"])
    other = begin(database, act="hits expire", mode="local", experiments=["s_roop"])
    everything = [other.number, approve.number, create.number]
    assert numbers(database, LineFilter()) == everything
    for wanted, found in [
        (LineFilter(mode="live"), [approve, create]),
        (LineFilter(other_than="live"), [other]),
        (LineFilter(since=NOW + HOUR), [approve]),
        (LineFilter(until=NOW + HOUR), [other, create]),
        (LineFilter(words=("hits",)), [other, create]),
        (LineFilter(words=("create", "hits")), [create]),
        (LineFilter(words=("hit",)), []),
        (LineFilter(words=("%",)), []),
        (LineFilter(experiment="stroop"), [create]),
        (LineFilter(experiment="s_roop"), [other]),
        (LineFilter(mode="local", words=("hits",), experiment="stroop"), []),
    ]:
        assert numbers(database, wanted) == [each.number for each in found], wanted
        with database.read() as session:
            assert runs.count_lines(session, wanted) == len(found)


def test_pages_of_the_log_follow_one_another(database: Database) -> None:
    newest_first = [begin(database).number for _ in range(5)][::-1]
    pages = [numbers(database, LineFilter(), limit=2, offset=offset) for offset in (0, 2, 4, 6)]
    assert pages == [newest_first[:2], newest_first[2:4], newest_first[4:], []]
    assert numbers(database, LineFilter(), offset=3) == newest_first[3:]
