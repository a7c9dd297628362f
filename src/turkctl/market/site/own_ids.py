"""Take the own id that an invitation asks for, and limit how many can be tried."""

from __future__ import annotations

from collections.abc import Callable

from flask import request

from turkctl.market.errors import WorkError
from turkctl.market.people import typed
from turkctl.market.site.desk import parts

TO_MEND = frozenset({"WrongOwnId", "UnknownOwnId", "OtherOwnId"})
"""Codes of refusals after which somebody can type it again."""
_GUESSED = frozenset({"UnknownOwnId", "OtherOwnId", "SignIn"})
"""Codes of refusals that tell something of an id: they count as failed attempts."""


def given() -> str | None:
    """Return what was typed, in the form in which own ids are compared; None if there is no such field."""
    text = request.form.get("own_id")
    return None if text is None else typed(text.strip())


def wait() -> str | None:
    """Return words if too many own ids were tried from where this request comes from, or this one too often."""
    door = parts().door
    left = parts().market.own_id_wait(given() or "", request.remote_addr or "", door.clock())
    return None if left is None else f"Too many attempts. Try again in {-(-int(left.total_seconds()) // 60)} min."


def limited(come_in: Callable[[], str]) -> str:
    """Come in, and remember the attempt if it let somebody in, or told them something of an id.

    Raises:
        WorkError: of ``come_in``.
    """
    market, now, address = parts().market, parts().door.clock(), request.remote_addr or ""
    try:
        worker_id = come_in()
    except WorkError as error:
        if error.code in _GUESSED:
            market.note_own_id(given() or "", address, now, failed=True)
        raise
    market.note_own_id(given() or "", address, now, failed=False)
    return worker_id
