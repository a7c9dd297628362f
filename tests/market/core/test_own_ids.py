"""FindWorkers and ListOwnIds: a lab's own ids and the market's worker ids."""

from __future__ import annotations

from typing import Any

from market_support import Bench

from turkctl.market.requester import Requester
from turkctl.newcomers import NewPerson

LAB = Requester("111122223333", "production")


def found(bench: Bench, *ids: str, **more: Any) -> dict[str, str]:
    answer = bench.market.find_workers(LAB, {"OwnIds": list(ids), **more})
    return {each["OwnId"]: each["WorkerId"] for each in answer["Workers"]}


def test_own_ids_are_found_however_they_are_written(bench: Bench) -> None:
    worker_id = bench.market.add_person("production", NewPerson(own_id="47 ü"))
    assert found(bench, "47 ü", "47 u\u0308", "48") == {"47 ü": worker_id, "47 u\u0308": worker_id}
    sandbox = bench.market.find_workers(Requester(LAB.account, "sandbox"), {"OwnIds": ["47 ü"]})
    assert sandbox == {"Workers": []}


def test_people_who_are_not_there_are_made_once_where_that_is_asked_for(bench: Bench) -> None:
    assert found(bench, "1") == {}
    assert bench.market.people("production") == []
    made = found(bench, "1", "１", "A1EXAMPLEWORKER", " ", "x\u202e", CreateMissing=True)
    assert set(made) == {"1", "１"}
    assert len(set(made.values())) == 1
    assert found(bench, "1", CreateMissing=True) == {"1": made["1"]}
    assert [each.own_id for each in bench.market.people("production")] == ["1"]


def test_who_was_erased_is_not_made_again(bench: Bench) -> None:
    bench.market.add_person("production", NewPerson(own_id="4711"))
    bench.market.erase("production", bench.market.plan_erasure("production", "4711"), answers_too=False)
    assert found(bench, "4711", CreateMissing=True) == {}


def test_own_ids_and_names_are_told_of_those_who_have_any(bench: Bench) -> None:
    both = bench.market.add_person("production", NewPerson(own_id="1", full_name="Anna Example"))
    one = bench.market.add_person("production", NewPerson(own_id="2"))
    none = bench.market.add_person("production", NewPerson(label="a note"))
    told = bench.market.list_own_ids(LAB, {"WorkerIds": [both, one, none, "ANOBODY"]})
    assert told == {
        "Workers": [
            {"WorkerId": both, "OwnId": "1", "Name": "Anna Example"},
            {"WorkerId": one, "OwnId": "2"},
        ]
    }
