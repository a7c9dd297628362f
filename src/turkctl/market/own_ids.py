"""Tell requesters which workers a lab's own ids mean, and the other way round; the API has no such operations."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from turkctl.errors import UsageError
from turkctl.market import people, tables
from turkctl.market.tx import Tx
from turkctl.newcomers import NewPerson

Request = dict[str, Any]
Answer = dict[str, Any]


def find_workers(tx: Tx, request: Request) -> Answer:
    """Answer FindWorkers: the workers who have these own ids; with CreateMissing, people who are new are made.

    Ids that nobody has, and that nobody can have, are not in the answer.
    """
    asked = list(dict.fromkeys(request["OwnIds"]))
    there = people.by_own_ids(tx, [people.typed(each) for each in asked])
    found = {each: there[people.typed(each)].worker_id for each in asked if people.typed(each) in there}
    if request.get("CreateMissing"):
        for each in asked:
            if each not in found and (made := _made(tx, each)) is not None:
                found[each] = made
    return {"Workers": [{"OwnId": own_id, "WorkerId": worker_id} for own_id, worker_id in found.items()]}


def _made(tx: Tx, own_id: str) -> str | None:
    """Return the worker id of a new person; None if nobody can have this own id."""
    there = people.by_own_id(tx, own_id)  # two ways to write one id
    if there is not None:
        return there.worker_id
    try:
        return people.add(tx, NewPerson(own_id=own_id))
    except UsageError:
        return None


def list_own_ids(tx: Tx, request: Request) -> Answer:
    """Answer ListOwnIds: own ids and names of these workers, of those who have any."""
    asked, found = request["WorkerIds"], tables.person.c
    mine = (found.environment == tx.environment, found.worker_id.in_(asked))
    rows = tx.all(select(found.worker_id, found.own_id, found.full_name).where(*mine).order_by(found.seq))
    listed = [{"WorkerId": row.worker_id, "OwnId": row.own_id, "Name": row.full_name} for row in rows]
    told = [{name: value for name, value in each.items() if value is not None} for each in listed]
    return {"Workers": [each for each in told if len(each) > 1]}
