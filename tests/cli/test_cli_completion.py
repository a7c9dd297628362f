"""A shell offers the names of the study: in bash, zsh and fish, at once, without a word and without leaving a trace."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
Complete = Callable[..., list[str]]
INSTRUCTIONS = {"bash": "complete_bash", "zsh": "complete_zsh", "fish": "complete_fish"}


@pytest.fixture
def open_hits(turkctl: Run, prepare: Run) -> list[str]:
    """A study with a campaign, a task, two open HITs and an expired one; the ids of the open ones."""
    prepare(
        ["hits", "create", "--assignments", "3"],
        ["hits", "expire", "--all"],
        ["sync"],
        ["hits", "create", "--assignments", "3", "--hits", "2"],
        ["campaign", "create", "--goal", "30"],
        ["tasks", "create", "sync", "--every", "15m"],
        ["sync"],
    )
    found = json.loads(turkctl("hits", "list", "--json").out)
    return sorted(row["hit_id"] for row in found if not row["expired"])


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], turkctl: Run) -> Complete:
    """Returns what a shell offers for the last word of a line; nothing is said besides."""

    def complete(line: str, shell: str = "bash") -> list[str]:
        monkeypatch.setenv("_TURKCTL_COMPLETE", INSTRUCTIONS[shell])
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(line.count(" ")))
        monkeypatch.setenv("_TYPER_COMPLETE_ARGS", line)
        monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
        capsys.readouterr()
        with pytest.raises(SystemExit):  # the parser leaves by itself after completing
            turkctl()
        out, err = capsys.readouterr()
        monkeypatch.delenv("_TURKCTL_COMPLETE")
        assert err == ""
        return out.split() if shell == "bash" else out.splitlines()

    return complete


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("turkctl hits list --experiment ", ["stroop"]),
        ("turkctl hits list --experiment x", []),
        ("turkctl hit create --experiment s", ["stroop"]),
        ("turkctl campaign plan --experiment ", ["stroop"]),
        ("turkctl experiments show ", ["stroop"]),
        ("turkctl labels list --experiment ", ["stroop"]),
        ("turkctl labels mark-dirty ", ["stroop"]),
        ("turkctl workers payments list --experiment ", ["stroop"]),
        ("turkctl campaigns show ", ["1"]),
        ("turkctl workers approve --campaign ", ["1"]),
        ("turkctl participants list --campaign ", ["1"]),
        ("turkctl --mode local campaigns cancel ", ["1"]),
        ("turkctl --mode sandbox campaigns cancel ", []),
        ("turkctl campaigns cancel --mode live ", []),
        ("turkctl tasks run s", ["sync"]),
        ("turkctl tasks history s", ["sync"]),
        ("turkctl hits li", ["list"]),
    ],
)
def test_names_of_the_study_are_offered(line: str, names: list[str], open_hits: list[str], offered: Complete) -> None:
    assert offered(line) == names


def test_names_of_the_project_that_the_line_names_are_offered(
    open_hits: list[str], offered: Complete, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert offered("turkctl campaigns show ") == []
    assert offered(f"turkctl --config {folder}/turkctl.toml campaigns show ") == ["1"]
    assert offered(f"turkctl campaigns show --database-url sqlite:///{folder}/turkctl.db ") == ["1"]


def test_a_database_outside_a_project_offers_nothing(open_hits: list[str], offered: Complete, folder: Path) -> None:
    (folder / "turkctl.toml").unlink()
    assert offered("turkctl campaigns show ") == []


def test_open_hits_are_offered_where_only_they_make_sense_and_all_others_elsewhere(
    open_hits: list[str], offered: Complete
) -> None:
    assert sorted(offered("turkctl hits expire ")) == open_hits
    assert sorted(offered(f"turkctl hits extend {open_hits[0]} 3")) == open_hits
    for line in ("turkctl hits show ", "turkctl hits approve ", "turkctl workers approve --hit "):
        found = offered(line)
        assert set(open_hits) < set(found)
        assert len(found) == 3


def test_zsh_and_fish_show_a_few_words_beside_each(open_hits: list[str], offered: Complete) -> None:
    assert offered("turkctl campaigns show ", "fish") == ["1\tstroop, 30 people, active"]
    assert offered("turkctl campaigns show ", "zsh") == [
        '_arguments \'*: :(("1":"stroop, 30 people, active"))\'',
    ]
    assert f"{open_hits[0]}\tstroop, 3 of 3 available, assignable" in offered("turkctl hits show ", "fish")


def test_what_others_wrote_is_never_a_command_for_the_shell(
    open_hits: list[str], offered: Complete, folder: Path
) -> None:
    with closing(sqlite3.connect(folder / "turkctl.db")) as connection, connection:
        connection.execute("UPDATE turkctl_hit SET hit_id = '$(touch x)' WHERE hit_id = ?", (open_hits[0],))
        connection.execute("UPDATE turkctl_experiment SET slug = 'a`b`'';x'")
    assert offered("turkctl hits expire ") == open_hits[1:]
    text = "\n".join(offered("turkctl hits expire ", "zsh"))
    assert "a b   x" in text
    assert not set("`$;") & set(text)
    assert offered("turkctl hits list --experiment ") == []


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_completing_writes_nothing(open_hits: list[str], offered: Complete, folder: Path) -> None:
    before = files(folder.parent)
    assert offered("turkctl hits expire ")
    assert files(folder.parent) == before


def test_completing_sees_what_is_not_in_the_main_file_yet(
    open_hits: list[str], offered: Complete, folder: Path
) -> None:
    with closing(sqlite3.connect(folder / "turkctl.db")) as other:
        other.execute("UPDATE turkctl_task SET name = 'later' WHERE name = 'sync'")
        other.commit()
        before = set(files(folder))
        assert "turkctl.db-wal" in before
        assert offered("turkctl tasks show l") == ["later"]
        assert set(files(folder)) == before


@pytest.mark.parametrize(
    "text",
    [
        None,
        "this is no TOML",
        'mode = "nowhere"',
        'database_url = "sqlite:///not-there.db"',
        'database_url = "sqlite:///turkctl.toml"',
        'database_url = "postgresql://nobody@127.0.0.1:9/nothing"',
    ],
)
def test_without_a_study_nothing_is_offered_said_or_created(text: str | None, folder: Path, offered: Complete) -> None:
    if text is not None:
        (folder / "turkctl.toml").write_text(text, encoding="utf-8")
    before = files(folder)
    for line in ("turkctl hits expire ", "turkctl hits list --experiment ", "turkctl tasks run "):
        assert offered(line) == []
    assert files(folder) == before


def test_a_database_of_an_older_turkctl_is_left_as_it_is(folder: Path, offered: Complete) -> None:
    (folder / "turkctl.toml").write_text("", encoding="utf-8")
    with closing(sqlite3.connect(folder / "turkctl.db")) as connection:
        connection.execute("CREATE TABLE turkctl_experiment (slug TEXT)")
    before = files(folder)
    assert offered("turkctl hits list --experiment ") == []
    assert files(folder) == before


def test_names_are_read_without_the_tables_models(open_hits: list[str], folder: Path) -> None:
    """A key press has no time for them: they take four times as long to import as all else."""
    code = (
        "import sys; from turkctl.cli import main\n"
        "try:\n    main([])\nfinally:\n    print(sorted({'sqlalchemy', 'pydantic', 'boto3'} & set(sys.modules)))"
    )
    environment = {**os.environ, "_TURKCTL_COMPLETE": "complete_bash"}
    environment |= {"COMP_WORDS": "turkctl hits expire ", "COMP_CWORD": "3"}
    shown = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    *names, modules = shown.stdout.split("\n")[:-1]
    assert (sorted(names), modules, shown.stderr) == (open_hits, "[]", "")


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_the_script_for_bash_completes(open_hits: list[str], folder: Path) -> None:
    program = folder / "bin" / "turkctl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m turkctl "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    script = """
    source <(_TURKCTL_COMPLETE=source_bash turkctl)
    COMP_WORDS=(turkctl hits list --experiment st) COMP_CWORD=4
    "$(complete -p turkctl | sed 's/.*-F \\([^ ]*\\).*/\\1/')" turkctl
    echo "${COMPREPLY[@]}"
    """
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    shown = subprocess.run(
        ["bash", "-c", script], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert (shown.stdout, shown.stderr) == ("stroop\n", "")


@pytest.mark.parametrize(("shell", "words"), [("bash", "complete -o"), ("zsh", "compdef"), ("fish", "complete --com")])
def test_each_shell_gets_its_script(
    shell: str, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], turkctl: Run
) -> None:
    monkeypatch.setenv("_TURKCTL_COMPLETE", f"source_{shell}")
    with pytest.raises(SystemExit):
        turkctl()
    out = capsys.readouterr().out
    assert words in out
    assert "turkctl" in out


def test_workers_and_assignments_are_offered_those_read_last_first(
    configured: Path, offered: Complete, turkctl: Run
) -> None:
    turkctl("hits", "create", "--assignments", "3")
    turkctl("market", "crowd", "--workers", "3", "--seed", "3", "--drop-out", "0", "--abandon", "0")
    assert turkctl("sync").code == 0
    work = json.loads(turkctl("workers", "assignments", "--json").out)
    assert set(offered("turkctl workers show ")) == {row["worker_id"] for row in work}
    assert set(offered("turkctl workers answers ")) == {row["assignment_id"] for row in work}
    words = f"{work[0]['worker_id']}\t1 of the last assignments"
    assert words in offered("turkctl worker show ", "fish")
