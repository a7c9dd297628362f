"""What to say of the key of pseudonyms that a command used."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from turkctl.cli.output import Output
    from turkctl.operations.participants.anonymize import PseudonymKey


def show_key(output: Output, key: PseudonymKey | None) -> None:
    """Say on standard error that a key was made, and warn where others can read it."""
    if key is not None and key.created:
        output.note(f"made the key {key.file}: keep it for the same pseudonyms next time, and keep it secret")
    if key is not None and key.exposed:
        output.warn_exposed("the key", key.file)
