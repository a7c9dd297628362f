"""HITs on the dashboard: the list, one HIT, deadlines, and every act on HITs on a market that fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from dashboard_support import DashboardSite, dashboard_of
from study_support import Study, market_rows, worker
from werkzeug.datastructures import MultiDict

from turkctl.dashboard.acts.hits import CreateHits, ExtendHits
from turkctl.fees import MTURK
from turkctl.operations.experiments.stored import find_experiment
from turkctl.operations.hits.create import CreateRequest, prepare_create
from turkctl.operations.hits.expire import prepare_expire
from turkctl.operations.hits.extend import ExtendRequest, prepare_extend
from turkctl.operations.hits.lists import list_hits
from turkctl.operations.intents.posts import Post
from turkctl.operations.selection.hits import Selection
from turkctl.operations.sync.run import sync
from turkctl.units import parse_money

NASTY = {"fault_before": 0.2, "fault_after": 0.2, "answer_lost": 0.2, "throttle": 50.0}


@pytest.fixture
def site(folder: Path) -> Iterator[DashboardSite]:
    study = Study.new(folder, turned=True)
    try:
        with dashboard_of(study) as made:
            yield made
    finally:
        study.close()


def priced(study: Study, *rewards: str) -> list[str]:
    """Post a HIT of two assignments for each reward."""
    return [
        item.id
        for reward in rewards
        for item in study.apply(
            prepare_create(study.world, CreateRequest("stroop", 2, reward=parse_money(reward), new=True))
        ).results
    ]


def foreign(study: Study) -> str:
    """Post a HIT of another study of the same account."""
    with study.world.database.read() as session:
        version = find_experiment(session, "stroop")
    request = Post.of(version, 2, MTURK).request("", "local")
    return study.world.mturk.create_hit(replace(request, annotation=None), "another study's").hit_id


def statuses(study: Study) -> dict[str, str]:
    return {row["hit_id"]: row["status"] for row in list_hits(study.world, Selection())}


def expiries(study: Study) -> dict[str, bool]:
    return {row["hit_id"]: row["expired"] for row in list_hits(study.world, Selection())}


def cells(page: str, label: str) -> list[str]:
    """The texts of a column of the page's table."""
    found = re.findall(rf'<td data-label="{label}"[^>]*>(.*?)</td>', page, re.DOTALL)
    return [unescape(re.sub(r"<[^>]+>|\s+", " ", each)).strip() for each in found]


# The acts


@pytest.mark.parametrize("seed", range(4))
def test_created_hits_are_posted_once_each_on_a_market_that_fails_and_loses_answers(
    site: DashboardSite, seed: int
) -> None:
    site.study.switch(**NASTY, seed=seed)
    page = site.visitor().act("hits-create", experiment="stroop", assignments="20", reward="0.40", lifetime="12h")
    assert "3 HITs" in page
    posted = market_rows(site.study.folder, "SELECT max_assignments FROM market_hit")
    assert sorted(number for (number,) in posted) == [2, 9, 9]
    assert len(statuses(site.study)) == 3


def test_the_plan_of_new_hits_says_what_workers_get_and_what_the_commission_is(site: DashboardSite) -> None:
    page = site.visitor().plan(
        "hits-create", experiment="stroop", assignments="20", hits="2", reward="0.40", duration="10m", lifetime="12h"
    )
    assert "Create 6 HITs with 40 assignments for $19.20" in page
    assert "<dt>Rewards</dt><dd>$16.00</dd>" in page
    assert "<dt>Commission</dt><dd>$3.20</dd>" in page
    assert (
        "turkctl hits create --experiment stroop --assignments 20 --hits 2 --reward 0.40 --duration 10m --lifetime 12h"
        in page
    )
    assert statuses(site.study) == {}


def test_the_terms_of_the_form_are_those_that_are_posted(site: DashboardSite) -> None:
    site.visitor().act(
        "hits-create", experiment="stroop", assignments="2", reward="0.40", duration="10m", lifetime="12h"
    )
    (row,) = list_hits(site.study.world, Selection())
    assert (row["reward"], row["max_assignments"]) == (parse_money("0.40"), 2)
    assert row["expires"] - row["created"] == timedelta(hours=12)
    duration = market_rows(site.study.folder, "SELECT assignment_duration FROM market_hit_type")
    assert duration == [(600,)]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"assignments": ""}, "which is not a whole number"),
        ({"assignments": "-3"}, "which is not a whole number"),
        ({"assignments": "0"}, "must be at least 1"),
        ({"assignments": "2", "reward": "1.005"}, "1.005"),
        ({"assignments": "2", "duration": "ten minutes"}, "is not a duration"),
        ({"assignments": "2", "experiment": "<script>"}, "there is no experiment &#39;&lt;script&gt;&#39;"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_what_to_write(
    site: DashboardSite, fields: dict[str, str], words: str
) -> None:
    visitor = site.visitor()
    page = visitor.plan("hits-create", **{"experiment": "stroop", **fields})
    assert 400 <= visitor.status < 500
    assert words in page


def test_an_interrupted_run_goes_on_and_a_new_one_can_be_asked_for(site: DashboardSite) -> None:
    visitor, fields = site.visitor(), {"experiment": "stroop", "assignments": "18"}
    prepared = prepare_create(site.study.world, CreateRequest("stroop", 18))
    site.study.switch(fault_before=1.0)
    assert site.study.apply(prepared).succeeded == 0
    site.study.switch()
    assert "continues the run begun" in visitor.plan("hits-create", **fields)
    act = CreateHits()
    asked = act.read(MultiDict(fields))
    anew = act.propose(site.study.world, {**asked, "new": True})
    assert not [note for note in anew.notes if "continues" in note]
    visitor.act("hits-create", **fields)
    assert len(statuses(site.study)) == 2


def test_an_interrupted_extension_goes_on_and_a_new_one_can_be_asked_for(site: DashboardSite) -> None:
    (hit,), act = site.study.post(3), ExtendHits()
    asked = act.read(MultiDict([("id", hit), ("assignments", "2")]))
    prepared = prepare_extend(site.study.world, ExtendRequest((hit,), 2))
    site.study.switch(fault_before=1.0)
    assert site.study.apply(prepared).succeeded == 0
    site.study.switch()
    again, anew = (act.propose(site.study.world, {**asked, "new": new}) for new in (False, True))
    assert [note for note in again.notes if "continues the run begun" in note]
    assert not [note for note in anew.notes if "continues" in note]


def test_the_plan_while_typing_says_the_cost_or_what_is_missing_and_posts_nothing(site: DashboardSite) -> None:
    visitor = site.visitor()
    assert 'hx-post="/dashboard/acts/hits-create/glance"' in visitor.get("/hits/new")
    token = visitor.token
    fields = {"experiment": "stroop", "csrf_token": token, "mode": "local"}

    def glance(**more: str) -> str:
        answer = visitor.client.post("/dashboard/acts/hits-create/glance", data={**fields, **more})
        assert answer.status_code == 200
        return answer.get_data(as_text=True)

    plan = glance(assignments="20")
    assert "Create 3 HITs, 20 assignments." in plan
    assert "<dd>$12.00</dd>" in plan
    assert "turkctl hits create --experiment stroop --assignments 20</code>" in plan
    assert "which is not a whole number" in glance(assignments="2x")
    assert "That page was for mode live" in glance(assignments="20", mode="live")
    assert statuses(site.study) == {}
    assert site.study.sql("SELECT count(*) FROM turkctl_intent") == [(0,)]


@pytest.mark.parametrize("seed", range(4))
def test_an_extension_is_made_once_on_a_market_that_fails_and_loses_answers(site: DashboardSite, seed: int) -> None:
    first, second = site.study.post(3, 2)
    before = {row["hit_id"]: row["expires"] for row in list_hits(site.study.world, Selection())}
    site.study.switch(**NASTY, seed=seed)
    visitor = site.visitor()
    page = visitor.plan("hits-extend", id=[first, second], assignments="2", lifetime="12h")
    assert "Extend 2 HITs with 4 assignments for $2.40" in page
    assert f"turkctl hits extend {first} {second} --assignments 2 --lifetime 12h" in page
    visitor.confirm()
    visitor.wait()
    assert market_rows(site.study.folder, "SELECT max_assignments FROM market_hit") == [(5,), (5,)]
    site.study.switch()
    for row in list_hits(site.study.world, Selection(), refresh=True):
        assert row["expires"] == before[row["hit_id"]].replace(microsecond=0) + timedelta(hours=12)


def test_expire_all_begins_with_the_highest_pay_and_names_what_is_over_already(site: DashboardSite) -> None:
    low, high, middle = priced(site.study, "0.10", "0.90", "0.50")
    (over,) = site.study.post(1)
    site.study.apply(prepare_expire(site.study.world, Selection(ids=(over,))))
    site.study.switch(**NASTY)
    visitor = site.visitor()
    page = visitor.plan("hits-expire", all="1")
    assert "turkctl hits expire --all" in page
    assert cells(page, "Id") == [high, middle, low, over]
    assert "already expired" in page
    visitor.confirm()
    visitor.wait()
    assert set(expiries(site.study).values()) == {True}


def test_the_ticked_hits_alone_are_expired(site: DashboardSite) -> None:
    first, second, third = site.study.post(1, 3)
    site.visitor().act("hits-expire", id=[first, third])
    assert expiries(site.study) == {first: True, second: False, third: True}


@pytest.mark.parametrize("act", ["hits-expire", "hits-approve", "hits-delete", "hits-extend"])
def test_without_a_tick_nothing_is_planned(site: DashboardSite, act: str) -> None:
    site.study.post(1)
    visitor = site.visitor()
    assert "no HIT is ticked" in visitor.plan(act, assignments="1")
    assert visitor.status == 400


def test_approving_all_for_all_hits_reaches_this_study_alone(site: DashboardSite) -> None:
    study = site.study
    (own,), other = study.post(3), foreign(study)
    study.submit(own, worker(1), worker(2))
    study.submit(other, worker(3))
    study.switch(**NASTY)
    visitor = site.visitor()
    page = visitor.plan("hits-approve", all="1")
    assert "Approve 2 assignments for $1.20" in page
    assert "turkctl hits approve --all" in page
    visitor.confirm()
    visitor.wait()
    decided = market_rows(study.folder, "SELECT worker_id, status FROM market_assignment ORDER BY worker_id")
    assert decided == [(worker(1), "Approved"), (worker(2), "Approved"), (worker(3), "Submitted")]


def test_delete_all_deletes_what_can_be_and_says_why_the_others_stay(site: DashboardSite) -> None:
    study = site.study
    ready, submitted, taken, _open = study.post(2, 4)
    study.submit(submitted, worker(1))
    study.accept(taken, worker(2))
    sync(study.world)
    study.apply(prepare_expire(study.world, Selection(ids=(ready, submitted, taken))))
    study.switch(**NASTY)
    visitor = site.visitor()
    page = visitor.plan("hits-delete", all="1")
    assert "Delete 1 HIT" in page
    assert "1 submitted assignment waits for approval or rejection" in page
    assert "1 worker is still at work, until" in page
    assert "expire it first, or add --force" in page
    visitor.confirm()
    visitor.wait()
    assert [hit for hit, status in statuses(study).items() if status == "Disposed"] == [ready]


def test_an_open_hit_is_deleted_if_it_may_be_expired_first(site: DashboardSite) -> None:
    (hit,) = site.study.post(2)
    visitor = site.visitor()
    assert f"turkctl hits delete {hit} --force" in visitor.plan("hits-delete", id=hit, force="1")
    visitor.confirm()
    visitor.wait()
    assert statuses(site.study) == {hit: "Disposed"}


def test_all_hits_of_one_experiment_are_those_of_the_command(site: DashboardSite) -> None:
    site.study.configure({"stroop": "1.0", "words": "1.0"})
    (stroop,), (words,) = site.study.post(1), site.study.post(1, experiment="words")
    page = site.visitor().get("/hits?experiment=words")
    assert "All HITs of experiment words" in page
    site.visitor().act("hits-expire", experiment="words", campaign="", codeversion="")
    assert expiries(site.study) == {stroop: False, words: True}


def test_synchronising_reads_new_work_and_the_page_says_when_that_was(site: DashboardSite) -> None:
    study, visitor = site.study, site.visitor()
    (hit,) = study.post(2)
    study.submit(hit, worker(1))
    assert "Not synchronised with the market yet" in visitor.get("/hits")
    study.switch(**NASTY)
    page = visitor.act("sync")
    assert "1 HIT checked, 1 HIT changed, 1 assignment read" in page
    study.switch()
    for path in ("/hits", "/settings"):
        assert "Last synchronised with the market at <time" in visitor.get(path)
    foreign(study)
    assert "1 HIT of the account unknown to this database, left alone" in visitor.act("sync", full="1")
    assert "1 HIT of the account unknown to this database" in visitor.get("/hits")


# The pages


def test_a_row_has_buttons_for_what_is_possible_and_reasons_for_the_rest(site: DashboardSite) -> None:
    over, open_ = site.study.post(2, 2)
    site.study.apply(prepare_expire(site.study.world, Selection(ids=(over,))))
    page = site.visitor().get("/hits")
    buttons = dict(re.findall(r'(<button[^>]*) aria-label="(?:Expire|Approve all|Delete): HIT \w+"([^>]*)>', page))
    assert len(buttons) >= 3
    assert f'disabled aria-label="Expire: HIT {over}" aria-describedby="no-expire-{over}"' in page
    assert f'<li id="no-expire-{over}">Expire: already expired</li>' in page
    assert f'name="id" value="{open_}" class="secondary" aria-label="Expire: HIT {open_}"' in page
    assert f'<li id="no-delete-{open_}">Delete: still open until' in page
    assert f'<li id="no-approve-{open_}">Approve: nothing is submitted and undecided</li>' in page
    assert f'aria-label="Extend: HIT {open_}"' in page


def test_filter_sort_and_page_are_in_the_address_and_in_the_command(
    site: DashboardSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("turkctl.dashboard.pages.hits.SIZE", 2)
    low, high, middle = priced(site.study, "0.10", "0.90", "0.50")
    visitor = site.visitor()
    page = visitor.get("/hits?view=unexpired&status=Assignable&experiment=stroop&sort=reward&desc=1")
    assert [re.findall(r"\w+", each)[0] for each in cells(page, "HIT")] == [high, middle]
    assert "turkctl hits list --experiment stroop --unexpired --status Assignable --sort reward --desc" in page
    assert 'aria-sort="descending"' in page
    (more,) = re.findall(r'<a href="([^"]+)" rel="next"', page)
    assert [re.findall(r"\w+", each)[0] for each in cells(visitor.get(unescape(more)), "HIT")] == [low]


@pytest.mark.parametrize("name", ["view", "status", "experiment", "campaign", "codeversion", "hit", "sort", "page"])
@pytest.mark.parametrize("value", ["<script>alert(1)</script>", "' OR 1=1 --", "\x00", "9" * 40])
def test_what_somebody_writes_into_the_filter_breaks_neither_page_nor_database(
    site: DashboardSite, name: str, value: str
) -> None:
    site.study.post(1)
    visitor = site.visitor()
    page = visitor.client.get("/dashboard/hits", query_string={name: value})
    assert page.status_code < 500
    assert "<script>alert" not in page.get_data(as_text=True)
    assert len(statuses(site.study)) == 1


def test_a_title_from_a_file_is_shown_as_text(site: DashboardSite) -> None:
    path = site.study.folder / "turkctl.toml"
    path.write_text(path.read_text().replace("Name the colour of a word", "<img src=x onerror=alert(1)>"))
    site.study.configure_file()
    (hit,) = site.study.post(1)
    for address in ("/hits", f"/hits/{hit}", "/experiments", "/experiments/stroop"):
        page = site.visitor().get(address)
        assert "&lt;img src=x onerror=alert(1)&gt;" in page
        assert "<img" not in page


def test_one_hit_is_shown_as_the_market_has_it_with_its_work(site: DashboardSite) -> None:
    (hit,) = site.study.post(3)
    (work,) = site.study.submit(hit, worker(1))
    page = site.visitor().get(f"/hits/{hit}")
    assert "1 of 3 assignments submitted: 1 to decide, 0 decided; 0 at work, 2 open." in page
    assert work in page
    assert worker(1) in page
    assert "A ten-minute reading task." in page
    assert f"turkctl hits show {hit}" in page


def test_if_the_market_does_not_answer_the_hit_is_shown_as_stored_with_a_note(site: DashboardSite) -> None:
    (hit,) = site.study.post(3)
    site.study.submit(hit, worker(1))
    sync(site.study.world)
    site.study.switch(fault_before=1.0)
    visitor = site.visitor()
    page = visitor.get(f"/hits/{hit}")
    assert visitor.status == 200
    assert "This is what is stored, as the market gave it at" in page
    assert "1 of 3 assignments submitted" in page
    assert worker(1) in page
    why = visitor.client.get(f"/dashboard/hits/{hit}/why", headers={"HX-Request": "true"})
    assert why.status_code == 200
    assert "What prevents what is not known now" in why.get_data(as_text=True)


def test_a_hit_of_the_account_that_the_database_does_not_know_says_so(site: DashboardSite) -> None:
    hit = foreign(site.study)
    site.study.submit(hit, worker(1))
    page = site.visitor().get(f"/hits/{hit}")
    assert "This database does not know this HIT" in page
    assert worker(1) in page


@pytest.mark.parametrize("hit", ["3NOSUCHHIT000000000000000000", "<b>", "..%2f..%2fetc"])
def test_a_hit_that_nobody_knows_is_not_found(site: DashboardSite, hit: str) -> None:
    visitor = site.visitor()
    assert "<b>" not in visitor.get(f"/hits/{hit}")
    assert visitor.status == 404


def test_the_page_of_reasons_says_how_to_remove_each(site: DashboardSite) -> None:
    (hit,) = site.study.post(2)
    site.study.submit(hit, worker(1))
    page = site.visitor().get(f"/hits/{hit}/why")
    assert "1 submitted assignment waits for approval or rejection" in page
    assert f"turkctl hits approve {hit}" in page
    assert f"turkctl hits why {hit}" in page


def test_deadlines_are_those_of_the_command(site: DashboardSite) -> None:
    (hit,) = site.study.post(2)
    (work,) = site.study.submit(hit, worker(1))
    sync(site.study.world)
    visitor = site.visitor()
    page = visitor.get("/hits/deadlines?within=4d&experiment=stroop")
    assert "auto approval" in page
    assert work in page
    assert "turkctl hits deadlines --experiment stroop --within 4d" in page
    assert "Nothing will happen by itself within 12h" in visitor.get("/hits/deadlines?within=12h")
    visitor.get("/hits/deadlines?within=soon")
    assert visitor.status == 400


def test_who_may_only_look_sees_everything_and_no_buttons(site: DashboardSite) -> None:
    (hit,) = site.study.post(2)
    viewer = site.visitor("viewer")
    for path in ("/hits", f"/hits/{hit}", "/hits/new", "/experiments/stroop", "/settings"):
        page = viewer.get(path)
        assert viewer.status == 200
        assert "/dashboard/acts/" not in page
    for act in ("hits-create", "hits-extend", "hits-expire", "hits-approve", "hits-delete", "sync"):
        viewer.plan(act, all="1", id=hit, assignments="1", experiment="stroop")
        assert viewer.status == 403
    viewer.get("/hits")
    viewer.post("/acts/hits-create/glance", {"experiment": "stroop", "assignments": "1"})
    assert viewer.status == 403
