"""One participant: their row of the table, and what the experiment recorded."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from turkctl.cells import plain
from turkctl.dashboard.desk import desk, page
from turkctl.dashboard.participant_names import find_participant
from turkctl.operations.participants.lists import show as read_participant

pages = Blueprint("participant", __name__)

MOST_BYTES = 20_000
"""Of what was recorded that the page shows; the rest is a download."""


@pages.get("/participants/<wanted>")
def show(wanted: str) -> ResponseReturnValue:
    """Show one participant; what was recorded is cut where it is long."""
    row = _read(wanted)
    recorded, is_cut = _beginning(row.pop("data"))
    return page(
        "participant.html",
        ["participants", "show", wanted],
        names_mode=False,
        row=row,
        wanted=wanted,
        recorded=recorded,
        is_cut=is_cut,
        most=MOST_BYTES,
    )


@pages.get("/participants/<wanted>/data")
def data(wanted: str) -> ResponseReturnValue:
    """Download all that was recorded."""
    recorded = _read(wanted)["data"]
    is_text = isinstance(recorded, str)
    text = recorded if is_text else json.dumps(plain(recorded), ensure_ascii=False)
    headers = {"Content-Disposition": f'attachment; filename="recorded.{"txt" if is_text else "json"}"'}
    kind = "text/plain" if is_text else "application/json"
    content = text.encode("utf-8", "backslashreplace")
    return Response(content, content_type=f"{kind}; charset=utf-8", headers=headers)


def _read(wanted: str) -> dict[str, Any]:
    """Return a participant as those who look may see them."""
    here = desk()
    return here.veil.rows([read_participant(here.world, find_participant(wanted))])[0]


def _beginning(recorded: Any) -> tuple[str, bool]:
    """Return the beginning of what was recorded, as text of at most :data:`MOST_BYTES`, and whether there is more."""
    if recorded is None:
        return "", False
    pieces = (
        [recorded]
        if isinstance(recorded, str)
        else json.JSONEncoder(ensure_ascii=False, indent=2).iterencode(plain(recorded))
    )
    found, length = [], 0
    for piece in pieces:
        found.append(piece.encode("utf-8", "backslashreplace")[: MOST_BYTES + 1])
        length += len(found[-1])
        if length > MOST_BYTES:
            break
    whole = b"".join(found)
    return whole[:MOST_BYTES].decode("utf-8", "ignore"), length > MOST_BYTES
