"""Say what erasing somebody does, and what it cannot reach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from turkctl.units import format_money
from turkctl.words import counted

if TYPE_CHECKING:
    from turkctl.market.erasure import ErasurePlan

_COPIES = "backups and copies of it, and exports"


def market_words(plan: ErasurePlan, *, answers: bool) -> str:
    """Return in words what erasing somebody from the market does."""
    if plan.worker_id is None:
        return "write the market's files anew, as this person was erased before"
    texts = "empty their answers" if answers else "keep their answers"
    work = counted(plan.assignments, "assignment")
    owed = f", is owed {format_money(plan.owed)}" if plan.owed else ""
    return f"put a pseudonym in the place of {plan.worker_id}, who has {work}{owed}, and {texts}"


def beyond_market(remains: str | None, left: Mapping[str, int] | None = None) -> list[str]:
    """Return what the market's own command cannot reach.

    Args:
        remains: what is left to be done with the database's files.
        left: where the own id or a name still stands in rows about others.
    """
    found = [] if remains is None else [remains]
    found += [f"texts about others in which the own id or a name stands: {_numbers(left)}"] if left else []
    found.append(_COPIES)
    return [*found, "studies, which know people by their worker id: in each, run turkctl workers erase WORKER"]


def beyond_study(remains: str | None) -> list[str]:
    """Return what the study's command cannot reach."""
    found = [] if remains is None else [remains]
    market = "the market, on the built-in one: turkctl market workers erase ID; others keep what they know"
    return [*found, _COPIES, market, "other databases, such as those of psiTurk and of task pages"]


def _numbers(left: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({number})" for name, number in left.items())
