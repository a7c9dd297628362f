"""Alembic told which tables are ours, for migrating and for comparing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData

from turkctl.store.base import PREFIX, VERSION_TABLE


def ours(name: str | None, kind: str, _parents: Any) -> bool:
    """Alembic's ``include_name``: tables of other programs don't exist for it."""
    return kind != "table" or (name is not None and name.startswith(PREFIX))


def options(metadata: MetaData) -> dict[str, Any]:
    """Return the options with which every use of Alembic is configured."""
    return {
        "target_metadata": metadata,
        "version_table": VERSION_TABLE,
        "include_name": ours,
        "compare_type": True,
        "render_as_batch": True,
    }


def differences(connection: Connection, metadata: MetaData) -> list[str]:
    """Return how the database differs from the metadata, one line each."""
    context = MigrationContext.configure(connection, opts=options(metadata))
    return [_worded(change) for change in _flat(compare_metadata(context, metadata))]


def _flat(changes: Any) -> Iterator[tuple[Any, ...]]:
    """Alembic nests the changes to one column in a list of their own."""
    for change in changes:
        if isinstance(change, list):
            yield from _flat(change)
        else:
            yield change


def _worded(change: tuple[Any, ...]) -> str:
    """``add_…`` is what the database lacks, ``remove_…`` what it has too much, ``modify_…`` what is another."""
    act, _, what = str(change[0]).partition("_")
    verdict = {"add": "missing", "remove": "not turkctl's", "modify": "not as it should be"}.get(act, act)
    names = [str(part) for part in change[1:] if isinstance(part, str)]
    names += [str(getattr(part, "name", "")) for part in change[1:] if hasattr(part, "name")]
    table = getattr(getattr(change[-1], "table", None), "name", None)
    place = f" of {table}" if table and table not in names else ""
    return f"{what} {'.'.join(name for name in names if name)}{place}: {verdict}"
