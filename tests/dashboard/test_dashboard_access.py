"""The dashboard starts only when it is enabled, somebody can sign in, and sessions are signed with a long key."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from turkctl.dashboard.access import Access, check_access
from turkctl.errors import ConfigError, ExitCode, MistakesError, UsageError
from turkctl.settings import load
from turkctl.settings_users import DashboardUser
from turkctl.web.passwords import hash_password, matches

KEY = "0123456789abcdef" * 2
PREFIX = "TURKCTL_DASHBOARD_"
GOOD = {"ENABLE": "true", "LOGIN_USERNAME": "lab", "LOGIN_PASSWORD": "correct horse", "SECRET_KEY": KEY}


@pytest.fixture(scope="session")
def hashed() -> str:
    return hash_password("battery staple")


@pytest.fixture
def check(tmp_path: Path):
    """Checks settings of a file and of the environment."""

    def of(text: str = "", **environ: str | None) -> Access:
        (tmp_path / "turkctl.toml").write_text(text, encoding="utf-8")
        return check_access(
            load({}, {f"{PREFIX}{name}": value for name, value in environ.items() if value is not None}, tmp_path)
        )

    return of


def mistakes(refused: pytest.ExceptionInfo[ConfigError]) -> list[ConfigError]:
    error = refused.value
    assert error.exit_code == ExitCode.USAGE
    return list(error.mistakes) if isinstance(error, MistakesError) else [error]


def test_all_that_is_missing_is_named_at_once_and_how_to_make_it(check) -> None:
    with pytest.raises(ConfigError) as refused:
        check()
    told = [(each.message, each.hint or "") for each in mistakes(refused)]
    assert [message for message, _ in told] == [
        "dashboard.enable is not true",
        "the dashboard has no login name",
        "the dashboard has no password",
        "the dashboard has no secret key to sign its sessions with",
    ]
    hints = [hint for _, hint in told]
    assert "turkctl config set dashboard.enable true" in hints[0]
    assert "turkctl config set dashboard.login_username NAME" in hints[1]
    assert "[dashboard.users.NAME]" in hints[1]
    assert "turkctl dashboard hash-password" in hints[2]
    assert "TURKCTL_DASHBOARD_LOGIN_PASSWORD" in hints[2]
    assert "secrets.token_hex(32)" in hints[3]
    assert "TURKCTL_DASHBOARD_SECRET_KEY" in hints[3]
    assert refused.value.message == "4 mistakes, the dashboard did not start"


@pytest.mark.parametrize(
    ("without", "message", "hint"),
    [
        ("ENABLE", "dashboard.enable is not true", "turkctl config set dashboard.enable true"),
        ("LOGIN_USERNAME", "the dashboard has no login name", "login_username NAME"),
        ("LOGIN_PASSWORD", "the dashboard has no password for 'lab'", "turkctl dashboard hash-password"),
        ("SECRET_KEY", "the dashboard has no secret key", "secrets.token_hex(32)"),
    ],
)
def test_one_thing_that_is_missing_is_named_alone(without: str, message: str, hint: str, check) -> None:
    with pytest.raises(ConfigError) as refused:
        check(**{**GOOD, without: None})
    assert refused.value.message.startswith(message)
    assert hint in (refused.value.hint or "")


def test_a_dashboard_that_the_environment_disables_is_not_enabled_in_the_file(check) -> None:
    with pytest.raises(ConfigError) as refused:
        check("[dashboard]\nenable = true\n", **{**GOOD, "ENABLE": "false"})
    assert refused.value.hint == "set TURKCTL_DASHBOARD_ENABLE=true"


def test_the_login_name_is_a_manager_who_sees_names_and_a_plain_password_is_hashed(check) -> None:
    access = check(**GOOD)
    (user,) = access.users.values()
    assert (list(access.users), user.name, user.manages, user.names) == (["lab"], "lab", True, True)
    assert matches(user.password_hash, "correct horse")
    assert access.secret_key == KEY
    assert KEY not in repr(access)
    assert user.password_hash not in repr(access)


def test_people_of_tables_join_the_login_name_or_stand_alone(check, hashed: str) -> None:
    table = f'[dashboard.users.anna]\nrole = "view"\npassword_hash = "{hashed}"\n'
    anna = DashboardUser("anna", "view", hashed, names=False)
    both = check(table, **GOOD)
    assert list(both.users) == ["lab", "anna"]
    alone = check(table, ENABLE="yes", SECRET_KEY=KEY)
    assert alone.users == {"anna": anna} == {"anna": both.users["anna"]}


def test_a_name_that_is_there_twice_is_refused_with_both_places(check, hashed: str, tmp_path: Path) -> None:
    text = f'[dashboard]\nlogin_username = "anna"\n[dashboard.users.anna]\nrole = "view"\npassword_hash = "{hashed}"\n'
    with pytest.raises(ConfigError) as refused:
        check(text, **{**GOOD, "LOGIN_USERNAME": None})
    assert refused.value.message == (
        f"dashboard.login_username (project file ({tmp_path / 'turkctl.toml'}:2)): "
        "the login name 'anna' is there twice, also as [dashboard.users.anna]"
    )


@pytest.mark.parametrize("name", ["a:b", "a\u200bb", "x" * 65])
def test_a_login_name_that_cannot_be_one_is_refused(name: str, check) -> None:
    with pytest.raises(ConfigError, match="cannot be a login name"):
        check(**{**GOOD, "LOGIN_USERNAME": name})


def test_a_password_without_a_name_is_not_silently_ignored(check, hashed: str) -> None:
    table = f'[dashboard.users.anna]\nrole = "view"\npassword_hash = "{hashed}"\n'
    with pytest.raises(ConfigError, match="no login name"):
        check(table, **{**GOOD, "LOGIN_USERNAME": None})


@pytest.mark.parametrize("text", ["battery staple", "$argon2id$v=19$m=19456,t=3,p=1$c29tZQ$aHVz"])
def test_what_is_no_hash_is_found_at_start_and_not_shown(text: str, check, hashed: str) -> None:
    with pytest.raises(ConfigError) as refused:
        check(**{**GOOD, "LOGIN_PASSWORD": None, "PASSWORD_HASH": text})
    assert "dashboard.password_hash (environment (TURKCTL_DASHBOARD_PASSWORD_HASH))" in refused.value.message
    assert refused.value.hint == "make one with: turkctl dashboard hash-password"
    assert text not in refused.value.message
    cut = hashed[:-40]
    with pytest.raises(ConfigError) as refused:
        check(f'[dashboard.users.anna]\nrole = "view"\npassword_hash = "{cut}"\n', **GOOD)
    assert "'dashboard.users.anna'" in refused.value.message
    assert "turkctl.toml:1" in refused.value.message
    assert cut not in refused.value.message


def test_a_plain_password_in_a_file_is_refused(check) -> None:
    with pytest.raises(ConfigError) as refused:
        check('[dashboard]\nlogin_password = "correct horse"\n', **{**GOOD, "LOGIN_PASSWORD": None})
    assert "turkctl.toml:2" in refused.value.message
    assert "correct horse" not in refused.value.message + str(refused.value.hint)


def test_a_plain_password_follows_the_rules_of_new_ones(check) -> None:
    with pytest.raises(ConfigError, match="fewer than 8 characters"):
        check(**{**GOOD, "LOGIN_PASSWORD": "seven77"})


def test_two_passwords_for_one_name_are_refused(check, hashed: str) -> None:
    with pytest.raises(ConfigError, match="both set"):
        check(**GOOD, PASSWORD_HASH=hashed)


def test_a_key_that_is_too_short_is_refused_and_not_shown(check) -> None:
    with pytest.raises(ConfigError) as refused:
        check(**{**GOOD, "SECRET_KEY": KEY[:31]})
    assert "fewer than 32 characters" in refused.value.message
    assert KEY[:31] not in refused.value.message + str(refused.value.hint)
    assert check(**GOOD).secret_key == KEY


def test_without_the_extra_it_is_named_first(check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "argon2", None)
    with pytest.raises(UsageError) as refused:
        check()
    assert refused.value.hint == "run: pip install 'turkctl[web]'"
