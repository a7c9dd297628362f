"""``experiments configure``: files become versioned settings in the store, all of them or none."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from turkctl.operations.campaigns import supersede
from turkctl.operations.experiment_files import Configured
from turkctl.store import experiments
from turkctl.store.engine import Database

CREATED = "created"
CHANGED = "changed"
UNCHANGED = "unchanged"
REMOVED = "removed"


@dataclass(frozen=True)
class Change:
    """What configuring does to one experiment. ``differences`` has (old, new) by key."""

    slug: str
    status: str
    source: str | None
    code_version: str | None
    differences: Mapping[str, tuple[Any, Any]]
    configured: Configured | None = None

    def as_dict(self) -> dict[str, Any]:
        """The row that is shown."""
        return {
            "experiment": self.slug,
            "status": self.status,
            "codeversion": self.code_version,
            "changes": {key: {"old": old, "new": new} for key, (old, new) in self.differences.items()},
            "source": self.source,
        }


def digest(stored: Mapping[str, Any]) -> str:
    """Stands for everything in the settings: equal when they are equal."""
    return hashlib.sha256(json.dumps(stored, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def plan_configure(session: Session, configured: Sequence[Configured], *, whole: bool) -> list[Change]:
    """What would change; reads only.

    Args:
        session: on turkctl's database.
        configured: the checked experiments.
        whole: they are all there are, so that those missing are no longer dispatched.
    """
    known = {version.slug: version for version in experiments.list_all(session)}
    changes = [_compare(known.get(each.slug), each) for each in configured]
    if whole:
        present = {each.slug for each in configured}
        changes += [
            Change(version.slug, REMOVED, version.source, version.code_version, {})
            for version in known.values()
            if version.active and version.slug not in present
        ]
    return changes


def _compare(known: experiments.Version | None, each: Configured) -> Change:
    new = each.stored()
    if known is None:
        return Change(each.slug, CREATED, str(each.source), each.settings.code_version, {}, each)
    old = known.settings
    keys = [*new, *(key for key in old if key not in new)]
    differences = {key: (old.get(key), new.get(key)) for key in keys if old.get(key) != new.get(key)}
    if not known.active:
        differences["active"] = (False, True)
    status = CHANGED if differences else UNCHANGED
    return Change(each.slug, status, str(each.source), each.settings.code_version, differences, each)


def apply_configure(database: Database, changes: Sequence[Change], now: datetime) -> list[int]:
    """Store all of it in one transaction; the numbers of the campaigns that another code version ends."""
    superseded: list[int] = []
    with database.write() as session:
        for change in changes:
            if change.status == REMOVED:
                experiments.deactivate(session, change.slug)
            elif change.configured is not None and change.status != UNCHANGED:
                stored = change.configured.stored()
                experiments.save_version(
                    session,
                    change.slug,
                    code_version=change.configured.settings.code_version,
                    digest=digest(stored),
                    settings=stored,
                    source=str(change.configured.source),
                    now=now,
                )
                stored_now = experiments.by_slug(session, change.slug)
                assert stored_now is not None
                superseded += supersede(session, stored_now.experiment_id, stored_now.code_version, now)
    return superseded
