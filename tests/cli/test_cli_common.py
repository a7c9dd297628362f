"""What holds for every command: where options go, what goes to which stream, how errors look."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_support import last_error

from turkctl import __version__
from turkctl.cli.root import Root

Run = Callable[..., Any]


def program(*argv: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """The program in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "turkctl", *argv], capture_output=True, text=True, timeout=60, check=False, **options
    )


def test_version_is_a_line_on_standard_output(turkctl: Run) -> None:
    finished = turkctl("--version")
    assert (finished.code, finished.out, finished.err) == (0, f"turkctl {__version__}\n", "")


@pytest.mark.parametrize(
    "argv",
    [
        ["--json", "balance"],
        ["balance", "--json"],
        ["-o", "json", "balance"],
        ["balance", "-o", "json"],
        ["--output=json", "balance"],
        ["balance", "-ojson"],
        ["-o", "csv", "balance", "--json"],
    ],
)
def test_an_option_means_the_same_before_and_after_the_subcommand(argv: list[str], turkctl: Run) -> None:
    finished = turkctl(*argv)
    assert finished.code == 0
    assert json.loads(finished.out) == {
        "mode": "local",
        "available": "10000.00",
        "on_hold": "0.00",
        "currency": "USD",
    }
    assert finished.err == ""


def test_an_option_may_stand_between_group_and_command(configured: Path, turkctl: Run) -> None:
    assert json.loads(turkctl("hits", "--json", "list").out) == []


def test_a_database_can_be_named_before_or_after(folder: Path, turkctl: Run) -> None:
    before = turkctl("--database-url", "sqlite:///one.db", "db", "upgrade", "--json")
    after = turkctl("db", "upgrade", "--json", "--database-url", "sqlite:///one.db")
    assert json.loads(before.out)["before"] is None
    assert json.loads(after.out)["before"] == json.loads(before.out)["after"]
    assert [path.name for path in folder.glob("*.db")] == ["one.db"]


@pytest.mark.parametrize(
    ("variable", "value"),
    [("TURKCTL_OUTPUT", "json"), ("TURKCTL_MARKET_OPENING_BALANCE", "7.50")],
)
def test_an_environment_variable_sets_what_no_flag_sets(
    variable: str, value: str, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    assert value in (turkctl("balance", "--json").out if variable.endswith("BALANCE") else "json")
    assert turkctl("config", "get", variable.removeprefix("TURKCTL_").lower().replace("market_", "market.")).out.strip(
        '"\n'
    ) == (value)


def test_a_flag_beats_the_environment_and_that_beats_the_file(
    folder: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "turkctl.toml").write_text('mode = "live"\noutput = "csv"\n', encoding="utf-8")
    assert turkctl("config", "get", "mode").out == "live\n"
    monkeypatch.setenv("TURKCTL_MODE", "sandbox")
    assert turkctl("config", "get", "mode").out == "sandbox\n"
    assert turkctl("config", "get", "mode", "--mode", "local").out == "local\n"
    assert turkctl("-m", "local", "config", "get", "mode").out == "local\n"


def test_the_project_file_is_found_from_a_folder_below(study: Path, turkctl: Run, monkeypatch: Any) -> None:
    below = study / "a" / "b c"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert turkctl("config", "path").out == f"{study / 'turkctl.toml'}\n"
    assert turkctl("hits", "list").code == 0
    assert (study / "turkctl.db").is_file()
    assert list(below.iterdir()) == []


def test_every_format_shows_the_same_list(configured: Path, turkctl: Run) -> None:
    assert turkctl("hits", "create", "--assignments", "12", "--quiet").code == 0
    as_json = json.loads(turkctl("hits", "list", "-o", "json").out)
    as_lines = [json.loads(line) for line in turkctl("hits", "list", "-o", "jsonl").out.splitlines()]
    as_csv = list(csv.DictReader(io.StringIO(turkctl("hits", "list", "-o", "csv").out)))
    table = turkctl("hits", "list", "-o", "table").out.splitlines()
    assert as_lines == as_json
    assert [row["hit_id"] for row in as_csv] == [row["hit_id"] for row in as_json]
    assert [line.split()[0] for line in table[1:]] == [row["hit_id"] for row in as_json]
    assert set(as_csv[0]) == set(as_json[0])


@pytest.mark.parametrize(("fmt", "empty"), [("json", "[]\n"), ("jsonl", ""), ("table", "")])
def test_a_list_of_nothing_is_still_a_list(fmt: str, empty: str, turkctl: Run) -> None:
    finished = turkctl("hits", "list", "-o", fmt)
    assert (finished.code, finished.out) == (0, empty)


def test_a_list_of_nothing_as_csv_has_its_header(turkctl: Run) -> None:
    assert turkctl("hits", "list", "-o", "csv").out.startswith("hit_id,experiment,status,")


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["hits", "creat"], "Did you mean 'create'"),
        (["hits", "list", "--nope"], "No such option: --nope"),
        (["hits", "list", "--mode", "foo"], "'foo' is not one of local, sandbox, live"),
        (["hits", "list", "-o", "xml"], "'xml' is not one of table, json, jsonl, csv"),
        (["hits", "create"], "Missing option '--assignments'"),
        (["hits", "create", "--assignments", "two"], "--assignments must be a whole number, not 'two'; see: turkctl"),
        (["hits", "list", "--limit", "two"], "--limit must be a whole number, not 'two'; see: turkctl hits list"),
        (["hits", "list", "--limit", "-1"], "--limit must be between 0 and 1000000000, not -1; see: turkctl"),
        (["market", "crowd", "--workers", "9", "--seed", "x"], "--seed must be a whole number, not 'x'"),
        (["market", "crowd", "--workers", "9", "--max-submissions", "0"], "-submissions must be at least 1, not 0"),
        (["market", "crowd", "--workers", "9", "--accuracy", "x"], "--accuracy must be a number, not 'x'"),
        (["hits", "create", "--assignments"], "requires an argument"),
        (["hits", "show"], "Missing argument 'ID'"),
        (["hits", "show", "A", "B"], "unexpected extra argument"),
        (["config", "get", "mod"], "there is no setting 'mod'; did you mean 'mode'?"),
        (["hits", "list", "--endpoint-url", "http://127.0.0.1:1"], "--endpoint-url cannot be used in mode local"),
        (["hits", "list", "--config", "nope.toml"], "there is no project file"),
        (["hits", "list", "--database-url", "nonsense"], "'nonsense' is not a database URL"),
        (["hits", "list", "--database-url", ""], "--database-url: '' is not a text"),
    ],
)
def test_wrong_usage_is_one_line_on_standard_error_and_exit_2(argv: list[str], says: str, turkctl: Run) -> None:
    plain = turkctl(*argv)
    assert (plain.code, plain.out) == (2, "")
    assert plain.err.startswith("turkctl: error: ")
    assert plain.err.count("\n") == 1
    assert says in plain.err
    for asking in ([*argv, "--json"], ["-o", "jsonl", *argv]):
        if asking[-2:] == ["--assignments", "--json"]:
            continue  # there the flag is what the option is given
        finished = turkctl(*asking)
        assert (finished.code, finished.out) == (2, "")
        error = last_error(finished.err)
        assert error["code"]
        assert error["message"] in finished.err.splitlines()[0]
        assert len(finished.err.splitlines()) == 2


def test_the_format_of_errors_can_come_from_the_project_file(
    folder: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "turkctl.toml").write_text('output = "json"\n', encoding="utf-8")
    assert last_error(turkctl("hits", "show", "NOPE").err)["code"] == "not_found"
    assert turkctl("hits", "show", "NOPE", "-o", "table").err.count("\n") == 1
    monkeypatch.setenv("TURKCTL_OUTPUT", "table")
    assert turkctl("hits", "show", "NOPE").err.count("\n") == 1


def test_an_error_shows_no_traceback_unless_asked_for(turkctl: Run) -> None:
    assert "Traceback" not in turkctl("hits", "show", "NOPE").err
    verbose = turkctl("hits", "show", "NOPE", "-v", "--json")
    assert "Traceback" in verbose.err
    assert last_error(verbose.err)["code"] == "not_found"


def test_a_fault_of_turkctl_itself_is_one_line_too(turkctl: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_self: Root, _ctx: Any) -> None:
        raise ZeroDivisionError("by\nzero")

    monkeypatch.setattr(Root, "invoke", broken)
    finished = turkctl("balance", "--json")
    assert finished.code == 1
    assert finished.err.startswith("turkctl: error: ZeroDivisionError: by; this is a fault in turkctl")
    assert last_error(finished.err)["code"] == "internal"


def test_very_verbose_shows_each_request_and_verbose_does_not(turkctl: Run) -> None:
    assert "GetAccountBalance" in turkctl("balance", "-vv").err
    assert "GetAccountBalance" in turkctl("-v", "-v", "balance").err
    assert "GetAccountBalance" not in turkctl("balance", "-v").err
    assert turkctl("balance").err == ""


def test_quiet_keeps_notes_back_and_the_result_is_the_same(configured: Path, turkctl: Run) -> None:
    loud = turkctl("hits", "create", "--assignments", "10", "--dry-run", "--json")
    quiet = turkctl("hits", "create", "--assignments", "10", "--dry-run", "--json", "-q")
    assert "split" in loud.err
    assert (quiet.err, json.loads(quiet.out)) == ("", json.loads(loud.out))


def test_no_credentials_are_ever_shown(served: Any, turkctl: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "verysecretindeed")
    finished = turkctl("balance", "--mode", "live", "-vv")
    shown = turkctl("config", "show", "--mode", "live")
    assert finished.code == 0
    assert "verysecretindeed" not in finished.out + finished.err + shown.out + shown.err


def test_outside_a_terminal_there_is_no_colour_and_nothing_is_cut(study: Path, turkctl: Run) -> None:
    title = "word " * 25
    text = (study / "turkctl.toml").read_text(encoding="utf-8").replace("Name the colour of a word", title.strip())
    (study / "turkctl.toml").write_text(text, encoding="utf-8")
    assert turkctl("experiments", "configure").code == 0
    finished = program("experiments", "list", env={**os.environ, "COLUMNS": "40"})
    assert "\x1b" not in finished.stdout + finished.stderr
    assert title.strip() in finished.stdout
    assert len(finished.stdout.splitlines()) == 2


def test_a_terminal_that_knows_few_letters_is_no_obstacle(folder: Path) -> None:
    below = folder / "Straße 色"
    finished = program("init", str(below), "--json", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert finished.returncode == 0
    assert "\\u8272" in finished.stdout
    assert json.loads(finished.stdout)["project_file"].endswith("色/turkctl.toml")


def test_a_reader_that_goes_away_ends_the_program_quietly(configured: Path, turkctl: Run) -> None:
    assert turkctl("hits", "create", "--assignments", "1", "--hits", "60", "-q").code == 0
    reading, writing = os.pipe()
    os.close(reading)
    for argv in (["hits", "list", "-o", "json"], ["balance"], ["hits", "--help"]):
        finished = subprocess.run(
            [sys.executable, "-m", "turkctl", *argv], stdout=writing, stderr=subprocess.PIPE, timeout=60, check=False
        )
        assert (finished.returncode, finished.stderr) == (141, b"")
    os.close(writing)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_said_in_one_line(folder: Path) -> None:
    with Path("/dev/full").open("w") as full:
        finished = subprocess.run(
            [sys.executable, "-m", "turkctl", "balance"], stdout=full, stderr=subprocess.PIPE, timeout=60, check=False
        )
    assert finished.returncode == 1
    assert finished.stderr.decode() == "turkctl: error: cannot write: No space left on device; free some space\n"


def test_closed_standard_streams_do_no_harm(folder: Path, turkctl: Run) -> None:
    command = f"'{sys.executable}' -m turkctl balance <&- >&- 2>&-"
    finished = subprocess.run(["sh", "-c", command], capture_output=True, timeout=60, check=False)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, b"", b"")
    assert turkctl("balance").out.startswith("mode       local\navailable  10000.00\n")


def test_paths_with_blanks_and_symbolic_links_work(tmp_path: Path, turkctl: Run, monkeypatch: Any) -> None:
    home = tmp_path / "my studies" / "Straße 7"
    assert turkctl("init", str(home)).code == 0
    link = tmp_path / "link"
    link.symlink_to(home)
    monkeypatch.chdir(link)
    assert turkctl("experiments", "configure").code == 0
    assert turkctl("hits", "create", "--assignments", "1").code == 0
    monkeypatch.chdir(tmp_path)
    listed = turkctl("hits", "list", "--json", "--config", "my studies/Straße 7/turkctl.toml")
    assert len(json.loads(listed.out)) == 1
