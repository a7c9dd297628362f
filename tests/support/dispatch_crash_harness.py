"""Dispatch content by a process that ends at request N, in every way; see :mod:`fork_harness`."""

from __future__ import annotations

from pathlib import Path

from dispatch_support import ContentStudy
from fork_harness import Scenario, url_of, world_of
from sqlalchemy import text

from turkctl.context import Context
from turkctl.operations.content.dispatch import prepare_dispatch
from turkctl.operations.engine.plan import BatchResult
from turkctl.operations.selection.hits import Selection

PER_HIT = 3


def prepare(folder: Path, groups: int) -> None:
    """Items for so many groups, the last of them not full, and one with a known answer."""
    study = ContentStudy(folder, f"contents_per_hit = {PER_HIT}\ngold_per_hit = 1\n", database_url=url_of(folder))
    study.add_numbered(groups * PER_HIT - 1)
    study.add("key,url,answer\nknown,x,cat\n", gold="answer")
    study.world.close()


def dispatch(world: Context, _folder: Path, threads: int) -> BatchResult:
    """``content dispatch``."""
    plan, act = prepare_dispatch(world, Selection())
    return world.engine(workers=threads, group=7, sleep=lambda _seconds: None).apply(plan, act)


def check(folder: Path, groups: int) -> None:
    """See that each item is in one HIT, that all HITs of the market are known, and that nothing is open."""
    world = world_of(folder)
    with world.database.read() as session:
        run = session.connection().execute
        shown = run(
            text(
                "SELECT c.key, count(l.hit_row) AS hits FROM turkctl_content c LEFT JOIN turkctl_content_hit l "
                "ON l.content_id = c.id GROUP BY c.key"
            )
        ).all()
        links = tuple(run(text("SELECT count(*), count(hit_row) FROM turkctl_content_hit")).one())
        known = set(run(text("SELECT hit_id FROM turkctl_hit")).scalars())
        left = tuple(run(text("SELECT count(*) FROM turkctl_intent WHERE state IN ('open', 'sent')")).one())
    posted = [hit.hit_id for hit in world.mturk.list_hits()]
    world.close()
    items = groups * PER_HIT - 1
    wanted = {f"i{number}": 1 for number in range(items)} | {"known": groups}
    assert {row.key: row.hits for row in shown} == wanted, f"items by HITs: {shown}"
    assert links == (items + groups, items + groups), f"links, and those with a HIT: {links}"
    assert (len(posted), set(posted)) == (groups, known), f"{len(posted)} posted, {len(known)} known"
    assert left == (0,), f"{left} requests are open"


if __name__ == "__main__":
    Scenario(prepare, dispatch, check).main()
