"""The options that name a key of pseudonyms, and what to say of the key that a command used."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from turkctl.cli.output import Output
    from turkctl.operations.participants.anonymize import PseudonymKey


WritePseudonyms = Annotated[
    Path | None,
    typer.Option(
        "--anonymize",
        metavar="KEYFILE",
        help="Write pseudonyms instead of ids, made with the key in this file; a missing file is created.",
    ),
]
ReportPseudonyms = Annotated[
    Path | None,
    typer.Option(
        "--anonymize",
        metavar="KEYFILE",
        help="Report pseudonyms instead of ids, made with the key in this file; a missing file is created.",
    ),
]


def show_key(output: Output, key: PseudonymKey | None) -> None:
    """Say on standard error that a key was made, and warn where others can read it."""
    if key is not None and key.created:
        output.note(f"made the key {key.file}: keep it for the same pseudonyms next time, and keep it secret")
    if key is not None and key.exposed:
        output.warn_exposed("the key", key.file)
