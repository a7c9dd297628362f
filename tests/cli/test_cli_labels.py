from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

ROWS = [
    ("photo1", "yes yes no"),
    ("photo2", "no no yes"),
    ("photo3", "yes no no"),
    ("photo4", "no no no"),
]
VOTES = "item,worker,label\n" + "".join(
    f"{item},{worker},{label}\n"
    for item, labels in ROWS
    for worker, label in zip(("anna", "ben", "carl"), labels.split(), strict=True)
)


@pytest.fixture
def votes(configured: Path) -> Path:
    """A file of labels beside a study that has none yet."""
    (configured / "votes.csv").write_text(VOTES)
    return configured


@pytest.fixture
def imported(votes: Path, turkctl: Any) -> Path:
    """The study with these labels."""
    assert turkctl("labels", "import", "votes.csv", "--experiment", "stroop").code == 0
    return votes


def told(done: Any) -> Any:
    assert done.code == 0, done.err
    return json.loads(done.out)


def test_an_import_says_what_it_did(votes: Path, turkctl: Any) -> None:
    report = told(turkctl("label", "import", "votes.csv", "--experiment", "stroop", "--json"))
    assert report == {
        "experiment": "stroop",
        "mode": "local",
        "dry_run": False,
        "rows": 12,
        "added": 12,
        "changed": 0,
        "unchanged": 0,
        "repeated": 0,
        "left_out": 0,
        "bad": 0,
    }


def test_an_experiment_and_a_file_with_the_same_labels_have_the_same_results(imported: Path, turkctl: Any) -> None:
    of_file = told(turkctl("labels", "aggregate", "votes.csv", "--min-votes", "3", "--json"))
    done = turkctl("labels", "aggregate", "--experiment", "stroop", "--min-votes", "3", "--json")
    assert told(done) == of_file
    assert "stroop: none->no 2, none->yes 2, yes->no 0, no->yes 0" in done.err
    assert list(of_file[0]) == ["item", "label", "score", "p", "n", "method"]


def test_what_is_clean_is_shown_and_not_run_again(imported: Path, turkctl: Any) -> None:
    first = told(turkctl("labels", "aggregate", "--json"))
    assert {row["experiment"] for row in first} == {"stroop"}
    again = turkctl("labels", "aggregate", "--json")
    assert told(again) == first
    assert "stroop: nothing new since run 1" in again.err
    turkctl("labels", "mark-dirty", "stroop")
    turkctl("labels", "aggregate", "--regex", "^str")
    assert turkctl("labels", "aggregate", "--regex", "^other", "--json").out == "[]\n"
    runs = told(turkctl("labels", "history", "--json"))
    assert [(run["run"], run["status"]) for run in runs] == [(2, "done"), (1, "done")]
    assert runs[0]["changes"] == {"none->no": 0, "none->yes": 0, "yes->no": 0, "no->yes": 0}
    assert runs[0]["parameters"]["min_votes"] == 5


def test_a_file_needs_no_database_and_makes_none(folder: Path, turkctl: Any) -> None:
    (folder / "votes.csv").write_text(VOTES)
    assert turkctl("labels", "aggregate", "votes.csv").code == 0
    assert [path.name for path in folder.iterdir() if path.suffix == ".db"] == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["aggregate", "votes.csv", "--experiment", "stroop"], "FILE and --experiment cannot be used together"),
        (["aggregate", "votes.csv", "--regex", "s"], "FILE and --regex cannot be used together"),
        (["aggregate", "votes.csv", "--force"], "FILE and --force cannot be used together"),
        (["aggregate", "--experiment", "strop"], "did you mean 'stroop'?"),
        (["aggregate", "--experiment", "stroop"], "experiment stroop has no labels yet in mode local"),
        (["aggregate", "--regex", "("], "is not a regular expression"),
        (["aggregate", "--method", "modus"], "there is no method 'modus'; use one of majority"),
        (["aggregate", "--method", "majority", "--sigt", "3"], "majority does not use sigt"),
        (["aggregate", "--gold", "votes.csv"], "--gold needs a FILE"),
        (["aggregate", "--item-column", "photo"], "--item-column needs a FILE"),
        (["aggregate", "--duplicates", "first"], "--duplicates must be last or all, not 'first'"),
        (["aggregate", "--report", "r.html"], "are about one experiment"),
        (["aggregate", "--experiment", "stroop", "--workers", "w.txt"], "must end in .csv or .jsonl"),
        (["workers"], "labels aggregate --experiment stroop"),
        (["workers", "--experiment", "stroop"], "were never aggregated"),
        (["workers", "--experiment", "stroop", "--method", "majority"], "have no effect on an earlier aggregation"),
        (["import", "votes.csv", "--experiment", "strop"], "did you mean 'stroop'?"),
        (["import", "none.csv", "--experiment", "stroop"], "cannot read none.csv"),
        (["set", "photo1", "--experiment", "stroop"], "give either a label or --clear"),
        (["set", "photo1", "true", "--clear", "--experiment", "stroop"], "give either a label or --clear"),
        (["set", "photo9", "true", "--experiment", "stroop"], "has no label for 'photo9'"),
        (["show", "photo9", "--experiment", "stroop"], "has no label for 'photo9'"),
        (["exclude", "dora", "--experiment", "stroop"], "worker dora gave no label"),
        (["invalidate", "--experiment", "stroop"], "give --item, --worker, or both"),
        (["needs-more", "--experiment", "stroop", "--dry-run"], "--dry-run needs --add-outputs"),
        (["mark-dirty", "strop"], "did you mean 'stroop'?"),
        (["list", "--experiment", "strop"], "did you mean 'stroop'?"),
        (["history", "--experiment", "strop"], "did you mean 'stroop'?"),
        (["export", "--experiment", "stroop", "--format", "xml"], "not 'xml'"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_word_on_what_to_do(
    votes: Path, turkctl: Any, arguments: list[str], says: str
) -> None:
    refused = turkctl("labels", *arguments)
    assert (refused.code, refused.out) == (2, "")
    assert says in refused.err


def test_an_experiment_that_fails_among_others_is_exit_1_and_stays_dirty(votes: Path, turkctl: Any) -> None:
    (votes / "one.csv").write_text("item,worker,label\na,anna,yes\nb,anna,no\n")
    turkctl("labels", "import", "one.csv", "--experiment", "stroop")
    for _ in range(2):
        failed = turkctl("labels", "aggregate", "--json")
        assert (failed.code, failed.out) == (1, "[]\n")
        assert "stroop: experiment stroop has labels of one worker only, anna" in failed.err


def test_labels_that_are_exported_make_the_same_results_as_a_file(imported: Path, turkctl: Any) -> None:
    turkctl("labels", "aggregate", "--min-votes", "2")
    turkctl("labels", "exclude", "carl", "--experiment", "stroop")
    exported = turkctl("labels", "export", "--experiment", "stroop", "--file", "out.csv")
    assert (exported.code, exported.out) == (0, "")
    rows = list(csv.DictReader(io.StringIO((imported / "out.csv").read_text())))
    assert {row["worker"] for row in rows} == {"anna", "ben"}, "labels that do not count are left out"
    of_file = told(turkctl("labels", "aggregate", "out.csv", "--min-votes", "2", "--json"))
    of_store = told(turkctl("labels", "aggregate", "--experiment", "stroop", "--min-votes", "2", "--json"))
    assert of_file == of_store
    results = turkctl("labels", "export", "--results", "--format", "jsonl", "--experiment", "stroop")
    lines = [json.loads(line) for line in results.out.splitlines()]
    assert [{name: row[name] for name in of_store[0]} for row in lines] == of_store


def test_results_are_exported_as_training_data_in_every_format(imported: Path, turkctl: Any) -> None:
    turkctl("labels", "aggregate", "--min-votes", "2")
    export = ("labels", "export", "--results", "--experiment", "stroop")
    lines = [json.loads(line) for line in turkctl(*export, "--format", "jsonl").out.splitlines()]
    assert list(lines[0])[-4:] == ["source", "votes", "p.false", "p.true"]
    assert all(row["p.false"] + row["p.true"] == pytest.approx(1) and isinstance(row["votes"], dict) for row in lines)
    assert {row["source"] for row in lines if row["label"] is None} <= {None}
    for name in ("r.csv", "r.parquet"):
        assert turkctl(*export, "--file", name).code == 0
        assert (imported / name).stat().st_mode & 0o077 == 0
    as_csv = list(csv.DictReader(io.StringIO((imported / "r.csv").read_text())))
    assert [json.loads(row["votes"]) for row in as_csv] == [row["votes"] for row in lines]
    packed = parquet.read_table(imported / "r.parquet").to_pylist()
    assert [list(row) for row in packed] == [list(row) for row in lines]
    assert [(row["p.true"], row["score"], row["n"]) for row in packed] == [
        (row["p.true"], row["score"], row["n"]) for row in lines
    ]
    assert [json.loads(row["votes"]) for row in packed] == [row["votes"] for row in lines]
    assert turkctl("labels", "export", "--experiment", "stroop", "--file", "votes.parquet").code == 0
    refused = turkctl(*export, "--format", "parquet")
    assert (refused.code, "name a file with --file" in refused.err) == (2, True)
    refused = turkctl(*export, "--format", "xlsx")
    assert (refused.code, "csv, jsonl or parquet" in refused.err) == (2, True)


def test_workers_items_and_pages_of_an_experiment_are_shown(imported: Path, turkctl: Any) -> None:
    done = turkctl(
        *("labels", "aggregate", "--experiment", "stroop", "--report", "page.html", "--workers", "workers.csv")
    )
    assert done.code == 0, done.err
    assert "experiment stroop" in (imported / "page.html").read_text()
    workers = told(turkctl("labels", "workers", "--experiment", "stroop", "--json"))
    of_file = told(turkctl("labels", "workers", "votes.csv", "--json"))
    assert [{**row, "excluded": False} for row in of_file] == workers
    shown = told(turkctl("labels", "show", "photo3", "--experiment", "stroop", "--json"))
    assert [vote["worker"] for vote in shown["votes"]] == ["anna", "ben", "carl"]
    assert shown["votes"][2]["flags"] == ["reversed", "guessing", "one-sided"]
    unwritten = turkctl("labels", "aggregate", "--experiment", "stroop", "--report", "page.html")
    assert unwritten.code == 2
    assert "add --force" in unwritten.err


def test_a_task_aggregates_what_is_dirty(imported: Path, turkctl: Any) -> None:
    made = turkctl("tasks", "create", "aggregate-labels", "--every", "1h", "--method", "majority", "--min-votes", "0")
    assert made.code == 0, made.err
    ran = told(turkctl("tasks", "run", "aggregate-labels", "--json"))
    assert (ran["status"], ran["summary"]) == ("ok", "4 labels of stroop changed")
    ran = told(turkctl("tasks", "run", "aggregate-labels", "--json"))
    assert (ran["status"], ran["summary"]) == ("ok", "no new labels")
    results = told(turkctl("labels", "aggregate", "--json"))
    assert {row["method"] for row in results} == {"majority"}


def test_a_task_on_labels_that_cannot_be_aggregated_says_so(votes: Path, turkctl: Any) -> None:
    turkctl("tasks", "create", "aggregate-labels", "--every", "1h", "--experiment", "stroop")
    assert told(turkctl("tasks", "run", "aggregate-labels", "--json"))["summary"] == "no new labels"
    (votes / "one.csv").write_text("item,worker,label\na,anna,yes\nb,anna,no\n")
    turkctl("labels", "import", "one.csv", "--experiment", "stroop")
    failed = turkctl("tasks", "run", "aggregate-labels", "--json")
    assert failed.code == 1
    assert "one worker only" in json.loads(failed.out)["error"]


def test_the_only_experiment_need_not_be_named_and_of_several_one_must(votes: Path, turkctl: Any) -> None:
    assert told(turkctl("labels", "import", "votes.csv", "--json"))["experiment"] == "stroop"
    assert told(turkctl("labels", "show", "photo1", "--json"))["item"] == "photo1"
    assert told(turkctl("labels", "set", "photo1", "false", "--json"))["label"] is False
    assert "of experiment stroop were never aggregated" in turkctl("labels", "needs-more").err
    file = votes / "turkctl.toml"
    table = file.read_text()
    file.write_text(table + table.replace("experiments.stroop", "experiments.other"))
    assert turkctl("experiments", "configure").code == 0
    for argv in (["show", "photo1"], ["workers"], ["exclude", "anna"], ["invalidate", "--worker", "anna"]):
        refused = turkctl("labels", *argv)
        assert (refused.code, "several experiments are configured" in refused.err) == (2, True), argv


ANIMALS = """
[experiments.stroop.labels]
classes = ["deer", "fox"]
method = "majority"
min_votes = 2
"""


def test_odd_answers_of_an_experiment_are_exit_1_and_mapping_them_is_exit_0(configured: Path, turkctl: Any) -> None:
    with (configured / "turkctl.toml").open("a") as file:
        file.write(ANIMALS.replace('["deer", "fox"]', '["deer", "fox", "wolf"]'))
    turkctl("experiments", "configure")
    (configured / "votes.csv").write_text("item,worker,label\na,anna,Deer\na,ben,deer\nb,anna,fox\nb,ben,wolf\n")
    assert turkctl("labels", "import", "votes.csv").code == 0
    text = (configured / "turkctl.toml").read_text()
    (configured / "turkctl.toml").write_text(text.replace(', "wolf"]', "]"))
    turkctl("experiments", "configure")
    odd = turkctl("labels", "aggregate", "--json")
    assert (odd.code, [row["label"] for row in json.loads(odd.out)]) == (1, ["deer", None])
    assert "stroop: left out: 1 odd answer, none of the classes" in odd.err
    assert "stroop: item b, worker ben (an imported label): the label 'wolf' is not one of the classes" in odd.err
    turkctl("labels", "mark-dirty", "stroop")
    turkctl("tasks", "create", "aggregate-labels", "--every", "1h")
    ran = told(turkctl("tasks", "run", "aggregate-labels", "--json"))
    assert ran["summary"] == "0 labels of stroop changed, 1 odd answer left out"
    (configured / "meant.csv").write_text("wolf,fox\n")
    done = turkctl("labels", "relabel", "--from", "meant.csv", "--reason", "as agreed")
    assert (done.code, done.out) == (0, "relabel: 1 of 1 answer done (mode local)\n")
    assert [row["label"] for row in told(turkctl("labels", "aggregate", "--json"))] == ["deer", "fox"]
    (configured / "decided.csv").write_text("item,label\na,fox\nz,fox\n")
    done = turkctl("labels", "set", "--from", "decided.csv", "--reason", "looked", "--json")
    assert (done.code, json.loads(done.out)["failed"]) == (1, 1)
    exported = turkctl("labels", "export", "--by-hand", "--file", "again.csv")
    assert exported.code == 0
    again = turkctl("labels", "set", "--from", "again.csv", "--reason", "looked")
    assert (again.code, "1 of 1 item done" in again.out) == (0, True)
    acts = [row["act"] for row in told(turkctl("log", "--json"))]
    assert {"labels relabel", "labels set"} <= set(acts)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["set"], "no item is given"),
        (["set", "photo1", "--from", "votes.csv", "--reason", "r"], "an item and --from FILE cannot be used together"),
        (["set", "--from", "votes.csv"], "--from FILE needs a reason"),
        (["set", "--from", "votes.csv", "--reason", " "], "--from FILE needs a reason"),
        (["set", "photo1", "true", "--dry-run"], "--dry-run needs --from FILE"),
        (["set", "--from", "none.csv", "--reason", "r"], "cannot read none.csv"),
        (["relabel"], "--from"),
        (["relabel", "--from", "votes.csv"], "has no column answer and label"),
        (["relabel", "--from", "none.csv"], "cannot read none.csv"),
        (["answers", "--experiment", "strop"], "did you mean 'stroop'?"),
        (["export", "--results", "--by-hand"], "--results and --by-hand cannot be used together"),
        (["aggregate", "--skip-missing"], "--skip-missing needs a FILE"),
        (["aggregate", "--case-sensitive"], "--case-sensitive needs a FILE"),
    ],
)
def test_acts_on_many_labels_say_what_to_type(votes: Path, turkctl: Any, arguments: list[str], says: str) -> None:
    refused = turkctl("labels", *arguments)
    assert (refused.code, refused.out) == (2, "")
    assert says in refused.err


def test_an_aggregation_that_finds_nothing_says_why(configured: Path, turkctl: Any) -> None:
    done = turkctl("labels", "aggregate")
    assert (done.code, done.out) == (0, "")
    assert "experiment stroop has no labels yet in mode local; import labels, or name the field" in done.err


PETS = ("cat", "dog", "other")


@pytest.fixture
def pets(folder: Path) -> Path:
    """A file of labels of three classes: ben swaps two of them."""
    swapped = {"cat": "dog", "dog": "cat", "other": "other"}
    rows = [
        f"pet{number},{who},{swapped[PETS[number % 3]] if who == 'ben' else PETS[number % 3]}\n"
        for number in range(24)
        for who in ("anna", "ben", "carl", "dora")
    ]
    (folder / "pets.csv").write_text("item,worker,label\n" + "".join(rows))
    return folder


def test_people_read_what_an_annotator_takes_for_what(pets: Path, turkctl: Any) -> None:
    how = ("--method", "majority", "--min-votes", "3", "--classes", "other,dog,cat", "--quiet")
    shown = turkctl("labels", "workers", "pets.csv", *how, "-o", "csv")
    rows = {row["worker"]: row for row in csv.DictReader(io.StringIO(shown.out))}
    assert rows["ben"]["right"] == "other 100%, dog 0%, cat 0%", "in the order of --classes"
    assert sorted(rows["ben"]["wrong_as"].split(", ")) == ["cat as dog 100%", "dog as cat 100%"]
    assert (rows["ben"]["flags"], rows["ben"]["remarks"]) == ("swaps", "swaps dog and cat")
    assert rows["anna"]["remarks"] == ""
    table = turkctl("labels", "workers", "pets.csv", *how)
    assert "swaps dog and cat" in table.out
    assert "FLAGS" not in table.out
    assert "FLAGS" in turkctl("labels", "workers", "pets.csv", *how, "--columns", "worker,flags").out


def test_a_file_and_an_experiment_say_alike_how_far_people_agree(imported: Path, turkctl: Any) -> None:
    of_file = told(turkctl("labels", "agreement", "votes.csv", "--json"))
    early = turkctl("labels", "agreement", "--experiment", "stroop")
    assert early.code == 2
    assert "labels aggregate --experiment stroop" in early.err
    done = turkctl("labels", "aggregate", "--experiment", "stroop", "--report", "page.html")
    assert f"stroop: agreement: alpha {of_file['alpha']:.2f} (95%: " in done.err
    found = told(turkctl("labels", "agreement", "--experiment", "stroop", "--json"))
    assert found == {"experiment": "stroop", "run": 1, **of_file}
    assert list(found) == ["experiment", "run", *of_file]
    assert [each["class"] for each in found["classes"]] == [False, True]
    (run,) = told(turkctl("labels", "history", "--json"))
    assert run["agreement"] == of_file
    assert "Krippendorff" in (imported / "page.html").read_text()
    report = told(turkctl("report", "stroop", "--json"))
    assert report["labels"]["agreement"] == of_file
    assert turkctl("report", "stroop", "--file", "closing.html").code == 0
    closing = (imported / "closing.html").read_text()
    assert "krippendorffs alpha" in closing
    assert f"{of_file['alpha']:.2f} (95%: " in closing


def test_two_people_have_a_kappa_too(folder: Path, turkctl: Any) -> None:
    rows = [f"i{number},{who},{'yes' if number % 3 else 'no'}\n" for number in range(9) for who in ("anna", "ben")]
    (folder / "pair.csv").write_text("item,worker,label\n" + "".join(rows))
    shown = turkctl("labels", "agreement", "pair.csv").out
    assert "kappa    1.00 (95%: 1.00 to 1.00)" in shown
    assert "KAPPA" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("missing.csv",), "missing.csv"),
        (("votes.csv", "--experiment", "stroop"), "FILE and --experiment cannot be used together"),
        (("votes.csv", "--duplicates", "first"), "--duplicates must be last or all"),
        (("--duplicates", "all"), "--duplicates has no effect on an earlier aggregation"),
        (("--classes", "a,b"), "--classes needs a FILE"),
    ],
)
def test_agreement_says_what_is_wrong(votes: Path, turkctl: Any, arguments: tuple[str, ...], message: str) -> None:
    done = turkctl("labels", "agreement", *arguments)
    assert done.code == 2
    assert message in done.err


def test_numbers_have_no_alpha(folder: Path, configured: Path, turkctl: Any) -> None:
    rows = [f"i{number},{who},{number + place}\n" for number in range(4) for place, who in enumerate(("a", "b", "c"))]
    (configured / "numbers.csv").write_text("item,worker,label\n" + "".join(rows))
    done = turkctl("labels", "aggregate", "numbers.csv", "--method", "mean", "--report", "page.html")
    assert done.code == 0, done.err
    assert "alpha" not in done.err
    assert "<h2>Agreement</h2>" not in (configured / "page.html").read_text()
    shown = told(turkctl("labels", "workers", "numbers.csv", "--method", "mean", "--json"))
    assert "with_others" not in shown[0]


def test_an_annotator_of_items_without_a_label_has_the_columns_of_the_others(folder: Path, turkctl: Any) -> None:
    rows = ["i1,anna,cat", "i1,ben,dog", "i2,carl,cat", "i2,dora,cat", "i2,emil,other"]
    (folder / "few.csv").write_text("item,worker,label\n" + "\n".join(rows) + "\n")
    how = ("few.csv", "--method", "majority", "--min-votes", "2")
    for file in ("workers.csv", "page.html"):
        option = "--workers" if file.endswith("csv") else "--report"
        done = turkctl("labels", "aggregate", *how, option, file)
        assert done.code == 0, done.err
    found = {row["worker"]: row["right"] for row in csv.DictReader(io.StringIO((folder / "workers.csv").read_text()))}
    assert found == {"anna": "", "ben": "", "carl": "cat 100%", "dora": "cat 100%", "emil": "cat 0%"}
    assert "RIGHT" in turkctl("labels", "workers", *how).out


def test_agreement_that_is_unknown_says_why(folder: Path, turkctl: Any) -> None:
    (folder / "apart.csv").write_text("item,worker,label\na,anna,yes\nb,ben,no\n")
    done = turkctl("labels", "agreement", "apart.csv", "--json")
    assert (told(done)["alpha"], told(done)["items"]) == (None, 0)
    assert "agreement: unknown, no item has two labels" in done.err


def test_items_to_decide_are_written_to_a_file_filled_in_and_set(imported: Path, turkctl: Any) -> None:
    of = ("--experiment", "stroop")
    rows = told(turkctl("labels", "disagree", *of, "--json"))
    assert [row["item"] for row in rows] == ["photo1", "photo2", "photo3"]
    assert rows[0]["counts"] == {"true": 2, "false": 1}
    assert rows[0]["votes"][2] == {"worker": "carl", "label": "false"}
    assert "anna: true, ben: true, carl: false" in turkctl("labels", "disagree", *of, "--limit", "1").out
    written = told(turkctl("labels", "disagree", "--split", *of, "--file", "decide.csv", "--json"))
    assert written == {"file": "decide.csv", "rows": 3}
    table = list(csv.DictReader(io.StringIO((imported / "decide.csv").read_text())))
    assert [table[0][name] for name in ("item", "label", "counts")] == ["photo1", "", "true 2, false 1"]
    table[1]["label"] = "yes"
    with (imported / "decided.csv").open("w") as out:
        writer = csv.DictWriter(out, table[0])
        writer.writeheader()
        writer.writerows(table)
    done = turkctl("labels", "set", "--from", "decided.csv", "--reason", "seen", *of, "--json")
    assert (told(done)["succeeded"], told(done)["skipped"]) == (1, 2)
    left = told(turkctl("labels", "disagree", *of, "--columns", "item,label", "--sort", "item", "--desc", "--json"))
    assert left == [{"item": "photo3", "label": None}, {"item": "photo1", "label": None}]
    lines = turkctl("labels", "disagree", *of, "--format", "jsonl").out.splitlines()
    assert [json.loads(line)["item"] for line in lines] == ["photo1", "photo3"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--split", "--votes-below", "3"], "cannot be used together"),
        (["--p-below", "90"], "write 0.9"),
        (["--p-below", "0.9"], "turkctl labels aggregate --experiment stroop"),
        (["--votes-below", "0"], "at least 1"),
        (["--gold", "no"], "include or only"),
        (["--file", "x.xlsx"], "name a file that ends in .csv or .jsonl"),
        (["--format", "parquet"], "--format must be csv or jsonl"),
        (["--columns", "itme"], "item"),
    ],
)
def test_what_items_to_decide_cannot_mean_is_refused(
    imported: Path, turkctl: Any, arguments: list[str], says: str
) -> None:
    done = turkctl("labels", "disagree", "--experiment", "stroop", *arguments)
    assert (done.code, done.out) == (2, "")
    assert says in done.err
