"""The pages of items and labels, and the acts on them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from dashboard_support import DashboardSite, dashboard_of
from label_support import VOTES, LabelStudy, rows_of
from study_support import worker

from turkctl.operations.labels.lists import list_workers
from turkctl.operations.status.content import GROUPS


@pytest.fixture
def study(folder: Path) -> Iterator[LabelStudy]:
    made = LabelStudy(folder)
    made.import_rows(rows_of(VOTES))
    yield made
    made.world.close()


@pytest.fixture
def site(study: LabelStudy) -> Iterator[DashboardSite]:
    with dashboard_of(study) as made:
        yield made


def test_labels_are_aggregated_by_a_thread_and_shown_with_their_annotators(
    study: LabelStudy, site: DashboardSite
) -> None:
    visitor = site.visitor()
    assert "There are labels that no aggregation has seen." in visitor.get("/labels?experiment=photos")
    page = visitor.act("labels-aggregate", experiment="photos")
    assert "photos: 6 labels changed" in page
    page = visitor.get("/labels?experiment=photos")
    assert "Nothing is new since the last aggregation." in page
    assert page.count('<td data-label="Item">') == len(study.results()) == 6
    assert page.count('<td data-label="Agreement"') == len(list_workers(study.world, "photos"))


def test_an_item_is_decided_by_hand_and_given_back(study: LabelStudy, site: DashboardSite) -> None:
    study.aggregate()
    visitor, before = site.visitor(), study.results()["p0"]
    visitor.get("/labels/items?experiment=photos&item=p0")
    value = "false" if before[0] is True else "true"
    assert f"Label p0 as {value}" in visitor.plan("labels-set", experiment="photos", item="p0", value=value)
    visitor.confirm()
    visitor.wait()
    assert study.results()["p0"] == (value == "true", "admin")
    visitor.act("labels-set", experiment="photos", item="p0")
    assert study.results()["p0"][1] != "admin"


def test_doubtful_items_are_listed_and_given_more_outputs_only_where_there_is_content(
    study: LabelStudy, site: DashboardSite
) -> None:
    study.aggregate()
    visitor = site.visitor()
    page = visitor.get("/labels/needs-more?experiment=photos")
    assert "Ask for more answers" in page
    page = visitor.plan("labels-needs-more", experiment="photos", id=["p1", "p2"], outputs="2")
    assert "2 items left out" in page  # labels from a file have no items to post
    assert "nothing to add outputs" in page.lower()


def test_a_worker_is_excluded_and_included_again(study: LabelStudy, site: DashboardSite) -> None:
    study.aggregate()
    visitor = site.visitor()
    assert "1 worker excluded" in visitor.act("labels-exclude", experiment="photos", worker="w0")
    study.aggregate()
    assert {row["worker"] for row in list_workers(study.world, "photos") if row["excluded"]} <= {"w0"}
    assert "1 worker included" in visitor.act("labels-exclude", experiment="photos", worker="w0", undo="1")


def test_labels_of_an_item_are_taken_out(study: LabelStudy, site: DashboardSite) -> None:
    page = site.visitor().act("labels-invalidate", experiment="photos", item="p0")
    assert "3 labels taken out" in page
    assert {status for item, _, _, status in study.labels() if item == "p0"} == {"invalid"}


def test_items_are_shown_with_their_progress_removed_and_posted(study: LabelStudy, site: DashboardSite) -> None:
    visitor = site.visitor()
    assert "No experiment has items yet" in visitor.get("/content")
    study.add_numbered(4)
    page = visitor.get("/content?experiment=photos")
    assert page.count('<td data-label="Key">') == 4
    keys = [key for (key,) in study.sql("SELECT key FROM turkctl_content ORDER BY id")]
    assert "1 item removed" in visitor.act("content-remove", experiment="photos", id=[keys[0]])
    page = visitor.plan("content-dispatch", experiment="photos")
    assert "Post " in page
    visitor.confirm()
    assert "created" in visitor.wait()
    assert study.posted()


def test_progress_is_shown_by_day_week_and_person_and_downloaded(study: LabelStudy, site: DashboardSite) -> None:
    study.add_numbered(1)
    study.dispatch()
    (hit,) = study.shown()
    study.answer(hit, 1, bird_1="yes")
    study.sync()
    visitor = site.visitor()
    page = visitor.get("/content?experiment=photos")
    assert "1 of them today" in page
    assert page.count('<td data-label="Day">') == 1
    for by, head in (("experiment", "Items"), ("day", "Day"), ("week", "Week"), ("worker", "Worker")):
        page = visitor.get(f"/content/progress?experiment=photos&by={by}")
        assert page.count(f'<td data-label="{head}"') == 1, by
        group = "" if by == "experiment" else f" --group-by {by}"
        assert f"turkctl content status --experiment photos{group}" in page
        lines = visitor.get(f"/content/progress?experiment=photos&by={by}&format=csv").splitlines()
        assert lines[0].split(",") == list(GROUPS[None if by == "experiment" else by])
        assert len(lines) == 2
    assert worker(1) in page
    assert '<td data-label="Minutes per item"' in page


def test_those_who_may_not_see_names_get_pseudonyms_on_the_page_and_in_the_file(
    study: LabelStudy, site: DashboardSite
) -> None:
    study.add_numbered(1)
    study.dispatch()
    (hit,) = study.shown()
    study.answer(hit, 1, bird_1="yes")
    study.sync()
    visitor = site.visitor("viewer")
    for form in ("", "&format=csv"):
        shown = visitor.get(f"/content/progress?experiment=photos&by=worker{form}")
        assert worker(1) not in shown
        assert "P-" in shown


def test_every_page_of_items_and_labels_opens_in_an_empty_study_and_names_its_command(folder: Path) -> None:
    from dashboard_support import dashboard_site

    with dashboard_site(folder) as site:
        visitor = site.visitor("viewer")
        for path in (
            "/content",
            "/labels",
            "/labels/review",
            "/labels/needs-more",
            "/labels?experiment=stroop",
            "/content?kind=pending",
            *(f"/content/progress?by={by}" for by in ("experiment", "day", "week", "worker", "nothing")),
        ):
            page = visitor.get(path)
            assert visitor.status == 200, path
            assert '<code id="command">turkctl ' in page


def test_an_item_shows_who_decided_on_it_and_which_labels_it_can_be_given(
    study: LabelStudy, site: DashboardSite
) -> None:
    study.aggregate()
    visitor = site.visitor()
    visitor.act("labels-set", experiment="photos", item="p0", value="false")
    page = visitor.get("/labels/items?experiment=photos&item=p0")
    assert "Set by hand" in page
    assert "Label as true" in page
    assert "Label as yes" not in page, "an answer is not a label"
