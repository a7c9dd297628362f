"""A study with labels: imported, or read from what workers answered."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dispatch_support import SETTINGS, ContentStudy
from standard_input import standard_input
from study_support import Study

from turkctl.operations.labels.aggregation import How
from turkctl.operations.labels.columns import ColumnNames
from turkctl.operations.labels.importing import ImportReport, ImportRequest, import_labels
from turkctl.operations.labels.lists import is_dirty, list_labels, list_results
from turkctl.operations.labels.runs import AggregateRequest, AggregationOutcome, aggregate_experiments, unseen

LABELS = '\n[experiments.photos.labels]\nfield = "bird_{n}"\nmin_votes = 2\n'
VOTES = ("110", "001", "100", "000", "111", "011")
"""An item a row, a worker a digit."""


def rows_of(votes: Iterable[str]) -> list[tuple[str, str, str]]:
    """Item, worker and label of digits."""
    return [
        (f"p{item}", f"w{place}", "yes" if digit == "1" else "no")
        for item, row in enumerate(votes)
        for place, digit in enumerate(row)
    ]


class LabelStudy(ContentStudy):
    """A study with the experiment ``photos``, in any database."""

    def __init__(self, folder: Path, keys: str = LABELS, *, url: str | None = None) -> None:
        address = "" if url is None else f'database_url = "{url}"\n'
        (folder / "turkctl.toml").write_text(address + SETTINGS + keys)
        Study.__init__(self, folder)
        self.configure_file()

    def import_rows(self, rows: Iterable[tuple[str, str, str]], **options: Any) -> ImportReport:
        """Import labels."""
        text = "".join(",".join(row) + "\n" for row in [("item", "worker", "label"), *rows])
        dry_run = options.pop("dry_run", False)
        request = ImportRequest("-", options.pop("experiment", "photos"), ColumnNames(), **options)
        return import_labels(self.world, request, standard_input(text), unseen, dry_run=dry_run)

    def aggregate(self, slug: str | None = "photos", **options: Any) -> list[AggregationOutcome]:
        """Aggregate one experiment, or all that are dirty."""
        stop, force = options.pop("stop", lambda: False), options.pop("force", False)
        request = AggregateRequest(slug, how=How(**options), force=force)
        return list(aggregate_experiments(self.world, request, unseen, stop))

    def results(self) -> dict[str, tuple[Any, str]]:
        """(label, method) by item."""
        return {row["item"]: (row["label"], row["method"]) for row in list_results(self.world, "photos")}

    def labels(self, **narrowed: Any) -> list[tuple[str, str, str | None, str]]:
        """Item, worker, label and status of each label."""
        rows = list_labels(self.world, "photos", **narrowed)
        return [(row["item"], row["worker"], row["label"], row["status"]) for row in rows]

    @property
    def dirty(self) -> bool:
        """Whether there is something that no run has seen."""
        return is_dirty(self.world, "photos")
