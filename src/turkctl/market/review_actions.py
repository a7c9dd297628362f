"""Apply review policies: score the work, record the results, then approve, reject and extend as the policies say.

An assignment's policy is applied when it is submitted, a HIT's each time it becomes reviewable; both in the same
transaction, after its own changes are written (:func:`carry_out`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Row, select

from turkctl.market import answers, assignments, hit_changes, hit_rows, rules, tables
from turkctl.market.errors import RequestError, invalid_assignment_state
from turkctl.market.hit_rows import Hit
from turkctl.market.review import ACTION, ASSIGNMENT, HIT, RESULT, enter
from turkctl.market.review_scores import (
    Agreement,
    Answers,
    Extension,
    Plurality,
    ScoreVerdict,
    agreement,
    correct,
    known_answer_score,
    known_answers,
    percentage,
    plurality,
)
from turkctl.market.tx import Tx

P = TypeVar("P")

_WORK = tables.assignment
_DECIDED = {rules.APPROVED: "Already approved", rules.REJECTED: "Already rejected"}


def carry_out(tx: Tx) -> None:
    """Apply the policies of what this transaction submitted and made reviewable, and those that follow from them."""
    while tx.reviews:
        level, subject = tx.reviews.pop(0)
        if level == ASSIGNMENT:
            _review_assignment(tx, subject)
        else:
            _review_hit(tx, subject)


def _stored(policy: str | None, read: Callable[[dict[str, Any]], P]) -> P | None:
    """Return a HIT's policy; None if it has none, or one stored before its parameters were checked."""
    if policy is None:
        return None
    try:
        return read(json.loads(policy))
    except RequestError:
        return None


@contextmanager
def _as_owner(tx: Tx, hit: Hit) -> Iterator[None]:
    """Act for the requester, since the transaction may be a worker's."""
    asker = tx.requester
    tx.requester = hit.owner()
    try:
        yield
    finally:
        tx.requester = asker


def _review_assignment(tx: Tx, assignment_id: str) -> None:
    row = assignments.load_any(tx, assignment_id)
    hit = None if row is None else hit_rows.load_any(tx, row.hit_id)
    policy = None if hit is None else _stored(hit.assignment_policy, known_answers)
    if row is None or hit is None or policy is None:
        return
    found = correct(policy, _answers(row))
    score = percentage(sum(found.values()), len(found))
    about = {"SubjectId": row.id, "SubjectType": ASSIGNMENT}
    for question, right in found.items():
        _result(tx, hit, ASSIGNMENT, about, "KnownAnswerCorrect", str(int(right)), question)
    _result(tx, hit, ASSIGNMENT, about, "KnownAnswerScore", str(score))
    reviewed = f"Reviewed {len(found)} known answers; {sum(found.values())}/{len(found)} correct"
    _action(tx, hit, ASSIGNMENT, "review", row.id, ASSIGNMENT, reviewed)
    with _as_owner(tx, hit):
        _decide(tx, hit, ASSIGNMENT, row.id, policy.verdict, score)
        if policy.extension is not None and score < policy.extension.below:
            _extend(tx, hit, ASSIGNMENT, policy.extension)


def _review_hit(tx: Tx, hit_id: str) -> None:
    hit = hit_rows.load_any(tx, hit_id)
    if hit is None or hit.status != rules.REVIEWABLE:
        return  # an assignment's policy has extended it
    policy = _stored(hit.hit_policy, plurality)
    work = {} if policy is None else _counted(tx, hit, policy)
    if policy is None or not work:
        return
    found = agreement(policy, work)
    _report(tx, hit, policy, found)
    with _as_owner(tx, hit):
        for assignment_id, (right, wrong) in found.workers.items():
            if right + wrong:
                _decide(tx, hit, HIT, assignment_id, policy.verdict, percentage(right, right + wrong))
        # A HIT that its requester or its time has ended stays ended: it has slots that nobody took.
        if policy.extension is not None and found.hit_score < policy.extension.below and not hit.available:
            _extend(tx, hit, HIT, policy.extension)


def _counted(tx: Tx, hit: Hit, policy: Plurality) -> dict[str, Answers]:
    """Return the answers of the assignments that count, in the order of submission."""
    statuses = [rules.SUBMITTED, rules.APPROVED, *([] if policy.disregard_rejected else [rules.REJECTED])]
    mine = select(_WORK).where(_WORK.c.hit_id == hit.id, _WORK.c.status.in_(statuses))
    work = {row.id: _answers(row) for row in tx.all(mine.order_by(_WORK.c.submitted_at, _WORK.c.seq))}
    known, least = _stored(hit.assignment_policy, known_answers), policy.disregard_below
    if known is None or least is None:
        return work
    return {name: given for name, given in work.items() if known_answer_score(known, given) >= least}


def _answers(row: Row[Any]) -> Answers:
    return answers.read(row.answer)


def _report(tx: Tx, hit: Hit, policy: Plurality, found: Agreement) -> None:
    about = {"SubjectId": hit.id, "SubjectType": HIT}
    for question in policy.questions:
        agreed = found.agreed.get(question)
        _result(tx, hit, HIT, about, "AgreedAnswerFound", "false" if agreed is None else "true", question)
        if agreed is not None:
            _result(tx, hit, HIT, about, "AgreedAnswer", "|".join(sorted(agreed[0])), question)
            _result(tx, hit, HIT, about, "AnswerAgreementScore", str(agreed[1]), question)
    for assignment_id, (right, wrong) in found.workers.items():
        work = {"SubjectId": assignment_id, "SubjectType": ASSIGNMENT}
        if right + wrong:
            _result(tx, hit, HIT, work, "WorkerAgreementScore", str(percentage(right, right + wrong)))
        _result(tx, hit, HIT, work, "PluralityAnswersCorrect", str(right))
        _result(tx, hit, HIT, work, "PluralityAnswersIncorrect", str(wrong))
    _result(tx, hit, HIT, about, "HitAgreementScore", str(found.hit_score))
    questions, people = len(policy.questions), len(found.workers)
    told = f"Compared {questions} questions of {people} assignments; {len(found.agreed)} have an agreed answer"
    _action(tx, hit, HIT, "review", hit.id, HIT, told)


def _decide(tx: Tx, hit: Hit, level: str, assignment_id: str, verdict: ScoreVerdict, score: int) -> None:
    """Approve and reject as the thresholds say; if both apply, the second one fails."""
    if verdict.approve_from is not None and score >= verdict.approve_from:
        reason = verdict.approve_reason
        _attempt(tx, hit, level, "approve", assignment_id, ASSIGNMENT, lambda: _approve(tx, assignment_id, reason))
    if verdict.reject_below is not None and score < verdict.reject_below:
        words = verdict.reject_reason
        _attempt(tx, hit, level, "reject", assignment_id, ASSIGNMENT, lambda: _reject(tx, assignment_id, words))


def _approve(tx: Tx, assignment_id: str, reason: str | None) -> str:
    row, hit = assignments.load(tx, assignment_id)
    if row.status == rules.APPROVED:
        return _DECIDED[row.status]
    if row.status != rules.SUBMITTED:
        raise invalid_assignment_state(rules.SUBMITTED)
    assignments.approve(tx, row, hit, reason)
    return "Approved"


def _reject(tx: Tx, assignment_id: str, reason: str) -> str:
    row, hit = assignments.load(tx, assignment_id)
    if row.status == rules.REJECTED:
        return _DECIDED[row.status]
    if row.status != rules.SUBMITTED:
        raise invalid_assignment_state(rules.SUBMITTED)
    assignments.reject(tx, row, hit, reason)
    return "Rejected"


def _extend(tx: Tx, hit: Hit, level: str, extension: Extension) -> None:
    _attempt(tx, hit, level, "extend", hit.id, HIT, lambda: _one_more(tx, hit.id, extension))


def _one_more(tx: Tx, hit_id: str, extension: Extension) -> str:
    before = hit_rows.load(tx, hit_id)
    if before.max_assignments >= extension.maximum:
        return f"Not extended: it has {before.max_assignments} assignments already"
    expires_at = before.expires_at
    if extension.seconds:
        expires_at = max(expires_at, tx.now) + extension.seconds * rules.SECOND
    hit_changes.extend(tx, before, 1, expires_at)
    return f"Extended to {before.max_assignments + 1} assignments"


def _attempt(tx: Tx, hit: Hit, level: str, name: str, target: str, target_type: str, act: Callable[[], str]) -> None:
    """Act and record the result; an action that fails changes nothing and does not stop the others."""
    told = len(tx.events)
    point = tx.connection.begin_nested()
    try:
        result = act()
    except RequestError as error:
        point.rollback()
        del tx.events[told:]
        _action(tx, hit, level, name, target, target_type, error.message, error.turk_error_code)
    else:
        point.commit()
        _action(tx, hit, level, name, target, target_type, result)


def _action(
    tx: Tx, hit: Hit, level: str, name: str, target: str, target_type: str, result: str, code: str | None = None
) -> None:
    status = "Succeeded" if code is None else "Failed"
    members = {"ActionName": name, "TargetId": target, "TargetType": target_type, "Status": status, "Result": result}
    enter(tx, hit.id, level, ACTION, **members, ErrorCode=code)


def _result(
    tx: Tx, hit: Hit, level: str, about: Mapping[str, str], key: str, value: str, question: str | None = None
) -> None:
    enter(tx, hit.id, level, RESULT, **about, QuestionId=question, Key=key, Value=value)
