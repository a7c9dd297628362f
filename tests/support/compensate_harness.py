"""End the process of a compensation at request N, in every way, and run the same command again until it is done.

A program of its own (``python compensate_harness.py FOLDER``), so that it forks before any engine or thread exists.
Prints one JSON object: the requests of an undisturbed run, the number of cases, and what was wrong with them.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import sys
import traceback
from decimal import Decimal
from pathlib import Path

from sqlalchemy.dialects import sqlite  # noqa: F401  # what every child needs is there before they are made
from sqlalchemy.orm import configure_mappers
from study_support import Study, worker

from turkctl.context import Context
from turkctl.market.protocol.endpoint import CutAnswerError
from turkctl.mturk import connect
from turkctl.operations.payments.compensate import CompensateRequest, compensate, prepare_compensate
from turkctl.settings import load
from turkctl.store import schema

ENDED_HERE, WRONG, OVER = 9, 77, 0
WAYS = ("before", "after", "lost")
WANTED = CompensateRequest(worker(1), Decimal("2.50"), "The server broke")


class Ending:
    """Ends the process at request N: before its effect, after it, or once its answer is lost and it was tried again."""

    def __init__(self, way: str, number: int) -> None:
        self.way = way
        self.number = number
        self.seen = 0

    def before(self, _operation: str) -> None:
        self.seen += 1
        if (self.way, self.number) == ("before", self.seen):
            os._exit(ENDED_HERE)

    def after(self, operation: str) -> None:
        if (self.way, self.number) == ("lost", self.seen):
            raise CutAnswerError(operation)
        if self.way != "before" and self.seen == self.number + (self.way == "lost"):
            os._exit(ENDED_HERE)


def child(folder: Path, ending: Ending | None) -> int:
    """Compensate in a process of its own; its exit code."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    code = WRONG
    try:
        world = Context(load({}, {}, folder))
        if ending is not None:
            world.endpoint.before, world.endpoint.after = ending.before, ending.after
        result = compensate(world, prepare_compensate(world, WANTED))
        assert result.exit_code == 0, result.as_dict()
        (folder / "requests").write_text(str(world.endpoint.requests.total()))
        world.endpoint.before = world.endpoint.after = None
        check(world)
        code = OVER
    except BaseException:  # noqa: BLE001  # the child tells its parent whatever it was
        (folder / "wrong").write_text(traceback.format_exc())
    finally:
        os._exit(code)


def check(world: Context) -> None:
    """One HIT, which we know; one type, held by one; at most one message; nothing left open."""
    found = [hit for hit in world.mturk.list_hits() if (hit.title or "").startswith("Compensation")]
    assert len(found) == 1, found
    (made,) = world.mturk.list_qualification_types()
    assert [each.worker_id for each in world.mturk.holders(made.type_id)] == [worker(1)]
    messages = len(world.market.messages("production", worker(1)))
    assert messages <= 1
    from sqlalchemy import text

    with world.database.read() as session:
        run = session.connection().execute
        left = run(text("SELECT count(*) FROM turkctl_intent WHERE state IN ('open', 'sent')")).scalar_one()
        known = run(text("SELECT hit_id FROM turkctl_hit WHERE code_version IS NULL")).scalars().all()
    assert (left, list(known)) == (0, [found[0].hit_id])


def case(template: Path, folder: Path, way: str, number: int) -> str | None:
    """One ending, and another process after it; what went wrong, or None."""
    shutil.copytree(template, folder)
    first = code = child(folder, Ending(way, number))
    if code == ENDED_HERE:
        code = child(folder, None)
    wrong = None
    if first != ENDED_HERE and way != "lost":  # a lost answer that is not asked for again ends nothing at the last
        wrong = f"it ended with {first}"
    if code != OVER:
        wrong = (folder / "wrong").read_text() if (folder / "wrong").exists() else f"exit code {code}"
    shutil.rmtree(folder)
    return None if wrong is None else f"request {number}, {way}: {wrong}"


def prepare(folder: Path) -> None:
    """A study with a worker whose work was approved, made by a process of its own."""
    folder.mkdir()
    pid = os.fork()
    if not pid:
        study = Study.new(folder)
        (hit,) = study.post(1)
        (made,) = study.submit(hit, worker(1))
        study.world.mturk.approve(made)
        study.world.close()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def main(folder: Path) -> None:
    """Every ending."""
    template, undisturbed = folder / "template", folder / "undisturbed"
    prepare(template)
    shutil.copytree(template, undisturbed)
    assert child(undisturbed, None) == OVER, (undisturbed / "wrong").read_text()
    requests = int((undisturbed / "requests").read_text())
    cases = [(way, number) for number in range(1, requests + 1) for way in WAYS]
    wrong = [found for way, number in cases if (found := case(template, folder / "case", way, number))]
    print(json.dumps({"requests": requests, "cases": len(cases), "wrong": wrong}))  # noqa: T201  # its result


if __name__ == "__main__":
    schema.all_tables()
    configure_mappers()
    connect._client(connect.LOCAL_ENDPOINT, None, connect.REGION, True, (1.0, 1.0))  # botocore has read its files
    gc.freeze()
    main(Path(sys.argv[1]))
