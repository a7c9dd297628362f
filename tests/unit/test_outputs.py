"""How files are written: whole or not at all, through links, into pipes, and never over what must stay."""

from __future__ import annotations

import errno
import io
import os
import sqlite3
import stat
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import pytest
from devices import device

from turkctl import outputs, waits
from turkctl.errors import InterruptedByUserError, OutputError, UsageError
from turkctl.outputs import Protected, check, writing, writing_all, writing_text

NOTHING = Protected()

pytestmark = pytest.mark.usefixtures("outside")  # an empty folder


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def interrupted(out: BinaryIO, raised: type[BaseException]) -> None:
    out.write(b"half")
    raise raised


def database(path: Path) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE kept (value)")
    return path


def test_a_file_is_there_whole_or_as_it_was(folder: Path) -> None:
    file = folder / "out.csv"
    file.write_text("old")
    with writing_text(file, NOTHING) as out:
        out.write("new")
        out.flush()
        assert file.read_text() == "old"
    assert (file.read_text(), names(folder)) == ("new", ["out.csv"])


@pytest.mark.parametrize("raised", [ValueError, KeyboardInterrupt, SystemExit])
def test_nothing_is_left_behind_when_the_work_ends_early(folder: Path, raised: type[BaseException]) -> None:
    files = [folder / "a.csv", folder / "b.csv"]
    files[0].write_text("old")
    with pytest.raises(raised), writing_all(files, NOTHING) as opened:
        interrupted(opened[0], raised)
    assert (files[0].read_text(), names(folder)) == ("old", ["a.csv"])


def test_of_several_files_none_is_made_when_one_cannot_be(folder: Path) -> None:
    made = [folder / "a.csv", folder / "taken"]
    made[1].mkdir()
    with pytest.raises(UsageError, match="is a folder"), writing_all(made, NOTHING):
        pass
    assert names(folder) == ["taken"]


def test_a_file_with_ids_is_for_its_owner_alone_also_where_it_was_not(folder: Path) -> None:
    for name in ("new.csv", "old.csv"):
        file = folder / name
        if name == "old.csv":
            file.touch(0o644)
        with writing(file, NOTHING, private=True) as out:
            assert {mode(path) for path in folder.glob(".turkctl-*")} == {0o600}
            out.write(b"A1,A2\n")
        assert mode(file) == 0o600


def test_another_file_keeps_its_permissions(folder: Path) -> None:
    file = folder / "page.html"
    file.touch()
    file.chmod(0o640)
    with writing(file, NOTHING) as out:
        out.write(b"x")
    assert mode(file) == 0o640


def test_two_writers_of_one_file_do_not_meet(folder: Path) -> None:
    file = folder / "out.csv"
    with writing(file, NOTHING) as first, writing(file, NOTHING) as second:
        first.write(b"first")
        second.write(b"second")
    assert (file.read_bytes(), names(folder)) == (b"first", ["out.csv"])


def test_a_dash_is_standard_output_in_whole_characters(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "aä€😀" * 5000  # more than a buffer, and characters that its end cuts
    with writing_text(Path("-"), NOTHING, private=True) as out:
        out.write(text)
    sys.stdout.write("after it\n")
    assert capsys.readouterr().out == text + "after it\n"
    assert names(folder) == []


class Shut(io.StringIO):
    """Standard output whose reader is gone."""

    def write(self, _text: str) -> int:
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def test_a_reader_of_standard_output_who_had_enough_is_no_fault_of_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Shut())
    with pytest.raises(BrokenPipeError), writing_text(Path("-"), NOTHING) as out:
        out.write("x\n")


def test_what_a_link_points_to_is_written_and_the_link_stays(folder: Path) -> None:
    (folder / "data").mkdir()
    link = folder / "out.csv"
    link.symlink_to(Path("data") / "real.csv")  # not there yet
    for text in ("one", "two"):
        with writing_text(link, NOTHING) as out:
            out.write(text)
        assert link.is_symlink()
        assert (folder / "data" / "real.csv").read_text() == text
    assert names(folder / "data") == ["real.csv"]


def test_a_pipe_is_written_to_and_stays_one(folder: Path) -> None:
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()
    with writing(pipe, NOTHING, private=True) as out:
        out.write(b"through")
    reader.join(10)
    assert (read, pipe.is_fifo(), names(folder)) == ([b"through"], True, ["pipe"])


def test_a_device_is_written_to_and_stays_one(folder: Path) -> None:
    null = device(folder, "null")
    with writing(null, NOTHING, private=True) as out:
        out.write(b"away")
    assert null.is_char_device()


def test_a_descriptor_is_written_to_behind_what_it_has(folder: Path) -> None:
    file = folder / "log"
    with file.open("wb", buffering=0) as log:
        log.write(b"before ")
        with writing(Path(f"/dev/fd/{log.fileno()}"), NOTHING, private=True) as out:
            out.write(b"between ")
        log.write(b"after")
    assert file.read_bytes() == b"before between after"


def test_a_full_disk_is_no_fault_of_the_name(folder: Path) -> None:
    full = device(folder, "full")
    with pytest.raises(OutputError, match=r"cannot write .*full: No space left"), writing(full, NOTHING) as out:
        out.write(b"x")


@pytest.mark.parametrize("name", ["study.db", "link.db", "hard.db", "study.db-wal", "study.db-shm", "study.db-journal"])
def test_a_database_is_refused_by_how_it_begins_under_any_name(folder: Path, name: str) -> None:
    file = database(folder / "study.db")
    before = file.read_bytes()
    (folder / "link.db").symlink_to("study.db")
    os.link(file, folder / "hard.db")
    for ending in outputs.SIDECARS:
        (folder / f"study.db{ending}").touch()
    with pytest.raises(UsageError, match="is a database and is not replaced"), writing(folder / name, NOTHING):
        pass
    assert file.read_bytes() == before


@pytest.mark.parametrize("name", ["turkctl.toml", "experiment.toml", "link"])
def test_settings_are_refused_by_their_name(folder: Path, name: str) -> None:
    (folder / "link").symlink_to("turkctl.toml")
    with pytest.raises(UsageError, match="is a settings file and is not replaced"):
        check(folder / name, NOTHING)


@pytest.mark.parametrize(
    "text",
    [f"{'0a' * 32}\n", f"{'0a' * 32}", "-----BEGIN PRIVATE KEY-----\nMIIE", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3"],
)
def test_a_key_is_refused_by_what_is_in_it(folder: Path, text: str) -> None:
    file = folder / "key"
    file.write_text(text)
    with pytest.raises(UsageError, match="is a key and is not replaced"):
        check(file, NOTHING)


@pytest.mark.parametrize("text", ["", "worker,amount\nA1,0.50\n", "<!doctype html>\n", "SQLite\n", "0a" * 7])
def test_what_is_none_of_these_is_replaced(folder: Path, text: str) -> None:
    file = folder / "out.csv"
    file.write_text(text)
    check(file, NOTHING)


@pytest.mark.parametrize("name", ["kept.db", "kept.db-wal", "link", "hard"])
def test_a_protected_file_is_refused_though_it_is_not_there_or_has_another_name(folder: Path, name: str) -> None:
    protected = Protected().plus(folder / "kept.db", "the project's database")
    (folder / "link").symlink_to("kept.db")
    if name == "hard":
        (folder / "kept.db").touch()
        os.link(folder / "kept.db", folder / "hard")
    with pytest.raises(UsageError, match="is the project's database and is not replaced"):
        check(folder / name, protected)
    check(folder / "other.csv", protected)


def test_standard_input_protects_nothing(folder: Path) -> None:
    assert Protected().plus("-", "what is read").plus(None, "what is read") == Protected()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_file_that_may_not_be_written_is_not_replaced(folder: Path) -> None:
    file = folder / "out.csv"
    file.touch(0o444)
    with pytest.raises(UsageError, match="Permission denied"), writing(file, NOTHING):
        pass


def test_a_new_file_is_whole_from_its_first_moment_and_never_written_over(folder: Path) -> None:
    file = folder / "turkctl.toml"
    outputs.create(file, b"first", private=False)
    with pytest.raises(FileExistsError):
        outputs.create(file, b"second", private=True)
    assert (file.read_bytes(), names(folder)) == (b"first", ["turkctl.toml"])


def test_a_new_file_needs_no_hard_links(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    file = folder / "key"
    outputs.create(file, b"first", private=True)
    with pytest.raises(FileExistsError):
        outputs.create(file, b"second", private=True)
    assert (file.read_bytes(), mode(file), names(folder)) == (b"first", 0o600, ["key"])


def test_replacing_leaves_nothing_behind_where_the_folder_refuses(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    file = folder / "turkctl.toml"
    file.write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        outputs.replace(file, b"new", private=False)
    assert (file.read_text(), names(folder)) == ("old", ["turkctl.toml"])


def test_a_wait_for_a_pipe_to_be_emptied_ends_when_the_user_wants_an_end(folder: Path) -> None:
    pipe, stop = folder / "pipe", threading.Event()
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(InterruptedByUserError), waits.heeding(stop):
            _fill(pipe, stop)
    finally:
        os.close(reader)


def _fill(pipe: Path, stop: threading.Event) -> None:
    with writing_text(pipe, NOTHING) as out:
        threading.Timer(0.05, stop.set).start()
        while True:
            out.write("x" * 100_000)
