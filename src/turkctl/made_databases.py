"""Remember which projects have had a database, in the user's state folder and beside the project file.

A lost database looks like a new study: everything would be posted and paid again. So a project remembers that its
database was created, and a command that would create another one asks first. The note beside the project file goes
along when the folder is copied, and tells everybody who shares it; git leaves it out, as it does the database.
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
from turkctl.paths import exists
from turkctl.units import format_time

FOLDER = "databases"
BESIDE = ".turkctl"
"""The folder beside the project file."""
ABOUT = "turkctl created this project's database; while this file is here, it does not replace a lost one by itself"


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
        file: the database's file, on SQLite.
        folder: the user's state folder.
    """

    project: Path
    address: str
    file: Path | None
    folder: Path

    @property
    def _of_user(self) -> Path:
        return self.folder / FOLDER / _name(f"{self.project.resolve()}\n{mask_url(self.address)}")

    @property
    def _beside(self) -> Path:
        """Return the note beside the project file: the same one in a copy of the folder."""
        home = self.project.parent.resolve()
        place = None if self.file is None else self.file.parent.resolve() / self.file.name
        inside = place is not None and place.is_relative_to(home)
        named = place.relative_to(home).as_posix() if inside and place is not None else mask_url(self.address)
        return self.project.parent / BESIDE / FOLDER / _name(named)

    def remember(self) -> None:
        """Record that there is a database; do nothing where a folder cannot be written to."""
        import json  # only commands that have a database need it

        made = {"made": format_time(datetime.now(UTC))}
        if not exists(self._beside):
            _write(self._beside, json.dumps({"about": ABOUT, **made}), private=False)
            _write(self.project.parent / BESIDE / ".gitignore", "*\n", private=False)
        if not exists(self._of_user):
            facts = {"project": str(self.project), "database": mask_url(self.address), **made}
            _write(self._of_user, json.dumps(facts), private=True)

    def refuse_to_begin(self) -> None:
        """Raise DatabaseUnreachableError if the project has had a database, since a new one would be different."""
        if exists(self._of_user) or exists(self._beside):
            import shlex

            again = f"turkctl init --new-database --config {shlex.quote(str(self.project))}"
            raise DatabaseUnreachableError(
                f"the database {mask_url(self.address)} is gone or empty; the project {self.project} had one before",
                hint=f"restore it from a copy; to start without its HITs and payments, run: {again}",
            )


def _name(of: str) -> str:
    import hashlib  # only commands that have a database need it

    return f"{hashlib.sha256(of.encode('utf-8', 'surrogateescape')).hexdigest()[:32]}.json"


def _write(file: Path, text: str, *, private: bool) -> None:
    with suppress(OSError):
        file.parent.mkdir(mode=0o700 if private else 0o777, parents=True, exist_ok=True)
        outputs.replace(file, text.encode(), private=private)
