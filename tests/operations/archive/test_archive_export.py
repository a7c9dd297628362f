"""What is handed on from an archive has no id of a person in it, wherever the id was."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from archive_support import ADDRESS, Account, ArchiveWorld

from turkctl.errors import UsageError
from turkctl.operations.archive.export import export
from turkctl.operations.participants.anonymize import Pseudonyms

KEY = b"a key of at least sixteen bytes"


@pytest.fixture
def saved(world: ArchiveWorld, tmp_path: Path) -> Path:
    world.collect(tmp_path / "saved")
    (tmp_path / "study.key").write_bytes(KEY)
    return tmp_path / "saved"


def everything(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return "\n".join(f"{path.relative_to(folder)}\n{path.read_text(encoding='utf-8')}" for path in files)


def test_no_id_is_left_anywhere(saved: Path, account: Account, tmp_path: Path) -> None:
    report = export(saved, tmp_path / "out", tmp_path / "study.key")
    text = everything(tmp_path / "out")
    ids = [*account.workers, *account.assignments, *account.hits]
    assert [each for each in ids if each.lower() in text.lower()] == []
    before = everything(saved / "csv")
    assert all(each in before for each in account.hits)
    assert {each.path for each in report.files} >= {"csv/bonuses.csv", "csv/workers.csv", "csv/blocks.csv"}
    assert ADDRESS in text, "other words stay"
    assert "naïve 🎨" in text


def test_pseudonyms_are_those_of_the_participants_export_and_join_the_files(
    saved: Path, account: Account, tmp_path: Path
) -> None:
    export(saved, tmp_path / "out", tmp_path / "study.key")
    names = Pseudonyms(KEY)
    with (tmp_path / "out" / "csv" / "workers.csv").open(encoding="utf-8", newline="") as file:
        workers = {row["WorkerId"] for row in csv.DictReader(file)}
    assert workers == {names.of("W", each) for each in account.workers}
    (result, *_) = sorted((tmp_path / "out" / "csv" / "results").iterdir())
    with result.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["WorkerId"] for row in rows} <= workers
    assert {row["HITId"] for row in rows} <= {names.of("H", each) for each in account.hits}
    for row in rows:
        assert row["Answer.comment"] == f"{row['WorkerId']} naïve 🎨 at {ADDRESS}"


def test_ids_are_found_in_other_cases_inside_words_and_unknown_ones_by_their_shape(
    world: ArchiveWorld, account: Account, tmp_path: Path
) -> None:
    import sqlite3
    from contextlib import closing

    worker, stranger = account.workers[0], "A2VVVVVVVVVVV9"
    with closing(sqlite3.connect(str(tmp_path / "source.db"))) as connection:
        text = f"i am x{worker.lower()}x, not {stranger}, {account.workers[1].lower()}!"
        connection.execute("UPDATE market_assignment SET feedback = ? WHERE worker_id = ?", (text, worker))
        connection.commit()
    world.collect(tmp_path / "saved")
    export(tmp_path / "saved", tmp_path / "out", tmp_path / "new.key")
    text = everything(tmp_path / "out").lower()
    assert [each for each in (worker, stranger, account.workers[1]) if each.lower() in text] == []
    assert "i am xw" in text


def test_without_a_key_the_files_are_the_same(saved: Path, tmp_path: Path) -> None:
    export(saved, tmp_path / "out", None)
    assert everything(tmp_path / "out" / "csv") == everything(saved / "csv")


def test_a_folder_with_something_in_it_is_refused(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="standard output"):
        export(saved, tmp_path / "out", Path("-"))
    with pytest.raises(UsageError, match="standard output"):
        export(saved, Path("-"), None)
    for target in (saved, tmp_path / "study.key"):
        with pytest.raises(UsageError, match="not an empty folder"):
            export(saved, target, None)
