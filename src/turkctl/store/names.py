"""Read the names that a shell offers to complete a word with.

That happens at a key press. So it needs no models and, with SQLite, no SQLAlchemy; and it only looks: it creates no
file and waits for nobody.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

MOST = 200
"""Names that are read at most: more fit no screen."""
_STUDY = {
    "turkctl_experiment": "SELECT 1 FROM turkctl_experiment LIMIT 1",
    "turkctl_hit": "SELECT 1 FROM turkctl_hit LIMIT 1",
    "assignments": "SELECT 1 FROM assignments LIMIT 1",
}
"""Tables whose rows make a study, and how to see whether there are any."""
WAIT_S = 0.2
"""How long a locked file is waited for."""
_HIT = (
    "SELECT h.hit_id, coalesce(e.slug, h.title) || ', ' || h.available || ' of ' || h.max_assignments || ' available, '"
    " || lower(h.status) FROM turkctl_hit h LEFT JOIN turkctl_experiment e ON e.id = h.experiment_id"
    " WHERE h.mode = :mode AND h.status {statuses} ORDER BY h.created DESC, h.hit_id"
)
_WORK = (
    "SELECT a.assignment_id, a.worker_id || ', ' || lower(a.status) FROM turkctl_assignment a"
    " WHERE a.mode = :mode ORDER BY a.id DESC"
)
_WORKERS = (
    "SELECT worker_id, count(*) || ' of the last assignments' FROM (SELECT a.id, a.worker_id FROM turkctl_assignment a"
    " WHERE a.mode = :mode ORDER BY a.id DESC LIMIT 1000) lately GROUP BY worker_id ORDER BY max(id) DESC"
)
STATEMENTS = {
    "experiments": "SELECT e.slug, s.code_version FROM turkctl_experiment e JOIN turkctl_experiment_settings s"
    " ON s.experiment_id = e.id AND s.version = e.version WHERE e.active AND :mode IS NOT NULL ORDER BY e.slug",
    "campaigns": "SELECT c.id, e.slug || ', ' || c.goal || ' people, ' || c.status FROM turkctl_campaign c"
    " JOIN turkctl_experiment e ON e.id = c.experiment_id WHERE c.mode = :mode"
    " ORDER BY CASE c.status WHEN 'active' THEN 0 ELSE 1 END, c.id DESC",
    "tasks": "SELECT t.name, t.kind FROM turkctl_task t WHERE t.mode = :mode ORDER BY t.name",
    "open_hits": _HIT.format(statuses="= 'Assignable'"),
    "hits": _HIT.format(statuses="<> 'Disposed'"),
    "workers": _WORKERS,
    "assignments": _WORK,
    "fees": "SELECT DISTINCT r.fee, 'as the market last said' FROM turkctl_market_rules r WHERE r.mode = :mode",
}
"""What can be named, and how each name is read, with a few words about it."""

Names = list[tuple[str, str]]


def read_names(url: str, path: Path | None, kind: str, mode: str) -> Names:
    """Return names with a few words about each, :data:`MOST` at most.

    Args:
        url: of the database.
        path: its file, with SQLite.
        kind: one of :data:`STATEMENTS`.
        mode: whose campaigns, tasks and HITs.

    Raises:
        OSError, sqlite3.Error, SQLAlchemyError: the database is not there, cannot be read, or has no such table.
    """
    statement = f"{STATEMENTS[kind]} LIMIT {MOST:d}"
    return _of_server(url, statement, mode) if path is None else _of_file(path, statement, mode)


def has_study(path: Path) -> bool:
    """Return whether an SQLite file has a study with an experiment, a HIT or a participant, and acts; it only looks."""
    try:
        with closing(_look_into(path)) as connection:
            names = {str(name) for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if "turkctl_meta" not in names:
                return False
            moved = connection.execute("SELECT 1 FROM turkctl_meta WHERE key = 'mark' AND value LIKE '%\"moved\"%'")
            looks = [look for name, look in _STUDY.items() if name in names]
            return moved.fetchone() is None and any(connection.execute(look).fetchone() for look in looks)
    except (OSError, sqlite3.Error):
        return False


def _of_file(path: Path, statement: str, mode: str) -> Names:
    with closing(_look_into(path)) as connection:
        return [(str(name), str(words)) for name, words in connection.execute(statement, {"mode": mode})]


def _look_into(path: Path) -> sqlite3.Connection:
    # A reader of a file in WAL mode would create the two files beside it. Where they are missing, nobody has it open.
    in_use = all(path.with_name(path.name + suffix).exists() for suffix in ("-wal", "-shm"))
    how = "mode=ro" if in_use else "mode=ro&immutable=1"
    return sqlite3.connect(f"file:{quote(str(path))}?{how}", uri=True, timeout=WAIT_S)


def _of_server(url: str, statement: str, mode: str) -> Names:
    from sqlalchemy import text

    from turkctl.store.engine import connect

    database = connect(url)
    try:
        with database.read() as session:
            found = session.connection().execute(text(statement), {"mode": mode})
            return [(str(name), str(words)) for name, words in found]
    finally:
        database.close()
