"""The pages of assignments and workers: what is to be decided first, one beside its items, who did what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from dashboard_support import DashboardSite, Visitor, dashboard_of, dashboard_site
from dispatch_support import ContentStudy
from study_support import Study, worker

from turkctl.dashboard.pages import work, workers
from turkctl.operations.sync.run import sync


@pytest.fixture
def site(folder: Path) -> Iterator[DashboardSite]:
    """Five people's work, submitted one minute after the other."""
    study = Study.new(folder, {"stroop": "1.0", "flanker": "2.0"}, turned=True)
    (hit,) = study.post(9)
    for number in range(1, 6):
        assignment = study.accept(hit, worker(number))
        study.pass_time(minutes=number)
        study.finish(worker(number), assignment)
    sync(study.world)
    with dashboard_of(study) as made:
        yield made
    study.close()


def assignments(site: DashboardSite) -> list[str]:
    rows = site.study.sql("SELECT assignment_id FROM turkctl_assignment ORDER BY submitted")
    return [row[0] for row in rows]


def listed(page: str) -> list[str]:
    """The assignments of a page, in its order."""
    return re.findall(r'name="id" value="([^"]+)" form="ticked"', page)


def link(page: str, relation: str) -> str | None:
    found = re.search(rf'<a href="([^"]+)" rel="{relation}"', page)
    return None if found is None else unescape(found[1])


def test_work_to_be_decided_is_listed_with_what_the_market_approves_first(site: DashboardSite) -> None:
    visitor, ids = site.visitor(), assignments(site)
    site.study.write("UPDATE turkctl_assignment SET status = 'Approved' WHERE assignment_id = :a", a=ids[0])
    site.study.write(
        "UPDATE turkctl_assignment SET auto_approval = '2020-01-01 00:00:00.000000' WHERE assignment_id = :a", a=ids[3]
    )
    page = visitor.get("/assignments")
    assert listed(page) == [ids[3], ids[1], ids[2], ids[4]]
    assert "turkctl workers assignments --status submitted" in page
    assert visitor.get("/assignments/count") == "4"


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("status=all&sort=submitted&desc=1", [4, 3, 2, 1, 0]),
        ("sort=minutes&desc=1", [4, 3, 2, 1, 0]),
        ("sort=worker_id", [0, 1, 2, 3, 4]),
        ("status=rejected", []),
        ("experiment=stroop&worker=AW000002", [1]),
        ("experiment=flanker", []),
    ],
)
def test_the_address_filters_and_sorts(site: DashboardSite, query: str, places: list[int]) -> None:
    ids = assignments(site)
    assert listed(site.visitor().get(f"/assignments?{query}")) == [ids[place] for place in places]


@pytest.mark.parametrize("query", ["status=lost", "campaign=x", "experiment=%27%3B--", "worker=%3Cb%3E", "hit=%27--"])
def test_no_filter_breaks_the_page_or_gets_into_it(site: DashboardSite, query: str) -> None:
    for page in ("assignments", "assignments/count", "workers"):
        visitor = site.visitor()
        visitor.get(f"/{page}?{query}")
        assert visitor.status in (200, 400, 404), visitor.text
        assert "<b>" not in visitor.text


def test_a_list_is_shown_a_page_at_a_time(site: DashboardSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "SIZE", 2)
    monkeypatch.setattr(workers, "SIZE", 2)
    ids, visitor = assignments(site), site.visitor()
    page = visitor.get("/assignments?page=2")
    assert listed(page) == ids[2:4]
    assert (link(page, "prev"), link(page, "next")) == (
        "/dashboard/assignments?page=1",
        "/dashboard/assignments?page=3",
    )
    page = visitor.get("/workers?page=3")
    assert "AW000005" in page
    assert "AW000004" not in page
    assert link(page, "next") is None


def test_a_reviewer_goes_from_one_to_the_next_of_the_same_list(site: DashboardSite) -> None:
    ids, visitor = assignments(site), site.visitor()
    page = visitor.get("/assignments?experiment=stroop&sort=submitted&desc=1")
    first = unescape(re.findall(r'href="(/dashboard/assignments/[^"]+)"', page)[0])
    seen, path = [], first
    while path:
        page = visitor.get(path)
        seen.append(re.findall(r"<h1>Assignment (\w+)</h1>", page)[0])
        path = link(page, "next") or ""
    assert seen == ids[::-1]
    assert f"/assignments/{ids[1]}?" in (link(page, "prev") or "")
    assert "experiment=stroop" in (link(page, "prev") or "")


def test_after_a_decision_the_next_one_is_the_one_that_took_its_place(site: DashboardSite) -> None:
    ids, visitor = assignments(site), site.visitor()
    here = f"/assignments/{ids[2]}?at=2"
    page = visitor.get(here)
    visitor.act("workers-approve", **{"id": ids[2], "from": f"/dashboard{here}"})
    page = visitor.get(here)
    assert "<strong>Approved</strong>" in page
    assert f"/assignments/{ids[1]}?at=1" in (link(page, "prev") or "")
    assert f"/assignments/{ids[3]}?at=2" in (link(page, "next") or "")


def test_somebody_who_may_only_look_sees_no_acts(site: DashboardSite) -> None:
    visitor = site.visitor("viewer")
    for path in ("/assignments", "/workers", f"/assignments/{assignments(site)[0]}"):
        page = visitor.get(path)
        assert visitor.status == 200
        assert "/acts/" not in page
        assert 'type="checkbox"' not in page


def test_workers_are_listed_with_their_work_and_what_it_paid(site: DashboardSite) -> None:
    ids, visitor = assignments(site), site.visitor()
    visitor.act("workers-approve", id=ids[1])
    page = visitor.get("/workers?sort=earned&desc=1")
    row = page[page.index("AW000002") : page.index("AW000001")]
    assert re.findall(r'data-label="(\w+)" class="number">([^<]*)<', row)[:5] == [
        ("Submitted", "0"),
        ("Approved", "1"),
        ("Rejected", "0"),
        ("Earned", "$0.50"),
        ("Bonus", "$0.00"),
    ]
    assert 'data-label="Wage" class="number">$15.00<' in row
    assert "5 workers match" in page
    assert "turkctl workers list --wage --sort earned --desc" in page


def test_who_is_blocked_is_shown_when_the_market_is_asked(site: DashboardSite) -> None:
    visitor = site.visitor()
    assert "Blocked" not in visitor.get("/workers")
    visitor.act("workers-block", worker="AW000003", reason="")
    page = visitor.get("/workers?blocked=1")
    assert re.findall(r'data-label="Blocked">(\w+)<', page) == ["no", "no", "yes", "no", "no"]
    assert "--refresh" in page


def test_the_answers_are_beside_their_items_with_the_known_ones_checked(tmp_path: Path) -> None:
    keys = 'contents_per_hit = 2\ngold_per_hit = 1\nanswer_field = "label_{key}"\noutputs = 2\n'
    study = ContentStudy(tmp_path, keys)
    study.add("key,url,truth\ng1,<b>x</b>,Black Cat\n", gold="truth")
    study.add_numbered(2)
    study.dispatch()
    (hit,) = study.shown()
    right = study.answer(hit, 1, label_g1="black cat", label_i0="<script>dog", remark="fine")
    wrong = study.answer(hit, 2, label_g1="dog")
    study.sync()
    with dashboard_of(study) as site:
        visitor = Visitor(site)
        page = visitor.get(f"/assignments/{right}")
        assert '<span class="right">right</span>' in page
        assert "&lt;script&gt;dog" in page
        assert "&lt;b&gt;x&lt;/b&gt;" in page
        assert re.search(r'"Field">remark</td><td data-label="Answer">fine', page)
        assert f"turkctl workers answers {right}" in page
        assert '<span class="wrong">wrong</span>' in visitor.get(f"/assignments/{wrong}")
        others = site.visitor("ann").get(f"/assignments/{right}")
        assert "black cat" in others
        assert "fine" not in others
    study.world.close()


def test_an_assignment_that_nobody_knows_is_not_found(site: DashboardSite) -> None:
    visitor = site.visitor()
    visitor.get("/assignments/3NOBODY")
    assert visitor.status == 404


def test_the_pages_open_without_any_work(folder: Path) -> None:
    with dashboard_site(folder) as site:
        visitor = site.visitor()
        assert "Nothing waits for a decision here." in visitor.get("/assignments")
        assert "Nobody matches." in visitor.get("/workers")


def test_who_may_not_see_names_sees_pseudonyms_and_can_filter_by_them(site: DashboardSite) -> None:
    visitor, ids = site.visitor("ann"), assignments(site)
    page = visitor.get("/workers")
    shown = re.findall(r'name="worker" value="(P-[0-9a-f]+)"', page)
    assert len(shown) == 5
    found = [listed(visitor.get(f"/assignments?worker={each}"))[0] for each in shown]
    assert sorted(found) == sorted(ids)
    assert f"turkctl workers assignments {shown[-1]}" in visitor.text
    for path in ("/workers", "/assignments", f"/assignments/{ids[0]}", f"/workers?worker={shown[0]}"):
        assert "AW00000" not in visitor.get(path)
        assert visitor.status == 200
    page = visitor.get("/assignments?worker=A2EXAMPLEWORKR")
    assert (visitor.status, "P-" in page) == (404, False)
