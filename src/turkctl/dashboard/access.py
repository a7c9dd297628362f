"""Who may use the dashboard, and whether the settings say enough for it to start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from turkctl.errors import ConfigError, MistakesError, UsageError
from turkctl.settings import Settings
from turkctl.settings_users import MANAGE, USERS, DashboardUser, typed_name, why_no_name
from turkctl.web.passwords import hash_password, is_hash, require_extra

SHORTEST_KEY = 32
"""Characters that the key of sessions has at least."""
_NAME, _HASH, _PLAIN = "dashboard.login_username", "dashboard.password_hash", "dashboard.login_password"
_KEY, _ENABLE = "dashboard.secret_key", "dashboard.enable"
_MAKE_HASH = "make one with: turkctl dashboard hash-password"
_MAKE_KEY = (
    'make one with: python3 -c "import secrets; print(secrets.token_hex(32))", and write it into turkctl.toml as '
    "secret_key under [dashboard], or give it as TURKCTL_DASHBOARD_SECRET_KEY"
)


@dataclass(frozen=True)
class Access:
    """The people who may use the dashboard, and the key that signs their sessions."""

    users: Mapping[str, DashboardUser]
    """Each person by login name."""
    secret_key: str = field(repr=False)


def check_access(settings: Settings) -> Access:
    """Return who may use the dashboard; a plain password is hashed here, once.

    Raises:
        ConfigError: something is missing or wrong, and how to put it right.
        MistakesError: the same of several things, all of them.
        UsageError: the extra ``web`` is not installed.
    """
    require_extra()
    mistakes = [*_of_enabling(settings), *_of_manager(settings), *_of_people(settings), *_of_key(settings)]
    if len(mistakes) == 1:
        raise mistakes[0]
    if mistakes:
        raise MistakesError(mistakes, "the dashboard did not start")
    manager = _manager(settings)
    users = {} if manager is None else {manager.name: manager}
    return Access(users | dict(settings.dashboard_users), settings[_KEY])


def _manager(settings: Settings) -> DashboardUser | None:
    """Return the person that ``dashboard.login_username`` names."""
    name, hashed = settings[_NAME], settings[_HASH]
    if name is None:
        return None
    return DashboardUser(name, MANAGE, hash_password(settings[_PLAIN]) if hashed is None else hashed, names=True)


def _of_enabling(settings: Settings) -> Iterator[ConfigError]:
    if settings[_ENABLE]:
        return
    origin = settings.origins[_ENABLE]
    hint = f"set {origin.where}=true" if origin.kind == "environment" else f"run: turkctl config set {_ENABLE} true"
    yield ConfigError(f"{_ENABLE} is not true", hint=hint)


def _of_manager(settings: Settings) -> Iterator[ConfigError]:
    """Yield what is wrong with the login name and its password."""
    name, has_password = settings[_NAME], settings[_HASH] is not None or settings[_PLAIN] is not None
    if name is None and (has_password or not settings.dashboard_users):
        yield ConfigError(
            "the dashboard has no login name",
            hint=f"run: turkctl config set {_NAME} NAME, or write a table [{USERS}.NAME] into turkctl.toml",
        )
    if name is not None:
        yield from _of_name(settings, name)
    if not has_password and (name is not None or not settings.dashboard_users):
        yield ConfigError(
            "the dashboard has no password" + (f" for '{name}'" if name is not None else ""),
            hint=f"{_MAKE_HASH}, and write it into turkctl.toml as password_hash under [dashboard]; or give the "
            "password itself as TURKCTL_DASHBOARD_LOGIN_PASSWORD",
        )
    yield from _of_password(settings)


def _of_name(settings: Settings, name: str) -> Iterator[ConfigError]:
    where = f"{_NAME} ({settings.origins[_NAME]})"
    why = why_no_name(name)
    if why is not None:
        yield ConfigError(f"{where}: {name!a} cannot be a login name: {why}", hint="choose another name")
    for twin in settings.dashboard_users:
        if typed_name(twin) == typed_name(name):
            yield ConfigError(
                f"{where}: the login name '{name}' is there twice, also as [{USERS}.{twin}]", hint="remove one of them"
            )


def _of_password(settings: Settings) -> Iterator[ConfigError]:
    """Yield what is wrong with the password of the login name, in either form."""
    hashed, plain = settings[_HASH], settings[_PLAIN]
    if hashed is not None and not is_hash(hashed):
        yield ConfigError(f"{_HASH} ({settings.origins[_HASH]}) is not an Argon2 hash, or not all of one", _MAKE_HASH)
    if plain is None:
        return
    origin = settings.origins[_PLAIN]
    if origin.kind != "environment":
        yield ConfigError(
            f"{_PLAIN} is in a file ({origin}), where others can read it",
            hint=f"replace it with password_hash, and {_MAKE_HASH}; or give it as TURKCTL_DASHBOARD_LOGIN_PASSWORD",
        )
    elif hashed is not None:
        yield ConfigError(f"{_HASH} and {_PLAIN} are both set", hint="leave one of them out")
    else:
        try:
            hash_password(plain)
        except UsageError as error:
            yield ConfigError(f"{_PLAIN} ({origin}): {error.message}", hint=error.hint)


def _of_people(settings: Settings) -> Iterator[ConfigError]:
    for user in settings.dashboard_users.values():
        if not is_hash(user.password_hash):
            table = f"{USERS}.{user.name}"
            where = settings.origins[table]
            yield ConfigError(f"password_hash of '{table}' ({where}) is not all of an Argon2 hash", hint=_MAKE_HASH)


def _of_key(settings: Settings) -> Iterator[ConfigError]:
    key = settings[_KEY]
    if key is None:
        yield ConfigError("the dashboard has no secret key to sign its sessions with", hint=_MAKE_KEY)
    elif len(key) < SHORTEST_KEY:
        where = settings.origins[_KEY]
        yield ConfigError(f"{_KEY} ({where}) has fewer than {SHORTEST_KEY} characters", hint=_MAKE_KEY)
