"""Ending a study on the dashboard, and reopening it; what its lists then leave out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from dashboard_support import DashboardSite, dashboard_of
from study_support import Study


@pytest.fixture
def site(folder: Path) -> Iterator[DashboardSite]:
    study = Study.new(folder)
    try:
        with dashboard_of(study) as made:
            yield made
    finally:
        study.close()


def test_a_study_is_ended_and_reopened(site: DashboardSite) -> None:
    (hit,) = site.study.post(1)
    visitor = site.visitor()
    page = visitor.get("/experiments/stroop")
    assert "End the study" in page
    assert "Reopen" not in page
    visitor.act("experiments-end", experiment="stroop", cancel_campaigns="")
    assert list(site.study.world.mturk.list_hits()) == []
    assert "It ended" in visitor.get("/experiments/stroop")
    assert hit not in visitor.get("/hits")
    assert hit in visitor.get("/hits?ended=1")
    assert hit in visitor.get("/hits?experiment=stroop")
    assert "/experiments/stroop" not in visitor.get("/experiments")
    assert "/experiments/stroop" in visitor.get("/experiments?ended=1")
    assert "turkctl experiments list --ended" in visitor.text
    assert "Ended: " in visitor.get("/")
    visitor.act("experiments-reopen", experiment="stroop")
    assert "/experiments/stroop" in visitor.get("/experiments")


def test_an_active_campaign_is_in_the_way_unless_it_is_ticked(site: DashboardSite) -> None:
    site.study.create(2)
    site.study.round()
    visitor = site.visitor()
    assert "Also cancel its active campaign" in visitor.plan("experiments-end", experiment="stroop")
    assert "campaign 1, which is active" in visitor.plan("experiments-end", experiment="stroop", cancel_campaigns="")
    visitor.act("experiments-end", experiment="stroop", cancel_campaigns="1")
    assert "campaigns/1" not in visitor.get("/campaigns")
    assert "campaigns/1" in visitor.get("/campaigns?ended=1")
