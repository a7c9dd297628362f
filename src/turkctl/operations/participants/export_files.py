"""Where an export goes: files that are there complete or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from turkctl.errors import UsageError

_SQLITE = b"SQLite format 3\x00"


def named(file: str, parts: Sequence[str], form: str, *, together: bool) -> list[Path]:
    """The files that ``--file`` stands for.

    Args:
        file: a file, or a folder that is there.
        parts: one name per table, as in ``trialdata``.
        form: the ending of files in a folder.
        together: whether the format holds several tables in one file.

    Returns:
        In a folder ``trialdata.csv`` and so on; of several tables called ``out.csv``: ``out-trialdata.csv`` and so on.

    Raises:
        UsageError: a folder that is not there, or a file that may not be replaced.
    """
    path = Path(file)
    if path.is_dir():
        found = [path / f"{part}.{form}" for part in parts]
    elif file.endswith(("/", os.sep)) or not path.parent.is_dir():
        folder = path if file.endswith(("/", os.sep)) else path.parent
        raise UsageError(f"there is no folder {folder}", hint="make it, or name another with --file")
    elif together or len(parts) == 1:
        found = [path]
    else:
        found = [path.with_name(f"{path.stem}-{part}{path.suffix}") for part in parts]
    resolved = [each.resolve() for each in found]
    for each in resolved:
        _check(each)
    return resolved


def _check(file: Path) -> None:
    """Refuse what an export must not replace.

    Raises:
        UsageError: something else than a file, or a database.
    """
    hint = "name another with --file"
    if file.exists() and not file.is_file():
        raise UsageError(f"{file} is not a file", hint=hint)
    try:
        with file.open("rb") as opened:
            database = opened.read(len(_SQLITE)) == _SQLITE
    except OSError:  # not there yet; what cannot be read may still be replaced
        return
    if database:
        raise UsageError(f"{file} is a database and is not replaced", hint=hint)


@contextmanager
def replacing(files: Sequence[Path]) -> Iterator[list[Path]]:
    """Files beside these, empty, which take their places when the block ends; when it raises, none of them stays.

    Raises:
        UsageError: one of them cannot be made.
    """
    beside = [file.with_name(f".{file.name}.{os.getpid()}") for file in files]
    with ExitStack() as stack:
        for file, temporary in zip(files, beside, strict=True):
            stack.callback(temporary.unlink, missing_ok=True)
            try:
                temporary.touch()
            except OSError as error:
                raise UsageError(f"cannot write {file}: {error.strerror}", hint="name another with --file") from None
        yield beside
        for file, temporary in zip(files, beside, strict=True):
            temporary.replace(file)
