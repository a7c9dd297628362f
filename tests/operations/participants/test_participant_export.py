"""What an export writes, in each format, from a database of psiTurk's that others write to."""

from __future__ import annotations

import csv
import gc
import io
import json
import sqlite3
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from turkctl.context import Context
from turkctl.errors import InterruptedByUserError, SchemaError, UsageError
from turkctl.operations.participants import export as participant_export
from turkctl.operations.participants import export_formats
from turkctl.operations.participants.datastring import PARTICIPANT, column
from turkctl.operations.participants.export import ExportReport, export, plan_export
from turkctl.operations.participants.filters import Query
from turkctl.settings import load
from turkctl.store import participant_exports

NEVER = Event()
COLUMNS = (
    "uniqueid VARCHAR(128) PRIMARY KEY, assignmentid, workerid, hitid, ipaddress, browser, platform, language,"
    " cond INTEGER, counterbalance INTEGER, codeversion, beginhit, beginexp, endhit, bonus, status INTEGER, mode,"
    " datastring"
)
ODD = ["a\rb", "a\nb", 'say "x", y', "", "ä", "=1", "\u2028", "\ud83d", "x\0y", " 1"]


class Study:
    """A database of psiTurk's in a folder, and exports of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.context = Context(load({"database_url": f"sqlite:///{folder / 'people.db'}"}, {}, folder))
        with closing(sqlite3.connect(folder / "people.db")) as plain:
            plain.execute(f"CREATE TABLE assignments ({COLUMNS})")

    def add(self, worker: str, document: Any, *, mode: str = "live", ip: str | None = None) -> None:
        self.add_all([worker], document, mode=mode, ip=ip)

    def add_all(self, workers: Sequence[str], document: Any, *, mode: str = "live", ip: str | None = None) -> None:
        recorded = document if document is None or isinstance(document, str | bytes) else json.dumps(document)
        rest = {
            "hitid": "H-ONE", "cond": 1, "counterbalance": 0, "codeversion": "1.0", "status": 4, "mode": mode,
            "ipaddress": ip, "datastring": recorded,
        }  # fmt: skip
        rows = [
            {"uniqueid": f"{each}:{each}-DID", "assignmentid": f"{each}-DID", "workerid": each, **rest}
            for each in workers
        ]
        with closing(sqlite3.connect(self.folder / "people.db")) as plain:
            plain.execute("PRAGMA synchronous=OFF")
            marks = ", ".join(f":{name}" for name in rows[0])
            plain.executemany(f"INSERT INTO assignments ({', '.join(rows[0])}) VALUES ({marks})", rows)
            plain.commit()

    def export(
        self,
        data: str,
        form: str | None = None,
        file: str | None = None,
        key: Path | None = None,
        stop: Event = NEVER,
        write: Callable[[str], object] | None = None,
        **filters: Any,
    ) -> tuple[str, ExportReport]:
        shown: list[str] = []
        wanted = plan_export(data, form, file, key)
        report = export(self.context, Query(**filters), wanted, write or shown.append, stop)
        return "".join(shown), report

    def lines(self, data: str, **options: Any) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.export(data, "jsonl", **options)[0].split("\n")[:-1]]

    def table(self, data: str, **options: Any) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.export(data, "csv", **options)[0], newline="")))


@pytest.fixture
def people(tmp_path: Path) -> Iterator[Study]:
    made = Study(tmp_path)
    yield made
    made.context.close()


def trial(data: Any, number: int = 0) -> dict[str, Any]:
    return {"uniqueid": "?", "current_trial": number, "dateTime": 1_641_000_000_000 + number, "trialdata": data}


def document(*trials: Any, events: Any = (), answers: Any = None) -> dict[str, Any]:
    return {
        "condition": 1, "assignmentId": "?", "workerId": "?", "currenttrial": len(trials), "useragent": "Mozilla",
        "data": [trial(each, number) for number, each in enumerate(trials)],
        "eventdata": list(events), "questiondata": answers or {},
    }  # fmt: skip


FIRST = {
    "uniqueid": "WORKER-1:WORKER-1-DID", "assignment_id": "WORKER-1-DID", "worker_id": "WORKER-1", "hit_id": "H-ONE",
    "condition": 1, "counterbalance": 0, "codeversion": "1.0", "status": "submitted", "mode": "live",
}  # fmt: skip


def test_a_row_has_its_participants_keys_and_what_was_recorded(people: Study) -> None:
    focus = {"eventtype": "focus", "value": "off", "timestamp": 5, "interval": 0}
    size = {"eventtype": "window_resize", "value": [800, 600], "timestamp": 9, "interval": 4}
    people.add("WORKER-1", document({"rt": 512.5, "condition": "easy"}, events=[focus, size], answers={"age": "31"}))
    assert tuple(FIRST) == tuple(PARTICIPANT)
    assert people.lines("trial") == [
        {**FIRST, "current_trial": 0, "dateTime": 1_641_000_000_000, "rt": 512.5, "trialdata_condition": "easy"}
    ]
    assert people.lines("event") == [{**FIRST, **focus}, {**FIRST, **size}]
    assert people.lines("question") == [{**FIRST, "question": "age", "value": "31"}]
    everything = people.lines("all")
    assert [row["kind"] for row in everything] == ["trial", "event", "event", "question"]
    assert [row["value"] for row in people.table("event")] == ["off", "[800, 600]"]


def test_csv_has_a_column_for_every_field_that_anybody_recorded(people: Study) -> None:
    people.add("WORKER-1", document({"phase": "TEST", "rt": 1}, ["a", 2, None]))
    people.add("WORKER-2", document({"late": {"x": [1]}, "ok": True, "no": None}, "text alone", {}, []))
    rows = people.table("trial")
    names = ["phase", "rt", "trialdata_0", "trialdata_1", "trialdata_2", "late", "ok", "no", "trialdata"]
    assert list(rows[0]) == [*PARTICIPANT, "current_trial", "dateTime", *names]
    assert [[row[name] for name in names] for row in rows] == [
        ["TEST", "1", "", "", "", "", "", "", ""],
        ["", "", "a", "2", "", "", "", "", ""],
        ["", "", "", "", "", '{"x": [1]}', "true", "", ""],
        ["", "", "", "", "", "", "", "", "text alone"],
        ["", "", "", "", "", "", "", "", "{}"],
        ["", "", "", "", "", "", "", "", "[]"],
    ]


TEXTS = st.one_of(st.text(max_size=8), st.sampled_from(ODD))
RECORDED = st.lists(
    st.dictionaries(TEXTS, st.one_of(TEXTS, st.integers(), st.booleans(), st.none(), st.lists(TEXTS)), max_size=4),
    max_size=4,
)


def printed(value: Any) -> str:
    """A value as tables show it; half a surrogate pair as JSON escapes it."""
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(recorded=st.lists(RECORDED, max_size=4))
def test_every_format_has_every_value_once(people: Study, recorded: list[list[dict[str, Any]]]) -> None:
    with closing(sqlite3.connect(people.folder / "people.db")) as plain:
        plain.execute("DELETE FROM assignments")
        plain.commit()
    for number, trials in enumerate(recorded):
        people.add(f"WORKER-{number}", document(*trials))
    wanted = [fields for trials in recorded for fields in trials]
    lines = people.lines("trial")
    rows = people.table("trial")
    file = people.folder / "out.parquet"
    people.export("trial", file=str(file))
    cells = parquet.read_table(file).to_pylist()
    assert len(lines) == len(rows) == len(cells) == len(wanted)
    for fields, line, row, cell in zip(wanted, lines, rows, cells, strict=True):
        names = {column(name): value for name, value in fields.items()} or {"trialdata": {}}
        assert {name: line[name] for name in names} == names
        for name, value in names.items():
            assert row[printed(name)] == printed(value)
            assert (cell[printed(name)] or "") == printed(value)


def test_a_carriage_return_or_a_quote_in_a_value_does_not_break_its_line(people: Study) -> None:
    people.add("WORKER-1", document(*({"text": odd} for odd in ODD)))
    assert [row["text"] for row in people.table("trial")] == [printed(odd) for odd in ODD]
    assert people.export("trial", "csv")[0].count("\n") == 2 + len(ODD)


def test_parquet_has_numbers_where_psiturk_writes_them_and_text_elsewhere(people: Study) -> None:
    people.add("WORKER-1", document({"rt": 512.5}, {"rt": "none", "timestamp": "noon"}))
    people.add("WORKER-2", {"data": [{"current_trial": "x", "dateTime": 1.5, "trialdata": 3}]})
    _, report = people.export("trial", file=str(people.folder / "out.parquet"))
    table = parquet.read_table(people.folder / "out.parquet")
    types = {field.name: str(field.type) for field in table.schema}
    assert {types[name] for name in ("condition", "counterbalance", "current_trial")} == {"int64"}
    assert (types["dateTime"], types["rt"], types["timestamp"], types["trialdata"]) == ("double", *["string"] * 3)
    assert table.column("current_trial").to_pylist() == [0, 1, None]
    assert table.column("rt").to_pylist() == ["512.5", "none", None]
    assert report.listed == [{"uniqueid": "WORKER-2:WORKER-2-DID", "reason": "data[0].current_trial is not a number"}]


def test_fields_beyond_the_most_columns_stay_together_in_one(people: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(participant_export, "MOST_COLUMNS", 2)
    people.add("WORKER-1", document({"a": 1, "b": 2, "c": 3, "d": [4]}, {"a": 5}))
    first, second = people.table("trial")
    assert list(first)[-3:] == ["a", "b", "trialdata"]
    assert (first["a"], first["b"], json.loads(first["trialdata"])) == ("1", "2", {"c": 3, "d": [4]})
    assert (second["a"], second["trialdata"]) == ("5", "")


class AtSecondReading(Event):
    """Does something when the table is begun to be read for the second time."""

    def __init__(self, act: Callable[[], None]) -> None:
        super().__init__()
        self.asked = 0
        self.act = act

    def is_set(self) -> bool:
        self.asked += 1
        if self.asked == 2:
            self.act()
        return False


def test_a_field_that_comes_up_while_the_rows_are_written_is_kept(people: Study) -> None:
    people.add("WORKER-1", document({"a": 1}))
    stop = AtSecondReading(lambda: people.add("WORKER-2", document({"a": 2, "new": "x"})))
    rows = people.table("trial", stop=stop)
    assert [(row["a"], row["trialdata"]) for row in rows] == [("1", ""), ("2", '{"new": "x"}')]


BAD = {
    "WORKER-2": ("{", "not JSON"),
    "WORKER-3": ("[1, 2]", "not an object but a list"),
    "WORKER-4": ("3", "not an object but a number"),
    "WORKER-5": ({"data": {"a": 1}}, "data is not a list but an object"),
    "WORKER-6": (b'{"data": "\xff"}', "not UTF-8"),
    "WORKER-7": ("[" * 100_000, "nested too deeply"),
}


def test_what_cannot_be_read_is_counted_and_named_and_the_rest_exported(people: Study) -> None:
    for worker, (recorded, _) in BAD.items():
        people.add(worker, recorded)
    people.add("WORKER-1", document({"a": 1}))
    people.add("WORKER-8", document({"a": 2}))
    people.add("WORKER-9", "")
    people.add("WORKER-10", None)
    text, report = people.export("trial", "csv")
    assert [row["a"] for row in csv.DictReader(io.StringIO(text))] == ["1", "2"]
    assert (report.unreadable, report.rows) == (len(BAD), {"trial": 2})
    for each, (worker, (_, reason)) in zip(report.listed, BAD.items(), strict=True):
        assert each["uniqueid"].startswith(worker)
        assert reason in each["reason"]


def test_only_the_first_unreadable_are_named(people: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(participant_export, "LISTED", 2)
    for number in range(5):
        people.add(f"WORKER-{number}", {"data": [1, 2, 3]})
    _, report = people.export("trial", "jsonl")
    assert (report.unreadable, len(report.listed)) == (5, 2)
    assert report.listed[0]["reason"] == "data[0] is not an object but a number, and 2 more"


def test_filters_choose_participants(people: Study) -> None:
    for worker, mode in (("WORKER-1", "live"), ("WORKER-2", "sandbox"), ("WORKER-3", "debug")):
        people.add(worker, document({"a": 1}), mode=mode)
    assert [row["worker_id"] for row in people.lines("trial", modes=["live", "debug"])] == ["WORKER-1", "WORKER-3"]
    assert people.lines("trial", workers=["WORKER-2"])[0]["mode"] == "sandbox"
    assert people.lines("trial", where=["condition=7"]) == []


IDS = ("WORKER-1", "WORKER-1-DID", "H-ONE", "10.20.30.40", "WORKER-2", "WORKER-2-DID", "A7SUAM0TGS4QQQ")


def test_an_anonymous_export_holds_no_id_and_joins_with_another_by_the_same_key(people: Study) -> None:
    for worker in ("WORKER-1", "WORKER-2"):
        odd = {"url": f"https://x.org/?workerId={worker}&hitId=H-ONE", worker: [worker, {"ip": "10.20.30.40"}]}
        focus = {
            "eventtype": f"seen by {worker}",
            "value": {"id": f"{worker}:{worker}-DID"},
            "timestamp": 1,
            "interval": 0,
        }
        recorded = document({**odd, "partner": "A7SUAM0TGS4QQQ"}, [worker], events=[focus], answers={worker: worker})
        people.add(worker, recorded, ip="10.20.30.40")
    people.add("A7SUAM0TGS4QQQ", document({"a": 1}))
    key = people.folder / "key"
    exports = [people.export(data, form, key=key)[0] for data, form in (("all", "jsonl"), ("trial", "csv"))]
    exports.append(people.export("event", "csv", key=key)[0])
    file = people.folder / "out.parquet"
    people.export("trial", file=str(file), key=key)
    exports.append(json.dumps(parquet.read_table(file).to_pylist()) + " ".join(parquet.read_schema(file).names))
    for text in exports:
        assert [each for each in IDS if each in text] == []
    everything = people.lines("all", key=key)
    assert {row["worker_id"] for row in everything} == {row["worker_id"] for row in people.lines("trial", key=key)}
    partner = next(row for row in everything if row.get("a") == 1)["worker_id"]
    assert {row["partner"] for row in everything if "partner" in row} == {partner}
    other = {row["worker_id"] for row in people.lines("trial", key=people.folder / "other")}
    assert other & {row["worker_id"] for row in everything} == set()


def test_the_unreadable_are_named_by_their_pseudonyms_where_the_export_is_anonymous(people: Study) -> None:
    people.add("WORKER-1", "{")
    _, report = people.export("trial", key=people.folder / "key")
    assert "WORKER" not in json.dumps(report.as_dict())
    assert report.unreadable == 1


def test_files_are_named_in_a_folder_and_beside_a_name(people: Study) -> None:
    people.add("WORKER-1", document({"a": 1}, answers={"age": 3}))
    inside = people.folder / "out"
    inside.mkdir()
    for file, form, names in (
        (str(inside), "csv", ["out/eventdata.csv", "out/questiondata.csv", "out/trialdata.csv"]),
        (
            str(inside / "x.parquet"),
            None,
            ["out/x-eventdata.parquet", "out/x-questiondata.parquet", "out/x-trialdata.parquet"],
        ),
        (str(inside / "x.jsonl"), None, ["out/x.jsonl"]),
        (str(inside), "jsonl", ["out/eventdata.jsonl", "out/questiondata.jsonl", "out/trialdata.jsonl"]),
    ):
        shown, report = people.export("all", form, file)
        assert shown == ""
        assert sorted(str(each.relative_to(people.folder)) for each in report.files) == names
        found = sorted(str(each.relative_to(people.folder)) for each in inside.iterdir())
        assert found == names
        for each in inside.iterdir():
            each.unlink()
    people.export("trial", "csv", str(inside))
    assert [each.name for each in inside.iterdir()] == ["trialdata.csv"]


def test_a_file_is_replaced_only_once_the_new_one_is_complete(people: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(participant_exports, "PAGE_KEYS", 1)
    monkeypatch.setattr(export_formats, "CHUNK_CHARACTERS", 1)
    monkeypatch.setattr(export_formats, "PIECE_ROWS", 1)
    for number in range(5):
        people.add(f"WORKER-{number}", document({"a": 1}))
    before = sorted(people.folder.iterdir())

    class Stopping(Event):
        asked = 0
        allowed = 0

        def is_set(self) -> bool:
            self.asked += 1
            return self.asked > self.allowed

    for form in ("csv", "jsonl", "parquet"):
        file = people.folder / f"out.{form}"
        file.write_text("as it was")
        for allowed in (0, 2, 6, 8):
            stop = Stopping()
            stop.allowed = allowed
            if form == "jsonl" and allowed > 5:
                continue
            with pytest.raises(InterruptedByUserError, match="no file was written"):
                people.export("trial", form, str(file), stop=stop)
            assert file.read_text() == "as it was"
            assert sorted(people.folder.iterdir()) == sorted([*before, file])
        people.export("trial", form, str(file))
        assert file.read_bytes() != b"as it was"
        file.unlink()


@pytest.mark.parametrize(
    ("data", "form", "file", "words"),
    [
        ("trials", None, None, "did you mean 'trial'"),
        ("trial", "xml", None, "csv, jsonl, parquet"),
        ("trial", "parquet", None, "--file"),
        ("all", "csv", None, "jsonl"),
        ("trial", None, "missing/out.csv", "create the folder"),
        ("trial", None, "missing/", "create it"),
        ("trial", "csv", "people.db", "another"),
        ("trial", "csv", "key", "another"),
    ],
)
def test_what_cannot_be_written_is_refused_with_the_fix_before_anything_is_done(
    people: Study, data: str, form: str | None, file: str | None, words: str
) -> None:
    (people.folder / "key").write_bytes(b"k" * 32)
    before = {each.name: each.stat().st_size for each in people.folder.iterdir()}
    with pytest.raises(UsageError) as refused:
        people.export(data, form, None if file is None else f"{people.folder}/{file}", key=people.folder / "key")
    assert words in (refused.value.hint or "")
    assert {each.name: each.stat().st_size for each in people.folder.iterdir()} == before


def test_a_table_without_what_was_recorded_is_named(people: Study) -> None:
    with closing(sqlite3.connect(people.folder / "people.db")) as plain:
        plain.execute("ALTER TABLE assignments DROP COLUMN datastring")
        plain.execute("ALTER TABLE assignments DROP COLUMN ipaddress")
    with pytest.raises(SchemaError, match="lacks psiTurk's datastring"):
        people.export("trial")
    with pytest.raises(SchemaError, match="datastring, ipaddress"):
        people.export("trial", key=people.folder / "key")
    assert not (people.folder / "key").exists()


def test_the_database_is_left_as_it_is(people: Study) -> None:
    people.add("WORKER-1", document({"a": 1}))
    before = (people.folder / "people.db").read_bytes()
    people.export("all", "jsonl")
    assert (people.folder / "people.db").read_bytes() == before


@pytest.fixture
def swept() -> Iterator[None]:
    """Garbage in circles is let go as early as in the program, not as late as in the other tests."""
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    gc.collect()
    yield
    gc.set_threshold(*before)


@pytest.mark.usefixtures("swept")
@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_memory_does_not_grow_with_the_participants(people: Study, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.setattr(participant_exports, "PAGE_BYTES", 50_000)
    monkeypatch.setattr(export_formats, "PIECE_ROWS", 20)
    recorded = json.dumps(document(*({"phase": "TEST", "rt": number} for number in range(50))))
    file = str(people.folder / f"out.{form}")
    peaks = []
    for workers in (range(1000, 1050), range(1050, 1200)):
        people.add_all([f"WORKER-{number}" for number in workers], recorded)
        people.export("trial", file=file, workers=["WORKER-1000"])  # imports and first caches do not count
        tracemalloc.start()
        people.export("trial", file=file)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    few, many = peaks
    assert many < 1.2 * few
    assert many < 200 * len(recorded)  # the text of all of them alone, had it been held


def test_psiturk_writes_on_while_an_export_reads_and_who_was_there_is_exported_once(
    people: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(participant_exports, "PAGE_KEYS", 10)
    there = [f"WORKER-{number:03d}" for number in range(0, 400, 2)]
    people.add_all(there, document({"a": 0}))
    begun, over = Event(), Event()
    written: list[int] = []

    def write_as_psiturk_does() -> None:
        with closing(sqlite3.connect(people.folder / "people.db", timeout=5)) as plain:
            for number in range(1, 100_000):
                if over.is_set():
                    return
                text = json.dumps(document({"a": number}))
                there_already = f"WORKER-{(number * 2) % 400:03d}"
                plain.execute("UPDATE assignments SET datastring = ? WHERE workerid = ?", (text, there_already))
                new = f"WORKER-{(number * 7) % 400:03d}-{number}"
                values = (new, new, new, "H", text)
                plain.execute(
                    "INSERT INTO assignments (uniqueid, assignmentid, workerid, hitid, datastring) VALUES (?,?,?,?,?)",
                    values,
                )
                plain.commit()
                written.append(number)
                begun.set()

    with ThreadPoolExecutor() as pool:
        writer = pool.submit(write_as_psiturk_does)
        try:
            assert begun.wait(30)
            found = [row["worker_id"] for row in people.lines("trial")]
        finally:
            over.set()
        writer.result(30)
    assert [worker for worker in found if len(worker) == len("WORKER-000")] == there
    assert len(found) == len(set(found))
    with closing(sqlite3.connect(people.folder / "people.db")) as plain:
        assert plain.execute("SELECT count(*) FROM assignments").fetchone() == (len(there) + len(written),)


def test_an_id_is_replaced_only_in_the_columns_of_ids_and_in_what_was_recorded(people: Study) -> None:
    people.add("submitted", document({"a": "submitted"}))
    (row,) = people.lines("trial", key=people.folder / "key")
    assert (row["status"], row["a"]) == ("submitted", row["worker_id"])


def test_ids_that_are_bytes_or_numbers_are_exported_as_text_and_as_pseudonyms(people: Study, tmp_path: Path) -> None:
    people.add("W1", {"questiondata": {"me": "number 5550123, from 10"}})
    with closing(sqlite3.connect(tmp_path / "people.db")) as plain:
        plain.execute("UPDATE assignments SET workerid = 5550123, assignmentid = ?, ipaddress = ?", [b"A\xff", b"10"])
        plain.commit()
    (line,) = people.lines("question")
    assert (line["worker_id"], line["assignment_id"]) == (5550123, "A\\xff")
    (line,) = people.lines("question", key=tmp_path / "key")
    assert [line[name][0] for name in ("worker_id", "assignment_id")] == ["W", "A"]
    assert "5550123" not in json.dumps(line)
    assert not line["value"].endswith(" 10")


def test_an_empty_name_of_a_file_is_refused() -> None:
    with pytest.raises(UsageError, match="name of the file is empty"):
        plan_export("trial", None, "")


@pytest.mark.parametrize("name", ["data.xlsx", "data.XLS", "data.tsv", "data.json"])
def test_a_file_named_as_another_format_is_refused_unless_the_format_is_given(name: str) -> None:
    with pytest.raises(UsageError, match="is not a format of exports"):
        plan_export("trial", None, name)
    assert plan_export("trial", "csv", name).form == "csv"
    assert plan_export("trial", None, "data.txt").form == "csv"
