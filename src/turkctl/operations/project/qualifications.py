"""Check a table ``[qualifications.NAME]`` of the project file, which describes a qualification type."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from turkctl.errors import ConfigError, UsageError
from turkctl.mturk.requirements import OWN_NAME
from turkctl.operations.project.experiments import Duration, Line, Text, Words
from turkctl.operations.project.questions import read_text
from turkctl.operations.project.tables import LineOf, SettingsTable, mistakes_in

HIGHEST = 2**31 - 1


class QualificationSettings(SettingsTable):
    """A qualification type. ``name`` and ``keywords`` can never change on the market; the rest can."""

    name: Annotated[str, Field(min_length=1, max_length=200), Line] | None = None
    """The name that workers read; by default the name of the table. Unique in an account."""
    description: Annotated[str, Field(min_length=1, max_length=2000), Text]
    keywords: Words = Field(default_factory=list)
    active: Annotated[bool, Field(strict=True)] = True
    """Whether workers can request it."""
    auto_granted_value: Annotated[int, Field(ge=-HIGHEST, le=HIGHEST, strict=True)] | None = None
    """If given, each worker who requests it gets it at once, with this value."""
    retry_delay: Duration | None = None
    """Time after which a worker can request it again; None for never."""
    test: str | None = None
    """A file with a QuestionForm that workers must answer."""
    test_duration: Duration | None = None
    answer_key: str | None = None
    """A file with the AnswerKey that the market scores the test with."""

    @model_validator(mode="after")
    def _consistent(self) -> QualificationSettings:
        if (self.test is None) != (self.test_duration is None):
            raise ValueError("test and test_duration must be given together")
        if self.answer_key is not None and self.test is None:
            raise ValueError("answer_key needs a test")
        if self.test is not None and self.auto_granted_value is not None:
            raise ValueError("a type with a test cannot be granted automatically: leave auto_granted_value out")
        if self.retry_delay is not None and self.retry_delay < timedelta():
            raise ValueError("retry_delay must not be negative")
        return self


def read_qualifications(
    tables: Any, path: Path, text: str, mistakes: list[ConfigError]
) -> dict[str, tuple[dict[str, Any], LineOf]]:
    """Return by name each qualification of a project file, as stored and with its files' texts, and its locator.

    Args:
        tables: the value of ``qualifications`` in the file.
        path: the file; paths in it are relative to its folder.
        text: the text of the file.
        mistakes: each mistake is added to it.
    """
    found: dict[str, tuple[dict[str, Any], LineOf]] = {}
    locate = LineOf(path, text, "qualifications")
    if not isinstance(tables, dict):
        mistakes.append(ConfigError(f"{locate('')}: 'qualifications' must have a table for each type", hint=_HOW))
        return found
    for name, table in tables.items():
        locate = LineOf(path, text, f"qualifications.{name}")
        try:
            if not isinstance(table, dict):
                raise ConfigError(f"{locate('')}: 'qualifications' must have a table for each type", hint=_HOW)
            found[name] = (_stored(name, table, path, locate, mistakes), locate)
        except ConfigError as error:
            mistakes.append(error)
    return found


_HOW = "write [qualifications.NAME] and its keys below"


def _stored(
    name: str, table: dict[str, Any], path: Path, locate: LineOf, mistakes: list[ConfigError]
) -> dict[str, Any]:
    if not OWN_NAME.fullmatch(name):
        raise ConfigError(
            f"{locate('')}: '{name}' is not a valid name of a qualification",
            hint="begin with a small letter, then use small letters, digits, - and _, at most 63 in total",
        )
    settings = mistakes_in(QualificationSettings, f"qualification '{name}'", table, locate, mistakes)
    if settings is None:
        return {}
    stored = settings.model_dump(mode="json")
    stored["name"] = settings.name or name
    for key in ("test", "answer_key"):
        if stored[key] is not None:
            where = partial(locate, key)
            stored[key] = read_text(path.parent / stored[key], where)
            _check_xml(stored[key], key, where)
    return stored


def _check_xml(document: str, key: str, where: Callable[[], str]) -> None:
    from turkctl.mturk.questions import parse_question, root_name

    try:
        if key == "test" and parse_question(document).kind != "form":
            raise UsageError("it is not a QuestionForm")
        if key == "answer_key" and root_name(document) != "AnswerKey":
            raise UsageError("it is not an AnswerKey")
    except UsageError as error:
        raise ConfigError(f"{where()}: {key}: {error.message}", hint=error.hint) from None
