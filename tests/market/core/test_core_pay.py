"""What a group pays an hour, measured by the times of those who did it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from market_support import REQUESTER, Bench
from sqlalchemy import event

from turkctl.market import pay


def work_through(bench: Bench, hit: str, people: int, seconds: int = 60) -> list[str]:
    """Let people do a HIT one after the other, each in that time; return the assignments."""
    found = []
    for number in range(people):
        worker = bench.market.register_worker("production", f"A{hit[-5:]}{number}")
        taken = bench.market.accept("production", worker, hit)["AssignmentId"]
        bench.clock.seconds += seconds
        bench.market.submit("production", worker, taken, {"colour": "red"})
        found.append(taken)
    return found


def hourly(bench: Bench) -> Decimal | None:
    watcher = bench.market.register_worker("production", "AWATCHER")
    (group,) = bench.market.with_pay("production", bench.market.groups("production", watcher))
    return group.hourly


def test_pay_is_shown_once_ten_people_have_done_it(bench: Bench) -> None:
    hit = bench.hit(MaxAssignments=20)
    work_through(bench, hit, 9)
    assert hourly(bench) is None
    worker = bench.market.register_worker("production", "ATENTH")
    taken = bench.market.accept("production", worker, hit)["AssignmentId"]
    bench.clock.seconds += 500
    bench.market.submit("production", worker, taken, {"colour": "red"})
    assert hourly(bench) == Decimal("30.00"), "the median minute at $0.50"
    look = bench.market.look_at("production", "AWATCHER", hit)
    assert look["HourlyPay"] == Decimal("30.00")


def test_one_person_who_does_many_does_not_stand_for_ten(bench: Bench) -> None:
    worker = bench.market.register_worker("production", "ABUSY")
    for _ in range(12):
        taken = bench.market.accept("production", worker, bench.hit())["AssignmentId"]
        bench.market.submit("production", worker, taken, {"colour": "red"})
    bench.hit()
    assert hourly(bench) is None


def test_rejected_work_does_not_count_until_it_is_approved_after_all(bench: Bench) -> None:
    hit = bench.hit(MaxAssignments=20)
    *_, last = work_through(bench, hit, 10)
    refusal = {"AssignmentId": last, "RequesterFeedback": "wrong"}
    bench.market.reject_assignment(REQUESTER, refusal)
    assert hourly(bench) is None
    bench.market.approve_assignment(REQUESTER, {"AssignmentId": last, "OverrideRejection": True})
    assert hourly(bench) == Decimal("30.00")


def test_work_for_nothing_has_no_pay_an_hour(bench: Bench) -> None:
    work_through(bench, bench.hit(MaxAssignments=20, Reward="0.00"), 10)
    assert hourly(bench) is None


@pytest.mark.parametrize("people", [10, 30])
def test_its_cost_does_not_grow_with_people_or_hits(bench: Bench, people: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pay, "MOST_LOOKED_AT", 10)
    hit = bench.hit(MaxAssignments=90)
    work_through(bench, hit, people)
    for _ in range(people):
        bench.hit()
    bench.market.register_worker("production", "AWATCHER")
    statements: list[str] = []
    engine = bench.market._database.engine
    event.listen(engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
    (group,) = bench.market.with_pay("production", bench.market.groups("production", "AWATCHER"))
    about_pay = [each for each in statements if "market_work_time" in each]
    assert group.hourly is not None
    assert (len(about_pay), len(statements)) == (1, 10)
    with bench.market._database.read() as connection:
        plan = connection.exec_driver_sql(
            "EXPLAIN QUERY PLAN SELECT milliseconds FROM market_work_time WHERE hit_type_id = 'x' ORDER BY at DESC"
        ).all()
    assert [row[3] for row in plan] == ["SEARCH market_work_time USING INDEX market_work_time_by_type (hit_type_id=?)"]
