"""The dashboard of a database that psiTurk alone has written, on each database that turkctl reads."""

from __future__ import annotations

import os
import random
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dashboard_support import DashboardSite
from databases import new_database
from sqlalchemy import Engine, create_engine, text

from turkctl.context import Context
from turkctl.settings import load
from turkctl.store.engine import parse_url
from turkctl.store.participants import participants_table

KINDS = ("sqlite", "postgres", "mysql")
MYSQL_VARIABLE = "TURKCTL_TEST_MYSQL_URL"
BEGAN = datetime.fromisoformat("2026-11-20T21:30:00")  # psiTurk's times have no zone


@dataclass(frozen=True)
class PsiturkSite:
    """The dashboard and the database.

    Attributes:
        site: the dashboard.
        engine: asks the database directly.
        table: name of the participants table.
        kind: of the database.
    """

    site: DashboardSite
    engine: Engine
    table: str
    kind: str

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Return the rows of a statement, in which ``people`` is the participants table."""
        with self.engine.connect() as connection:
            found = connection.execute(text(statement.replace("people", self.table)))
            return [tuple(row) for row in found]

    @property
    def day(self) -> str:
        """The expression of SQL for the day on which somebody began."""
        return {
            "sqlite": "substr(beginhit, 1, 10)",
            "postgres": "to_char(beginhit, 'YYYY-MM-DD')",
            "mysql": "date_format(beginhit, '%Y-%m-%d')",
        }[self.kind]


@contextmanager
def psiturk_site(kind: str, folder: Path, number: int = 300, **settings: str) -> Iterator[PsiturkSite]:
    """Make a table of people as psiTurk would, in a database without tables of turkctl's, and its dashboard."""
    with _database(kind, folder) as (url, name):
        engine = create_engine(parse_url(url))
        table = participants_table(name)
        table.create(engine)
        try:
            with engine.begin() as connection:
                connection.execute(table.insert(), people(number))
            environment = {"TURKCTL_PARTICIPANTS_TABLE": name, **settings}
            context = Context(load({"database_url": url}, environment, folder))
            site = DashboardSite(SimpleNamespace(world=context))  # type: ignore[arg-type]  # a study is its world here
            try:
                yield PsiturkSite(site, engine, name, kind)
            finally:
                site.dashboard.close()
                context.close()
        finally:
            if kind == "mysql":
                table.drop(engine)
            engine.dispose()


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the address of a database, and a name for the table."""
    if kind != "mysql":
        with new_database(kind, folder) as url:
            yield url, "people"
        return
    given = os.environ.get(MYSQL_VARIABLE)
    if not given:
        pytest.skip(f"{MYSQL_VARIABLE} is not set: there is no MySQL to test on")
    yield given, f"test_people_{secrets.token_hex(6)}"


def people(number: int) -> list[dict[str, Any]]:
    """Return rows of every kind, some without values, the same at each call."""
    rng = random.Random(7)
    return [
        {
            "uniqueid": f"W{each}:A{each}",
            "assignmentid": f"A{each}",
            "workerid": f"W{each}",
            "hitid": f"H{each % 7}",
            "cond": rng.choice([0, 1, 2, None]),
            "codeversion": rng.choice(["1.0", "1.1", "2.0", None]),
            "status": rng.choice([0, 1, 2, 3, 4, 5, 6, 7, None]),
            "mode": rng.choice(["live", "sandbox", "debug"]),
            "beginhit": rng.choice([None, BEGAN + timedelta(hours=rng.randrange(72))]),
            "bonus": 0.35,
            "datastring": '{"data": [], "workerId": "W1"}',
        }
        for each in range(number)
    ]
