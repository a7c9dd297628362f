"""Check tables of settings files against models; each mistake gives file and line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from turkctl.errors import ConfigError, TurkctlError
from turkctl.words import meant, quotes_missing

T = TypeVar("T", bound=BaseModel)


class SettingError(ValueError):
    """An invalid value, as validators of models raise it: pydantic reads ValueErrors, and would lose a hint."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint

    @classmethod
    def of(cls, error: TurkctlError) -> SettingError:
        """Return the error with message and hint of another."""
        return cls(error.message, error.hint)


class SettingsTable(BaseModel):
    """A table of a settings file; unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def mistakes_in(
    model: type[T], what: str, table: Any, locate: Callable[[str], str], mistakes: list[ConfigError]
) -> T | None:
    """Return the table as an object of the model; None if it has mistakes.

    Args:
        model: the valid keys and values.
        what: what the table describes, in words.
        table: the table as read from the file.
        locate: returns ``file:line`` for a dotted key of the table.
        mistakes: each mistake is added to it.
    """
    try:
        return model.model_validate(table)
    except ValidationError as error:
        for each in error.errors():
            key = ".".join(str(part) for part in each["loc"] if isinstance(part, str))
            words = _words_for(model, what, key, each)
            mistakes.append(ConfigError(f"{locate(key)}: {words}", hint=_hint(model, key, each)))
    return None


class LineOf:
    """Finds the line of a key in a table's file; the line of the table if the key is missing."""

    def __init__(self, path: object, text: str, prefix: str, *, otherwise: str | None = None) -> None:
        """Take the file, its text and the prefix of keys; missing keys are looked for under ``otherwise``."""
        self._path = path
        self._text = text
        self._prefixes = [prefix] if otherwise is None else [prefix, otherwise]

    def __call__(self, key: str) -> str:
        """Return ``file:line`` of the key."""
        from turkctl.settings_file import line_of

        parts = key.split(".") if key else []
        while True:
            for prefix in self._prefixes[: None if parts else 1]:
                line = line_of(self._text, ".".join([*filter(None, [prefix]), *parts]))
                if line is not None:
                    return f"{self._path}:{line}"
            if not parts:
                return f"{self._path}:1"
            parts.pop()


_KINDS = {
    "string_type": "write a text, in quotes",
    "list_type": 'write a list, as in ["one", "two"]',
    "dict_type": "write a table, as in { key = value }",
    "model_type": "write a table, as in { key = value }",
    "int_type": "write a whole number",
    "int_from_float": "write a whole number",
    "bool_type": "write true or false",
}
"""Messages by kind of error, in place of those that use terms of Python."""


def _words_for(model: type[BaseModel], what: str, key: str, error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return f"{what}: unknown key '{key}'" + meant(key.rpartition(".")[2], _valid_keys(model, key))
    if error["type"] == "missing":
        return f"{what}: '{key}' is missing"
    message = _KINDS.get(error["type"]) or error["msg"].removeprefix("Value error, ")
    return f"{what}: {key + ': ' if key else ''}{message[0].lower()}{message[1:]}"


def _valid_keys(model: type[BaseModel], key: str) -> list[str]:
    """Return the valid keys of the table that a dotted key is in: the model's, or those of a table inside it."""
    within = model.model_fields.get(key.partition(".")[0]) if "." in key else None
    named = () if within is None else (within.annotation, *get_args(within.annotation))
    tables = [each for each in named if isinstance(each, type) and issubclass(each, BaseModel)]
    return list((tables[0] if tables else model).model_fields)


def _hint(model: type[BaseModel], key: str, error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return "valid keys here: " + ", ".join(_valid_keys(model, key))
    if error["type"] == "missing":
        return f"add {key} = … there, then run: turkctl experiments configure"
    raised = error.get("ctx", {}).get("error")
    if isinstance(raised, SettingError) and raised.hint:
        return raised.hint
    if error["type"] == "string_type" or (isinstance(raised, SettingError) and not isinstance(error["input"], bool)):
        return quotes_missing(key.rpartition(".")[2], error["input"]) or _FIX
    return _FIX


_FIX = "fix that line, then run: turkctl experiments configure"
