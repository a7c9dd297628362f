"""The overview: what to do about each decision, campaigns, money, people per day; and how large pages are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from dashboard_support import DashboardSite, dashboard_of, dashboard_site
from study_support import Study, people

from turkctl.operations.sync.run import sync

BUDGET = '[experiments.stroop.limits]\nbudget = "50.00"\n'


@pytest.fixture
def site(folder: Path) -> Iterator[DashboardSite]:
    """A campaign of 20 people whose first 5 handed in their work."""
    study = Study.new(folder, more=BUDGET)
    study.create(20)
    study.round()
    study.work(people(), 5)
    sync(study.world)
    try:
        with dashboard_of(study) as made:
            yield made
    finally:
        study.close()


def test_what_waits_for_a_decision_has_the_button_that_plans_it(site: DashboardSite) -> None:
    visitor = site.visitor()
    page = visitor.get("/")
    assert "5 assignments to review" in page
    assert "turkctl workers approve --experiment stroop" in page
    form = re.search(
        r'<form method="post" class="row" action="/dashboard/acts/workers-approve">.*?</form>', page, re.DOTALL
    )
    assert form
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[0]))
    assert (fields["experiment"], fields["mode"]) == ("stroop", "local")
    plan = visitor.post("/acts/workers-approve", fields, token=False)
    assert "Approve 5 assignments for $3.00" in plan
    viewers = site.visitor("viewer").get("/")
    assert ("5 assignments to review" in viewers, "/dashboard/acts/" in viewers) == (True, False)


def test_it_shows_campaign_money_people_per_day_and_who_runs_tasks(site: DashboardSite) -> None:
    page = site.visitor().get("/")
    assert "5 of 20 people" in page
    assert "of a budget of $50.00" in page
    assert re.search(r'<th scope="row">\d{4}-\d\d-\d\d</th><td class="number">5</td>', page)
    assert "No scheduler is running; tasks need one" in page
    assert '<code id="command">turkctl status --chart</code>' in page


def test_bonuses_that_are_owed_and_amounts_that_cannot_be_paid_lead_to_their_rows(site: DashboardSite) -> None:
    visitor = site.visitor()
    visitor.act("workers-approve", experiment="stroop")
    site.study.write("UPDATE assignments SET bonus = 0.25 WHERE workerid = 'AW000001'")
    site.study.write("UPDATE assignments SET bonus = 0.001 WHERE workerid = 'AW000002'")
    page = visitor.get("/")
    assert "1 bonus is owed, $0.25 in all" in page
    (owed, unclear) = re.findall(r'<a href="([^"]+)">Look at (?:who is owed|the bonuses)</a>', page)
    assert owed == unclear
    rows = visitor.get(unescape(owed))
    assert rows.index("AW000001") < rows.index("AW000002") < rows.index("AW000003")


def test_a_command_that_was_cut_short_leads_to_what_it_did(site: DashboardSite) -> None:
    site.study.post(1)
    site.study.write("UPDATE turkctl_run SET state = 'incomplete' WHERE act = 'hits create'")
    visitor = site.visitor()
    page = visitor.get("/")
    assert "that was cut short" in page
    (target,) = re.findall(r'<a href="(/dashboard/runs/\d+)">See what was done</a>', page)
    visitor.get(target)
    assert visitor.status == 200


def test_pages_are_small_before_data(folder: Path) -> None:
    """The HTML of each page of an empty study; style sheets and scripts are files that browsers keep."""
    with dashboard_site(folder) as empty:
        visitor = empty.visitor()
        for path in ("/", "/participants", "/participants?group_by=day", "/participants/choices", "/log", "/settings"):
            page = visitor.get(path)
            assert visitor.status == 200
            assert len(page.encode()) < 60_000, path
        empty.study.world.market.register_worker("production", "A1")
        (hit,) = empty.study.post(1)
        empty.study.submit(hit, "A1")
        sync(empty.study.world)
        assert len(visitor.get("/workers/A1").encode()) < 60_000
        assert visitor.status == 200
