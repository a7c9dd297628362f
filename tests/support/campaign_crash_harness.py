"""Run a campaign whose process ends at request N, in every way, then run it again until it is over.

A program of its own (``python crash_harness.py FOLDER``), so that it can fork before any engine or thread exists.
Each case works on a copy of one prepared folder. Prints one JSON object: the number of requests of an undisturbed
run, the number of cases, and what was wrong with them.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from campaign_support import check, in_play, known_hits, watch
from sqlalchemy import text
from sqlalchemy.dialects import sqlite  # noqa: F401  # what every child needs is there before they are made
from sqlalchemy.orm import configure_mappers
from study_support import Study, TurnedWorld, people

from turkctl.market.doors.inprocess import attach
from turkctl.market.protocol.endpoint import CutAnswerError
from turkctl.mturk import connect
from turkctl.mturk.client import MTurk
from turkctl.store import schema

GOAL, PER_ROUND = 11, 10
ENDED_HERE, WRONG, OVER = 9, 77, 0
WAYS = ("before", "after", "lost")
SAFETY = 40
"""Rounds after which a campaign that is not over never will be."""


class Ending:
    """Ends the process at request N: before its effect, after it, or once its answer is lost and it was tried again."""

    def __init__(self, way: str, number: int, look: Callable[[str], None]) -> None:
        self.way = way
        self.number = number
        self.seen = 0
        self.look = look

    def before(self, _operation: str) -> None:
        self.seen += 1
        if (self.way, self.number) == ("before", self.seen):
            os._exit(ENDED_HERE)

    def after(self, operation: str) -> None:
        self.look(operation)
        if (self.way, self.number) == ("lost", self.seen):
            raise CutAnswerError(operation)
        if self.seen == self.number + (self.way == "lost"):
            os._exit(ENDED_HERE)


def recruit(study: Study) -> None:
    """Rounds and people in turn, until the campaign is over."""
    everybody = people()
    for turn in range(SAFETY):
        if not study.round().campaign.running:
            return
        hits = in_play(study.folder).hits
        if turn < 2:
            _misbehave(study, hits)
        _grant_most(study)
        study.work(everybody, limit=6)
        check(study, GOAL, "people at work")
        study.pass_time(minutes=31)
    raise AssertionError("the campaign never ended")


def _grant_most(study: Study) -> None:
    """Most people count as granted: a dozen requests that are all alike teach nothing."""
    statement = (
        "INSERT OR IGNORE INTO turkctl_qualification_grant (type_row, worker_id, granted) "
        "SELECT id, :worker, created FROM turkctl_qualification_type"
    )
    with study.world.database.write() as session:
        for number in range(3, GOAL + 5):
            session.connection().execute(text(statement), {"worker": f"AW{number:06d}"})


def _misbehave(study: Study, hits: tuple[str, ...]) -> None:
    """The same person does every HIT that lets him, and somebody takes a slot and leaves it."""
    from turkctl.market.errors import WorkError

    for hit_id in hits:
        for act in (lambda hit: study.submit(hit, "ATWICE"), lambda hit: study.accept(hit, "ALEAVES")):
            try:
                act(hit_id)
            except WorkError:
                continue


CLIENT = connect._client(connect.LOCAL_ENDPOINT, None, connect.REGION, True, (1.0, 1.0))
"""A boto3 client that no market answers yet: half of what a child would take to begin."""


def child(folder: Path, ending: Callable[[Callable[[str], None]], Ending | None]) -> int:
    """Run the campaign in a process of its own; its exit code."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    code = WRONG
    try:
        TurnedWorld.workers = 1
        study = Study(folder, turned=True)
        attach(CLIENT.meta.events, study.world.endpoint)
        study.world.mturk = MTurk(CLIENT, connect.LOCAL_ENDPOINT, in_process=True)
        watch(study, GOAL)
        look = study.world.endpoint.after
        assert look is not None
        end = ending(look)
        if end is not None:
            study.world.endpoint.before, study.world.endpoint.after = end.before, end.after
        recruit(study)
        check_outcome(study)
        (folder / "requests").write_text(str(study.world.endpoint.requests.total()))
        code = OVER
    except BaseException:  # noqa: BLE001  # the child tells its parent whatever it was
        (folder / "wrong").write_text(traceback.format_exc())
    finally:
        os._exit(code)


def check_outcome(study: Study) -> None:
    """See that a campaign that is over is met, with exactly its goal, and that nothing is left open or unknown."""
    seen = in_play(study.folder)
    with study.world.database.read() as session:
        status = session.connection().execute(text("SELECT status FROM turkctl_campaign")).scalar_one()
        unfinished = "SELECT count(*) FROM turkctl_intent WHERE state IN ('open', 'sent')"
        left = session.connection().execute(text(unfinished)).scalar_one()
    found = (status, seen.completed, set(seen.hits) == known_hits(study), left)
    assert found == ("met", GOAL, True, 0), f"status, people, all HITs known, requests left: {found}"


def case(template: Path, folder: Path, way: str, number: int) -> str | None:
    """One ending, and another process after it; what went wrong, or None."""
    shutil.copytree(template, folder)
    code = child(folder, lambda look: Ending(way, number, look))
    if code == ENDED_HERE:
        code = child(folder, lambda look: None)
    wrong = None
    if code != OVER:
        wrong = (folder / "wrong").read_text() if (folder / "wrong").exists() else f"exit code {code}"
    shutil.rmtree(folder)
    return None if wrong is None else f"request {number}, {way}: {wrong}"


def prepare(folder: Path) -> None:
    """A configured study with its campaign, made by a process of its own."""
    folder.mkdir()
    pid = os.fork()
    if not pid:
        study = Study.new(folder)
        study.create(GOAL, per_round=PER_ROUND)
        study.close()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def main(folder: Path, part: int, parts: int) -> None:
    """Every ending whose turn it is in this part."""
    template = folder / f"template{part}"
    prepare(template)
    undisturbed = folder / f"undisturbed{part}"
    shutil.copytree(template, undisturbed)
    assert child(undisturbed, lambda look: None) == OVER, (undisturbed / "wrong").read_text()
    requests = int((undisturbed / "requests").read_text())
    cases = [(way, number) for number in range(1, requests + 1) for way in WAYS][part::parts]
    wrong = [found for way, number in cases if (found := case(template, folder / f"case{part}", way, number))]
    print(json.dumps({"requests": requests, "cases": len(cases), "wrong": wrong}))  # noqa: T201  # its result


if __name__ == "__main__":
    schema.all_tables()
    configure_mappers()
    gc.freeze()
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
