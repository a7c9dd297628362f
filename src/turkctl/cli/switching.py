"""The addresses that a study has after ``db copy``, and how they come into the project file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from turkctl.addresses import mask_url
from turkctl.cli.project import project_file, write_settings
from turkctl.errors import UsageError
from turkctl.settings import Settings, absolute_url, sqlite_path, usual_market_url

if TYPE_CHECKING:
    from turkctl.cli.invocation import Invocation


@dataclass(frozen=True)
class Addresses:
    """Where a study and its market are afterwards.

    Attributes:
        database: the study's new address.
        market: the market's address, new or not.
        moves_market: whether the market's is new.
        names_market: whether the settings must name it, because it is not where it would be looked for.
    """

    database: str
    market: str
    moves_market: bool
    names_market: bool

    def changes(self, settings: Settings) -> dict[str, str]:
        """Return the settings to change; files in the project's folder are named from there."""
        named = {"database_url": self.database} | ({"market_url": self.market} if self.names_market else {})
        return {name: _from_folder(url, settings.folder) for name, url in named.items()}

    def lines(self, settings: Settings) -> list[str]:
        """Return the lines of the project file, without passwords."""
        return [f'{name} = "{mask_url(url)}"' for name, url in self.changes(settings).items()]


def addresses(settings: Settings, to: str, market_to: str | None) -> Addresses:
    """Return the addresses after a copy to these, which the command line names.

    Raises:
        UsageError: one of them is no address of a database.
    """
    database = _with_driver(absolute_url(to, Path.cwd()))
    market = settings.market_url if market_to is None else _with_driver(absolute_url(market_to, Path.cwd()))
    said = settings.origins["market_url"].kind != "default"
    looked_for = settings.market_url if said else usual_market_url(database, settings.folder)
    return Addresses(database, market, market_to is not None, names_market=market != looked_for)


def refuse_to_switch(settings: Settings, new: Addresses) -> None:
    """Raise UsageError if the project file would not say which database is used.

    Raises:
        NotFoundError: there is no project file.
    """
    project_file(settings)
    for name in new.changes(settings):
        origin = settings.origins[name]
        if origin.kind == "environment":
            raise UsageError(
                f"{name} comes from the environment variable {origin.where}, which overrides the project file",
                hint="leave out --switch and change the variable afterwards",
            )


def write_addresses(run: Invocation, new: Addresses) -> None:
    """Write the new addresses into the project file, and say so if a password is among them."""
    changes = new.changes(run.settings)
    path = write_settings(run.settings, changes)
    for name, url in changes.items():
        run.output.note(f"{name} is now {mask_url(url)} in {path}")
        if mask_url(url) != url:
            run.output.warn(
                f"the password in {name} is now in {path}, which only you can read; to keep it out, write the address"
                " without it there, and the password into ~/.pgpass"
            )


def _with_driver(url: str) -> str:
    """Return the address with the driver that turkctl has for PostgreSQL."""
    kind, separator, rest = url.partition("://")
    return f"postgresql+psycopg{separator}{rest}" if kind in ("postgres", "postgresql") else url


def _from_folder(url: str, folder: Path) -> str:
    path = sqlite_path(url)
    if path is None or not path.is_relative_to(folder):
        return url
    return f"sqlite:///{path.relative_to(folder)}{url[url.find('?') :] if '?' in url else ''}"
