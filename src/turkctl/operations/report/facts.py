"""Gather what a closing report says of an experiment."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from turkctl.errors import TurkctlError
from turkctl.operations.campaigns.lists import list_campaigns
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import find_experiment, whole_settings
from turkctl.operations.labels.ordering import agreement_in_order
from turkctl.operations.payments.earnings import Earning, earning, hourly, last_if_missing, summary
from turkctl.operations.payments.ledger import AUTOMATICALLY, US, LedgerQuery, list_payments, who_approved
from turkctl.operations.payments.totals import totals
from turkctl.operations.selection.work import participants_table, psiturk_work
from turkctl.store import (
    experiment_work,
    experiments,
    hits,
    label_results,
    label_votes,
    market_rules,
    participants,
    wages,
)
from turkctl.store.assignments import APPROVED, REJECTED, SUBMITTED
from turkctl.store.experiment_work import ExperimentWork
from turkctl.store.experiments import Version
from turkctl.store.hits import HitFilter, HitRow
from turkctl.store.label_results import AggregationRun
from turkctl.store.participants import Claim
from turkctl.store.workers import WorkFilter, WorkRow

CAMPAIGN = ("id", "codeversion", "goal", "completed", "rounds", "spent", "paid", "status", "created", "ended", "reason")
"""What a report says of each campaign."""
_PSITURKS = ((participants.SUBMITTED, SUBMITTED), (participants.CREDITED, APPROVED), (participants.BONUSED, APPROVED))
_MINUTE = timedelta(minutes=1)

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class _Known:
    """What the database has of the experiment, read in one snapshot."""

    version: Version
    code_versions: Sequence[str]
    """The oldest first."""
    posted: Sequence[HitRow]
    work: Sequence[ExperimentWork]
    psiturks: Sequence[WorkRow]
    """Work that only psiTurk's rows tell of."""
    conditions: Mapping[Claim, int | None]
    earnings: Sequence[Earning]
    kept_out: int
    unlabelled: Sequence[str]
    unit: str
    """What amounts are counted in."""
    labelled: AggregationRun | None
    """The last aggregation of its labels."""

    @property
    def all_work(self) -> list[ExperimentWork | WorkRow]:
        """Return what was handed in, by whatever it is known."""
        return [*self.work, *self.psiturks]

    @property
    def workers(self) -> set[str]:
        """Return everybody who handed in something."""
        return {each.worker_id for each in self.all_work}


def gather(world: World, slug: str) -> dict[str, Any]:
    """Return the facts on an experiment in this mode. The market is asked only whom the account has blocked.

    Raises:
        NotFoundError: the experiment was never configured.
    """
    known = _read(world, slug)
    payments = list_payments(world, LedgerQuery(experiment=slug))
    return {
        "experiment": slug,
        "title": known.version.settings["title"],
        "codeversions": list(known.code_versions),
        "mode": world.settings.mode,
        "made": world.now(),
        "people": _people(known, payments),
        "dates": _dates(known, payments),
        "work": _work(known),
        "wages": _wages(known.earnings),
        "money": [{"currency": known.unit, **totals(payments)}],
        "labels": _labels(known.labelled),
        "requirements": whole_settings(known.version).get("qualifications") or {},
        "exclusions": {
            "rejected": _rejected(known.work),
            "blocked": _blocked(world, known.workers),
            "kept_out": known.kept_out,
            "labels_ignored": [{"worker_id": each} for each in known.unlabelled],
        },
        "campaigns": [
            {key: row[key] for key in CAMPAIGN} for row in list_campaigns(world) if row["experiment"] == slug
        ],
    }


def _read(world: World, slug: str) -> _Known:
    place, narrowed = world.listing_place, WorkFilter(world.listing_place, slug=slug)
    with world.database.read() as session:
        version = find_experiment(session, slug)
        number = version.experiment_id
        work = experiment_work.experiment_work(session, place, number)
        table = participants_table(session, world)
        theirs: list[WorkRow] = []
        for status, says in _PSITURKS if table is not None else ():
            theirs += psiturk_work(session, narrowed, table or "", (status,), says=says).rows
        names = [*(each.assignment_id for each in work), *(each.assignment_id for each in theirs)]
        conditions = {} if table is None else wages.conditions(session, table, place.mode, names)
        earned = [earning(each) for each in wages.approved_work(session, narrowed)]
        history = experiments.history(session, slug)
        return _Known(
            version,
            list(dict.fromkeys(each.code_version for each in reversed(history))),
            hits.select_hits(session, HitFilter(place, slugs=[slug])),
            work,
            theirs,
            conditions,
            [each for each in earned if each is not None],
            experiment_work.count_kept_out(session, place, number),
            sorted(label_votes.excluded(session, number, place.mode)),
            market_rules.unit_at(session, place),
            label_results.standing_run(session, number, place.mode),
        )


def _labels(run: AggregationRun | None) -> dict[str, Any] | None:
    """Return what the last aggregation found on how far people agree; None if there was none."""
    if run is None:
        return None
    facts = run.facts or {}
    counts = {name: facts.get(name) for name in ("items", "workers", "labels")}
    return {
        "run": run.id,
        "method": run.method,
        "aggregated": run.finished,
        **counts,
        "agreement": agreement_in_order(facts.get("agreement")),
    }


def _people(known: _Known, payments: Rows) -> dict[str, Any]:
    """Return how many different people there were: each counts once, whatever they did."""
    kept = [each for each in known.all_work if each.status != REJECTED]
    groups: defaultdict[int | None, set[str]] = defaultdict(set)
    for each in kept:
        groups[known.conditions.get((each.assignment_id, each.worker_id))].add(each.worker_id)
    by_condition = [{"condition": condition, "people": len(workers)} for condition, workers in groups.items()]
    there = any(condition is not None for condition in groups)
    return {
        "took_part": len(known.workers),
        "counted": len({each.worker_id for each in kept}),
        "paid": len({row["worker_id"] for row in payments}),
        "by_condition": sorted(by_condition, key=lambda row: last_if_missing(row["condition"])) if there else [],
    }


def _dates(known: _Known, payments: Rows) -> dict[str, datetime | None]:
    found: dict[str, datetime | None] = {}
    for name, times in (
        ("hit", [hit.created for hit in known.posted]),
        ("submission", [each.submitted for each in known.work]),
        ("payment", [row["paid_at"] for row in payments]),
    ):
        there = [moment for moment in times if moment is not None]
        found[f"first_{name}"] = min(there, default=None)
        found[f"last_{name}"] = max(there, default=None)
    return found


def _work(known: _Known) -> dict[str, int]:
    statuses = Counter(each.status for each in known.all_work)
    approved = [each for each in known.work if each.status == APPROVED]
    by = Counter(who_approved(each.our_decision, each.approved, each.auto_approval) for each in approved)
    return {
        "hits": len(known.posted),
        "submitted": sum(statuses.values()),
        "undecided": statuses[SUBMITTED],
        "approved": statuses[APPROVED],
        "approved_by_us": by[US],
        "approved_automatically": by[AUTOMATICALLY],
        "approved_elsewhere": statuses[APPROVED] - by[US] - by[AUTOMATICALLY],
        "rejected": statuses[REJECTED],
    }


def _wages(earnings: Sequence[Earning]) -> dict[str, Any]:
    """Return what people earned in an hour, and how long the work took: median and range over assignments."""
    hourly_wages = [wage for each in earnings if (wage := hourly(each.dollars, each.time)) is not None]
    minutes = [each.time for each in earnings]
    return summary(earnings) | {
        "lowest_wage": min(hourly_wages, default=None),
        "highest_wage": max(hourly_wages, default=None),
        "median_minutes": _minutes(_median(minutes)),
        "shortest_minutes": _minutes(min(minutes, default=None)),
        "longest_minutes": _minutes(max(minutes, default=None)),
    }


def _median(times: Sequence[timedelta]) -> timedelta | None:
    ordered = sorted(times)
    middle = len(ordered) // 2
    if not ordered:
        return None
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _minutes(time: timedelta | None) -> float | None:
    return None if time is None else round(time / _MINUTE, 1)


def _rejected(work: Iterable[ExperimentWork]) -> Rows:
    return [
        {
            "worker_id": each.worker_id,
            "assignment_id": each.assignment_id,
            "rejected": each.rejected,
            "reason": each.feedback,
        }
        for each in work
        if each.status == REJECTED
    ]


def _blocked(world: World, workers: set[str]) -> Rows | None:
    """Return those of the workers whom the account has blocked; None where the market does not say."""
    try:
        blocks = world.engine().call(lambda: list(world.mturk.list_blocks()))
    except TurkctlError:
        return None
    return [{"worker_id": each.worker_id, "reason": each.reason} for each in blocks if each.worker_id in workers]
