"""Gates: types that the market grants to whoever accepts a HIT that requires their absence."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from market_support import REQUESTER, STRANGER, Bench, hit_request, not_allowed
from sqlalchemy import create_engine, text

from turkctl.market.errors import WorkError
from turkctl.own_market import GRANT_ON_ACCEPT

WORKER = "AWORKER1"

TAKER = """
import sys
from turkctl.market.errors import WorkError
from turkctl.market.service import Market

market = Market(sys.argv[1])
sys.stdin.readline()
taken = 0
for hit in sys.argv[2:]:
    try:
        market.accept("production", "AWORKER1", hit)
        taken += 1
    except WorkError as error:
        assert error.code in ("DoesNotMeetRequirements", "AssignmentAlreadyExists"), error.code
print(taken)
market.close()
"""


def gate(bench: Bench, name: str = "gate", keywords: str | None = f"turkctl, {GRANT_ON_ACCEPT}") -> str:
    more = {} if keywords is None else {"Keywords": keywords}
    return bench.qualification(name, **more)


def behind(bench: Bench, *types: str, comparator: str = "DoesNotExist", **changes: object) -> str:
    """A HIT that asks for these types to be absent."""
    asked = [{"QualificationTypeId": each, "Comparator": comparator} for each in types]
    return bench.hit(QualificationRequirements=asked, **changes)


def holds(bench: Bench, kind: str) -> list[str]:
    listed = bench.market.list_workers_with_qualification_type(REQUESTER, {"QualificationTypeId": kind})
    return [each["WorkerId"] for each in listed["Qualifications"]]


def test_whoever_accepts_a_hit_behind_a_gate_cannot_accept_another_behind_it(bench: Bench) -> None:
    kind = gate(bench)
    one, two = behind(bench, kind), behind(bench, kind, Title="another code version")
    worker, _ = bench.accepted(one)
    assert holds(bench, kind) == [worker]
    with not_allowed("DoesNotMeetRequirements"):
        bench.accepted(two, worker)
    assert not any(hit["Qualified"] for hit in bench.market.available_hits("production", worker))
    bench.accepted(two)
    bench.accepted(behind(bench, gate(bench, "other")), worker)


@pytest.mark.parametrize("way", ["returned", "abandoned"])
def test_a_hit_that_is_given_back_gives_the_gate_back(bench: Bench, way: str) -> None:
    kind = gate(bench)
    one, two = behind(bench, kind), behind(bench, kind)
    worker, assignment = bench.accepted(one)
    if way == "returned":
        bench.market.return_assignment("production", worker, assignment)
    else:
        bench.market.advance(timedelta(minutes=10))
    assert holds(bench, kind) == []
    bench.accepted(two, worker)
    assert holds(bench, kind) == [worker]


@pytest.mark.parametrize("decision", ["none", "approve", "reject"])
def test_submitted_work_keeps_the_gate_whatever_is_decided(bench: Bench, decision: str) -> None:
    kind = gate(bench)
    worker, assignment = bench.submitted(behind(bench, kind))
    if decision != "none":
        getattr(bench, decision)(assignment)
    bench.market.advance(timedelta(minutes=30))
    with not_allowed("DoesNotMeetRequirements"):
        bench.accepted(behind(bench, kind), worker)


def test_a_return_takes_back_only_what_that_very_assignment_granted(bench: Bench) -> None:
    kind, other = gate(bench), gate(bench, "other")
    worker, first = bench.submitted(behind(bench, kind))
    _, second = bench.accepted(behind(bench, other), worker)
    bench.market.return_assignment("production", worker, second)
    assert (holds(bench, kind), holds(bench, other)) == ([worker], [])
    _, third = bench.accepted(behind(bench, other), worker)
    bench.grant(other, worker)  # now by hand: no return undoes that
    bench.market.return_assignment("production", worker, third)
    assert holds(bench, other) == [worker]
    assert first != second != third


def test_only_a_type_with_the_keyword_that_is_required_absent_is_granted(bench: Bench) -> None:
    plain, near = gate(bench, "plain", None), gate(bench, "near", f"{GRANT_ON_ACCEPT}-not")
    worker, _ = bench.accepted(behind(bench, plain, near))
    assert (holds(bench, plain), holds(bench, near)) == ([], [])
    needed = gate(bench, "needed")
    bench.grant(needed, worker, IntegerValue=7)
    bench.accepted(behind(bench, needed, comparator="Exists"), worker)
    request = {"QualificationTypeId": needed, "WorkerId": worker}
    assert bench.market.get_qualification_score(REQUESTER, request)["Qualification"]["IntegerValue"] == 7


def test_no_hit_of_another_requester_closes_a_gate(bench: Bench) -> None:
    kind = gate(bench)
    asked = [{"QualificationTypeId": kind, "Comparator": "DoesNotExist"}]
    theirs = bench.market.create_hit(STRANGER, hit_request(QualificationRequirements=asked))["HIT"]["HITId"]
    worker, _ = bench.accepted(theirs)
    assert holds(bench, kind) == []
    bench.accepted(behind(bench, kind), worker)


def test_a_refused_acceptance_grants_nothing(bench: Bench) -> None:
    kind, other = gate(bench), gate(bench, "other")
    worker = bench.worker()
    bench.grant(other, worker)
    with not_allowed("DoesNotMeetRequirements"):
        bench.accepted(behind(bench, kind, other), worker)
    assert holds(bench, kind) == []


def test_a_gate_that_is_used_does_not_vanish(bench: Bench) -> None:
    kind = gate(bench)
    hit = behind(bench, kind, LifetimeInSeconds=200 * 86_400)
    bench.market.advance(timedelta(days=100))
    bench.accepted(hit)
    bench.market.advance(timedelta(days=100))
    bench.market.get_qualification_type(REQUESTER, {"QualificationTypeId": kind})


def test_of_two_slots_accepted_at_once_by_one_worker_exactly_one_is_theirs(url: str) -> None:
    bench = Bench(url)
    kind = gate(bench)
    worker = bench.worker()
    for turn in range(5):
        hits = [behind(bench, kind, Title=f"{turn} {number}") for number in range(4)]

        def take(hit: str) -> str | None:
            try:
                return str(bench.market.accept("production", worker, hit)["AssignmentId"])
            except WorkError as error:
                return None if error.code == "DoesNotMeetRequirements" else error.code

        with ThreadPoolExecutor(4) as pool:
            (taken,) = filter(None, pool.map(take, hits))
        bench.market.return_assignment("production", worker, taken)
    bench.market.close()


def test_of_two_processes_that_accept_at_once_exactly_one_succeeds(url: str) -> None:
    bench = Bench(url, clock=time.time)
    kind = gate(bench)
    bench.market.register_worker("production", WORKER)
    hits = [behind(bench, kind, Title=str(number)) for number in range(6)]
    environment = {"PYTHONPATH": ":".join(sys.path), "PATH": ""}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", TAKER, url, *order],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for order in (hits, hits[::-1])
    ]
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    finished = [process.communicate(timeout=60) for process in running]
    assert [stderr for _, stderr in finished] == ["", ""]
    assert sum(int(out) for out, _ in finished) == 1
    bench.market.close()


def test_a_market_that_was_made_before_gets_what_it_lacks_when_it_is_opened(url: str) -> None:
    first = Bench(url)
    kind = gate(first)
    worker = first.worker()
    first.grant(kind, worker)
    identity = first.market.identity()
    first.market.close()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE market_grant DROP COLUMN assignment_id"))
        connection.execute(text("DROP TABLE market_review"))
        connection.execute(text("UPDATE market_meta SET version = 1"))
    engine.dispose()
    again = Bench(url)
    assert again.market.identity() == identity
    assert holds(again, kind) == [worker]
    other, assignment = again.accepted(behind(again, kind))
    again.market.return_assignment("production", other, assignment)
    assert holds(again, kind) == [worker]
    answer = again.market.list_review_policy_results_for_hit(REQUESTER, {"HITId": again.hit()})
    assert set(answer) == {"HITId"}
    again.market.close()
