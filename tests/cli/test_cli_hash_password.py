"""``dashboard hash-password`` asks without echo, and prints the hash alone."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_support import last_error
from standard_input import standard_input

from turkctl.web.passwords import matches

Run = Callable[..., Any]
HASH = ("dashboard", "hash-password")


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Callable[[str | bytes], None]:
    """Puts something on standard input."""
    return lambda content: monkeypatch.setattr(sys, "stdin", standard_input(content))


def test_a_line_of_standard_input_is_hashed_and_the_hash_is_all_that_is_printed(
    given: Callable[..., None], turkctl: Run, outside: Path
) -> None:
    given("correct horse \r\nanother line\n")
    finished = turkctl(*HASH)
    assert (finished.code, finished.err) == (0, "")
    hashed = finished.out.removesuffix("\n")
    assert "\n" not in hashed
    assert matches(hashed, "correct horse ")
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("flags", [["--json"], ["-o", "jsonl"], ["--json", "--quiet"]])
def test_for_a_script_it_is_an_object(flags: list[str], given: Callable[..., None], turkctl: Run) -> None:
    given("correct horse")
    finished = turkctl(*HASH, *flags)
    assert finished.code == 0
    record = json.loads(finished.out)
    assert list(record) == ["password_hash"]
    assert matches(record["password_hash"], "correct horse")


def test_quiet_leaves_the_hash_which_is_the_result(given: Callable[..., None], turkctl: Run) -> None:
    given("correct horse")
    assert turkctl(*HASH, "--quiet").out.startswith("$argon2id$")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "fewer than 8 characters"),
        ("\n", "fewer than 8 characters"),
        ("seven77\n", "fewer than 8 characters"),
        ("x" * 1025 + "\n", "more than 1,024 characters"),
        ("x" * 100_000, "more than 1,024 characters"),
        (b"correct \xff horse\n", "is not text"),
    ],
)
def test_a_password_that_cannot_be_used_is_exit_2_and_not_shown(
    content: str | bytes, says: str, given: Callable[..., None], turkctl: Run
) -> None:
    given(content)
    finished = turkctl(*HASH, "--json")
    assert (finished.code, finished.out) == (2, "")
    assert says in last_error(finished.err)["message"]
    assert "seven77" not in finished.err


def test_a_line_that_never_ends_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch, turkctl: Run) -> None:
    class Endless(io.RawIOBase):
        given = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            self.given += len(buffer)
            assert self.given < 1_000_000
            buffer[:] = b"x" * len(buffer)
            return len(buffer)

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Endless())))
    finished = turkctl(*HASH)
    assert (finished.code, finished.out) == (2, "")
    assert "more than 1,024 characters" in finished.err


@pytest.mark.parametrize("text", ["[dashboard.users.anna]\nrole = 'view'\n", "mode = 'nowhere'\n", "not toml"])
def test_settings_that_wait_for_a_hash_do_not_keep_anybody_from_making_it(
    text: str, given: Callable[..., None], turkctl: Run, folder: Path
) -> None:
    (folder / "turkctl.toml").write_text(text, encoding="utf-8")
    assert turkctl("hits", "list").code == 2
    given("correct horse\n")
    assert turkctl(*HASH).code == 0


def test_without_the_extra_nobody_is_asked_and_it_is_named(monkeypatch: pytest.MonkeyPatch, turkctl: Run) -> None:
    class Untouched(io.StringIO):
        def readline(self, *_: Any) -> str:
            raise AssertionError("it was asked for a password")

    monkeypatch.setitem(sys.modules, "argon2", None)
    monkeypatch.setattr(sys, "stdin", Untouched())
    finished = turkctl(*HASH)
    assert (finished.code, finished.out) == (2, "")
    assert "argon2-cffi, which is not installed; run: pip install 'turkctl[web]'" in finished.err


def typed(folder: Path, *lines: bytes) -> tuple[int, bytes, bytes]:
    """Run the command at a terminal where somebody types; its exit code, its result, and what the terminal showed."""
    import pty

    ours, theirs = pty.openpty()
    program = subprocess.Popen(
        [sys.executable, "-m", "turkctl", *HASH],
        cwd=folder,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        start_new_session=True,  # so that this terminal is the only one it could find
    )
    os.close(theirs)
    shown = b""
    try:
        for line in lines:
            while not shown.endswith((b"password: ", b"again: ")):
                shown += os.read(ours, 1024)
            os.write(ours, line)
            shown += b"|"
        assert program.stdout is not None
        out = program.stdout.read()
        code = program.wait(30)
        while more := _rest(ours):
            shown += more
    finally:
        os.close(ours)
        program.kill()
        program.communicate()
    return code, out, shown


def _rest(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1024)
    except OSError:  # nobody has the other end any more
        return b""


@pytest.mark.skipif(os.name != "posix", reason="there are no such terminals")
def test_at_a_terminal_it_asks_twice_and_shows_nothing_of_what_is_typed(folder: Path) -> None:
    code, out, shown = typed(folder, b"correct horse\n", b"correct horse\n")
    assert code == 0, shown
    assert matches(out.decode().strip(), "correct horse")
    assert b"horse" not in shown
    assert b"New password: |" in shown
    assert b"The same again: |" in shown


@pytest.mark.skipif(os.name != "posix", reason="there are no such terminals")
@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ((b"correct horse\n", b"correct house\n"), b"the two passwords differ"),
        ((b"short\n", b"short\n"), b"fewer than 8 characters"),
        ((b"\x04",), b"no password is given"),
    ],
)
def test_at_a_terminal_a_slip_is_exit_2(lines: tuple[bytes, ...], says: bytes, folder: Path) -> None:
    code, out, shown = typed(folder, *lines)
    assert (code, out) == (2, b""), shown
    assert says in shown
