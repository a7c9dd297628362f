"""Every list fits a narrow terminal without losing what matters, and takes the same options for columns and order."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_support import Terminal
from command_tree import ALL

from turkctl.cli import run
from turkctl.cli.tables import HEADINGS, MONEY
from turkctl.market.service import Market

Run = Callable[..., Any]
WIDTH = 70

PROJECT = """\
mode = "local"

[qualifications.trained]
name = "Passed the colour training"
description = "Named 80 % of the colours right."

[experiments.colour-words]
code_version = "1.0"
title = "Name the colour of a word"
description = "A ten-minute reading task."
reward = "0.50"
external_url = "https://lab.example.org/colours"

[experiments.photos]
code_version = "1.0"
title = "Is there a bird on the photo?"
description = "Look at a photo, say yes or no."
reward = "0.10"
external_url = "https://lab.example.org/photo?of=${url}"
"""
ITEMS = ("photo-1", "photo-2", "photo-10")
PHOTOS = "key,url\n" + "".join(f"{item},https://images.example.org/{item}.jpg\n" for item in ITEMS)
VOTES = "item,worker,label\n" + "".join(
    f"{item},{worker},{str((place + vote) % 3 > 0).lower()}\n"
    for place, item in enumerate(ITEMS)
    for vote, worker in enumerate(("anna", "ben", "carl", "dora", "emil"))
)

MUST_SURVIVE = {
    "campaigns list": {"id", "experiment", "goal", "completed", "spent", "status"},
    "config show": {"key", "value"},
    "content list": {"key", "experiment", "answers", "usable", "wanted", "scheduled"},
    "content status": {"experiment", "items", "finished", "usable", "wanted", "expected_end"},
    "content results": {"key", "question", "answer", "worker_id", "status"},
    "experiments list": {"experiment", "reward", "hits"},
    "hits deadlines": {"when", "in", "what", "experiment", "amount", "mend"},
    "hits list": {"experiment", "status", "reward", "available", "submitted", "completed"},
    "labels answers --experiment photos": {"answer", "n", "status", "label"},
    "labels disagree --experiment photos": {"item", "counts", "n", "result", "p"},
    "labels history": {"run", "experiment", "method", "status", "changes"},
    "labels list": {"item", "worker", "label", "experiment", "status"},
    "labels needs-more --experiment photos": {"item", "bits", "label", "p", "n"},
    "labels workers --experiment photos": {"worker", "n", "agreement"},
    "log": {"when", "act", "outcome", "cost"},
    "market accounts list": {"account", "balance", "held", "charged"},
    "market entries codes sona": {"code", "status", "worker_id"},
    "market entries list": {"name", "people"},
    "market payouts history": {"id", "worker_id", "amount"},
    "market payouts list": {"worker_id", "amount"},
    "market workers invitations": {"id", "uses", "used"},
    "market workers list": {"worker_id", "groups", "can_sign_in"},
    "participants list": {"worker_id", "condition", "bonus", "status"},
    "participants list --wage": {"worker_id", "bonus", "status", "wage"},
    "qualifications list": {"name", "active"},
    "qualifications workers trained": {"worker_id", "value", "status", "granted"},
    "tasks history": {"task", "started", "status", "summary"},
    "tasks list": {"name", "kind", "next_run", "last_status"},
    "workers assignments": {"worker_id", "experiment", "status", "reward", "paid"},
    "workers list": {"worker_id", "submitted", "approved", "earned", "bonus", "last_seen"},
    "workers list --wage --group-by experiment": {"experiment", "wage", "median_wage"},
    "workers payments list": {"paid_at", "kind", "worker_id", "experiment", "amount", "fee"},
}
"""Every list, and the columns of it that a terminal of 70 characters still shows."""
OTHERS = {
    "doctor": {"check", "ok", "detail"},
    "hits why {hit}": {"act", "can", "why", "mend"},
    "balance --all-modes": {"mode", "available", "on_hold", "currency", "error"},
    "hits expire --all --dry-run": {"id", "status", "detail"},
}
"""Other tables."""
EVERYWHERE = {"experiment", "why", "mend", "reason", *MONEY}


def done(*argv: str) -> str:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(list(argv))
    assert code == 0, f"{shlex.join(argv)}: {err.getvalue()}"
    return out.getvalue()


def rows(*argv: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(done(*argv, "--json"))
    return found


def come_by_an_entry(folder: Path) -> None:
    """Let somebody come by the entry, and hand a HIT in."""
    market = Market(f"sqlite:///{folder / 'turkctl-market.db'}")
    (entry,) = market.entries("production")
    who = market.enter("production", entry.panel, entry.key, {"survey_code": "1"})
    hit = next(each for each in market.available_hits("production", who) if each["Qualified"])
    assignment = market.accept("production", who, hit["HITId"])
    market.submit("production", who, assignment["AssignmentId"], {"answer": ["red"]})
    market.close()


def answer_about_an_item(folder: Path, worker: str) -> None:
    """Post a HIT that shows an item, and let somebody answer."""
    done("content", "dispatch", "--experiment", "photos", "--hits", "1")
    (hit,) = rows("hits", "list", "--experiment", "photos")
    market = Market(f"sqlite:///{folder / 'turkctl-market.db'}")
    assignment = market.accept("production", worker, hit["hit_id"])
    market.submit("production", worker, assignment["AssignmentId"], {"answer": ["yes"]})
    market.close()
    done("sync")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A study in which no list is empty."""
    folder = tmp_path_factory.mktemp("lists") / "study"
    folder.mkdir()
    for name, text in (("turkctl.toml", PROJECT), ("photos.csv", PHOTOS), ("votes.csv", VOTES)):
        (folder / name).write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("HOME", str(folder.parent))
        patch.setenv("XDG_STATE_HOME", str(folder.parent))
        done("experiments", "configure")
        done("hits", "create", "--experiment", "colour-words", "--assignments", "8", "--hits", "2")
        done("market", "crowd", "--workers", "7", "--seed", "1", "--drop-out", "0", "--abandon", "0")
        done("sync")
        done("campaign", "create", "--experiment", "colour-words", "--goal", "30")
        done("content", "add", "photos.csv", "--experiment", "photos")
        done("labels", "import", "votes.csv", "--experiment", "photos")
        done("labels", "aggregate", "--experiment", "photos", "--min-votes", "3")
        done("tasks", "create", "sync", "--every", "15m")
        done("tasks", "run", "sync")
        done("market", "workers", "add", "--group", "staff")
        done("market", "workers", "invite", "--until", "2036-05-04")
        done("market", "entries", "add", "sona", "--parameter", "survey_code")
        worker, other, *_ = dict.fromkeys(row["worker_id"] for row in rows("participants", "list"))
        done("workers", "approve", worker, other)
        done("workers", "bonus", worker, "--amount", "0.40", "--reason", "Careful work")
        done("market", "payouts", "mark-paid", other, "--yes")
        come_by_an_entry(folder)
        answer_about_an_item(folder, worker)
        done("qualifications", "grant", "trained", worker, "--value", "80")
        yield folder


@pytest.fixture
def filled(whole: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(whole)
    return whole


def words_of(line: str) -> list[str]:
    return shlex.split(line.format(hit=rows("hits", "list")[0]["hit_id"]))


def on_terminal(argv: list[str], monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    out, err = Terminal(), Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    run(argv)
    return out.getvalue(), err.getvalue()


def columns_in(text: str, names: list[str]) -> set[str]:
    """The columns that a table, or stacked rows, have."""
    head, rule, _body = text.partition("─")
    said = {name: HEADINGS.get(name, name) for name in names}
    if not rule:
        return {name for name, shown in said.items() if re.search(rf"^{shown}:", text, re.MULTILINE)}
    words = head.split()
    return {name for name, shown in said.items() if set(shown.upper().split("_")) <= set(words)}


@pytest.mark.parametrize(("line", "survivors"), (MUST_SURVIVE | OTHERS).items())
def test_a_list_in_70_columns_keeps_what_matters_and_names_what_it_leaves_out(
    line: str, survivors: set[str], filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    argv = words_of(line)
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        run([*argv, "-o", "csv"])
    listed = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert listed, line
    text, said = on_terminal(argv, monkeypatch)
    there = columns_in(text, [*listed[0], "code"])
    assert survivors <= there, text
    noted = re.search(r"no room for (.*): see ", " ".join(said.split()))
    left_out = set() if noted is None else set(noted[1].split(", "))
    assert left_out.isdisjoint({HEADINGS.get(name, name) for name in EVERYWHERE | survivors})
    stacked = "─" not in text
    for shown in text.splitlines():
        assert len(shown) <= WIDTH or (stacked and len(shown.split()) == 1), text
    words = {word for row in listed for value in row.values() for word in value.split()}
    ids = {word for word in words if re.fullmatch(r"[A-Z0-9]{12,}", word)}
    parts = {word for word in text.rpartition("─")[2].split() if re.fullmatch(r"[A-Z0-9]{12,}", word)}
    assert parts <= ids, "an id is broken"


def test_every_list_is_among_them() -> None:
    taking = {
        path.removeprefix("turkctl ")
        for path, command in ALL.items()
        if any("--columns" in param.opts for param in command.params)
    }
    assert taking == {line.partition(" --")[0].removesuffix(" trained").removesuffix(" sona") for line in MUST_SURVIVE}


def by_size(value: Any) -> list[Any]:
    """What numbers in texts sort by."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", str(value))]


LISTS = [line for line in MUST_SURVIVE if "--group-by" not in line]


@pytest.mark.parametrize("line", LISTS)
def test_a_list_takes_columns_an_order_and_a_limit_in_every_format(line: str, filled: Path) -> None:
    argv = words_of(line)
    whole = rows(*argv)
    keys = list(whole[0])
    by = next(
        key
        for key in keys
        if key
        in ("worker_id", "worker", "item", "answer", "key", "id", "name", "run", "task", "experiment", "act", "account")
    )
    chosen = [keys[-1], by]
    options = ["--columns", ",".join(chosen), "--sort", by, "--desc", "--limit", "2"]
    found = rows(*argv, *options)
    assert [list(row) for row in found] == [chosen] * min(2, len(whole))
    values = [row[by] for row in whole if row[by] is not None]
    if by != "experiment":
        assert found[0][by] == max(values, key=by_size)
    table = done(*argv, *options).splitlines()
    heading = " ".join(HEADINGS.get(name, name) for name in chosen).replace("_", " ")
    assert [name.lower() for name in table[0].split()] == heading.split()
    assert len(table) == 1 + len(found)
    listed = list(csv.DictReader(io.StringIO(done(*argv, *options, "-o", "csv"))))
    assert [list(row) for row in listed] == [chosen] * len(found)
    assert rows(*argv, "--limit", "0") == []


@pytest.mark.parametrize("line", LISTS)
@pytest.mark.parametrize("option", ["--columns", "--sort"])
def test_an_unknown_column_exits_2_and_names_all(line: str, option: str, filled: Path, capsys: Any) -> None:
    argv = words_of(line)
    name = min(MUST_SURVIVE[line])
    capsys.readouterr()
    assert run([*argv, option, f"{name}x"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert f"there is no column '{name}x'; did you mean '{name}'? All columns: " in err
    assert all(each in err for each in MUST_SURVIVE[line])


NEEDS_MORE_THAN_AN_EMPTY_STUDY = (
    "market entries codes",
    "config",
    "labels answers",
    "labels disagree",
    "labels needs-more",
    "labels workers",
    "qualifications workers",
)


def test_a_list_without_rows_knows_all_its_columns_too(
    filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a script asks for must not depend on whether there is a row today."""
    lines = [line for line in LISTS if not line.startswith(NEEDS_MORE_THAN_AN_EMPTY_STUDY)]
    keys = {line: list(rows(*words_of(line))[0]) for line in lines}
    (tmp_path / "turkctl.toml").write_text('mode = "local"\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for line, names in keys.items():
        assert rows(*line.split(), "--columns", ",".join(names), "--sort", names[0]) == []


def test_times_are_local_and_name_their_zone_once(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, _ = on_terminal(["tasks", "list", "--columns", "name,last_run,next_run"], monkeypatch)
    assert "today" in text
    assert re.search(r"in \d+ min", text)
    assert len(re.findall(r"^times in \S+$", text, re.MULTILINE)) == 1
    assert not re.search(r"\d{4}-\d\d-\d\dT", text)


def test_today_is_the_markets_where_its_clock_was_turned(
    configured: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for argv in (["market", "clock", "--advance", "9d"], ["hits", "create", "--assignments", "2"]):
        assert turkctl(*argv).code == 0
    text, _ = on_terminal(["hits", "list", "--columns", "created,expires"], monkeypatch)
    assert re.search(r"^today \d\d:\d\d +in 23 h *$", text, re.MULTILINE), text


def test_columns_that_were_chosen_are_all_there(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = ["hit_id", "title", "mode", "market"]
    text, said = on_terminal(["hits", "list", "--columns", ",".join(chosen)], monkeypatch)
    assert (columns_in(text, chosen), said) == (set(chosen), "")


def test_people_a_day_are_a_picture_on_any_output(filled: Path, capsys: Any) -> None:
    text = done("participants", "list", "--group-by", "day", "--chart")
    head, *lines = text.splitlines()
    assert head.split() == ["DAY", "COUNT"]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d  \d+ +█+.?", line) for line in lines), text
    capsys.readouterr()
    for argv in (["--chart"], ["--chart", "--group-by", "day", "--watch"], ["--chart", "--group-by", "day", "--json"]):
        assert run(["participants", "list", *argv]) == 2
        assert "--chart" in capsys.readouterr().err
