"""The largest requests that the market takes, made from the service model and the table of limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from turkctl.market.parameter_limits import LIMITS
from turkctl.model import service_model

MODEL = service_model()
_VALUES = {"EntityId": "3", "CustomerId": "A", "CurrencyAmount": "1", "CountryParameters": "US", "HITItem": "i"}


def members(operation: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every member that a request of this operation can have, at any depth: its path and its shape."""
    return _inside(MODEL["operations"][operation]["input"]["shape"], "")


def _inside(name: str, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    shape = MODEL["shapes"][name]
    if path:
        yield path, shape
    if shape["type"] == "structure":
        for member, inner in shape["members"].items():
            yield from _inside(inner["shape"], f"{path}.{member}" if path else member)
    elif shape["type"] == "list":
        item = shape["member"]["shape"]
        if MODEL["shapes"][item]["type"] == "structure":
            yield from ((inner, found) for inner, found in _inside(item, path) if inner != path)
        else:
            yield from _inside(item, f"{path}.member")


def largest(operation: str, fill: str, known: dict[str, Any]) -> dict[str, Any]:
    """A request with every member as long as it may be, its texts made of ``fill``.

    Args:
        operation: the API's name.
        fill: repeated as often as it fits.
        known: members by name that are taken as they are, such as ids that exist.
    """
    shape = MODEL["shapes"][MODEL["operations"][operation]["input"]["shape"]]
    return {name: known[name] if name in known else _of(member["shape"], name, fill, 400_000)
            for name, member in shape["members"].items()}  # fmt: skip


def _of(name: str, path: str, fill: str, room: int) -> Any:
    shape, limit = MODEL["shapes"][name], LIMITS.get(path)
    if path.endswith("Policy"):
        room = 20_000
    if shape["type"] == "structure":
        inner = shape["members"]
        return {m: _of(inner[m]["shape"], f"{path}.{m}", fill, room // len(inner)) for m in inner}
    if shape["type"] == "list":
        item = shape["member"]["shape"]
        inside = path if MODEL["shapes"][item]["type"] == "structure" else f"{path}.member"
        assert limit is not None
        count = min(limit.high, max(1, room // 100))
        return [_of(item, inside, fill, room // count) for _ in range(count)]
    return _scalar(name, shape, path, fill, room)


def _scalar(name: str, shape: dict[str, Any], path: str, fill: str, room: int) -> Any:
    limit = LIMITS.get(path)
    if shape["type"] == "boolean":
        return True
    if shape["type"] == "timestamp":
        return 10**10
    if shape["type"] in {"integer", "long"}:
        return shape.get("max", limit.high if limit else 2**31 - 1)
    if "enum" in shape:
        return shape["enum"][0]
    most = min(room, shape.get("max", limit.high if limit else 0))
    if name in _VALUES:
        return (_VALUES[name] + "1" * 64)[:most] if name != "CountryParameters" else "US"
    if limit is not None and limit.unit == "bytes":
        return (fill * most).encode()[:most].decode(errors="ignore")
    return (fill * most)[:most]
