from __future__ import annotations

import ast
import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turkctl.errors import UsageError
from turkctl.operations.content.priority import PriorityError, compile_priority

ROW = {"a": "3", "b": 4, "my votes": "2.5", "a-b": "7", "word": "high"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a", 3),
        ("a-b", 7),
        ("a - b", -1),
        ("my votes", 2.5),
        ("'my votes' * 2", 5),
        ("-a ** 2 % 5 + +b", 5),
        ("(a + b) / 2", 3.5),
        ("min(a, b, 1) + max(a, b) - abs(0 - a)", 2),
        ("log(b, 2) + sqrt(b) + log(1)", 4),
        (" 1e3 ", 1000),
    ],
)
def test_columns_and_arithmetic_over_them_are_priorities(text: str, value: float) -> None:
    assert compile_priority(text, list(ROW))(ROW) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a +",
        "nothing",
        "a.real",
        "a if b else 1",
        "[a]",
        "a < b",
        "a and b",
        "lambda: 1",
        "eval('1')",
        "min(a)",
        "abs(a, b)",
        "log(x=1)",
        "True",
        "1j",
        "None",
        "f'{a}'",
        "a; b",
        "a := 1",
        "9" * 400,
        "(" * 300 + "a" + ")" * 300,
        "a" * 1001,
        "\x00",
    ],
)
def test_anything_else_is_refused_before_a_row_is_read(text: str) -> None:
    with pytest.raises(UsageError):
        compile_priority(text, list(ROW))


@pytest.mark.parametrize(
    "text",
    ["word", "a / (b - 4)", "(0 - a) ** 0.5", "log(0)", "sqrt(0 - a)", "10 ** 400", "b ** 9 ** 9", "-" * 900 + "word"],
)
def test_a_row_that_gives_no_finite_number_is_an_error_of_that_row(text: str) -> None:
    with pytest.raises(PriorityError):
        compile_priority(text, list(ROW))(ROW)


def test_a_column_that_a_row_of_json_lacks_is_an_error_of_that_row() -> None:
    with pytest.raises(PriorityError, match="'a' is missing"):
        compile_priority("a + 1", None)({"b": 1})


NUMBERS = st.floats(-1e6, 1e6).map(lambda number: repr(abs(number)))
TEXTS = st.recursive(
    NUMBERS | st.sampled_from(["a", "b"]),
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*", "/", "%"]), inner)
        | st.builds("-{}".format, inner)
        | st.builds("max({}, {})".format, inner, inner)
    ),
    max_leaves=8,
)


@given(TEXTS)
def test_arithmetic_is_that_of_floating_point_numbers(text: str) -> None:
    names: dict[str, Any] = {"a": 3.0, "b": 4.0, "max": max, "__builtins__": {}}
    try:
        expected = eval(compile(ast.parse(text, mode="eval"), "", "eval"), names)  # of this test's own making
    except ArithmeticError:
        expected = math.nan
    try:
        found = compile_priority(text, ["a", "b"])({"a": "3", "b": "4"})
    except PriorityError:
        found = math.nan
    assert found == expected or (math.isnan(found) and not math.isfinite(expected))


@given(st.text(max_size=40))
def test_no_text_does_anything_but_give_a_number_or_an_error(text: str) -> None:
    with suppress(UsageError, PriorityError):
        assert math.isfinite(compile_priority(text, ["a"])({"a": "3"}))
