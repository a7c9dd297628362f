"""Recurring tasks on the dashboard: created, changed, paused, resumed, run, deleted; their list and history."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from dashboard_support import DashboardSite, Visitor, dashboard_site
from scheduler_support import add_task

from turkctl.dashboard.pages.tasks import SIZE
from turkctl.operations.log import LogQuery, list_log
from turkctl.operations.sync.run import sync
from turkctl.operations.tasks.manage import show_task
from turkctl.scheduler.lease import SchedulerKeeper
from turkctl.scheduler.runner import Runner


@pytest.fixture
def site(folder: Path) -> Iterator[DashboardSite]:
    with dashboard_site(folder) as made:
        yield made


def task(site: DashboardSite, name: str) -> dict[str, Any]:
    return show_task(site.study.world, name)


def command(page: str) -> str:
    """Return the command that a page shows."""
    found = re.search(r'<code id="command">([^<]*)</code>', page)
    assert found, page
    return unescape(found[1])


def fields_of(visitor: Visitor, slug: str) -> dict[str, str]:
    """Return the fields that a form of the page sends if nobody touches it."""
    (form,) = re.findall(rf'<form method="post" action="/dashboard/acts/{slug}".*?</form>', visitor.text, re.DOTALL)
    found = {}
    for tag in re.findall(r"<input [^>]*>", form):
        named = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if "name" in named and (named.get("type") != "checkbox" or " checked" in tag):
            found[named["name"]] = unescape(named.get("value", ""))
    for name, options in re.findall(r'<select [^>]*name="([^"]*)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', options)
        assert chosen, f"nothing is chosen in {name}"
        found[name] = unescape(chosen[1])
    del found["csrf_token"]
    return found


def test_approving_all_at_an_interval_is_two_clicks_away(site: DashboardSite) -> None:
    visitor = site.visitor()
    visitor.get("/tasks")
    page = visitor.plan("tasks-create", **fields_of(visitor, "tasks-create"))
    assert "Create approve-all" in page
    assert "to approve all submitted work, every 1h" in page
    assert command(page) == "turkctl tasks create approve-all --every 1h --all"
    visitor.confirm()
    assert "task approve-all created" in visitor.wait()
    made = task(site, "approve-all")
    assert (made["mode"], made["options"]) == ("local", {"all": True})
    (line,) = [each for each in list_log(site.study.world, LogQuery()) if each["act"] == "tasks create"]
    assert (line["who"], line["outcome"]) == ("lab (dashboard)", "task approve-all created")


@pytest.mark.parametrize(
    ("fields", "shown", "options"),
    [
        ({"kind": "sync", "every": "5m", "full": "1"}, "sync --every 5m --full", {"full": True}),
        (
            {"kind": "bonus-auto", "every": "1d", "reason": "A better answer", "experiment": "stroop"},
            "bonus-auto --every 1d --experiment stroop --reason 'A better answer'",
            {"experiment": "stroop", "reason": "A better answer"},
        ),
        (
            {
                "kind": "dispatch",
                "cron": " 0 9  * * mon-fri",
                "timezone": "Europe/Berlin",
                "was-every": "1h",
                "every": "1h",
            },
            "dispatch --cron '0 9  * * mon-fri' --timezone Europe/Berlin --all",
            {"all": True},
        ),
        (
            {"kind": "aggregate-labels", "every": "1h", "method": "majority", "min_votes": "3"},
            "aggregate-labels --every 1h --all --method majority --min-votes 3",
            {"all": True, "method": "majority", "min_votes": 3},
        ),
        (
            {"kind": "expire", "every": "2h", "was-every": "1h", "regex": "^str", "new_name": "close"},
            "expire --every 2h --name close --regex '^str'",
            {"regex": "^str"},
        ),
        ({"kind": "approve-all", "every": "1h", "was-every": "1h"}, "approve-all --every 1h --all", {"all": True}),
    ],
)
def test_every_kind_is_created_with_its_own_options(
    fields: dict[str, str], shown: str, options: dict[str, Any], site: DashboardSite
) -> None:
    visitor = site.visitor()
    page = visitor.plan("tasks-create", **fields)
    assert visitor.status == 200, page
    assert sorted(command(page).split()) == sorted(f"turkctl tasks create {shown}".split())
    visitor.confirm()
    visitor.wait()
    made = task(site, fields.get("new_name", fields["kind"]))
    assert made["options"] == options
    assert made["cron"] == ("0 9 * * mon-fri" if "cron" in fields else None)
    assert f'"/dashboard/tasks/{made["name"]}"' in visitor.get("/tasks")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"kind": "approve-all"}, "a task needs an interval or a cron line"),
        ({"kind": "approve-all", "every": "often"}, "is not a duration"),
        ({"kind": "approve-all", "every": "0s"}, "must be at least 1s"),
        ({"kind": "approve-all", "every": "2h", "was-every": "1h", "cron": "0 9 * * *"}, "cannot be used together"),
        ({"kind": "approve-all", "cron": "0 9 * *"}, "has 4 fields"),
        ({"kind": "approve-all", "cron": "0 9 * * *", "timezone": "Europe/Bärlin"}, "Europe/B"),
        ({"kind": "campaign", "every": "1h"}, "campaigns create their own tasks"),
        ({"kind": "dump", "every": "1h"}, "there is no kind of task"),
        ({"every": "1h"}, "the kind of the task is missing"),
        ({"kind": "expire", "every": "1h", "experiment": "strop"}, "no experiment"),
        ({"kind": "expire", "every": "1h", "campaign": "one"}, "not a whole number"),
        ({"kind": "expire", "every": "1h", "new_name": "-x"}, "not a valid task name"),
        ({"kind": "expire", "every": "1h", "new_name": "there"}, "there is already a task"),
    ],
)
def test_what_the_command_would_refuse_is_refused_before_the_plan(
    fields: dict[str, str], says: str, site: DashboardSite
) -> None:
    add_task(site.study.world.database, "there")
    visitor = site.visitor()
    page = unescape(visitor.plan("tasks-create", **fields))
    assert visitor.status in (400, 404, 409)
    assert says in page


@pytest.mark.parametrize(("kind", "says"), [("bonus-auto", "pays all bonuses"), ("dispatch", "posts HITs for all")])
def test_a_kind_that_spends_says_so_before_it_is_created(kind: str, says: str, site: DashboardSite) -> None:
    visitor = site.visitor()
    assert f"Each run {says}" in visitor.get(f"/tasks?new={kind}")
    assert f"Each run {says}" in visitor.plan("tasks-create", kind=kind, every="1h")


@pytest.mark.parametrize("kind", ["approve-all", "bonus-auto", "sync", "dispatch", "aggregate-labels", "expire"])
def test_the_form_of_a_kind_offers_its_options_alone_and_can_be_sent_as_it_is(kind: str, site: DashboardSite) -> None:
    visitor = site.visitor()
    visitor.get(f"/tasks?new={kind}")
    fields = fields_of(visitor, "tasks-create")
    assert ("min_votes" in fields) == (kind == "aggregate-labels")
    assert ("feedback" in fields) == (kind == "approve-all")
    assert ("experiment" in fields) == (kind != "sync")
    visitor.plan("tasks-create", **fields)
    assert visitor.status == 200
    assert f"Create {kind}" in visitor.text


def test_only_what_was_changed_on_the_page_of_a_task_is_changed(site: DashboardSite) -> None:
    visitor = site.visitor()
    visitor.act("tasks-create", kind="approve-all", every="1h", experiment="stroop", feedback="Thanks")
    before = task(site, "approve-all")
    visitor.get("/tasks/approve-all")
    fields = fields_of(visitor, "tasks-update")
    page = visitor.plan("tasks-update", **fields | {"feedback": "Thank you"})
    assert command(page) == "turkctl tasks update approve-all --feedback 'Thank you'"
    assert "message to the workers becomes Thank you" in page
    visitor.confirm()
    visitor.wait()
    after = task(site, "approve-all")
    assert after["options"] == {"experiment": "stroop", "feedback": "Thank you"}
    assert after["next_run"] == before["next_run"], "its times were not touched"


@pytest.mark.parametrize(
    ("change", "shown", "expected"),
    [
        ({"every": "30m"}, "--every 30m", {"schedule": ("30m", None, None)}),
        ({"cron": "0 9 * * *", "timezone": "Asia/Tokyo"}, "--cron '0 9 * * *' --timezone Asia/Tokyo",
         {"schedule": (None, "0 9 * * *", "Asia/Tokyo")}),
        ({"cron": "0 9 * * *", "every": ""}, "--cron '0 9 * * *'", {"schedule": (None, "0 9 * * *", None)}),
        ({"new_name": "pay"}, "--name pay", {"name": "pay"}),
        ({"experiment": ""}, "--all", {"options": {"all": True, "feedback": "Thanks"}}),
        ({"codeversion": "1.0"}, "--experiment stroop --codeversion 1.0",
         {"options": {"experiment": "stroop", "codeversion": "1.0", "feedback": "Thanks"}}),
        ({"feedback": ""}, "--feedback ''", {"options": {"experiment": "stroop"}}),
    ],
)  # fmt: skip
def test_times_name_and_options_can_be_changed_as_the_shown_command_does(
    change: dict[str, str], shown: str, expected: dict[str, Any], site: DashboardSite
) -> None:
    visitor = site.visitor()
    visitor.act("tasks-create", kind="approve-all", every="1h", experiment="stroop", feedback="Thanks")
    visitor.get("/tasks/approve-all")
    page = visitor.plan("tasks-update", **fields_of(visitor, "tasks-update") | change)
    assert sorted(command(page).split()) == sorted(f"turkctl tasks update approve-all {shown}".split())
    visitor.confirm()
    visitor.wait()
    after = task(site, change.get("new_name", "approve-all"))
    every = None if after["cron"] else f"{after['every'].total_seconds() / 60:.0f}m"
    found = {"schedule": (every, after["cron"], after["timezone"]), "name": after["name"], "options": after["options"]}
    assert {name: found[name] for name in expected} == expected


def test_a_change_of_nothing_and_one_that_leaves_no_time_are_refused(site: DashboardSite) -> None:
    visitor = site.visitor()
    visitor.act("tasks-create", kind="aggregate-labels", every="1h", min_votes="3")
    visitor.get("/tasks/aggregate-labels")
    fields = fields_of(visitor, "tasks-update")
    for change, says in [
        ({}, "nothing to change"),
        ({"every": ""}, "needs an interval"),
        ({"min_votes": ""}, "left out"),
    ]:
        assert says in visitor.plan("tasks-update", **fields | change)
        assert visitor.status == 400


def test_a_plan_to_change_a_task_that_somebody_changed_meanwhile_is_shown_again(site: DashboardSite) -> None:
    visitor, other = site.visitor(), site.visitor("ann")
    visitor.act("tasks-create", kind="sync", every="1h")
    visitor.get("/tasks/sync")
    visitor.plan("tasks-update", **fields_of(visitor, "tasks-update") | {"every": "30m"})
    request = visitor.hidden("request")
    other.act("tasks-update", kind="sync", name="sync", every="2h")
    page = visitor.post("/runs", {"request": request})
    assert visitor.status == 409
    assert "every 30m instead of every 2h" in page


def test_a_task_is_paused_resumed_and_deleted_and_its_history_stays(site: DashboardSite) -> None:
    visitor = site.visitor()
    visitor.act("tasks-create", kind="sync", every="1h")
    visitor.act("tasks-run", name="sync")
    visitor.act("tasks-pause", name="sync")
    assert task(site, "sync")["paused"]
    page = visitor.get("/tasks")
    assert "<strong>paused</strong>" in page
    assert "Resume" in page
    assert "nothing to pause" in visitor.plan("tasks-pause", name="sync").lower()
    assert ">Pause sync<" not in visitor.text
    visitor.act("tasks-resume", name="sync")
    assert not task(site, "sync")["paused"]
    page = visitor.act("tasks-delete", name="sync")
    assert "task sync deleted" in page
    page = visitor.get("/tasks")
    assert "No task yet" in page
    assert '<td data-label="Task">sync</td>' in page
    visitor.get("/tasks/sync")
    assert visitor.status == 404


def test_run_now_runs_the_task_in_this_process_if_no_scheduler_runs(site: DashboardSite) -> None:
    (hit,) = site.study.post(3)
    site.study.submit(hit, "A1", "A2")
    sync(site.study.world)
    visitor = site.visitor()
    visitor.act("tasks-create", kind="approve-all", every="1h")
    page = visitor.plan("tasks-run", name="approve-all")
    assert "this server" in page
    visitor.confirm()
    assert "task approve-all: approved 2 submissions" in visitor.wait()
    assert site.study.sql("SELECT DISTINCT status FROM turkctl_assignment") == [("Approved",)]
    page = visitor.get("/tasks/approve-all")
    assert "approved 2 submissions" in page
    assert 'data-label="Status">ok<' in page


def test_run_now_waits_for_the_scheduler_that_runs_and_can_be_stopped(site: DashboardSite) -> None:
    visitor = site.visitor()
    visitor.act("tasks-create", kind="sync", every="1h")
    keeper = SchedulerKeeper(site.study.world.database)
    with keeper.held():
        page = visitor.plan("tasks-run", name="sync")
        assert "the scheduler, process" in page
        visitor.confirm()
        number = re.search(r"/runs/(\d+)", visitor.path)
        assert number
        path = visitor.path
        assert "at work" in visitor.text
        visitor.post(f"/runs/{number[1]}/stop")
        visitor.get(path)
        assert "task sync was not run" in visitor.wait()
    assert task(site, "sync")["requested"] is None


def test_a_run_that_fails_is_shown_as_failed(site: DashboardSite) -> None:
    add_task(site.study.world.database, "later", kind="of-a-later-version")
    visitor = site.visitor()
    page = visitor.act("tasks-run", name="later")
    assert "task later failed" in page
    assert "cannot run tasks of kind of-a-later-version" in visitor.get("/tasks/later")
    (line,) = [each for each in list_log(site.study.world, LogQuery()) if each["act"] == "tasks run"]
    assert line["error"] == "task_failed"


def test_the_page_says_whether_a_scheduler_runs_and_which(site: DashboardSite) -> None:
    visitor = site.visitor()
    assert "No scheduler is running" in visitor.get("/tasks")
    keeper = SchedulerKeeper(site.study.world.database)
    with keeper.held():
        page = visitor.get("/tasks")
        assert f"process {keeper.claimant.pid} on {keeper.claimant.host}" in page
        assert "No scheduler is running" not in page


def test_tasks_of_other_modes_are_shown_with_their_mode_and_without_acts(site: DashboardSite) -> None:
    add_task(site.study.world.database, "real", mode="live", last_error=None)
    visitor = site.visitor()
    assert "real" not in visitor.get("/tasks")
    page = visitor.get("/tasks?all_modes=1")
    assert "mode-live" in page
    assert "switch to mode live first" in page
    visitor.plan("tasks-delete", name="real")
    assert visitor.status == 409
    assert "belongs to mode live" in visitor.text


def test_a_campaigns_task_can_be_paused_but_neither_changed_nor_deleted_here(site: DashboardSite) -> None:
    site.study.create(5)
    visitor = site.visitor()
    page = visitor.get("/tasks/campaign-1")
    assert "runs the rounds of campaign 1" in page
    assert "tasks-update" not in page
    visitor.plan("tasks-delete", name="campaign-1")
    assert visitor.status == 409
    visitor.plan("tasks-update", name="campaign-1", kind="campaign", every="1h")
    assert visitor.status == 400
    visitor.act("tasks-pause", name="campaign-1")
    assert task(site, "campaign-1")["paused"]


def test_the_history_has_pages(site: DashboardSite) -> None:
    world = site.study.world
    add_task(world.database, "sync", next_run=world.now(), created=world.now())
    for _ in range(SIZE + 2):
        Runner(world).once()
        site.study.pass_time(minutes=11)
    visitor = site.visitor()
    assert visitor.get("/tasks/sync").count('data-label="Status"') == SIZE
    assert "/dashboard/tasks/sync?page=2" in visitor.text
    assert visitor.get("/tasks/sync?page=2").count('data-label="Status"') == 2
    assert visitor.get("/tasks?page=2").count('data-label="Status"') == 2


def test_viewers_see_tasks_and_no_buttons(site: DashboardSite) -> None:
    add_task(site.study.world.database, "sync")
    viewer = site.visitor("viewer")
    for path in ("/tasks", "/tasks/sync", "/tasks?new=sync"):
        page = viewer.get(path)
        assert viewer.status == 200
        assert "/dashboard/acts/" not in page
    viewer.post("/acts/tasks-delete", {"name": "sync"})
    assert viewer.status == 403
    assert task(site, "sync")


def test_text_of_a_task_is_never_html(site: DashboardSite) -> None:
    name = '<b>"x"&amp;'
    add_task(site.study.world.database, name, kind="approve-all", options={"feedback": "</dl><script>1</script>"})
    visitor = site.visitor()
    for path in ("/tasks", "/tasks/%3Cb%3E%22x%22&amp%3B"):
        page = visitor.get(path)
        assert visitor.status == 200
        assert "<b>" not in page
        assert "<script>1" not in page
