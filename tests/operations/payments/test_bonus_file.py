from __future__ import annotations

import csv
import io
import json
import re
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standard_input import standard_input
from study_support import Study, worker

from turkctl.errors import UsageError
from turkctl.operations.payments.from_file import Line, prepare_bonus_file, read_bonuses
from turkctl.operations.payments.orders import BonusRequest
from turkctl.operations.selection.file_rows import NOTHING, Bad
from turkctl.operations.sync.run import sync
from turkctl.operations.workers.reject import prepare_reject
from turkctl.rows import opened

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\t\r\n"), max_size=30)
NAMES = st.from_regex(r"A[A-Z0-9]{3,12}", fullmatch=True)
AMOUNTS = st.integers(1, 99_999)


def parse(text: str, reason: str | None = None) -> tuple[list[Line], list[Bad]]:
    with opened("-", standard_input(text.encode("utf-8", "surrogatepass"))) as table:
        return read_bonuses(table, reason)


def document(rows: list[list[str]]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()


REASONS = TEXT.filter(lambda text: bool(text.strip()) and text.strip() not in NOTHING)


@given(st.lists(st.tuples(NAMES, AMOUNTS, REASONS), unique_by=lambda row: row[0]))
def test_good_rows_are_read_back_as_they_were_written(rows: list[tuple[str, int, str]]) -> None:
    text = document([["id", "amount", "reason"], *([a, f"{c / 100:.2f}", r] for a, c, r in rows)])
    good, bad = parse(text)
    assert bad == []
    assert [(line.id, line.amount, line.reason) for line in good] == [
        (name, Decimal(cents) / 100, reason.strip()) for name, cents, reason in rows
    ]


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    try:
        good, bad = parse(f"id,amount,reason\n{text}")
    except UsageError:
        return
    assert all(line.amount >= Decimal("0.01") and line.id and line.reason.strip() for line in good)
    assert all(one.why for one in bad)


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffID;Amount;Reason\r\nA1;0,50;für alles\r\nA2;12,3;danke\r\n;;\r\n",
        "WorkerId;AssignmentId;Amount;Reason\nW1;A1;0,50;für alles\nW2;A2;12,30;danke\n",
        "worker_id,amount,reason\nA1,0.50,für alles\nA2,12.30,danke\n",
        "id\tamount\treason\tnote\nA1\t0,50\tfür alles\t-\nA2\t$12.30\tdanke\t\n",
        '[{"id": "A1", "amount": 0.5, "reason": "für alles"}, {"id": "A2", "amount": "12.30", "reason": "danke"}]',
        '{"id": "A1", "amount": 0.50, "reason": "für alles"}\n{"id": "A2", "amount": 12.3, "reason": "danke"}\n',
    ],
)
def test_what_other_programs_write_is_read_to_the_same_bonuses(text: str) -> None:
    good, bad = parse(text)
    assert [(line.id, line.amount, line.reason) for line in good] == [
        ("A1", Decimal("0.50"), "für alles"),
        ("A2", Decimal("12.30"), "danke"),
    ]
    assert bad == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("id;amount;reason\nA1;1,234;x\n", "'1,234' is not an amount of money"),
        ("id;amount;reason\nA1;1.234,50;x\n", "'1.234,50' is not an amount of money"),
        ('id,amount,reason\nA1,"0,50",x\n', "'0,50' is not an amount of money"),
        ("id,amount,reason\nA1,0,50,x\n", "4 cells, but the header has 3"),
        ("id,amount,reason\nA1,0.50\n", "2 cells, but the header has 3"),
        ("id,amount,reason\nA\0,0.50,x\n", "it has a NUL character"),
        ('{"id": "A1", "amount": "0,50", "reason": "x"}\n', "'0,50' is not an amount of money"),
        ('{"id": "A1", "amount": [1], "reason": "x"}\n', "[1] is neither a text nor a number"),
        ('{"id": ["A1"], "amount": 1, "reason": "x"}\n', '["A1"] is neither a text nor a number'),
        ('{"id": "A1", "amount": true, "reason": "x"}\n', "'true' is not an amount of money"),
        ('{"id": "A1", "amount": null, "reason": "x"}\n', "'' is not an amount of money"),
    ],
)
def test_an_amount_that_could_be_another_is_a_bad_row(text: str, why: str) -> None:
    good, bad = parse(text)
    assert (good, [one.why for one in bad]) == ([], [why])
    assert bad[0].row == (1 if text.startswith("{") else 2)


@given(st.lists(AMOUNTS, min_size=1, max_size=8), st.data())
def test_a_row_that_is_broken_is_named_and_the_others_stay(amounts: list[int], data: st.DataObject) -> None:
    broken = data.draw(st.integers(0, len(amounts) - 1))
    wrong = data.draw(st.sampled_from(["-1.00", "0", "0.00", "1.005", "", "much", "1,00", "1e2"]))
    rows = [[f"A{number}", f"{cents / 100:.2f}", "thanks"] for number, cents in enumerate(amounts)]
    rows[broken][1] = wrong
    good, bad = parse(document([["id", "amount", "reason"], *rows]))
    assert [one.row for one in bad] == [broken + 2]
    assert len(good) == len(amounts) - 1


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "standard input is empty"),
        ("id,amount\nA1,1.00\n", "no column reason"),
        ("id,id,amount,reason\n", "two columns 'id'"),
        ("id,ID,amount,reason\n", "two columns for 'id': 'id' and 'ID'"),
        ("id,amuont,reason\n", "no column amount; did you mean 'amuont'"),
        ('id,amount,reason\n"A1,1.00,thanks', "row 2: a quotation mark is never closed"),
    ],
)
def test_a_file_that_is_no_list_of_bonuses_is_refused(text: str, word: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(text)
    assert re.search(word, f"{refused.value.message}; {refused.value.hint}")


def test_rows_are_counted_as_a_spreadsheet_counts_them() -> None:
    good, bad = parse("\n\nid,amount,reason\n\nA1,1.00,thanks\n,,\nA2,much,thanks\n")
    assert ([line.row for line in good], [one.row for one in bad]) == ([5], [7])


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        ("a\0b", "the reason has a character"),
        ("bell \a", "the reason has a character"),
        ("half \ud800", "it holds half of a surrogate pair"),
        ("byte \udcff", "it holds half of a surrogate pair"),
    ],
)
def test_a_reason_that_no_market_takes_is_refused_before_anything_is_paid(reason: str, why: str) -> None:
    rows = [{"id": "A1", "amount": "1.00", "reason": each} for each in ("thanks", reason)]
    good, bad = parse("\n".join(map(json.dumps, rows)))
    assert ([line.row for line in good], [(one.row, one.why.startswith(why)) for one in bad]) == ([1], [(2, True)])
    for request in (BonusRequest(reason), BonusRequest("thanks", purpose=reason)):
        with pytest.raises(UsageError, match="cannot be sent"):
            request.check()


def submitted(study: Study, number: int) -> list[str]:
    made = [study.submit(hit, worker(each))[0] for each, hit in enumerate(study.post(1, hits=number))]
    sync(study.world)
    return made


def test_a_bad_row_stops_everything_unless_bad_rows_are_skipped(study: Study) -> None:
    made = submitted(study, 3)
    rows = [[made[0], "0.10", "thanks"], [worker(1), "0.20", "well done"], [made[2], "0.30", "thanks"]]
    many = [[f"A{number}", "0.10", "thanks"] for number in range(730)]
    path = study.folder / "bonuses.csv"
    path.write_text(document([["id", "amount", "reason"], *many, [made[0], "-1", "thanks"]]))
    with pytest.raises(UsageError, match=r"bonuses\.csv, row 732: "):
        prepare_bonus_file(study.world, path, sys.stdin)
    path.write_text(document([["id", "amount", "reason"], *rows, ["NOBODY", "0.10", "thanks"], [made[0], "5", ""]]))
    with pytest.raises(UsageError, match=r"bonuses\.csv, row 6: a bonus needs a reason.*nothing was paid"):
        prepare_bonus_file(study.world, path, sys.stdin)
    result = study.apply(prepare_bonus_file(study.world, path, sys.stdin, skip_bad_rows=True))
    assert (result.succeeded, result.skipped, result.failed, result.exit_code) == (3, 1, 1, 1)
    assert next(item.error.message for item in result.results if item.error).startswith("row 5: there is no worker or")
    assert study.sql("SELECT amount FROM turkctl_payment ORDER BY 1") == [(100_000,), (200_000,), (300_000,)]
    again = study.apply(prepare_bonus_file(study.world, path, sys.stdin, skip_bad_rows=True))
    assert (again.succeeded, again.skipped, again.failed) == (0, 4, 1)


def test_a_bad_row_is_named_as_a_spreadsheet_counts_it(study: Study) -> None:
    (made,) = submitted(study, 1)
    rows = [[made, "0.10", f"part {number}"] for number in range(730)]
    path = study.folder / "bonuses.csv"
    path.write_text(document([["id", "amount", "reason"], *rows, [made, "0.105", "thanks"]]))
    with pytest.raises(UsageError, match=rf"bonuses\.csv, row 732: '0\.105' .*, for {made}; nothing"):
        prepare_bonus_file(study.world, path, sys.stdin)
    assert study.sql("SELECT count(*) FROM turkctl_payment") == [(0,)]


def test_a_file_that_is_not_there_is_a_usage_error(study: Study, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read .*none\.csv: No such file"):
        prepare_bonus_file(study.world, tmp_path / "none.csv", sys.stdin)


def test_a_worker_whose_work_was_rejected_is_told_of_and_not_passed_over(study: Study, tmp_path: Path) -> None:
    (hit,) = study.post(9)
    (one,) = study.submit(hit, worker(1))
    sync(study.world)
    study.apply(prepare_reject(study.world, [one], "no answers"))
    table = tmp_path / "bonuses.csv"
    table.write_text(f"id,amount,reason\n{worker(1)},1.00,thanks\n")
    plan, _act = prepare_bonus_file(study.world, table, sys.stdin)
    assert [(item.id, "name the assignment" in (item.detail or "")) for item in plan.skipped] == [(one, True)]
    table.write_text(f"id,amount,reason\n{one},1.00,thanks\n")
    assert len(prepare_bonus_file(study.world, table, sys.stdin)[0].steps) == 1
