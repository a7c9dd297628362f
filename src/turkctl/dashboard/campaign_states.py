"""Say in words in which state a campaign is, what happens next, and what can be done."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from turkctl.units import money_text
from turkctl.words import counted

_WORDS = {
    "active": "It recruits.",
    "exhausted": "It waits for money, and goes on by itself when there is more or its budget is raised.",
    "met": "Its goal is met. With a higher goal it goes on.",
    "cancelled": "It was cancelled and posts nothing more.",
    "superseded": "It ended because the experiment has another code version now; to go on, create another campaign.",
    "ended": "Its end date came before its goal was met.",
}
"""What each status means."""
_RUNNING = ("active", "exhausted")


def is_running(row: Mapping[str, Any]) -> bool:
    """Return whether a campaign goes on posting, now or when there is money."""
    return row["status"] in _RUNNING


def may_change(row: Mapping[str, Any]) -> bool:
    """Return whether a campaign can be changed: while it runs, or when its goal is met."""
    return is_running(row) or row["status"] == "met"


def state_words(row: Mapping[str, Any]) -> str:
    """Return what a row's status means and why it is so, as in ``Its goal is met: 20 people completed it.``."""
    words = _WORDS.get(row["status"], f"It is {row['status']}.")
    coming = row.get("next_round")
    if coming is not None and coming["paused"]:
        words = "Its task is paused, so that no round runs by itself."
    if row["reason"] and row["status"] != "cancelled":
        words += f" Why: {row['reason']}."
    if not is_running(row) and row["outstanding"] and row["status"] != "met":
        out = counted(row["outstanding"], "assignment was", "assignments were")
        words += f" At its end {out} still open or at work."
    return words


def round_words(coming: Mapping[str, Any] | None) -> str:
    """Return what the next round will do, when and why; what follows if there is none."""
    if coming is None:
        return "There is no next round."
    at = coming["at"]
    when = "When it is resumed" if at is None else f"At {at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    post = coming["will_post"]
    if not post:
        return f"{when}: {_OUTCOMES.get(coming['outcome'], 'post nothing')}, because {coming['why']}."
    hits = counted(len(coming["hits"]), "HIT")
    price = money_text(coming["cost"])
    return f"{when}: post {counted(post, 'assignment')} in {hits} for {price}, because {coming['why']}."


_OUTCOMES = {
    "met": "end the campaign",
    "ended": "end the campaign",
    "superseded": "end the campaign",
    "exhausted": "post nothing and wait for money",
}
"""What a round does that posts nothing, if it does something."""
