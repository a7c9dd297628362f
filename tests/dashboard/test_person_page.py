"""The page of one person: work, wages, payments, messages, what they are kept out of, and acts on them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from dashboard_support import DashboardSite, dashboard_site

from turkctl.operations.payments.bonus import BonusRequest, prepare_bonus
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.sync.run import sync
from turkctl.operations.workers.approve import prepare_approve
from turkctl.operations.workers.block import prepare_block
from turkctl.operations.workers.message import MessageRequest, prepare_message

ANNA, BEN = "AANNA", "ABEN"


@pytest.fixture
def site(folder: Path) -> Iterator[DashboardSite]:
    with dashboard_site(folder) as made:
        study = made.study
        (hit,) = study.post(3)
        study.submit(hit, ANNA, BEN)
        sync(study.world)
        hers = WorkSelection(Selection(ids=(ANNA,)))
        study.apply(prepare_approve(study.world, WorkSelection(Selection(everything=True))))
        study.apply(prepare_bonus(study.world, hers, BonusRequest("quick <b>work</b>", Decimal("0.10"))))
        study.apply(prepare_message(study.world, MessageRequest((ANNA,), "Thank you", "Come again")))
        study.apply(prepare_block(study.world, [ANNA], "A script"))
        yield made


def test_it_shows_work_money_messages_and_rows_of_this_person_alone(site: DashboardSite) -> None:
    page = site.visitor().get(f"/workers/{ANNA}")
    ((assignment,),) = site.study.sql("SELECT assignment_id FROM turkctl_assignment WHERE worker_id = 'AANNA'")
    ((other,),) = site.study.sql("SELECT assignment_id FROM turkctl_assignment WHERE worker_id = 'ABEN'")
    assert assignment in page
    assert other not in page
    assert "$0.72: rewards $0.50, bonuses $0.10, compensation $0.00, fees $0.12" in page
    assert "quick &lt;b&gt;work&lt;/b&gt;" in page
    assert "Come again" in page
    assert f'href="/dashboard/participants/{ANNA}:{assignment}"' in page
    assert f'<code id="command">turkctl workers show {ANNA}</code>' in page


def test_the_market_is_asked_whether_they_are_blocked_only_where_somebody_asks(site: DashboardSite) -> None:
    visitor = site.visitor()
    site.study.requests()
    page = visitor.get(f"/workers/{ANNA}")
    assert (site.study.requests().get("ListWorkerBlocks", 0), "Ask the market" in page) == (0, True)
    asked = re.search(r'<a href="([^"]+)">Ask the market', page)
    assert asked
    page = visitor.get(asked[1])
    assert re.search(r"<dt>Blocked</dt><dd>\s*yes", page)
    assert f"turkctl workers show {ANNA} --refresh" in page


def test_somebody_unknown_is_not_found(site: DashboardSite) -> None:
    visitor = site.visitor()
    page = visitor.get("/workers/ANOBODY")
    assert (visitor.status, "there is no worker ANOBODY" in page) == (404, True)


def test_acts_on_a_person_are_for_those_who_may_change_something(site: DashboardSite) -> None:
    offered = set(re.findall(r'action="/dashboard/acts/([\w-]+)"', site.visitor().get(f"/workers/{ANNA}")))
    assert offered == {f"workers-{each}" for each in ("message", "bonus", "compensate", "exclude", "block")}
    assert "/dashboard/acts/" not in site.visitor("viewer").get(f"/workers/{ANNA}")
