"""psiTurk at work on the database of a study: it posts HITs, and writes rows of those who do them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace

from psiturk_study import HITS
from study_support import Study

from turkctl.fees import MTURK
from turkctl.operations.experiments.stored import find_experiment
from turkctl.operations.intents.posts import Post


def share(study: Study) -> None:
    """Make psiTurk's table of HITs in the study's database."""
    with study.world.database.write() as session:
        HITS.create(session.connection(), checkfirst=True)


def name_hits(study: Study, hit_ids: Sequence[str]) -> None:
    """Enter ids in psiTurk's table, whether there are such HITs or not."""
    share(study)
    with study.world.database.write() as session:
        session.connection().execute(HITS.insert(), [{"hitid": each} for each in hit_ids])


def psiturk_posts(study: Study, assignments: int = 9, *, named: bool = True) -> str:
    """Post a HIT past turkctl; its id, which psiTurk enters in its table."""
    with study.world.database.read() as session:
        version = find_experiment(session, study.sql("SELECT slug FROM turkctl_experiment ORDER BY id LIMIT 1")[0][0])
    request = Post.of(version, assignments, MTURK).request("", study.world.place.mode)
    hit = study.world.mturk.create_hit(replace(request, annotation=None), secrets.token_hex(8))
    if named:
        name_hits(study, [hit.hit_id])
    return hit.hit_id


def psiturk_row(
    study: Study,
    hit_id: str,
    worker: str,
    assignment_id: str,
    *,
    version: str | None = "1.0",
    status: int = 4,
    mode: str = "local",
    bonus: float = 0.0,
    began: str = "2026-09-01 10:00:00.000000",
) -> None:
    """Write a participant's row as psiTurk does."""
    study.write(
        "INSERT INTO assignments"
        " (uniqueid, assignmentid, workerid, hitid, codeversion, status, mode, cond, bonus, beginhit)"
        " VALUES (:u, :a, :w, :h, :v, :s, :m, 0, :b, :t)",
        u=f"{worker}:{assignment_id}",
        a=assignment_id,
        w=worker,
        h=hit_id,
        v=version,
        s=status,
        m=mode,
        b=bonus,
        t=began,
    )
