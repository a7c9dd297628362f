"""The people who may use the dashboard have tables of their own in the project file."""

from __future__ import annotations

from pathlib import Path

import pytest

from turkctl.errors import ConfigError
from turkctl.settings import Settings, load
from turkctl.settings_users import DashboardUser, why_no_name

HASH = "$argon2id$v=19$m=19456,t=3,p=1$c29tZSByYW5kb20gc2E$aHVzaC1odXNoLWh1c2gtaHVzaC1odXNoLWh1c2gh"
PEOPLE = f"""\
mode = "local"

[dashboard.users.anna]
role = "manage"
password_hash = "{HASH}"
names = true

[dashboard.users."Ben d'Arc"]
role = "view"
password_hash = "{HASH}"
"""


def read(folder: Path, text: str) -> Settings:
    (folder / "turkctl.toml").write_text(text, encoding="utf-8")
    return load({}, {}, folder)


def test_each_table_is_a_person_who_sees_pseudonyms_unless_it_says_otherwise(tmp_path: Path) -> None:
    assert read(tmp_path, PEOPLE).dashboard_users == {
        "anna": DashboardUser("anna", "manage", HASH, names=True),
        "Ben d'Arc": DashboardUser("Ben d'Arc", "view", HASH, names=False),
    }
    assert [user.manages for user in read(tmp_path, PEOPLE).dashboard_users.values()] == [True, False]
    assert read(tmp_path, 'mode = "local"\n').dashboard_users == {}


@pytest.mark.parametrize("text", [f'users.anna = {{ role = "view", password_hash = "{HASH}" }}', ""])
def test_a_person_may_be_written_in_the_section_of_the_dashboard(text: str, tmp_path: Path) -> None:
    settings = read(tmp_path, f"[dashboard]\nthreads = 2\n{text}\n")
    assert list(settings.dashboard_users) == (["anna"] if text else [])
    assert settings["dashboard.threads"] == 2


ROLE, HASHED = 'role = "view"\n', f'password_hash = "{HASH}"\n'


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (f"[dashboard.users.anna]\n{HASHED}", 1, "'dashboard.users.anna' has no role"),
        (f"[dashboard.users.anna]\n{ROLE}", 1, "'dashboard.users.anna' has no password_hash"),
        (f"[dashboard.users.anna]\n{HASHED}{ROLE}name = true\n", 4, "did you mean 'dashboard.users.anna.names'"),
        (f"[dashboard.users.anna]\n{HASHED}role = 'admin'\n", 3, "'admin' is not one of view, manage"),
        (f"[dashboard.users.anna]\n{HASHED}{ROLE}names = 3\n", 4, "3 is not true or false"),
        (f"[dashboard.users.anna]\n{ROLE}password_hash = 'hush'\n", 3, "the value is not an Argon2 hash"),
        (f"[dashboard.users.anna]\n{ROLE}password_hash = ['hush']\n", 3, "the value is not a text"),
        ("[dashboard]\nusers = 3\n", 2, "must have a table for each person"),
        (f"[dashboard.users]\n{ROLE}", 2, "must have a table for each person"),
        (f"[dashboard.user.anna]\n{ROLE}", 1, "unknown key 'dashboard.user'; did you mean 'dashboard.users'"),
        (f'[dashboard.users."a:b"]\n{ROLE}{HASHED}', 1, "no colon and no slash"),
        (f'[dashboard.users."a\\u202eb"]\n{ROLE}{HASHED}', 1, "'a\\u202eb' cannot be a login name"),
        (
            f'[dashboard.users."\\u00e9"]\n{ROLE}{HASHED}[dashboard.users."e\\u0301"]\n{ROLE}{HASHED}',
            4,
            "is there twice",
        ),
    ],
)
def test_a_mistake_names_file_line_and_key_and_shows_no_hash(text: str, line: int, words: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        read(tmp_path, text)
    assert refused.value.message.startswith(f"{tmp_path / 'turkctl.toml'}:{line}: ")
    assert words in refused.value.message
    told = refused.value.message + str(refused.value.hint)
    assert HASH not in told
    assert "hush" not in told


@pytest.mark.parametrize("name", ["a", "Anna Maria", "anna@example.org", "安娜", "O'Neill", "x" * 64, "-", "a.b"])
def test_a_login_name_is_whatever_can_be_read(name: str) -> None:
    assert why_no_name(name) is None


@pytest.mark.parametrize(
    "name",
    [
        *("", "x" * 65, "a:b", "a/b", "a\uff1ab", "a\nb", "a\tb", "a\x00b", "a\u200bb", "a\xa0b", " a", "a "),
        *("\ufeffa", "\u3164", "a\ufe0f", "a\u202e", "a\ue000", "\u2800"),
    ],
)
def test_a_login_name_has_nothing_that_nobody_sees_and_no_mark_of_addresses(name: str) -> None:
    assert why_no_name(name) is not None


def test_hashes_are_masked_and_each_person_says_which_line_they_come_from(tmp_path: Path) -> None:
    settings = read(tmp_path, PEOPLE)
    shown = {name: (value, str(origin)) for name, value, origin in settings.shown() if "users" in name}
    at = f"project file ({tmp_path / 'turkctl.toml'}:%d)"
    assert shown == {
        "dashboard.users.anna.role": ("manage", at % 3),
        "dashboard.users.anna.password_hash": ("********", at % 3),
        "dashboard.users.anna.names": (True, at % 3),
        "dashboard.users.Ben d'Arc.role": ("view", at % 8),
        "dashboard.users.Ben d'Arc.password_hash": ("********", at % 8),
        "dashboard.users.Ben d'Arc.names": (False, at % 8),
    }
    assert HASH not in repr(settings.dashboard_users)


def test_hashes_are_secrets_which_no_error_and_no_log_shows(tmp_path: Path) -> None:
    settings = read(tmp_path, PEOPLE)
    assert HASH in settings.secrets
    assert settings.has_secret_from("project file")
    assert not settings.has_secret_from("user file")
    assert not read(tmp_path, 'mode = "local"\n').has_secret_from("project file")


def test_people_do_not_belong_in_the_user_s_own_file(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(PEOPLE, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"config.toml:3: people cannot be named in the user's own file"):
        load({}, {"TURKCTL_USER_DIR": str(tmp_path)}, tmp_path)


@pytest.mark.parametrize(("value", "right"), [("0", True), ("65535", True), ("65536", False), ("-1", False)])
def test_a_port_is_one_that_there_is(value: str, right: bool, tmp_path: Path) -> None:
    environ = {"TURKCTL_DASHBOARD_PORT": value}
    if right:
        assert load({}, environ, tmp_path)["dashboard.port"] == int(value)
        return
    with pytest.raises(ConfigError, match="is not a whole number, 0 or more, at most 65535"):
        load({}, environ, tmp_path)


def test_the_dashboard_listens_on_this_computer_alone_unless_told_otherwise(tmp_path: Path) -> None:
    settings = load({}, {}, tmp_path)
    assert (settings["dashboard.host"], settings["dashboard.port"]) == ("127.0.0.1", 8901)
    assert settings["dashboard.behind_proxy"] is False
