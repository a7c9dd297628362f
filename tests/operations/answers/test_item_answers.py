"""Which item each field of a submission is about, and what a crowd-form sent."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turkctl.operations.answers.columns import flat
from turkctl.operations.answers.items import by_item
from turkctl.operations.sync.answers import answers_of, unpacked
from turkctl.store.answered_items import ShownItem


def shown(*keys: str) -> list[ShownItem]:
    return [ShownItem(place, key, {"id": key}, None, None) for place, key in enumerate(keys, start=1)]


def told(fields: dict[str, Any], *keys: str, patterns: tuple[str, ...] = ()) -> list[tuple[str, str | None]]:
    """Question and item's key of each field."""
    return [(each.question, each.item and each.item.key) for each in by_item(fields, patterns, shown(*keys))]


def crowd(answers: Any) -> dict[str, Any]:
    return {"taskAnswers": json.dumps(answers)}


def test_all_fields_are_about_the_only_item() -> None:
    assert told({"label": "x", "scale_1": "2", "scale_9": "3"}, "s1") == [
        ("label", "s1"),
        ("scale_1", "s1"),
        ("scale_9", "s1"),
    ]


def test_without_items_fields_are_about_none() -> None:
    assert told({"label_1": "x"}) == [("label_1", None)]


def test_the_number_at_the_end_is_the_position() -> None:
    fields = {"label_2": "b", "label_1": "a", "why-2": "c", "choice_1.yes": True, "age": "31"}
    assert told(fields, "s1", "s2") == [
        ("label", "s1"),
        ("choice.yes", "s1"),
        ("label", "s2"),
        ("why", "s2"),
        ("age", None),
    ]


def test_numbers_that_go_beyond_the_items_are_no_positions() -> None:
    fields = {f"scale_{number}": "x" for number in range(1, 8)} | {"label_1": "a", "q_0": "b", "_1": "c"}
    assert told(fields, "s1", "s2") == [
        ("label", "s1"),
        *((f"scale_{number}", None) for number in range(1, 8)),
        ("q_0", None),
        ("_1", None),
    ]


@pytest.mark.parametrize(
    ("pattern", "field", "question"),
    [
        ("label_{n}", "label_2", "label"),
        ("{n}-label", "2-label", "label"),
        ("a.{n}.b", "a.2.b", "a.b"),
        ("is {key} a cat", "is s.2 a cat", "is  a cat"),
        ("{key}", "s.2", "answer"),
        ("word_{key}", "word_s.2.text", "word.text"),
    ],
)
def test_the_answer_field_names_the_item_and_what_is_inside_belongs_to_it(
    pattern: str, field: str, question: str
) -> None:
    assert told({field: "x"}, "s.1", "s.2", patterns=(pattern,)) == [(question, "s.2")]


def test_an_answer_field_with_a_position_has_one_name_in_hits_of_one_item_too() -> None:
    assert told({"label_1": "x"}, "s1", patterns=("label_{n}",)) == [("label", "s1")]
    assert told({"label": "x"}, "s1", "s2", patterns=("label",)) == [("label", None)], "it names no item of two"


def test_no_question_about_an_item_comes_twice() -> None:
    assert told({"label_1": "a", "label": "b"}, "s1", patterns=("label_{n}",)) == [("label", "s1"), ("label_2", "s1")]
    assert told({"note_1": "a", "note-1": "b", "note": "c"}, "s1", "s2") == [
        ("note", "s1"),
        ("note-1", "s1"),
        ("note", None),
    ]


def test_a_crowd_form_is_unpacked_to_its_values() -> None:
    answers = [
        {
            "animal": {"label": "Cat"},
            "sure": {"yes": True, "no": False},
            "tags": {"labels": ["a", "b"]},
            "n": 3,
            "none": None,
            "empty": {},
        }
    ]
    assert unpacked({"more": "x"} | crowd(answers)) == {
        "more": "x",
        "animal.label": "Cat",
        "sure.yes": True,
        "sure.no": False,
        "tags.labels": ["a", "b"],
        "n": 3,
        "none": None,
        "empty": {},
    }


def test_names_that_clash_get_numbers() -> None:
    assert unpacked({"a": "0"} | crowd([{"a": 1, "a.b": 2, "c": 4} | {"a.b.c": 5}])) == {
        "a": "0",
        "a_2": 1,
        "a.b": 2,
        "c": 4,
        "a.b.c": 5,
    }
    assert flat([("a", {"b": 1}), ("a.b", 2), ("a.b", 3)]) == {"a.b": 1, "a.b_2": 2, "a.b_3": 3}


@pytest.mark.parametrize("text", ["", "{", "[]", "[1]", '[{"a": 1}, {"a": 2}]', '{"a": 1}', "[" * 100_000, "null"])
def test_what_no_crowd_form_sends_stays_whole(text: str) -> None:
    assert unpacked({"taskAnswers": text, "b": "c"}) == {"taskAnswers": text, "b": "c"}


def test_nothing_but_the_deepest_objects_is_left_packed() -> None:
    deep: Any = 1
    for _ in range(60):
        deep = {"x": deep}
    ((name, inside),) = unpacked(crowd([{"a": deep}])).items()
    assert (name.count("."), type(inside)) == (20, dict)


def test_labels_are_found_in_a_crowd_form() -> None:
    fields = crowd([{"label_1": {"label": "cat"}, "label_2": " dog ", "sure_1": True, "tags_1": ["b", "a"]}])
    two = [(1, "s1"), (2, "s2")]
    assert answers_of(fields, "label_{n}", two) == {"s1": "cat", "s2": "dog"}
    assert answers_of(fields, "sure_{n}", two) == {"s1": "true"}
    assert answers_of(fields, "tags_{n}", two) == {"s1": "a|b"}
    assert answers_of(fields, "taskAnswers", [(1, "s1")]) == {"s1": fields["taskAnswers"]}


names = st.text("ab._-12é", min_size=0, max_size=6)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


def scalars(value: Any) -> list[str]:
    """All that is left of a value when objects are unpacked."""
    if isinstance(value, dict) and value:
        return [leaf for inner in value.values() for leaf in scalars(inner)]
    return [repr(value)]


@given(st.dictionaries(names, values, max_size=5), st.dictionaries(names, st.text(max_size=3), max_size=3))
def test_nothing_is_lost_or_added_in_unpacking(answers: dict[str, Any], others: dict[str, str]) -> None:
    found = unpacked(others | crowd([answers]))
    expected = [*map(repr, others.values()), *(leaf for each in answers.values() for leaf in scalars(each))]
    assert Counter(map(repr, found.values())) == Counter(expected)
    assert not any(isinstance(value, dict) and value for value in found.values())
    assert unpacked(found) == found


@given(
    st.dictionaries(st.from_regex(r"[ab]{1,2}([_-][0-9]{1,2})?(\.c)?", fullmatch=True), st.integers(), max_size=8),
    st.integers(0, 3),
    st.sampled_from([(), ("a_{n}",), ("{key}_a",), ("b",)]),
)
def test_each_field_has_one_answer_and_one_question_an_item(
    fields: dict[str, Any], number: int, patterns: tuple[str, ...]
) -> None:
    keys = [f"a{place}" for place in range(number)]
    found = by_item(fields, patterns, shown(*keys))
    assert {each.field: each.value for each in found} == fields
    asked = Counter((each.item and each.item.position, each.question) for each in found)
    assert set(asked.values()) <= {1}
    if number == 1:
        assert all(each.item is not None for each in found)
