"""init, config, db, doctor, balance."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_support import last_error

from turkctl.settings_keys import KEYS

Run = Callable[..., Any]


def test_init_writes_a_project_that_works_at_once(outside: Path, turkctl: Run) -> None:
    made = turkctl("init", "--json")
    assert made.code == 0
    assert json.loads(made.out) == {
        "project_file": str(outside / "turkctl.toml"),
        "written": True,
        "database": f"sqlite:///{outside / 'turkctl.db'}",
        "mode": "local",
    }
    assert (outside / "turkctl.db").is_file()
    assert turkctl("experiments", "configure").code == 0
    assert turkctl("hits", "create", "--assignments", "2").code == 0
    assert turkctl("doctor").code == 0


def test_init_never_overwrites(folder: Path, turkctl: Run) -> None:
    (folder / "turkctl.toml").write_text("# mine\n", encoding="utf-8")
    again = turkctl("init", "--json")
    assert (again.code, json.loads(again.out)["written"]) == (0, False)
    assert (folder / "turkctl.toml").read_text(encoding="utf-8") == "# mine\n"
    assert again.err == "the project file was there already and is unchanged; next: turkctl experiments configure\n"


def test_init_makes_the_folder_it_is_given(folder: Path, turkctl: Run) -> None:
    assert turkctl("init", "a/b").code == 0
    assert {".turkctl", "turkctl.db", "turkctl.toml"} <= {path.name for path in (folder / "a" / "b").iterdir()}


@pytest.mark.parametrize("target", ["file", "file/below", "/proc/nowhere"])
def test_init_where_nothing_can_be_written_is_one_line(target: str, outside: Path, turkctl: Run) -> None:
    (outside / "file").write_text("", encoding="utf-8")
    finished = turkctl("init", target)
    assert (finished.code, finished.out) == (2, "")
    assert finished.err.count("\n") == 1
    assert [path.name for path in outside.iterdir()] == ["file"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
@pytest.mark.parametrize(("argv", "code"), [(["init"], 2), (["hits", "list", "--database-url", "sqlite:///x.db"], 4)])
def test_a_folder_that_is_not_writable_is_one_line(argv: list[str], code: int, outside: Path, turkctl: Run) -> None:
    outside.chmod(0o555)
    try:
        finished = turkctl(*argv)
        assert (finished.code, finished.err.count("\n")) == (code, 1)
    finally:
        outside.chmod(0o755)


def test_config_show_tells_where_each_value_came_from(
    folder: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "turkctl.toml").write_text('\nmode = "sandbox"\n[market]\nlag = 2.5\n', encoding="utf-8")
    monkeypatch.setenv("TURKCTL_DASHBOARD_SECRET_KEY", "hush")
    monkeypatch.setenv("AWS_PROFILE", "lab")
    rows = json.loads(turkctl("config", "show", "--json", "--database-url", "sqlite:///x.db").out)
    assert all(list(row) == ["key", "value", "origin"] for row in rows)
    found = {row["key"]: (row["value"], row["origin"]) for row in rows}
    assert set(found) == {key.name for key in KEYS}
    assert found["mode"] == ("sandbox", f"project file ({folder / 'turkctl.toml'}:2)")
    assert found["market.lag"] == (2.5, f"project file ({folder / 'turkctl.toml'}:4)")
    assert found["database_url"] == (f"sqlite:///{folder / 'x.db'}", "flag (--database-url)")
    assert found["profile"] == ("lab", "environment (AWS_PROFILE)")
    assert found["dashboard.secret_key"] == ("********", "environment (TURKCTL_DASHBOARD_SECRET_KEY)")
    assert found["market.latency"] == (0.0, "default")


@pytest.mark.parametrize(("argv", "out"), [([], "\n"), (["--json"], "null\n")])
def test_config_get_prints_the_value_alone(argv: list[str], out: str, turkctl: Run) -> None:
    assert turkctl("config", "get", "mode", "-q").out == "local\n"
    assert turkctl("config", "get", "profile", *argv).out == out


def test_config_get_hides_a_password_in_an_address(turkctl: Run) -> None:
    finished = turkctl("config", "get", "database_url", "--database-url", "postgresql://me:hush@127.0.0.1/x")
    assert finished.out == "postgresql://me:***@127.0.0.1/x\n"


def test_config_set_keeps_comments_and_the_file_s_mode(study: Path, turkctl: Run) -> None:
    file = study / "turkctl.toml"
    file.write_text('# why\nmode = "local"  # play\n\n[experiments.a]  # ours\n', encoding="utf-8")
    file.chmod(0o600)
    assert turkctl("config", "set", "mode", "sandbox").code == 0
    assert turkctl("config", "set", "market.latency", "0.5").code == 0
    text = file.read_text(encoding="utf-8")
    assert text.startswith('# why\nmode = "sandbox"  # play\n\n[experiments.a]  # ours\n')
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert turkctl("config", "get", "market.latency").out == "0.5\n"
    assert sorted(path.name for path in study.iterdir()) == ["turkctl.toml"]


def test_config_set_keeps_the_line_ends_of_the_file(study: Path, turkctl: Run) -> None:
    (study / "turkctl.toml").write_bytes(b'mode = "local"\r\n# why\r\n')
    assert turkctl("config", "set", "mode", "live").code == 0
    assert (study / "turkctl.toml").read_bytes() == b'mode = "live"\r\n# why\r\n'


def test_experiments_do_not_belong_in_the_user_s_own_file(
    outside: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TURKCTL_USER_DIR", str(outside))
    (outside / "config.toml").write_text('mode = "sandbox"\n[experiments.a]\n', encoding="utf-8")
    finished = turkctl("config", "get", "mode")
    assert finished.code == 2
    assert "config.toml:2: experiments cannot be set in the user's own file" in finished.err
    (outside / "config.toml").write_text('mode = "sandbox"\n', encoding="utf-8")
    assert turkctl("config", "get", "mode").out == "sandbox\n"


def test_config_set_of_a_top_level_key_does_not_land_in_a_section(study: Path, turkctl: Run) -> None:
    assert turkctl("config", "set", "output", "json").code == 0
    assert turkctl("config", "get", "output").out == '"json"\n'
    assert turkctl("experiments", "configure").code == 0


def test_config_set_writes_through_a_symbolic_link(study: Path, turkctl: Run, tmp_path: Path) -> None:
    real = tmp_path / "real.toml"
    (study / "turkctl.toml").rename(real)
    (study / "turkctl.toml").symlink_to(real)
    assert turkctl("config", "set", "mode", "live").code == 0
    assert (study / "turkctl.toml").is_symlink()
    assert 'mode = "live"' in real.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["mode", "foo"], "is not one of local, sandbox, live"),
        (["mod", "local"], "did you mean 'mode'?"),
        (["market.latency", "-1"], "No such option: -1"),
        (["market.latency", "soon"], "is not a number"),
        (["dashboard.secret_key", "x"], "TURKCTL_DASHBOARD_SECRET_KEY"),
        (["endpoint_url", "http://127.0.0.1"], "TURKCTL_ENDPOINT_URL"),
        (["mode", ""], "is not one of"),
        (["experiments.a.title", "x"], "there is no setting"),
    ],
)
def test_config_set_refuses_what_cannot_be_meant_and_leaves_the_file_alone(
    argv: list[str], says: str, study: Path, turkctl: Run
) -> None:
    before = (study / "turkctl.toml").read_bytes()
    finished = turkctl("config", "set", *argv)
    assert finished.code == 2
    assert says in finished.err
    assert (study / "turkctl.toml").read_bytes() == before


def test_config_set_without_a_project_says_how_to_make_one(outside: Path, turkctl: Run) -> None:
    finished = turkctl("config", "set", "mode", "sandbox")
    assert finished.code == 2
    assert "turkctl init" in finished.err


def test_balance_of_all_modes_goes_on_past_one_that_has_no_credentials(turkctl: Run) -> None:
    finished = turkctl("balance", "--all-modes", "--json")
    rows = json.loads(finished.out)
    assert finished.code == 4
    assert [row["mode"] for row in rows] == ["local", "sandbox", "live"]
    assert [row["available"] for row in rows] == ["10000.00", None, None]
    assert "credentials" in rows[1]["error"]


def test_balance_of_all_modes_asks_each_market(served: Any, turkctl: Run) -> None:
    finished = turkctl("balance", "--all-modes", "--json")
    assert finished.code == 0
    assert [row["available"] for row in json.loads(finished.out)] == ["10000.00"] * 3
    assert served.endpoint.requests["GetAccountBalance"] == 2


def test_doctor_is_content_with_a_fresh_study(study: Path, turkctl: Run) -> None:
    finished = turkctl("doctor", "--json")
    rows = json.loads(finished.out)
    assert finished.code == 0
    assert {"configuration", "database", "market", "clock"} <= {row["check"] for row in rows}
    assert all(list(row) == ["check", "ok", "detail", "mend"] for row in rows)
    assert all(row["ok"] for row in rows)


@pytest.mark.parametrize(
    ("prepare", "argv", "check", "fix"),
    [
        ("mod = 1", [], "configuration", "turkctl config show"),
        ("", ["--mode", "live"], "credentials", "AWS_ACCESS_KEY_ID"),
        ("", ["--database-url", "sqlite:////nowhere/x.db"], "database", "create the folder"),
        ('[endpoints]\nlive = "http://127.0.0.1:1"', ["--mode", "live"], "market", "a market is running there"),
    ],
)
def test_doctor_says_what_is_wrong_and_the_fix_and_exits_4(
    prepare: str, argv: list[str], check: str, fix: str, folder: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "turkctl.toml").write_text(prepare + "\n", encoding="utf-8")
    if check == "market":
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATESTONE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    finished = turkctl("doctor", "--json", *argv)
    failed = {row["check"]: row["mend"] for row in json.loads(finished.out) if not row["ok"]}
    assert finished.code == 4
    assert fix in failed[check]
    assert next(iter(failed)) == check
    assert ("clock" in failed) == ("market" in failed), "where nothing answered, no clock was seen"


def test_doctor_knows_an_older_schema(configured: Path, turkctl: Run) -> None:
    _set_revision(configured / "turkctl.db", "0000")
    finished = turkctl("doctor", "--json")
    assert finished.code == 4
    failed = {row["check"]: row["mend"] for row in json.loads(finished.out) if not row["ok"]}
    assert "turkctl db upgrade" in failed["schema"]


def test_db_upgrade_makes_the_tables_once(folder: Path, turkctl: Run) -> None:
    first = json.loads(turkctl("db", "upgrade", "--json").out)
    second = json.loads(turkctl("db", "upgrade", "--json").out)
    shown = json.loads(turkctl("db", "current", "--json").out)
    assert first["before"] is None
    assert second["before"] == second["after"] == first["after"]
    assert shown == {"database": f"sqlite:///{folder / 'turkctl.db'}", "current": first["after"],
                     "needed": first["after"]}  # fmt: skip
    assert (turkctl("db", "check", "--json").out, turkctl("db", "check").code) == ("[]\n", 0)


def test_db_check_names_what_differs_and_exits_1(configured: Path, turkctl: Run) -> None:
    with sqlite3.connect(configured / "turkctl.db") as connection:
        connection.execute("DROP TABLE assignments")
    finished = turkctl("db", "check", "--json")
    assert finished.code == 1
    assert "assignments" in json.loads(finished.out)[0]["difference"]


def test_an_older_database_says_how_to_upgrade_it(configured: Path, turkctl: Run) -> None:
    _set_revision(configured / "turkctl.db", "0000")
    finished = turkctl("hits", "list", "--json")
    assert finished.code == 2
    assert "turkctl db upgrade" in last_error(finished.err)["hint"]


def test_a_newer_database_is_refused_and_not_touched(configured: Path, turkctl: Run) -> None:
    _set_revision(configured / "turkctl.db", "9999")
    before = (configured / "turkctl.db").read_bytes()
    for argv in (["hits", "list"], ["db", "upgrade"], ["experiments", "configure"]):
        finished = turkctl(*argv)
        assert finished.code == 2
        assert "newer turkctl" in finished.err
    assert (configured / "turkctl.db").read_bytes() == before


def _set_revision(path: Path, revision: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute("UPDATE turkctl_alembic_version SET version_num = ?", (revision,))
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
