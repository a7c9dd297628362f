"""The selector options that batch commands share, and what they have in common besides."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from turkctl.cli import completion
from turkctl.ids import storable

if TYPE_CHECKING:
    from turkctl.operations.selection.hits import Selection
    from turkctl.operations.selection.work import WorkSelection


def texts(values: list[str] | None) -> list[str] | None:
    """Return ids that a database can hold: one that is no text fails alone, as one that nobody has."""
    return values and [storable(each) for each in values]


Ids = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[ID]...", help="Ids of HITs.", show_default=False, callback=texts, autocompletion=completion.hits
    ),
]
All = Annotated[bool, typer.Option("--all", help="Everything that this database knows, in this mode and market.")]
Regex = Annotated[
    str | None,
    typer.Option("--regex", metavar="RE", help="Those of experiments whose name matches this regular expression."),
]
Experiment = Annotated[
    str | None,
    typer.Option(
        "--experiment",
        metavar="SLUG",
        help="Those of this experiment.",
        autocompletion=completion.experiments,
    ),
]
Campaign = Annotated[
    int | None,
    typer.Option(
        "--campaign",
        metavar="N",
        help="Those of the campaign with this number.",
        autocompletion=completion.campaigns,
    ),
]
CodeVersion = Annotated[str | None, typer.Option("--codeversion", metavar="V", help="Those of this code version.")]
AllStudies = Annotated[
    bool,
    typer.Option(
        "--all-studies",
        help="Also those that the account has on the market and this database does not know; alone, only these.",
    ),
]
WorkIds = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ID]...", help="Ids of workers or assignments.", show_default=False, callback=texts),
]
Hit = Annotated[
    list[str] | None,
    typer.Option("--hit", metavar="ID", help="Those on this HIT.", callback=texts, autocompletion=completion.hits),
]
MinGold = Annotated[
    float | None,
    typer.Option(
        "--min-gold",
        metavar="P",
        help="Only those of workers with at least this share of the known answers right, as in 0.8.",
    ),
]
Feedback = Annotated[
    str | None, typer.Option("--feedback", metavar="TEXT", help="Message that the workers get with the decision.")
]
OverrideRejection = Annotated[
    bool, typer.Option("--override-rejection", help="Also approve work that was rejected, and pay for it.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and change nothing.")]
New = Annotated[
    bool, typer.Option("--new", help="Begin a new run even if one with the same arguments was interrupted.")
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Finish the interrupted run even if it is old or its settings have changed.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]


@dataclass(frozen=True)
class Selectors:
    """What a batch command on HITs acts on, among what this database knows."""

    ids: Ids = None
    everything: All = False
    regex: Regex = None
    experiment: Experiment = None
    campaign: Campaign = None
    codeversion: CodeVersion = None

    def selection(self) -> Selection:
        """Return the options as one value."""
        from turkctl.operations.selection.hits import Selection

        unique = tuple(dict.fromkeys(self.ids or ()))
        return Selection(unique, self.everything, self.regex, self.experiment, self.campaign, self.codeversion)


@dataclass(frozen=True)
class WideSelectors(Selectors):
    """The same, and what the account has besides."""

    all_studies: AllStudies = False

    def selection(self) -> Selection:
        """Return the options as one value."""
        return replace(super().selection(), all_studies=self.all_studies)


@dataclass(frozen=True)
class WorkSelectors(Selectors):
    """What a command on work is about: ids are of workers or assignments."""

    ids: WorkIds = None
    hit: Hit = None

    def work(self) -> WorkSelection:
        """Return the options as one value."""
        from turkctl.operations.selection.work import WorkSelection

        return WorkSelection(self.selection(), tuple(dict.fromkeys(self.hit or ())))


@dataclass(frozen=True)
class WideWorkSelectors(WorkSelectors):
    """The same, and work that only the market knows, or only of workers who are right."""

    all_studies: AllStudies = False
    min_gold: MinGold = None

    def work(self) -> WorkSelection:
        """Return the options as one value.

        Raises:
            UsageError: ``--min-gold`` is no share.
        """
        from turkctl.operations.selection.gold import check_min_gold

        chosen = super().work()
        wider = replace(chosen.selection, all_studies=self.all_studies)
        return replace(chosen, selection=wider, min_gold=check_min_gold(self.min_gold))
