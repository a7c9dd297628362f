"""The project file: writing a new one, and changing one setting in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from turkctl import outputs
from turkctl.errors import ConfigError, NotFoundError, UsageError
from turkctl.ids import is_text
from turkctl.paths import is_file
from turkctl.settings import PROJECT_FILE, Settings, holds_secret, require_key
from turkctl.settings_users import USERS

TEMPLATE = """\
# turkctl's project file. Every key here can also be given as an environment variable (mode is TURKCTL_MODE)
# or, for the first few, as a flag. See where each value comes from with: turkctl config show

# Which market: "local" (the built-in one, play money), "sandbox" or "live" (Amazon's, or the [endpoints] below).
mode = "local"

# turkctl's own database; a path is meant from this folder.
# database_url = "sqlite:///turkctl.db"

# A market of your own in place of Amazon's, started with: turkctl market serve
# [endpoints]
# sandbox = "http://127.0.0.1:8800/sandbox"
# live = "http://127.0.0.1:8800/"

# Where to send what you should know while the scheduler runs. Try it with: turkctl notify test
# [notify]
# command = "python3 tell.py"    # gets each event as JSON; or urls = ["…"], addresses of Apprise, as a secret

# One table per experiment. After a change, run: turkctl experiments configure
[experiments.example]
code_version = "1.0"
title = "Name the colour of a word"
description = "A ten-minute reading task."
keywords = ["psychology", "reading"]
reward = "1.20"                # dollars for one assignment
duration = "30m"               # time a worker has for it
lifetime = "24h"               # time for which workers can start it
auto_approval_delay = "3d"     # time after which work is approved by itself
external_url = "https://example.org/task"        # or html_template = "task.html"
# qualifications = { locale = ["US", "CA"], percent_approved = 95, hits_approved = 100 }

[experiments.example.limits]
budget = "500.00"              # never commit more than this, commission included
# max_active_hits = 200
# max_total_hits = 10000
# min_balance = "20.00"
"""


def project_file(settings: Settings) -> Path:
    """Return the project file in use.

    Raises:
        NotFoundError: there is none in this folder or above.
    """
    if settings.project_file is None:
        raise NotFoundError(f"there is no {PROJECT_FILE} in this folder or above", hint="make one with: turkctl init")
    return settings.project_file


def write_new(folder: Path) -> tuple[Path, bool]:
    """Write the commented project file unless there is one; its path and whether it was written.

    Raises:
        ConfigError: the folder cannot be made or written to.
    """
    path = folder / PROJECT_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        outputs.create(path, TEMPLATE.encode(), private=False)
    except FileExistsError:
        if is_file(path):
            return path, False
        raise ConfigError(f"{folder} is not a folder", hint="name another folder") from None
    except OSError as error:
        raise ConfigError(
            f"cannot write {path}: {error.strerror}", hint="name a folder that you may write to"
        ) from None
    return path, True


def write_setting(settings: Settings, name: str, value: str) -> Path:
    """Change one setting in the project file, keeping its comments; the file is replaced in one step.

    Raises:
        UsageError: no such key, not a value for it, or a key that does not belong in a file.
        NotFoundError: there is no project file.
        ConfigError: the file cannot be written.
    """
    key = require_key(name)
    if not key.in_file:
        raise UsageError(
            f"'{name}' cannot be kept in the project file", hint=f"set the environment variable {key.variables[0]}"
        )
    if key.secret:
        raise UsageError(
            f"'{name}' is a secret, which a command line would show to others",
            hint=f"set the environment variable {key.variables[0]}, or write it into the project file with an editor",
        )
    parsed = key.parse(value, where=name, error=UsageError)
    if not is_text(value):
        raise UsageError(f"{name}: {value!a} is not text that a file can hold", hint="write it in UTF-8")
    return write_settings(settings, {name: parsed})


def write_settings(settings: Settings, values: Mapping[str, Any]) -> Path:
    """Change settings in the project file, keeping its comments; the file is replaced in one step.

    Args:
        settings: of the project.
        values: what the keys are from now on, checked before.

    Raises:
        NotFoundError: there is no project file.
        ConfigError: the file cannot be written.
    """
    import tomlkit

    path = project_file(settings)
    document = tomlkit.parse(path.read_bytes().decode())  # with the line ends that it has
    for name, value in values.items():
        *sections, leaf = name.split(".")
        table: Any = document
        for section in sections:
            table = table.setdefault(section, tomlkit.table())
        table[leaf] = value
    write_whole(path, tomlkit.dumps(document), new=False)
    return path


def _holds_secret(text: str) -> bool:
    import tomllib

    def leaves(table: dict[str, Any], within: str) -> Iterator[tuple[str, Any]]:
        for name, value in table.items():
            if isinstance(value, dict) and f"{within}{name}" != USERS:
                yield from leaves(value, f"{within}{name}.")
            else:
                yield f"{within}{name}", value

    return holds_secret(dict(leaves(tomllib.loads(text), "")))


def write_whole(path: Path, text: str, *, new: bool) -> None:
    """Write the project file in one step, for its owner alone where a secret is in it.

    Args:
        path: the file.
        text: what it holds from now on.
        new: write it only where there is none.

    Raises:
        ConfigError: the file cannot be written, or there is one by now.
    """
    private = _holds_secret(text)
    try:
        if new:
            outputs.create(path, text.encode(), private=private)
        else:
            outputs.replace(path, text.encode(), private=private)
    except OSError as error:
        what = "folder" if new else "file"
        raise ConfigError(f"cannot write {path}: {error.strerror}", hint=f"check the {what}'s permissions") from None
