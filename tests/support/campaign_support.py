"""An eye on the market's own tables while a campaign recruits: its goal holds after every request."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from study_support import Study, market_rows

EACH = "0.60"
"""What one assignment costs, commission included."""


@dataclass(frozen=True)
class InPlay:
    """What the market itself knows of the study."""

    completed: int
    """Distinct people with work that is not rejected."""
    outstanding: int
    largest_hit: int
    hits: tuple[str, ...]


def in_play(folder: Path, now_ms: int = 0) -> InPlay:
    """Look at the market's tables."""
    people = "SELECT count(DISTINCT worker_id) FROM market_assignment WHERE status IN ('Submitted', 'Approved')"
    slots = f"SELECT sum(pending + CASE WHEN expires_at <= {now_ms} THEN 0 ELSE available END) FROM market_hit"
    ((completed,),) = market_rows(folder, people)
    ((outstanding,),) = market_rows(folder, slots + " WHERE listed = 1")
    hits = market_rows(folder, "SELECT id, max_assignments FROM market_hit")
    return InPlay(
        int(completed),
        int(outstanding or 0),
        max((size for _, size in hits), default=0),
        tuple(hit_id for hit_id, _ in hits),
    )


def watch(study: Study, goal: int) -> None:
    """From now on, see after every request that the goal holds and that no HIT pays the higher commission."""

    def look(operation: str) -> None:
        check(study, goal, operation)

    study.world.endpoint.after = look


class GoalPassedError(BaseException):
    """More people in play than the goal; nothing in the program catches it."""


def check(study: Study, goal: int, when: str) -> None:
    """See that the market holds no more than the goal."""
    seen = in_play(study.folder, int(study.world.now().timestamp() * 1000))
    if seen.completed + seen.outstanding > goal or seen.largest_hit > 9:
        raise GoalPassedError(f"after {when}: {seen.completed} + {seen.outstanding} of {goal}, {seen.largest_hit}")


def known_hits(study: Study) -> set[str]:
    """The HITs that turkctl's database has rows of."""
    with study.world.database.read() as session:
        return set(session.connection().execute(text("SELECT hit_id FROM turkctl_hit")).scalars())
