"""Kill a command that is a run at request N, in every way, and give it again; see :mod:`fork_harness`.

``python run_crash_harness.py FOLDER SIZE PART PARTS ACT``, where ACT is create, extend or compensate.
"""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from fork_harness import Scenario, url_of, world_of
from sqlalchemy import text
from study_support import Study, worker

from turkctl.context import Context
from turkctl.operations.engine.plan import Act, BatchResult, Plan
from turkctl.operations.hits.create import CreateRequest, prepare_create
from turkctl.operations.hits.extend import ExtendRequest, prepare_extend
from turkctl.operations.payments.compensate import CompensateRequest, compensate, prepare_compensate
from turkctl.store.intents import Intent

WANTED = CompensateRequest(worker(1), Decimal("2.50"), "The server broke")
WEEK = timedelta(days=7)


def new_study(folder: Path) -> Study:
    """A study whose experiment is configured, in the folder's database."""
    (folder / "turkctl.toml").write_text("")
    study = Study(folder, url_of(folder))
    study.configure({"stroop": "1.0"})
    return study


def prepare(folder: Path, _size: int) -> None:
    """A study with nothing posted."""
    new_study(folder).world.close()


def prepare_hits(folder: Path, size: int) -> None:
    """A study with so many HITs of two assignments; what each will be worth when it is extended."""
    study = new_study(folder)
    ids = study.post(2, hits=size)
    ends = {hit.hit_id: hit.expires for hit in study.world.mturk.list_hits() if hit.expires is not None}
    until = {hit_id: (ends[hit_id] + WEEK).timestamp() for hit_id in ids}
    (folder / "until").write_text(json.dumps(until))
    study.world.close()


def prepare_people(folder: Path, _size: int) -> None:
    """A study with a worker whose work was approved."""
    study = new_study(folder)
    (hit,) = study.post(1)
    (made,) = study.submit(hit, worker(1))
    study.world.mturk.approve(made)
    study.world.close()


def apply(world: Context, threads: int, prepared: tuple[Plan[Intent], Act[Intent]]) -> BatchResult:
    """Apply a plan without waiting."""
    return world.engine(workers=threads, group=3, sleep=lambda _seconds: None).apply(*prepared)


def create(world: Context, _folder: Path, threads: int) -> BatchResult:
    """``hits create --assignments 2 --hits SIZE``."""
    return apply(world, threads, prepare_create(world, CreateRequest("stroop", 2, int(sys.argv[2]))))


def extend(world: Context, folder: Path, threads: int) -> BatchResult:
    """``hits extend ID... --assignments 3 --lifetime 7d``."""
    ids = tuple(json.loads((folder / "until").read_text()))
    return apply(world, threads, prepare_extend(world, ExtendRequest(ids, 3, WEEK)))


def pay(world: Context, _folder: Path, _threads: int) -> BatchResult:
    """``workers compensate WORKER``."""
    return compensate(world, prepare_compensate(world, WANTED))


def check_created(folder: Path, size: int) -> None:
    """See that so many HITs are on the market, and that the database knows just these."""
    world = world_of(folder)
    posted = sorted(hit.hit_id for hit in world.mturk.list_hits())
    known = sorted(rows(world, "SELECT hit_id FROM turkctl_hit"))
    settled(world)
    world.close()
    assert len(posted) == size, f"{len(posted)} posted"
    assert posted == known, f"{posted} posted, {known} known"


def check_extended(folder: Path, _size: int) -> None:
    """See that each HIT has five assignments, not more, and a week more, not two; and that the database says so."""
    world = world_of(folder)
    until = json.loads((folder / "until").read_text())
    found = {hit.hit_id: hit for hit in world.mturk.list_hits()}
    settled(world)
    world.close()
    sizes = {hit_id: hit.max_assignments for hit_id, hit in found.items()}
    assert sizes == dict.fromkeys(until, 5), f"sizes {sizes}"
    late = {i: h.expires.timestamp() - until[i] for i, h in found.items() if h.expires is not None}
    assert all(abs(seconds) <= 1 for seconds in late.values()), f"seconds later than planned: {late}"


def check_paid(folder: Path, _size: int) -> None:
    """See that there is one HIT for the worker, and at most one message."""
    world = world_of(folder)
    found = [hit for hit in world.mturk.list_hits() if (hit.title or "").startswith("Compensation")]
    messages = len(world.market.messages("production", worker(1)))
    known = rows(world, "SELECT hit_id FROM turkctl_hit WHERE code_version IS NULL")
    settled(world)
    world.close()
    assert [hit.hit_id for hit in found] == known, f"{found}, {known}"
    assert messages <= 1, f"{messages} messages"


def settled(world: Context) -> None:
    """See that no request and no run is open, and that nobody holds a run."""
    open_ = rows(world, "SELECT token FROM turkctl_intent WHERE state IN ('open', 'sent')")
    standing = rows(world, "SELECT state FROM turkctl_run WHERE state <> 'ended'")
    held = rows(world, "SELECT name FROM turkctl_lease")
    assert (open_, standing, held) == ([], [], []), f"open {open_}, runs {standing}, leases {held}"


def rows(world: Context, statement: str) -> list[str]:
    """The first column of what a query finds."""
    with world.database.read() as session:
        return list(session.connection().execute(text(statement)).scalars())


def threads(number: int) -> int:
    """Every other request is one of several that are under way at once."""
    return 1 + 3 * (number % 2)


ACTS = {
    "create": Scenario(prepare, create, check_created, threads, repeats=False),
    "extend": Scenario(prepare_hits, extend, check_extended, threads, repeats=False),
    "compensate": Scenario(prepare_people, pay, check_paid, repeats=False),
}

if __name__ == "__main__":
    ACTS[sys.argv[5]].main()
