"""Every command line that a page or an act shows can be typed: the program knows it, with its options and values."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from html import unescape

import click
import pytest
from command_tree import ALL
from dashboard_support import PEOPLE
from dashboard_walk import Walk, walked
from flask import g
from werkzeug.datastructures import MultiDict

from turkctl.dashboard.acts.registry import acts
from turkctl.dashboard.commands import arguments, command_line
from turkctl.dashboard.desk import EXTENSION, Desk
from turkctl.dashboard.texts import NAVIGATION

FOOT = re.compile(r'<code id="command">(.*?)</code>')
CODE = re.compile(r"<code[^>]*>(turkctl .*?)</code>")
PARTS = ("/count", "/choices", "/state", "/data", "/preview/page", "/progress.json", "/balance", "/labels/items")
"""What is a part of a page, or a file; and the page of an item, which this study has none of."""
DASHES = "-1 --all 'x' is $5"
WORK = {"id": ["3FIRST", "3SECOND"], "feedback": DASHES, "experiment": "stroop", "hit": "3HIT"}
LABELS = {"experiment": "stroop", "item": "-i0", "worker": "AWORKER00001X"}
FORMS: dict[str, dict[str, object]] = {
    "campaigns-create": {"goal": "20", "experiment": "stroop", "budget": "9.50", "every": "1h", "hours": "09:00-17:00",
                         "end_at": "2040-01-01T10:00", "timezone": "Europe/Berlin", "allow_repeat_workers": "1"},
    "campaigns-update": {"campaign": "1", "goal": "60", "was_goal": "24", "end_at": "", "was_end_at": "2040-01-01"},
    "campaigns-run": {"campaign": "1"},
    "campaigns-cancel": {"campaign": "1", "expire_hits": "1"},
    "content-dispatch": {"experiment": "stroop", "hits": "3"},
    "content-remove": {"experiment": "stroop", "id": ["-i0", "i1"]},
    "experiments-end": {"experiment": "stroop", "cancel_campaigns": "1"},
    "experiments-reopen": {"experiment": "stroop"},
    "hits-create": {"experiment": "stroop", "assignments": "20", "hits": "2", "reward": "0.40", "duration": "30m",
                    "lifetime": "1d", "allow_high_commission": "1", "allow_repeat_workers": "1"},
    "hits-extend": {"id": "3HIT", "assignments": "2", "lifetime": "1d"},
    "hits-expire": {"all": "1"},
    "hits-approve": {"experiment": "stroop", "campaign": "1", "codeversion": "-1", "feedback": DASHES},
    "hits-delete": {"id": ["3HIT", "3OTHER"], "force": "1"},
    "sync": {"full": "1"},
    "labels-aggregate": {"experiment": "stroop", "force": "1"},
    "labels-mark-dirty": {"experiment": "stroop"},
    "labels-set": {**LABELS, "value": "-true", "reason": DASHES},
    "labels-exclude": {**LABELS, "undo": "1"},
    "labels-invalidate": {**LABELS, "undo": "1"},
    "labels-needs-more": {"experiment": "stroop", "id": ["i0", "i1"], "outputs": "2"},
    "participants-set": {"bonus": "0.40"},
    "tasks-create": {"kind": "bonus-auto", "cron": "0 9 * * mon-fri", "timezone": "Europe/Berlin", "reason": DASHES},
    "tasks-update": {"name": "nightly", "kind": "expire", "every": "2h", "was-every": "1h", "new_name": "night"},
    "tasks-pause": {"name": "nightly"},
    "tasks-resume": {"name": "nightly"},
    "tasks-run": {"name": "nightly"},
    "tasks-delete": {"name": "nightly"},
    "workers-approve": {**WORK, "override_rejection": "1"},
    "workers-reject": WORK,
    "workers-bonus": {**WORK, "amount": "0.25", "reason": DASHES, "purpose": "-p", "each": "1"},
    "workers-message": {"worker": "AWORKER00001X", "subject": DASHES, "text": "two\nlines"},
    "workers-compensate": {"worker": "AWORKER00001X", "amount": "1.00", "reason": DASHES, "experiment": "stroop"},
    "workers-block": {"worker": "AWORKER00001X", "reason": DASHES},
    "workers-unblock": {"worker": "AWORKER00001X"},
    "workers-exclude": WORK,
}  # fmt: skip
"""A form of each act with all that it can say."""


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    with walked(tmp_path_factory.mktemp("study")) as made:
        yield made


def understood(line: str) -> None:
    """Parse a command line as the program does, and do nothing; raise if it is wrong."""
    words = shlex.split(line)
    size = next(size for size in (4, 3, 2) if " ".join(words[:size]) in ALL)
    if words[size:] == ["--help"]:
        return
    try:
        ALL[" ".join(words[:size])].make_context("turkctl", words[size:])
    except click.ClickException as error:
        pytest.fail(f"{line}: {error.format_message()}")


def test_every_page_shows_its_command_and_the_program_knows_all_that_pages_show(walk: Walk) -> None:
    visitor = walk.site.visitor()
    asked = [path for path in walk.pages() if not path.endswith(PARTS)]
    filled = [f"/dashboard/{each}" for each in ADDRESSES]
    for path in (*asked, *filled):
        text = visitor.get(path)
        assert visitor.status == 200, path
        assert FOOT.search(text), f"{path} shows no command"
        for line in map(unescape, CODE.findall(text)):
            if not re.search(r" [A-Z]{2,}\b", line):  # a word for something to be filled in
                understood(line)


ADDRESSES = (
    "participants?mode=live&condition=1&status=submitted&complete=yes&since=2026-05-04&missing=condition&sort=mode&desc=1",
    "participants?group_by=day&group_by=status&columns=uniqueid&current=1&worker=AWORKER00001X&campaign=1",
    "hits?view=unexpired&status=Assignable&experiment=stroop&campaign=1&codeversion=1.0&sort=reward&desc=1",
    "hits?view=reviewable",
    "hits/deadlines?experiment=stroop&within=3d",
    "assignments?status=all&experiment=stroop&campaign=1&codeversion=1.0&worker=AWORKER00001X&sort=minutes&desc=1",
    "workers?experiment=stroop&blocked=1&sort=earned&desc=1",
    "campaigns?sort=goal&desc=1",
    "campaigns/new?goal=30",
    "tasks?all_modes=1",
    "tasks?new=aggregate-labels",
    "tasks?new=bonus-auto",
    "log?since=2026-05-04&until=2030-01-01&act=approve&experiment=stroop&all_modes=1&page=2",
    "content?experiment=stroop&kind=pending",
    "labels?experiment=stroop",
    "labels/review?experiment=stroop",
    "labels/review?experiment=stroop&kind=votes-below&below=4",
    "labels/review?experiment=stroop&kind=votes-below&below=x",
    "labels/needs-more?experiment=stroop",
)
"""Pages with every filter of theirs."""


@pytest.mark.parametrize("slug", sorted(acts()))
def test_the_command_of_every_act_is_one_that_the_program_knows(walk: Walk, slug: str) -> None:
    act = acts()[slug]
    form = FORMS[slug] | ({"id": walk.known.assignment} if slug == "participants-set" else {})
    with walk.app.test_request_context():
        g.desk = Desk(walk.app.extensions[EXTENSION], PEOPLE["lab"], "local")
        words = act.command(act.read(MultiDict(form)))
    assert words[: len(act.name.split())] == act.name.split(), "the command is the one that the log has"
    understood(shlex.join(["turkctl", *words]))


def test_the_mode_is_named_before_what_may_begin_with_a_dash() -> None:
    words = ["content", "remove", "--experiment", "stroop", *arguments("-i0")]
    assert command_line(words, "live", "local") == "turkctl content remove --experiment stroop --mode live -- -i0"
    understood(command_line(words, "live", "local"))


def test_a_confirming_page_shows_the_command(walk: Walk) -> None:
    page = walk.site.visitor().plan("workers-approve", id=walk.known.assignment, feedback=DASHES)
    (line,) = map(unescape, FOOT.findall(page))
    understood(line)
    assert shlex.split(line) == ["turkctl", "workers", "approve", walk.known.assignment, f"--feedback={DASHES}"]


def test_the_navigation_marks_the_section_of_every_page(walk: Walk) -> None:
    visitor = walk.site.visitor()
    names = dict(NAVIGATION)
    for path, endpoint, kind in (
        ("/hits", "hits.index", "page"),
        (f"/hits/{walk.known.hit}", "hits.index", "true"),
        (f"/workers/{walk.known.worker}", "workers.index", "true"),
        (f"/assignments/{walk.known.assignment}", "work.index", "true"),
        (f"/participants/{walk.known.assignment}", "participants.index", "true"),
        ("/campaigns/1", "campaigns.index", "true"),
        ("/labels/review", "labels.index", "true"),
        ("/labels/needs-more", "labels.index", "true"),
        (f"/runs/{walk.known.run}", "log.index", "true"),
    ):
        marked = re.findall(r'aria-current="(\w+)">([^<]+)<', visitor.get(path))
        assert marked == [(kind, names[endpoint])], path
    assert 'aria-current="true">Tasks<' in visitor.plan("tasks-pause", name="nightly")


def test_mode_live_is_marked_on_every_page(walk: Walk) -> None:
    visitor = walk.site.visitor()
    visitor.get("/settings")
    visitor.post("/settings/mode", {"mode": "live"})
    for endpoint, _words in NAVIGATION:
        with walk.app.test_request_context():
            path = walk.app.url_for(endpoint)
        head = visitor.get(path).partition("<main")[0]
        assert '<span class="mode mode-live">live</span>' in head, path


@pytest.mark.parametrize(
    ("path", "labels"),
    [
        ("/assignments", ("Approve all", "Bonus all (auto)")),
        ("/hits", ("Expire all", "Approve all for all HITs", "Delete all")),
        ("/campaigns", ("New campaign",)),
        ("/campaigns/1", ("Change", "Cancel campaign")),
        ("/tasks", ("New task", "Pause", "Run now", "Delete")),
        ("/participants", ("Download CSV",)),
    ],
)
def test_the_acts_that_people_look_for_have_their_names(walk: Walk, path: str, labels: tuple[str, ...]) -> None:
    text = walk.site.visitor().get(path)
    found = re.findall(r"<(?:button|a)\b[^>]*>([^<]+)</", text)
    assert [each for each in labels if each not in map(unescape, found)] == []
