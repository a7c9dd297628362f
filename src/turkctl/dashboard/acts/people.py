"""Translate between the ids of workers and what a person may see of them, in the forms and fields of acts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from turkctl.dashboard.acts.base import Fields
from turkctl.dashboard.desk import desk
from turkctl.errors import NotFoundError, UsageError
from turkctl.ids import can_be_worker
from turkctl.operations.participants.veil import LETTER
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.workers.assignments import list_assignments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from werkzeug.datastructures import MultiDict

_OF_WORKERS = ("worker", "workers")
"""Fields that have worker ids."""


def read_workers(form: MultiDict[str, str]) -> list[str]:
    """Return the workers that a form names (``worker``, or ``id``), whose values may be pseudonyms.

    Raises:
        NotFoundError: there is no such worker.
    """
    named = [*form.getlist("worker"), *filter(_is_worker, form.getlist("id"))]
    return _found(dict.fromkeys(each.strip() for each in named if each.strip()))


def assignments(form: MultiDict[str, str]) -> list[str]:
    """Return the assignments that a form names (``id``).

    Raises:
        NotFoundError: somebody who sees pseudonyms names a worker by their id.
    """
    ids = list(dict.fromkeys(each for each in form.getlist("id") if each and not _is_worker(each)))
    veil = desk().veil
    for each in ids:
        if veil.hides and veil.text(each) != each:
            raise NotFoundError("there is no such assignment")
    return ids


def names_workers(form: MultiDict[str, str]) -> bool:
    """Return whether a form names workers."""
    return any(form.getlist("worker")) or any(map(_is_worker, form.getlist("id")))


def _is_worker(shown: str) -> bool:
    """Return whether an id of a form is a worker's, as the person may see them."""
    return shown.startswith(LETTER) if desk().veil.hides else can_be_worker(shown)


def read_people(form: MultiDict[str, str]) -> list[str]:
    """Return the workers that a form names, and those who did the assignments that it names (``id``).

    Raises:
        NotFoundError: there is no such worker or assignment.
        UsageError: it names nobody.
    """
    workers, ids = read_workers(form), tuple(assignments(form))
    if ids:
        work = list_assignments(desk().world, WorkSelection(Selection(ids=ids)))
        workers += [row["worker_id"] for row in work if row["assignment_id"] in ids]
    if not workers:
        raise UsageError("nobody is ticked", hint="go back and tick at least one person")
    return list(dict.fromkeys(workers))


def veiled(fields: Fields) -> dict[str, Any]:
    """Return the fields with workers as the person may see them."""
    return _translated(fields, lambda workers: [desk().veil.worker(each) for each in workers])


def unveiled(fields: Fields) -> dict[str, Any]:
    """Return veiled fields with the ids of workers.

    Raises:
        NotFoundError: there is no such worker.
    """
    return _translated(fields, _found)


def workers_in(fields: Fields) -> list[str]:
    """Return the workers that the fields name."""
    found = [fields[name] for name in _OF_WORKERS if fields.get(name)]
    return [worker for value in found for worker in ([value] if isinstance(value, str) else value)]


def _found(shown: Iterable[str]) -> list[str]:
    here = desk()
    return here.veil.find_workers(here.world, list(shown))


def _translated(fields: Fields, translate: Callable[[Iterable[str]], list[str]]) -> dict[str, Any]:
    changed: dict[str, Any] = dict(fields)
    for name in _OF_WORKERS:
        value = fields.get(name)
        if isinstance(value, str):
            (changed[name],) = translate([value])
        elif value:
            changed[name] = translate(value)
    return changed
