"""Items to decide are listed with their votes, and what a person fills in is read back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from databases import KINDS, new_database
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from label_support import LABELS, LabelStudy, rows_of
from queries import counted
from standard_input import standard_input

from turkctl.errors import UsageError
from turkctl.operations.experiments.item_addresses import ItemAddresses
from turkctl.operations.experiments.stored import find_experiment
from turkctl.operations.labels import disagree
from turkctl.operations.labels.changes import exclude_workers, invalidate, set_label, set_labels, settable
from turkctl.operations.labels.decisions import read_decisions
from turkctl.operations.labels.disagree import ToDecide, certainty, check_wanted, disagreements
from turkctl.store.label_results import AggregationRun, LabelledItem

ANIMALS = (
    '\n[experiments.photos.labels]\nclasses = ["cat", "dog"]\nskip = ["pass"]\nmethod = "majority"\nmin_votes = 2\n'
)
SPLIT = ToDecide()


@pytest.fixture(params=KINDS)
def study(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LabelStudy]:
    """Two classes and a skip, without a label, on either database."""
    with new_database(request.param, tmp_path) as url:
        made = LabelStudy(tmp_path, ANIMALS, url=url)
        yield made
        made.world.close()


@pytest.fixture
def photos(tmp_path: Path) -> Iterator[LabelStudy]:
    """A yes-or-no question on SQLite."""
    made = LabelStudy(tmp_path)
    yield made
    made.world.close()


def votes(study: LabelStudy, text: str) -> None:
    """Import labels: a line for each item, as in ``p1 cat dog``, a word for each worker."""
    lines = (line.split() for line in text.strip().splitlines())
    study.import_rows((item, f"w{place}", label) for item, *said in lines for place, label in enumerate(said) if label)


def listed(study: LabelStudy, wanted: ToDecide = SPLIT, **options: Any) -> dict[str, dict[str, Any]]:
    """The rows by item."""
    return {row["item"]: row for row in disagreements(study.world, "photos", wanted, **options)}


def test_items_are_split_by_usable_votes_alone_of_each_person_the_last(study: LabelStudy) -> None:
    votes(study, "p1 cat Dog CAT\np2 dog DOG\np3 cat pass\np4 cat dog\np5 dog cat\n")
    study.import_rows([("p5", "w1", "dog")])  # a changed mind
    found = listed(study)
    assert list(found) == ["p1", "p4"]
    assert found["p1"]["counts"] == {"cat": 2, "dog": 1}
    assert found["p1"]["votes"] == [
        {"worker": "w0", "label": "cat"},
        {"worker": "w1", "label": "dog"},
        {"worker": "w2", "label": "cat"},
    ]
    assert (found["p1"]["n"], found["p1"]["label"], found["p1"]["result"], found["p1"]["p"]) == (3, None, None, None)
    invalidate(study.world, "photos", "p4", "w0")
    assert list(listed(study)) == ["p1"]
    exclude_workers(study.world, "photos", ["w1"])
    assert listed(study) == {}


def test_too_few_usable_votes_are_listed_even_if_there_are_none(study: LabelStudy) -> None:
    votes(study, "p1 cat cat cat\np2 cat pass pass\np3 pass\n")
    found = listed(study, ToDecide(votes_below=2))
    assert {item: row["n"] for item, row in found.items()} == {"p2": 1, "p3": 0}
    assert found["p3"]["counts"] == {}


def test_items_decided_by_hand_are_left_out_and_those_with_a_known_answer_unless_they_are_asked_for(
    study: LabelStudy,
) -> None:
    study.add("key,url,truth\np2,https://img.example.org/2.jpg,cat\n", key="key", gold="truth")
    votes(study, "p1 cat dog\np2 cat dog\np3 cat dog\n")
    set_label(study.world, "photos", "p3", "cat", "seen")
    assert list(listed(study)) == ["p1"]
    assert {item: row["gold"] for item, row in listed(study, gold="include").items()} == {"p1": None, "p2": "cat"}
    assert list(listed(study, gold="only")) == ["p2"]


def test_the_list_is_the_input_of_labels_set_and_blank_rows_are_skipped(study: LabelStudy) -> None:
    votes(study, "p1 cat dog\np2 dog cat\n")
    rows = list(listed(study).values())
    rows[0]["label"] = "dog"
    text = "\n".join(json.dumps(row) for row in rows)
    result = set_labels(
        study.world, "photos", read_decisions("-", standard_input(text), clear=False), "seen", clear=False
    )
    assert [(each.id, each.status) for each in result.results] == [("p1", "set"), ("p2", "skipped")]
    assert (result.exit_code, list(listed(study))) == (0, ["p2"])


def test_a_probability_is_that_of_the_label_whichever_it_is(photos: LabelStudy) -> None:
    photos.import_rows(rows_of(["111", "000", "110", "001"]))
    with pytest.raises(UsageError, match="never aggregated"):
        listed(photos, ToDecide(p_below=0.9))
    photos.aggregate(method="majority")
    found = listed(photos, ToDecide(p_below=0.8))
    assert {item: row["result"] for item, row in found.items()} == {"p2": True, "p3": False}
    assert found["p3"]["p"] < 0.5


@pytest.mark.parametrize(
    ("label", "p", "classes", "expected"),
    [("true", 0.7, None, 0.7), ("false", 0.2, None, 0.8), ("false", 0.6, None, 0.4), (None, 0.3, None, 0.7),
     ("cat", 0.4, ["cat", "dog"], 0.4), (None, None, None, None)],
)  # fmt: skip
def test_the_probability_of_a_yes_or_no_label_is_turned_around_for_no(
    label: str | None, p: float | None, classes: Any, expected: float | None
) -> None:
    began = datetime(2030, 1, 1, tzinfo=UTC)
    run = AggregationRun(1, 1, "x", "local", "cubam", began, None, "done", {"classes": classes}, None, None)
    found = certainty(LabelledItem("i", label, 0.0, p, 3, 1, "cubam"), run)
    assert found == (None if expected is None else pytest.approx(expected))


def test_numbers_have_no_probability_and_split_if_they_differ(tmp_path: Path) -> None:
    study = LabelStudy(tmp_path, '\n[experiments.photos.labels]\nmethod = "mean"\nmin_votes = 1\n')
    votes(study, "p1 3 4\np2 5 5.0\n")
    assert list(listed(study)) == ["p1"]
    study.aggregate()
    with pytest.raises(UsageError, match="no probability"):
        listed(study, ToDecide(p_below=0.9))
    assert listed(study)["p1"]["result"] == 3.5
    study.world.close()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"p_below": 0.9, "votes_below": 3}, "together"),
        ({"p_below": 0.9, "votes_below": None, "split": True}, "together"),
        ({"p_below": 0.0, "votes_below": None}, "above 0"),
        ({"p_below": float("nan"), "votes_below": None}, "above 0"),
        ({"p_below": None, "votes_below": 0}, "at least 1"),
    ],
)
def test_what_means_nothing_is_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        check_wanted(**options)


@given(
    labels=st.dictionaries(
        st.tuples(st.sampled_from(["a", "b", "ä", "B", "c d"]), st.sampled_from(["u", "v", "w"])),
        st.sampled_from(["yes", "no"]),
        min_size=1,
    ),
    size=st.integers(1, 4),
    after=st.sampled_from([None, "a", "b"]),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_list_is_the_same_however_many_labels_are_read_at_a_time(
    photos: LabelStudy,
    monkeypatch: pytest.MonkeyPatch,
    labels: dict[tuple[str, str], str],
    size: int,
    after: str | None,
) -> None:
    photos.write("DELETE FROM turkctl_label")
    photos.import_rows((item, worker, label) for (item, worker), label in labels.items())
    monkeypatch.setattr(disagree, "FIRST", size)
    monkeypatch.setattr(disagree, "MOST", size)
    said: dict[str, set[str]] = {}
    for (item, _worker), label in labels.items():
        said.setdefault(item, set()).add(label)
    expected = [item for item in sorted(said) if len(said[item]) == 2 and (after is None or item > after)]
    assert list(listed(photos, after=after)) == expected


def test_the_number_of_queries_does_not_grow_with_the_items(photos: LabelStudy) -> None:
    photos.import_rows(rows_of(["10"] * 3))
    photos.aggregate(method="majority")
    with counted(photos.world.database) as few:
        assert len(listed(photos)) == 3
    photos.import_rows(rows_of(["10"] * 300))
    with counted(photos.world.database) as many:
        assert len(listed(photos)) == 300
    assert len(many) == len(few)


def test_before_an_aggregation_the_answers_say_which_labels_can_be_set(tmp_path: Path) -> None:
    study = LabelStudy(tmp_path, '\n[experiments.photos.labels]\nmethod = "majority"\n')
    assert settable(study.world, "photos") == ["false", "true"]
    votes(study, "p1 cat dog\np2 cat cat\n")
    assert settable(study.world, "photos") == ["cat", "dog"]
    set_label(study.world, "photos", "p1", "Cat")
    assert listed(study) == {}
    study.world.close()


PAGE = "<form><input name='a'>{}</form>"
DATA = {"file": "1.jpg", "page": "https://a.example/x?y=1", "text": "see it", "n": 3}


@pytest.mark.parametrize(
    ("settings_", "page", "data", "expected"),
    [
        ("", '<a href="${page}">x</a><img src="https://i.example/${file}">', DATA, "https://i.example/1.jpg"),
        ("", "<img src='/local/${file}'> <a href=${page}>x</a>", DATA, "https://a.example/x?y=1"),
        ("", '<img src="https://i.example/logo.png"><p>${text}</p>', DATA, "https://a.example/x?y=1"),
        ("", '<img src="https://i.example/?a=1&amp;f=${file}">', DATA, "https://i.example/?a=1&f=1.jpg"),
        ("", "<script>const all = ${contents_json};</script>", DATA, "https://a.example/x?y=1"),
        ("", "<script>const all = ${contents_json};</script>", {**DATA, "b": "http://b.example/"}, None),
        ("", "<p>${text}</p>", {"text": "http without an address"}, None),
        ('html_template_language = "liquid"\n', '<img src="{{ task.input.page }}">', DATA, "https://a.example/x?y=1"),
        ("contents_per_hit = 2\n", '<img src="https://i.example/${file_1}"><img src="https://i.example/${file_2}">',
         DATA, "https://i.example/1.jpg"),
    ],
)  # fmt: skip
def test_the_address_of_an_item_is_where_its_page_shows_it(
    tmp_path: Path, settings_: str, page: str, data: dict[str, Any], expected: str | None
) -> None:
    (tmp_path / "p.html").write_text(PAGE.format(page))
    study = LabelStudy(tmp_path, LABELS)
    text = (tmp_path / "turkctl.toml").read_text()
    replaced = 'external_url = "https://lab.example.org/photo"\n'
    assert replaced in text
    (tmp_path / "turkctl.toml").write_text(text.replace(replaced, f'html_template = "p.html"\n{settings_}'))
    study.configure_file()
    with study.world.database.read() as session:
        version = find_experiment(session, "photos")
    assert ItemAddresses(version).of("p1", data) == expected
    assert ItemAddresses(version).of("p1", None) is None
    assert ItemAddresses(version).of("https://i.example/p1", None) == "https://i.example/p1"
    study.world.close()
