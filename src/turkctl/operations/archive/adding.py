"""Add downloaded result files to an archive; one that does not exist yet is made."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from turkctl.archive.batch_add import AddedRows, add_files
from turkctl.archive.files import write_files
from turkctl.archive.folder import ArchiveIdentity, held, is_archive, make_folder, opened_archive, prepare
from turkctl.operations.engine.world import World
from turkctl.units import format_time


def add_csv(world: World, folder: Path, files: Sequence[Path]) -> AddedRows:
    """Add the rows of result files; write the archive's files anew.

    Args:
        world: clock, mode, and the address of the market, which is not asked; an account is found out when it is.
        folder: of the archive.
        files: as they were downloaded.

    Raises:
        UsageError: a file or a row is odd; nothing is added.
        RefusedError, NotFoundError, OutputError: the folder cannot be used.
    """
    make_folder(folder)
    with held(folder):
        if not is_archive(folder):
            prepare(folder, ArchiveIdentity(world.settings.mode, world.mturk.address), format_time(world.now()))
        with opened_archive(folder, writable=True) as database:
            added = add_files(database, files)
            write_files(database)
    return added
