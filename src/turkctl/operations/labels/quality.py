"""Say for people how good workers are and how far they agree: texts for tables and lines, and rows for reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from turkctl.errors import UsageError
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import find_experiment
from turkctl.operations.labels.lists import is_numeric, require_run
from turkctl.operations.labels.ordering import agreement_in_order

TOLD_CLASSES = 12
"""Maximum number of classes that a table or a line names."""
TOLD_MISTAKES = 3
"""Maximum number of a worker's mistakes that a table names, the commonest first."""
UNREADABLE = ("classes", "confusion")
"""Keys of a worker whose values are tables themselves: they are for JSON."""
CLASS_COLUMNS = ("class", "share", "alpha", "kappa")

Facts = Mapping[str, Any]


def readable_workers(rows: Sequence[Facts], most: int | None = None) -> list[dict[str, Any]]:
    """Return rows of workers with texts in place of tables and lists, all with the same keys.

    Args:
        rows: as :meth:`turkctl.labels.result.Result.worker_rows` has them; those of earlier versions have fewer keys.
        most: maximum number of classes named; None for all of them, and all mistakes.
    """
    seen = [each["class"] for row in rows for each in row.get("classes") or ()]
    columns = ("right", "wrong_as") if any(not isinstance(each, bool) for each in seen) else ("right",) if seen else ()
    return [_readable(row, columns, most) for row in rows]


def _readable(row: Facts, columns: Sequence[str], most: int | None) -> dict[str, Any]:
    classes = row.get("classes") or []
    more = "…" if most is not None and len(classes) > most else ""
    texts = {
        "right": _right(classes[:most]) + more,
        "wrong_as": _mistakes(classes, None if most is None else TOLD_MISTAKES),
    }
    first = {key: row[key] for key in ("worker", "n", "agreement", "with_others") if key in row}
    rest = {key: value for key, value in row.items() if key not in (*first, *UNREADABLE)}
    lists = {key: sep.join(row[key] or ()) for key, sep in (("flags", " "), ("remarks", "; ")) if key in row}
    return {**first, **{key: texts[key] for key in columns}, **rest, **lists}


def _right(classes: Sequence[Facts]) -> str:
    return ", ".join(f"{name(each['class'])} {each['right']:.0%}" for each in classes)


def _mistakes(classes: Sequence[Facts], most: int | None) -> str:
    """Return the mistakes, the commonest first; classes with few items do not go before others."""
    found = [
        (share * each["n"], f"{name(each['class'])} as {answer} {share:.0%}")
        for each in classes
        for answer, share in each["wrong_as"].items()
    ]
    return ", ".join(text for _, text in sorted(found, key=lambda each: -each[0])[:most])


def name(label: Any) -> str:
    """Return a class as people read it."""
    return ("no", "yes")[label] if isinstance(label, bool) else str(label)


def agreement_line(agreement: Facts) -> str:
    """Return how far people agree, in one line.

    Args:
        agreement: as :meth:`turkctl.labels.agreement.Reliability.as_dict` has it.
    """
    if agreement["alpha"] is None:
        why = "no item has two labels" if not agreement["items"] else "all labels are the same"
        return f"agreement: unknown, {why}"
    coefficients = [f"alpha {interval(agreement, 'alpha')}"]
    if agreement["kappa"] is not None:
        coefficients.append(f"kappa {interval(agreement, 'kappa')}")
    classes = [each for each in agreement["classes"] if each["alpha"] is not None]
    told = ", ".join(f"{name(each['class'])} {each['alpha']:.2f}" for each in classes[:TOLD_CLASSES])
    several = told and len(agreement["classes"]) > 2
    return f"agreement: {', '.join(coefficients)}" + (f"; alpha by class: {told}" if several else "")


def interval(numbers: Facts, what: str) -> str:
    """Return a coefficient with its interval, as people read them; nothing where it is undefined."""
    value, low, high = (numbers.get(key) for key in (what, f"{what}_low", f"{what}_high"))
    if value is None:
        return ""
    return f"{value:.2f}" if low is None or high is None else f"{value:.2f} (95%: {low:.2f} to {high:.2f})"


def class_rows(agreement: Facts) -> list[dict[str, str]]:
    """Return a readable row per class: its share of the labels, and the agreement on it."""
    return [
        {
            "class": name(each["class"]),
            "share": f"{each['share']:.1%}",
            "alpha": interval(each, "alpha"),
            "kappa": interval(each, "kappa"),
        }
        for each in agreement["classes"]
    ]


def agreement_of(world: World, slug: str) -> dict[str, Any]:
    """Return how far people agree on an experiment's items, as its last aggregation found.

    Raises:
        NotFoundError: no such experiment.
        UsageError: its labels were never aggregated in this mode, or by a version that did not say.
    """
    with world.database.read() as session:
        version = find_experiment(session, slug)
        run = require_run(session, version, world.listing_place.mode)
    found = agreement_in_order((run.facts or {}).get("agreement"))
    if is_numeric(run):
        raise UsageError(
            f"the labels of experiment {slug} are numbers",
            hint="alpha and kappa are for classes; see bias and distance in: turkctl labels workers",
        )
    if found is None:
        raise UsageError(
            f"run {run.id} of experiment {slug} does not say how far people agree",
            hint=f"run: turkctl labels aggregate --experiment {slug} --force",
        )
    return {"experiment": slug, "run": run.id, **found}
