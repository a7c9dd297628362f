"""Ends a command's process at request N, in every way, then runs the same command again until it is done.

What the harnesses of bonuses and of dispatch share. Each is a program of its own (``python HARNESS FOLDER SIZE PART
PARTS``), so that it can fork before any engine or thread exists, and prints one JSON object: requests of an undisturbed
run, cases, and what was wrong.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.dialects import sqlite  # noqa: F401  # what every child needs is there before they are made
from sqlalchemy.orm import configure_mappers

from turkctl.context import Context
from turkctl.market.doors.inprocess import attach
from turkctl.market.protocol.endpoint import AnswerLostError
from turkctl.mturk import connect
from turkctl.mturk.client import MTurk
from turkctl.operations.engine.plan import BatchResult
from turkctl.settings import load
from turkctl.store import schema

OVER, ENDED_HERE, WRONG = 0, 9, 77
WAYS = ("before", "after", "lost")
PARTS = 2
CLIENT = connect._client(connect.LOCAL_ENDPOINT, None, connect.REGION, True, (1.0, 1.0))
"""A boto3 client that no market answers yet: half of what a child would take to begin."""


class Ending:
    """Ends the process at request N, before its effect or after it, or loses its answer."""

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
            os._exit(ENDED_HERE)

    def after(self, operation: str) -> None:
        if (self.way, self.number) == ("lost", self._mine.number):
            raise AnswerLostError(operation)
        if (self.way, self.number) == ("after", self._mine.number):
            os._exit(ENDED_HERE)


@dataclass(frozen=True)
class Scenario:
    """What is done at which size.

    Attributes:
        prepare: makes the study in a folder, before the command.
        command: carries the command out in a folder, with so many threads.
        check: sees that all is as it should be once the command says so.
        threads: of the run that is ended at the request of this number.
    """

    prepare: Callable[[Path, int], None]
    command: Callable[[Context, Path, int], BatchResult]
    check: Callable[[Path, int], None]
    threads: Callable[[int], int] = lambda _number: 1

    def main(self) -> None:
        """Every ending whose turn it is in this part."""
        schema.all_tables()
        configure_mappers()
        gc.freeze()
        folder, (size, part, parts) = Path(sys.argv[1]), (int(each) for each in sys.argv[2:5])
        template, undisturbed = folder / f"template{part}", folder / f"undisturbed{part}"
        template.mkdir()
        assert _forked(lambda: self.prepare(template, size)) == OVER
        shutil.copytree(template, undisturbed)
        assert self._child(undisturbed, size) == OVER, (undisturbed / "wrong").read_text()
        requests = int((undisturbed / "requests").read_text())
        if (undisturbed / "planned").exists():  # what the command was about to do when nothing disturbed it
            shutil.copy(undisturbed / "planned", template)
        cases = [(way, number) for number in range(1, requests + 1) for way in WAYS][part::parts]
        found = [self._case(template, folder / f"case{part}", way, number, size) for way, number in cases]
        wrong = [each for each in found if each is not None]
        print(json.dumps({"requests": requests, "cases": len(cases), "wrong": wrong}))  # noqa: T201  # its result

    def _child(self, folder: Path, size: int, ending: Ending | None = None) -> int:
        """Run the command once, in a process of its own; its exit code."""

        def run() -> int:
            world = Context(load({}, {}, folder))
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
        shutil.copytree(template, folder)
        first = code = self._child(folder, size, Ending(way, number))
        for _ in range(3):
            if code == OVER:
                break
            code = self._child(folder, size)
        if code == OVER:
            code = self._child(folder, size)
        wrong = None
        if first != (OVER if way == "lost" else ENDED_HERE):
            wrong = f"it ended with {first}"
        if code != OVER:
            wrong = (folder / "wrong").read_text() if (folder / "wrong").exists() else f"exit code {code}"
        shutil.rmtree(folder)
        return None if wrong is None else f"request {number}, {way}: {wrong}"


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


def every_ending(harness: Path, folder: Path, size: int) -> int:
    """Run a harness in parts, side by side; how many requests the undisturbed run made.

    All cases must have gone right, and there must be one for each request and way.
    """
    command = [sys.executable, str(harness), str(folder), str(size)]
    running = [
        subprocess.Popen([*command, str(part), str(PARTS)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for part in range(PARTS)
    ]
    finished = [process.communicate(timeout=580) for process in running]
    assert [process.returncode for process in running] == [0] * PARTS, "\n".join(err for _, err in finished)
    reports = [json.loads(out) for out, _ in finished]
    assert [report["wrong"] for report in reports] == [[]] * PARTS
    requests = int(reports[0]["requests"])
    assert sum(report["cases"] for report in reports) == len(WAYS) * requests
    return requests
