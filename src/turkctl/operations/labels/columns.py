"""Find the columns of item, worker and label in a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from turkctl.errors import UsageError
from turkctl.rows import plain
from turkctl.words import meant_or, nearest

KNOWN: dict[str, tuple[str, ...]] = {
    "item": ("item", "task"),
    "worker": ("worker",),
    "label": ("label",),
}
"""Column names that are recognized without an option, whatever their case."""

STATUS = "status"
"""The role of a column with the status of the work, as Amazon's result files have it."""
_STATUS_COLUMN = "assignmentstatus"

GOLD = ("truth", "gold", "label", "answer")
"""Columns of a file of known answers: the first of them that it has."""

LIKELY: dict[str, tuple[str, ...]] = {
    "item": (
        "item_id",
        "task_id",
        "object",
        "question",
        "image",
        "unit",
        "example",
        "document",
        "sample",
        "key",
        "id",
        "hitid",
    ),
    "worker": ("worker_id", "workerid", "annotator", "annotator_id", "user", "user_id", "rater", "coder", "labeler"),
    "label": ("value", "answer", "response", "vote", "rating", "judgment", "judgement", "annotation", "class"),
}
"""Column names that are only suggested, because they often mean something else."""


@dataclass(frozen=True)
class ColumnNames:
    """Column names from the command line; None for the usual ones."""

    item: str | None = None
    worker: str | None = None
    label: str | None = None
    gold: str | None = None


def find_columns(header: Sequence[str], names: ColumnNames, where: str) -> dict[str, int]:
    """Return the positions of ``item``, ``worker`` and ``label`` in the header, of ``gold`` if it is named.

    The status of the work comes last, if there is a column AssignmentStatus.

    Raises:
        UsageError: one of them is missing (the hint suggests another column) or appears twice; one column is named for
            two of them.
    """
    given = {"item": names.item, "worker": names.worker, "label": names.label}
    found = {role: _place(header, role, name, where) for role, name in given.items()}
    missing = [role for role, place in found.items() if place is None]
    if missing:
        raise _not_found(header, found, missing, where)
    places = {role: place for role, place in found.items() if place is not None}
    if names.gold is not None:
        gold = _place(header, "gold", names.gold, where)
        assert gold is not None
        places["gold"] = gold
    _check_distinct(header, places, where)
    status = next((at for at, name in enumerate(header) if plain(name) == _STATUS_COLUMN), None)
    if status is not None and status not in places.values():
        places[STATUS] = status
    return places


def _check_distinct(header: Sequence[str], places: Mapping[str, int], where: str) -> None:
    role_at: dict[int, str] = {}
    for role, place in places.items():
        other = role_at.setdefault(place, role)
        if other != role:
            raise UsageError(
                f"column '{header[place]}' of {where} cannot be both the {other} and the {role}",
                hint=f"name another with --{other}-column or --{role}-column",
            )


def find_gold_columns(header: Sequence[str], names: ColumnNames, where: str) -> dict[str, int]:
    """Return the positions of ``item`` and ``label`` in the header of a file of gold answers."""
    named = next((name for name in GOLD for each in header if each.lower() == name), None)
    found = {
        "item": _place(header, "item", names.item if names.item in header else None, where),
        "label": _gold_place(header, names, named),
    }
    missing = [role for role, place in found.items() if place is None]
    if missing:
        raise UsageError(
            f"{where} has no column {missing[0]}, it has {', '.join(header)}",
            hint=f"gold answers have the columns item and one of {', '.join(GOLD)}",
        )
    return {role: place for role, place in found.items() if place is not None}


def _gold_place(header: Sequence[str], names: ColumnNames, usual: str | None) -> int | None:
    """Return the position of the known answers: the column of labels as it was named, else the first of the usual."""
    if names.label is not None and names.label in header:
        return header.index(names.label)
    return next((at for at, each in enumerate(header) if each.lower() == usual), None)


def _place(header: Sequence[str], role: str, name: str | None, where: str) -> int | None:
    """Return a column's position; None if no name is given and none of the usual ones is in the header."""
    wanted = KNOWN[role] if name is None else (name,)
    hits = [position for position, each in enumerate(header) if (each.lower() if name is None else each) in wanted]
    if len(hits) > 1:
        columns = " and ".join(f"'{header[position]}'" for position in hits)
        raise UsageError(f"{where} has two columns for the {role}: {columns}", hint=f"choose with --{role}-column")
    if not hits and name is not None:
        hint = meant_or(name, header, "it has " + ", ".join(header), f"--{role}-column {{}}".format)
        raise UsageError(f"{where} has no column '{name}'", hint=hint)
    return hits[0] if hits else None


def _not_found(
    header: Sequence[str], found: Mapping[str, int | None], missing: Sequence[str], where: str
) -> UsageError:
    unused = [name for position, name in enumerate(header) if position not in found.values()]
    what = " and no ".join(missing)
    flags = " ".join(f"--{role}-column {_suggestion(role, unused, len(missing))}" for role in missing)
    return UsageError(f"{where} has no column {what}, it has {', '.join(header)}", hint=f"write: {flags}")


def _suggestion(role: str, unused: Sequence[str], missing: int) -> str:
    """Return the most likely unused column, else a placeholder."""
    if missing == 1 and len(unused) == 1:
        return unused[0]
    by_name = {name.lower(): name for name in reversed(unused)}
    by_name |= {name.lower().partition(".")[2]: name for name in reversed(unused) if role != "label" and "." in name}
    if role == "label":
        answers = [name for name in unused if name.lower().startswith("answer.")]
        if answers:
            return answers[0]
    likely = [name for name in (*KNOWN[role], *LIKELY[role]) if name in by_name]
    if likely:
        return by_name[likely[0]]
    near = nearest(role, by_name) or next(
        (name for name in by_name if role in name or any(each in name for each in LIKELY[role][:5])), None
    )
    return by_name[near] if near else "NAME"
