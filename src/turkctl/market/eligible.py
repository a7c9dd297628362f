"""Count the workers who could take some HIT: what no requester can ask a market, and the built-in one can tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import select

from turkctl.market import hit_types, requirements, rules, tables
from turkctl.market.hit_rows import Hit
from turkctl.market.requirements import WorkerStanding
from turkctl.market.tx import Tx, members


def count(tx: Tx, hit_ids: Sequence[str]) -> tuple[int, int] | None:
    """Return how many workers there are, and how many of them could accept one of these HITs at this moment.

    None if none of these HITs is open any more, so that nobody could, whoever they are. A number of queries that
    grows with the HITs alone, never with the workers.
    """
    everybody = tx.all(select(tables.worker).where(tables.worker.c.environment == tx.environment))
    grants = _grants(tx)
    able: set[str] = set()
    rows = tx.all(select(tables.hit).where(tables.hit.c.id.in_(list(hit_ids))))
    found = [hit for row in rows if (hit := Hit(**members(row))).status == rules.ASSIGNABLE and not hit.expired(tx.now)]
    if not found:
        return None
    for hit in found:
        asked = hit_types.load(tx, hit.hit_type_id).requirement_list()
        kept_out = _holders(tx, hit) | _blocked(tx, hit.account)
        able.update(
            worker.id
            for worker in everybody
            if worker.id not in kept_out
            and requirements.unmet(WorkerStanding(worker, grants.get(worker.id, {})), asked, requirements.ACCEPT)
            is None
        )
    return len(everybody), len(able)


def _grants(tx: Tx) -> dict[str, dict[str, int]]:
    """Return the values of all granted qualifications, by worker and type."""
    held = select(tables.grant.c.worker_id, tables.grant.c.type_id, tables.grant.c.value).where(
        tables.grant.c.environment == tx.environment, tables.grant.c.status == "Granted"
    )
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for row in tx.all(held):
        found[row.worker_id][row.type_id] = row.value
    return found


def _holders(tx: Tx, hit: Hit) -> set[str]:
    mine = tables.assignment
    held = select(mine.c.worker_id).where(mine.c.hit_id == hit.id, mine.c.status.in_(rules.HELD))
    return {row.worker_id for row in tx.all(held)}


def _blocked(tx: Tx, account: str) -> set[str]:
    block = tables.block
    mine = select(block.c.worker_id).where(block.c.environment == tx.environment, block.c.account == account)
    return {row.worker_id for row in tx.all(mine)}
