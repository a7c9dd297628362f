"""Taking a datastring apart: everything comes out once, and what psiTurk did not write is told, never fatal."""

from __future__ import annotations

import contextlib
import json
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from turkctl.operations.participants.datastring import (
    FIELDS,
    KINDS,
    PARTICIPANT,
    REST,
    UnreadableDataError,
    column,
    parse,
    trial_columns,
    unpack,
)

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
NUMBERS = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, st.text())
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=5
)
NAMES = st.one_of(
    st.text(), st.sampled_from(["condition", "status", "rt", "", "trialdata", "trialdata_0", "trialdata_condition"])
)
TRIALDATA = st.one_of(st.dictionaries(NAMES, VALUES, max_size=5), st.lists(VALUES, max_size=4), VALUES)
TRIALS = st.lists(
    st.fixed_dictionaries(
        {
            "uniqueid": st.just("W:A"),
            "current_trial": st.integers(0, 10**6),
            "dateTime": NUMBERS,
            "trialdata": TRIALDATA,
        }
    ),
    max_size=5,
)
WHEN = st.one_of(st.none(), st.integers(0, 2**53), st.floats(0, 1e15))
EVENTS = st.lists(
    st.fixed_dictionaries({"eventtype": st.text(), "value": VALUES, "timestamp": WHEN, "interval": WHEN}), max_size=5
)
DOCUMENTS = st.fixed_dictionaries(
    {"data": TRIALS, "eventdata": EVENTS, "questiondata": st.dictionaries(st.text(), VALUES, max_size=5)},
    optional={"condition": st.integers(), "useragent": st.text(), "mode": st.text(), "bonus": NUMBERS},
)


def repacked(row: dict[str, Any], kind_of: type) -> Any:
    """What was recorded in a trial, from its row."""
    own = {name: value for name, value in row.items() if name not in FIELDS["trial"]}
    if REST in own:
        return own[REST]
    if kind_of is list:
        return [own[f"{REST}_{place}"] for place in range(len(own))]
    taken = {*PARTICIPANT, *FIELDS["trial"], "kind", ""}
    return {
        name.removeprefix(f"{REST}_") if name.startswith(REST) else name: value
        for name, value in own.items()
        if name not in taken
    }


@PATIENT
@given(document=DOCUMENTS)
def test_every_trial_event_and_answer_comes_out_exactly_once(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    read = parse(text)
    assert read == document
    assert parse(text.encode()) == read
    trials, events, answers = (unpack(read, kind) for kind in KINDS)
    assert trials[1] == events[1] == answers[1] == []
    assert [
        {"uniqueid": "W:A"} | {name: row[name] for name in FIELDS["trial"]} | {"trialdata": repacked(row, type(was))}
        for row, was in zip(trials[0], (each["trialdata"] for each in document["data"]), strict=True)
    ] == document["data"]
    assert events[0] == document["eventdata"]
    assert {row["question"]: row["value"] for row in answers[0]} == document["questiondata"]
    assert len(answers[0]) == len(document["questiondata"])


@PATIENT
@given(document=DOCUMENTS)
def test_the_columns_of_trials_are_those_that_their_rows_have(document: dict[str, Any]) -> None:
    rows, _ = unpack(document, "trial")
    names = list(trial_columns(document))
    assert len(names) == len(set(names))
    assert set(names) | {REST, *FIELDS["trial"]} == {name for row in rows for name in row} | {REST, *FIELDS["trial"]}


@PATIENT
@given(first=NAMES, second=NAMES)
def test_different_fields_have_different_columns_and_never_a_key_of_the_row(first: str, second: str) -> None:
    assert (column(first) == column(second)) == (first == second)
    assert column(first) not in {*PARTICIPANT, *FIELDS["trial"], "kind", "", REST, f"{REST}_0", f"{REST}_17"}


@PATIENT
@given(text=st.text(max_size=60))
def test_any_text_is_read_or_told_of(text: str) -> None:
    with contextlib.suppress(UnreadableDataError):
        document = parse(text)
        assert document is None or isinstance(document, dict)


@PATIENT
@given(document=st.dictionaries(st.sampled_from(["data", "eventdata", "questiondata"]), VALUES, min_size=1))
def test_any_json_under_psiturks_keys_is_read_or_told_of(document: dict[str, Any]) -> None:
    read = parse(json.dumps(document))
    assert read is not None
    for kind, section in zip(KINDS, ("data", "eventdata", "questiondata"), strict=True):
        rows, reasons = unpack(read, kind)
        if section not in read:
            assert (rows, reasons) == ([], [])
            continue
        there = read[section]
        whole = isinstance(there, dict if kind == "question" else list)
        told = len([reason for reason in reasons if "is not an object" in reason or "is not a list" in reason])
        assert len(rows) + told == (len(there) if whole else 1)


@pytest.mark.parametrize("recorded", ["", "  \n", b"", b" "])
def test_an_empty_datastring_is_no_error(recorded: str | bytes) -> None:
    assert parse(recorded) is None


@pytest.mark.parametrize(
    ("recorded", "reason"),
    [
        ("{", "not JSON: "),
        ('{"data": [}', "at character 10"),
        ("none", "not JSON"),
        ("[]", "not an object but a list"),
        ("3", "not an object but a number"),
        ("null", "not an object but null"),
        ('"text"', "not an object but text"),
        ("true", "not an object but true or false"),
        ("{}", "none of data, eventdata and questiondata"),
        ('{"answers": [1]}', "none of data, eventdata and questiondata"),
        (b'{"data": "\xff"}', "not UTF-8 at byte 10"),
        ("[" * 100_000, "nested too deeply"),
        ('{"data": ' + "1" * 5000, "not JSON"),
    ],
)
def test_what_psiturk_did_not_write_is_told_with_the_reason(recorded: str | bytes, reason: str) -> None:
    with pytest.raises(UnreadableDataError, match=reason):
        parse(recorded)


@pytest.mark.parametrize(
    ("document", "kind", "rows", "reasons"),
    [
        ({"data": None}, "trial", 0, ["data is not a list but null"]),
        ({"data": {}}, "trial", 0, ["data is not a list but an object"]),
        ({"data": []}, "event", 0, []),
        ({"data": [5, {"trialdata": 1}, "x"]}, "trial", 1, [
            "data[0] is not an object but a number", "data[2] is not an object but text",
        ]),
        ({"data": [{"current_trial": "first", "trialdata": {"timestamp": "noon"}}]}, "trial", 1, [
            "data[0].current_trial is not a number",
        ]),
        ({"data": [{"current_trial": 1.5}]}, "trial", 1, ["data[0].current_trial is not a number"]),
        ({"eventdata": [{"timestamp": "noon", "interval": None}]}, "event", 1, [
            "eventdata[0].timestamp is not a number",
        ]),
        ({"eventdata": "none"}, "event", 0, ["eventdata is not a list but text"]),
        ({"questiondata": [["age", 31]]}, "question", 0, ["questiondata is not an object but a list"]),
    ],
)  # fmt: skip
def test_what_can_be_read_of_a_document_is_read_and_the_rest_told(
    document: dict[str, Any], kind: Any, rows: int, reasons: list[str]
) -> None:
    found, told = unpack(document, kind)
    assert (len(found), told) == (rows, reasons)


def test_numbers_that_json_does_not_have_keep_their_names_and_large_ones_their_digits() -> None:
    digits = "9" * 5000
    text = f'{{"questiondata": {{"a": NaN, "b": -Infinity, "c": 1e400, "d": {10**40}, "e": {digits}, "f": 0.1}}}}'
    assert parse(text) == {
        "questiondata": {"a": "NaN", "b": "-Infinity", "c": "1e400", "d": 10**40, "e": digits, "f": 0.1}
    }
    assert not any(isinstance(value, float) and not math.isfinite(value) for value in (parse(text) or {}).values())


def test_of_a_key_that_is_there_twice_the_last_counts() -> None:
    assert unpack(parse('{"questiondata": {"a": 1, "a": 2}}') or {}, "question")[0] == [{"question": "a", "value": 2}]
