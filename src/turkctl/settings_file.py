"""Read one settings file (TOML), with the line of each key for error messages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from turkctl.errors import ConfigError
from turkctl.paths import read_whole
from turkctl.settings_keys import KEYS_BY_NAME, SECTIONS, SUBSECTIONS
from turkctl.settings_users import USERS, DashboardUser, read_users
from turkctl.words import meant

if TYPE_CHECKING:
    from tomlkit.container import Container
    from tomlkit.items import Item
    from tomlkit.toml_document import TOMLDocument

MOST_BYTES = 16 * 2**20
_UNQUOTED = re.compile(r"\s*([\w.-]+)\s*=\s*([^\s\"'\[{#][^\"'#]*?)\s*(?:#.*)?")
"""A line with a value that begins as no text, list or table of TOML does."""
_HERE = "\ufdd0"
"""A character that no text contains."""


@dataclass(frozen=True)
class SettingsFile:
    """The content of a file: its text, values by dotted key, experiments as written, and people by login name."""

    path: Path | None
    text: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    experiments: dict[str, dict[str, Any]] = field(default_factory=dict)
    users: dict[str, DashboardUser] = field(default_factory=dict)

    @classmethod
    def empty(cls) -> SettingsFile:
        """Return the settings of a missing file."""
        return cls(None)

    def place(self, name: str) -> str:
        """Return file and line of a dotted key."""
        return f"{self.path}:{line_of(self.text, name) or 1}"


def read_toml(path: Path) -> tuple[dict[str, Any], str]:
    """Return the parsed file and its text.

    Raises:
        ConfigError: the file is unreadable, not UTF-8, or not TOML (with the line).
    """
    import tomllib

    try:
        text = read_whole(path, MOST_BYTES).decode().replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text", hint="save it as UTF-8") from None
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}", hint="check the file's permissions") from None
    try:
        return tomllib.loads(text), text
    except tomllib.TOMLDecodeError as error:
        message, line = _toml_line(str(error), text)
        raise ConfigError(f"{path}:{line}: not valid TOML: {message}", hint=_toml_hint(text, line)) from None


def _toml_line(message: str, text: str) -> tuple[str, int]:
    match = re.search(r"\(at line (\d+), column \d+\)", message)
    if match:
        return message.replace(match[0], "").strip(), int(match[1])
    return message.replace("(at end of document)", "").strip(), text.count("\n") + 1


def _toml_hint(text: str, line: int) -> str:
    """Return what to do about a line that is not TOML; mostly a text without its quotes."""
    match = _UNQUOTED.fullmatch(text.split("\n")[line - 1]) if line <= text.count("\n") + 1 else None
    return f'are the quotes missing? write {match[1]} = "{match[2]}"' if match else "fix that line"


def line_of(text: str, dotted: str) -> int | None:
    """Return the line on which a dotted key is set, or its table begins; None if the key is missing.

    Parsing the text is slow, so this is only for errors and for display.
    """
    from tomlkit.exceptions import TOMLKitError

    try:
        document = _document(text)
    except TOMLKitError:  # although tomllib could read it
        return None
    return next((line for item in _items(document, dotted) if (line := _line(document, item))), None)


@lru_cache(maxsize=4)
def _document(text: str) -> TOMLDocument:
    import tomlkit

    return tomlkit.parse(text)


def _items(container: Container, dotted: str) -> Iterator[Item]:
    """Yield the items that a dotted key names, in the order of the file; a table may have several parts."""
    from tomlkit.items import InlineTable, Table

    for key, item in container.body:
        if key is None:
            continue
        if key.key == dotted:
            yield item
        elif dotted.startswith(f"{key.key}.") and isinstance(item, Table | InlineTable):
            yield from _items(item.value, dotted.removeprefix(f"{key.key}."))


def _line(document: TOMLDocument, item: Item) -> int | None:
    """Return the line on which an item begins; for a table without its own line, the line of its first key."""
    from tomlkit.items import AoT, InlineTable, Null, Table, Whitespace

    if isinstance(item, AoT):
        return next((line for table in item.body if (line := _line(document, table))), None)
    if isinstance(item, Whitespace | Null):
        return None
    before = item.trivia.indent
    item.trivia.indent = _HERE  # it is written where the item's line begins
    try:
        above, here, _ = document.as_string().partition(_HERE)
    finally:
        item.trivia.indent = before
    if here:
        return above.count("\n") + 1
    if not isinstance(item, Table | InlineTable):
        return None
    return next((line for key, inner in item.value.body if key and (line := _line(document, inner))), None)


def read_file(path: Path, *, allow_experiments: bool) -> SettingsFile:
    """Read and check one file.

    Raises:
        ConfigError: one line with the file, the line, the key and, for an unknown key, the nearest valid one.
    """
    document, text = read_toml(path)
    result = SettingsFile(path, text)
    for name, value in document.items():
        if name == "experiments":
            if not allow_experiments:
                raise ConfigError(
                    f"{result.place(name)}: experiments cannot be set in the user's own file",
                    hint="move them to the project file, turkctl.toml",
                )
            _take_experiments(result, value)
        elif name == "qualifications" and allow_experiments:
            continue  # read where experiments are configured
        elif name in SECTIONS:
            _take_section(result, name, value, allow_users=allow_experiments)
        else:
            _take(result, name, value)
    return result


def _take_section(result: SettingsFile, section: str, value: Any, *, allow_users: bool) -> None:
    if not isinstance(value, dict):
        raise ConfigError(
            f"{result.place(section)}: '{section}' is a section",
            hint=f"write [{section}] and its keys below",
        )
    for name, inner in value.items():
        dotted = f"{section}.{name}"
        if dotted in SUBSECTIONS:
            _take_section(result, dotted, inner, allow_users=allow_users)
        elif dotted != USERS:
            _take(result, dotted, inner)
        elif allow_users:
            result.users.update(read_users(inner, result.place))
        else:
            raise ConfigError(
                f"{result.place(dotted)}: people cannot be named in the user's own file",
                hint="move them to the project file, turkctl.toml",
            )


def _take(result: SettingsFile, name: str, value: Any) -> None:
    key = KEYS_BY_NAME.get(name)
    if key is None or not key.in_file:
        valid = [*(each.name for each in KEYS_BY_NAME.values() if each.in_file), USERS, "experiments", "qualifications"]
        raise ConfigError(
            f"{result.place(name)}: unknown key '{name}'" + meant(name, valid),
            hint="see the valid keys with: turkctl config show",
        )
    try:
        result.values[name] = key.parse(value, where=name)
    except ConfigError as error:
        raise ConfigError(f"{result.place(name)}: {error.message}", hint=error.hint) from None


def _take_experiments(result: SettingsFile, value: Any) -> None:
    tables = value if isinstance(value, dict) else {"": value}
    for slug, table in tables.items():
        if not isinstance(table, dict):
            place = result.place(f"experiments.{slug}" if slug else "experiments")
            raise ConfigError(
                f"{place}: 'experiments' must have a table for each experiment",
                hint="write [experiments.SLUG] and its keys below",
            )
        result.experiments[slug] = table
