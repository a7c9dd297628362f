"""Show what one assignment answered beside the items that it was about (``workers answers``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from turkctl.errors import NotFoundError
from turkctl.operations.answers.items import AnswerFields, as_rows
from turkctl.operations.experiments.stored import settings_of
from turkctl.operations.participants import datastring
from turkctl.operations.participants.lists import show
from turkctl.operations.participants.person import OF_PARTICIPANT, PersonWorld
from turkctl.operations.selection.gold import AnswerPatterns, is_right
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection, participants_table
from turkctl.operations.sync.answers import Fields, field_name, parsed, unpacked
from turkctl.operations.sync.answers import answers_of as answers_to_items
from turkctl.operations.workers.assignments import KEYS, list_assignments
from turkctl.store import answered_items, experiments, participant_bonuses
from turkctl.store.answered_items import StoredAnswer
from turkctl.words import counted

OF_ITEM = ("position", "key", "field", "answer", "gold", "right", "data")
"""The keys of an item."""
NOT_READ = "the answers were not read from the market yet: run turkctl sync"
UNREADABLE = "the answers are not in a form that turkctl can read: see document"


def answers_of(world: PersonWorld, assignment_id: str) -> dict[str, Any]:
    """Return an assignment with its answers.

    The keys are those of :func:`turkctl.operations.workers.assignments.list_assignments`, then ``read`` (whether its
    answers are known), ``answers`` by field, ``document`` (as the market has them, where they could not be parsed),
    ``items`` (those that its HIT showed, each with the answer to it, the known answer and whether that was given),
    ``results`` (each answer with the key of its item, or with all ``keys`` if it is about all of them),
    ``participant`` (psiTurk's row, with what was recorded in it) and ``note``. Whether an answer is ``right`` is None
    where there is no known answer, or no settings name the field.

    Raises:
        NotFoundError: the database knows no such assignment in this mode.
    """
    place = world.listing_place
    with world.database.read() as session:
        table = participants_table(session, world)
        found = answered_items.stored_answer(session, place, assignment_id)
        claims = {} if table is None else participant_bonuses.read(session, table, place.mode, [assignment_id])
        if found is None and not claims:
            hint = "see: turkctl workers assignments; to read new work from the market, run: turkctl sync"
            raise NotFoundError(f"there is no assignment {assignment_id}", hint=hint)
        fields = None if found is None else _fields(found)
        items = [] if found is None else _items(session, found, fields)
        results = [] if found is None else _results(session, found, fields)
    listed = list_assignments(world, WorkSelection(Selection(ids=(assignment_id,))))
    rows = [row for row in listed if row["assignment_id"] == assignment_id]
    row = rows[0] if rows else _begun(world, assignment_id, [worker for _assignment, worker in claims])
    claim = claims.get((assignment_id, row["worker_id"]))
    document = None if found is None or fields is not None else found.document
    return {
        **row,
        "read": fields is not None,
        "answers": fields,
        "document": document,
        "items": items,
        "results": results,
        "participant": None if claim is None else _participant(world, claim.uniqueid),
        "note": None if fields is not None else NOT_READ if document is None else UNREADABLE,
    }


def _begun(world: PersonWorld, assignment_id: str, workers: list[str]) -> dict[str, Any]:
    """Return the row of an assignment that only psiTurk's rows have, and that nobody handed in."""
    return {
        **dict.fromkeys(KEYS),
        "assignment_id": assignment_id,
        "worker_id": workers[0] if len(workers) == 1 else None,
        "mode": world.listing_place.mode,
    }


def _fields(found: StoredAnswer) -> Fields | None:
    return found.answers if found.answers is not None else parsed(found.document)


def _items(session: Session, found: StoredAnswer, fields: Fields | None) -> list[dict[str, Any]]:
    if found.hit_row is None or found.experiment_id is None:
        return []
    shown = answered_items.items_shown(session, found.hit_row)
    known = AnswerPatterns(session).find(found.settings_id, found.experiment_id)
    pattern = known or settings_of(experiments.current(session, found.experiment_id)).label_field
    given = {} if pattern is None else answers_to_items(fields or {}, pattern, [(it.position, it.key) for it in shown])
    checks = known is not None and fields is not None
    values = (
        (
            item.position,
            item.key,
            None if pattern is None else field_name(pattern, item.position, item.key),
            given.get(item.key),
            item.gold,
            is_right(given.get(item.key), item.gold) if checks and item.gold is not None else None,
            item.data,
        )
        for item in shown
    )
    return [dict(zip(OF_ITEM, each, strict=True)) for each in values]


def _results(session: Session, found: StoredAnswer, fields: Fields | None) -> list[dict[str, Any]]:
    if found.hit_row is None or found.experiment_id is None:
        return []
    shown = answered_items.items_shown(session, found.hit_row)
    patterns = AnswerFields().of(session, found.settings_id, found.experiment_id)
    return as_rows(unpacked(fields or {}), patterns, shown) if shown else []


def _participant(world: PersonWorld, uniqueid: str) -> dict[str, Any]:
    row = show(world, uniqueid)
    return {**{key: row[key] for key in OF_PARTICIPANT}, "recorded": _recorded(row["data"])}


def _recorded(data: Any) -> Mapping[str, Any] | None:
    """Return what an experiment recorded in short: numbers of trials and events, the answers to its questions."""
    if data is None:
        return None
    if not isinstance(data, dict):
        return {"trials": None, "events": None, "questions": None, "detail": "it is not in psiTurk's form"}
    found = {kind: datastring.unpack(data, kind) for kind in datastring.KINDS}
    reasons = sum(len(reasons) for _rows, reasons in found.values())
    return {
        "trials": len(found["trial"][0]),
        "events": len(found["event"][0]),
        "questions": {row["question"]: row["value"] for row in found["question"][0]},
        "detail": f"{counted(reasons, 'part')} could not be read" if reasons else None,
    }
