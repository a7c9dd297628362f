from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from psiturk_study import job_state

from turkctl.operations.psiturk.jobs import Job, UnknownJobError, parse_job
from turkctl.operations.psiturk.pickles import MOST_BYTES, Made, UnreadablePickleError, read

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
APPROVE = "psiturk.tasks:do_approve_all"
TRAP = Path("trap-that-no-pickle-springs")
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
)


class Call:
    """Pickled as a call of any function."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.call


class Built:
    """Pickled with a state, and run by it when it is unpickled."""

    def __setstate__(self, state: Any) -> None:
        TRAP.touch()


HOSTILE: dict[str, Any] = {
    "system": Call(os.system, f"touch {TRAP}"),
    "eval": Call(eval, f"open({str(TRAP)!r}, 'w')"),
    "nested": {"id": "x", "func": Call(os.system, f"touch {TRAP}"), "trigger": [Call(eval, "1/0")]},
    "interval": {"func": APPROVE, "trigger": Call(os.system, f"touch {TRAP}"), "args": ["live"]},
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_job_is_read_from_every_protocol(protocol: int) -> None:
    assert parse_job(job_state(APPROVE, ("live",), protocol)) == Job(APPROVE, timedelta(hours=1), "live")


@pytest.mark.parametrize("protocol", PROTOCOLS)
@given(value=plain)
@settings(max_examples=10, deadline=None)
def test_plain_data_is_read_as_it_was_written(protocol: int, value: Any) -> None:
    assert read(pickle.dumps(value, protocol)) == value or protocol < 3  # older ones call codecs.encode for bytes


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_pickle_does_nothing(
    name: str, protocol: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = pickle.dumps(HOSTILE[name], protocol)
    if name == "interval":
        assert parse_job(data).every is None
    else:
        with pytest.raises(UnknownJobError, match="which was not run"):
            parse_job(data)
    assert not TRAP.exists()
    if name == "system":  # the trap is a real one
        pickle.loads(data)
        assert TRAP.exists()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_state_of_an_object_is_not_given_to_it(
    protocol: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = Built()
    made.x = 1  # type: ignore[attr-defined]  # any state
    found = read(pickle.dumps(made, protocol))
    assert isinstance(found, Made)
    assert found.state == {"x": 1}
    assert not TRAP.exists()


@given(
    protocol=st.sampled_from(PROTOCOLS),
    hostile=st.sampled_from([*HOSTILE, None]),
    changes=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255), st.sampled_from(("set", "insert", "cut")))),
)
@example(protocol=0, hostile="system", changes=[(1, 92, "set")])  # an escape that Python warns of
@settings(max_examples=150, deadline=None)
def test_damaged_bytes_are_read_or_refused(
    protocol: int, hostile: str | None, changes: list[tuple[int, int, str]]
) -> None:
    whole = job_state(APPROVE, ("live",), protocol) if hostile is None else pickle.dumps(HOSTILE[hostile], protocol)
    data = bytearray(whole)
    for place, value, change in changes:
        at = place % (len(data) or 1)
        data[at : at + (change != "insert")] = b"" if change == "cut" else bytes([value])
    with suppress(UnknownJobError):
        parse_job(bytes(data))
    assert not TRAP.exists()


@given(data=st.binary(max_size=400))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(UnreadablePickleError):
        read(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a pickle",
        b"\x80\x05",
        b"N" * 10,
        b"cos\nsystem\n",
        b"P1\n.",
        b"\x82\x01.",
        b"r\xff\xff\xff\x7f.",
        b"\x8d" + b"\xff" * 8,
        b"N" * (MOST_BYTES + 1),
        b"N" * 300_000 + b".",
    ],
    ids=lambda data: repr(data[:8]),
)
def test_what_no_job_has_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadablePickleError):
        read(data)


def test_a_deep_nest_as_a_key_is_neither_hashed_nor_followed() -> None:
    deep = b"\x80\x02})" + b"\x85" * 150_000 + b"Ns."
    assert read(deep) == {}


@pytest.mark.parametrize("every", [0, 10**12])
def test_an_interval_that_cannot_be_meant_is_none(every: int) -> None:
    state = job_state(APPROVE, ("live",), trigger=Call(timedelta, every))
    assert parse_job(state).every is None
    assert parse_job(job_state(APPROVE, ("debug",))).mode is None
