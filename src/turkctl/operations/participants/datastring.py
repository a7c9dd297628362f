"""Split psiTurk's ``datastring``, what a browser recorded, into trials, events and answers.

Source of the format: ``TaskData`` of psiTurk's ``psiturk.js`` and the ``get_trial_data``, ``get_event_data`` and
``get_question_data`` of its ``models.py``. The document is an object. ``data`` is a list of ``{uniqueid,
current_trial, dateTime, trialdata}``, ``eventdata`` a list of ``{eventtype, value, timestamp, interval}``,
``questiondata`` an object of answers; ``dateTime``, ``timestamp`` and ``interval`` are milliseconds.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, get_args

from turkctl.operations.sync.answers import unpacked

Kind = Literal["trial", "event", "question"]
KINDS: tuple[Kind, ...] = get_args(Kind)
PARTICIPANT: Mapping[str, str] = {
    "uniqueid": "uniqueid",
    "assignment_id": "assignmentid",
    "worker_id": "workerid",
    "hit_id": "hitid",
    "condition": "cond",
    "counterbalance": "counterbalance",
    "codeversion": "codeversion",
    "status": "status",
    "mode": "mode",
}
"""The first keys of every row, and psiTurk's columns for them."""
CONSENT = ("consent_version", "consented_at")
"""The keys after them where the database knows a consent: that of the work, and when the worker agreed; else null."""
ITEMS = ("item_key", "item_keys")
"""The keys after them where HITs show items: the key of the item that the row is about, or all keys of the HIT."""
REST = "trialdata"
"""The key of trial data without fields; in tables also of the fields without a column, as an object."""
FIELDS: Mapping[Kind, tuple[str, ...]] = {
    "trial": ("current_trial", "dateTime"),
    "event": ("eventtype", "value", "timestamp", "interval"),
    "question": ("question", "value"),
}
"""The next keys, by kind; for trials, the experiment's own fields follow."""
NUMBERS: Mapping[Kind, tuple[str, ...]] = {
    "trial": ("current_trial", "dateTime"),
    "event": ("timestamp", "interval"),
    "question": (),
}
"""Those that psiTurk writes as numbers, or as null."""
WHOLE = ("current_trial", "condition", "counterbalance")
_SECTIONS: Mapping[Kind, str] = {"trial": "data", "event": "eventdata", "question": "questiondata"}
_TAKEN = frozenset((*PARTICIPANT, *CONSENT, *ITEMS, *FIELDS["trial"], "kind", ""))
_LARGEST_WHOLE = 2**63
_LARGEST = 2**1023  # of a double

Clean = Callable[[Any], Any]
"""Replaces ids in a recorded value or name."""
Entries = tuple[list[dict[str, Any]], list[str]]
"""Rows without the participant's keys, and the reasons why others could not be read."""


class UnreadableDataError(ValueError):
    """The datastring is invalid; the message says why and quotes nothing of it."""


def parse(recorded: str | bytes) -> dict[str, Any] | None:
    """Return the document; None if nothing is recorded.

    NaN and the infinities, which Python writes and JSON does not have, become their names; numbers of more digits
    than Python reads stay text. If a key appears twice, the last value counts, as in a browser.

    Raises:
        UnreadableDataError: not JSON, or not psiTurk's.
    """
    if not recorded.strip():
        return None
    document = _loads(recorded)
    if not isinstance(document, dict):
        raise UnreadableDataError(f"not an object but {_kind_of(document)}")
    if not document.keys() & set(_SECTIONS.values()):
        raise UnreadableDataError("has none of data, eventdata and questiondata")
    return document


def _loads(recorded: str | bytes) -> Any:
    try:
        try:
            return json.loads(recorded, parse_float=_number, parse_constant=str)
        except (json.JSONDecodeError, UnicodeDecodeError):
            raise
        except ValueError:  # Python reads no number of more than 4300 digits
            return json.loads(recorded, parse_float=_number, parse_constant=str, parse_int=_digits)
    except json.JSONDecodeError as error:
        raise UnreadableDataError(f"not JSON: {error.msg} at character {error.pos}") from None
    except UnicodeDecodeError as error:
        raise UnreadableDataError(f"not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise UnreadableDataError("nested too deeply") from None


def _number(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text


def _digits(text: str) -> int | str:
    return int(text) if len(text) < 1000 else text


def unpack(document: Mapping[str, Any], kind: Kind, clean: Clean | None = None) -> Entries:
    """Return the rows of one kind, in the order in which they were recorded; of a crowd-form, one for each value.

    Invalid parts are reported, and the rest is returned. A row with an invalid number is returned and reported.
    """
    section = _SECTIONS[kind]
    if section not in document:
        return [], []
    found = document[section]
    if kind == "question":
        if not isinstance(found, dict):
            return [], [f"{section} is not an object but {_kind_of(found)}"]
        return [_answer(question, value, clean) for question, value in unpacked(found).items()], []
    if not isinstance(found, list):
        return [], [f"{section} is not a list but {_kind_of(found)}"]
    rows: list[dict[str, Any]] = []
    reasons: list[str] = []
    for place, entry in enumerate(found):
        if not isinstance(entry, dict):
            reasons.append(f"{section}[{place}] is not an object but {_kind_of(entry)}")
            continue
        row = _trial(entry, clean) if kind == "trial" else _fields(entry, kind, clean)
        reasons.extend(
            f"{section}[{place}].{name} is not a number" for name in NUMBERS[kind] if not is_number(name, row[name])
        )
        rows.append(row)
    return rows, reasons


def _answer(question: str, value: Any, clean: Clean | None) -> dict[str, Any]:
    return (
        {"question": question, "value": value}
        if clean is None
        else {"question": clean(question), "value": clean(value)}
    )


def _fields(entry: Mapping[str, Any], kind: Kind, clean: Clean | None) -> dict[str, Any]:
    """Return the entry's own keys. Counters and times of psiTurk are numbers and never ids."""
    row = {name: entry.get(name) for name in FIELDS[kind]}
    if clean is None:
        return row
    return {
        name: value if name in NUMBERS[kind] and type(value) in (int, float) else clean(value)
        for name, value in row.items()
    }


def _trial(entry: Mapping[str, Any], clean: Clean | None) -> dict[str, Any]:
    row = _fields(entry, "trial", clean)
    data = entry.get("trialdata")
    if clean is not None:
        data = clean(data)
    if data and isinstance(data, dict):
        for name, value in data.items():
            row[column(name)] = value
    elif data and isinstance(data, list):
        for place, value in enumerate(data):
            row[item_column(place)] = value
    else:
        row[REST] = data
    return row


def trial_columns(document: Mapping[str, Any], clean: Clean | None = None) -> Iterator[str]:
    """Return the names that :func:`unpack` gives to fields of trials, each once."""
    trials = document.get(_SECTIONS["trial"])
    names: dict[str, Any] = {}
    longest = 0
    for entry in trials if isinstance(trials, list) else ():
        data = entry.get("trialdata") if isinstance(entry, dict) else None
        if isinstance(data, dict):
            names.update(data)
        elif isinstance(data, list):
            longest = max(longest, len(data))
    yield from (column(name if clean is None else clean(name)) for name in names)
    yield from (item_column(place) for place in range(longest))


@lru_cache(maxsize=10_000)
def column(field: str) -> str:
    """Return the name of a recorded field in a row: its own, or prefixed with ``trialdata_`` if that name is taken.

    A field whose name already begins with ``trialdata`` gets the prefix too, so that names stay distinct.
    """
    return f"{REST}_{field}" if field in _TAKEN or field.startswith(REST) else field


def item_column(place: int) -> str:
    """Return the name of one item of a trial that was recorded as a list; the first is ``trialdata_0``."""
    return f"{REST}_{place}"


def is_number(name: str, value: Any) -> bool:
    """Return whether a value is valid for a column of numbers: a number, whole if required, or None."""
    if type(value) is int:
        return abs(value) < (_LARGEST_WHOLE if name in WHOLE else _LARGEST)
    return value is None or (type(value) is float and name not in WHOLE)


def as_text(value: Any) -> str | None:
    """Return a recorded value as a table shows it: text unchanged, null as empty, all else as JSON."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _kind_of(value: Any) -> str:
    kinds: Sequence[tuple[type, str]] = (
        (dict, "an object"),
        (list, "a list"),
        (str, "text"),
        (bool, "true or false"),
        (type(None), "null"),
    )
    return next((words for kind, words in kinds if isinstance(value, kind)), "a number")
