"""Read the people who may use the dashboard: the tables ``[dashboard.users.NAME]`` of the project file."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from turkctl.errors import ConfigError
from turkctl.settings_keys import Key
from turkctl.words import meant

USERS = "dashboard.users"
VIEW, MANAGE = "view", "manage"
LONGEST_NAME = 64
HASH_BEGINS = "$argon2"
USER_KEYS = (
    Key("role", "choice", None, "`view` may look at everything, `manage` may also act", choices=(VIEW, MANAGE)),
    Key("password_hash", "text", None, "hash of their password, from `turkctl dashboard hash-password`", secret=True),
    Key("names", "flag", False, "whether they see worker ids and what people wrote, not pseudonyms"),
)
"""The keys of each table; one without a default is required."""
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Characters that Python takes for printable, and that nobody sees."""


@dataclass(frozen=True)
class DashboardUser:
    """A person who may use the dashboard."""

    name: str
    role: str
    """``view`` or ``manage``."""
    password_hash: str = field(repr=False)
    names: bool = False
    """Whether they see worker ids and what people wrote; others see pseudonyms."""

    @property
    def manages(self) -> bool:
        """Return whether they may act."""
        return self.role == MANAGE


def typed_name(name: str) -> str:
    """Return a login name in the one form in which names are compared, however a keyboard composes its letters."""
    return unicodedata.normalize("NFKC", name)


def why_no_name(name: str) -> str | None:
    """Return why a text cannot be a login name; None if it can."""
    if not 1 <= len(name) <= LONGEST_NAME:
        return f"a login name has 1 to {LONGEST_NAME} characters"
    if not name.isprintable() or _UNSEEN.search(name) or name != name.strip():
        return "a login name has only characters that can be seen"
    if {":", "/"} & set(typed_name(name)):
        return "a login name has no colon and no slash"
    return None


def read_users(value: Any, place: Callable[[str], str]) -> dict[str, DashboardUser]:
    """Return the people of a settings file by name.

    Args:
        value: what the file has under ``dashboard.users``.
        place: returns file and line of a dotted key.

    Raises:
        ConfigError: a name, a key or a value is invalid or missing; says where, and shows no hash.
    """
    tables = value if isinstance(value, dict) else {"": value}
    users: dict[str, DashboardUser] = {}
    for name, table in tables.items():
        where = f"{USERS}.{name}" if name else USERS
        if not isinstance(table, dict):
            raise ConfigError(
                f"{place(where)}: '{USERS}' must have a table for each person",
                hint=f"write [{USERS}.NAME] and its keys below",
            )
        why = why_no_name(name)
        if why is not None:
            raise ConfigError(f"{place(where)}: {name!a} cannot be a login name: {why}", hint="choose another name")
        twin = next((each for each in users if typed_name(each) == typed_name(name)), None)
        if twin is not None:
            raise ConfigError(f"{place(where)}: the login name '{name}' is there twice", hint="choose another name")
        users[name] = _read_user(name, table, where, place)
    return users


def _read_user(name: str, table: dict[str, Any], where: str, place: Callable[[str], str]) -> DashboardUser:
    keys = {key.name: key for key in USER_KEYS}
    for each in table:
        if each not in keys:
            known = meant(f"{where}.{each}", [f"{where}.{key}" for key in keys])
            raise ConfigError(
                f"{place(f'{where}.{each}')}: unknown key '{where}.{each}'{known}",
                hint=f"the keys of a person are {', '.join(keys)}",
            )
    values = {key.name: _value(key, table, where, place) for key in USER_KEYS}
    return DashboardUser(name, values["role"], values["password_hash"], values["names"])


def _value(key: Key, table: dict[str, Any], where: str, place: Callable[[str], str]) -> Any:
    if key.name not in table:
        if key.default is None:
            raise ConfigError(f"{place(where)}: '{where}' has no {key.name}", hint=f"{key.name}: {key.prose}")
        return key.default
    at = place(f"{where}.{key.name}")
    try:
        value = key.parse(table[key.name], where=f"{where}.{key.name}")
    except ConfigError as error:
        raise ConfigError(f"{at}: {error.message}", hint=error.hint) from None
    if key.secret and not value.startswith(HASH_BEGINS):
        raise ConfigError(
            f"{at}: {where}.{key.name}: the value is not an Argon2 hash",
            hint="make one with: turkctl dashboard hash-password",
        )
    return value
