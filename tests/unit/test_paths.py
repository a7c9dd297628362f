"""Looking at a path never raises, whatever the path."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from turkctl import paths

UNSEEN = {"a NUL": "a\0b", "a name that is too long": "a" * 300, "a file as a folder": "file/inside", "nothing": "none"}


@pytest.mark.parametrize("name", UNSEEN.values(), ids=UNSEEN.keys())
def test_what_cannot_be_looked_at_is_not_there(folder: Path, name: str) -> None:
    (folder / "file").touch()
    for look in (paths.exists, paths.is_file, paths.is_folder):
        assert not look(folder / name)
    assert paths.seen(folder / name) is None


def test_a_file_is_lost_only_if_that_can_be_told(folder: Path) -> None:
    (folder / "file").write_text("x")
    (folder / "empty").touch()
    lost = {name: paths.is_lost(folder / name) for name in ("file", "empty", *UNSEEN.values())}
    assert {name for name, said in lost.items() if said} == {"empty", "file/inside", "none"}


def test_what_is_there_is_seen(folder: Path) -> None:
    (folder / "file").touch()
    (folder / "link").symlink_to("file")
    assert [paths.is_file(folder / name) for name in ("file", "link", ".")] == [True, True, False]
    assert [paths.is_folder(folder / name) for name in ("file", "link", ".")] == [False, False, True]


def test_a_file_without_an_end_is_not_read_to_it(folder: Path) -> None:
    (folder / "file").write_bytes(b"12345")
    assert paths.read_whole(folder / "file", 5) == b"12345"
    for path in (folder / "file", Path("/dev/zero")):
        with pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
            paths.read_whole(path, 4)
