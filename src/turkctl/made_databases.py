"""Remember which projects have had a database, in the user's state folder.

A lost database looks like a new study: everything would be posted and paid again. So a project remembers on this
machine that its database was created, and a command that would create another one asks first.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from turkctl import outputs
from turkctl.addresses import mask_url
from turkctl.errors import DatabaseUnreachableError
from turkctl.units import format_time

FOLDER = "databases"


def state_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder in which turkctl keeps what it knows about this user's projects."""
    if folder := environ.get("TURKCTL_USER_DIR"):
        return Path(folder)
    from platformdirs import user_state_path

    return user_state_path("turkctl")


@dataclass(frozen=True)
class MadeDatabase:
    """The record that a project's database was created.

    Attributes:
        project: the project file.
        address: the database's address.
        folder: the user's state folder.
    """

    project: Path
    address: str
    folder: Path

    @property
    def _file(self) -> Path:
        import hashlib  # only commands that have a database need it

        named = f"{self.project.resolve()}\n{mask_url(self.address)}"
        return (
            self.folder / FOLDER / f"{hashlib.sha256(named.encode('utf-8', 'surrogateescape')).hexdigest()[:32]}.json"
        )

    def remember(self) -> None:
        """Record that there is a database; do nothing if the folder cannot be written to."""
        import json

        if self._file.exists():
            return
        made = {
            "project": str(self.project),
            "database": mask_url(self.address),
            "made": format_time(datetime.now(UTC)),
        }
        with suppress(OSError):
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            outputs.replace(self._file, json.dumps(made).encode(), private=True)

    def forget(self) -> None:
        """Let the project start with a new database."""
        with suppress(OSError):
            self._file.unlink(missing_ok=True)

    def refuse_to_begin(self) -> None:
        """Raise DatabaseUnreachableError if the project has had a database, since a new one would be different."""
        if self._file.exists():
            raise DatabaseUnreachableError(
                f"the database {mask_url(self.address)} is gone or empty; the project {self.project} had one before",
                hint="restore it from a copy; to start without its HITs and payments, run: turkctl init --new-database",
            )
