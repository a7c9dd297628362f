"""A study with content: items from a text, dispatched, worked on, counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from standard_input import standard_input
from study_support import Study, worker

from turkctl.operations.content.dispatch import prepare_dispatch
from turkctl.operations.content.items import AddReport, AddRequest, add_content, list_content
from turkctl.operations.engine.plan import BatchResult
from turkctl.operations.selection.hits import Selection
from turkctl.operations.sync.run import sync

SETTINGS = """
[experiments.photos]
code_version = "1.0"
title = "What is on the photo?"
description = "Ten photos, a word for each."
reward = "0.10"
duration = "30m"
lifetime = "24h"
external_url = "https://lab.example.org/photo"
"""


class ContentStudy(Study):
    """A study with the experiment ``photos``; ``keys`` are more lines of its table."""

    def __init__(self, folder: Path, keys: str = "", more: str = "", database_url: str | None = None) -> None:
        (folder / "turkctl.toml").write_text(SETTINGS + keys + more)
        super().__init__(folder, database_url)
        self.configure_file()

    def add(self, text: str, **options: Any) -> AddReport:
        """Add the rows of a CSV text."""
        dry_run = options.pop("dry_run", False)
        request = AddRequest(Path("-"), options.pop("experiment", "photos"), **options)
        return add_content(self.world, request, standard_input(text), dry_run=dry_run)

    def add_numbered(self, number: int, **options: Any) -> None:
        """Add so many items, ``i0`` and on, the first the most urgent."""
        rows = "".join(f"i{each},u{each},{number - each}\n" for each in range(number))
        self.add("key,url,urgency\n" + rows, priority="urgency", **options)

    def dispatch(self, selection: Selection | None = None, *, hits: int | None = None, **engine: Any) -> BatchResult:
        """Plan and apply, one request after the other unless said otherwise."""
        engine.setdefault("workers", 1)
        return self.apply(prepare_dispatch(self.world, selection or Selection(), hits=hits), **engine)

    def rows(self, **options: Any) -> dict[str, tuple[int, int]]:
        """(completed, scheduled) by key, in the order in which they are listed."""
        return {row["key"]: (row["completed"], row["scheduled"]) for row in list_content(self.world, **options)}

    def pending(self) -> list[str]:
        """The keys of what is pending, in the order of dispatch."""
        return list(self.rows(pending=True))

    def shown(self) -> dict[str, list[str]]:
        """The keys of the items that each HIT shows, in their order, by HIT in the order of posting."""
        rows = self.sql(
            "SELECT h.hit_id, c.key FROM turkctl_content_hit l JOIN turkctl_content c ON c.id = l.content_id "
            "JOIN turkctl_hit h ON h.id = l.hit_row ORDER BY h.id, l.position"
        )
        found: dict[str, list[str]] = {}
        for hit_id, key in rows:
            found.setdefault(hit_id, []).append(key)
        return found

    def size(self, hit_id: str) -> int:
        """The assignments of a HIT."""
        ((number,),) = self.sql("SELECT max_assignments FROM turkctl_hit WHERE hit_id = :h", h=hit_id)
        return int(number)

    def answer(self, hit_id: str, number: int, **fields: str) -> str:
        """Have the worker of this number do a HIT with these answers; the id of the assignment."""
        assignment_id = self.accept(hit_id, worker(number))
        self.world.market.submit("production", worker(number), assignment_id, fields or {"answer": "red"})
        return assignment_id

    def sync(self) -> None:
        """Read what workers did."""
        sync(self.world)

    def posted(self) -> int:
        """HITs on the market."""
        return len(list(self.world.mturk.list_hits()))
