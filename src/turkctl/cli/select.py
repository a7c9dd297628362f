"""The selector options that batch commands share, and what they have in common besides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from turkctl.operations.selection import Selection

Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="These ids.", show_default=False)]
All = Annotated[bool, typer.Option("--all", help="Everything of this mode and market that this database knows.")]
Regex = Annotated[
    str | None,
    typer.Option("--regex", metavar="RE", help="What belongs to an experiment whose slug matches (re.search)."),
]
Experiment = Annotated[
    str | None, typer.Option("--experiment", metavar="SLUG", help="What belongs to this experiment.")
]
Campaign = Annotated[int | None, typer.Option("--campaign", metavar="N", help="What belongs to this campaign.")]
CodeVersion = Annotated[
    str | None, typer.Option("--codeversion", metavar="V", help="What belongs to this code version.")
]
AllStudies = Annotated[
    bool,
    typer.Option(
        "--all-studies",
        help="Also what the account has on the market and this database does not know; alone, only that.",
    ),
]
Feedback = Annotated[str | None, typer.Option("--feedback", metavar="TEXT", help="What the workers read with it.")]
OverrideRejection = Annotated[
    bool, typer.Option("--override-rejection", help="Approve what was rejected, too, and pay for it.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done; change nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def selection(
    ids: list[str] | None,
    everything: bool,
    regex: str | None,
    experiment: str | None,
    campaign: int | None,
    codeversion: str | None,
    all_studies: bool = False,
) -> Selection:
    """The selector options as one value."""
    from turkctl.operations.selection import Selection

    unique = tuple(dict.fromkeys(ids or ()))
    return Selection(unique, everything, regex, experiment, campaign, codeversion, all_studies)
