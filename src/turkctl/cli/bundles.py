"""Options that several commands share, taken by each as one parameter: a dataclass with a field for each option."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import wraps
from inspect import Parameter, signature
from typing import Any, TypeVar, get_type_hints

T = TypeVar("T")


def bundled(command: Callable[..., T]) -> Callable[..., T]:
    """Return the command with its dataclass parameters spread into their fields, which become its options.

    Fields are annotated as parameters of commands are, and have defaults.
    """
    own = signature(command, eval_str=True)
    kinds = {name: each.annotation for name, each in own.parameters.items()}
    bundles: dict[str, Any] = {name: kind for name, kind in kinds.items() if is_dataclass(kind)}
    spread: list[Parameter] = []
    for name, parameter in own.parameters.items():
        spread += _parameters(bundles[name]) if name in bundles else [parameter]

    @wraps(command)
    def with_bundles(**given: Any) -> T:
        made = {
            name: kind(**{each.name: given.pop(each.name) for each in fields(kind)}) for name, kind in bundles.items()
        }
        return command(**given, **made)

    # Keyword parameters may follow in any order; Python wants those without a default first.
    by_keyword = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in spread]
    with_bundles.__signature__ = own.replace(parameters=by_keyword)  # type: ignore[attr-defined]  # read by inspect
    with_bundles.__annotations__ = {each.name: each.annotation for each in by_keyword}
    return with_bundles


def _parameters(kind: Any) -> list[Parameter]:
    hints = get_type_hints(kind, include_extras=True)
    return [
        Parameter(each.name, Parameter.KEYWORD_ONLY, default=_default(each), annotation=hints[each.name])
        for each in fields(kind)
    ]


def _default(field: Field[Any]) -> Any:
    assert field.default is not MISSING, f"{field.name} needs a default"
    return field.default
