"""The three doors answer alike, to the byte, and as botocore's model of the service says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from contract_support import DOORS, Door, check_answer, open_door
from walk import walk

from turkctl.market.protocol.validate import operations
from turkctl.mturk.wholeness import NotWholeError, always_present, check

DEPTH = 8
"""Documents inside documents: no answer of the API has more."""


def told(door: Door) -> list[tuple[Any, ...]]:
    """Everything a client can learn of each answer."""
    names = ("content-type", "content-length", "x-amzn-requestid")
    return [
        (heard.operation, heard.status, *(heard.headers.get(name) for name in names), heard.body)
        for heard in door.heard
    ]


def test_the_three_doors_give_the_same_answers_call_for_call():
    walks = []
    for name in DOORS:
        with open_door(name) as door:
            walk(door)
            walks.append((told(door), door.sent))
    first, *others = walks
    assert len(first[0]) > 60
    for other in others:
        for mine, theirs in zip(first[0], other[0], strict=True):
            assert mine == theirs
        assert other[1] == first[1]


NEVER_ANSWERED = {"GetFileUploadURL"}
"""Questions that take a file are gone since 2017, so there is nothing to download."""


def test_every_operations_answer_is_as_botocores_model_says():
    with open_door("inprocess") as door:
        walk(door)  # the door checks each answer against the model as it comes
    assert {heard.operation for heard in door.heard if heard.status == 200} == operations() - NEVER_ANSWERED
    assert {heard.operation for heard in door.heard} == operations()


def test_the_client_takes_every_answer_for_whole_and_each_one_that_is_cut_for_lost():
    with open_door("inprocess") as door:
        walk(door)
    answers = {heard.operation: heard for heard in door.heard if heard.status == 200}
    assert len(answers) == 41
    for operation, heard in answers.items():
        check(operation, 200, heard.headers, heard.body, DEPTH)
        unsized = {name: value for name, value in heard.headers.items() if name != "content-length"}
        for length in range(len(heard.body)):
            with pytest.raises(NotWholeError):
                check(operation, 200, unsized, heard.body[:length], DEPTH)
        for member in always_present(operation):
            lacking = json.dumps({**heard.document, member: None}).encode()
            with pytest.raises(NotWholeError, match=member):
                check(operation, 200, unsized, lacking, DEPTH)


def test_no_answer_holds_a_null():
    with open_door("inprocess") as door:
        walk(door)
    for heard in door.heard:
        assert None not in _leaves(heard.document), heard.operation


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for inner in value.values() for leaf in _leaves(inner)]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in _leaves(inner)]
    return [value]


@pytest.mark.parametrize(
    ("operation", "document"),
    [
        ("GetHIT", {"HIT": {"Colour": "red"}}),
        ("GetHIT", {"HIT": {"MaxAssignments": "3"}}),
        ("GetHIT", {"HIT": {"MaxAssignments": True}}),
        ("GetHIT", {"HIT": {"HITStatus": "Sleeping"}}),
        ("GetHIT", {"HIT": {"CreationTime": "2026-01-01"}}),
        ("GetHIT", {"HIT": {"HITId": None}}),
        ("ListHITs", {"HITs": {}}),
        ("ApproveAssignment", {"Assignment": {}}),
        ("GetHIT", []),
    ],
)
def test_the_reading_of_answers_is_strict(operation: str, document: Any):
    with pytest.raises(AssertionError):
        check_answer(operation, json.loads(json.dumps(document)))
