"""Write files, whole or not at all, and never over a database, settings, a key or an input.

A regular file is written beside its place under a random name, flushed to the disk, and renamed over it, so that a
reader sees either the old file or the new one. If the path is a link, its target is replaced. Devices, pipes and
``/dev/null`` are opened and written to, and ``-`` is standard output. No other module writes files; a test checks that.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import re
import select
import stat
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from turkctl.errors import OutputError, UsageError
from turkctl.paths import is_file, is_folder, seen
from turkctl.waits import LOOK_S, go_on

STANDARD = "-"
"""What means standard output where a file is written to."""
SQLITE = b"SQLite format 3\x00"
"""The first bytes of every SQLite database."""
SIDECARS = ("-wal", "-shm", "-journal")
"""Endings of the files that SQLite keeps beside a database, which are part of it."""
SETTINGS_NAMES = ("turkctl.toml", "experiment.toml")
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
"""Disk failures that another name would not fix."""
_WORD = re.compile(rb"(?=\S*[0-9+/=]|\S*[a-z]\S*[A-Z]|\S*[A-Z]\S*[a-z])[^\s,;<>{}\[\]\"']{16,1024}\s*")
"""Matches a single word that is not the name of a column: a key made by turkctl or by another program."""
_PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_AWS_SECRET = re.compile(rb"^\s*aws_secret_access_key\s*=", re.MULTILINE | re.IGNORECASE)
_LARGEST_TEXT = 1 << 16
"""Most bytes of a settings file or a file of keys."""
_SHORTEST_KEY, _LARGEST_KEY = 16, 128
"""Fewest and most bytes of a key that is not text."""
_DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/(?:(?P<name>stdin|stdout|stderr)|fd/(?P<number>\d{1,9}))")
_DESCRIPTORS = {"stdin": 0, "stdout": 1, "stderr": 2}
_WRITE = os.O_WRONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
_UNBLOCKED = getattr(select, "PIPE_BUF", 4096)
"""Number of bytes that a pipe accepts at once if it accepts any."""


@dataclass(frozen=True)
class Protected:
    """The files that a command's output must not replace, each with a description, as in ``the project's database``."""

    files: tuple[tuple[Path, str], ...] = ()

    def plus(self, path: Path | str | None, what: str) -> Protected:
        """Return these and one more, or the same if there is none (``None``, or ``-`` for a standard stream)."""
        if path is None or is_standard(path):
            return self
        return Protected((*self.files, (Path(path), what)))

    def name_of(self, path: Path) -> str | None:
        """Return the description of the file, found by its path or as another name of the same file, or None."""
        place, found = os.path.realpath(path), seen(path)
        for other, what in self.files:
            if place in (os.path.realpath(other), *(os.path.realpath(other) + ending for ending in SIDECARS)):
                return what
            there = None if found is None else seen(other)
            if found is not None and there is not None and os.path.samestat(found, there):
                return what
        return None


def is_standard(path: Path | str | None) -> bool:
    """Return whether the path given by a user means standard output."""
    return path is not None and str(path) == STANDARD


def named(path: Path) -> str:
    """Return the path as messages name it."""
    return "standard output" if is_standard(path) else str(path)


def refuse_standard(path: Path | None, flag: str, why: str) -> None:
    """Raise UsageError if a file would be standard output, where it cannot be; ``why`` completes the message."""
    if is_standard(path):
        raise UsageError(f"{flag} {STANDARD} is standard output, {why}", hint=f"name a file with {flag}")


def check(path: Path, protected: Protected, *, flag: str = "--file") -> None:
    """Raise if a path cannot or must not be written to; call this before the work that produces the result.

    Args:
        path: the path given by the user.
        protected: the files that this command must not replace.
        flag: the option that named it.

    Raises:
        UsageError: it is a folder, its folder does not exist, or it must not be replaced.
    """
    hint = f"give another file with {flag}"
    if is_standard(path):
        return
    if is_folder(path):
        raise UsageError(f"{path} is a folder", hint=f"give a file with {flag}")
    folder = Path(os.path.realpath(path)).parent
    if not is_folder(folder) and not _is_special(path):
        raise UsageError(f"cannot write {path}: there is no folder {folder}", hint=f"{hint}, or create the folder")
    what = protected.name_of(path) or _kind(path)
    if what is not None:
        raise UsageError(f"{path} is {what} and is not replaced", hint=hint)


def readable_by_others(path: Path) -> bool:
    """Return whether anybody but its owner may read the file; False if there are no such permissions."""
    found = seen(path)
    return os.name == "posix" and found is not None and bool(found.st_mode & 0o077)


def target(path: Path) -> Path:
    """Return the file that is written to: the target of a link, or a device or pipe itself."""
    return path if _is_special(path) else Path(os.path.realpath(path))


@contextmanager
def writing(path: Path, protected: Protected, *, flag: str = "--file", private: bool = False) -> Iterator[BinaryIO]:
    """Open a user's file for the bytes of a result; see :func:`writing_all`."""
    with writing_all([path], protected, flag=flag, private=private) as (stream,):
        yield stream


@contextmanager
def writing_text(path: Path, protected: Protected, *, flag: str = "--file", private: bool = False) -> Iterator[TextIO]:
    """Open a user's file for text in UTF-8, whose line ends are kept; see :func:`writing_all`."""
    with writing(path, protected, flag=flag, private=private) as stream, text_into(stream) as text:
        yield text


@contextmanager
def text_into(stream: BinaryIO) -> Iterator[TextIO]:
    """Write text in UTF-8 to an open file, which stays open."""
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
    try:
        yield text
        text.flush()
    finally:
        with suppress(OSError, ValueError):  # on an error the file is discarded
            text.detach()


@contextmanager
def writing_all(
    paths: Sequence[Path], protected: Protected, *, flag: str = "--file", private: bool = False
) -> Iterator[list[BinaryIO]]:
    """Open a user's files for a result. All of them appear when the block ends, or none if it raises.

    Args:
        paths: the paths given by the user.
        protected: the files that this command must not replace.
        flag: the option that named them, for hints.
        private: whether they contain ids of people, so that only the owner may read them.

    Raises:
        UsageError: one of them must not be replaced, or cannot be written.
        OutputError: the disk is full or broken.
    """
    for path in paths:
        check(path, protected, flag=flag)
    with ExitStack() as stack, _explained(paths, flag):
        opened = []
        for path in paths:
            output = _output(path, private=private)
            stack.callback(output.discard)
            output.open()
            opened.append(output)
        yield [output.stream for output in opened]
        for output in opened:
            output.finish()
        for output in opened:
            output.settle()


@contextmanager
def making(path: Path, protected: Protected, *, flag: str) -> Iterator[Path]:
    """Lend a place to a library that writes its file itself; the file, for its owner alone, then gets its name.

    It takes the name only if nothing has it, and only if the block does not raise.

    Raises:
        UsageError: there is such a file, or it cannot be written.
        OutputError: the disk is full or broken.
    """
    from tempfile import TemporaryDirectory  # slow to import, and rarely needed

    check(path, protected, flag=flag)
    refuse_standard(path, flag, "which cannot hold a whole file at once")
    taken = UsageError(f"{path} is there already and is not replaced", hint=f"give another name with {flag}")
    if seen(path) is not None:
        raise taken
    with _explained([path], flag), TemporaryDirectory(dir=path.absolute().parent, prefix=".turkctl-") as folder:
        place = Path(folder) / "new"
        yield place
        place.chmod(0o600)
        with place.open("rb") as stream:
            os.fsync(stream.fileno())
        try:
            _take_free(place, path)
        except FileExistsError:
            raise taken from None


def _take_free(made: Path, place: Path) -> None:
    """Give a file a name that nothing has; without hard links, open that name exclusively first."""
    try:
        os.link(made, place)
    except FileExistsError:
        raise
    except OSError:
        os.close(os.open(place, _WRITE | os.O_CREAT | os.O_EXCL, 0o600))
        os.replace(made, place)  # noqa: PTH105  # one step on every platform, also over an existing file


def _output(path: Path, *, private: bool) -> _Direct | _Beside:
    return _Direct(path) if _is_special(path) else _Beside(target(path), private=private)


def replace(path: Path, data: bytes, *, private: bool) -> None:
    """Replace one of turkctl's own files in one step; see :func:`replacing`."""
    with replacing(path, private=private) as stream:
        stream.write(data)


@contextmanager
def replacing(path: Path, *, private: bool) -> Iterator[BinaryIO]:
    """Open one of turkctl's own files, to be replaced in one step when the block ends; if it is a link, its target.

    Args:
        path: the file.
        private: whether only its owner may read it; otherwise it keeps its permissions.

    Raises:
        OSError: it cannot be written and is unchanged.
    """
    output = _Beside(Path(os.path.realpath(path)), private=private)
    try:
        output.open()
        yield output.stream
        output.finish()
        output.settle()
    finally:
        output.discard()


def create(path: Path, data: bytes, *, private: bool) -> None:
    """Create one of turkctl's own files, complete from its first moment.

    Args:
        path: the file.
        data: the content.
        private: whether only its owner may read it.

    Raises:
        FileExistsError: it already exists and is unchanged.
        OSError: it cannot be written.
    """
    output = _Beside(Path(os.path.realpath(path)), private=private)
    try:
        output.open()
        output.stream.write(data)
        output.finish()
        output.settle_new()
    finally:
        output.discard()


class _Channel(io.RawIOBase):
    """A device or a pipe, where writing may have to wait. After an interrupted wait nothing more is written."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._given_up = False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def write(self, data: Any) -> int:
        if self._given_up:
            raise OSError(errno.ECANCELED, os.strerror(errno.ECANCELED))
        try:
            self._await_room()
            return os.write(self._descriptor, data[:_UNBLOCKED])
        except BaseException:
            self._given_up = True
            raise

    def _await_room(self) -> None:
        if not hasattr(select, "poll"):
            return
        waiting = select.poll()
        waiting.register(self._descriptor, select.POLLOUT)
        while True:
            go_on()
            if waiting.poll(1000 * LOOK_S):
                return

    def close(self) -> None:
        if not self.closed:
            os.close(self._descriptor)
        super().close()


class _StandardOutput(io.RawIOBase):
    """Standard output as the rest of a command has it, with its encoding and, on a terminal, its filter."""

    def __init__(self) -> None:
        super().__init__()
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        sys.stdout.write(self._decoder.decode(bytes(data)))
        return len(data)

    def flush(self) -> None:
        if not self.closed:
            sys.stdout.flush()


class _Direct:
    """A device, a pipe, standard output, or a descriptor of this process, written to directly."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.stream: BinaryIO = io.BytesIO()

    def open(self) -> None:
        if is_standard(self._path):
            self.stream = io.BufferedWriter(_StandardOutput())
            return
        number = _descriptor(self._path)
        if number is None:
            self.stream = io.BufferedWriter(_Channel(_opened(self._path)))
            return
        for stream in (sys.stdout, sys.stderr):
            stream.flush()  # earlier output must come first
        self.stream = io.BufferedWriter(_Channel(os.dup(number)))

    def finish(self) -> None:
        self.stream.flush()

    def settle(self) -> None:
        self.stream.close()

    def discard(self) -> None:
        with suppress(OSError):
            self.stream.close()


def _opened(path: Path) -> int:
    """Open a device or a pipe; a pipe opens when somebody reads it."""
    while True:
        go_on()
        try:
            descriptor = os.open(path, _WRITE | getattr(os, "O_NONBLOCK", 0))
        except OSError as error:
            if error.errno != errno.ENXIO or not path.is_fifo():
                raise
            time.sleep(LOOK_S)
        else:
            os.set_blocking(descriptor, True)
            return descriptor


class _Beside:
    """A file under a random name, which replaces another once it is complete."""

    def __init__(self, place: Path, *, private: bool) -> None:
        self._place = place
        self._private = private
        self._beside = place.with_name(f".turkctl-{os.urandom(8).hex()}.tmp")
        self.stream: BinaryIO = io.BytesIO()

    def open(self) -> None:
        before = seen(self._place)
        if before is not None and not os.access(self._place, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self._place))
        mode = 0o600 if self._private or before is not None else 0o666  # the umask reduces that of a new file
        self.stream = os.fdopen(os.open(self._beside, _WRITE | os.O_CREAT | os.O_EXCL, mode), "wb")
        if before is not None and not self._private:
            self._beside.chmod(stat.S_IMODE(before.st_mode) & 0o777)

    def finish(self) -> None:
        self.stream.flush()
        os.fsync(self.stream.fileno())
        self.stream.close()

    def settle(self) -> None:
        os.replace(self._beside, self._place)  # noqa: PTH105  # one step on every platform, also over an existing file

    def settle_new(self) -> None:
        """Take the place only if it is free."""
        _take_free(self._beside, self._place)

    def discard(self) -> None:
        """Remove the temporary file; a file already renamed stays."""
        with suppress(OSError):
            self.stream.close()
        with suppress(OSError):
            self._beside.unlink(missing_ok=True)


@contextmanager
def _explained(paths: Iterable[Path], flag: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if isinstance(error, BrokenPipeError) and any(map(_is_stream, paths)):
            raise  # whoever read the output had enough
        message = f"cannot write {', '.join(map(named, paths))}: {error.strerror or error}"
        if error.errno in NO_ROOM:
            raise OutputError(message, hint="free some space") from None
        raise UsageError(message, hint=f"give another file with {flag}") from None


def _descriptor(path: Path) -> int | None:
    """Return the descriptor of this process that the path names, or None; Linux would open its file a second time."""
    found = _DESCRIPTOR.fullmatch(os.path.abspath(path))  # noqa: PTH100  # the path as written: no link is followed
    if found is None:
        return None
    return _DESCRIPTORS[found["name"]] if found["name"] else int(found["number"])


def _is_stream(path: Path) -> bool:
    """Return whether the path means standard output, or another descriptor that this process was given."""
    return is_standard(path) or _descriptor(path) is not None


def _is_special(path: Path) -> bool:
    """Return whether the path is not a regular file, so that it is written to instead of replaced."""
    found = seen(path)
    return _is_stream(path) or (found is not None and not stat.S_ISREG(found.st_mode))


def _kind(path: Path) -> str | None:
    """Return the kind of a file that no output may replace, by its name or its first bytes, or None."""
    place = Path(os.path.realpath(path))
    if {path.name.lower(), place.name.lower()} & set(SETTINGS_NAMES):
        return "a settings file"
    if not is_file(path):
        return None
    begins = _beginning(path)
    base = next((str(place)[: -len(each)] for each in SIDECARS if place.name.endswith(each)), None)
    if begins.startswith(SQLITE) or (base is not None and _beginning(Path(base)).startswith(SQLITE)):
        return "a database"
    return _secret_or_settings(begins)


def _secret_or_settings(data: bytes) -> str | None:
    """Return the kind of a small file, by its content; None unless it is a key or a settings file."""
    if _WORD.fullmatch(data) or _PRIVATE_KEY.match(data) or _is_binary_key(data):
        return "a key"
    if _AWS_SECRET.search(data):
        return "a file of AWS credentials"
    document = _toml(data)
    if not document:
        return None
    lines = (each.get("secret") if isinstance(each, dict) else each for each in document.values())
    return "a file of keys" if all(isinstance(each, str) for each in lines) else "a settings file"


def _is_binary_key(data: bytes) -> bool:
    if not _SHORTEST_KEY <= len(data) <= _LARGEST_KEY:
        return False
    try:
        return any(ord(each) < 32 and each not in "\t\r\n" for each in data.decode())
    except UnicodeDecodeError:
        return True


def _toml(data: bytes) -> dict[str, Any]:
    """Return a parsed TOML document, which no result is; empty if it is not TOML or too long for settings."""
    import tomllib  # only needed if the file exists

    if len(data) > _LARGEST_TEXT:
        return {}
    try:
        return tomllib.loads(data.decode())
    except (ValueError, RecursionError):
        return {}


def _beginning(path: Path) -> bytes:
    """Return the first bytes, or a whole small file; empty if it cannot be read, which does not protect it."""
    try:
        with path.open("rb") as opened:
            return opened.read(_LARGEST_TEXT + 1)
    except OSError:
        return b""
