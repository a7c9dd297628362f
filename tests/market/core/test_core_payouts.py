"""What is owed outside the play money: each reward and bonus once, however often it is marked as paid."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from market_support import REQUESTER, Bench

from turkctl.errors import NotFoundError, UsageError
from turkctl.market.payouts import Claim, Payout, Span
from turkctl.newcomers import NewPerson

EVER = Span()


@pytest.fixture
def books(url: str) -> Iterator[Bench]:
    """A market on each database."""
    made = Bench(url)
    yield made
    made.market.close()


def earn(bench: Bench, worker: str | None = None, bonus: str | None = None, **hit: str) -> str:
    """Somebody does a HIT that is approved, perhaps with a bonus; who it was."""
    who, assignment = bench.submitted(bench.hit(**hit), worker)
    bench.approve(assignment)
    if bonus is not None:
        request = {"WorkerId": who, "AssignmentId": assignment, "BonusAmount": bonus, "Reason": "Good"}
        bench.market.send_bonus(REQUESTER, request | {"UniqueRequestToken": assignment})
    bench.clock.seconds += 60
    return who


def owed(bench: Bench, span: Span = EVER) -> dict[str, Decimal]:
    return {each.worker_id: each.amount for each in bench.market.owed("production", span.since, span.until)}


def pay(bench: Bench, who: list[str] | None = None, span: Span = EVER) -> list[Payout]:
    claims = bench.market.payout_claims("production", who, span.since, span.until)
    return bench.market.mark_paid("production", claims, "May")


def test_rewards_of_approved_work_and_bonuses_are_owed_and_nothing_else(books: Bench) -> None:
    who = earn(books, bonus="0.25", Reward="1.10")
    earn(books, who, Reward="0.05")
    books.submitted(books.hit())  # undecided
    _, rejected = books.submitted(books.hit())
    books.reject(rejected)
    (row,) = books.market.owed("production")
    assert (row.worker_id, row.rewards, row.bonuses, row.assignments) == (who, Decimal("1.15"), Decimal("0.25"), 2)
    assert row.amount == Decimal("1.40")
    assert books.market.owed("sandbox") == []


def test_a_repeat_marks_nothing(books: Bench) -> None:
    who = earn(books, bonus="0.25")
    claims = books.market.payout_claims("production")
    (made,) = books.market.mark_paid("production", claims, "Transfer 7")
    assert (made.worker_id, made.amount, made.reference) == (who, Decimal("0.75"), "Transfer 7")
    assert books.market.mark_paid("production", claims, "Transfer 7") == []
    assert (owed(books), pay(books)) == ({}, [])
    assert books.market.payouts("production") == [made]


def test_what_is_earned_after_a_payout_is_owed_again(books: Bench) -> None:
    who = earn(books)
    pay(books)
    earn(books, who, Reward="0.30")
    assert owed(books) == {who: Decimal("0.30")}
    pay(books)
    assert [each.amount for each in books.market.payouts("production")] == [Decimal("0.50"), Decimal("0.30")]


def test_an_amount_that_is_not_owed_is_refused_and_then_nothing_is_marked(books: Bench) -> None:
    first, second = earn(books), earn(books)
    good, bad = books.market.payout_claims("production", sorted([first, second]))
    for amount in ("0.49", "0.51", "99.00"):
        with pytest.raises(UsageError, match="nothing is marked"):
            books.market.mark_paid("production", [good, replace(bad, amount=Decimal(amount))], None)
    assert books.market.payouts("production") == []
    pay(books, [bad.worker_id])
    with pytest.raises(UsageError, match="is owed"):
        books.market.mark_paid("production", [good, replace(bad, amount=Decimal("0.40"))], None)
    assert owed(books) == {good.worker_id: Decimal("0.50")}


def test_what_is_earned_between_plan_and_payout_stays_owed(books: Bench) -> None:
    who = earn(books)
    claims = books.market.payout_claims("production")
    earn(books, who, bonus="0.10", Reward="0.20")
    (made,) = books.market.mark_paid("production", claims, None)
    assert (made.amount, owed(books)) == (Decimal("0.50"), {who: Decimal("0.30")})


def test_a_time_limits_what_is_owed_and_what_is_paid(books: Bench) -> None:
    who = earn(books, Reward="0.10")
    middle = books.market.now()
    earn(books, who, Reward="0.20", bonus="0.05")
    assert owed(books, Span(until=middle)) == {who: Decimal("0.10")}
    assert owed(books, Span(since=middle)) == {who: Decimal("0.25")}
    pay(books, span=Span(until=middle))
    assert owed(books) == {who: Decimal("0.25")}
    later = middle + timedelta(days=1)
    assert owed(books, Span(since=later)) == {}
    assert len(books.market.payouts("production", None, later)) == 1
    assert books.market.payouts("production", later) == []


def test_people_are_named_by_their_own_ids(books: Bench) -> None:
    who = books.market.add_person("production", NewPerson(own_id="4711", label="Ana", groups=("a",)))
    earn(books, who)
    (row,) = books.market.owed("production")
    assert row.person is not None
    assert (row.person.own_id, row.person.label) == ("4711", "Ana")
    (claim,) = books.market.payout_claims("production", ["4711"])
    assert claim.worker_id == who
    with pytest.raises(NotFoundError):
        books.market.payout_claims("production", ["4712"])


def test_rows_of_a_file_with_an_amount_are_held_to_it_and_others_are_what_is_owed(books: Bench) -> None:
    one, two = earn(books), earn(books)
    found = books.market.payout_claims_of("production", [(one, Decimal("0.40"), None, None), (two, None, None, None)])
    assert [(each.worker_id, each.amount) for each in found] == [(one, Decimal("0.40")), (two, Decimal("0.50"))]
    with pytest.raises(UsageError):
        books.market.mark_paid("production", found, None)


def test_one_who_is_named_twice_is_paid_once(books: Bench) -> None:
    who = earn(books)
    claim = Claim(who, Decimal("0.50"), EVER)
    assert len(books.market.mark_paid("production", [claim, claim], None)) == 1


def test_two_who_pay_at_the_same_time_mark_each_amount_once(books: Bench) -> None:
    for _ in range(3):
        earn(books)
    claims = books.market.payout_claims("production")
    made: list[Payout] = []
    threads = [
        threading.Thread(target=lambda: made.extend(books.market.mark_paid("production", claims, None)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(made) == 3
    assert sum(each.amount for each in books.market.payouts("production")) == Decimal("1.50")


def test_many_people_are_paid_at_once(books: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("turkctl.market.payouts._MOST_IDS", 1)
    people = {earn(books) for _ in range(3)}
    assert {each.worker_id for each in pay(books, sorted(people))} == people


@pytest.mark.parametrize("reference", ["", " ", "x" * 201, "a\nb"])
def test_a_reference_is_a_line(reference: str, bench: Bench) -> None:
    with pytest.raises(UsageError, match="reference"):
        bench.market.mark_paid("production", [], reference)
