"""The commands that change something: each leaves a line in the log (``turkctl log``), also when it fails."""

from __future__ import annotations

ACTS = frozenset(
    {
        "archive import",
        "campaigns cancel",
        "campaigns create",
        "campaigns run",
        "campaigns update",
        "content add",
        "content dispatch",
        "content remove",
        "db import-psiturk",
        "db optimize",
        "experiments configure",
        "hits approve",
        "hits create",
        "hits delete",
        "hits expire",
        "hits extend",
        "labels aggregate",
        "labels exclude",
        "labels import",
        "labels invalidate",
        "labels mark-dirty",
        "labels needs-more",
        "labels relabel",
        "labels set",
        "participants set",
        "qualifications create",
        "qualifications grant",
        "qualifications revoke",
        "sync",
        "tasks create",
        "tasks delete",
        "tasks pause",
        "tasks resume",
        "tasks run",
        "tasks update",
        "workers approve",
        "workers block",
        "workers bonus",
        "workers compensate",
        "workers exclude",
        "workers message",
        "workers payments reconcile",
        "workers reject",
        "workers unblock",
    }
)
"""Commands by their full names. What changes no study is none of them: settings, schema, the built-in market's clock
and crowd; the scheduler's tasks leave lines of their own."""
