"""A database that is lost is said to be lost: nothing begins anew, is posted again or paid again by itself."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cli_support import last_error
from databases import KINDS, empty_again, new_database

Run = Callable[..., Any]


def drop_all(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute("DELETE FROM sqlite_master")
        connection.execute("PRAGMA writable_schema=OFF")
        connection.execute("VACUUM")


LOST: dict[str, Callable[[Path], object]] = {
    "removed": Path.unlink,
    "cut off": lambda path: path.write_bytes(b""),
    "without tables": drop_all,
}


@pytest.fixture
def project(configured: Path, turkctl: Run) -> Path:
    """A study whose database a command has used once."""
    assert turkctl("experiments", "list").code == 0
    return configured


@pytest.mark.parametrize("how", LOST)
@pytest.mark.parametrize(
    "argv",
    [
        ["hits", "list"],
        ["hits", "create", "--assignments", "3"],
        ["participants", "count"],
        ["db", "upgrade"],
        ["init"],
        ["scheduler", "run", "--once"],
    ],
    ids=" ".join,
)
def test_a_database_that_is_gone_is_not_begun_anew(project: Path, turkctl: Run, how: str, argv: list[str]) -> None:
    file = project / "turkctl.db"
    LOST[how](file)
    before = file.read_bytes() if file.exists() else None
    finished = turkctl(*argv, "--json")
    assert (finished.code, finished.out) == (4, "")
    error = last_error(finished.err)
    assert "is gone or empty" in error["message"]
    assert "turkctl init --new-database" in error["hint"]
    assert (file.read_bytes() if file.exists() else None) == before


@pytest.mark.parametrize("how", ["removed", "cut off"])
def test_a_look_at_the_schema_makes_no_file(project: Path, turkctl: Run, how: str) -> None:
    LOST[how](project / "turkctl.db")
    before = [path.name for path in project.iterdir()]
    assert turkctl("db", "current").code == 4
    assert [path.name for path in project.iterdir()] == before


def test_doctor_says_that_the_database_is_gone(project: Path, turkctl: Run) -> None:
    (project / "turkctl.db").unlink()
    finished = turkctl("doctor", "--json")
    rows = {row["check"]: row for row in json.loads(finished.out)}
    assert (finished.code, "is gone" in rows["database"]["detail"]) == (4, True)


def test_a_new_database_is_begun_when_it_is_asked_for(project: Path, turkctl: Run) -> None:
    (project / "turkctl.db").unlink()
    assert turkctl("init", "--new-database").code == 0
    assert turkctl("hits", "list", "--json").out == "[]\n"
    (project / "turkctl.db").unlink()
    assert turkctl("hits", "list").code == 4, "and the new one is missed as well"


@pytest.mark.parametrize("how", LOST)
def test_a_new_database_that_is_asked_for_takes_the_place_of_what_is_left(
    project: Path, turkctl: Run, how: str
) -> None:
    LOST[how](project / "turkctl.db")
    assert turkctl("init", "--new-database").code == 0
    assert stat.S_IMODE((project / "turkctl.db").stat().st_mode) == 0o600
    assert turkctl("hits", "list", "--json").out == "[]\n"


def test_the_new_database_is_of_the_project_that_the_error_named(
    project: Path, turkctl: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "turkctl.toml").rename(project / "our study.toml")
    config = ["--config", str(project / "our study.toml")]
    assert turkctl("hits", "list", *config).code == 0
    (project / "turkctl.db").unlink()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    hint = last_error(turkctl("hits", "list", *config, "--json").err)["hint"]
    program, *argv = shlex.split(hint.partition("run: ")[2])
    assert (program, turkctl(*argv).code) == ("turkctl", 0)
    assert turkctl("hits", "list", *config).code == 0
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_new_database_in_a_folder_of_the_project_is_the_projects(
    project: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "turkctl.db").unlink()
    (project / "data").mkdir()
    monkeypatch.chdir(project / "data")
    assert turkctl("init", "--new-database").code == 0
    assert ((project / "turkctl.db").exists(), list((project / "data").iterdir())) == (True, [])


@pytest.mark.parametrize("how", ["removed", "cut off"])
@pytest.mark.parametrize("ending", ["-wal", "-journal"])
def test_what_is_known_of_the_old_database_stays_until_there_is_a_new_one(
    project: Path, turkctl: Run, how: str, ending: str
) -> None:
    file, log = project / "turkctl.db", project / f"turkctl.db{ending}"
    LOST[how](file)
    log.write_bytes(b"changes of the old database")
    finished = turkctl("init", "--new-database", "--json")
    assert (finished.code, finished.out) == (4, "")
    assert f"move {log.name} elsewhere first" in last_error(finished.err)["hint"]
    assert log.read_bytes() == b"changes of the old database", "which SQLite would have played into the new one"
    log.unlink()
    assert "is gone or empty" in last_error(turkctl("hits", "create", "--assignments", "3", "--json").err)["message"]
    assert turkctl("init", "--new-database").code == 0


def test_a_copy_of_a_project_without_its_database_is_not_begun_anew(
    project: Path, turkctl: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(project, tmp_path / "copy", ignore=shutil.ignore_patterns("*.db"))
    for state in ("", "of somebody else"):
        if state:
            monkeypatch.setenv("TURKCTL_USER_DIR", str(tmp_path / state))
        monkeypatch.chdir(tmp_path / "copy")
        finished = turkctl("hits", "list", "--json")
        assert (finished.code, "is gone or empty" in last_error(finished.err)["message"]) == (4, True)
        assert not (tmp_path / "copy" / "turkctl.db").exists()
    assert turkctl("init", "--new-database").code == 0
    assert turkctl("hits", "list").code == 0


def test_a_copy_of_a_project_with_its_database_works_and_misses_it_later(
    project: Path, turkctl: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(project, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / ".turkctl")  # a copy made with *
    monkeypatch.chdir(tmp_path / "copy")
    assert json.loads(turkctl("experiments", "list", "--json").out)[0]["experiment"] == "stroop"
    (tmp_path / "copy" / "turkctl.db").unlink()
    assert turkctl("hits", "list").code == 4
    assert (project / "turkctl.db").exists()


def test_settings_alone_begin_a_study_of_their_own(
    project: Path, turkctl: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "next").mkdir()
    shutil.copy(project / "turkctl.toml", tmp_path / "next")
    monkeypatch.chdir(tmp_path / "next")
    assert turkctl("hits", "list").code == 0


def test_an_upgraded_database_is_missed_as_well(study: Path, turkctl: Run) -> None:
    assert turkctl("db", "upgrade").code == 0
    (study / "turkctl.db").unlink()
    assert turkctl("hits", "list").code == 4


def test_the_note_in_the_project_says_nothing_of_where_the_database_is(
    folder: Path, turkctl: Run, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    (folder / "turkctl.toml").write_text(f'# ours\ndatabase_url = "{url}"\n', encoding="utf-8")
    assert turkctl("hits", "list").code == 0
    assert (folder / ".turkctl" / ".gitignore").read_text() == "*\n"
    (note,) = (folder / ".turkctl" / "databases").iterdir()
    assert "elsewhere" not in note.name + note.read_text(encoding="utf-8")
    assert (folder / "turkctl.toml").read_text(encoding="utf-8") == f'# ours\ndatabase_url = "{url}"\n'
    (tmp_path / "elsewhere.db").unlink()
    shutil.rmtree(Path(os.environ["XDG_STATE_HOME"]) / "turkctl")
    assert turkctl("hits", "list").code == 4


def test_init_with_a_new_database_leaves_one_that_is_there(project: Path, turkctl: Run) -> None:
    assert turkctl("init", "--new-database").code == 0
    assert json.loads(turkctl("experiments", "list", "--json").out)[0]["experiment"] == "stroop"


def test_a_copy_that_is_put_back_is_taken(project: Path, turkctl: Run, tmp_path: Path) -> None:
    shutil.copy(project / "turkctl.db", tmp_path / "copy")
    (project / "turkctl.db").unlink()
    assert turkctl("hits", "list").code == 4
    shutil.copy(tmp_path / "copy", project / "turkctl.db")
    assert turkctl("hits", "list").code == 0


def test_a_project_that_is_made_again_begins_anew(project: Path, turkctl: Run) -> None:
    for name in ("turkctl.toml", "turkctl.db"):
        (project / name).unlink()
    assert turkctl("init").code == 0
    assert turkctl("hits", "list").code == 0


def test_nothing_is_noted_outside_of_a_project_or_where_it_cannot_be(
    outside: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = ["--database-url", "sqlite:///turkctl.db"]
    assert turkctl("hits", "list", *named).code == 0
    (outside / "turkctl.db").unlink()
    assert turkctl("hits", "list", *named).code == 0
    assert not (outside / ".turkctl").exists()
    (outside / "turkctl.toml").write_text("", encoding="utf-8")
    (outside / ".turkctl").touch()
    (outside / "no-folder").write_text("", encoding="utf-8")
    monkeypatch.setenv("XDG_STATE_HOME", str(outside / "no-folder"))
    assert turkctl("hits", "list").code == 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_note_knows_databases_of_every_kind_and_no_password(kind: str, folder: Path, turkctl: Run) -> None:
    state = Path(os.environ["XDG_STATE_HOME"]) / "turkctl" / "databases"
    with new_database(kind, folder) as url:
        (folder / "turkctl.toml").write_text(f'database_url = "{url}"\n', encoding="utf-8")
        assert turkctl("hits", "list").code == 0
        (note,) = state.iterdir()
        assert json.loads(note.read_text())["project"] == str(folder / "turkctl.toml")
        assert stat.S_IMODE(note.stat().st_mode) == 0o600
        if kind == "sqlite":
            (folder / "turkctl.db").unlink()
        else:
            empty_again(url)
        assert turkctl("hits", "list").code == 4


@pytest.fixture
def posted_study(configured: Path, turkctl: Run) -> Path:
    """A study with a HIT on the built-in market."""
    assert turkctl("hits", "create", "--assignments", "3").code == 0
    return configured


@pytest.mark.parametrize("how", LOST)
@pytest.mark.parametrize(
    "argv",
    [["hits", "list"], ["balance"], ["hits", "create", "--assignments", "3"], ["sync"], ["market", "clock"]],
    ids=" ".join,
)
def test_a_market_that_is_gone_is_not_begun_anew(posted_study: Path, turkctl: Run, how: str, argv: list[str]) -> None:
    file = posted_study / "turkctl-market.db"
    LOST[how](file)
    before = file.read_bytes() if file.exists() else None
    finished = turkctl(*argv, "--json")
    assert (finished.code, finished.out) == (4, "")
    error = last_error(finished.err)
    assert "turkctl-market.db is gone or empty" in error["message"]
    assert "turkctl market reset" in error["hint"]
    assert (file.read_bytes() if file.exists() else None) == before


@pytest.mark.parametrize("how", LOST)
def test_a_new_market_is_begun_when_it_is_asked_for(posted_study: Path, turkctl: Run, how: str) -> None:
    LOST[how](posted_study / "turkctl-market.db")
    assert turkctl("market", "reset").code == 3
    assert turkctl("balance").code == 4, "a reset that was not confirmed changes nothing"
    assert turkctl("market", "reset", "--yes").code == 0
    assert stat.S_IMODE((posted_study / "turkctl-market.db").stat().st_mode) == 0o600
    assert json.loads(turkctl("balance", "--json").out)["available"] == "10000.00"
    assert turkctl("hits", "create", "--assignments", "3").code == 0


def test_a_market_that_the_command_line_names_may_be_another(posted_study: Path, turkctl: Run) -> None:
    assert turkctl("hits", "list", "--json", "--market-url", "sqlite:///second.db").out == "[]\n"
    assert len(json.loads(turkctl("hits", "list", "--json").out)) == 1


def test_a_study_that_posted_nothing_gets_another_market(project: Path, turkctl: Run) -> None:
    (project / "turkctl-market.db").unlink()
    assert turkctl("balance").code == 0


def test_a_new_database_goes_with_a_new_market(posted_study: Path, turkctl: Run) -> None:
    for name in ("turkctl.db", "turkctl-market.db"):
        (posted_study / name).unlink()
    assert turkctl("balance").code == 4, "nobody can tell what the lost database knew"
    assert turkctl("init", "--new-database").code == 0
    assert turkctl("balance").code == 0
    assert turkctl("hits", "list").code == 0


@pytest.mark.parametrize("flag", ["--database-url", "--market-url"])
def test_an_empty_file_is_no_database(folder: Path, turkctl: Run, flag: str) -> None:
    (folder / "empty.db").touch()
    finished = turkctl("balance", flag, "sqlite:///empty.db")
    if flag == "--database-url":
        finished = turkctl("hits", "list", flag, "sqlite:///empty.db")
    assert (finished.code, "is an empty file, not a database" in finished.err) == (4, True), finished.err
    assert (folder / "empty.db").read_bytes() == b""


@pytest.mark.parametrize(
    "argv", [["hits", "list"], ["sync"], ["experiments", "configure"], ["db", "upgrade"], ["participants", "list"]]
)
def test_a_misspelt_path_of_a_psiturk_study_is_not_filled_with_tables(
    study: Path, turkctl: Run, argv: list[str]
) -> None:
    text = (study / "turkctl.toml").read_text(encoding="utf-8")
    settings = 'database_url = "sqlite:///particpants.db"\nparticipants_source = "psiturk"\n'
    (study / "turkctl.toml").write_text(settings + text, encoding="utf-8")
    finished = turkctl(*argv)
    assert (finished.code, "although psiTurk should fill it" in finished.err) == (4, True), finished.err
    assert not (study / "particpants.db").exists()


def test_new_databases_are_for_their_owner_alone(folder: Path, turkctl: Run) -> None:
    assert turkctl("init").code == 0
    assert turkctl("balance").code == 0
    before = os.umask(0)
    try:
        for name in ("turkctl.db", "turkctl-market.db"):
            (folder / name).unlink()
        assert turkctl("init", "--new-database").code == 0
        assert turkctl("balance").code == 0
    finally:
        os.umask(before)
    made = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.glob("*.db*")}
    assert {"turkctl.db", "turkctl-market.db"} <= made.keys()
    assert set(made.values()) == {0o600}
