"""Count the workers who could take some HIT: what no requester can ask a market, and the built-in one can tell."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import select

from turkctl.market import hit_items, hit_types, requirements, rules, tables
from turkctl.market.hit_rows import Hit
from turkctl.market.requirements import WorkerStanding
from turkctl.market.tx import Tx, members

AT_ONCE = 500
"""HITs that are looked at with one query."""


def count(tx: Tx, hit_ids: Sequence[str]) -> tuple[int, int] | None:
    """Return how many workers there are, and how many of them could accept one of these HITs at this moment.

    None if none of these HITs is open any more, so that nobody could, whoever they are. The number of queries grows
    neither with the workers nor with the HITs, but with the HIT types.
    """
    everybody = tx.all(select(tables.worker).where(tables.worker.c.environment == tx.environment))
    grants, groups = _grants(tx), _groups(tx)
    holders: dict[str, set[str]] = defaultdict(set)
    candidates: dict[tuple[str, str], set[str]] = {}
    able: set[str] = set()
    any_open = False
    for ids in _parts(hit_ids):
        mine = tables.assignment
        held = select(mine.c.hit_id, mine.c.worker_id).where(mine.c.hit_id.in_(ids), mine.c.status.in_(rules.HELD))
        for row in (*tx.all(held), *hit_items.kept_out_of(tx, ids)):
            holders[row.hit_id].add(row.worker_id)
        for row in tx.all(select(tables.hit).where(tables.hit.c.id.in_(ids))):
            hit = Hit(**members(row))
            if hit.status != rules.ASSIGNABLE or hit.expired(tx.now):
                continue
            any_open = True
            key = (hit.hit_type_id, hit.account)
            if key not in candidates:
                candidates[key] = _qualified(tx, hit, everybody, grants, groups) - _blocked(tx, hit.account)
            able |= candidates[key] - holders[hit.id]
    if not any_open:
        return None
    return len(everybody), len(able)


def _parts(hit_ids: Sequence[str]) -> Iterator[list[str]]:
    """Yield the ids in parts that a statement has room for."""
    for start in range(0, len(hit_ids), AT_ONCE):
        yield list(hit_ids[start : start + AT_ONCE])


def _qualified(
    tx: Tx,
    hit: Hit,
    everybody: Sequence[Any],
    grants: Mapping[str, dict[str, int]],
    groups: Mapping[str, list[str]],
) -> set[str]:
    """Return the workers who meet the requirements of the HIT's type; anybody can agree to its consent."""
    asked = hit_types.load(tx, hit.hit_type_id).marked_requirements()

    def qualifies(worker: Any) -> bool:
        who = WorkerStanding(worker, lambda: grants.get(worker.id, {}), lambda: groups.get(worker.id, []))
        return requirements.unmet(who, asked, requirements.ACCEPT) is None

    return {worker.id for worker in everybody if qualifies(worker)}


def _groups(tx: Tx) -> dict[str, list[str]]:
    """Return the groups of all people, by worker."""
    person = tables.person.c
    rows = tx.all(select(person.worker_id, person.groups).where(person.environment == tx.environment))
    return {row.worker_id: json.loads(row.groups) for row in rows}


def _grants(tx: Tx) -> dict[str, dict[str, int]]:
    """Return the values of all granted qualifications, by worker and type."""
    held = select(tables.grant.c.worker_id, tables.grant.c.type_id, tables.grant.c.value).where(
        tables.grant.c.environment == tx.environment, tables.grant.c.status == "Granted"
    )
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for row in tx.all(held):
        found[row.worker_id][row.type_id] = row.value
    return found


def _blocked(tx: Tx, account: str) -> set[str]:
    block = tables.block
    mine = select(block.c.worker_id).where(block.c.environment == tx.environment, block.c.account == account)
    return {row.worker_id for row in tx.all(mine)}
