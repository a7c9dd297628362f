"""Content that the question of an experiment cannot be made of: found before anything is posted, and named."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session

from turkctl.errors import UsageError
from turkctl.operations.experiments.rendering import Row, task_of
from turkctl.store import contents
from turkctl.store.experiments import Version

NAMED = 3
"""Items that a message names."""


def find_mistake(session: Session, version: Version, shown: Sequence[int]) -> UsageError | None:
    """Why the question cannot be made of the items that a HIT shows, with the keys of those to blame; None if it can.

    Those are to blame that cannot be shown alone either; if there are none, all together are.
    """
    data = contents.data_of(session, shown)
    error = _refusal(version, [data[item] for item in shown])
    if error is None:
        return None
    alone = [item for item in shown if _refusal(version, [data[item]]) is not None]
    keys = contents.keys_by_id(session, alone or shown)
    named = [f"'{keys[item]}'" for item in (alone or shown)]
    more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
    what = f"{version.slug}, content {', '.join(named[:NAMED])}{more}"
    return UsageError(f"{what}: {error.message}", hint=error.hint)


def _refusal(version: Version, rows: Sequence[Row]) -> UsageError | None:
    try:
        task_of(version, rows)
    except UsageError as error:
        return error
    return None
