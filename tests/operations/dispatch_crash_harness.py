"""Dispatch content by a process that ends at request N, in every way, then by the same command until it is done.

A program of its own (``python dispatch_crash_harness.py FOLDER GROUPS PART PARTS``), so that it can fork before any
engine or thread exists. Prints one JSON object: requests of an undisturbed run, cases, and what was wrong.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import sqlite3
import sys
import traceback
from contextlib import closing
from pathlib import Path

from dispatch_support import ContentLab
from sqlalchemy.dialects import sqlite  # noqa: F401  # what every child needs is there before they are made
from sqlalchemy.orm import configure_mappers

from turkctl.context import Context
from turkctl.market.doors.inprocess import attach
from turkctl.market.endpoint import AnswerLostError
from turkctl.mturk import connect
from turkctl.mturk.client import MTurk
from turkctl.operations.dispatch import prepare_dispatch
from turkctl.operations.selection import Selection
from turkctl.settings import load
from turkctl.store import schema

OVER, ENDED_HERE, WRONG = 0, 9, 77
WAYS = ("before", "after", "lost")
PER_HIT = 3
CLIENT = connect._client(connect.LOCAL_ENDPOINT, None, connect.REGION, True, (1.0, 1.0))
"""A boto3 client that no market answers yet: half of what a child would take to begin."""


class Ending:
    """Ends the process at request N, before its effect or after it, or loses its answer."""

    def __init__(self, way: str, number: int) -> None:
        self.way, self.number, self.seen = way, number, 0

    def before(self, _operation: str) -> None:
        self.seen += 1
        if (self.way, self.number) == ("before", self.seen):
            os._exit(ENDED_HERE)

    def after(self, operation: str) -> None:
        if (self.way, self.number) == ("lost", self.seen):
            raise AnswerLostError(operation)
        if (self.way, self.number) == ("after", self.seen):
            os._exit(ENDED_HERE)


def prepare(folder: Path, groups: int) -> None:
    """Items for so many groups, the last of them not full, and one with a known answer; by a process of its own."""
    folder.mkdir()
    pid = os.fork()
    if not pid:
        study = ContentLab(folder, f"contents_per_hit = {PER_HIT}\ngold_per_hit = 1\n")
        study.add_numbered(groups * PER_HIT - 1)
        study.add("key,url,answer\nknown,x,cat\n", gold="answer")
        study.world.close()
        os._exit(OVER)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == OVER


def child(folder: Path, ending: Ending | None, groups: int) -> int:
    """Run the command once, in a process of its own; its exit code."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    code = WRONG
    try:
        world = Context(load({}, {}, folder))
        attach(CLIENT.meta.events, world.endpoint)
        world.mturk = MTurk(CLIENT, connect.LOCAL_ENDPOINT, in_process=True)
        if ending is not None:
            world.endpoint.before, world.endpoint.after = ending.before, ending.after
        plan, act = prepare_dispatch(world, Selection())
        result = world.engine(workers=1, group=7, sleep=lambda _seconds: None).apply(plan, act)
        (folder / "requests").write_text(str(world.endpoint.requests.total()))
        world.close()
        if result.exit_code == 0:
            check(folder, groups)
        code = int(result.exit_code)
    except BaseException:  # noqa: BLE001  # the child tells its parent whatever it was
        (folder / "wrong").write_text(traceback.format_exc())
    finally:
        os._exit(code)


def check(folder: Path, groups: int) -> None:
    """See that each item is in one HIT, that all HITs of the market are known, and that nothing is open."""
    with closing(sqlite3.connect(folder / "turkctl.db")) as database:
        shown = database.execute(
            "SELECT c.key, count(l.hit_row) FROM turkctl_content c LEFT JOIN turkctl_content_hit l "
            "ON l.content_id = c.id GROUP BY c.key"
        ).fetchall()
        links = database.execute("SELECT count(*), count(hit_row) FROM turkctl_content_hit").fetchone()
        known = {hit for (hit,) in database.execute("SELECT hit_id FROM turkctl_hit")}
        left = database.execute("SELECT count(*) FROM turkctl_intent WHERE state IN ('open', 'sent')").fetchone()
    world = Context(load({}, {}, folder))
    posted = [hit.hit_id for hit in world.mturk.list_hits()]
    world.close()
    items = groups * PER_HIT - 1
    wanted = {f"i{number}": 1 for number in range(items)} | {"known": groups}
    assert dict(shown) == wanted, f"items by HITs: {dict(shown)}"
    assert links == (items + groups, items + groups), f"links, and those with a HIT: {links}"
    assert (len(posted), set(posted)) == (groups, known), f"{len(posted)} posted, {len(known)} known"
    assert left == (0,), f"{left} requests are open"


def case(template: Path, folder: Path, way: str, number: int, groups: int) -> str | None:
    """One ending, and the same command after it until it exits 0; what went wrong, or None."""
    shutil.copytree(template, folder)
    code = child(folder, Ending(way, number), groups)
    for _ in range(3):
        if code == OVER:
            break
        code = child(folder, None, groups)
    if code == OVER:
        code = child(folder, None, groups)
    wrong = None
    if code != OVER:
        wrong = (folder / "wrong").read_text() if (folder / "wrong").exists() else f"exit code {code}"
    shutil.rmtree(folder)
    return None if wrong is None else f"request {number}, {way}: {wrong}"


def main(folder: Path, groups: int, part: int, parts: int) -> None:
    """Every ending whose turn it is in this part."""
    template, undisturbed = folder / f"template{part}", folder / f"undisturbed{part}"
    prepare(template, groups)
    shutil.copytree(template, undisturbed)
    assert child(undisturbed, None, groups) == OVER, (undisturbed / "wrong").read_text()
    requests = int((undisturbed / "requests").read_text())
    cases = [(way, number) for number in range(1, requests + 1) for way in WAYS][part::parts]
    found = [case(template, folder / f"case{part}", way, number, groups) for way, number in cases]
    wrong = [each for each in found if each is not None]
    print(json.dumps({"requests": requests, "cases": len(cases), "wrong": wrong}))  # noqa: T201  # its result


if __name__ == "__main__":
    schema.all_tables()
    configure_mappers()
    gc.freeze()
    main(Path(sys.argv[1]), *(int(each) for each in sys.argv[2:5]))
