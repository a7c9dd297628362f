"""Read one settings file (TOML), with the line of each key for error messages."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from turkctl.errors import ConfigError
from turkctl.settings_keys import KEYS_BY_NAME, SECTIONS
from turkctl.words import nearest

_HEADER = re.compile(r"\s*\[\[?\s*([^\]]+?)\s*\]\]?")
_ASSIGNMENT = re.compile(r"\s*([A-Za-z0-9_.\"'-]+?)\s*=")


@dataclass(frozen=True)
class SettingsFile:
    """The content of one file: values by dotted key, the line of each, the experiments as written."""

    path: Path | None
    values: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    experiments: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def empty(cls) -> SettingsFile:
        """Return the settings of a missing file."""
        return cls(None)


def read_toml(path: Path) -> tuple[dict[str, Any], str]:
    """Return the parsed file and its text.

    Raises:
        ConfigError: the file is unreadable, not UTF-8, or not TOML (with the line).
    """
    import tomllib

    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not a UTF-8 text", hint="save it as UTF-8") from None
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}", hint="check the file's permissions") from None
    try:
        return tomllib.loads(text), text
    except tomllib.TOMLDecodeError as error:
        message, line = _toml_line(str(error), text)
        raise ConfigError(f"{path}:{line}: not valid TOML: {message}", hint="fix that line") from None


def _toml_line(message: str, text: str) -> tuple[str, int]:
    match = re.search(r"\(at line (\d+), column \d+\)", message)
    if match:
        return message.replace(match[0], "").strip(), int(match[1])
    return message.replace("(at end of document)", "").strip(), text.count("\n") + 1


def line_of(text: str, dotted: str) -> int:
    """Return the line on which a dotted key is set or its table begins; 1 if it is not found."""
    section, dotted = "", dotted.replace(" ", "")
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            section = header[1].replace('"', "").replace(" ", "")
            if section == dotted or section.startswith(dotted + "."):
                return number
        elif assignment := _ASSIGNMENT.match(line):
            name = assignment[1].replace('"', "").replace("'", "")
            full = f"{section}.{name}" if section else name
            if full == dotted or full.startswith(dotted + "."):
                return number
    return 1


def read_file(path: Path, *, allow_experiments: bool) -> SettingsFile:
    """Read and check one file.

    Raises:
        ConfigError: one line with the file, the line, the key and, for an unknown key, the nearest valid one.
    """
    document, text = read_toml(path)
    result = SettingsFile(path)
    for name, value in document.items():
        if name == "experiments":
            if not allow_experiments:
                raise ConfigError(
                    f"{path}:{line_of(text, name)}: experiments cannot be set in the user's own file",
                    hint="move them to the project file, turkctl.toml",
                )
            _take_experiments(result, value, text)
        elif name == "qualifications" and allow_experiments:
            continue  # read where experiments are configured
        elif name in SECTIONS:
            _take_section(result, name, value, text)
        else:
            _take(result, name, value, text)
    return result


def _take_section(result: SettingsFile, section: str, value: Any, text: str) -> None:
    if not isinstance(value, dict):
        raise ConfigError(
            f"{result.path}:{line_of(text, section)}: '{section}' is a section",
            hint=f"write it as [{section}] with its keys below",
        )
    for name, inner in value.items():
        _take(result, f"{section}.{name}", inner, text)


def _take(result: SettingsFile, name: str, value: Any, text: str) -> None:
    line = line_of(text, name)
    key = KEYS_BY_NAME.get(name)
    if key is None or not key.in_file:
        valid = [each.name for each in KEYS_BY_NAME.values() if each.in_file]
        close = nearest(name, [*valid, "experiments", "qualifications"])
        raise ConfigError(
            f"{result.path}:{line}: unknown key '{name}'" + (f"; did you mean '{close}'?" if close else ""),
            hint="see the valid keys with: turkctl config show",
        )
    result.values[name] = key.parse(value, where=f"{result.path}:{line}: {name}")
    result.lines[name] = line


def _take_experiments(result: SettingsFile, value: Any, text: str) -> None:
    tables = value if isinstance(value, dict) else {"": value}
    for slug, table in tables.items():
        if not isinstance(table, dict):
            line = line_of(text, f"experiments.{slug}" if slug else "experiments")
            raise ConfigError(
                f"{result.path}:{line}: 'experiments' holds one table per experiment",
                hint="write [experiments.SLUG] with its keys below",
            )
        result.experiments[slug] = table
