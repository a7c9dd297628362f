"""HITs for crowds to work on, on a market whose clock stands still unless the crowd moves it."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from turkctl.market.answers import read
from turkctl.market.questions import EXTERNAL, html_question
from turkctl.market.service import Market, Requester

LAB = Requester("123456789012", "production")
NOON = 1_790_000_000.0

LABEL_PAGE = """<html><body><form action="https://www.mturk.com/mturk/externalSubmit">
<input type="hidden" name="assignmentId"><p>Is there a cat in picture {item}?</p>
<label><input type="radio" name="cat" value="yes"> yes</label>
<label><input type="radio" name="cat" value="no"> no</label>
<input type="submit"></form></body></html>"""


def label_question(item: int | str) -> str:
    return html_question(LABEL_PAGE.format(item=item))


def external_question(address: str = "https://lab.example.org/task") -> str:
    return (
        f'<ExternalQuestion xmlns="{EXTERNAL[1:-1]}"><ExternalURL>{address}</ExternalURL>'
        "<FrameHeight>600</FrameHeight></ExternalQuestion>"
    )


def new_market(folder: Path | None = None, seed: int = 1) -> Market:
    url = "sqlite://" if folder is None else f"sqlite:///{folder / 'market.db'}"
    return Market(url, clock=lambda: NOON, rng=random.Random(seed))


def post(market: Market, requester: Requester = LAB, **changes: Any) -> str:
    request = {
        "Title": "Label a picture",
        "Description": "Say what is in it.",
        "Reward": "0.05",
        "AssignmentDurationInSeconds": 600,
        "LifetimeInSeconds": 30 * 86400,
        "MaxAssignments": 1,
        "Question": label_question(1),
        **changes,
    }
    return str(market.create_hit(requester, request)["HIT"]["HITId"])


def assignments(market: Market, hit_id: str, requester: Requester = LAB) -> list[dict[str, Any]]:
    listed = market.list_assignments_for_hit(requester, {"HITId": hit_id, "MaxResults": 100})
    return list(listed["Assignments"])


def answered(market: Market, hit_id: str) -> list[Mapping[str, list[str]]]:
    return [read(assignment["Answer"]) for assignment in assignments(market, hit_id)]


def counters(market: Market, hit_id: str) -> tuple[int, int, int]:
    """Available, pending, and those waiting for review."""
    hit = market.get_hit(LAB, {"HITId": hit_id})["HIT"]
    free, pending = hit["NumberOfAssignmentsAvailable"], hit["NumberOfAssignmentsPending"]
    return free, pending, hit["MaxAssignments"] - free - pending - hit["NumberOfAssignmentsCompleted"]


def workers_of(market: Market, hit_id: str) -> list[str]:
    return [assignment["WorkerId"] for assignment in assignments(market, hit_id)]
