"""Read a pickle as inert data: import nothing, call nothing, create no objects.

A pickle is a program for a small stack machine. This one knows the instructions that build plain values; where the
program would fetch a class or call something, it records the request and goes on. Keys of dictionaries are kept
only if they are text, so that nothing in the data can make comparing or hashing costly.

Source of the instructions: :mod:`pickletools`.
"""

from __future__ import annotations

import pickletools
import struct
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

MOST_BYTES = 1_000_000
"""Maximum number of instructions; a job of psiTurk has a few thousand."""
MOST_STEPS = 200_000


class UnreadablePickleError(Exception):
    """The bytes are not a pickle, are cut short, or use an instruction that plain data never needs."""


@dataclass(frozen=True, eq=False)
class NamedObject:
    """A class or function that the pickle names. It was not looked up."""

    module: str
    name: str

    def __repr__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(eq=False)
class Made:
    """What calling ``maker`` with ``arguments`` would have made, and the state it would have been given."""

    maker: Any
    arguments: Any
    state: Any = None

    def __repr__(self) -> str:
        return f"made by {self.maker!r}" if isinstance(self.maker, NamedObject) else "made by something"

    def of(self, module: str, name: str) -> bool:
        """Return whether it is an object of that class, by any of the ways in which pickles make objects."""
        maker = self.maker
        if isinstance(maker, NamedObject) and (maker.module, maker.name) in _REBUILDERS and self.arguments:
            maker = self.arguments[0]
        return isinstance(maker, NamedObject) and (maker.module, maker.name) == (module, name)


_REBUILDERS = frozenset(
    (module, name) for module in ("copyreg", "copy_reg") for name in ("_reconstructor", "__newobj__")
)
"""The function by which pickles of protocols 0 to 2 make an object of the class in the first argument."""


class _Mark:
    """Marks where a run of items on the stack begins."""


_MARK = _Mark()


@dataclass
class _Machine:
    stack: list[Any] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def pop(self) -> Any:
        found = self.stack.pop()
        if found is _MARK:
            raise UnreadablePickleError("its instructions do not fit together")
        return found

    def since_mark(self) -> list[Any]:
        items = []
        while (item := self.stack.pop()) is not _MARK:
            items.append(item)
        return items[::-1]

    def top(self, kind: type | tuple[type, ...]) -> Any:
        if not isinstance(self.stack[-1], kind):
            raise UnreadablePickleError("its instructions do not fit together")
        return self.stack[-1]


def read(data: bytes) -> Any:
    """Return the data of a pickle of any protocol, with :class:`NamedObject` and :class:`Made` for classes and objects.

    Raises:
        UnreadablePickleError: see there; or it is larger than any job.
    """
    if len(data) > MOST_BYTES:
        raise UnreadablePickleError(f"it has {len(data):,} bytes, more than a job ever has")
    try:
        with warnings.catch_warnings():  # of escapes in damaged texts that Python will refuse some day
            warnings.simplefilter("ignore", DeprecationWarning)
            return _read(data)
    except (ValueError, IndexError, KeyError, TypeError, OverflowError, struct.error) as error:
        raise UnreadablePickleError("it is damaged, or no pickle") from error


def _read(data: bytes) -> Any:
    machine = _Machine()
    for steps, (opcode, argument, _position) in enumerate(pickletools.genops(data)):
        if opcode.name == "STOP":
            return machine.pop()
        if steps >= MOST_STEPS:
            raise UnreadablePickleError("it has more instructions than a job ever has")
        _step(machine, opcode.name, argument)
    raise UnreadablePickleError("it is cut short")


def _step(machine: _Machine, name: str, argument: Any) -> None:
    if name in _LITERALS:
        machine.stack.append(argument)
    elif name in _CONSTANTS:
        machine.stack.append(_CONSTANTS[name]())
    elif name in _STEPS:
        _STEPS[name](machine, argument)
    elif name not in ("PROTO", "FRAME"):
        raise UnreadablePickleError(f"it asks for {name}, which plain data never needs")


def _global(machine: _Machine, argument: Any) -> None:
    module, _, name = argument.partition(" ")
    machine.stack.append(NamedObject(module, name))


def _stack_global(machine: _Machine, _argument: Any) -> None:
    name, module = machine.pop(), machine.pop()
    machine.stack.append(NamedObject(str(module)[:200], str(name)[:200]))


def _reduce(machine: _Machine, _argument: Any) -> None:
    arguments, maker = machine.pop(), machine.pop()
    machine.stack.append(Made(maker, arguments if isinstance(arguments, tuple) else ()))


def _newobj_ex(machine: _Machine, _argument: Any) -> None:
    machine.pop()
    _reduce(machine, None)


def _inst(machine: _Machine, argument: Any) -> None:
    arguments = machine.since_mark()
    _global(machine, argument)
    machine.stack.append(Made(machine.pop(), tuple(arguments)))


def _obj(machine: _Machine, _argument: Any) -> None:
    maker, *arguments = machine.since_mark()
    machine.stack.append(Made(maker, tuple(arguments)))


def _build(machine: _Machine, _argument: Any) -> None:
    state, made = machine.pop(), machine.stack[-1]
    if isinstance(made, Made):
        made.state = state


def _pop(machine: _Machine, _argument: Any) -> None:
    machine.stack.pop()


def _pop_mark(machine: _Machine, _argument: Any) -> None:
    machine.since_mark()


def _put(machine: _Machine, argument: Any) -> None:
    machine.memo[len(machine.memo) if argument is None else int(argument)] = machine.stack[-1]


def _get(machine: _Machine, argument: Any) -> None:
    machine.stack.append(machine.memo[int(argument)])


def _tuple_of(size: int) -> Callable[[_Machine, Any], None]:
    def make(machine: _Machine, _argument: Any) -> None:
        items = [machine.pop() for _ in range(size)]
        machine.stack.append(tuple(items[::-1]))

    return make


def _append(machine: _Machine, _argument: Any) -> None:
    item = machine.pop()
    machine.top((list, Made))
    _extend(machine, [item])


def _appends(machine: _Machine, _argument: Any) -> None:
    _extend(machine, machine.since_mark())


def _extend(machine: _Machine, items: Sequence[Any]) -> None:
    target = machine.top((list, Made))
    if isinstance(target, list):
        target.extend(items)


def _setitem(machine: _Machine, _argument: Any) -> None:
    value, key = machine.pop(), machine.pop()
    _set(machine, [key, value])


def _setitems(machine: _Machine, _argument: Any) -> None:
    _set(machine, machine.since_mark())


def _set(machine: _Machine, items: Sequence[Any]) -> None:
    target = machine.top((dict, Made))
    if isinstance(target, dict):
        target.update(_by_text(items))


def _by_text(items: Sequence[Any]) -> dict[str, Any]:
    pairs = zip(items[::2], items[1::2], strict=True)
    return {key: value for key, value in pairs if isinstance(key, str)}


_LITERALS = frozenset(
    {
        "INT",
        "BININT",
        "BININT1",
        "BININT2",
        "LONG",
        "LONG1",
        "LONG4",
        "FLOAT",
        "BINFLOAT",
        "STRING",
        "BINSTRING",
        "SHORT_BINSTRING",
        "UNICODE",
        "BINUNICODE",
        "SHORT_BINUNICODE",
        "BINUNICODE8",
        "BINBYTES",
        "SHORT_BINBYTES",
        "BINBYTES8",
        "BYTEARRAY8",
    }
)
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_DICT": dict,
    "EMPTY_SET": list,  # a set's members would have to be hashed
    "MARK": lambda: _MARK,
}
_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    "POP": _pop,
    "POP_MARK": _pop_mark,
    "DUP": lambda machine, _: machine.stack.append(machine.stack[-1]),
    "PUT": _put,
    "BINPUT": _put,
    "LONG_BINPUT": _put,
    "MEMOIZE": _put,
    "GET": _get,
    "BINGET": _get,
    "LONG_BINGET": _get,
    "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.since_mark())),
    "TUPLE1": _tuple_of(1),
    "TUPLE2": _tuple_of(2),
    "TUPLE3": _tuple_of(3),
    "LIST": lambda machine, _: machine.stack.append(machine.since_mark()),
    "FROZENSET": lambda machine, _: machine.stack.append(machine.since_mark()),
    "DICT": lambda machine, _: machine.stack.append(_by_text(machine.since_mark())),
    "APPEND": _append,
    "APPENDS": _appends,
    "ADDITEMS": _appends,
    "SETITEM": _setitem,
    "SETITEMS": _setitems,
    "GLOBAL": _global,
    "STACK_GLOBAL": _stack_global,
    "REDUCE": _reduce,
    "NEWOBJ": _reduce,
    "NEWOBJ_EX": _newobj_ex,
    "INST": _inst,
    "OBJ": _obj,
    "BUILD": _build,
}
