"""Labels from a file: what is read, what is refused with its line, and what comes out."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from labels_support import TABLE, run, small_table, table_rows
from standard_input import standard_input

from turkctl.operations.labels.files import FileRequest, read_votes

Turkctl = Callable[..., Any]
TRUE = ("1", "true", "Yes", "y", "T")
FALSE = ("0", "FALSE", "no", "N", "f")


def written(head: str = "item,worker,label", end: str = "\n") -> str:
    """The small table as CSV, its answers in every way to write them."""
    lines = [f"i{i},w{w},{(TRUE if value else FALSE)[w]}" for i, w, value in table_rows()]
    return end.join([head, *lines]) + end


@pytest.fixture
def table(folder: Path) -> str:
    (folder / "labels.csv").write_text(written(), encoding="utf-8")
    return "labels.csv"


def rows(finished: Any) -> list[dict[str, Any]]:
    assert finished.code == 0, finished.err
    found: list[dict[str, Any]] = json.loads(finished.out)
    return found


def test_a_file_gives_a_row_per_item_with_the_scores_of_the_method(turkctl: Turkctl, table: str) -> None:
    found = rows(turkctl("labels", "aggregate", table, "--json"))
    assert [list(row) for row in found] == [["item", "label", "score", "p", "n", "method"]] * 10
    assert [row["item"] for row in found] == [f"i{number}" for number in range(10)]
    assert [row["score"] for row in found] == pytest.approx(run(small_table(), "cubam").score, abs=1e-6)
    assert [row["label"] for row in found] == [True] * 4 + [False] * 6
    assert {row["method"] for row in found} == {"cubam"}
    assert {row["n"] for row in found} == {5}


@pytest.mark.parametrize("method", ["majority", "dawid-skene", "one-coin", "cubam", "cubam-marginal", "cubam-nd"])
def test_every_method_runs_from_a_file(turkctl: Turkctl, table: str, method: str) -> None:
    found = rows(turkctl("labels", "aggregate", table, "--method", method, "--json"))
    assert [row["label"] for row in found][:3] == [True] * 3
    assert ("x" in found[0]) == (method == "cubam-nd")


def test_ties_and_items_with_few_votes_have_no_label(turkctl: Turkctl, folder: Path) -> None:
    (folder / "a.csv").write_text("item,worker,label\na,x,1\na,y,0\nb,x,1\nb,y,1\nc,x,0\n", encoding="utf-8")
    found = turkctl("labels", "aggregate", "a.csv", "--min-votes", "2", "--method", "majority", "-o", "csv")
    assert [line.split(",")[:2] for line in found.out.splitlines()[1:]] == [["a", ""], ["b", "yes"], ["c", ""]]


def test_standard_input_reads_like_a_file(turkctl: Turkctl, table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from_file = turkctl("labels", "aggregate", table, "--json").out
    monkeypatch.setattr(sys, "stdin", standard_input(written()))
    assert turkctl("labels", "aggregate", "-", "--json").out == from_file


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("mark.csv", "\ufeff" + written()),
        ("lines.csv", written(end="\r\n")),
        ("blank.csv", written().replace("i1,", "\ni1,", 1)),
        ("blanks.csv", written().replace("i1,w1", " i1 ,w1 ")),
        ("upper.csv", written("Task,WORKER,Label")),
        ("semicolons.csv", written().replace(",", ";")),
        ("tabs.tsv", written().replace(",", "\t")),
        ("more.csv", "\n".join(f"{line},more" for line in written().splitlines())),
        ("objects.jsonl", "".join(
            json.dumps({"when": "now", "item": f"i{i}", "worker": f"w{w}", "label": value}) + "\n"
            for i, w, value in table_rows()
        )),
    ],
)  # fmt: skip
def test_the_same_labels_in_another_dress_give_the_same_rows(
    turkctl: Turkctl, table: str, folder: Path, name: str, text: str
) -> None:
    (folder / name).write_text(text, encoding="utf-8", newline="")
    wanted = turkctl("labels", "aggregate", table, "--json").out
    assert rows(turkctl("labels", "aggregate", name, "--json")) == json.loads(wanted)


ids = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(
    lambda text: text == text.strip()
)


@settings(max_examples=60, deadline=None)
@given(found=st.dictionaries(st.tuples(ids, ids), st.booleans(), min_size=2), delimiter=st.sampled_from(",;\t"))
def test_whatever_the_ids_are_a_csv_brings_back_the_votes_that_were_written(
    found: dict[tuple[str, str], bool], delimiter: str
) -> None:
    assume(len({worker for _, worker in found}) > 1)
    assume(len(set(found.values())) > 1)
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(["item", "worker", "label"])
    writer.writerows([item, worker, int(value)] for (item, worker), value in found.items())
    votes, _ = read_votes(FileRequest("-"), standard_input(text.getvalue()), lambda *_: None)
    read = zip(votes.item, votes.worker, votes.value, strict=True)
    assert {(votes.items[item], votes.workers[worker]): bool(value) for item, worker, value in read} == found


def test_columns_of_other_names_are_named(turkctl: Turkctl, table: str, folder: Path) -> None:
    (folder / "other.csv").write_text(written("photo,who,bird"), encoding="utf-8")
    wanted = turkctl("labels", "aggregate", table, "--json").out
    named = ("--item-column", "photo", "--worker-column", "who", "--label-column", "bird")
    assert turkctl("labels", "aggregate", "other.csv", *named, "--json").out == wanted


def test_a_column_cannot_be_two_things(turkctl: Turkctl, table: str) -> None:
    found = turkctl("labels", "aggregate", table, "--item-column", "worker")
    assert found.code == 2
    assert "column 'worker' of" in found.err
    assert "cannot be both the item and the worker; name another with --item-column or --worker-column" in found.err


GOOD = "item,worker,label\na,x,1\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (GOOD + "b,y,maybe\n", "bad.csv, row 3: the label 'maybe' is neither true nor false"),
        (GOOD + "b,y,\n", "bad.csv, row 3: the label is missing"),
        (GOOD + ",y,0\n", "bad.csv, row 3: the item is missing"),
        (GOOD + "b, ,0\n", "bad.csv, row 3: the worker is missing"),
        (GOOD + '"b\nc",y,0\nd,z,\n', r"bad.csv, row 4 \(line 5\): the label is missing.*--skip-missing"),
        (GOOD + "b,y\n", "bad.csv, row 3: 2 cells, but the header has 3"),
        (GOOD + "b,y,0,more\n", "bad.csv, row 3: 4 cells, but the header has 3"),
        (GOOD + "b\0,y,0\n", "bad.csv, row 3: it has a NUL character"),
        (GOOD + '"b,y,0\n', "bad.csv, row 3: a quotation mark is never closed"),
        (GOOD + "b,x,0\n", "labels of one worker only, x"),
        (GOOD + "b,y,yes\n", "all labels of bad.csv are '1'"),
        ("item,worker,label\n", "bad.csv has no labels"),
        ("", "bad.csv is empty"),
        ("item,annotator,label\na,x,1\n", "no column worker.*--worker-column annotator"),
        ("item,worker,verdict\na,x,1\n", "no column label.*--label-column verdict"),
        ("photo,worker,label,seconds\na,x,1,3\n", "no column item.*--item-column NAME"),
        ("task,user,answer\na,x,1\n", "no column worker and no label.*--worker-column user --label-column answer"),
        ("item,task,worker,label\na,a,x,1\n", "two columns for the item: 'item' and 'task'.*--item-column"),
        ('[\n{"item": 1, "worker": "x", "label": true},\n{"item": 2}]\n', "bad.csv, object 2: the worker is missing"),
        ('{"item": 1, "worker": "x", "label": true}\n{"item": 2}\n', "bad.csv, line 2: the worker is missing"),
        ('{"item": 1, "worker": "x", "label": true}\n{"item"\n', "bad.csv, line 2: this is not JSON"),
        ('{"item": 1, "worker": "x", "label": true}\n[1]\n', "bad.csv, line 2: this is not a JSON object"),
        ('{"item": 1, "worker": "x", "label": 0.5}\n', "bad.csv, line 1: 'label' is 0.5"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_refused_with_the_place(
    turkctl: Turkctl, folder: Path, text: str, told: str
) -> None:
    if text.startswith("{"):
        (folder / "bad.csv").unlink(missing_ok=True)
    name = "bad.csv"
    (folder / name).write_text(text, encoding="utf-8", newline="")
    if text.startswith("{"):
        (folder / name).rename(folder / "bad.jsonl")
        name, told = "bad.jsonl", told.replace("bad.csv", "bad.jsonl")
    finished = turkctl("labels", "aggregate", name)
    assert finished.code == 2
    assert finished.out == ""
    assert re.search(told, finished.err), finished.err


def test_a_file_in_another_encoding_and_one_that_is_not_there_are_refused(turkctl: Turkctl, folder: Path) -> None:
    (folder / "latin.csv").write_bytes(GOOD.encode() + b"caf\xe9,y,0\n")
    finished = turkctl("labels", "aggregate", "latin.csv")
    assert (finished.code, "latin.csv, line 3: this is not UTF-8 text" in finished.err) == (2, True)
    finished = turkctl("labels", "aggregate", "nowhere.csv")
    assert (finished.code, "cannot read nowhere.csv" in finished.err) == (2, True)


def test_duplicate_votes_are_counted_and_the_last_one_counts(turkctl: Turkctl, folder: Path) -> None:
    (folder / "twice.csv").write_text(GOOD + "a,x,0\na,x,0\nb,y,1\n", encoding="utf-8")
    base = ("labels", "aggregate", "twice.csv", "--min-votes", "1", "--method", "majority", "--json")
    finished = turkctl(*base)
    assert [(row["label"], row["n"]) for row in rows(finished)] == [(False, 1), (True, 1)]
    assert "2 duplicate votes by the same worker on the same item: the last one of each counts" in finished.err
    assert rows(turkctl(*base, "--duplicates", "all"))[0]["n"] == 3


def test_a_null_label_means_that_the_worker_could_not_tell(turkctl: Turkctl, folder: Path) -> None:
    text = "".join(
        json.dumps({"item": 1, "worker": worker, "label": label}) + "\n"
        for worker, label in (("x", True), ("y", None), ("z", False))
    )
    (folder / "some.jsonl").write_text(text, encoding="utf-8")
    finished = turkctl("labels", "aggregate", "some.jsonl", "--json")
    assert rows(finished)[0]["n"] == 2
    assert "left out: 1 row without a label" in finished.err


def test_other_answers_are_classes_where_the_method_takes_them(turkctl: Turkctl, folder: Path) -> None:
    text = "item,worker,label\n" + "".join(
        f"{i},w{w},{'cat' if i < 2 else 'dog'}\n" for i in range(4) for w in range(5)
    )
    (folder / "pets.csv").write_text(text, encoding="utf-8")
    for method in ("dawid-skene", "majority"):
        finished = turkctl("labels", "aggregate", "pets.csv", "--method", method, "--json")
        assert [row["label"] for row in rows(finished)] == ["cat", "cat", "dog", "dog"]
        assert "2 classes: cat, dog" in finished.err
    found = turkctl("labels", "aggregate", "pets.csv", "--json")
    assert [row["label"] for row in rows(found)] == ["cat", "cat", "dog", "dog"]
    assert "2 classes: cat, dog; most labels are neither true nor false" in found.err
    named = turkctl("labels", "aggregate", "pets.csv", "--classes", "cat,dog,bird", "--json")
    assert [row["label"] for row in rows(named)] == ["cat", "cat", "dog", "dog"]
    refused = turkctl("labels", "aggregate", "pets.csv", "--classes", "cat,bird")
    assert (refused.code, "row 12: the label 'dog' is not one of the classes" in refused.err) == (2, True)
    assert "fix it, or add it to --classes" in refused.err


def test_gold_from_a_file_and_from_a_column_choose_the_same_cut(turkctl: Turkctl, table: str, folder: Path) -> None:
    gold = {"i0": "1", "i1": "yes", "i3": "0", "i5": "no"}
    (folder / "gold.csv").write_text("item,label\n" + "".join(f"{k},{v}\n" for k, v in gold.items()), encoding="utf-8")
    with (folder / "both.csv").open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        for line in csv.reader(written("item,worker,label,truth").splitlines()):
            writer.writerow(line if line[0] == "item" else [*line, gold.get(line[0], "")])
    one = turkctl("labels", "aggregate", table, "--gold", "gold.csv", "--json")
    other = turkctl("labels", "aggregate", "both.csv", "--gold-column", "truth", "--json")
    assert rows(one) == rows(other)
    assert [row["label"] for row in rows(one)] == [True] * 3 + [False] * 7
    assert "(gold)" in one.err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("item,label\nnobody,1\n", "no gold item of gold.csv has labels"),
        ("item,label\ni1,1\ni1,0\n", "gold.csv, row 3: item i1 has two gold answers"),
        ("item,label\ni1,perhaps\n", "gold.csv, row 2: the gold answer 'perhaps' is not one of the labels' values"),
        ("item,label\ni1,\n", "gold.csv, row 2: the label is missing"),
        ("item,worker\ni1,w\n", "gold.csv has no column label"),
    ],
)
def test_gold_that_cannot_be_used_is_refused(turkctl: Turkctl, table: str, folder: Path, text: str, told: str) -> None:
    (folder / "gold.csv").write_text(text, encoding="utf-8")
    finished = turkctl("labels", "aggregate", table, "--gold", "gold.csv")
    assert (finished.code, told in finished.err) == (2, True), finished.err


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--method", "kubam"], "there is no method 'kubam'"),
        (["--method", "majority", "--sigt", "1"], "majority does not use sigt"),
        (["--sigt", "0"], "sigt is 0"),
        (["--duplicates", "first"], "--duplicates must be last or all, not 'first'"),
        (["--classes", "cat"], "fewer than two classes"),
        (["--classes", "0,1", "--method", "one-coin"], "one-coin takes true and false only"),
        (["--gold", "labels.csv", "--gold-column", "label"], "--gold and --gold-column cannot be used together"),
        (["--label-column", "lable"], "did you mean --label-column label"),
        (["--workers", "w.txt"], "w.txt must end in .csv or .jsonl"),
        (["--report", "nowhere/r.html"], "cannot write nowhere/r.html"),
    ],
)
def test_flags_that_cannot_be_meant_are_refused(turkctl: Turkctl, table: str, flags: list[str], told: str) -> None:
    finished = turkctl("labels", "aggregate", table, *flags)
    assert (finished.code, told in finished.err, finished.out) == (2, True, ""), finished.err


def test_workers_are_shown_and_written_with_what_they_are_worth(turkctl: Turkctl, table: str, folder: Path) -> None:
    shown = rows(turkctl("labels", "workers", table, "--json"))
    of_model = ["w", "t", "noise", "cut", "sensitivity", "specificity"]
    columns = ["worker", "n", "agreement", "with_others", *of_model, "classes", "flags", "remarks"]
    assert [list(row) for row in shown] == [columns] * 5
    assert [row["w"] for row in shown] == pytest.approx([1.7556, 0.8918, 0.5915, 0.9290, 0.5860], abs=2e-4)
    assert shown[0]["agreement"] == 0.9
    turkctl("labels", "aggregate", table, "--workers", "w.jsonl")
    lines = (folder / "w.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == shown


def test_no_database_and_no_project_is_made(turkctl: Turkctl, table: str, outside: Path) -> None:
    assert turkctl("labels", "aggregate", table).code == 0
    assert [path.name for path in outside.iterdir()] == ["labels.csv"]


@pytest.mark.parametrize("missing", ["numpy", "scipy"])
@pytest.mark.parametrize("command", ["aggregate", "workers"])
def test_without_numpy_or_scipy_the_extra_is_named(folder: Path, table: str, command: str, missing: str) -> None:
    hide = (
        "import sys, importlib.util as u\nfind = u.find_spec\n"
        f"u.find_spec = lambda name, *more: None if name == '{missing}' else find(name, *more)\n"
        f"sys.modules['{missing}'] = None\n"
        f"from turkctl.cli import run\nsys.exit(run(['labels', '{command}', '{Path(table).name}']))"
    )
    done = subprocess.run([sys.executable, "-c", hide], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"{missing}, which is not installed; pip install 'turkctl[labels]'" in done.stderr


def test_the_report_stands_alone_and_escapes_what_strangers_wrote(turkctl: Turkctl, folder: Path) -> None:
    text = "item,worker,label\n" + "".join(
        f'<script>{i}</script>,"<img src=x>&{w}",{digit}\n'
        for i, row in enumerate(TABLE)
        for w, digit in enumerate(row)
    )
    (folder / "a<b>.csv").write_text(text, encoding="utf-8")
    assert turkctl("labels", "aggregate", "a<b>.csv", "--report", "report.html").code == 0
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;0&lt;/script&gt;" in page
    assert "Labels of a&lt;b&gt;.csv" in page
    assert not re.search(r"""(src|href)=|url\(|@import""", page.replace("&lt;img src=x&gt;", ""))
    assert page.count("<svg") == 4
    for fact in ("<b>10</b><span>items", "<b>5</b><span>workers", "<b>50</b><span>labels", "<b>40.0%</b>"):
        assert fact in page


@pytest.mark.parametrize("method", ["majority", "dawid-skene", "one-coin", "cubam-marginal", "cubam-nd"])
def test_every_method_has_a_report(turkctl: Turkctl, table: str, folder: Path, method: str) -> None:
    assert turkctl("labels", "aggregate", table, "--method", method, "--report", "report.html").code == 0
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") >= 2
    assert not re.search(r"\bnan\b", re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL).lower())


def test_classes_have_a_report_too(turkctl: Turkctl, folder: Path) -> None:
    text = "item,worker,label\n" + "".join(f"{i},w{w},{'abc'[(i + (w > 3)) % 3]}\n" for i in range(9) for w in range(5))
    (folder / "abc.csv").write_text(text, encoding="utf-8")
    for method in ("majority", "dawid-skene"):
        assert turkctl("labels", "aggregate", "abc.csv", "--method", method, "--report", "r.html").code == 0
        assert "votes for it" in (folder / "r.html").read_text(encoding="utf-8")
