"""Odd settings, names and files end in one line that says what is wrong, never in a fault of turkctl."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

LONG = "a" * 300
NOT_TEXT = "a\udcff"
"""As Python hands over an argument with a byte that is not UTF-8."""


def one_error(finished: Any) -> str:
    """The one line that a failed command says."""
    lines = [line for line in finished.err.splitlines() if not line.startswith("turkctl: warning")]
    assert len(lines) == 1, finished.err
    assert lines[0].startswith("turkctl: error: ")
    assert "fault in turkctl" not in lines[0]
    return str(lines[0])


SETTINGS = {
    "a list for a text": ('database_url = ["a"]', ["hits", "list"], "is not a text"),
    "nothing for a text": ('market_url = ""', ["balance"], "is not a text"),
    "a NUL in the database's name": (r'database_url = "sqlite:///a\u0000.db"', ["hits", "list"], "control characters"),
    "a NUL in the market's name": (r'market_url = "sqlite:///a\u0000.db"', ["balance"], "control characters"),
    "an escape in a name": (r'database_url = "sqlite:///a\u001b.db"', ["hits", "list"], "control characters"),
    "a line end in a profile": (r'profile = "a\nb"', ["hits", "list"], "control characters"),
    "a reversed name": (r'profile = "a\u202eb"', ["hits", "list"], "control characters"),
    "a NUL in the name of a table": (r'participants_table = "a\u0000"', ["participants", "list"], "control characters"),
    "a NUL in a key file's name": (
        'market.keys = "a\\u0000"',
        ["market", "serve", "--port", "0"],
        "control characters",
    ),
    "a folder of keys": ('market.keys = "."', ["market", "serve", "--port", "0"], "Is a directory"),
    "keys without an end": ('market.keys = "/dev/zero"', ["market", "serve", "--port", "0"], "File too large"),
    "a folder for a database": ('database_url = "sqlite:///."', ["hits", "list"], "is a folder"),
    "a folder for a market": ('market_url = "sqlite:///."', ["balance"], "unable to open"),
    "a market in memory": ('market_url = "sqlite://"', ["balance"], "is gone when the command ends"),
    "a market in memory, named": ('market_url = "sqlite:///:memory:"', ["balance"], "is gone when the command ends"),
    "a long name for a database": (f'database_url = "sqlite:///{LONG}"', ["hits", "list"], "cannot be opened"),
    "a long name for a market": (f'market_url = "sqlite:///{LONG}"', ["balance"], "unable to open"),
}


@pytest.mark.parametrize(("setting", "argv", "words"), SETTINGS.values(), ids=SETTINGS.keys())
def test_an_odd_setting_is_one_error(study: Path, turkctl: Run, setting: str, argv: list[str], words: str) -> None:
    before = (study / "turkctl.toml").read_text(encoding="utf-8")
    (study / "turkctl.toml").write_text(f"{setting}\n{before}", encoding="utf-8")
    finished = turkctl(*argv)
    assert (finished.code in (2, 4), finished.out) == (True, "")
    assert words in one_error(finished)


EXPERIMENTS = {
    "a folder": ("html_template", ".", "Is a directory"),
    "a device without an end": ("html_template", "/dev/zero", "File too large"),
    "a long name": ("question_file", LONG, "File name too long"),
    "a NUL": ("question_file", r"a\u0000", "not a valid file name"),
}


@pytest.mark.parametrize(("key", "name", "words"), EXPERIMENTS.values(), ids=EXPERIMENTS.keys())
def test_an_odd_file_of_an_experiment_is_one_error(study: Path, turkctl: Run, key: str, name: str, words: str) -> None:
    text = (study / "turkctl.toml").read_text(encoding="utf-8")
    text = text.replace('external_url = "https://example.org/task"', f'{key} = "{name}"')
    (study / "turkctl.toml").write_text(text, encoding="utf-8")
    assert words in one_error(turkctl("experiments", "configure"))


ARGUMENTS = [
    (["--config", "", "hits", "list"], "--config is empty"),
    (["--config", LONG, "hits", "list"], "there is no project file"),
    (["hits", "list", "--database-url", f"sqlite:///{LONG}"], "cannot be opened"),
    (["market", "serve", "--host", "", "--port", "0"], "the host to listen on is empty"),
    (["market", "serve", "--host", NOT_TEXT, "--port", "0"], "cannot listen on"),
    (["config", "set", "profile", "a\nb"], "control characters"),
    (["config", "set", "profile", NOT_TEXT], "is not text"),
    (["workers", "compensate", NOT_TEXT, "--amount", "1", "--reason", "x"], "is not a worker id"),
    (["workers", "compensate", "a b", "--amount", "1", "--reason", "x"], "is not a worker id"),
    (["workers", "message", "A1", "--subject", "x", "--text", NOT_TEXT], "is not text"),
    (["workers", "payments", "export", "--file", LONG], "File name too long"),
    (["participants", "export", "--data", "trial", "--file", LONG], "File name too long"),
    (["participants", "export", "--data", "trial", "--anonymize", LONG], "File name too long"),
    (["experiments", "configure", LONG], "there is no"),
]


@pytest.mark.parametrize(("argv", "words"), ARGUMENTS, ids=[" ".join(argv)[:40] for argv, _ in ARGUMENTS])
def test_an_odd_argument_is_one_error(configured: Path, turkctl: Run, argv: list[str], words: str) -> None:
    finished = turkctl(*argv)
    assert (finished.code in (2, 4), finished.out) == (True, "")
    assert words in one_error(finished)


def test_a_home_that_cannot_be_looked_at_has_no_settings(
    configured: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(configured / LONG))
    assert turkctl("experiments", "list").code == 0


def test_a_study_in_a_folder_whose_name_is_no_text_works(folder: Path, turkctl: Run) -> None:
    finished = turkctl("init", NOT_TEXT)
    assert finished.code == 0, finished.err
    assert turkctl("hits", "list", "--config", f"{NOT_TEXT}/turkctl.toml").code == 0


@pytest.mark.parametrize(
    "argv",
    [
        ["hits", "expire"],
        ["hits", "delete"],
        ["hits", "approve"],
        ["hits", "extend", "--assignments", "1"],
        ["workers", "approve"],
        ["workers", "reject", "--feedback", "x"],
        ["workers", "bonus", "--amount", "1", "--reason", "x"],
        ["workers", "block"],
        ["workers", "unblock"],
        ["workers", "message", "--subject", "s", "--text", "t"],
    ],
    ids=" ".join,
)
def test_an_id_that_is_no_text_fails_alone(configured: Path, turkctl: Run, argv: list[str]) -> None:
    finished = turkctl(*argv, "-o", "csv", "--", NOT_TEXT, "ANOTHER")
    assert finished.code == 1, finished.err
    rows = [line.split(",")[:2] for line in finished.out.splitlines()[1:]]
    assert [r"a\udcff", "failed"] in rows
    assert {row[0] for row in rows} == {r"a\udcff", "ANOTHER"}


def test_an_id_with_a_line_end_is_one_row_of_a_table(configured: Path, turkctl: Run) -> None:
    finished = turkctl("workers", "block", "A\nA2 done")
    assert r"A\nA2 done  failed" in finished.out
    assert len(finished.out.splitlines()) == 3
