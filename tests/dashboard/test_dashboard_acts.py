"""An act through the dashboard: its plan, the agreement, the thread that does it, its page and its line in the log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from dashboard_support import DashboardSite, dashboard_site

from turkctl.operations.log import LogQuery, list_log
from turkctl.operations.sync.run import sync


@pytest.fixture
def site(folder: Path) -> Iterator[DashboardSite]:
    with dashboard_site(folder) as made:
        (hit,) = made.study.post(3)
        made.study.submit(hit, "A1", "A2")
        sync(made.study.world)
        yield made


def test_the_plan_says_how_many_and_what_they_cost_and_nothing_is_done_before_the_agreement(
    site: DashboardSite,
) -> None:
    visitor = site.visitor()
    page = visitor.plan("workers-approve", all="1")
    assert "Approve 2 assignments for $1.20" in page
    assert "turkctl workers approve --all" in page
    assert statuses(site) == ["Submitted", "Submitted"]


def test_an_agreed_act_is_done_and_leaves_one_line_that_says_who(site: DashboardSite) -> None:
    page = site.visitor().act("workers-approve", all="1")
    assert "2 assignments approved" in page
    assert statuses(site) == ["Approved", "Approved"]
    (line,) = [each for each in list_log(site.study.world, LogQuery()) if each["act"] == "workers approve"]
    assert line["who"].startswith("lab (dashboard)")
    assert line["command"] == "turkctl workers approve --all"
    assert line["succeeded"] == 2


def test_the_same_confirming_page_sent_twice_begins_one_act(site: DashboardSite) -> None:
    visitor = site.visitor()
    visitor.plan("workers-approve", all="1")
    request, token = visitor.hidden("request"), visitor.token
    first = visitor.client.post("/dashboard/runs", data={"request": request, "csrf_token": token})
    second = visitor.client.post("/dashboard/runs", data={"request": request, "csrf_token": token})
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.headers["Location"] == second.headers["Location"]
    assert len([each for each in list_log(site.study.world, LogQuery()) if each["act"] == "workers approve"]) == 1


def test_a_plan_that_changed_since_it_was_shown_is_shown_again(site: DashboardSite) -> None:
    visitor = site.visitor()
    visitor.plan("workers-approve", all="1")
    request = visitor.hidden("request")
    (hit,) = site.study.post(1)
    site.study.submit(hit, "A3")
    sync(site.study.world)
    page = visitor.post("/runs", {"request": request})
    assert visitor.status == 409
    assert "The plan has changed" in page
    assert "Approve 3 assignments for $1.80" in page
    assert statuses(site) == ["Submitted"] * 3


def test_a_page_made_for_another_mode_does_nothing(site: DashboardSite) -> None:
    visitor = site.visitor()
    visitor.get("/settings")
    visitor.post("/settings/mode", {"mode": "sandbox"})
    page = visitor.post("/acts/workers-approve", {"all": "1", "mode": "local"})
    assert visitor.status == 409
    assert "that page was for mode local" in page


def test_an_act_that_a_form_does_not_name_is_not_found(site: DashboardSite) -> None:
    visitor = site.visitor()
    visitor.plan("workers-pay-everybody", all="1")
    assert visitor.status == 404


def test_somebody_who_may_only_look_can_neither_plan_nor_begin_an_act(site: DashboardSite) -> None:
    manager, viewer = site.visitor(), site.visitor("viewer")
    manager.plan("workers-approve", all="1")
    viewer.plan("workers-approve", all="1")
    assert viewer.status == 403
    viewer.get("/settings")
    viewer.post("/runs", {"request": manager.hidden("request")})
    assert viewer.status == 403
    assert statuses(site) == ["Submitted", "Submitted"]


def statuses(site: DashboardSite) -> list[str]:
    return [row[0] for row in site.study.sql("SELECT status FROM turkctl_assignment ORDER BY assignment_id")]
