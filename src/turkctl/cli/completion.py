"""Names that a shell offers for a word: experiments, campaigns, tasks and HITs of the project's database.

They are read at the press of a key, so that whatever goes wrong is silent: then there are no names to offer.
"""

from __future__ import annotations

import re

import typer

Offered = list[tuple[str, str]]
"""Names, and what zsh and fish show beside each."""

OPEN_ONLY = ("expire", "extend")
"""Commands that do something to HITs only while workers can start on them."""
_SAFE = re.compile(r"[\w.,@%+=:/-]+")
"""Names that mean nothing else to a shell."""
_UNSAFE = re.compile(r"[^\w .,%+-]")


def experiments(ctx: typer.Context) -> Offered:
    """Return the names of the configured experiments."""
    return _names(ctx, "experiments")


def campaigns(ctx: typer.Context) -> Offered:
    """Return the numbers of the campaigns of this mode, active ones first."""
    return _names(ctx, "campaigns")


def tasks(ctx: typer.Context) -> Offered:
    """Return the names of the tasks of this mode."""
    return _names(ctx, "tasks")


def hits(ctx: typer.Context) -> Offered:
    """Return the ids of the HITs of this mode that are not deleted; only open ones where others make no sense."""
    return _names(ctx, "open_hits" if ctx.command.name in OPEN_ONLY else "hits")


def workers(ctx: typer.Context) -> Offered:
    """Return the ids of workers of this mode, those whose work was read last."""
    return _names(ctx, "workers")


def assignments(ctx: typer.Context) -> Offered:
    """Return the ids of the assignments of this mode that were read last."""
    return _names(ctx, "assignments")


def _names(ctx: typer.Context, kind: str) -> Offered:
    from turkctl.cli.common import invocation
    from turkctl.context import Context

    try:
        found = Context(invocation(ctx).settings).names(kind)
    except Exception:  # noqa: BLE001  # a shell shows whatever is printed here in the middle of the line
        return []
    return [(name, _UNSAFE.sub(" ", words)) for name, words in found if _SAFE.fullmatch(name)]
