from __future__ import annotations

from pathlib import Path

import pytest
import tomlkit

from turkctl.errors import ConfigError, UsageError
from turkctl.settings import load, mask_url
from turkctl.settings_file import line_of
from turkctl.settings_keys import KEYS


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_flag_beats_the_environment_which_beats_the_project_file_which_beats_the_user_file(tmp_path: Path) -> None:
    user = tmp_path / "user"
    write(user / "config.toml", 'output = "csv"\n')
    environ = {"TURKCTL_USER_DIR": str(user)}
    assert load({}, environ, tmp_path)["output"] == "csv"
    write(tmp_path / "turkctl.toml", 'output = "json"\n')
    assert load({}, environ, tmp_path)["output"] == "json"
    environ["TURKCTL_OUTPUT"] = "jsonl"
    assert load({}, environ, tmp_path)["output"] == "jsonl"
    assert load({"output": "table"}, environ, tmp_path)["output"] == "table"


def test_each_value_says_where_it_came_from(tmp_path: Path) -> None:
    file = write(tmp_path / "turkctl.toml", '# a comment\n\nmode = "sandbox"\n[dashboard]\nenable = true\n')
    settings = load({"output": "json"}, {"TURKCTL_PROFILE": "lab"}, tmp_path)
    assert str(settings.origins["mode"]) == f"project file ({file}:3)"
    assert str(settings.origins["dashboard.enable"]) == f"project file ({file}:5)"
    assert str(settings.origins["output"]) == "flag (--output)"
    assert str(settings.origins["profile"]) == "environment (TURKCTL_PROFILE)"
    assert str(settings.origins["endpoints.live"]) == "default"


def test_the_nearest_project_file_upwards_is_used_and_the_database_lies_beside_it(tmp_path: Path) -> None:
    write(tmp_path / "turkctl.toml", 'mode = "local"\n')
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    settings = load({}, {}, inner)
    assert settings.project_file == tmp_path / "turkctl.toml"
    assert settings.database_url == f"sqlite:///{tmp_path / 'turkctl.db'}"
    assert settings.market_url == f"sqlite:///{tmp_path / 'turkctl-market.db'}"


def test_a_path_in_the_file_starts_at_the_file_and_one_on_the_command_line_at_the_current_folder(
    tmp_path: Path,
) -> None:
    write(tmp_path / "turkctl.toml", 'database_url = "sqlite:///data/study.db"\n')
    inner = tmp_path / "inner"
    inner.mkdir()
    assert load({}, {}, inner).database_url == f"sqlite:///{tmp_path / 'data/study.db'}"
    assert load({"database_url": "sqlite:///x.db"}, {}, inner).database_url == f"sqlite:///{inner / 'x.db'}"
    assert load({"database_url": "sqlite:///x.db"}, {}, inner).market_url.endswith("inner/turkctl-market.db")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('mode = "local"\noutptu = "json"\n', 2, "unknown key 'outptu'; did you mean 'output'"),
        ("[dashbord]\nenable = true\n", 1, "unknown key 'dashbord'"),
        ("[dashboard]\n\nenabel = true\n", 3, "unknown key 'dashboard.enabel'; did you mean 'dashboard.enable'"),
        ('mode = "lve"\n', 1, "'lve' is not one of local, sandbox, live"),
        ('mode = "local"\nmode = "live"\n', 2, "not valid TOML"),
        ("mode = \n", 1, "not valid TOML"),
        ("[dashboard]\nthreads = -1\n", 2, "-1 is not a whole number"),
        ("dashboard = 3\n", 1, "'dashboard' is a section"),
        ("experiments = 3\n", 1, "must have a table for each experiment"),
        ('endpoint_url = "http://x"\n', 1, "unknown key 'endpoint_url'"),
    ],
)
def test_a_bad_file_is_one_line_with_file_line_and_key(tmp_path: Path, text: str, line: int, words: str) -> None:
    file = write(tmp_path / "turkctl.toml", text)
    with pytest.raises(ConfigError) as refused:
        load({}, {}, tmp_path)
    assert refused.value.message.startswith(f"{file}:{line}: ")
    assert words in refused.value.message
    assert "\n" not in refused.value.message


def test_a_bad_environment_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="TURKCTL_MODE: 'x'"):
        load({}, {"TURKCTL_MODE": "x"}, tmp_path)


def test_an_endpoint_flag_in_local_mode_is_refused_and_an_endpoint_variable_is_not(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="mode local"):
        load({"endpoint_url": "http://127.0.0.1:1"}, {}, tmp_path)
    assert load({}, {"AWS_ENDPOINT_URL_MTURK": "http://127.0.0.1:1"}, tmp_path).endpoint_url is None


def test_an_endpoint_comes_from_flag_then_variable_then_the_modes_own_section(tmp_path: Path) -> None:
    write(tmp_path / "turkctl.toml", '[endpoints]\nlive = "http://lab"\n')
    flags = {"mode": "live"}
    assert load(flags, {}, tmp_path).endpoint_url == "http://lab"
    assert load({"mode": "sandbox"}, {}, tmp_path).endpoint_url is None
    environ = {"AWS_ENDPOINT_URL_MTURK": "http://aws"}
    assert load(flags, environ, tmp_path).endpoint_url == "http://aws"
    environ["TURKCTL_ENDPOINT_URL"] = "http://own"
    assert load(flags, environ, tmp_path).endpoint_url == "http://own"
    assert load({**flags, "endpoint_url": "http://flag"}, environ, tmp_path).endpoint_url == "http://flag"


def test_secrets_and_passwords_in_urls_are_masked(tmp_path: Path) -> None:
    environ = {"TURKCTL_DASHBOARD_SECRET_KEY": "hush", "TURKCTL_DATABASE_URL": "postgresql://lab:hush@db/study"}
    settings = load({}, environ, tmp_path)
    assert settings["dashboard.secret_key"] == "hush"
    shown = [str(settings.masked(key.name)) for key in KEYS]
    assert not any("hush" in value for value in shown)
    assert mask_url("postgresql://lab:p@ss@db/study") == "postgresql://lab:***@db/study"


def test_a_secret_of_the_wrong_kind_is_not_shown_in_the_error(tmp_path: Path) -> None:
    write(tmp_path / "turkctl.toml", "[dashboard]\nsecret_key = 12345\n")
    with pytest.raises(ConfigError) as refused:
        load({}, {}, tmp_path)
    assert "12345" not in refused.value.message


def test_every_key_has_a_variable_named_after_its_path() -> None:
    names = [key.variables[0] for key in KEYS]
    assert "TURKCTL_DASHBOARD_SECRET_KEY" in names
    assert len(set(names)) == len(names)


DOCUMENT = '''\
mode = "local"
description = """
[experiments.first]
reward = "no key, but a text"
"""
other = \'\'\'
mode = "live"
\'\'\'

[market]  # [experiments.second]
"throttle" = 3
list = [
  "[experiments.third]",
]
notifications.queue_url = "x"

[experiments.first]
limits = { budget = "1", "max_bonus" = 2 }
labels.field = "x"
# reward = "1"
"reward" = "2"

[experiments.first.qualifications.at_least]
trained = 80

[dashboard]
enable = true

[experiments."a.b"]
title = "t"

  [ experiments . second . variants . one ]
  title = "u"

[[steps]]
name = "a"
'''


@pytest.mark.parametrize(
    ("dotted", "line"),
    [
        ("mode", 1),
        ("description", 2),
        ("other", 6),
        ("market", 10),
        ("market.throttle", 11),
        ("market.list", 12),
        ("market.notifications", 15),
        ("market.notifications.queue_url", 15),
        ("experiments", 17),
        ("experiments.first", 17),
        ("experiments.first.limits", 18),
        ("experiments.first.limits.budget", 18),
        ("experiments.first.labels.field", 19),
        ("experiments.first.reward", 21),
        ("experiments.first.qualifications", 23),
        ("experiments.first.qualifications.at_least.trained", 24),
        ("dashboard.enable", 27),
        ("experiments.a.b", 29),
        ("experiments.a.b.title", 30),
        ("experiments.second", 32),
        ("experiments.second.variants.one.title", 33),
        ("steps", 35),
        ("experiments.third", None),
        ("reward", None),
        ("", None),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_line_of_a_key_is_that_of_the_document_and_not_of_a_text_in_it(
    dotted: str, line: int | None, end: str
) -> None:
    assert line_of(DOCUMENT.replace("\n", end), dotted) == line


def test_every_key_of_a_document_has_the_line_that_sets_it() -> None:
    lines = DOCUMENT.splitlines()
    for key in ("experiments.first.reward", "market.throttle", "experiments.a.b.title", "dashboard.enable"):
        number = line_of(DOCUMENT, key)
        assert number is not None
        assert key.rpartition(".")[2] in lines[number - 1]


def test_lines_are_looked_for_only_when_something_is_wrong_or_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("turkctl.settings_file._document", lambda text: asked.append(text) or tomlkit.parse(text))
    file = write(tmp_path / "turkctl.toml", 'mode = "local"\n[dashboard]\nthreads = 2\n[experiments.x]\ntitle = "t"\n')
    settings = load({}, {}, tmp_path)
    assert asked == []
    assert str(settings.origins["dashboard.threads"]) == f"project file ({file}:3)"
    assert len(asked) == 1
