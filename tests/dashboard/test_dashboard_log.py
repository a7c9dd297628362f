"""The log on the dashboard: filters in the address, pages, other modes, and who may see command lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from dashboard_support import DashboardSite, Visitor, dashboard_site

from turkctl.dashboard.pages.log import SIZE
from turkctl.operations.engine.world import CommandOrigin
from turkctl.operations.intents.lines import leave_line
from turkctl.scheduler.worlds import ChildWorld


@pytest.fixture
def site(folder: Path) -> Iterator[DashboardSite]:
    with dashboard_site(folder) as made:
        yield made


def leave(site: DashboardSite, words: str, act: str = "hits expire", experiment: str | None = None) -> datetime:
    """Leave a line in the log, and return when it was left."""
    origin = CommandOrigin(f"turkctl {act} AWORKER1", act=act)
    origin.tally.say(words, experiment)
    leave_line(ChildWorld(site.study.world, origin))
    return site.study.world.now()


def shown(visitor: Visitor, path: str) -> list[str]:
    """Return the outcomes that a page of the log lists."""
    page = visitor.get(path)
    assert visitor.status == 200, page
    return re.findall(r'<td data-label="Outcome">([^<]*)</td>', page)


def test_every_filter_of_the_log_is_in_its_address(site: DashboardSite) -> None:
    visitor = site.visitor()
    middle = leave(site, "old") + timedelta(seconds=1)
    site.study.pass_time(hours=1)
    leave(site, "new", act="workers approve", experiment="stroop")
    when = f"{middle:%Y-%m-%dT%H:%M:%SZ}"
    assert shown(visitor, "/log") == ["new", "old"]
    assert shown(visitor, f"/log?since={when}") == ["new"]
    assert shown(visitor, f"/log?until={when}") == ["old"]
    assert shown(visitor, "/log?act=approve") == ["new"]
    assert shown(visitor, "/log?experiment=stroop") == ["new"]
    page = visitor.get(f"/log?act=approve&experiment=stroop&since={when}")
    assert f"turkctl log --since {when} --act approve --experiment stroop --limit {SIZE}" in page
    assert 'name="act" type="text" value="approve"' in page


def test_a_time_that_is_none_and_an_unknown_experiment_are_explained(site: DashboardSite) -> None:
    visitor = site.visitor()
    assert "soon" in visitor.get("/log?since=soon")
    assert visitor.status == 400
    visitor.get("/log?experiment=strop")
    assert visitor.status == 404


def test_lines_of_other_modes_are_shown_with_their_mode_when_they_are_asked_for(site: DashboardSite) -> None:
    visitor = site.visitor()
    leave(site, "done in local")
    visitor.get("/settings")
    visitor.post("/settings/mode", {"mode": "sandbox"})
    assert shown(visitor, "/log") == []
    assert "Look in all modes" in visitor.text
    assert shown(visitor, "/log?all_modes=1") == ["done in local"]
    assert '<td data-label="Mode">local</td>' in visitor.text


def test_the_log_has_pages_and_each_line_leads_to_its_run(site: DashboardSite) -> None:
    for number in range(SIZE + 3):
        leave(site, f"act {number}")
    visitor = site.visitor()
    assert shown(visitor, "/log") == [f"act {number}" for number in range(SIZE + 2, 2, -1)]
    assert "/dashboard/log?page=2" in visitor.text
    assert shown(visitor, "/log?page=2") == ["act 2", "act 1", "act 0"]
    assert "page=3" not in visitor.text
    address = re.search(r'href="(/dashboard/runs/\d+)"', visitor.text)
    assert address
    assert "act 2" in visitor.get(address[1])


def test_command_lines_are_shown_only_to_those_who_may_see_worker_ids(site: DashboardSite) -> None:
    leave(site, "done")
    assert "turkctl hits expire AWORKER1" in site.visitor("lab").get("/log")
    assert "AWORKER1" not in site.visitor("ann").get("/log")
