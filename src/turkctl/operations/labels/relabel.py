"""Let answers stand for other ones (``labels relabel``), and list the answers that were given (``labels answers``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from turkctl.classes import AnswerRule, Sorted
from turkctl.errors import TurkctlError, UsageError
from turkctl.operations.engine.plan import ALREADY_DONE, PLANNED, BatchResult, ItemResult, fail
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import find_experiment
from turkctl.operations.intents import processes
from turkctl.operations.labels.decisions import Instead
from turkctl.operations.labels.from_answers import read_answers
from turkctl.operations.labels.left_out import why_odd
from turkctl.operations.labels.lists import settled_rule, sorted_answers
from turkctl.operations.labels.meaning import label_settings, rule_of, word
from turkctl.store import label_relabels, label_results, label_state, label_votes
from turkctl.store.label_relabels import Relabel
from turkctl.store.labels import ID_LENGTH

COLUMNS = ("answer", "n", "status", "label", "stands_for", "set_by", "set_at", "reason")
"""Columns of the answers that were given."""


def relabel(
    world: World, slug: str, pairs: Sequence[Instead], reason: str | None, *, undo: bool = False, dry_run: bool = False
) -> BatchResult:
    """Let answers stand for other ones, now and in later answers; with ``undo``, for themselves again.

    An answer that is named twice, or is to stand for none of the classes, fails with its row; the others are kept.

    Raises:
        NotFoundError: no such experiment.
    """
    mode, now = world.listing_place.mode, world.now()
    with world.database.read() if dry_run else world.database.write() as session:
        version = find_experiment(session, slug)
        of = (version.experiment_id, mode)
        rule = settled_rule(label_settings(version).rule(), label_results.standing_run(session, *of))
        before = {rule.fold(each.answer): each for each in label_relabels.list_all(session, *of)}
        by = processes.account_of(world.origin.account)
        results: list[ItemResult] = []
        kept: list[Relabel] = []
        gone: list[str] = []
        seen: dict[str, int] = {}
        for each in pairs:
            key = rule.fold(each.answer)
            try:
                _check(each, rule, seen.setdefault(key, each.row), undo=undo)
            except TurkctlError as error:
                results.append(fail(each.answer, error, each.row))
                continue
            was = before.get(key)
            if (was is None) if undo else (was is not None and (was.label, was.reason) == (each.label, reason)):
                results.append(ItemResult(each.answer, ALREADY_DONE))
                continue
            gone += [was.answer] if was is not None else []
            kept += [] if undo else [Relabel(each.answer, each.label, now, by, reason)]
            done = PLANNED if dry_run else "undone" if undo else "relabelled"
            results.append(ItemResult(each.answer, done, None if undo else f"counts as {each.label}"))
        if (kept or gone) and not dry_run:
            label_state.ensure(session, *of, now)
            label_relabels.remove(session, *of, gone)
            label_relabels.put(session, *of, kept)
            label_state.mark_dirty(session, *of, now)
    result = BatchResult("relabel", mode, results, dry_run=dry_run)
    world.origin.tally.add(result, slug)
    return result


def _check(each: Instead, rule: AnswerRule, first: int, *, undo: bool) -> None:
    """Raise if an answer is named twice, is too long, or is to stand for none of the classes.

    Raises:
        UsageError: one of these.
    """
    if first != each.row:
        raise UsageError(f"the answer is already in row {first:,}")
    if len(each.answer) > ID_LENGTH:
        raise UsageError(f"the answer has more than {ID_LENGTH} characters")
    if not undo and rule.kind(each.label) not in ("class", "skipped"):
        raise UsageError(f"'{each.label}' {why_odd(rule)}")


def list_answers(world: World, slug: str) -> list[dict[str, Any]]:
    """Return each answer that was given and counts, how often, and what it counts as; the most frequent first.

    Answers that stand for another one are listed too if nobody gave them.

    Raises:
        NotFoundError: no such experiment.
    """
    mode = world.listing_place.mode
    with world.database.read() as session:
        version = find_experiment(session, slug)
    read_answers(world, version)
    of = (version.experiment_id, mode)
    with world.database.read() as session:
        counts = label_votes.value_counts(session, *of)
        rule = settled_rule(rule_of(session, version, mode), label_results.standing_run(session, *of))
        relabels = {rule.fold(each.answer): each for each in label_relabels.list_all(session, *of)}
        given = {rule.fold(text) for text in counts}
        counts |= {each.answer: 0 for key, each in relabels.items() if key not in given}
        found = sorted_answers(session, version, mode, counts)
    rows = [_row(text, n, found, relabels.get(rule.fold(text))) for text, n in counts.items()]
    return sorted(rows, key=lambda row: -row["n"])


def _row(text: str, n: int, found: Sorted, relabelled: Relabel | None) -> dict[str, Any]:
    kind = found.kind(text)
    return {
        "answer": text,
        "n": n,
        "status": "counts" if kind == "class" else kind,
        "label": word(found.classes[found.codes[text]]) if kind == "class" else None,
        "stands_for": None if relabelled is None else relabelled.label,
        "set_by": None if relabelled is None else relabelled.set_by,
        "set_at": None if relabelled is None else relabelled.set_at,
        "reason": None if relabelled is None else relabelled.reason,
    }
