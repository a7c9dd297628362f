"""Read psiTurk's ``config.txt`` and translate it for ``turkctl.toml``.

Source of the keys and their defaults: the sample configurations of psiTurk 3 and 2. psiTurk's keys are unique over all
sections, and may be given as environment variables too (``PSITURK_TITLE``), so sections are not looked at: a file of
such variables is read as well.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from turkctl.errors import ConfigError, DatabaseUnreachableError, NotFoundError
from turkctl.operations.psiturk.items import SKIPPED, ImportItem
from turkctl.operations.psiturk.keys import (
    ALIASES,
    DEFAULTS,
    ENABLE_DASHBOARD,
    EXPERIMENT,
    FALSE,
    KNOWN,
    LOGIN_NAME,
    OLD_MODE,
    SECRET,
    TABLE,
    TRUE,
    USED,
    WHY,
)
from turkctl.paths import exists, read_whole
from turkctl.settings import sqlite_path
from turkctl.settings_users import why_no_name

DEFAULT_FILE = "config.txt"
MOST_BYTES = 1_000_000


@dataclass(frozen=True)
class PsiturkConfig:
    """The file's contents: ``{key in small letters: value}``, interpolated where psiTurk would.

    Without a file (``given``), psiTurk's defaults say nothing about the study.
    """

    path: Path
    values: Mapping[str, str]
    given: bool = True

    def get(self, key: str) -> str | None:
        """Return the value, or psiTurk's own default; None if there is neither."""
        return self.values.get(key) or (DEFAULTS.get(key) if self.given else None)

    @property
    def table_key(self) -> str:
        """Return the key that names the table of participants."""
        return next((key for key in TABLE if self.values.get(key)), TABLE[-1])

    def shown(self, key: str) -> str:
        """Return the name of a key for a report, with a note if its value is psiTurk's default."""
        return key if self.values.get(key) else f"{key} (psiTurk's default)"


def read_config(path: Path) -> PsiturkConfig:
    """Read psiTurk's file.

    Raises:
        NotFoundError: there is none.
        ConfigError: it cannot be read, or is not a psiTurk configuration.
    """
    try:
        raw = read_whole(path, MOST_BYTES)
    except FileNotFoundError:
        raise NotFoundError(
            f"there is no psiTurk configuration {path}", hint="name psiTurk's file: --config FOLDER/config.txt"
        ) from None
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}", hint="name psiTurk's config.txt") from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return PsiturkConfig(path, _values(path, text))


def _values(path: Path, text: str) -> dict[str, str]:
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        try:
            parser.read_string(text)
        except configparser.MissingSectionHeaderError:
            parser.read_string("[psiturk]\n" + text)
    except configparser.Error as error:
        raise ConfigError(
            f"{path} is not a psiTurk configuration: {str(error).splitlines()[0]}", hint="name psiTurk's config.txt"
        ) from None
    found: dict[str, str] = {}
    for section in parser.sections():
        for key, value in parser.items(section):
            name = key.removeprefix("psiturk_") if key.removeprefix("psiturk_") in KNOWN else key
            if value is not None and value.strip():
                found.setdefault(ALIASES.get(name, name), _unquoted(value.strip()))
    if not any(key in KNOWN for key in found) and "HIT Configuration" not in parser.sections():
        raise ConfigError(f"{path} has no settings of psiTurk's", hint="name psiTurk's config.txt")
    return {key: _interpolated(value, found) for key, value in found.items()}


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value


def _interpolated(value: str, values: Mapping[str, str]) -> str:
    """Interpolate ``%(key)s`` as psiTurk does; leave any other percent sign unchanged."""

    def replace(match: re.Match[str]) -> str:
        key = match[1].lower()
        return values.get(key) or DEFAULTS.get(key) or match[0]

    return re.sub(r"%\(([A-Za-z_]+)\)s", replace, value).replace("%%", "%")


@dataclass(frozen=True)
class Proposal:
    """A value for ``turkctl.toml``: ``to`` is its dotted key, below the experiment's table with ``experiment``."""

    source: str
    to: str
    value: Any
    experiment: bool = True
    note: str | None = None


def propose(config: PsiturkConfig, folder: Path) -> tuple[list[Proposal], list[ImportItem]]:
    """Return which values of the file can go into ``turkctl.toml``, and which cannot.

    Args:
        config: psiTurk's configuration.
        folder: where ``turkctl.toml`` is; relative paths are written from there.
    """
    found: list[Proposal] = []
    skipped: list[ImportItem] = []
    for key, (to, convert) in EXPERIMENT.items():
        value = config.get(key)
        if value is None:
            continue
        try:
            converted = convert(value)
        except ValueError:
            skipped.append(ImportItem("setting", key, f"experiments.*.{to}", SKIPPED, f"'{value}' is invalid"))
            continue
        if converted is not None:
            found.append(Proposal(config.shown(key), to, converted))
    url = _ad_url(config)
    if url is not None:
        found.append(Proposal("ad_url", "external_url", url))
    found += _project(config, folder)
    for part in (_enable_dashboard(config), _login_name(config)):
        if isinstance(part, Proposal):
            found.append(part)
        elif part is not None:
            skipped.append(part)
    skipped += _left_out(config)
    return found, skipped


def _project(config: PsiturkConfig, folder: Path) -> list[Proposal]:
    mode = mode_of(config)
    shown = next((key for key in ("launch_in_mode", *OLD_MODE) if key in config.values), "launch_in_mode")
    found = [Proposal(config.shown(shown), "mode", mode, experiment=False)] if mode else []
    address, note = public_url(config, folder)
    found.append(Proposal(config.shown("database_url"), "database_url", address, experiment=False, note=note))
    table = config.table_key
    found.append(Proposal(config.shown(table), "participants_table", config.get(table), experiment=False))
    note = "psiTurk's server still fills the table"
    found.append(Proposal(table, "participants_source", "psiturk", experiment=False, note=note))
    return found


def _enable_dashboard(config: PsiturkConfig) -> Proposal | ImportItem | None:
    value, to = config.get(ENABLE_DASHBOARD), "dashboard.enable"
    if value is None:
        return None
    if value.lower() not in (*TRUE, *FALSE):
        return ImportItem("setting", ENABLE_DASHBOARD, to, SKIPPED, f"'{value}' is invalid")
    enabled = value.lower() in TRUE
    note = "it starts once there are a password (turkctl dashboard hash-password) and a dashboard.secret_key"
    return Proposal(ENABLE_DASHBOARD, to, enabled, experiment=False, note=note if enabled else None)


def _login_name(config: PsiturkConfig) -> Proposal | ImportItem | None:
    value, to = config.get(LOGIN_NAME), "dashboard.login_username"
    if value is None:
        return None
    why = why_no_name(value)
    if why is not None:
        return ImportItem("setting", LOGIN_NAME, to, SKIPPED, why)
    note = "the password is not copied: hash a new one with turkctl dashboard hash-password"
    return Proposal(LOGIN_NAME, to, value, experiment=False, note=note)


def old_mode(config: PsiturkConfig) -> Proposal | None:
    """Return the mode of psiTurk 2, whose tables have none, for all participants; None if the file does not name it."""
    key = next((key for key in OLD_MODE if key in config.values), None)
    if key is None:
        return None
    mode = "live" if config.values[key].lower() in FALSE else "sandbox"
    note = "the participants table has no column for the mode"
    return Proposal(key, "participants_mode", mode, experiment=False, note=note)


def mode_of(config: PsiturkConfig) -> str | None:
    """Return the mode that psiTurk starts in, ``sandbox`` or ``live``; None if it is neither."""
    old = old_mode(config)
    if old is not None and "launch_in_mode" not in config.values:
        return str(old.value)
    mode = config.get("launch_in_mode")
    return mode if mode in ("sandbox", "live") else None


def full_url(config: PsiturkConfig) -> str:
    """Return the database's address in psiTurk, password included; a relative file is relative to psiTurk's folder."""
    address = config.get("database_url") or ""
    path = sqlite_path(address)
    if path is None or path.is_absolute():
        return address
    return f"sqlite:///{(config.path.parent.resolve() / path).resolve()}"


def public_url(config: PsiturkConfig, folder: Path) -> tuple[str, str | None]:
    """Return the address without its password, as ``turkctl.toml`` may hold it, and a note on the password.

    Raises:
        ConfigError: the address is invalid.
    """
    from turkctl.store.engine import parse_url

    address = full_url(config)
    path = sqlite_path(address)
    if path is not None:
        inside = path.is_relative_to(folder.resolve())
        return (f"sqlite:///{path.relative_to(folder.resolve())}" if inside else address), None
    url = parse_url(address)
    secret = [key for key in url.query if SECRET.search(key.lower())]
    if url.password is None and not secret:
        return url.render_as_string(), None
    bare = url._replace(password=None).difference_update_query(secret)  # set() takes None for "as it is"
    pgpass = "keep it in ~/.pgpass, or " if url.get_backend_name() == "postgresql" else ""
    note = f"the password is not copied: {pgpass}give the whole address in TURKCTL_DATABASE_URL"
    return bare.render_as_string(), note


def check_there(url: str) -> None:
    """Raise if an SQLite file is missing: opening it would create an empty one.

    Raises:
        DatabaseUnreachableError: it does not exist.
    """
    path = sqlite_path(url)
    if path is not None and not exists(path):
        raise DatabaseUnreachableError(
            f"there is no database {path}", hint="copy psiTurk's file there, or name it with --database-url"
        )


def _ad_url(config: PsiturkConfig) -> str | None:
    if config.values.get("ad_url"):
        return config.values["ad_url"]
    domain = config.values.get("ad_url_domain")
    if not domain:
        return None
    protocol, port, route = (config.get(f"ad_url_{part}") for part in ("protocol", "port", "route"))
    shown = "" if (protocol, port) in (("https", "443"), ("http", "80")) else f":{port}"
    return f"{protocol}://{domain}{shown}/{route}"


def _left_out(config: PsiturkConfig) -> list[ImportItem]:
    items = []
    for key in config.values:
        if SECRET.search(key):
            items.append(ImportItem("setting", key, None, SKIPPED, _secret_advice(key)))
        elif key not in USED:
            items.append(ImportItem("setting", key, None, SKIPPED, WHY.get(key, "turkctl has nothing like it")))
    return items


def _secret_advice(key: str) -> str:
    if "aws" in key:
        return "keys are never copied: put them into ~/.aws/credentials, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    if key == "login_pw":
        return "passwords are never copied: hash a new one for the dashboard with turkctl dashboard hash-password"
    if key == "secret_key":
        return "keys are never copied: make a new one for dashboard.secret_key, of at least 32 characters"
    return "passwords and keys are never copied"
