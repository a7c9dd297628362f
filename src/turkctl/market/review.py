"""Review policies: checked at creation; :mod:`turkctl.market.review_actions` applies them; their reports."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, select

from turkctl.market import hit_rows, paging, tables
from turkctl.market.assignments import check_feedback
from turkctl.market.errors import invalid_value
from turkctl.market.review_scores import KNOWN_ANSWERS, PLURALITY, READERS
from turkctl.market.tx import Tx, when

ASSIGNMENT, HIT = "Assignment", "HIT"
POLICIES = {"AssignmentReviewPolicy": (KNOWN_ANSWERS, ASSIGNMENT), "HITReviewPolicy": (PLURALITY, HIT)}
"""By member of CreateHIT: the only policy of its level, and the level."""
RESULT, ACTION = "Result", "Action"
"""The kinds of rows in a report."""
_MEMBERS = {RESULT: ("RetrieveResults", "ReviewResults"), ACTION: ("RetrieveActions", "ReviewActions")}
_PAGE = 100

_ROWS = tables.review


def check_policy(member: str, policy: Mapping[str, Any]) -> None:
    """Check that the policy is the one of its level and that its parameters are valid.

    Raises:
        RequestError: it is another policy, or a parameter is invalid.
    """
    known = POLICIES[member][0]
    if policy["PolicyName"] != known:
        raise invalid_value(f"{policy['PolicyName']} is not a policy for {member}; {known} is.")
    verdict = READERS[known](policy).verdict
    for reason in (verdict.approve_reason, verdict.reject_reason):
        check_feedback(reason)


def list_review_policy_results_for_hit(tx: Tx, request: dict[str, Any]) -> dict[str, Any]:
    """Answer ListReviewPolicyResultsForHIT: policies and reports of the requested levels, in the order of time."""
    hit = hit_rows.load(tx, request["HITId"])
    stored = {"AssignmentReviewPolicy": hit.assignment_policy, "HITReviewPolicy": hit.hit_policy}
    levels = request.get("PolicyLevels") or [ASSIGNMENT, HIT]
    kinds = [kind for kind, (asked, _) in _MEMBERS.items() if request.get(asked, True)]
    answer: dict[str, Any] = {"HITId": hit.id}
    reports: dict[str, dict[str, list[Any]]] = {}
    for member, (_, level) in POLICIES.items():
        policy = stored[member]
        if policy is not None and level in levels:
            answer[member] = json.loads(policy)
            reports[level] = {_MEMBERS[kind][1]: [] for kind in kinds}
            answer[f"{level}ReviewReport"] = reports[level]
    wanted = (_ROWS.c.hit_id == hit.id, _ROWS.c.level.in_(list(reports)), _ROWS.c.kind.in_(kinds))
    query = ["ListReviewPolicyResultsForHIT", hit.id, sorted(reports), kinds]
    sized = request | {"MaxResults": request.get("MaxResults") or _PAGE}
    rows, page = paging.fetch(tx, sized, query, select(_ROWS).where(*wanted), [_ROWS.c.seq])
    for row in rows:
        reports[row.level][_MEMBERS[row.kind][1]].append(_told(row))
    return answer | {name: page[name] for name in ("NextToken",) if name in page}


def _told(row: Row[Any]) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(row.body)
    return told | ({"CompleteTime": when(row.at)} if row.kind == ACTION else {})


def enter(tx: Tx, hit_id: str, level: str, kind: str, **members: Any) -> None:
    """Add a result or an action to a report; members that are None are left out."""
    told = {name: value for name, value in members.items() if value is not None}
    body = json.dumps({"ActionId": tx.new_id(), **told})
    tx.run(_ROWS.insert(), {"hit_id": hit_id, "level": level, "kind": kind, "body": body, "at": tx.now})
