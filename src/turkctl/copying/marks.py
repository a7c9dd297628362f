"""The mark that says whether a database acts, where a study or a market has been copied to another one.

A study acts from one database only: two with one identity would post and pay everything twice. So a copy first gets
the mark of a copy that is not handed over, then the one it was made from is marked as moved, and only then does the
copy act. A database without a mark acts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from turkctl.errors import RefusedError

INCOMING = "incoming"
"""A complete copy, which does not act because the one that it was made from may act still."""
MOVED = "moved"
"""It was copied, and the copy acts, or will: this one never does again."""
KEPT = "kept"
"""A copy that is to be looked at, and never acts."""
ARRIVED = "arrived"
"""A copy that acts, since the one that it was made from is marked as moved."""


class MarkedError(RefusedError):
    """The database does not act: it was moved, or it is a copy."""

    code = "moved"


@dataclass(frozen=True)
class MoveMark:
    """What a database is.

    Attributes:
        state: one of the words above.
        token: random, the same in both databases of one copy.
        other: the address of the other database, without its password.
        at: when it was marked, in ISO 8601.
    """

    state: str
    token: str
    other: str
    at: str

    def text(self) -> str:
        """Return it as it is stored."""
        return json.dumps({"state": self.state, "token": self.token, "other": self.other, "at": self.at})

    @property
    def acts(self) -> bool:
        """Return whether the database acts."""
        return self.state == ARRIVED


def read(text: str | None) -> MoveMark | None:
    """Return the mark that is stored as this text; None if there is none."""
    return None if text is None else MoveMark(**json.loads(text))


def acts(text: str) -> bool:
    """Return whether a database with this mark, as it is stored, acts."""
    mark = read(text)
    return mark is None or mark.acts


def refuse(text: str | None, what: str, address: str, setting: str) -> None:
    """Raise MarkedError unless a database with this mark acts.

    Args:
        text: its mark, as it is stored.
        what: of what it is the database, as in ``the study``.
        address: of the database, without its password.
        setting: the setting that names the database.
    """
    mark = read(text)
    if mark is not None and not mark.acts:
        raise refusal(mark, what, address, setting)


def refusal(mark: MoveMark, what: str, address: str, setting: str) -> MarkedError:
    """Return the error for a database that does not act."""
    if mark.state == MOVED:
        return MarkedError(
            f"{what} in {address} was moved to {mark.other} at {mark.at}, and nothing is changed here any more",
            hint=f"set {setting} to that address; if the move was interrupted, run the same turkctl db copy again",
        )
    if mark.state == KEPT:
        return MarkedError(
            f"{what} in {address} is a copy of {mark.other} that was made to be kept (db copy --keep): it cannot act",
            hint=f"set {setting} to the address of the one that acts",
        )
    return MarkedError(
        f"{what} in {address} is a copy of {mark.other} that was not handed over, so it does not act yet",
        hint="run the same turkctl db copy again, with the settings of the one that it was copied from",
    )
