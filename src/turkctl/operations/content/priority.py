"""Compute priorities of content from a column, or arithmetic over columns, without running the text as Python."""

from __future__ import annotations

import ast
import math
import operator
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from turkctl.errors import UsageError
from turkctl.words import counted, meant

Row = Mapping[str, Any]
Term = Callable[[Row], float]

MAX_LENGTH = 1000
_BINARY: dict[type[ast.operator], Callable[[float, float], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_UNARY: dict[type[ast.unaryop], Callable[[float], Any]] = {ast.USub: operator.neg, ast.UAdd: operator.pos}
_FUNCTIONS: dict[str, tuple[int, int, Callable[..., Any]]] = {
    "min": (2, 20, min),
    "max": (2, 20, max),
    "abs": (1, 1, abs),
    "log": (1, 2, math.log),
    "sqrt": (1, 1, math.sqrt),
}
"""The lowest and highest number of arguments, and the function, by name."""
HINT = (
    "give a column, or arithmetic over columns with + - * / % **, parentheses, min max abs log sqrt; "
    "quote the name of a column that is not a single word"
)


class PriorityError(Exception):
    """The reason why a row has no priority."""


def compile_priority(text: str, columns: Sequence[str] | None) -> Term:
    """Return the function that computes the priority of a row.

    Args:
        text: a column's name, or an expression. All numbers are floating-point, so that every row is fast.
        columns: the columns that rows have; None if each row has its own.

    Returns:
        A function of a row, which raises PriorityError if the row gives no finite number.

    Raises:
        UsageError: the text is neither, or names a missing column.
    """
    if not text.strip() or len(text) > MAX_LENGTH:
        raise UsageError(f"--priority is empty or longer than {MAX_LENGTH:,} characters", hint=HINT)
    if columns is not None and text in columns:
        return _finite(_column(text))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python warns about the style of the text
            parsed = ast.parse(text.strip(), mode="eval")
        term = _term(parsed.body, text, columns)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # A column's name need not be an expression.
        term = _named(text, text, columns)
    return _finite(term)


def _finite(term: Term) -> Term:
    def value(row: Row) -> float:
        try:
            found = term(row)
        except (ArithmeticError, ValueError, RecursionError) as error:
            raise PriorityError(f"the priority cannot be computed: {error}") from None
        if isinstance(found, complex) or not math.isfinite(found):
            raise PriorityError(f"the priority is {found}, which is not a number")
        return float(found)

    return value


def _term(node: ast.expr, text: str, columns: Sequence[str] | None) -> Term:
    if isinstance(node, ast.Constant):
        return _constant(node.value, text, columns)
    if isinstance(node, ast.Name):
        return _named(node.id, text, columns)
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        apply, left, right = _BINARY[type(node.op)], _term(node.left, text, columns), _term(node.right, text, columns)
        return lambda row: apply(left(row), right(row))
    if isinstance(node, ast.UnaryOp) and type(node.op) in _UNARY:
        alone, inner = _UNARY[type(node.op)], _term(node.operand, text, columns)
        return lambda row: alone(inner(row))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        function = _function(node.func.id, len(node.args), text)
        numbers = [_term(each, text, columns) for each in node.args]
        return lambda row: function(*(each(row) for each in numbers))
    raise UsageError(f"--priority '{text}' is not arithmetic over columns", hint=HINT)


def _constant(value: object, text: str, columns: Sequence[str] | None) -> Term:
    if isinstance(value, str):
        return _named(value, text, columns)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"--priority '{text}': {value!r} is not a number or a column", hint=HINT)
    try:
        number = float(value)
    except OverflowError:
        raise UsageError(f"--priority '{text}' contains a number that is too large", hint=HINT) from None
    return lambda _row: number


def _function(name: str, arguments: int, text: str) -> Callable[..., Any]:
    if name not in _FUNCTIONS:
        raise UsageError(f"--priority '{text}': {name} is not a known function", hint=HINT)
    fewest, most, function = _FUNCTIONS[name]
    if not fewest <= arguments <= most:
        raise UsageError(f"--priority '{text}': {name} does not take {counted(arguments, 'number')}", hint=HINT)
    return function


def _named(name: str, text: str, columns: Sequence[str] | None) -> Term:
    if columns is not None and name not in columns:
        what = f"no column '{name}'" if name == text else f"no column '{name}' (in --priority '{text}')"
        raise UsageError(
            f"there is {what}" + meant(name, list(columns)),
            hint="columns are " + ", ".join(columns),
        )
    return _column(name)


def _column(name: str) -> Term:
    def value(row: Row) -> float:
        try:
            cell = row[name]
        except KeyError:
            raise PriorityError(f"'{name}' is missing") from None
        if isinstance(cell, bool) or not isinstance(cell, str | int | float):
            raise PriorityError(f"'{name}' is {_shown(cell)}, which is not a number")
        try:
            return float(cell)
        except (ValueError, OverflowError):
            raise PriorityError(f"'{name}' is {_shown(cell)}, which is not a number") from None

    return value


def _shown(cell: object) -> str:
    """Return a value as a message shows it."""
    if cell is None or cell == "":
        return "empty"
    text = str(cell)
    return f"'{text[:40]}…'" if len(text) > 40 else f"'{text}'"
