"""Ends a command's process at request N, in every way, then runs the same command again until it is done.

What the harnesses of bonuses, of dispatch and of runs share. Each is a program of its own (``python HARNESS FOLDER SIZE
PART PARTS``), so that it can fork before any engine or thread exists, and prints one JSON object: requests of an
undisturbed run, cases, and what was wrong.

The database is a file in the folder, or a PostgreSQL database of each case where ``HARNESS_POSTGRES`` names a server.
"""

from __future__ import annotations

import gc
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from databases import POSTGRES_VARIABLE, WHY_SKIPPED
from sqlalchemy.dialects import sqlite  # noqa: F401  # what every child needs is there before they are made
from sqlalchemy.orm import configure_mappers

from turkctl.context import Context
from turkctl.market.doors.inprocess import attach
from turkctl.market.protocol.endpoint import CutAnswerError
from turkctl.mturk import connect
from turkctl.mturk.client import MTurk
from turkctl.operations.engine.plan import BatchResult
from turkctl.settings import load
from turkctl.store import schema
from turkctl.store.engine import parse_url

OVER, ENDED_HERE, WRONG = 0, -signal.SIGKILL, 77
WAYS = ("before", "after", "lost")
PARTS = 2
POSTGRES = "HARNESS_POSTGRES"
"""The environment variable that names a server."""
CLIENT = connect._client(connect.LOCAL_ENDPOINT, None, connect.REGION, True, (1.0, 1.0))
"""A boto3 client that no market answers yet: half of what a child would take to begin."""


class Ending:
    """Kills the process at request N, before its effect or after it, or loses its answer."""

    def __init__(self, way: str, number: int) -> None:
        self.way, self.number, self.seen = way, number, 0
        self._lock = threading.Lock()
        self._mine = threading.local()
        """The number of the request that this thread has under way."""

    def before(self, _operation: str) -> None:
        with self._lock:
            self.seen += 1
            self._mine.number = self.seen
        if (self.way, self.number) == ("before", self._mine.number):
            os.kill(os.getpid(), signal.SIGKILL)

    def after(self, operation: str) -> None:
        if (self.way, self.number) == ("lost", self._mine.number):
            raise CutAnswerError(operation)
        if (self.way, self.number) == ("after", self._mine.number):
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class Scenario:
    """What is done at which size.

    Attributes:
        prepare: makes the study in a folder, before the command.
        command: carries the command out in a folder, with so many threads.
        check: sees that all is as it should be once the command says so.
        threads: of the run that is ended at the request of this number.
        repeats: whether the command may be given once more when it is done, and then does nothing.
    """

    prepare: Callable[[Path, int], None]
    command: Callable[[Context, Path, int], BatchResult]
    check: Callable[[Path, int], None]
    threads: Callable[[int], int] = lambda _number: 1
    repeats: bool = True

    def main(self) -> None:
        """Every ending whose turn it is in this part."""
        schema.all_tables()
        configure_mappers()
        gc.freeze()
        folder, (size, part, parts) = Path(sys.argv[1]), (int(each) for each in sys.argv[2:5])
        template, undisturbed = folder / f"template{part}", folder / f"undisturbed{part}"
        template.mkdir()
        _new_database(template)
        assert _forked(lambda: self.prepare(template, size)) == OVER
        _copy(template, undisturbed)
        assert self._child(undisturbed, size) == OVER, (undisturbed / "wrong").read_text()
        requests = int((undisturbed / "requests").read_text())
        if (undisturbed / "planned").exists():  # what the command was about to do when nothing disturbed it
            shutil.copy(undisturbed / "planned", template)
        cases = [(way, number) for number in range(1, requests + 1) for way in WAYS][part::parts]
        found = [self._case(template, folder / f"case{part}", way, number, size) for way, number in cases]
        for each in (template, undisturbed):
            _forget(each)
        wrong = [each for each in found if each is not None]
        print(json.dumps({"requests": requests, "cases": len(cases), "wrong": wrong}))  # noqa: T201  # its result

    def _child(self, folder: Path, size: int, ending: Ending | None = None) -> int:
        """Run the command once, in a process of its own; its exit code."""

        def run() -> int:
            world = world_of(folder)
            attach(CLIENT.meta.events, world.endpoint)
            world.mturk = MTurk(CLIENT, connect.LOCAL_ENDPOINT, in_process=True)
            if ending is not None:
                world.endpoint.before, world.endpoint.after = ending.before, ending.after
            result = self.command(world, folder, 1 if ending is None else self.threads(ending.number))
            (folder / "requests").write_text(str(world.endpoint.requests.total()))
            world.close()
            if result.exit_code == OVER:
                self.check(folder, size)
            return int(result.exit_code)

        return _forked(run, folder / "wrong")

    def _case(self, template: Path, folder: Path, way: str, number: int, size: int) -> str | None:
        """One ending, and the same command after it until it exits 0, and once more; what went wrong, or None."""
        _copy(template, folder)
        first = code = self._child(folder, size, Ending(way, number))
        for _ in range(3):
            if code == OVER:
                break
            code = self._child(folder, size)
        if code == OVER and self.repeats:
            code = self._child(folder, size)
        wrong = None
        if first != (OVER if way == "lost" else ENDED_HERE):
            wrong = f"it ended with {first}"
        if code != OVER:
            wrong = (folder / "wrong").read_text() if (folder / "wrong").exists() else f"exit code {code}"
        _forget(folder)
        return None if wrong is None else f"request {number}, {way}: {wrong}"


def url_of(folder: Path) -> str | None:
    """The address of the folder's PostgreSQL database; None where it has a file."""
    named = folder / "database_url"
    return named.read_text() if named.exists() else None


def world_of(folder: Path) -> Context:
    """The context of a command in the folder."""
    url = url_of(folder)
    return Context(load({} if url is None else {"database_url": url}, {}, folder))


def _new_database(folder: Path, template: str = "template0") -> None:
    server = os.environ.get(POSTGRES)
    if server is not None:
        name = f"turkctl_test_{secrets.token_hex(6)}"
        _administer(f"CREATE DATABASE {name} TEMPLATE {template}")
        url = parse_url(server).set(database=name).render_as_string(hide_password=False)
        (folder / "database_url").write_text(url)


def _copy(folder: Path, to: Path) -> None:
    shutil.copytree(folder, to)
    url = url_of(folder)
    if url is not None:
        _new_database(to, parse_url(url).database or "")


def _forget(folder: Path) -> None:
    url = url_of(folder)
    if url is not None:
        _administer(f"DROP DATABASE {parse_url(url).database} WITH (FORCE)")
    shutil.rmtree(folder)


def _administer(statement: str) -> None:
    import psycopg

    with psycopg.connect(os.environ[POSTGRES].replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(statement.encode())


def _forked(act: Callable[[], Any], wrong: Path | None = None) -> int:
    """The exit code of a process that does it: what it returns, or 0 for nothing."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    code = WRONG
    try:
        code = act() or OVER
    except BaseException:  # noqa: BLE001  # the child tells its parent whatever it was
        if wrong is None:
            traceback.print_exc()
        else:
            wrong.write_text(traceback.format_exc())
    finally:
        os._exit(code)


def every_ending(harness: Path, folder: Path, size: int, *more: str, kind: str = "sqlite") -> int:
    """Run a harness in parts, side by side; how many requests the undisturbed run made.

    ``more`` are further arguments of the harness, ``kind`` is that of the database.

    All cases must have gone right, and there must be one for each request and way.
    """
    command = [sys.executable, str(harness), str(folder), str(size)]
    environment = dict(os.environ)
    if kind == "postgres":
        if POSTGRES_VARIABLE not in os.environ:
            pytest.skip(WHY_SKIPPED)
        environment[POSTGRES] = os.environ[POSTGRES_VARIABLE]
    running = [
        subprocess.Popen(
            [*command, str(part), str(PARTS), *more],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for part in range(PARTS)
    ]
    finished = [process.communicate(timeout=580) for process in running]
    assert [process.returncode for process in running] == [0] * PARTS, "\n".join(err for _, err in finished)
    reports = [json.loads(out) for out, _ in finished]
    assert [report["wrong"] for report in reports] == [[]] * PARTS
    requests = int(reports[0]["requests"])
    assert sum(report["cases"] for report in reports) == len(WAYS) * requests
    return requests
