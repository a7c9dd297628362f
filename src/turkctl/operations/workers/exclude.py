"""Keep those who took part out of later HITs of the experiment, without blocking anyone (``workers exclude``).

They are granted the experiment's qualification, whose holders new HITs exclude. They get no message.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TextIO

from turkctl.errors import TurkctlError
from turkctl.operations.engine.plan import Act, Done, Plan, Step, skip
from turkctl.operations.engine.world import World
from turkctl.operations.intents.settle import settle
from turkctl.operations.qualifications.gate import keep_out
from turkctl.operations.selection.file_rows import WORK, first_rows, in_rows, mangled_ids, read_people
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import FoundWork, WorkSelection, find_work
from turkctl.store import experiments, qualifications
from turkctl.store.experiments import Version


@dataclass(frozen=True)
class Exclusion:
    """A worker, and the experiment to keep them out of."""

    worker_id: str
    version: Version


def plan_exclude(
    mode: str, found: FoundWork, by_slug: dict[str, Version], notes: Sequence[str] = ()
) -> Plan[Exclusion]:
    """Return a plan with a step per worker and experiment; skip work of unknown experiments."""
    pairs = dict.fromkeys((each.worker_id, each.experiment) for each in found.work)
    steps = tuple(
        Step(worker, Exclusion(worker, by_slug[slug]), detail=f"from later HITs of {slug}")
        for worker, slug in pairs
        if slug is not None
    )
    homeless = [
        (worker, "the work belongs to no experiment of this database") for worker, slug in pairs if slug is None
    ]
    return Plan("exclude", mode, steps, (*skip([*homeless, *found.idle]), *found.failed), tuple(notes))


def prepare_exclude(world: World, wanted: WorkSelection) -> tuple[Plan[Exclusion], Exclude]:
    """Return the plan for the workers of the work that matches, and the act.

    Raises:
        UsageError, NotFoundError, WrongMarketError: see :func:`turkctl.operations.selection.work.find_work`.
    """
    now = world.now()
    settled = settle(world, now)
    found = find_work(world, wanted)
    with world.database.read() as session:
        by_slug = {each.slug: each for each in experiments.list_all(session)}
    return plan_exclude(world.place.mode, found, by_slug, settled.notes), Exclude(world, now)


def prepare_exclude_file(world: World, file: Path, stdin: TextIO) -> tuple[Plan[Exclusion], Exclude]:
    """Return the plan for the assignments or workers that a file names, and the act.

    Raises:
        UsageError: the file cannot be read; nothing is done.
        NotFoundError, WrongMarketError: see :func:`turkctl.operations.selection.work.find_work`.
    """
    named = read_people(world, file, stdin, ids=WORK)
    rows = first_rows(named.rows)
    if rows:
        plan, act = prepare_exclude(world, WorkSelection(Selection(ids=tuple(rows))))
    else:
        plan, act = Plan[Exclusion]("exclude", world.place.mode, ()), Exclude(world, world.now())
    steps = tuple(replace(step, row=rows.get(step.id)) for step in plan.steps)
    skipped, notes = (*in_rows(plan.skipped, rows), *named.nameless), (*plan.notes, *mangled_ids(named.rows))
    return replace(plan, steps=steps, skipped=skipped, notes=notes), act


class Exclude(Act[Exclusion]):
    """Grants each worker the qualification of the experiment."""

    def __init__(self, world: World, now: datetime) -> None:
        self._world = world
        self._now = now
        self._types: dict[int, str] = {}

    def prepare(self, steps: Sequence[Step[Exclusion]]) -> None:
        """Create the missing qualification types of each experiment whose holders its later HITs exclude.

        Raises:
            RefusedError: see :func:`turkctl.operations.qualifications.took_part.ensure_type`.
        """
        for version in {step.payload.version.experiment_id: step.payload.version for step in steps}.values():
            if version.experiment_id not in self._types:
                self._types[version.experiment_id], *_gate = keep_out(self._world, version, self._now)

    def perform(self, step: Step[Exclusion]) -> Done:
        """Ask the market to grant the qualification; repeating this changes nothing."""
        type_id = self._types[step.payload.version.experiment_id]
        self._world.mturk.grant(type_id, step.payload.worker_id, notify=False)
        return Done("excluded")

    def record(self, outcomes: Sequence[tuple[Step[Exclusion], Done | TurkctlError]]) -> None:
        """Store who was granted what, so that sync does not grant it again."""
        done = [step.payload for step, outcome in outcomes if isinstance(outcome, Done)]
        with self._world.database.write() as session:
            for experiment_id in {each.version.experiment_id for each in done}:
                made = qualifications.find(session, self._world.place, experiment_id)
                if made is not None:
                    workers = [(each.worker_id, None) for each in done if each.version.experiment_id == experiment_id]
                    qualifications.record_grants(session, made, workers, self._now)
