"""What the worker site says of money: in the market's unit, and nothing where there is none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from worker_site_support import REQUESTER, SiteBench, Visitor, site_bench


@pytest.fixture
def unpaid() -> Iterator[SiteBench]:
    """A market without a commission, where a HIT may pay nothing."""
    with site_bench(fee="none") as made:
        yield made


def _pages(bench: SiteBench, person: Visitor, hit_id: str) -> str:
    """All pages that somebody sees on the way from the list to what they did."""
    seen = [person.get("/worker"), person.get(f"/worker/hits/{hit_id}")]
    assignment = person.accept(hit_id)
    seen.append(person.text)
    person.submit(assignment)
    seen.append(person.get(f"/worker/done/{assignment}"))
    bench.market.approve_assignment(REQUESTER, {"AssignmentId": assignment})
    seen += [person.get(f"/worker/done/{assignment}"), person.get("/worker/mine")]
    return "\n".join(seen)


def test_nothing_is_said_of_money_where_there_is_none(unpaid: SiteBench) -> None:
    hit = unpaid.post(Reward="0.00")
    seen = _pages(unpaid, unpaid.person(), hit["HITId"])
    assert "Your work was approved" in seen
    for word in ("0.00", "$", "eward", "owed", "Earn", "Bonus", "unpaid"):
        assert word not in seen, word


def test_beside_paid_work_the_rest_is_unpaid(unpaid: SiteBench) -> None:
    unpaid.post(Title="For nothing", Reward="0.00")
    unpaid.post(Title="For money", Reward="0.50")
    shown = unpaid.person().get("/worker")
    assert "<dt>Reward</dt><dd>unpaid</dd>" in shown
    assert "<dt>Reward</dt><dd>$0.50</dd>" in shown


def test_a_bonus_for_unpaid_work_is_shown(unpaid: SiteBench) -> None:
    hit, person = unpaid.post(Reward="0.00"), unpaid.person()
    worker, assignment = person.worker_id, person.accept(hit["HITId"])
    person.submit(assignment)
    bonus = {"WorkerId": worker, "AssignmentId": assignment, "BonusAmount": "3.00", "Reason": "quick"}
    unpaid.market.send_bonus(REQUESTER, bonus)
    mine = person.get("/worker/mine")
    assert "$3.00" in mine
    assert "quick" in mine


def test_amounts_are_shown_in_the_unit_of_the_market() -> None:
    with site_bench(unit="credits") as bench:
        hit = bench.post(Reward="3.00")
        seen = _pages(bench, bench.person(), hit["HITId"])
    assert "$" not in seen
    for words in (
        "<dd>3.00 credits</dd>",
        "reward 3.00 credits",
        "<span>Reward 3.00 credits</span>",
        "you are owed 3.00 credits.",
        'class="number">3.00 credits</td>',
    ):
        assert words in seen, words


def test_a_unit_is_text_and_no_markup() -> None:
    with site_bench(unit="<b>") as bench:
        bench.post(Reward="3.00")
        assert "3.00 &lt;b&gt;" in bench.person().get("/worker")
