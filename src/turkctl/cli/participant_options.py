"""The filters that the commands of ``participants`` share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from turkctl.cli.invocation import Invocation
    from turkctl.operations.participants.filters import Query

Condition = Annotated[list[int] | None, typer.Option("--condition", metavar="N", help="In this condition. Repeatable.")]
CodeVersion = Annotated[
    list[str] | None, typer.Option("--codeversion", metavar="V", help="Of this code version. Repeatable.")
]
Current = Annotated[bool, typer.Option("--current", help="Of the configured code version.")]
Status = Annotated[
    list[str] | None, typer.Option("--status", metavar="NAME", help="With this status, as in submitted. Repeatable.")
]
Complete = Annotated[
    bool | None, typer.Option("--complete/--incomplete", help="Only those who are complete, or who are not.")
]
Worker = Annotated[list[str] | None, typer.Option("--worker", metavar="ID", help="This worker's. Repeatable.")]
Hit = Annotated[list[str] | None, typer.Option("--hit", metavar="ID", help="On this HIT. Repeatable.")]
Campaign = Annotated[
    list[int] | None, typer.Option("--campaign", metavar="N", help="On HITs of this campaign. Repeatable.")
]
Since = Annotated[str | None, typer.Option("--since", metavar="T", help="Began at this time or later.")]
Until = Annotated[str | None, typer.Option("--until", metavar="T", help="Began before this time.")]
Where = Annotated[
    list[str] | None,
    typer.Option("--where", metavar="COL=VALUE", help="Where a column has this value; COL= where it has none."),
]


def chosen_modes(run: Invocation) -> list[str]:
    """The modes given on the command line: here they choose participants, not a market."""
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
    since: Since = None
    until: Until = None
    where: Where = None

    def query(self, run: Invocation) -> Query:
        """As one value, with the modes of the command line."""
        from turkctl.operations.participants.filters import Query

        return Query(
            modes=chosen_modes(run),
            conditions=self.condition or (),
            code_versions=self.codeversion or (),
            current=self.current,
            statuses=self.status or (),
            complete=self.complete,
            workers=self.worker or (),
            hits=self.hit or (),
            campaigns=self.campaign or (),
            since=self.since,
            until=self.until,
            where=self.where or (),
        )
