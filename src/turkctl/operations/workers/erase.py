"""Erase a worker from the study's database (``workers erase``): a random pseudonym takes their place."""

from __future__ import annotations

from dataclasses import dataclass

from turkctl.errors import NotFoundError, RefusedError
from turkctl.operations.engine.world import World
from turkctl.operations.selection.own_ids import meant, who_is
from turkctl.operations.selection.work import participants_table
from turkctl.store import erasures
from turkctl.words import counted


@dataclass(frozen=True)
class WorkerErasure:
    """Whom to erase.

    Attributes:
        worker: the worker id.
        private: own id and name, as far as the market tells them, and what the user typed.
        before: whether they were erased already, so that only the files are written anew.
    """

    worker: str
    private: tuple[str, ...]
    before: bool = False


def plan_erase(world: World, who: str) -> WorkerErasure:
    """Return whom to erase.

    Raises:
        NotFoundError: nothing is stored about such a worker.
        RefusedError: work is undecided, or money is open.
        UnreachableError: the market, which is asked for the own id, cannot be reached.
    """
    (worker,) = meant(world, [who])
    with world.database.read() as session:
        table = participants_table(session, world)
        if not erasures.is_known(session, worker, table):
            if erasures.was_erased(session, worker):
                return WorkerErasure(worker, (), before=True)
            raise NotFoundError(f"there is no worker {worker}", hint="see: turkctl workers list")
        _refuse_open(worker, erasures.open_money(session, worker, table))
    told = who_is(world, [worker]).get(worker, (None, None))
    private = [each for each in (who, *told) if each is not None and each != worker]
    return WorkerErasure(worker, tuple(dict.fromkeys(private)))


def _refuse_open(worker: str, found: erasures.OpenMoney) -> None:
    """Raise RefusedError if something is in the way."""
    if not found.any:
        return
    parts = [
        counted(found.undecided, "undecided assignment"),
        counted(found.unfinished, "unfinished request"),
        counted(found.owed, "unpaid bonus", "unpaid bonuses"),
        counted(found.offered, "compensation to accept", "compensations to accept"),
    ]
    raise RefusedError(
        f"{worker} has {', '.join(each for each in parts if not each.startswith('0 '))}",
        hint="decide on the work, pay what is owed, and run turkctl sync",
    )


def erase(world: World, wanted: WorkerErasure, *, answers_too: bool) -> str:
    """Erase the worker and return the pseudonym; then :func:`clean` the files.

    Raises:
        RefusedError: money is open by now.
    """
    with world.database.write() as session:
        table = participants_table(session, world)
        _refuse_open(wanted.worker, erasures.open_money(session, wanted.worker, table))
        now, private = world.now(), wanted.private
        pseudonym, _changed = erasures.erase(
            session, wanted.worker, table, now, private=private, answers_too=answers_too
        )
    return pseudonym


def clean(world: World) -> str | None:
    """Write the database's files anew without what was deleted; return in words what this cannot reach."""
    with world.database.read() as session:
        names = erasures.tables_of(session, participants_table(session, world))
    return world.database.clean(names)
