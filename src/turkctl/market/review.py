"""Review policies: set at creation, stored and answered. The market does not act on them; its reports are empty."""

from __future__ import annotations

import json
from typing import Any

from turkctl.market import hit_rows
from turkctl.market.errors import invalid_value
from turkctl.market.tx import Tx

POLICIES = {
    "AssignmentReviewPolicy": ("ScoreMyKnownAnswers/2011-09-01", "Assignment"),
    "HITReviewPolicy": ("SimplePlurality/2011-09-01", "HIT"),
}


def check_policy(member: str, policy: dict[str, Any]) -> None:
    """Check that the policy is the one of its level.

    Raises:
        RequestError: it is not.
    """
    known = POLICIES[member][0]
    if policy["PolicyName"] != known:
        raise invalid_value(f"{policy['PolicyName']} is not a policy for {member}; {known} is.")
    if member == "AssignmentReviewPolicy" and "AnswerKey" not in [
        parameter["Key"] for parameter in policy.get("Parameters") or []
    ]:
        raise invalid_value(f"The parameter AnswerKey of {known} is mandatory.")


def list_review_policy_results_for_hit(tx: Tx, request: dict[str, Any]) -> dict[str, Any]:
    """ListReviewPolicyResultsForHIT: the policies of the levels asked for, with empty reports."""
    hit = hit_rows.load(tx, request["HITId"])
    stored = {"AssignmentReviewPolicy": hit.assignment_policy, "HITReviewPolicy": hit.hit_policy}
    answer: dict[str, Any] = {"HITId": hit.id}
    levels = request.get("PolicyLevels") or [level for _, level in POLICIES.values()]
    for member, (_, level) in POLICIES.items():
        policy = stored[member]
        if policy is None or level not in levels:
            continue
        answer[member] = json.loads(policy)
        report: dict[str, Any] = {}
        if request.get("RetrieveResults", True):
            report["ReviewResults"] = []
        if request.get("RetrieveActions", True):
            report["ReviewActions"] = []
        answer[f"{level}ReviewReport"] = report
    return answer
