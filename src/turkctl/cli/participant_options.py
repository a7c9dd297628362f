"""The filters that the commands of ``participants`` share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from turkctl.cli.invocation import Invocation
    from turkctl.operations.participant_filters import Query

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


def as_query(
    run: Invocation,
    condition: list[int] | None,
    codeversion: list[str] | None,
    current: bool,
    status: list[str] | None,
    complete: bool | None,
    worker: list[str] | None,
    hit: list[str] | None,
    campaign: list[int] | None,
    since: str | None,
    until: str | None,
    where: list[str] | None,
) -> Query:
    """The filters as one value."""
    from turkctl.operations.participant_filters import Query

    return Query(
        modes=chosen_modes(run),
        conditions=condition or (),
        code_versions=codeversion or (),
        current=current,
        statuses=status or (),
        complete=complete,
        workers=worker or (),
        hits=hit or (),
        campaigns=campaign or (),
        since=since,
        until=until,
        where=where or (),
    )
