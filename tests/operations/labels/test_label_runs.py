from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from databases import KINDS, new_database
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from label_support import LABELS, VOTES, LabelStudy, rows_of
from study_support import worker

from turkctl.errors import InterruptedByUserError, NotFoundError, RefusedError, UsageError
from turkctl.operations.labels.changes import exclude_workers, invalidate, mark_dirty, set_label
from turkctl.operations.labels.lists import history, list_workers, show_item
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.workers.approve import prepare_approve
from turkctl.operations.workers.reject import prepare_reject
from turkctl.store import label_results

NOTHING_CHANGED = {"none->no": 0, "none->yes": 0, "yes->no": 0, "no->yes": 0}


@pytest.fixture(params=KINDS)
def study(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LabelStudy]:
    """The experiment, without a label, on either database."""
    with new_database(request.param, tmp_path) as url:
        made = LabelStudy(tmp_path, url=url)
        yield made
        made.world.close()


@pytest.fixture
def photos(tmp_path: Path) -> Iterator[LabelStudy]:
    """The same on SQLite."""
    made = LabelStudy(tmp_path)
    yield made
    made.world.close()


def test_imported_labels_are_aggregated_once_until_something_is_new(study: LabelStudy) -> None:
    report = study.import_rows(rows_of(VOTES))
    assert (report.rows, report.added) == (18, 18)
    assert study.dirty
    (outcome,) = study.aggregate()
    assert outcome.status == "done"
    assert sum(outcome.changes.values()) == 6
    assert not study.dirty
    before = study.results()
    assert {item: label for item, (label, _) in before.items()}["p4"] is True
    (again,) = study.aggregate()
    assert (again.status, again.run, again.result) == ("clean", outcome.run, None)
    (forced,) = study.aggregate(force=True)
    assert forced.changes == NOTHING_CHANGED
    assert study.results() == before


def test_importing_again_adds_nothing_and_a_later_label_replaces_the_one_before(study: LabelStudy) -> None:
    study.import_rows(rows_of(VOTES))
    study.aggregate()
    again = study.import_rows(rows_of(VOTES))
    assert (again.added, again.changed, again.unchanged) == (0, 0, 18)
    assert not study.dirty, "nothing is new"
    other = study.import_rows([("p0", "w0", "no"), ("p0", "w9", "no"), ("p0", "w9", "yes")])
    assert (other.added, other.changed, other.repeated) == (1, 1, 1)
    assert study.dirty
    assert ("p0", "w9", "yes", "counts") in study.labels()
    assert len(study.labels()) == 19


def test_a_dry_import_says_what_it_would_do_and_does_nothing(photos: LabelStudy) -> None:
    photos.import_rows([("p0", "w0", "no")])
    told = photos.import_rows([("p0", "w0", "yes"), ("p1", "w0", "yes")], dry_run=True)
    assert (told.dry_run, told.added, told.changed) == (True, 1, 1)
    assert photos.labels() == [("p0", "w0", "no", "counts")]


def test_a_bad_row_names_its_line_and_nothing_is_imported_unless_bad_rows_are_skipped(photos: LabelStudy) -> None:
    rows = [("p0", "w0", "yes"), ("p0", "w1", "perhaps"), ("", "w1", "no"), ("p1", "w1", "no")]
    with pytest.raises(UsageError, match=r"row 3: the label 'perhaps' is neither true nor false"):
        photos.import_rows(rows)
    assert photos.labels() == []
    report = photos.import_rows(rows, skip_bad_rows=True)
    assert (report.added, report.bad) == (2, 2)
    assert report.notes == (
        "left out: standard input, row 3: the label 'perhaps' is neither true nor false",
        "left out: standard input, row 4: the item is missing",
    )
    with pytest.raises(UsageError, match="has no labels that can be used: standard input, row 2"):
        photos.import_rows([("p0", "w0", "perhaps")], skip_bad_rows=True)


def test_labels_set_by_hand_survive_every_run_until_they_are_cleared(study: LabelStudy) -> None:
    study.import_rows(rows_of(VOTES))
    study.aggregate()
    assert study.results()["p4"] == (True, "cubam")
    set_label(study.world, "photos", "p4", "false")
    (outcome,) = study.aggregate(force=True)
    assert study.results()["p4"] == (False, "admin")
    assert outcome.changes == NOTHING_CHANGED
    cleared = set_label(study.world, "photos", "p4", None)
    assert (cleared["label"], cleared["method"]) == (True, "cubam")
    with pytest.raises(NotFoundError, match="no label for 'p77'"):
        set_label(study.world, "photos", "p77", "true")
    with pytest.raises(UsageError, match="'cat' is not one of the labels"):
        set_label(study.world, "photos", "p4", "cat")


def test_what_is_taken_out_and_who_is_excluded_counts_no_more_and_makes_dirty(study: LabelStudy) -> None:
    study.import_rows(rows_of(VOTES))
    study.aggregate()
    assert exclude_workers(study.world, "photos", ["w2"], dry_run=True).results[0].status == "planned"
    assert not study.dirty
    exclude_workers(study.world, "photos", ["w2"])
    assert study.dirty
    study.aggregate()
    assert [show_item(study.world, "photos", item)["n"] for item in ("p0", "p5")] == [2, 2]
    exclude_workers(study.world, "photos", ["w2"], undo=True)
    assert invalidate(study.world, "photos", "p0", "w0")["labels"] == 1
    study.aggregate()
    shown = show_item(study.world, "photos", "p0")
    assert shown["n"] == 2
    assert [vote["status"] for vote in shown["votes"]] == ["invalid", "counts", "counts"]
    study.import_rows([("p0", "w0", "no")])
    assert study.labels(item="p0", worker="w0") == [("p0", "w0", "no", "invalid")], "it stays out"
    invalidate(study.world, "photos", None, "w0", undo=True)
    assert study.labels(item="p0", worker="w0") == [("p0", "w0", "no", "counts")]
    with pytest.raises(NotFoundError, match="worker w77 gave no label"):
        exclude_workers(study.world, "photos", ["w77"])
    with pytest.raises(UsageError, match="has no such label"):
        invalidate(study.world, "photos", "p77", None)


GROUPS = 'contents_per_hit = 3\noutputs = 3\nanswer_field = "bird_{n}"\n' + LABELS


def answered(study: LabelStudy, hit: str, number: int, birds: str) -> str:
    """A worker says of the items of a HIT, in their order, which show birds."""
    return study.answer(hit, number, **{f"bird_{n}": sign for n, sign in enumerate(birds, start=1)})


@pytest.fixture(params=KINDS)
def group(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LabelStudy]:
    """A HIT that shows three items, done by three workers."""
    with new_database(request.param, tmp_path) as url:
        made = LabelStudy(tmp_path, GROUPS, url=url)
        made.add_numbered(3)
        made.dispatch()
        (hit,) = made.shown()
        for number, birds in enumerate(("110", "100", "111")):
            answered(made, hit, number, birds)
        made.sync()
        yield made
        made.world.close()


def test_a_hit_that_shows_several_items_gives_a_label_for_each(group: LabelStudy) -> None:
    ((_hit, keys),) = group.shown().items()
    labels = {(item, who): label for item, who, label, _ in group.labels()}
    assert len(labels) == 9
    assert labels[keys[0], worker(0)] == labels[keys[1], worker(0)] == "1"
    assert labels[keys[2], worker(0)] == "0"
    group.aggregate()
    assert {item: label for item, (label, _) in group.results().items()} == {
        keys[0]: True,
        keys[1]: True,
        keys[2]: False,
    }


def test_labels_of_rejected_work_leave_and_come_back_when_that_is_overturned(group: LabelStudy) -> None:
    group.aggregate()
    of_worker = "SELECT assignment_id FROM turkctl_assignment WHERE worker_id = :w"
    ((rejected,),) = group.sql(of_worker, w=worker(1))
    group.apply(prepare_reject(group.world, [rejected], "careless"))
    assert group.dirty
    assert {status for _, who, _, status in group.labels() if who == worker(1)} == {"rejected"}
    (outcome,) = group.aggregate()
    assert outcome.result is not None
    assert outcome.result.run.labels == 6
    chosen = WorkSelection(Selection(ids=(rejected,)))
    group.apply(prepare_approve(group.world, chosen, override_rejection=True))
    assert group.dirty
    (outcome,) = group.aggregate()
    assert outcome.result is not None
    assert outcome.result.run.labels == 9


def test_every_submission_that_is_read_makes_dirty_and_is_read_once(group: LabelStudy) -> None:
    group.aggregate()
    (hit,) = group.shown()
    assert not group.dirty
    group.write("UPDATE turkctl_content SET outputs_max = 6")
    group.dispatch()
    later = [each for each in group.shown() if each != hit]
    answered(group, later[0], 7, "011")
    assert not group.dirty, "nobody has read it"
    group.sync()
    assert group.dirty
    group.write("UPDATE turkctl_assignment SET answers = NULL, answer = NULL WHERE hit_id = :h", h=hit)
    assert len(group.labels()) == 12, "labels of work that was read before are not read again"
    (outcome,) = group.aggregate()
    assert outcome.result is not None
    assert outcome.result.run.labels == 12


def test_answers_that_arrive_during_a_run_leave_the_experiment_dirty(group: LabelStudy) -> None:
    came: list[bool] = []

    def stop() -> bool:
        if not came:
            came.append(True)
            mark_dirty(group.world, "photos")
        return False

    (outcome,) = group.aggregate(stop=stop)
    assert outcome.status == "done"
    assert group.dirty


def test_without_content_the_hit_is_the_item(tmp_path: Path) -> None:
    study = LabelStudy(
        tmp_path, '\n[experiments.photos.labels]\nfield = "bird"\ntrue = ["bird"]\nfalse = ["other"]\nskip = ["?"]\n'
    )
    (hit,) = study.post(3, experiment="photos")
    for number, answer in enumerate(("Bird", "other", "?")):
        study.answer(hit, number, bird=answer)
    study.sync()
    assert [(item, label) for item, _, label, _ in study.labels()] == [(hit, "Bird"), (hit, "other"), (hit, "?")]
    (outcome,) = study.aggregate(options={"min_votes": 1}, method="majority")
    assert outcome.result is not None
    assert outcome.result.run.labels == 2
    assert outcome.notes == ("labels left out as the settings say: 1",)
    study.world.close()


def test_another_field_in_the_settings_reads_all_answers_anew(tmp_path: Path) -> None:
    study = LabelStudy(tmp_path, '\n[experiments.photos.labels]\nfield = "bird"\n')
    (hit,) = study.post(2, experiment="photos")
    study.answer(hit, 1, bird="yes", nest="no")
    study.answer(hit, 2, nest="yes")
    study.sync()
    assert [label for _, _, label, _ in study.labels()] == ["yes"]
    study.world.close()
    later = LabelStudy(tmp_path, '\n[experiments.photos.labels]\nfield = "nest"\n')
    assert [label for _, _, label, _ in later.labels()] == ["no", "yes"]
    later.world.close()


def test_the_field_of_answers_to_content_is_the_field_of_labels_unless_another_is_named(tmp_path: Path) -> None:
    study = LabelStudy(tmp_path, 'answer_field = "bird"\n')
    (hit,) = study.post(2, experiment="photos")
    study.answer(hit, 1, bird="yes")
    study.answer(hit, 2, bird="no")
    study.sync()
    assert {(item, label) for item, _, label, _ in study.labels()} == {(hit, "yes"), (hit, "no")}
    (outcome,) = study.aggregate(None, options={"min_votes": 1}, method="majority")
    assert (outcome.error, study.dirty) == (None, False)
    study.world.close()
    later = LabelStudy(tmp_path, 'answer_field = "bird"\n[experiments.photos.labels]\n')
    assert len(later.labels()) == 2
    assert not later.dirty, "the same field is nothing new"
    later.world.close()


def test_a_run_that_fails_or_is_interrupted_leaves_results_in_place_and_the_experiment_dirty(study: LabelStudy) -> None:
    study.import_rows(rows_of(VOTES))
    study.aggregate()
    before = study.results()
    study.import_rows([("p0", "w0", "no"), ("p0", "w1", "no")])
    with pytest.raises(InterruptedByUserError):
        study.aggregate(stop=lambda: True)
    assert study.dirty
    exclude_workers(study.world, "photos", ["w1", "w2"])
    with pytest.raises(UsageError, match="one worker only"):
        study.aggregate()
    assert study.dirty
    assert study.results() == before
    assert [row["status"] for row in history(study.world, "photos", None)] == ["failed", "interrupted", "done"]


@pytest.mark.parametrize("after", ["begin", "put_items", "put_workers"])
def test_a_killed_run_leaves_results_in_place_and_the_experiment_dirty(tmp_path: Path, after: str) -> None:
    study = LabelStudy(tmp_path)
    study.import_rows(rows_of(VOTES))
    study.aggregate()
    before = study.results()
    study.import_rows([(f"p{n}", f"w{m}", "no") for n in range(6) for m in range(2)])
    study.world.close()
    child = os.fork()
    if not child:
        _die_after(tmp_path, after)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    later = LabelStudy(tmp_path)
    assert later.results() == before
    assert later.dirty
    assert [row["status"] for row in history(later.world, "photos", None)] == ["interrupted", "done"]
    (outcome,) = later.aggregate(None)
    assert outcome.status == "done"
    assert later.results() != before
    assert [row["status"] for row in history(later.world, "photos", None)] == ["done", "interrupted", "done"]
    later.world.close()


def _die_after(folder: Path, after: str) -> None:
    """Aggregate, and end as a killed process does, at the first transaction after that in which the step was done."""
    study = LabelStudy(folder)
    database, step = study.world.database, getattr(label_results, after)
    write, done = database.write, []

    def noted(*arguments: Any) -> Any:
        done.append(after)
        return step(*arguments)

    def writing() -> Any:
        if done:
            os._exit(9)
        return write()

    setattr(label_results, after, noted)  # of this process only, which does not come back
    object.__setattr__(database, "write", writing)
    study.aggregate()
    os._exit(1)


def test_two_runs_of_one_experiment_do_not_overlap(photos: LabelStudy) -> None:
    photos.import_rows(rows_of(VOTES))
    seen: list[str] = []

    def second() -> bool:
        if not seen:
            with pytest.raises(RefusedError, match=r"experiment photos is being aggregated by process \d+ on"):
                photos.aggregate(force=True)
            seen.append("refused")
        return False

    (outcome,) = photos.aggregate(stop=second)
    assert (outcome.status, seen) == ("done", ["refused"])


def test_a_run_whose_hold_ran_out_and_was_taken_over_writes_nothing_that_stands(photos: LabelStudy) -> None:
    photos.import_rows(rows_of(VOTES))

    def overtaken() -> bool:
        assert [row["status"] for row in history(photos.world, "photos", None)] == ["running"]
        photos.write("UPDATE turkctl_lease SET owner = 'another', epoch = epoch + 1")
        return False

    with pytest.raises(RefusedError, match="another run has taken over experiment photos"):
        photos.aggregate(stop=overtaken)
    assert photos.results() == {}


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([("p0", "w0", "yes"), ("p1", "w0", "no")], "experiment photos has labels of one worker only, w0"),
        ([("p0", "w0", "yes"), ("p0", "w1", "yes")], "all labels of experiment photos are 'true'"),
    ],
)
def test_labels_of_which_nothing_can_be_made_fail_by_name_and_stay_dirty(
    photos: LabelStudy, rows: list[tuple[str, str, str]], says: str
) -> None:
    photos.import_rows(rows)
    with pytest.raises(UsageError, match=says):
        photos.aggregate()
    (outcome,) = photos.aggregate(None)
    assert (outcome.status, outcome.error is not None) == ("failed", True)
    assert photos.dirty


def test_an_experiment_without_labels_is_an_error_by_name_and_none_of_the_dirty_ones(photos: LabelStudy) -> None:
    with pytest.raises(UsageError, match="experiment photos has no labels yet in mode local"):
        photos.aggregate()
    assert photos.aggregate(None) == []


def test_an_answer_that_says_nothing_known_is_named_with_its_item_worker_and_assignment(tmp_path: Path) -> None:
    study = LabelStudy(tmp_path, '\n[experiments.photos.labels]\nfield = "bird"\n')
    (hit,) = study.post(2, experiment="photos")
    study.answer(hit, 1, bird="yes")
    named = study.answer(hit, 2, bird="maybe")
    study.sync()
    with pytest.raises(UsageError, match=f"item {hit}, worker {worker(2)} \\(assignment {named}\\): the label 'maybe'"):
        study.aggregate()
    study.world.close()


def test_the_cut_is_chosen_on_content_with_a_known_answer(tmp_path: Path) -> None:
    study = LabelStudy(tmp_path, 'answer_field = "bird"\n\n[experiments.photos.labels]\nmin_votes = 1\n')
    study.add("key,truth\np0,no\np2,no\np4,yes\n", gold="truth")
    study.import_rows(rows_of(VOTES))
    (outcome,) = study.aggregate(method="majority")
    assert outcome.result is not None
    assert outcome.result.run.threshold_from == "gold"
    assert {item: study.results()[item][0] for item in ("p0", "p2", "p4")} == {"p0": False, "p2": False, "p4": True}
    study.world.close()


def test_known_answers_that_are_added_or_fixed_make_a_run_due(tmp_path: Path) -> None:
    study = LabelStudy(tmp_path, LABELS.replace("[exp", 'answer_field = "bird_{n}"\n\n[exp'))
    study.import_rows(rows_of(VOTES))
    study.add("key,truth\np0,no\np4,yes\n", gold="truth")
    study.aggregate()
    study.add("key,truth\np0,no\np4,yes\n", gold="truth")
    assert not study.dirty
    study.add("key,truth\np0,yes\np4,yes\n", gold="truth")
    assert study.dirty
    study.world.close()


def test_changed_settings_make_a_run_due(tmp_path: Path) -> None:
    study = LabelStudy(tmp_path)
    study.import_rows(rows_of(VOTES))
    study.aggregate()
    study.world.close()
    later = LabelStudy(tmp_path, LABELS.replace("min_votes = 2", "min_votes = 4"))
    (outcome,) = later.aggregate()
    assert outcome.status == "done"
    assert outcome.changes["yes->none"] + outcome.changes["no->none"] == 6
    later.world.close()


def test_classes_are_aggregated_and_changes_are_told_from_class_to_class(tmp_path: Path) -> None:
    study = LabelStudy(
        tmp_path, '\n[experiments.photos.labels]\nmethod = "majority"\nclasses = ["cat", "dog", "cow"]\nmin_votes = 1\n'
    )
    study.import_rows([("p0", "w0", "cat"), ("p0", "w1", "cat"), ("p1", "w0", "dog"), ("p1", "w1", "dog")])
    (outcome,) = study.aggregate()
    assert outcome.changes == {"none->cat": 1, "none->dog": 1}
    study.import_rows([("p1", "w0", "cow"), ("p1", "w1", "cow")])
    (outcome,) = study.aggregate()
    assert outcome.changes == {"dog->cow": 1}
    with pytest.raises(UsageError, match="the label 'horse' is not one of the classes"):
        study.import_rows([("p1", "w0", "horse")])
    study.world.close()


def test_the_labels_of_a_mode_are_its_own(photos: LabelStudy) -> None:
    photos.import_rows(rows_of(VOTES))
    photos.write("UPDATE turkctl_label SET mode = 'sandbox' WHERE worker_id = 'w2'")
    (outcome,) = photos.aggregate()
    assert outcome.result is not None
    assert outcome.result.run.workers == 2
    assert {who for _, who, _, _ in photos.labels()} == {"w0", "w1"}


def test_results_of_the_last_two_runs_are_kept_and_every_run_is_remembered(photos: LabelStudy) -> None:
    photos.import_rows(rows_of(VOTES))
    for _ in range(4):
        photos.aggregate(force=True)
    assert [each["run"] for each in show_item(photos.world, "photos", "p0")["runs"]] == [4, 3]
    assert photos.sql("SELECT DISTINCT run_id FROM turkctl_label_result ORDER BY 1") == [(3,), (4,)]
    assert len(history(photos.world, None, None)) == 4
    assert [row["worker"] for row in list_workers(photos.world, "photos")] == ["w0", "w1", "w2"]


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_results_do_not_depend_on_the_order_of_import(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    found = []
    for shuffled in (False, True):
        study = LabelStudy(tmp_path_factory.mktemp("order"))
        rows = rows_of(VOTES)
        if shuffled:
            random.Random(seed).shuffle(rows)
        cut = seed % len(rows)
        for part in (rows[:cut], rows[cut:]):
            if part:
                study.import_rows(part)
        study.aggregate()
        found.append(study.sql("SELECT item, label, score, p, n, n_true FROM turkctl_label_result ORDER BY item"))
        study.world.close()
    assert found[0] == found[1]


def test_an_unknown_experiment_names_the_nearest(photos: LabelStudy) -> None:
    with pytest.raises(NotFoundError, match="did you mean 'photos'"):
        photos.aggregate("photo")
