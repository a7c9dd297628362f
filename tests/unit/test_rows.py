"""Tables that users give: whatever program wrote them, the same rows come out, or words that say what to do."""

from __future__ import annotations

import ast
import codecs
import csv
import io
import json
import re
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standard_input import standard_input

import turkctl
from turkctl.errors import UsageError
from turkctl.rows import RowError, Table, as_text, opened

Read = Callable[..., list[dict[str, Any]]]
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
NAME = st.text(st.characters(categories=["L", "N", "Zs", "P", "S"]), min_size=1, max_size=8).map(str.strip).filter(bool)
ENCODINGS = {
    "utf-8": b"",
    "utf-8-sig": b"",
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
}


def records(content: bytes | str) -> list[dict[str, Any]]:
    """The rows of a table on standard input."""
    with opened("-", standard_input(content)) as table:
        return list(table.records())


def in_file(folder: Path, name: str, content: bytes | str) -> list[dict[str, Any]]:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with opened(path, sys.stdin) as table:
        return list(table.records())


def refused(content: bytes | str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        records(content)
    assert caught.value.hint
    return caught.value


@settings(max_examples=40)
@given(
    names=st.lists(NAME, min_size=1, max_size=4, unique=True),
    data=st.data(),
    delimiter=st.sampled_from(",;\t"),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(sorted(ENCODINGS)),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_a_program_writes_as_csv_is_read_back_as_it_was(
    names: list[str], data: st.DataObject, delimiter: str, end: str, encoding: str, quoting: Any
) -> None:
    if quoting == csv.QUOTE_MINIMAL:  # a separator that is not quoted in the header is taken for one
        names = [name for name in names if not set(name) & set(",;\"'{[")] or ["id"]
    # Python's writer leaves a line break that is not its own without quotation marks: nobody could tell it from an end.
    text = TEXT.filter(lambda cell: quoting == csv.QUOTE_ALL or not (set("\r\n") - set(end)) & set(cell))
    if len(names) == 1 and quoting == csv.QUOTE_MINIMAL:  # nothing says that its separator is no comma
        text = text.filter(lambda cell: delimiter == "," or "," not in cell)
    row = st.lists(text, min_size=len(names), max_size=len(names)).filter(lambda cells: any(map(str.strip, cells)))
    rows = data.draw(st.lists(row, max_size=4))
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerows([names, *rows])
    content = ENCODINGS[encoding] + written.getvalue().encode(encoding)
    assert records(content) == [dict(zip(names, cells, strict=True)) for cells in rows]


VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
OBJECT = st.dictionaries(NAME, VALUE, min_size=1, max_size=3)


@settings(deadline=None)
@given(st.lists(OBJECT, min_size=1, max_size=4), st.sampled_from([None, 1]), st.sampled_from(sorted(ENCODINGS)))
def test_objects_in_lines_and_in_an_array_are_read_back_as_they_were(
    rows: list[dict[str, Any]], indent: int | None, encoding: str
) -> None:
    for text in ("\n".join(map(json.dumps, rows)), json.dumps(rows, indent=indent, ensure_ascii=False)):
        assert records(ENCODINGS[encoding] + text.encode(encoding)) == rows


def test_a_first_line_longer_than_a_part_is_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("turkctl.rows._PART", 100)
    names = [f"column{number}" for number in range(50)]
    for end in ("\n", "\r\n"):
        assert list(records(",".join(names) + end + ",".join(names) + end)[0].values()) == names
    assert records(json.dumps(dict.fromkeys(names, 1)) + "\n")[0].keys() == set(names)


@given(st.binary(max_size=200), st.sampled_from([b"", b"a,b\n", b'{"a": 1}\n', b'[{"a": 1},', b"\xff\xfe"]))
def test_any_bytes_are_rows_or_are_refused_in_words(content: bytes, before: bytes) -> None:
    try:
        found = records(before + content)
    except UsageError as error:
        said = error.message
    else:
        said = "standard input is read" if all(found) else "a row without cells"
    assert re.match("standard input|column", said)


def test_an_array_is_not_in_memory_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("turkctl.rows._PART", 100)
    rows = [{"key": str(number), "text": "x" * (number % 300)} for number in range(500)]
    content = json.dumps(rows).encode()
    assert records(content) == rows
    with opened("-", standard_input(content)) as table:
        next(table.records())
        assert table._source.bytes.given < len(content) / 10


@pytest.mark.parametrize(
    ("content", "at"),
    [
        ("id,n\na,1\nb\n", "standard input, row 3: 1 cell, but the header has 2"),
        ("id,n\na,1\nb,2,3\n", "standard input, row 3: 3 cells, but the header has 2"),
        ("\n\nid,n\n\nb\n", "standard input, row 5: 1 cell"),
        ('id,n\n"two\nlines",1\nb\n', "standard input, row 3 (line 4): 1 cell"),
        ('"i\nd",n\nb\n', "standard input, row 2 (line 3): 1 cell"),
        ("sep=;\nid;n\nb\n", "standard input, row 2 (line 3): 1 cell"),
        ("id,n\r\na,1\r\nb\r\n", "standard input, row 3: 1 cell"),
        ("id,n\ra,1\rb\r", "standard input, row 3: 1 cell"),
        ("id,n\na\0,1\n", "standard input, row 2: it has a NUL character"),
        ('id,n\na,"1\n', "standard input, row 2: a quotation mark is never closed"),
        ('id,n\na,"1"x\n', "standard input, row 2: there is text after a closing quotation mark"),
        ('"id,n\na,1\n', "standard input, row 1: a quotation mark is never closed"),
        ('{"id": 1}\n\n{"id"\n', "standard input, line 3: this is not JSON"),
        ('{"id": 1}\n[2]\n', "standard input, line 2: this is not a JSON object"),
        ('{"id": 1}\n{"id": NaN}\n', "standard input, line 2: NaN is not a number in JSON"),
        ('{"id": 1}\n{"id": 1, "id": 2}\n', "standard input, line 2: it has 'id' twice"),
        ('{"id": 1}\n' + "[" * 100_000, "standard input, line 2: its lists and objects are nested too deeply"),
        ('[{"id": 1},\n {"id": }]', "standard input, object 2: this is not JSON"),
        ('[{"id": 1}, 2]', "standard input, object 2: this is not a JSON object"),
        ('[{"id": 1}, ]', "standard input, object 2: this is not a JSON object"),
        ('[{"id": 1} {"id": 2}]', "standard input, object 1: ',' is missing"),
        ('[{"id": 1}] []', "standard input, object 1: there is more after the end of the array"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_as_a_spreadsheet_or_an_editor_counts(content: str, at: str) -> None:
    assert refused(content).message.startswith(at)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "standard input is empty"),
        (b"\n \n", "standard input is empty"),
        (b";;\n;;\n", "standard input is empty"),
        (b"[]", "standard input has no rows"),
        (b"id,id\n", "standard input has two columns 'id'"),
        (b"id,,n\n", "column 2 of standard input has no name"),
        (b'{"": 1}\n', "column 1 of standard input has no name"),
        (b"a,b;c\n", "the first row does not say whether a comma or a semicolon separates columns"),
        (b"id,n\na,1\ncaf\xe9,2\n", "standard input, line 3: this is not UTF-8 text"),
        (b"caf\xe9,n\n", "standard input, line 1: this is not UTF-8 text"),
        (b'{"id": 1}\r\n{"id": "caf\xe9"}\r\n', "standard input, line 2: this is not UTF-8 text"),
        (b'[\n{"id": 1},\n{"id": "caf\xe9"}]\n', "standard input, line 3: this is not UTF-8 text"),
        (codecs.BOM_UTF16_LE + "id,n\na,1\n".encode("utf-16-le") + b"\x00\xd8,\x00", "line 3: this is not UTF-16-LE"),
        ("id,n\n".encode("utf-16-le"), "standard input has NUL characters"),
        (b"PK\x03\x04\x14", "standard input is an Excel or LibreOffice file, not text"),
        (b"\x1f\x8b\x08\x00", "standard input is a compressed file, not text"),
    ],
)
def test_what_is_no_table_is_refused_with_what_to_do(content: bytes, says: str) -> None:
    assert says in refused(content).message


def test_a_line_that_is_not_utf8_is_named_however_far_down_it_is() -> None:
    rows = b"".join(b"%d,\xc3\xa4\n" % number for number in range(50_000))
    assert refused(b"id,n\n" + rows + b"1,\xe4\n").message.startswith("standard input, line 50,002: this is not UTF-8")
    assert "CSV UTF-8" in (refused(b"id,n\n" + rows + b"1,\xe4\n").hint or "")


@pytest.mark.parametrize(
    "content",
    [
        "id,n\na,1\n\n  \n,\nb,2\n",
        "id;n;;\na;1;;\n;;;\nb;2;;\n",
        "\ufeffid\tn\r\na\t1\r\nb\t2",
        ' id ,"n"\n"a",1\nb,"2"\n',
        "sep=;\nid;n\na;1\nb;2\n",
        'SEP=,\r\n"id","n"\r\n"a","1"\r\n"b","2"\r\n',
    ],
)
def test_what_spreadsheets_add_to_a_table_changes_nothing(content: str) -> None:
    assert records(content) == [{"id": "a", "n": "1"}, {"id": "b", "n": "2"}]


def test_rows_that_cannot_be_read_are_told_of_and_left_out_where_that_is_asked_for() -> None:
    for content, rows in (("id,n\na,1\nb\nc,3\n", [3]), ('{"id": 1}\n{\n{"id": 3}\n', [2]), ('{\n{"id": 3}\n', [1])):
        bad: list[RowError] = []
        with opened("-", standard_input(content)) as table:
            assert [row["id"] for row in table.records(bad.append)][-1] in ("c", 3)
        assert [error.row for error in bad] == rows


@pytest.mark.parametrize("ends", ["lines", "array"])
@pytest.mark.parametrize("half", [r'{"id": "\ud800"}', r'{"id": 1, "\udFFF": 2}', r'{"id": ["a\uDc00"]}'])
def test_half_a_surrogate_pair_is_a_bad_row_and_a_whole_one_is_a_character(half: str, ends: str) -> None:
    objects = ['{"id": "a"}', half, r'{"id": "\ud83d\ude00"}']
    bad: list[RowError] = []
    with opened("-", standard_input("\n".join(objects) if ends == "lines" else f"[{','.join(objects)}]")) as table:
        assert [row["id"] for row in table.records(bad.append)] == ["a", "😀"]
    assert [(error.row, "half of a surrogate pair" in error.why) for error in bad] == [(2, True)]


def test_json_is_told_by_its_first_characters_and_by_its_name(tmp_path: Path) -> None:
    for name in ("a.csv", "a.txt", "a", "a.jsonl", "a.NDJSON", "a.json"):
        assert in_file(tmp_path, name, '{"id": 1}\n') == in_file(tmp_path, name, '[\n{"id": 1}]') == [{"id": 1}]
    for name in ("a.csv", "a.tsv", "a.txt", "a"):
        assert in_file(tmp_path, name, "{id},[n]\n1,2\n") == [{"{id}": "1", "[n]": "2"}]
    with pytest.raises(UsageError, match=r"a\.jsonl, line 1: this is not JSON"):
        in_file(tmp_path, "a.jsonl", "id,n\n")


@pytest.mark.parametrize("name", ["none.csv", ""])
def test_a_file_that_cannot_be_opened_is_named_with_the_reason(tmp_path: Path, name: str) -> None:
    with (
        pytest.raises(UsageError, match=r"cannot read .*: (No such file|Is a directory)"),
        opened(tmp_path / name, sys.stdin),
    ):
        pass


def table_of(content: str) -> Table:
    with opened("-", standard_input(content)) as table:
        return table


@pytest.mark.parametrize("names", [("a", "b", "c"), ("c", "a"), ("b", "c")])
@pytest.mark.parametrize("content", ["a,b,c\nA,B,C\n", '{"b": "B", "a": "A", "c": "C"}\n'])
def test_cells_come_in_the_order_they_are_asked_for(names: tuple[str, ...], content: str) -> None:
    with opened("-", standard_input(content)) as table:
        assert [list(cells) for cells in table.cells(names)] == [[name.upper() for name in names]]


def test_a_column_is_found_however_it_is_written_and_an_unknown_one_has_a_nearest() -> None:
    table = table_of("Worker ID,amount,Amount,reason\n")
    assert table.find("worker_id", "worker") == "Worker ID"
    assert table.find("label") is None
    with pytest.raises(UsageError, match="two columns for 'amount': 'amount' and 'Amount'"):
        table.find("amount")
    assert table.column("reason", "--key") == "reason"
    with pytest.raises(UsageError, match=r"no column 'reasn' \(--key\); did you mean 'reason'\?"):
        table.column("reasn", "--key")


@pytest.mark.parametrize(
    ("text", "dollars"),
    [("0,50", "0.50"), ("0,5", "0.50"), ("12,34", "12.34"), ("$0,50", "0.50"), (" 1,00 ", "1.00"), ("0.50", "0.50")],
)
def test_a_decimal_comma_is_read_where_commas_do_not_separate_columns(text: str, dollars: str) -> None:
    for content in ("id;amount\n", "id\tamount\n"):
        assert table_of(content).money(text) == Decimal(dollars)
    for content in ("id,amount\n", '{"id": 1, "amount": 2}'):
        if "," in text:
            with pytest.raises(UsageError, match="is not an amount of money"):
                table_of(content).money(text)


@pytest.mark.parametrize(
    "text",
    ["1,234", "1.234,50", "1,234.50", "1,2,3", "1.234", "0,505", "0,5050", ",50", "5,", "-0,50", "0,50 €", "1 000,50"],
)
def test_an_amount_that_could_be_two_is_refused_as_it_is_written(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        table_of("id;amount\n").money(text)
    assert caught.value.message == f"'{text}' is not an amount of money"


def test_other_numbers_have_a_decimal_comma_unless_it_could_be_a_thousand() -> None:
    table = table_of("id;n\n")
    texts = ("1,5", "-1,5", "0,125", "0,12345", "1,234", "12,345", "1.5", "1,5,5", "a,b", "")
    assert [table.number(text) for text in texts] == [
        "1.5", "-1.5", "0.125", "0.12345", "1,234", "12,345", "1.5", "1,5,5", "a,b", "",
    ]  # fmt: skip
    assert table_of("id,n\n").number("1,5") == "1,5"


def test_cells_of_json_are_texts_where_ids_and_amounts_are_wanted() -> None:
    assert [as_text(value) for value in (" a ", None, 7, 0.5, True)] == ["a", "", "7", "0.5", "true"]
    for value in ([1], {"a": 1}):
        with pytest.raises(ValueError, match="neither a text nor a number"):
            as_text(value)


def test_progress_is_told_of_files_whose_size_is_known(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,n\n" + "a,1\n" * 50_000)
    told: list[tuple[int, int]] = []
    with opened(path, sys.stdin) as table:
        table.progress(lambda *done: told.append(done))
        assert len(list(table.records())) == 50_000
        table.progress(lambda *done: told.append(done))
    size = path.stat().st_size
    assert 0 < told[0][0] < size
    assert told[-1] == (size, size)


def test_standard_input_stays_open_and_its_size_is_unknown() -> None:
    given = standard_input(b"id\na\n")
    with opened("-", given) as table:
        table.progress(lambda *_: pytest.fail("nobody knows"))
        assert list(table.records()) == [{"id": "a"}]
    assert not given.buffer.closed


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("A1\nA2\n", [("A1", 1), ("A2", 2)]),
        ("worker_id\nA1\n\n# nobody, really; else\nA2  # twice, they say\n", [("A1", 2), ("A2", 5)]),
        ("# from May; by hand\n\nWorker ID\nA1\n", [("A1", 4)]),
        ('"WorkerId"\r\n"A1"\r\n', [("A1", 2)]),
        ("\ufeffA1\r\nA2", [("A1", 1), ("A2", 2)]),
        ("A1\nA 2, A3; A4\n", [("A1", 1), ("A 2, A3; A4", 2)]),
        ("n;Worker ID;note\n1;A1;#1\n2;A2;\n", [("A1", 2), ("A2", 3)]),
        ("# a table\nworker,n\nA1,1\n", [("A1", 3)]),
        ('{"worker_id": "A1"}\n{"worker_id": "A2"}\n', [("A1", 1), ("A2", 2)]),
    ],
)
def test_a_column_may_stand_alone_as_a_list_without_its_name(content: str, expected: list[tuple[str, int]]) -> None:
    with opened("-", standard_input(content), listed=("worker_id", "worker")) as table:
        column = table.find("worker_id", "worker")
        assert column is not None
        assert [(as_text(record[column]), table.row) for record in table.records()] == expected


def test_an_error_in_a_list_names_the_line_of_the_file() -> None:
    for content, says in (
        (b"A1\ncaf\xe9\n", "line 2: this is not UTF-8"),
        (b'A1\n"A2"x\n', "row 2: there is text after"),
        (b"A1\nA\0\n", "standard input, row 2: it has a NUL character"),
    ):
        with pytest.raises(UsageError, match=says), opened("-", standard_input(content), listed=("id",)) as table:
            list(table.records())


def test_one_module_reads_csv() -> None:
    source = Path(turkctl.__file__).parent
    readers = [
        path.name
        for path in source.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("csv.reader", "csv.DictReader")
    ]
    assert readers == ["rows.py"]
