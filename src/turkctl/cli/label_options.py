"""The options that commands on labels share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from turkctl.errors import UsageError
from turkctl.outputs import Protected, check, target

METHODS = "majority, dawid-skene, one-coin, cubam, cubam-marginal or cubam-nd. Else the settings'; cubam."

File = Annotated[
    str | None,
    typer.Argument(
        metavar="[FILE]",
        help="CSV, JSON Lines or JSON with item, worker and label; - is standard input.",
        show_default=False,
    ),
]
Method = Annotated[str | None, typer.Option("--method", metavar="NAME", help=METHODS)]
MinVotes = Annotated[
    int | None,
    typer.Option("--min-votes", metavar="N", min=0, max=10**9, help="Items with fewer votes get no label; 5."),
]
Threshold = Annotated[
    float | None,
    typer.Option("--threshold", metavar="X", help="True above this score. Not given: 0, or chosen on gold items."),
]
Sigt = Annotated[
    float | None, typer.Option("--sigt", metavar="S", help="cubam: spread of the workers' thresholds; 3, marginal 1.")
]
Sigx = Annotated[
    float | None, typer.Option("--sigx", metavar="S", help="cubam: spread of the signal within a class; 0.8.")
]
Beta = Annotated[float | None, typer.Option("--beta", metavar="B", help="cubam: share of true items beforehand; 0.5.")]
Rounds = Annotated[
    int | None, typer.Option("--rounds", metavar="N", min=1, max=10**6, help="cubam, cubam-nd: rounds; 30.")
]
Dimensions = Annotated[
    int | None, typer.Option("--dimensions", metavar="N", min=2, max=20, help="cubam-nd: dimensions; 2.")
]
Duplicates = Annotated[
    str, typer.Option("--duplicates", metavar="last|all", help="Which of a worker's votes on one item count.")
]
Gold = Annotated[str | None, typer.Option("--gold", metavar="FILE", help="Known answers: a table with item and label.")]
GoldColumn = Annotated[
    str | None, typer.Option("--gold-column", metavar="COL", help="Known answers in a column of FILE; may be blank.")
]
Classes = Annotated[
    str | None, typer.Option("--classes", metavar="A,B,C", help="The answers there are, where not true and false.")
]
ItemColumn = Annotated[
    str | None, typer.Option("--item-column", metavar="COL", help="Column of the item; item or task.")
]
WorkerColumn = Annotated[
    str | None, typer.Option("--worker-column", metavar="COL", help="Column of the worker; worker.")
]
LabelColumn = Annotated[str | None, typer.Option("--label-column", metavar="COL", help="Column of the label; label.")]
OneExperiment = Annotated[
    str | None, typer.Option("--experiment", metavar="SLUG", help="The labels of this experiment.")
]
Slug = Annotated[
    str | None, typer.Option("--experiment", metavar="SLUG", help="May be left out where one is configured.")
]
Regex = Annotated[str | None, typer.Option("--regex", metavar="RE", help="Experiments whose slug matches (re.search).")]
Force = Annotated[bool, typer.Option("--force", help="Those without anything new, too.")]
Report = Annotated[
    Path | None, typer.Option("--report", metavar="HTML", help="Write a page to look at, which is replaced.")
]
WorkersFile = Annotated[
    Path | None,
    typer.Option("--workers", metavar="F", help="Write the workers to this .csv or .jsonl file, which is replaced."),
]
Item = Annotated[str | None, typer.Option("--item", metavar="ID", help="Only of this item.")]
Worker = Annotated[str | None, typer.Option("--worker", metavar="ID", help="Only of this worker.")]
Undo = Annotated[bool, typer.Option("--undo", help="Take it back.")]
MOST = 10**9


@dataclass(frozen=True)
class Options:
    """How labels are aggregated; what is None is as the method, or an experiment's settings, have it."""

    method: Method = None
    min_votes: MinVotes = None
    threshold: Threshold = None
    sigt: Sigt = None
    sigx: Sigx = None
    beta: Beta = None
    rounds: Rounds = None
    dimensions: Dimensions = None
    duplicates: Duplicates = "last"

    @property
    def of_method(self) -> dict[str, Any]:
        """Those that ``labels.options`` knows."""
        return {name: value for name, value in vars(self).items() if name not in ("method", "duplicates")}


@dataclass(frozen=True)
class Reading:
    """How a file of labels is read."""

    gold: Gold = None
    gold_column: GoldColumn = None
    classes: Classes = None
    item_column: ItemColumn = None
    worker_column: WorkerColumn = None
    label_column: LabelColumn = None

    def refuse(self) -> None:
        """See that none is given.

        Raises:
            UsageError: one is.
        """
        given = next((name for name, value in vars(self).items() if value is not None), None)
        if given is not None:
            raise UsageError(
                f"--{given.replace('_', '-')} says how a FILE is read",
                hint="leave it out, or name the FILE; of experiments the table labels of their settings says it",
            )


@dataclass(frozen=True)
class Files:
    """What is written besides."""

    report: Report = None
    workers: WorkersFile = None

    @property
    def wanted(self) -> bool:
        """Whether there is any."""
        return self.report is not None or self.workers is not None

    def check(self, protected: Protected) -> None:
        """Refuse before the work what could not be written after it.

        Raises:
            UsageError: a folder that is not there, a file that is not replaced, or a name that says no format.
        """
        for file, flag in ((self.report, "--report"), (self.workers, "--workers")):
            if file is not None:
                check(file, protected, flag=flag)
        if self.report is not None and self.workers is not None and target(self.report) == target(self.workers):
            raise UsageError("--report and --workers name the same file", hint="name two files")
        if self.workers is not None and self.workers.suffix.lower() not in (".csv", ".jsonl"):
            raise UsageError(f"{self.workers} ends neither in .csv nor in .jsonl", hint="name another with --workers")
