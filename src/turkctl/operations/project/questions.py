"""Reading the files that an experiment names: templates, question documents, tests. Each mistake says where it is."""

from __future__ import annotations

import re
from pathlib import Path

from turkctl.errors import ConfigError, TurkctlError
from turkctl.mturk import questions
from turkctl.operations.experiments.rendering import Source, columns_of, source_of
from turkctl.operations.project.experiments import ExperimentSettings
from turkctl.operations.project.tables import LineOf

TEMPLATE_LIMIT = 60_000
"""Bytes of a template: the market takes 65,535 for the whole question."""

_TAG = re.compile(r"<[A-Za-z][^<>]*>|<[A-Za-z][^\s/>]*\s")
_BINARY = re.compile(r"[\x00-\x08\x0b\x0e-\x1f]")


def read_text(path: Path, where: str) -> str:
    """A UTF-8 text, without its byte order mark.

    Raises:
        ConfigError: unreadable, not UTF-8, binary, too long; ``where`` is file and line of the key that names it.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{where}: {path} is not a UTF-8 text", hint="save it as UTF-8") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "this is no file's name"
        raise ConfigError(
            f"{where}: cannot read {path}: {reason}", hint="paths start at the file that names them"
        ) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if bad := _BINARY.search(text):
        line = text.count("\n", 0, bad.start()) + 1
        raise ConfigError(
            f"{where}: {path} is not a text: a control character, U+{ord(bad[0]):04X}, in line {line}",
            hint="save it as UTF-8",
        )
    if len(text.encode()) > TEMPLATE_LIMIT:
        raise ConfigError(
            f"{where}: {path} is longer than {TEMPLATE_LIMIT:,} bytes", hint="load scripts and pictures from an address"
        )
    return text


def read_question(settings: ExperimentSettings, folder: Path, locate: LineOf) -> str | None:
    """The text of the experiment's template or question file, checked; None where it has neither.

    Raises:
        ConfigError: it cannot be read or is none; a placeholder where none can stand, or that belongs to no item.
    """
    key = next(
        name for name in ("html_template", "question_file", "hit_layout", "external_url") if getattr(settings, name)
    )
    name = settings.html_template or settings.question_file
    text = None if name is None else read_text(folder / name, locate(key))
    named = locate(key) if name is None else f"{locate(key)}: {folder / name}"
    if settings.html_template is not None and text is not None and not _TAG.search(text):
        what = "it is empty" if not text.strip() else "it has no tag"
        raise ConfigError(f"{named} is not HTML: {what}", hint="name a file with the page that workers see")
    try:
        source = source_of(settings, text)
        if source.kind == "html":
            questions.html_question(text or "")
        if settings.items_per_hit > 1:
            columns_of([each.name for each in source.placeholders], settings.items_per_hit)
    except TurkctlError as error:
        raise ConfigError(f"{named}: {error.message}", hint=error.hint) from None
    return text


def missing_columns(source: Source, settings: ExperimentSettings, columns: set[str]) -> list[str]:
    """The columns that the question asks for and that rows do not have, by name."""
    names = [each.name for each in source.placeholders]
    return sorted(columns_of(names, settings.items_per_hit) - columns)
