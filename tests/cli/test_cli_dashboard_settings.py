"""``config`` with people of the dashboard in the project file: their hashes stay secret, comments stay in place."""

from __future__ import annotations

import json
import os
import stat
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

HASH = "$argon2id$v=19$m=19456,t=3,p=1$c29tZSByYW5kb20gc2E$aHVzaC1odXNoLWh1c2gtaHVzaC1odXNoLWh1c2gh"
ANNA = f'# the student\n[dashboard.users.anna]  # until May\nrole = "view"  # no more\npassword_hash = "{HASH}"\n'
EXPERIMENT = '\n# ours\n[experiments.a]\ntitle = "t"\n\n'
FILES = {
    "people alone": ANNA + EXPERIMENT,
    "the section before": "[dashboard]  # web\nport = 1  # high\n\n" + ANNA + EXPERIMENT,
    "the section far before": "[dashboard]  # web\nport = 1  # high\n" + EXPERIMENT + ANNA,
    "the section far after": ANNA + EXPERIMENT + "[dashboard]  # web\nport = 1  # high\n",
}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
@pytest.mark.parametrize(
    ("key", "value", "stored"),
    [("dashboard.enable", "true", True), ("dashboard.port", "9000", 9000), ("dashboard.login_username", "lab", "lab")],
)
def test_config_set_keeps_people_and_comments(
    key: str, value: str, stored: Any, text: str, study: Path, turkctl: Run
) -> None:
    file = study / "turkctl.toml"
    file.write_text(text, encoding="utf-8")
    assert turkctl("config", "set", key, value).code == 0
    after = file.read_text(encoding="utf-8")
    expected = tomllib.loads(text)
    expected["dashboard"][key.partition(".")[2]] = stored
    assert tomllib.loads(after) == expected
    assert all(comment in after for comment in ("# the student", "# until May", "# no more", "# ours"))
    assert turkctl("config", "get", key).out == f"{value}\n".replace("true", "yes")


@pytest.mark.skipif(os.name != "posix", reason="there are no such permissions")
def test_a_file_with_people_becomes_its_owner_s_alone_and_is_warned_of_before(study: Path, turkctl: Run) -> None:
    file = study / "turkctl.toml"
    file.write_text(ANNA, encoding="utf-8")
    file.chmod(0o644)
    assert f"others can read the secret in {file}" in turkctl("hits", "list").err
    assert turkctl("config", "set", "mode", "sandbox").code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_config_show_lists_people_with_their_hashes_masked(study: Path, turkctl: Run) -> None:
    file = study / "turkctl.toml"
    file.write_text(ANNA, encoding="utf-8")
    shown = {row["key"]: row for row in json.loads(turkctl("config", "show", "--json").out)}
    assert shown["dashboard.users.anna.role"] == {
        "key": "dashboard.users.anna.role",
        "value": "view",
        "origin": f"project file ({file}:2)",
    }
    assert shown["dashboard.users.anna.password_hash"]["value"] == "********"
    assert shown["dashboard.users.anna.names"]["value"] is False
    assert HASH not in turkctl("config", "show").out


@pytest.mark.parametrize("argv", [["get", "dashboard.users.anna.role"], ["set", "dashboard.users", "x"]])
def test_a_person_is_no_setting_of_its_own_and_the_error_says_how_to_write_one(
    argv: list[str], study: Path, turkctl: Run
) -> None:
    finished = turkctl("config", *argv)
    assert finished.code == 2
    assert "write [dashboard.users.NAME] into the project file with an editor" in finished.err


def test_the_hash_of_a_person_is_masked_in_whatever_is_said(study: Path, turkctl: Run) -> None:
    (study / "turkctl.toml").write_text(ANNA, encoding="utf-8")
    finished = turkctl("hits", "show", HASH)
    assert finished.code == 2
    assert HASH not in finished.err
