"""The filters that the commands of ``participants`` share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from turkctl.cli import completion
from turkctl.cli.select import meant_by_lists

if TYPE_CHECKING:
    from turkctl.cli.invocation import Invocation
    from turkctl.operations.participants.filters import Query

Condition = Annotated[
    list[int] | None, typer.Option("--condition", metavar="N", help="Only participants in this condition.")
]
CodeVersion = Annotated[
    list[str] | None, typer.Option("--codeversion", metavar="V", help="Only participants of this code version.")
]
Current = Annotated[bool, typer.Option("--current", help="Only participants of the configured code version.")]
Status = Annotated[
    list[str] | None,
    typer.Option("--status", metavar="NAME", help="Only participants with this status, as in submitted."),
]
Complete = Annotated[
    bool | None,
    typer.Option("--complete/--incomplete", help="Only participants who completed the study, or who did not."),
]
Worker = Annotated[
    list[str] | None, typer.Option("--worker", metavar="ID", help="Only this worker: your id of them, or the market's.")
]
Hit = Annotated[
    list[str] | None,
    typer.Option("--hit", metavar="ID", help="Only participants on this HIT.", autocompletion=completion.hits),
]
Campaign = Annotated[
    list[int] | None,
    typer.Option(
        "--campaign",
        metavar="N",
        help="Only participants on HITs of this campaign.",
        autocompletion=completion.campaigns,
    ),
]
Owed = Annotated[
    bool, typer.Option("--owed", help="Only participants with approved work whose bonus was not paid yet.")
]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="T", help="Only participants who began at this time or later, as in 2026-05-04."),
]
Until = Annotated[
    str | None, typer.Option("--until", metavar="T", help="Only participants who began before this time.")
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="COL=VALUE",
        help="Only participants whose column COL has this value; COL= finds those without one.",
    ),
]


def chosen_modes(run: Invocation) -> list[str]:
    """Return the modes given on the command line: here they choose participants, not a market."""
    run.flags.pop("mode", None)
    return list(run.flags.get("modes", ()))


@dataclass(frozen=True)
class Filters:
    """Which participants."""

    condition: Condition = None
    codeversion: CodeVersion = None
    current: Current = False
    status: Status = None
    complete: Complete = None
    worker: Worker = None
    hit: Hit = None
    campaign: Campaign = None
    owed: Owed = False
    since: Since = None
    until: Until = None
    where: Where = None

    def query(self, run: Invocation) -> Query:
        """Return the filters as one value, with the modes of the command line."""
        from turkctl.operations.participants.filters import Query

        return Query(
            modes=chosen_modes(run),
            conditions=self.condition or (),
            code_versions=self.codeversion or (),
            current=self.current,
            statuses=self.status or (),
            complete=self.complete,
            workers=meant_by_lists(run, self.worker or ()),
            hits=self.hit or (),
            campaigns=self.campaign or (),
            owed=self.owed,
            since=self.since,
            until=self.until,
            where=self.where or (),
        )
