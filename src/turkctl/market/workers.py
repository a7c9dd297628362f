"""Workers as requesters deal with them: records, blocks, messages."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from sqlalchemy import Row, Update, bindparam, exists, select

from turkctl.errors import UsageError
from turkctl.market import erased_ids, notifications, paging, rules, tables
from turkctl.market.errors import ParameterValidationError, WorkError, not_valid
from turkctl.market.requester import Requester
from turkctl.market.tx import Tx, when

Request = dict[str, Any]
Answer = dict[str, Any]

_BY_ID = select(tables.worker).where(
    tables.worker.c.environment == bindparam("b_environment"), tables.worker.c.id == bindparam("b_id")
)
_BLOCK = select(tables.block.c.seq).where(
    tables.block.c.environment == bindparam("b_environment"),
    tables.block.c.account == bindparam("b_account"),
    tables.block.c.worker_id == bindparam("b_worker"),
)
_BY_ID_FOR = _BY_ID.add_columns(
    exists()
    .where(
        tables.block.c.environment == tables.worker.c.environment,
        tables.block.c.account == bindparam("b_account"),
        tables.block.c.worker_id == tables.worker.c.id,
    )
    .label("blocked")
)
_WORKER_ID = re.compile(r"A[A-Z0-9]{1,63}")
_LOCALE = re.compile(r"([A-Z]{2})(?:-([A-Z]{2}))?")

HARD_FAILURE = "Cannot send a notification to a worker who has not done any work for you"


def find(tx: Tx, worker_id: str) -> Row[Any] | None:
    """Return the worker's record in this environment, or None."""
    if not _WORKER_ID.fullmatch(worker_id):
        return None
    return tx.first(_BY_ID, {"b_environment": tx.environment, "b_id": worker_id})


def known(tx: Tx, worker_id: str) -> Row[Any]:
    """Return the worker's record, for a requester's request.

    Raises:
        ParameterValidationError: there is no such worker in this environment.
    """
    row = find(tx, worker_id)
    if row is None:
        raise not_valid(worker_id, "WorkerId")
    return row


def at_work(tx: Tx, worker_id: str) -> Row[Any]:
    """Return the worker's record, for the worker's own action.

    Raises:
        WorkError: UnknownWorker.
    """
    row = find(tx, worker_id)
    if row is None:
        raise WorkError("UnknownWorker", f"There is no worker {worker_id} here.")
    return row


def at_work_for(tx: Tx, worker_id: str, account: str) -> Row[Any]:
    """Return the worker's record with ``blocked``: whether that requester blocked them.

    Raises:
        WorkError: UnknownWorker.
    """
    values = {"b_environment": tx.environment, "b_id": worker_id, "b_account": account}
    row = tx.first(_BY_ID_FOR, values) if _WORKER_ID.fullmatch(worker_id) else None
    if row is None:
        raise WorkError("UnknownWorker", f"There is no worker {worker_id} here.")
    return row


def register(tx: Tx, worker_id: str | None, record: dict[str, Any], locale: str) -> str:
    """Add a worker, or replace the record of an existing one, and return the id.

    Args:
        tx: the transaction.
        worker_id: ``A`` and letters or digits; None creates one of 14 characters.
        record: numbers of approved, rejected and submitted assignments, masters, adult.
        locale: ``US`` or ``US-NY``.

    Raises:
        UsageError: the id or the locale has another form, or the id was erased.
    """
    worker_id = worker_id or tx.random_id(14, "A")
    if not _WORKER_ID.fullmatch(worker_id):
        raise UsageError(f"'{worker_id}' is not a worker id", hint="write an A, then capital letters and digits")
    country, subdivision = check_locale(locale)
    row = {"country": country, "subdivision": subdivision, **record}
    if find(tx, worker_id) is None:
        erased_ids.refuse(tx, erased_ids.WORKER, worker_id)
        new = {"environment": tx.environment, "id": worker_id, "registered_at": tx.now}
        tx.run(tables.worker.insert(), row | new)
    else:
        mine = (tables.worker.c.environment == tx.environment, tables.worker.c.id == worker_id)
        tx.run(tables.worker.update().where(*mine).values(**row))
    return worker_id


def move(tx: Tx, worker_id: str, locale: str) -> None:
    """Change where a worker is taken to live.

    Raises:
        UsageError: the locale has another form.
    """
    country, subdivision = check_locale(locale)
    mine = (tables.worker.c.environment == tx.environment, tables.worker.c.id == worker_id)
    tx.run(tables.worker.update().where(*mine).values(country=country, subdivision=subdivision))


def check_locale(locale: str) -> tuple[str, str | None]:
    """Return country and state of a locale.

    Raises:
        UsageError: it has another form.
    """
    place = _LOCALE.fullmatch(locale)
    if place is None:
        raise UsageError(f"'{locale}' is not a locale", hint="write a country as in US, or with its state as in US-NY")
    return place[1], place[2]


def count(tx: Tx, worker_id: str, **changes: int) -> None:
    """Add to the counts in the worker's record: approved, rejected, submitted."""
    values = {f"b_{name}": change for name, change in changes.items()}
    tx.run(_counting(*changes), values | {"b_environment": tx.environment, "b_id": worker_id})


@cache
def _counting(*names: str) -> Update:
    mine = (tables.worker.c.environment == bindparam("b_environment"), tables.worker.c.id == bindparam("b_id"))
    columns = {name: tables.worker.c[name] + bindparam(f"b_{name}") for name in names}
    return tables.worker.update().where(*mine).values(columns)


def is_blocked(tx: Tx, worker_id: str, account: str) -> bool:
    """Return whether that requester blocked the worker."""
    values = {"b_environment": tx.environment, "b_account": account, "b_worker": worker_id}
    return tx.first(_BLOCK, values) is not None


def blocked_by(tx: Tx, worker_id: str) -> set[str]:
    """Return the accounts that blocked the worker."""
    rows = tx.all(
        select(tables.block.c.account).where(
            tables.block.c.environment == tx.environment, tables.block.c.worker_id == worker_id
        )
    )
    return {row.account for row in rows}


def create_worker_block(tx: Tx, request: Request) -> Answer:
    """Answer CreateWorkerBlock: blocking a blocked worker succeeds (and keeps the first reason)."""
    worker_id = known(tx, request["WorkerId"]).id
    if not is_blocked(tx, worker_id, tx.account):
        owner = {"environment": tx.environment, "account": tx.account}
        tx.run(tables.block.insert(), owner | {"worker_id": worker_id, "reason": request["Reason"]})
    return {}


def delete_worker_block(tx: Tx, request: Request) -> Answer:
    """Answer DeleteWorkerBlock: unblocking a worker who is not blocked succeeds."""
    row = find(tx, request["WorkerId"])
    if row is None:
        raise ParameterValidationError("WorkerId is invalid.")
    tx.run(
        tables.block.delete().where(
            tables.block.c.environment == tx.environment,
            tables.block.c.account == tx.account,
            tables.block.c.worker_id == row.id,
        )
    )
    return {}


def list_worker_blocks(tx: Tx, request: Request) -> Answer:
    """Answer ListWorkerBlocks, oldest first."""
    statement = select(tables.block).where(
        tables.block.c.environment == tx.environment, tables.block.c.account == tx.account
    )
    page = paging.fetch(tx, request, ["ListWorkerBlocks"], statement, [tables.block.c.seq])
    return paging.listed(page, "WorkerBlocks", lambda row: {"WorkerId": row.worker_id, "Reason": row.reason})


def notify_workers(tx: Tx, request: Request) -> Answer:
    """Answer NotifyWorkers: reach those whose work this requester approved or rejected; list the others."""
    wanted = list(dict.fromkeys(request["WorkerIds"]))
    mine = tables.assignment
    reviewed = (
        select(mine.c.worker_id)
        .distinct()
        .where(
            mine.c.environment == tx.environment,
            mine.c.worker_id.in_(wanted),
            mine.c.status.in_((rules.APPROVED, rules.REJECTED)),
            mine.c.account == tx.account,
        )
    )
    reached = {row.worker_id for row in tx.all(reviewed)}
    for worker_id in wanted:
        if worker_id in reached:
            send(tx, worker_id, request["Subject"], request["MessageText"])
    failures = [
        {
            "NotifyWorkersFailureCode": "HardFailure",
            "NotifyWorkersFailureMessage": HARD_FAILURE,
            "WorkerId": worker_id,
        }
        for worker_id in wanted
        if worker_id not in reached
    ]
    return {"NotifyWorkersFailureStatuses": failures}


def send(tx: Tx, worker_id: str, subject: str, message: str) -> None:
    """Store a message from this requester for the worker."""
    row = {"environment": tx.environment, "account": tx.account, "worker_id": worker_id, "at": tx.now}
    tx.run(tables.message.insert(), row | {"subject": subject, "text": message})


def describe_message(row: Row[Any]) -> Answer:
    """Return a message as its worker reads it."""
    sender = notifications.customer_id(Requester(row.account, row.environment))
    return {"Subject": row.subject, "MessageText": row.text, "SendTime": when(row.at), "RequesterId": sender}
