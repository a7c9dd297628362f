"""Listings: pages, tokens, order, lag."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from market_support import EXTERNAL, REQUESTER, SANDBOX, STRANGER, Bench, hit_request, pages, refused


def ids(found: list[list[dict[str, Any]]], member: str = "HITId") -> list[str]:
    return [item[member] for page in found for item in page]


def test_a_token_comes_with_every_page_but_the_empty_one(bench: Bench) -> None:
    assert bench.market.list_hits(REQUESTER, {}) == {"NumResults": 0, "HITs": []}
    hits = [bench.hit() for _ in range(4)]
    found = pages(bench.market.list_hits, "HITs", size=2)
    assert [len(page) for page in found] == [2, 2, 0]
    assert ids(found) == hits  # oldest first
    assert [len(page) for page in pages(bench.market.list_hits, "HITs", size=3)] == [3, 1, 0]


def test_a_page_has_ten_rows_unless_asked_otherwise(bench: Bench) -> None:
    bench.market.bulk_hits(REQUESTER, hit_request(), 11)
    assert bench.market.list_hits(REQUESTER, {})["NumResults"] == 10


def test_rows_that_come_and_go_between_pages_neither_repeat_nor_hide_others(bench: Bench) -> None:
    hits = [bench.hit() for _ in range(4)]
    first = bench.market.list_hits(REQUESTER, {"MaxResults": 2})
    bench.expire(hits[0])
    bench.market.delete_hit(REQUESTER, {"HITId": hits[0]})
    late = bench.hit()
    rest = bench.market.list_hits(REQUESTER, {"MaxResults": 10, "NextToken": first["NextToken"]})
    assert [hit["HITId"] for hit in rest["HITs"]] == [*hits[2:], late]


def test_a_token_is_good_for_its_own_query_only(bench: Bench) -> None:
    bench.hit()
    token = bench.market.list_hits(REQUESTER, {})["NextToken"]
    assert bench.market.list_hits(REQUESTER, {"NextToken": token})["HITs"] == []
    text = f'The value "{token}" is not valid for the parameter NextToken.'
    for ask in (
        lambda: bench.market.list_reviewable_hits(REQUESTER, {"NextToken": token}),
        lambda: bench.market.list_hits(STRANGER, {"NextToken": token}),
        lambda: bench.market.list_hits(SANDBOX, {"NextToken": token}),
    ):
        with refused(None, text, "ParameterValidationError"):
            ask()


@pytest.mark.parametrize("token", ["x", "=====", "é", "AAAA", "a" * 255, "MS4xLjE"])
def test_a_garbage_token_is_refused(bench: Bench, token: str) -> None:
    with refused(None, "NextToken", "ParameterValidationError"):
        bench.market.list_hits(REQUESTER, {"NextToken": token})


def test_reviewable_hits_come_latest_expiration_first_and_by_type(bench: Bench) -> None:
    hits = [bench.hit(LifetimeInSeconds=seconds, Title=f"t{seconds % 2}") for seconds in (100, 301, 200)]
    bench.hit(LifetimeInSeconds=10_000)
    bench.market.advance(timedelta(seconds=400))
    assert ids(pages(bench.market.list_reviewable_hits, "HITs", size=1)) == [hits[1], hits[2], hits[0]]
    kind = bench.get(hits[0])["HITTypeId"]
    assert ids(pages(bench.market.list_reviewable_hits, "HITs", HITTypeId=kind)) == [hits[2], hits[0]]
    with refused("InvalidParameterValue", "NOTYPE"):
        bench.market.list_reviewable_hits(REQUESTER, {"HITTypeId": "NOTYPE"})


def test_assignments_come_in_the_order_of_submission_and_by_status(bench: Bench) -> None:
    hit = bench.hit(MaxAssignments=9)
    early, late = bench.accepted(hit), bench.accepted(hit)
    bench.accepted(hit)
    bench.market.submit("production", *late, {})
    bench.clock.seconds += 1
    bench.market.submit("production", *early, {})
    listing = bench.market.list_assignments_for_hit
    assert ids(pages(listing, "Assignments", size=1, HITId=hit), "AssignmentId") == [late[1], early[1]]
    bench.approve(late[1])
    submitted = pages(listing, "Assignments", HITId=hit, AssignmentStatuses=["Submitted"])
    assert ids(submitted, "AssignmentId") == [early[1]]
    both = pages(listing, "Assignments", HITId=hit, AssignmentStatuses=["Approved", "Submitted"])
    assert len(ids(both, "AssignmentId")) == 2


def test_blocks_bonuses_and_grants_are_paged_too(bench: Bench) -> None:
    workers = [bench.worker() for _ in range(3)]
    kind, hit = bench.qualification(), bench.hit(MaxAssignments=3)
    for worker in workers:
        bench.grant(kind, worker)
        _, assignment = bench.submitted(hit, worker)
        bench.market.send_bonus(
            REQUESTER, {"WorkerId": worker, "AssignmentId": assignment, "BonusAmount": "0.10", "Reason": "r"}
        )
        bench.market.create_worker_block(REQUESTER, {"WorkerId": worker, "Reason": "r"})
    market = bench.market
    for found in (
        pages(market.list_worker_blocks, "WorkerBlocks"),
        pages(market.list_bonus_payments, "BonusPayments", HITId=hit),
        pages(market.list_workers_with_qualification_type, "Qualifications", QualificationTypeId=kind),
    ):
        assert ids(found, "WorkerId") == workers


def test_new_hits_and_fresh_submissions_are_missing_from_listings_while_the_lag_lasts(bench: Bench) -> None:
    bench.market.listing_lag = timedelta(seconds=30)
    hit = bench.hit()
    _, assignment = bench.submitted(hit)
    market = bench.market
    assert market.list_hits(REQUESTER, {})["HITs"] == []
    assert market.list_reviewable_hits(REQUESTER, {})["HITs"] == []
    assert market.list_assignments_for_hit(REQUESTER, {"HITId": hit})["Assignments"] == []
    assert bench.get(hit)["HITStatus"] == "Reviewable"  # GetHIT knows
    with refused("InvalidAssignmentState", "Submitted"):
        bench.approve(assignment)
    bench.clock.seconds += 30
    assert [found["HITId"] for found in market.list_hits(REQUESTER, {})["HITs"]] == [hit]
    assert market.list_reviewable_hits(REQUESTER, {})["NumResults"] == 1
    assert market.list_assignments_for_hit(REQUESTER, {"HITId": hit})["NumResults"] == 1
    bench.approve(assignment)


def test_workers_discover_open_hits_page_by_page(bench: Bench) -> None:
    hits = [bench.hit(Title=f"t{number}") for number in range(5)]
    worker = bench.worker()
    bench.accepted(hits[1], worker)
    bench.expire(hits[2])
    bench.market.create_hit(SANDBOX, hit_request())
    first = bench.market.available_hits("production", worker, 2)
    assert [hit["HITId"] for hit in first] == [hits[0], hits[3]]
    rest = bench.market.available_hits("production", worker, 2, after=hits[3])
    assert [hit["HITId"] for hit in rest] == [hits[4]]
    assert len({hit["RequesterId"] for hit in first + rest}) == 1


def test_bulk_hits_are_hits_like_others(bench: Bench) -> None:
    made = bench.market.bulk_hits(REQUESTER, hit_request(Question=EXTERNAL, MaxAssignments=2), 5)
    assert ids(pages(bench.market.list_hits, "HITs")) == made
    assert bench.state(made[0]) == ("Assignable", 2, 0, 0)
    assert str(bench.balance()[1]) == "6.00"
