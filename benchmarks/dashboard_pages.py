"""Ask the dashboard for pages of participants as a browser does, and measure them; part of bench_dashboard."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import unescape
from typing import Any
from urllib.parse import urlencode

from turkctl.context import Context
from turkctl.dashboard.access import Access
from turkctl.dashboard.app import Dashboard
from turkctl.operations.participants.filters import Query
from turkctl.settings_users import MANAGE, DashboardUser
from turkctl.web.passwords import hash_password

PASSWORD = "correct horse battery"


class Pages:
    """A visitor of the dashboard who has signed in."""

    def __init__(self, reads: Context) -> None:
        user = DashboardUser("lab", MANAGE, hash_password(PASSWORD), names=True)
        self._dashboard = Dashboard(reads, Access({"lab": user}, "k" * 64))
        self._client = self._dashboard.app.test_client()
        page = self._client.get("/dashboard/login").get_data(as_text=True)
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert token
        fields = {"name": "lab", "password": PASSWORD, "csrf_token": unescape(token[1])}
        assert self._client.post("/dashboard/login", data=fields).status_code == 303

    def rows(self, query: Query, by: str, page: int, *, descending: bool) -> int:
        """Read a page of rows; return its length in bytes."""
        more = {"desc": "1"} if descending else {}
        return self._size("participants", {**_filters(query), "sort": by, "page": page, **more})

    def count(self, query: Query) -> int:
        """Read the number that a page shows beside its rows."""
        return self._size("participants/count", _filters(query))

    def choices(self, query: Query) -> int:
        """Read the menus of the filter."""
        return self._size("participants/choices", _filters(query))

    def empty(self) -> int:
        """Return the bytes of the page without rows."""
        return self._size("participants", {"worker": "nobody"})

    def close(self) -> None:
        """Stop the dashboard."""
        self._dashboard.close()

    def _size(self, path: str, query: Mapping[str, Any]) -> int:
        answer = self._client.get(f"/dashboard/{path}?{urlencode(query, doseq=True)}")
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return len(answer.get_data())


def _filters(query: Query) -> dict[str, Sequence[Any] | str]:
    """Return the filters as an address has them."""
    named: dict[str, Any] = {
        "mode": query.modes,
        "condition": query.conditions,
        "codeversion": query.code_versions,
        "status": query.statuses,
        "complete": {None: "", True: "yes", False: "no"}[query.complete],
        "since": query.since or "",
        "until": query.until or "",
    }
    return {name: value for name, value in named.items() if value}
