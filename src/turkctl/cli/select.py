"""The selector options that batch commands share, and what they have in common besides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from turkctl.cli import completion
from turkctl.ids import looks_like_markets, storable

if TYPE_CHECKING:
    from turkctl.cli.invocation import Invocation
    from turkctl.operations.selection.hits import Selection
    from turkctl.operations.selection.work import WorkSelection


def meant(run: Invocation, ids: Sequence[str]) -> list[str]:
    """Return the ids in their order, each once, with worker ids in the place of a lab's own ids of people."""
    unique = list(dict.fromkeys(ids))
    if all(looks_like_markets(each) for each in unique):
        return unique
    from turkctl.operations.selection.own_ids import meant as workers_meant

    return workers_meant(run.context, unique)


def meant_by_lists(run: Invocation, ids: Sequence[str]) -> list[str]:
    """Return the ids, each once, and the worker ids that are meant by those of a lab's own.

    The others stay, because a worker may be called so; where the market is not there, nobody is asked.
    """
    unique = list(dict.fromkeys(ids))
    if all(looks_like_markets(each) for each in unique):
        return unique
    from turkctl.operations.selection.own_ids import meant_by_lists as found

    return list(dict.fromkeys([*unique, *found(run.context, unique).values()]))


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
    typer.Argument(
        metavar="[ID]...",
        help="Ids of workers, yours or the market's, or of assignments.",
        show_default=False,
        callback=texts,
    ),
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


Ended = Annotated[bool, typer.Option("--ended", help="Also show those of experiments that have ended.")]
Names = Annotated[
    bool, typer.Option("--names", help="Also show your own ids and names of people, where the market is turkctl's.")
]
NAME_COLUMNS = ("own_id", "full_name")
"""The columns that --names adds."""


def with_names(run: Invocation, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return rows that have a worker id with own id and name after it, None where there is none."""
    from turkctl.operations.selection.own_ids import who_is

    listed = [dict(each) for each in rows]
    known = who_is(run.context, [each["worker_id"] for each in listed])
    nobody = (None, None)
    return [
        {"worker_id": each["worker_id"], **dict(zip(NAME_COLUMNS, known.get(each["worker_id"], nobody), strict=True))}
        | each
        for each in listed
    ]


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

    def work(self, run: Invocation) -> WorkSelection:
        """Return the options as one value; a lab's own ids of people stand for their worker ids."""
        from turkctl.operations.selection.work import WorkSelection

        chosen = replace(self.selection(), ids=tuple(meant(run, self.ids or ())))
        return WorkSelection(chosen, tuple(dict.fromkeys(self.hit or ())))


@dataclass(frozen=True)
class WideWorkSelectors(WorkSelectors):
    """The same, and work that only the market knows, or only of workers who are right."""

    all_studies: AllStudies = False
    min_gold: MinGold = None

    def work(self, run: Invocation) -> WorkSelection:
        """Return the options as one value.

        Raises:
            UsageError: ``--min-gold`` is no share.
        """
        from turkctl.operations.selection.gold import check_min_gold

        chosen = super().work(run)
        wider = replace(chosen.selection, all_studies=self.all_studies)
        return replace(chosen, selection=wider, min_gold=check_min_gold(self.min_gold))
