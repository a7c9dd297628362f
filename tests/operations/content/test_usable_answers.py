"""Only usable answers count: what is blank, skipped, outside the classes, rejected or repeated is asked for again."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from databases import KINDS, new_database
from dispatch_support import SETTINGS, ContentStudy
from study_support import Study, worker

from turkctl.classes import AnswerRule
from turkctl.errors import ConfigError, UsageError
from turkctl.market.errors import WorkError
from turkctl.market.hit_items import KNOWN_REPEATED
from turkctl.operations.content.dispatch import prepare_dispatch
from turkctl.operations.content.items import list_content, summaries
from turkctl.operations.labels.changes import exclude_workers, invalidate
from turkctl.operations.labels.needs_more import add_outputs
from turkctl.operations.project.labels import LabelSettings
from turkctl.operations.selection.hits import Selection
from turkctl.operations.sync.usable import why_not_usable
from turkctl.operations.workers.reject import prepare_reject

LABELS = """
answer_field = "label_{n}"
outputs = 2
[experiments.photos.labels]
classes = ["cat", "dog"]
skip = ["unclear"]
method = "majority"
"""


@pytest.fixture
def study(tmp_path: Path) -> Iterator[ContentStudy]:
    """One item, two answers wanted, cat or dog."""
    made = ContentStudy(tmp_path, LABELS)
    made.add("key,url\none,u\n")
    yield made
    made.world.close()


def counts(study: ContentStudy) -> dict[str, tuple[int, int]]:
    """(answers, usable) by key."""
    return {row["key"]: (row["answers"], row["usable"]) for row in list_content(study.world)}


def answer_all(study: ContentStudy, *values: str | None) -> list[str]:
    """Have people give these answers to the newest HIT; None leaves the field out. Return the assignments."""
    hit = list(study.shown())[-1]
    made = []
    for number, value in enumerate(values, start=len(study.sql("SELECT id FROM turkctl_assignment")) + 1):
        made.append(study.answer(hit, number, **({"other": "x"} if value is None else {"label_1": value})))
    study.sync()
    return made


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("cat", None),
        (" Cat ", None),
        ("", "blank"),
        ("  \t", "blank"),
        (None, "blank"),
        ("Unclear", "skipped"),
        ("fox", "outside"),
    ],
)
def test_an_answer_is_usable_if_it_is_one_of_the_classes(text: str | None, reason: str | None) -> None:
    assert why_not_usable(text, LabelSettings(classes=["cat", "dog"], skip=["unclear"]).rule()) == reason


def test_without_named_classes_every_answer_that_is_not_blank_or_skipped_is_usable() -> None:
    assert why_not_usable("anything", AnswerRule()) is None
    assert why_not_usable("anything", LabelSettings(method="cubam").rule()) is None
    assert why_not_usable("maybe", LabelSettings(true=["ja"], false=["nein"]).rule()) == "outside"
    assert why_not_usable("JA", LabelSettings(true=["ja"], false=["nein"]).rule()) is None


@pytest.mark.parametrize("odd", ["fox", " ", None, "unclear"])
def test_what_is_no_answer_is_asked_for_again(study: ContentStudy, odd: str | None) -> None:
    study.dispatch()
    answer_all(study, "cat", odd)
    assert counts(study) == {"one": (2, 1)}
    assert study.pending() == ["one"]
    study.dispatch()
    assert study.size(list(study.shown())[-1]) == 1
    answer_all(study, "Dog")
    assert counts(study) == {"one": (3, 2)}
    assert study.pending() == []


def test_rejected_taken_out_and_excluded_answers_are_asked_for_again(study: ContentStudy) -> None:
    study.dispatch()
    first, _second = answer_all(study, "cat", "dog")
    assert study.pending() == []
    study.apply(prepare_reject(study.world, [first], "no"))
    assert counts(study) == {"one": (2, 1)}
    invalidate(study.world, "photos", "one", worker(2))
    assert counts(study) == {"one": (2, 0)}
    invalidate(study.world, "photos", "one", worker(2), undo=True)
    assert counts(study) == {"one": (2, 1)}
    exclude_workers(study.world, "photos", [worker(2)])
    assert counts(study) == {"one": (2, 0)}
    exclude_workers(study.world, "photos", [worker(2)], undo=True)
    (line,) = summaries(study.world)
    assert line == "photos: 0 of 1 item has all answers wanted, 1 lacks 1; 2 answers, 1 usable (1 rejected)"


def test_a_change_of_the_settings_changes_what_counts(study: ContentStudy, tmp_path: Path) -> None:
    study.dispatch()
    answer_all(study, "cat", "fox")
    assert counts(study) == {"one": (2, 1)}
    file = tmp_path / "turkctl.toml"
    file.write_text(file.read_text().replace('["cat", "dog"]', '["cat", "dog", "fox"]'))
    study.configure_file()
    assert counts(study) == {"one": (2, 2)}


def test_two_answers_of_one_person_count_once_where_the_market_cannot_prevent_them(
    study: ContentStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(study.world.mturk), "keeps_items_apart", lambda _self: False)
    study.dispatch()
    answer_all(study, "cat", "fox")
    plan, _act = prepare_dispatch(study.world, Selection())
    (note,) = plan.notes
    assert "up to 1 answer may come from people who answer an item a second time" in note
    study.dispatch()
    study.answer(list(study.shown())[-1], 1, label_1="dog")
    study.sync()
    assert counts(study) == {"one": (3, 1)}
    assert study.pending() == ["one"]
    assert summaries(study.world)[0].endswith(
        "(1 blank, skipped or outside the classes, 1 by somebody who had answered the item)"
    )


def test_a_second_opinion_is_not_given_by_somebody_who_gave_the_first(study: ContentStudy) -> None:
    study.dispatch()
    answer_all(study, "cat", "dog")
    add_outputs(study.world, "photos", ["one"], 1)
    study.dispatch()
    newest = list(study.shown())[-1]
    for number in (1, 2):
        with pytest.raises(WorkError, match="already"):
            study.answer(newest, number, label_1="cat")
    study.answer(newest, 3, label_1="cat")


def test_a_market_that_does_not_know_items_is_not_told_them(
    study: ContentStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(study.world.mturk), "keeps_items_apart", lambda _self: False)
    study.dispatch()
    answer_all(study, "cat", "fox")
    study.dispatch()
    study.answer(list(study.shown())[-1], 1, label_1="cat")


def test_answers_that_can_never_count_stop_the_dispatch(tmp_path: Path) -> None:
    study = ContentStudy(tmp_path, LABELS)
    study.add_numbered(6)
    study.dispatch()
    for hit in study.shown():
        for number in (1, 2):
            study.answer(hit, number, wrong_field="cat")
    study.sync()
    with pytest.raises(UsageError, match="none of its 12 answers is usable"):
        study.dispatch()
    study.world.close()


PAGE = "<p>${url_1} ${url_2}</p>"


def configured(folder: Path, page: str, keys: str) -> None:
    """Configure an experiment with this page."""
    (folder / "page.html").write_text(page)
    table = SETTINGS.replace('external_url = "https://lab.example.org/photo"', 'html_template = "page.html"')
    (folder / "turkctl.toml").write_text(table + keys)
    lab = Study(folder)
    try:
        lab.configure_file()
    finally:
        lab.world.close()


@pytest.mark.parametrize("known", ["gold_per_hit = 1", "gold_share = 0.3"])
def test_a_page_that_shows_fewer_items_than_its_hits_have_is_refused(tmp_path: Path, known: str) -> None:
    keys = f"contents_per_hit = 2\n{known}\n"
    with pytest.raises(ConfigError, match="shows 2 items, but a HIT has 3"):
        configured(tmp_path, PAGE, keys)
    configured(tmp_path, PAGE + "${url_3}", keys)
    configured(tmp_path, "<script>const all = ${contents_json};</script>", keys)


WHOLE = """
contents_per_hit = 6
outputs = 3
gold_per_hit = 1
answer_field = "label_{n}"
[experiments.photos.labels]
classes = ["cat", "dog"]
method = "majority"
"""


@pytest.fixture(params=KINDS)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database, on SQLite and on PostgreSQL."""
    with new_database(request.param, tmp_path) as found:
        yield found


def people_work(study: ContentStudy, rng: random.Random, people: int) -> None:
    """Have people do all that is offered to them, with some answers that are none."""
    market, busy = study.world.market, True
    while busy:
        busy = False
        for number in rng.sample(range(people), people):
            who = worker(number)
            market.register_worker("production", who)
            found = market.available_hits("production", who)
            tried = (_accepted(study, who, hit["HITId"]) for hit in rng.sample(found, len(found)))
            for taken in islice(filter(None, tried), 1):  # who is told that another one comes first, looks for it
                busy = True
                if rng.random() < 0.1:
                    market.return_assignment("production", who, taken["AssignmentId"])
                    continue
                values = [rng.choices(["cat", "dog", "fox", ""], [45, 45, 5, 5])[0] for _ in range(8)]
                fields = {f"label_{place}": value for place, value in enumerate(values, start=1)}
                market.submit("production", who, taken["AssignmentId"], fields)


def _accepted(study: ContentStudy, who: str, hit_id: str) -> Any:
    try:
        return study.world.market.accept("production", who, hit_id)
    except WorkError as error:
        if error.code != KNOWN_REPEATED:
            raise
        return None


@pytest.mark.parametrize("items", [18, pytest.param(60, marks=pytest.mark.slow)])
def test_every_item_ends_with_the_answers_wanted_by_as_many_people(tmp_path: Path, address: str, items: int) -> None:
    study = ContentStudy(tmp_path, WHOLE, database_url=address)
    study.add_numbered(items)
    study.add("key,url,truth\n" + "".join(f"g{n},u,cat\n" for n in range(5)), gold="truth")
    rng = random.Random(5)
    for round_ in range(30):
        if round_ == 1:
            exclude_workers(study.world, "photos", [worker(1)])
            work = study.sql("SELECT assignment_id FROM turkctl_assignment WHERE status = 'Submitted' ORDER BY id")
            study.apply(prepare_reject(study.world, [row[0] for row in work[:5]], "no"))
            add_outputs(study.world, "photos", ["i7", "i8", "i9"], 1)
        if not study.dispatch().results:
            break
        people_work(study, rng, 12)
        study.sync()
    else:
        raise AssertionError("it never ends")
    assert study.pending() == []
    rows = study.sql(
        "SELECT c.key, a.worker_id, a.status, l.position, a.answers FROM turkctl_content_hit l "
        "JOIN turkctl_content c ON c.id = l.content_id JOIN turkctl_assignment a ON a.hit_row = l.hit_row "
        "WHERE c.gold IS NULL"
    )
    assert max(Counter((key, who) for key, who, *_ in rows).values()) == 1
    usable = Counter(
        key
        for key, who, status, position, answers in rows
        if status != "Rejected" and who != worker(1) and _says(answers, position) in ("cat", "dog")
    )
    wanted = dict(study.sql("SELECT key, outputs_max FROM turkctl_content WHERE gold IS NULL"))
    assert [key for key, number in wanted.items() if usable[key] < number] == []
    assert len(wanted) == items
    listed = {row["key"]: row["usable"] for row in list_content(study.world) if row["gold"] is None}
    assert listed == dict(usable)
    study.world.close()


def _says(answers: Any, position: int) -> str | None:
    fields = json.loads(answers) if isinstance(answers, str) else answers
    found: str | None = (fields or {}).get(f"label_{position}")
    return found
