"""Names of columns that R, SPSS and JASP take."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turkctl.operations.answers.columns import LONGEST, OTHERS, FreshNames, ItemColumns, QuestionColumns, safe


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("age", "age"),
        ("animal.label", "animal.label"),
        ("Wie alt sind Sie?", "Wie_alt_sind_Sie"),
        ("größe", "größe"),
        ("2nd", "q_2nd"),
        ("_x.", "x"),
        ("", "q"),
        ("???", "q"),
        ("by", "q_by"),
        ("TRUE", "q_TRUE"),
        ("x" * 70, "x" * 64),
        ("ä" * 40, "ä" * 32),
        ("年齢", "年齢"),
        ("=cmd()", "cmd"),
    ],
)
def test_names_are_like_those_of_the_questions(name: str, expected: str) -> None:
    assert safe(name) == expected


def test_names_that_clash_are_numbered_whatever_their_case() -> None:
    given_out = FreshNames(["status"])
    assert [given_out.add(name) for name in ("Age", "age", "AGE?", "status", "age_2", "x" * 64, "x" * 65)] == [
        "Age",
        "age_2",
        "AGE_3",
        "status_2",
        "age_2_2",
        "x" * 64,
        "x" * 62 + "_2",
    ]


@given(st.lists(st.text(max_size=80), max_size=30))
def test_every_name_is_safe_and_new(names: list[str]) -> None:
    given_out = FreshNames()
    found = [given_out.add(name) for name in names]
    assert len({each.casefold() for each in found}) == len(names)
    for each in found:
        assert re.fullmatch(r"[^\W\d_][\w.]*", each), each
        assert not each.endswith((".", "_"))
        assert len(each.encode()) <= LONGEST
        assert safe(each) == each
    assert found == [again.add(name) for again in [FreshNames()] for name in names]


def test_questions_beyond_the_most_are_in_one_column_and_late_ones_are_counted() -> None:
    columns = QuestionColumns(["status"], most=2)
    for question in ("a", "status", "a"):
        columns.add(question, question)
    assert (columns.names, columns.renamed) == (["a", "status_2"], {"status_2": "status"})
    assert columns.cells([("a", "a", 1), ("late", "late", 2)]) == {"a": 1, "status_2": None}
    assert columns.missed == 1
    columns.add("c", "c")
    assert columns.names == ["a", "status_2", OTHERS]
    assert columns.cells([("c", "c", 3), ("d", "c", 4)]) == {"a": None, "status_2": None, OTHERS: {"c": 3, "c_2": 4}}
    assert columns.cells([])[OTHERS] is None
    assert columns.missed == 1


def test_columns_of_items_are_sorted_and_begin_with_item() -> None:
    columns = ItemColumns(["url", "key", "Key"], ["item.url"])
    assert columns.names == ["item.Key", "item.key_2", "item.url_2"]
    assert columns.of({"key": "s1", "url": ["a"]}) == {"item.Key": None, "item.key_2": "s1", "item.url_2": ["a"]}
    assert set(columns.of(None).values()) == {None}
