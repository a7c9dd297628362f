from __future__ import annotations

import pytest

from turkctl.operations.sync.answers import answers_of

ITEMS = [(1, "a"), (2, "b"), (3, "c")]


@pytest.mark.parametrize(
    ("pattern", "fields", "expected"),
    [
        ("label", {"label": "cat", "other": "x"}, {"a": "cat"}),
        ("label_{n}", {"label_1": "cat", "label_2": " dog ", "label_4": "x"}, {"a": "cat", "b": "dog"}),
        ("{key}", {"a": "cat", "c": "cow"}, {"a": "cat", "c": "cow"}),
        ("{n}:{key}", {"1:a": "cat", "1:b": "dog"}, {"a": "cat"}),
        ("label_{n}", {"label_1": "  ", "label_2": ["red", "blue"]}, {"b": "blue|red"}),
        ("{0}{x}", {"{0}{x}": "cat"}, {"a": "cat"}),
        ("label_{n}", {}, {}),
    ],
)
def test_each_item_gets_the_answer_in_its_field(
    pattern: str, fields: dict[str, str | list[str]], expected: dict[str, str]
) -> None:
    items = ITEMS if "{n}" in pattern or "{key}" in pattern else ITEMS[:1]
    assert answers_of(fields, pattern, items) == expected


def test_a_key_is_taken_as_it_is() -> None:
    assert answers_of({"label_{n}": "cat"}, "label_{key}", [(1, "{n}")]) == {"{n}": "cat"}
