"""Files of labels as people and programs write them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Turkctl = Callable[..., Any]

CAPITALS = "item,worker,label\na,w1,Cat\na,w2,cat\na,w3,dog\nb,w1,dog\nb,w2,Dog \n"
FLOATS = "item,worker,label\na,w1,1.0\na,w2,1.0\na,w3,0.0\nb,w1,0.0\nb,w2,0.0\nb,w3,1.0\n"
AMAZON = '"HITId","AssignmentId","WorkerId","AssignmentStatus","Input.id","Answer.sentiment.label"\n' + "".join(
    f'"3HIT{item}","3A{item}{worker}","AWORKER{worker}","{"Rejected" if worker == 5 else "Approved"}",'
    f'"item-{item}","{label}"\n'
    for item, labels in enumerate(("PPPPN", "PPNNN", "NNPNN"))
    for worker, label in enumerate(({"P": "Positive", "N": "Negative"}[each] for each in labels), start=1)
)
RATINGS = "item,worker,label\n" + "".join(
    f"{item},w{worker},{rating}\n"
    for item, ratings in (("a", "12345"), ("b", "33344"))
    for worker, rating in enumerate(ratings)
)


@pytest.fixture
def file(folder: Path) -> Callable[..., str]:
    def write(text: str, name: str = "votes.csv") -> str:
        (folder / name).write_text(text, encoding="utf-8")
        return name

    return write


def labels(finished: Any) -> dict[str, Any]:
    assert finished.code == 0, finished.err
    return {row["item"]: row["label"] for row in json.loads(finished.out)}


@pytest.mark.parametrize("method", [[], ["--method", "majority"], ["--method", "dawid-skene"]])
def test_a_class_is_named_by_its_commonest_spelling_then_its_first(
    turkctl: Turkctl, file: Callable[..., str], method: list[str]
) -> None:
    found = turkctl("labels", "aggregate", file(CAPITALS), "--min-votes", "1", *method, "--json")
    assert labels(found) == {"a": "Cat", "b": "dog"}
    told = "spellings of one class: 'cat' as 'Cat', 'Dog' as 'dog'; --case-sensitive keeps them apart\n"
    assert found.err.count(told) == 1


def test_capital_letters_keep_classes_apart_if_asked(turkctl: Turkctl, file: Callable[..., str]) -> None:
    flags = ("--min-votes", "1", "--method", "majority", "--case-sensitive", "--json")
    found = turkctl("labels", "aggregate", file(CAPITALS), *flags)
    assert labels(found) == {"a": None, "b": None}
    assert "4 classes: Cat, Dog, cat, dog" in found.err
    assert "spellings" not in found.err


@pytest.mark.parametrize("method", [[], ["--method", "majority"]])
def test_whole_floats_are_true_and_false(turkctl: Turkctl, file: Callable[..., str], method: list[str]) -> None:
    found = turkctl("labels", "aggregate", file(FLOATS), "--min-votes", "1", *method, "--json")
    assert labels(found) == {"a": True, "b": False}
    lines = [line.split(",") for line in FLOATS.splitlines()[1:]]
    text = "".join(json.dumps({"item": i, "worker": w, "label": float(value)}) + "\n" for i, w, value in lines)
    found = turkctl("labels", "aggregate", file(text, "v.jsonl"), "--min-votes", "1", *method, "--json")
    assert labels(found) == {"a": True, "b": False}


def test_rows_of_rejected_work_are_left_out_and_counted(turkctl: Turkctl, file: Callable[..., str]) -> None:
    name = file(AMAZON, "batch_results.csv")
    columns = ("--item-column", "Input.id", "--worker-column", "WorkerId", "--label-column", "Answer.sentiment.label")
    refused = turkctl("labels", "aggregate", name)
    assert (refused.code, " ".join(columns) in refused.err) == (2, True)
    found = turkctl("labels", "aggregate", name, *columns, "--min-votes", "1", "--method", "majority", "--json")
    assert labels(found) == {"item-0": "Positive", "item-1": None, "item-2": "Negative"}
    assert {row["n"] for row in json.loads(found.out)} == {4}
    assert "left out: 3 rows of rejected work (AssignmentStatus)" in found.err


@pytest.mark.parametrize("missing", ["", " ", "NA", "NaN"])
def test_a_row_without_a_label_is_refused_or_left_out_and_counted(
    turkctl: Turkctl, file: Callable[..., str], missing: str
) -> None:
    name = file(f"{CAPITALS}b,w3,{missing}\n")
    refused = turkctl("labels", "aggregate", name, "--min-votes", "1")
    assert refused.code == 2
    assert "votes.csv, row 7: the label is missing" in refused.err
    assert "add --skip-missing" in refused.err
    found = turkctl("labels", "aggregate", name, "--min-votes", "1", "--skip-missing", "--json")
    assert labels(found) == {"a": "Cat", "b": "dog"}
    assert "left out: 1 label that says nothing (blank, NA or NaN)" in found.err
    named = turkctl("labels", "aggregate", name, "--min-votes", "1", "--classes", "cat,dog,NA", "--json")
    assert named.code == (0 if missing == "NA" else 2)


def test_an_odd_answer_is_left_out_and_named_and_the_exit_code_says_so(
    turkctl: Turkctl, file: Callable[..., str]
) -> None:
    odd = "".join(f"c,w{number},deer|fox\n" for number in range(25))
    name = file(CAPITALS + odd)
    found = turkctl("labels", "aggregate", name, "--min-votes", "1", "--classes", "cat,dog", "--json")
    assert found.code == 1
    assert {row["item"]: row["label"] for row in json.loads(found.out)} == {"a": "cat", "b": "dog"}
    assert "left out: 25 odd answers, none of the classes" in found.err
    assert "the first 20 of them:" in found.err
    line = "votes.csv, row {}: the label 'deer|fox' is not one of the classes (item c, worker w{})"
    assert line.format(7, 0) in found.err
    assert line.format(26, 19) in found.err
    assert found.err.count("(item c, worker") == 20


def test_one_odd_answer_among_yes_and_no_is_one_odd_answer(turkctl: Turkctl, file: Callable[..., str]) -> None:
    found = turkctl("labels", "aggregate", file(f"{FLOATS}b,w4,maybe\n"), "--min-votes", "1", "--json")
    assert found.code == 1
    assert [row["label"] for row in json.loads(found.out)] == [True, False]
    assert "votes.csv, row 8: the label 'maybe' is neither true nor false (item b, worker w4)" in found.err


@pytest.mark.parametrize("column", ["truth", "Gold", "label", "answer"])
def test_known_answers_are_in_a_column_of_a_usual_name(
    turkctl: Turkctl, file: Callable[..., str], folder: Path, column: str
) -> None:
    (folder / "gold.csv").write_text(f"item,{column}\na,1\nb,0.0\n", encoding="utf-8")
    found = turkctl("labels", "aggregate", file(FLOATS), "--min-votes", "1", "--gold", "gold.csv", "--json")
    assert labels(found) == {"a": True, "b": False}
    assert "gold answers: 2 items" in found.err
    (folder / "gold.csv").write_text("item,note\na,1\n", encoding="utf-8")
    refused = turkctl("labels", "aggregate", file(FLOATS), "--gold", "gold.csv")
    assert "gold answers have the columns item and one of truth, gold, label, answer" in refused.err


def test_a_mean_and_a_median_have_an_interval_and_are_suggested(turkctl: Turkctl, file: Callable[..., str]) -> None:
    name = file(RATINGS)
    for method in ("majority", "cubam"):
        found = turkctl("labels", "aggregate", name, "--method", method, "--json")
        assert "for their mean or median with an interval, --method mean or median" in found.err, found.err
    found = turkctl(
        "labels", "aggregate", name, "--method", "mean", "--report", "r.html", "--workers", "w.csv", "--json"
    )
    assert labels(found) == {"a": 3.0, "b": 3.4}
    rows = json.loads(found.out)
    assert list(rows[0]) == ["item", "label", "score", "p", "n", "method", "low", "high"]
    assert (rows[0]["low"], rows[0]["high"]) == pytest.approx((1.036757, 4.963243))
    assert "suggest" not in found.err
    found = turkctl("labels", "aggregate", name, "--method", "median")
    assert [line.split() for line in found.out.splitlines()] == [
        ["ITEM", "LABEL", "SCORE", "P", "N", "METHOD", "LOW", "HIGH"],
        ["a", "3.0", "3.0", "5", "median"],
        ["b", "3.0", "3.0", "5", "median"],
    ]
    assert "an interval needs 6 answers: 2 of 2 items have none" in found.err


def test_a_mean_takes_decimal_commas_and_floats_and_leaves_words_out(
    turkctl: Turkctl, file: Callable[..., str]
) -> None:
    flags = ("--method", "mean", "--min-votes", "1", "--json")
    found = turkctl("labels", "aggregate", file("item;worker;label\na;w1;0,5\na;w2;1,0\na;w3;2\n"), *flags)
    assert labels(found) == {"a": pytest.approx(7 / 6, abs=1e-6)}
    rows = [{"item": "a", "worker": f"w{at}", "label": value} for at, value in enumerate((0.5, 1, 1.5))]
    found = turkctl("labels", "aggregate", file(json.dumps(rows), "v.json"), *flags)
    assert labels(found) == {"a": 1.0}
    found = turkctl("labels", "aggregate", file("item,worker,label\na,w1,1\na,w2,2\na,w3,many\n"), *flags)
    assert (found.code, json.loads(found.out)[0]["label"]) == (1, 1.5)
    assert "row 4: the label 'many' is not a number (item a, worker w3)" in found.err
    same = turkctl("labels", "aggregate", file("item,worker,label\na,w1,2\na,w2,2\n"), *flags)
    assert labels(same) == {"a": 2.0}


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--method", "mean", "--classes", "1,2"], "mean is for numbers, not classes"),
        (["--method", "median", "--threshold", "1"], "median does not use threshold"),
        (["--method", "mean", "--gold", "votes.csv"], "mean does not use known answers"),
        (["--classes", "Cat,cat", "--min-votes", "1"], "row 4: the label 'dog' is not one of the classes"),
    ],
)
def test_flags_that_do_not_go_together_are_refused(
    turkctl: Turkctl, file: Callable[..., str], flags: list[str], told: str
) -> None:
    text = RATINGS if "--method" in flags else "item,worker,label\na,w1,Cat\na,w2,Cat\nb,w2,dog\n"
    refused = turkctl("labels", "aggregate", file(text), *flags)
    assert (refused.code, told in refused.err) == (2, True), refused.err


def test_too_many_classes_for_a_fit_of_each_are_refused(turkctl: Turkctl, file: Callable[..., str]) -> None:
    text = "item,worker,label\n" + "".join(f"i{n},w{n % 3},text {n}\n" for n in range(60))
    refused = turkctl("labels", "aggregate", file(text))
    assert refused.code == 2
    assert "votes.csv has 60 different labels, and cubam needs a fit for each" in refused.err
    assert "--method majority or dawid-skene" in refused.err


def test_a_file_whose_rows_are_all_rejected_or_missing_is_refused(turkctl: Turkctl, file: Callable[..., str]) -> None:
    refused = turkctl("labels", "aggregate", file("item,worker,label,AssignmentStatus\na,w1,1,Rejected\n"))
    assert (refused.code, "has no labels: all its rows are of rejected work" in refused.err) == (2, True)
    refused = turkctl("labels", "aggregate", file("item,worker,label\na,w1,NA\nb,w2,\n"), "--skip-missing")
    assert (refused.code, "has no labels: all of them are missing" in refused.err) == (2, True)
