"""The options that commands on labels share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from turkctl.cli import completion
from turkctl.errors import UsageError
from turkctl.outputs import Protected, check, refuse_standard, target

METHODS = "Method: majority, dawid-skene, one-coin, cubam, cubam-marginal, cubam-nd; of numbers: mean, median."

File = Annotated[
    str | None,
    typer.Argument(
        metavar="[FILE]",
        help="CSV, JSON Lines or JSON with item, worker and label; - is standard input.",
        show_default=False,
    ),
]
Method = Annotated[
    str | None, typer.Option("--method", metavar="NAME", help=METHODS, show_default="the experiment's, else cubam")
]
MinVotes = Annotated[
    int | None,
    typer.Option(
        "--min-votes",
        metavar="N",
        min=0,
        max=10**9,
        help="Number of votes below which an item gets no label.",
        show_default="the experiment's, else 5",
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        "--threshold", metavar="X", help="Score above which a label is true.", show_default="0, or chosen on gold items"
    ),
]
Sigt = Annotated[
    float | None,
    typer.Option(
        "--sigt",
        metavar="S",
        help="cubam: standard deviation of the workers' thresholds.",
        show_default="3, with cubam-marginal 1",
    ),
]
Sigx = Annotated[
    float | None,
    typer.Option(
        "--sigx",
        metavar="S",
        help="cubam: standard deviation of the signal within a class.",
        show_default="0.8",
    ),
]
Beta = Annotated[
    float | None,
    typer.Option("--beta", metavar="B", help="cubam: expected share of true items.", show_default="0.5"),
]
Rounds = Annotated[
    int | None,
    typer.Option(
        "--rounds", metavar="N", min=1, max=10**6, help="cubam, cubam-nd: number of iterations.", show_default="30"
    ),
]
Dimensions = Annotated[
    int | None,
    typer.Option("--dimensions", metavar="N", min=2, max=20, help="cubam-nd: number of dimensions.", show_default="2"),
]
Duplicates = Annotated[
    str,
    typer.Option(
        "--duplicates", metavar="last|all", help="Which of a worker's votes on one item count: the last, or all."
    ),
]
Gold = Annotated[
    str | None,
    typer.Option("--gold", metavar="FILE", help="Table of known answers, with item and truth, gold, label or answer."),
]
GoldColumn = Annotated[
    str | None,
    typer.Option("--gold-column", metavar="COL", help="Column of FILE with the known answers; it may be blank."),
]
Classes = Annotated[
    str | None,
    typer.Option(
        "--classes", metavar="A,B,C", help="All possible answers, with commas between them.", show_default="true,false"
    ),
]
CaseSensitive = Annotated[
    bool,
    typer.Option("--case-sensitive", help="Keep labels apart that differ only in capital letters, as cat and Cat."),
]
SkipMissing = Annotated[
    bool, typer.Option("--skip-missing", help="Leave out rows whose label is blank, NA or NaN, and count them.")
]
Reason = Annotated[
    str | None, typer.Option("--reason", metavar="TEXT", help="Why, for those who look at the labels later.")
]
ItemColumn = Annotated[
    str | None, typer.Option("--item-column", metavar="COL", help="Column with the item.", show_default="item or task")
]
WorkerColumn = Annotated[
    str | None, typer.Option("--worker-column", metavar="COL", help="Column with the worker.", show_default="worker")
]
LabelColumn = Annotated[
    str | None, typer.Option("--label-column", metavar="COL", help="Column with the label.", show_default="label")
]
OneExperiment = Annotated[
    str | None,
    typer.Option(
        "--experiment", metavar="SLUG", help="Only labels of this experiment.", autocompletion=completion.experiments
    ),
]
Regex = Annotated[
    str | None,
    typer.Option("--regex", metavar="RE", help="Only experiments whose name matches this regular expression."),
]
Force = Annotated[bool, typer.Option("--force", help="Also aggregate experiments without new labels.")]
Report = Annotated[
    Path | None, typer.Option("--report", metavar="HTML", help="File to write an HTML report to; it is replaced.")
]
WorkersFile = Annotated[
    Path | None,
    typer.Option("--workers", metavar="F", help="File (.csv or .jsonl) to write the workers to; it is replaced."),
]
Item = Annotated[str | None, typer.Option("--item", metavar="ID", help="Only labels of this item.")]
Worker = Annotated[str | None, typer.Option("--worker", metavar="ID", help="Only labels by this worker.")]
Undo = Annotated[bool, typer.Option("--undo", help="Undo it: let the labels count again.")]
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
        """Return the options that ``labels.options`` knows."""
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
    case_sensitive: CaseSensitive = False
    skip_missing: SkipMissing = False

    def refuse(self) -> None:
        """See that none is given.

        Raises:
            UsageError: one is.
        """
        given = next((name for name, value in vars(self).items() if value not in (None, False)), None)
        if given is not None:
            raise UsageError(
                f"--{given.replace('_', '-')} needs a FILE",
                hint="leave it out, or name a FILE; for an experiment, say it in the table labels of its settings",
            )


@dataclass(frozen=True)
class Files:
    """What is written besides."""

    report: Report = None
    workers: WorkersFile = None

    @property
    def wanted(self) -> bool:
        """Return whether there is any."""
        return self.report is not None or self.workers is not None

    def check(self, protected: Protected) -> None:
        """Refuse before the work what could not be written after it.

        Raises:
            UsageError: standard output, a folder that is not there, a file that is not replaced, or a name that says no
                format.
        """
        for file, flag in ((self.report, "--report"), (self.workers, "--workers")):
            refuse_standard(file, flag, "where the labels go")
            if file is not None:
                check(file, protected, flag=flag)
        if self.report is not None and self.workers is not None and target(self.report) == target(self.workers):
            raise UsageError("--report and --workers name the same file", hint="name two files")
        if self.workers is not None and self.workers.suffix.lower() not in (".csv", ".jsonl"):
            raise UsageError(f"--workers {self.workers} must end in .csv or .jsonl", hint="name another file")
