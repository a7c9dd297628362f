"""Bonuses and the balance."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select

from turkctl.market import assignments, hit_rows, ledger, limits, paging, tables, tokens, workers
from turkctl.market.errors import already_processed, invalid_value, not_valid
from turkctl.market.tx import Tx, when
from turkctl.units import format_money, from_micros, to_micros

Request = dict[str, Any]
Answer = dict[str, Any]


def get_account_balance(tx: Tx, _request: Request) -> Answer:
    """Answer GetAccountBalance: what can be spent, and what is held for HITs; the sandbox leaves that out."""
    available, held = ledger.balance(tx)
    answer = {"AvailableBalance": format_money(available)}
    return answer if tx.environment == "sandbox" else answer | {"OnHoldBalance": format_money(held)}


def send_bonus(tx: Tx, request: Request) -> Answer:
    """Answer SendBonus, to the worker of a submitted assignment; bonus and commission are charged at once."""
    earlier = tokens.seen(tx, "SendBonus", request)
    if earlier is not None:
        raise already_processed(request["UniqueRequestToken"], earlier)
    worker_id = workers.known(tx, request["WorkerId"]).id
    paid = limits.money(request["BonusAmount"], "BonusAmount")
    if paid <= 0:
        raise not_valid(request["BonusAmount"], "BonusAmount", "A bonus is more than nothing.")
    row, hit = assignments.visible(tx, request["AssignmentId"])
    if row.worker_id != worker_id:
        raise not_valid(worker_id, "WorkerId", f"Assignment {row.id} was not submitted by this worker.")
    fee = to_micros(tx.fee.bonus_fee(from_micros(paid)))
    ledger.move(tx, hit.owner(), charged=paid + fee)
    ledger.charge(tx, hit.owner(), "bonus", paid, fee, row.id)
    tx.run(
        tables.bonus.insert(),
        {
            "environment": tx.environment,
            "account": tx.account,
            "hit_id": hit.id,
            "assignment_id": row.id,
            "worker_id": worker_id,
            "amount": paid,
            "fee": fee,
            "reason": request["Reason"],
            "at": tx.now,
        },
    )
    tokens.remember(tx, "SendBonus", request, f"{tx.shared.rng.getrandbits(128):032x}")
    return {}


def list_bonus_payments(tx: Tx, request: Request) -> Answer:
    """Answer ListBonusPayments of a HIT or of an assignment, oldest first."""
    hit_id, assignment_id = request.get("HITId"), request.get("AssignmentId")
    if hit_id is None and assignment_id is None:
        raise invalid_value("One of HITId and AssignmentId must be given.")
    statement = select(tables.bonus)
    if hit_id is not None:
        statement = statement.where(tables.bonus.c.hit_id == hit_rows.load(tx, hit_id).id)
    if assignment_id is not None:
        row, _ = assignments.load(tx, assignment_id)
        statement = statement.where(tables.bonus.c.assignment_id == row.id)
    query = ["ListBonusPayments", hit_id, assignment_id]
    page = paging.fetch(tx, request, query, statement, [tables.bonus.c.seq])
    return paging.listed(page, "BonusPayments", _described)


def _described(row: Row[Any]) -> Answer:
    return {
        "WorkerId": row.worker_id,
        "BonusAmount": ledger.money_text(row.amount),
        "AssignmentId": row.assignment_id,
        "Reason": row.reason,
        "GrantTime": when(row.at),
    }
