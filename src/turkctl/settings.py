"""Resolve settings from flags, environment variables and files.

A flag overrides an environment variable, which overrides the project file ``turkctl.toml`` (the nearest one, searching
upwards from the current folder), which overrides the user's file, which overrides the default. The origin of each value
is kept, so that ``config show`` can show it. Experiments are kept as they are in the file; they are validated when they
are configured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from turkctl.addresses import SHORTEST_SECRET, mask_url, secrets_in
from turkctl.errors import ConfigError, NoProjectError, UsageError
from turkctl.made_databases import state_folder
from turkctl.paths import is_file
from turkctl.settings_file import SettingsFile, read_file
from turkctl.settings_keys import ENV_PREFIX, KEYS, KEYS_BY_NAME, Key
from turkctl.settings_users import USER_KEYS, USERS, DashboardUser
from turkctl.words import meant_or

PROJECT_FILE = "turkctl.toml"
USER_FILE = "config.toml"
EXPERIMENTS = "experiments"
SQLITE_ARGUMENTS = {"timeout", "isolation_level", "detect_types", "check_same_thread", "cached_statements"}
"""Arguments after the ``?`` of an SQLite address; other ones are only valid with ``uri=true``."""
MODES = ("local", "sandbox", "live")
MASKED = "********"
"""Stands for a secret where settings are shown."""


@dataclass(frozen=True)
class Origin:
    """The origin of a value: ``flag``, ``environment``, ``project file``, ``user file`` or ``default``."""

    kind: str
    where: str | None = None
    file: SettingsFile | None = None
    """The file that sets the key ``where``; the line is only searched for when it is shown."""

    def __str__(self) -> str:
        where = self.where if self.where is None or self.file is None else self.file.place(self.where)
        return self.kind if where is None else f"{self.kind} ({where})"


@dataclass(frozen=True)
class Settings:
    """The resolved settings of one invocation."""

    values: Mapping[str, Any]
    origins: Mapping[str, Origin]
    project_file: Path | None
    folder: Path
    """The project's folder: that of the project file, else the current one."""
    experiments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The tables ``[experiments.SLUG]`` of the project file, unvalidated."""
    user_file: Path | None = None
    """The user's own settings file, which need not exist."""
    state_folder: Path | None = None
    """The folder for what turkctl knows about this user's projects."""
    dashboard_users: Mapping[str, DashboardUser] = field(default_factory=dict)
    """The people of the tables ``[dashboard.users.NAME]`` by name; without ``dashboard.login_username``."""

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    @property
    def mode(self) -> str:
        """Return the mode: ``local``, ``sandbox`` or ``live``."""
        return str(self.values["mode"])

    @property
    def database_url(self) -> str:
        """Return the database's SQLAlchemy URL."""
        return str(self.values["database_url"])

    @property
    def market_url(self) -> str:
        """Return the SQLAlchemy URL of the built-in market's state."""
        return str(self.values["market_url"])

    @property
    def has_database(self) -> bool:
        """Return whether a project file, a flag, the environment or the user's file says which database is meant."""
        return self.project_file is not None or self.origins["database_url"].kind != "default"

    @property
    def has_market(self) -> bool:
        """Return whether it is said which built-in market is meant: by its address, or as that of the database."""
        return self.has_database or self.origins["market_url"].kind != "default"

    def require_database(self) -> None:
        """Raise NoProjectError if nothing says which database is meant: a new one would look like an empty study."""
        if not self.has_database:
            raise NoProjectError(
                f"{self.folder} is not in a project: there is no {PROJECT_FILE} in it or above it",
                hint="go to your project's folder, or begin one with: turkctl init (or give --config, --database-url)",
            )

    def require_market(self) -> None:
        """Raise NoProjectError if nothing says which built-in market is meant."""
        if not self.has_market:
            self.require_database()

    @property
    def endpoint_url(self) -> str | None:
        """Return the endpoint set by flag, environment or project file; None means the mode's own."""
        if self.mode == "local":
            return None
        chosen: str | None = self.values["endpoint_url"] or self.values[f"endpoints.{self.mode}"]
        return chosen

    @property
    def own_files(self) -> tuple[tuple[Path, str], ...]:
        """Return the files that these settings name and no output may replace, each with its description."""
        keys = self.values["market.keys"]
        named = (
            (sqlite_path(self.database_url), "the project's database"),
            (sqlite_path(self.market_url), "the built-in market's database"),
            (self.project_file, "the project file"),
            (self.user_file, "your settings file"),
            (None if keys is None else self.folder / keys, "the market's key file"),
        )
        return (*((path, what) for path, what in named if path is not None), *self._of_experiments())

    def _of_experiments(self) -> Iterator[tuple[Path, str]]:
        """Yield the files named by experiments of the project file, from which their questions are made."""
        for slug, table in self.experiments.items():
            for key in ("html_template", "question_file"):
                if isinstance(table, Mapping) and isinstance(table.get(key), str):
                    yield self.folder / table[key], f"the question of experiment {slug}"

    def has_secret_from(self, kind: str) -> bool:
        """Return whether a secret among these settings comes from an origin of this kind, as in ``project file``."""
        values = {name: value for name, value in self.values.items() if self.origins[name].kind == kind}
        people = {USERS: self.dashboard_users} if kind == "project file" else {}
        return holds_secret(values | people)

    @cached_property
    def secrets(self) -> frozenset[str]:
        """Return the texts that no error and no log may show: secret settings, and the secrets in addresses."""
        texts = [(name, value) for name, value in self.values.items() if isinstance(value, str)]
        own = {value for name, value in texts if KEYS_BY_NAME[name].secret and len(value) >= SHORTEST_SECRET}
        addresses = [each for _, value in texts for each in (value, *value.split()) if "://" in each]
        secret = [each for name, value in texts if KEYS_BY_NAME[name].kind == "addresses" for each in value.split()]
        hashes = {user.password_hash for user in self.dashboard_users.values()}
        return frozenset(own.union(hashes, secret, *(secrets_in(each) for each in addresses)))

    def masked(self, name: str) -> Any:
        """Return the value for display: secrets and passwords in URLs are hidden."""
        value = self.values[name]
        if value is None:
            return None
        if KEYS_BY_NAME[name].secret:
            return MASKED
        return mask_url(value) if isinstance(value, str) and "://" in value else value

    def shown(self) -> Iterator[tuple[str, Any, Origin]]:
        """Yield name, value for display and origin of every setting, those of the dashboard's people last."""
        for name in self.values:
            yield name, self.masked(name), self.origins[name]
        for user in self.dashboard_users.values():
            table = f"{USERS}.{user.name}"
            for key in USER_KEYS:
                yield f"{table}.{key.name}", MASKED if key.secret else getattr(user, key.name), self.origins[table]


def holds_secret(values: Mapping[str, Any]) -> bool:
    """Return whether settings include a secret: a secret setting, people with passwords, or a secret in an address."""
    return bool(values.get(USERS)) or any(
        KEYS_BY_NAME[name].secret or (isinstance(value, str) and mask_url(value) != value)
        for name, value in values.items()
        if name in KEYS_BY_NAME
    )


def find_project_file(start: Path) -> Path | None:
    """Return the nearest ``turkctl.toml``, searching upwards from ``start``, or None."""
    for folder in (start, *start.parents):
        candidate = folder / PROJECT_FILE
        if is_file(candidate):
            return candidate
    return None


def user_file(environ: Mapping[str, str]) -> Path:
    """Return the path of the user's own settings file, in the platform's usual folder."""
    if folder := environ.get("TURKCTL_USER_DIR"):
        return Path(folder) / USER_FILE
    from platformdirs import user_config_path

    return user_config_path("turkctl") / USER_FILE


def load(flags: Mapping[str, str], environ: Mapping[str, str], cwd: Path) -> Settings:
    """Resolve all settings.

    Args:
        flags: values from the command line by key name, plus ``config``.
        environ: the process environment.
        cwd: the current folder, base of relative paths on the command line and in the environment.

    Raises:
        ConfigError: a file or variable has invalid settings; names file, line, key and the nearest key.
        UsageError: a flag's value is invalid, or flags exclude each other.
    """
    project = project_file(flags, environ, cwd)
    project_values = read_file(project, allow_experiments=True) if project else SettingsFile.empty()
    own = user_file(environ)
    user_values = read_file(own, allow_experiments=False) if is_file(own) else SettingsFile.empty()
    folder = project.parent if project else cwd

    values: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    for key in KEYS:
        values[key.name], origins[key.name] = _resolve(key, flags, environ, project_values, user_values)
    if values["mode"] == "local" and flags.get("endpoint_url"):
        raise UsageError(
            "--endpoint-url cannot be used in mode local, whose market is in this process",
            hint="add --mode sandbox or --mode live, or leave the flag out",
        )
    _place_databases(values, origins, folder, cwd)
    users = project_values.users
    tables = (f"{USERS}.{name}" for name in users)
    origins |= {table: Origin("project file", table, project_values) for table in tables}
    return Settings(values, origins, project, folder, project_values.experiments, own, state_folder(environ), users)


def project_file(flags: Mapping[str, Any], environ: Mapping[str, str], cwd: Path) -> Path | None:
    """Return the project file that the command line or the environment names, else the nearest one, or None.

    Raises:
        ConfigError: the one that is named is missing, or cannot be read.
        UsageError: ``--config`` is empty.
    """
    named = flags.get("config", environ.get("TURKCTL_CONFIG") or None)
    if named is None:
        return find_project_file(cwd)
    if not named:
        raise UsageError("--config is empty", hint="name a project file, or leave the option out")
    path = cwd / Path(named).expanduser()
    if not is_file(path):
        raise ConfigError(
            f"there is no project file {path}", hint="give a file that you can read, or run: turkctl init"
        )
    return path


def _resolve(
    key: Key, flags: Mapping[str, str], environ: Mapping[str, str], project: SettingsFile, user: SettingsFile
) -> tuple[Any, Origin]:
    if flags.get(key.name) is not None:
        flag = "--" + key.name.replace("_", "-")
        return key.parse(flags[key.name], where=flag, error=UsageError), Origin("flag", flag)
    for variable in key.variables:
        if environ.get(variable):
            value = key.parse(environ[variable], where=f"environment variable {variable}")
            return value, Origin("environment", variable)
    for source, kind in ((project, "project file"), (user, "user file")):
        if key.name in source.values:
            return source.values[key.name], Origin(kind, key.name, source)
    return key.default, Origin("default")


def _place_databases(values: dict[str, Any], origins: Mapping[str, Origin], folder: Path, cwd: Path) -> None:
    """Set the default paths of both databases and make relative SQLite paths absolute."""
    if values["database_url"] is None:
        values["database_url"] = _sqlite_url(folder / "turkctl.db")
    else:
        base = _base(origins["database_url"], folder, cwd)
        values["database_url"] = absolute_url(values["database_url"], base)
    if values["market_url"] is None:
        values["market_url"] = usual_market_url(values["database_url"], folder)
    else:
        values["market_url"] = absolute_url(values["market_url"], _base(origins["market_url"], folder, cwd))


def usual_market_url(database_url: str, folder: Path) -> str:
    """Return where the built-in market is by default: beside the database's file, or in the project's folder."""
    beside = sqlite_path(database_url)
    return _sqlite_url((beside.parent if beside else folder) / "turkctl-market.db")


def _base(origin: Origin, folder: Path, cwd: Path) -> Path:
    return folder if origin.kind.endswith("file") else cwd


def _sqlite_url(path: Path) -> str:
    return f"sqlite:///{path}"


def sqlite_path(url: str) -> Path | None:
    """Return the file of an SQLite URL; None for other databases, memory, and SQLite's own ``file:`` addresses."""
    prefix = "sqlite:///"
    name = url.removeprefix(prefix).split("?", 1)[0]
    if not url.startswith(prefix) or name in ("", ":memory:") or name.startswith("file:"):
        return None
    return Path(name)


def is_in_memory(url: str) -> bool:
    """Return whether the address is that of an SQLite database in memory."""
    kind, _, name = url.partition("?")[0].partition("://")
    return kind.startswith("sqlite") and name.lstrip("/") in ("", ":memory:")


def absolute_url(url: str, base: Path) -> str:
    """Return the address of a database, an SQLite file in it named from the root.

    Raises:
        UsageError: it is not an address, or SQLite would ignore a part of it.
    """
    if "://" not in url:
        raise UsageError(
            f"'{mask_url(url)}' is not a database URL",
            hint="write sqlite:///study.db or postgresql://user@host/name",
        )
    _refuse_unknown_arguments(url)
    path = sqlite_path(url)
    if path is None or path.is_absolute():
        return url
    query = "?" + url.split("?", 1)[1] if "?" in url else ""
    return _sqlite_url(base / path) + query


def _refuse_unknown_arguments(url: str) -> None:
    """Raise UsageError if SQLite's driver would ignore part of an address, such as a password."""
    scheme, _, query = url.partition("?")
    names = {each.partition("=")[0] for each in query.split("&") if each}
    if not scheme.startswith("sqlite") or "uri" in names:
        return
    unknown = sorted(names - SQLITE_ARGUMENTS)
    if unknown:
        raise UsageError(
            f"'{mask_url(url)}' has an argument that SQLite does not know: {', '.join(unknown)}",
            hint="leave it out; an SQLite file has no password",
        )


def require_key(name: str) -> Key:
    """Return the key with this name.

    Raises:
        UsageError: there is none; the hint names the nearest.
    """
    key = KEYS_BY_NAME.get(name)
    if key is None and f"{name}.".startswith(f"{USERS}."):
        raise UsageError(
            f"'{name}' is not a setting of its own",
            hint=f"write [{USERS}.NAME] into the project file with an editor, and see it with: turkctl config show",
        )
    if key is None:
        raise UsageError(
            f"there is no setting '{name}'",
            hint=meant_or(name, KEYS_BY_NAME, "see them all with: turkctl config show"),
        )
    return key


__all__ = [
    "ENV_PREFIX",
    "EXPERIMENTS",
    "KEYS",
    "MODES",
    "PROJECT_FILE",
    "Origin",
    "Settings",
    "find_project_file",
    "holds_secret",
    "is_in_memory",
    "load",
    "mask_url",
    "project_file",
    "require_key",
    "sqlite_path",
    "user_file",
]
