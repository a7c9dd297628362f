"""Read the texts of files that the worker site shows: its terms, its note on privacy."""

from __future__ import annotations

from dataclasses import dataclass

from turkctl.errors import ConfigError
from turkctl.paths import read_whole
from turkctl.settings import Settings

MOST_TEXT = 2**20
"""Bytes of such a file, at most."""


@dataclass(frozen=True)
class SiteText:
    """A text, and whether it is HTML."""

    text: str
    is_html: bool


def site_text(settings: Settings, key: str) -> SiteText | None:
    """Return the text of the file that a setting names; None if the setting is unset.

    Raises:
        ConfigError: the file cannot be read, is too long, is not UTF-8, or has no text.
    """
    name: str | None = settings[key]
    if name is None:
        return None
    path = settings.folder / name
    try:
        text = read_whole(path, MOST_TEXT).decode("utf-8-sig")
    except (OSError, ValueError) as error:  # UnicodeDecodeError is one
        why = getattr(error, "strerror", None) or "it is not UTF-8 text, or larger than 1 MB"
        raise ConfigError(f"{key}: cannot read {path}: {why}", hint="name an HTML or text file in UTF-8") from None
    if not text.strip():
        raise ConfigError(f"{key}: {path} is empty", hint="write the text into it")
    return SiteText(text, path.suffix.lower() in (".html", ".htm"))
