"""The examples in help work: each is run, in a copy of a small study that was made once."""

from __future__ import annotations

import contextlib
import io
import json
import shlex
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from command_tree import ALL
from docs_support import find, unknown_flags

from turkctl.cli import run
from turkctl.cli.acts import ACTS
from turkctl.cli.help_pages import examples

PROJECT = """\
mode = "local"

[notify]
command = "cat"

[qualifications.trained]
name = "Passed the colour training"
description = "Named 80 % of the colours right."

[experiments.colours]
code_version = "1.0"
title = "Name the colour of a word"
description = "A ten-minute reading task."
reward = "0.50"
external_url = "https://lab.example.org/colours"

[experiments.reading]
code_version = "2.1"
title = "Read a story"
description = "Read a story and answer three questions."
reward = "0.80"
external_url = "https://lab.example.org/reading"

[experiments.photos]
code_version = "1.0"
title = "Is there a bird on the photo?"
description = "Look at a photo, say yes or no."
reward = "0.10"
external_url = "https://lab.example.org/photo?of=${url}"
outputs = 2
"""
PHOTOS = """\
key,url,votes,age
photo-1,https://images.example.org/1.jpg,4,2
photo-2,https://images.example.org/2.jpg,9,1
photo-3,https://images.example.org/3.jpg,0,3
photo-4,https://images.example.org/4.jpg,7,9
"""
WORKERS = ("anna", "ben", "carl", "dora", "emil")
ITEMS = ("photo-1", "photo-2", "photo-3", "photo-4")
VOTES = "item,worker,label\n" + "".join(
    f"{item},{worker},{str((place + vote) % 3 > 0).lower()}\n"
    for place, item in enumerate(ITEMS)
    for vote, worker in enumerate(WORKERS)
)

NOT_RUN = {
    "--watch": "goes on until Ctrl-C",
    "--open": "opens a browser",
    "--mode": "needs Amazon",
    "--all-modes": "needs Amazon",
    "market serve": "goes on until Ctrl-C",
    "market submission": "shows what was sent to the worker site, and has tests of its own",
    "turkctl archive": "needs an account, and has tests of its own",
    "dashboard serve": "goes on until Ctrl-C, and has tests of its own",
    "turkctl scheduler run\n": "goes on until Ctrl-C",
    "turkctl demo": "takes seconds, and has tests of its own",
    "reset-password": "needs somebody with a password, and has tests of its own",
    "workers erase A1EXAMPLEWORKER": "is refused, as the study owes them a bonus; it has tests of its own",
    "hash-password": "asks for a password, and has tests of its own",
    "db.example.org": "needs PostgreSQL, and has tests of its own",
    "import-psiturk": "needs a psiTurk study, and has tests of its own",
}
"""What a line has in it that is not run here, and why; its command and its flags must exist all the same."""

READ = {
    *("turkctl_hit", "turkctl_assignment", "turkctl_psiturk_mark", "turkctl_label_state", "turkctl_account_look"),
    *("turkctl_market_rules", "turkctl_content_reading", "turkctl_content_unusable"),
}
"""Tables in which commands that only look keep what they have read from the market."""
OTHERS = {"scheduler run": "its tasks leave the lines", "tasks run": "its task leaves the line, if it does something"}
"""Commands that change more than what their lines tell, and why."""
SHOWN = {
    "labels aggregate": "the labels are its result",
    "market workers invite": "the addresses are its result, and cannot be shown again",
    "labels needs-more": "it is a list, unless it adds outputs",
}
"""Acts that print something with --quiet, too, and why."""
CODES = {"turkctl scheduler status": 3}
"""Exit codes that are no failure: nobody runs tasks in the study."""


EXAMPLES = {line: path for path, command in ALL.items() for line in examples(command)}


def runnable(line: str) -> bool:
    return not any(part in f"{line}\n" for part in NOT_RUN)


@pytest.mark.parametrize("path", ALL)
def test_a_command_ends_its_help_with_one_to_three_examples_of_itself(path: str) -> None:
    lines = examples(ALL[path])
    assert 1 <= len(lines) <= 3
    for line in lines:
        assert find(shlex.split(line)[1:])[0].help == ALL[path].help, line


@pytest.mark.parametrize("line", EXAMPLES)
def test_an_example_uses_flags_that_exist(line: str) -> None:
    assert unknown_flags(line) == set()


@dataclass(frozen=True)
class Study:
    """A study that was made once, and the ids in it by those of the examples."""

    folder: Path
    ids: dict[str, str]


def called(*argv: str) -> tuple[int, str, str]:
    """Run a command line in the current folder; its exit code, standard output and standard error."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(list(argv))
        sys.stdout.flush()
    return code, out.getvalue(), err.getvalue()


def done(*argv: str) -> str:
    code, out, err = called(*argv)
    assert code == 0, f"{shlex.join(argv)}: {err}"
    return out


def rows(*argv: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(done(*argv, "--json"))
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study with three experiments, open and finished work, a campaign, items, labels and a task."""
    folder = tmp_path_factory.mktemp("examples") / "study"
    folder.mkdir()
    (folder / "turkctl.toml").write_text(PROJECT, encoding="utf-8")
    (folder / "photos.csv").write_text(PHOTOS, encoding="utf-8")
    (folder / "photos").mkdir()
    (folder / "photos" / "new.png").write_bytes(b"")
    (folder / "votes.csv").write_text(VOTES, encoding="utf-8")
    (folder / "answers.csv").write_text("answer,label\naye,yes\n", encoding="utf-8")
    (folder / "decided.csv").write_text("item,label\nphoto-1,true\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("HOME", str(folder.parent))
        patch.setenv("XDG_STATE_HOME", str(folder.parent))
        return Study(folder, dict(_make(folder)))


def _make(folder: Path) -> Iterator[tuple[str, str]]:
    """Make the study in the current folder; yields the examples' ids with its own."""
    done("experiments", "configure")
    done("hits", "create", "--experiment", "colours", "--assignments", "8")
    done("market", "crowd", "--workers", "6", "--seed", "1", "--drop-out", "0", "--abandon", "0")
    done("sync")
    done("campaign", "create", "--experiment", "colours", "--goal", "30")
    done("content", "add", "photos.csv", "--experiment", "photos")
    done("labels", "import", "votes.csv", "--experiment", "photos")
    done("labels", "aggregate", "--experiment", "photos", "--min-votes", "3")
    done("labels", "set", "photo-3", "true", "--experiment", "photos")
    done("tasks", "create", "sync", "--every", "15m")
    done("market", "workers", "add", "--id", "4711")
    done("market", "workers", "invite")
    done("market", "entries", "add", "sona", "--parameter", "survey_code")
    listed = rows("participants", "list")
    worker, other, *_ = dict.fromkeys(row["worker_id"] for row in listed)
    of_worker = next(row for row in listed if row["worker_id"] == worker)
    done("workers", "approve", of_worker["assignment_id"])
    done("participants", "set", worker, "--bonus", "0.40")
    done("qualifications", "grant", "trained", worker, "--value", "80")
    (folder / "people.csv").write_text("own_id,name,groups\n1234567,Anna,class-2026w\n", encoding="utf-8")
    (folder / "class.csv").write_text("student_number\n1234567\n", encoding="utf-8")
    (folder / "passed.txt").write_text(f"{worker}\n{other}\n", encoding="utf-8")
    (folder / "bonuses.csv").write_text(
        f"id,amount,reason\n{of_worker['assignment_id']},0.25,Careful work\n", encoding="utf-8"
    )
    listed_work = rows("workers", "assignments", "--status", "submitted")
    late, empty, *_ = (each["assignment_id"] for each in listed_work if each["worker_id"] not in (worker, other))
    (folder / "review.csv").write_text(f"AssignmentId,Approve,Reject\n{late},x,\n{empty},,Empty\n", encoding="utf-8")
    (folder / "codes.csv").write_text(f"worker_id,text\n{worker},Your code is 4711.\n", encoding="utf-8")
    (folder / "robots.csv").write_text(f"worker_id,reason\n{other},A script\n", encoding="utf-8")
    (folder / "pilots.csv").write_text(f"worker_id\n{worker}\n", encoding="utf-8")
    yield "A1EXAMPLEWORKER", worker
    yield "3EXAMPLEHIT0000000000000000001", of_worker["hit_id"]
    yield "000000000000", rows("market", "accounts", "list")[0]["account"]
    yield "IEXAMPLE0001", rows("market", "workers", "invitations")[0]["id"]
    submitted = next(row for row in listed if row["worker_id"] == other)
    yield "3EXAMPLEASSIGNMENT000000000001", submitted["assignment_id"]


@pytest.fixture
def study(made: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Replaces the ids of an example; the current folder is a copy of the study."""
    copy = tmp_path / "study"
    shutil.copytree(made.folder, copy)
    monkeypatch.chdir(copy)

    def of_study(line: str) -> str:
        for shown, own in made.ids.items():
            line = line.replace(shown, own)
        return line

    return of_study


def stored(folder: Path) -> dict[str, list[Any]]:
    """The rows of the study's database, by table."""
    with contextlib.closing(sqlite3.connect(folder / "turkctl.db")) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in names}


def logged() -> list[str]:
    """The acts of the lines of the log, in order."""
    with contextlib.closing(sqlite3.connect("turkctl.db")) as connection:
        return [row[0] for row in connection.execute("SELECT act FROM turkctl_run WHERE part_of IS NULL ORDER BY id")]


@pytest.mark.parametrize("line", [line for line in EXAMPLES if runnable(line)])
def test_an_example_works_in_a_study_and_leaves_a_line_in_the_log_if_it_changes_something(
    line: str, study: Callable[[str], str]
) -> None:
    words = shlex.split(study(line))
    assert words[0] == "turkctl"
    before, lines = stored(Path()), logged()
    code, _, err = called(*words[1:])
    assert code == CODES.get(line, 0), err
    assert "EXAMPLE" not in " ".join(words), "an id that the study has not"
    after, act = stored(Path()), EXAMPLES[line].removeprefix("turkctl ")
    changed = {name for name, rows in after.items() if rows != before.get(name)}
    left = logged()[len(lines) :]
    if act in OTHERS:
        return
    if act in ACTS:
        assert left == ([act] if changed - READ else [])
    else:
        assert (changed - READ, left) == (set(), [])


def changes(line: str) -> bool:
    """Whether an example's command changes something: then it takes --yes."""
    return any("--yes" in param.opts for param in ALL[EXAMPLES[line]].params)


@pytest.mark.parametrize("line", [line for line in EXAMPLES if runnable(line) and changes(line)])
def test_an_act_prints_nothing_with_quiet_if_all_is_well_and_a_dry_run_its_plan(
    line: str, study: Callable[[str], str]
) -> None:
    code, out, err = called(*shlex.split(study(line))[1:], "--quiet")
    assert code == 0, err
    shows = "--dry-run" in line or EXAMPLES[line].removeprefix("turkctl ") in SHOWN
    assert (out != "", err) == (shows, "")


LEFT = {
    "archive": "acts on an archive",
    "config set": "acts on the settings",
    "db copy": "finishes what it began, and has tests of its own",
    "demo": "acts in a study that it makes",
    "init": "finds the study as it is",
    "notify test": "changes nothing",
}
"""Acts that are not refused where a study was moved to another database, and why."""
ACTING = {
    EXAMPLES[line].removeprefix("turkctl "): line
    for line in reversed(EXAMPLES)
    if runnable(line) and changes(line) and "--dry-run" not in line
}
"""An example of each act."""


@pytest.fixture(scope="module")
def moved(made: Study, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The study and its market after both were moved to other databases."""
    folder = tmp_path_factory.mktemp("moved") / "study"
    shutil.copytree(made.folder, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("XDG_STATE_HOME", str(folder.parent))
        done("db", "copy", "--to", "sqlite:///new.db", "--market-to", "sqlite:///new-market.db")
    return Study(folder, made.ids)


def test_all_acts_have_an_example_that_is_run_or_tests_of_their_own() -> None:
    acts = {path.removeprefix("turkctl ") for line, path in EXAMPLES.items() if changes(line)}
    not_run = {act for act in acts - set(ACTING) if act.split()[0] not in LEFT and act not in LEFT}
    assert not_run == {"db import-psiturk", "market workers reset-password", "workers erase"}


@pytest.mark.parametrize("act", [act for act in ACTING if act not in LEFT and act.split()[0] not in LEFT])
def test_an_act_is_refused_where_a_study_was_moved_from(
    act: str, moved: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "study"
    shutil.copytree(moved.folder, copy)
    monkeypatch.chdir(copy)
    line = ACTING[act]
    for shown, own in moved.ids.items():
        line = line.replace(shown, own)
    before = stored(copy)
    code, out, err = called(*shlex.split(line)[1:])
    assert (code, out) == (3, ""), err
    assert "was moved to sqlite:///" in err
    assert stored(copy) == before


@pytest.mark.parametrize("part", NOT_RUN)
def test_what_is_not_run_occurs_in_an_example(part: str) -> None:
    assert any(part in f"{line}\n" for line in EXAMPLES)
