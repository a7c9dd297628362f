"""How far items are: by experiment, day, week and person; only answers that count, and no known items."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import KINDS, new_database
from label_support import LabelStudy
from queries import counted
from study_support import worker

from turkctl.errors import NotFoundError, UsageError
from turkctl.operations.labels.changes import exclude_workers
from turkctl.operations.status.content import GROUPS, check_group, content_status
from turkctl.operations.status.pace import ContentPace, pace_of
from turkctl.operations.status.read import read_status
from turkctl.store.contents_progress import DayOfContent

KEYS = """
contents_per_hit = 2
outputs = 3
gold_per_hit = 1
answer_field = "label_{n}"
[experiments.photos.labels]
classes = ["cat", "dog", "fox"]
method = "majority"
min_votes = 1
"""
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)  # a Wednesday


@pytest.fixture(params=KINDS)
def study(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[LabelStudy]:
    """Two ordinary items and a known one in a HIT, three answers wanted of each."""
    with new_database(request.param, tmp_path) as url:
        made = LabelStudy(tmp_path, KEYS, url=url)
        made.add_numbered(2)
        made.add("key,url,truth\ng1,x,cat\n", gold="truth")
        made.dispatch()
        yield made
        made.world.close()


def say(study: LabelStudy, number: int, *words: str) -> None:
    """Have somebody answer the places of the only HIT."""
    (hit,) = study.shown()
    study.answer(hit, number, **{f"label_{place}": word for place, word in enumerate(words, start=1)})
    study.sync()


def places(study: LabelStudy) -> list[str]:
    """The keys that the only HIT shows."""
    (keys,) = study.shown().values()
    return keys


def words_for(study: LabelStudy, **said: str) -> list[str]:
    return [said[key] for key in places(study)]


def answered(study: LabelStudy, number: int, moment: datetime) -> None:
    """Let somebody's answers be of this moment."""
    text = f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"
    study.write("UPDATE turkctl_assignment SET submitted = :at WHERE worker_id = :who", at=text, who=worker(number))


def status(study: LabelStudy, group: str | None = None) -> list[dict[str, Any]]:
    found = list(content_status(study.world, group=group))
    assert all(tuple(row) == tuple(GROUPS[group]) for row in found)
    return found


def test_an_experiment_has_a_row_and_only_usable_answers_count(study: LabelStudy) -> None:
    (row,) = status(study)
    assert (row["items"], row["finished"], row["usable"], row["wanted"]) == (2, 0, 0, 6)
    assert (row["today"], row["per_day"], row["expected_end"]) == (0, None, None)
    say(study, 1, *words_for(study, i0="cat", i1="cow", g1="cat"))
    (row,) = status(study)
    assert (row["usable"], row["today"], row["last_7_days"]) == (1, 1, 1)
    exclude_workers(study.world, "photos", [worker(1)])
    assert [row["usable"] for row in status(study)] == [0]


def test_days_and_weeks_add_up_and_an_item_is_finished_with_its_last_answer(study: LabelStudy) -> None:
    now = study.world.now()
    for number in (1, 2, 3):
        say(study, number, *words_for(study, i0="cat", i1="cow" if number == 3 else "dog", g1="cat"))
        answered(study, number, now - timedelta(days=5 - number))
    days = status(study, "day")
    first = date.fromisoformat(days[0]["day"])
    assert [date.fromisoformat(row["day"]) - first for row in days] == [timedelta(days=each) for each in range(3)]
    assert [(row["usable"], row["finished"]) for row in days] == [(2, 0), (2, 0), (1, 1)]
    weeks = status(study, "week")
    assert (sum(row["usable"] for row in weeks), sum(row["finished"] for row in weeks)) == (5, 1)
    year, week, _ = first.isocalendar()
    assert weeks[0]["week"] == f"{year}-W{week:02}"
    assert date.fromisoformat(weeks[0]["begins"]) == first - timedelta(days=first.weekday())
    (row,) = status(study)
    assert (row["usable"], row["finished"], row["today"], row["last_7_days"]) == (5, 1, 0, 5)
    assert row["per_day"] == 1.7
    assert row["expected_end"] - now == pytest.approx(timedelta(days=3 / 5), abs=timedelta(minutes=2))


def test_a_day_is_one_of_utc_and_a_week_begins_on_monday(study: LabelStudy) -> None:
    """The first answer is of a Sunday evening in UTC, and Monday in Berlin."""
    for number, moment in ((1, datetime(2026, 1, 4, 23, 59, tzinfo=UTC)), (2, datetime(2026, 1, 5, tzinfo=UTC))):
        say(study, number, *words_for(study, i0="cat", i1="cow", g1="cat"))
        answered(study, number, moment)
    assert [row["day"] for row in status(study, "day")] == ["2026-01-04", "2026-01-05"]
    weeks = [("2026-W01", "2025-12-29", 1), ("2026-W02", "2026-01-05", 1)]
    assert [(row["week"], row["begins"], row["usable"]) for row in status(study, "week")] == weeks


def test_no_more_answers_count_than_an_item_wants(study: LabelStudy) -> None:
    for number in (1, 2, 3):
        say(study, number, *words_for(study, i0="cat", i1="dog", g1="cat"))
    study.write("UPDATE turkctl_content SET outputs_max = 2 WHERE key = 'i0'")
    assert [(row["usable"], row["finished"]) for row in status(study, "day")] == [(5, 2)]
    assert [(row["usable"], row["wanted"], row["finished"]) for row in status(study)] == [(5, 5, 2)]


def test_people_have_their_items_time_known_items_and_agreement(study: LabelStudy) -> None:
    for number, word in ((1, "cat"), (2, "cat"), (3, "dog")):
        say(study, number, *words_for(study, i0=word, i1=word, g1=word))
    found = {row["worker_id"]: row for row in status(study, "worker")}
    assert {who: row["items"] for who, row in found.items()} == {worker(number): 2 for number in (1, 2, 3)}
    assert [found[worker(number)]["gold_accuracy"] for number in (1, 2, 3)] == [1.0, 1.0, 0.0]
    # Of the two others of each of the first, one said cat and one dog: no majority to agree with.
    assert [found[worker(number)]["agreement"] for number in (1, 2, 3)] == [None, None, 0.0]
    assert all(row["seconds_per_item"] is not None for row in found.values())


def test_agreement_is_the_share_of_labels_that_most_others_gave(study: LabelStudy) -> None:
    rows = [("a", who, said) for who, said in (("w1", "cat"), ("w2", "cat"), ("w3", "cat"), ("w4", "dog"))]
    rows += [("b", who, said) for who, said in (("w1", "dog"), ("w2", "Fox"), ("w3", "fox"), ("w4", "fox"))]
    rows += [("g1", who, said) for who, said in (("w1", "dog"), ("w2", "cat"), ("w3", "cat"))]  # known: left out
    study.import_rows(rows)
    say(study, 1, *words_for(study, i0="cat", i1="cow", g1="cat"))
    from turkctl.operations.experiments.stored import find_experiment
    from turkctl.operations.status.content import agreements

    with study.world.database.read() as session:
        version = find_experiment(session, "photos")
        assert agreements(session, version, "local") == {"w1": 0.5, "w2": 1.0, "w3": 1.0, "w4": 0.5}


def test_the_number_of_queries_does_not_grow_with_items_or_people(study: LabelStudy) -> None:
    say(study, 1, *words_for(study, i0="cat", i1="dog", g1="cat"))
    status(study, "worker")
    numbers = []
    for group in GROUPS:
        with counted(study.world.database) as before:
            status(study, group)
        numbers.append(len(before))
    for number in (2, 3):
        say(study, number, *words_for(study, i0="cat", i1="dog", g1="cat"))
    study.add_numbered(30)
    status(study, "worker")
    for group, number in zip(GROUPS, numbers, strict=True):
        with counted(study.world.database) as after:
            status(study, group)
        assert len(after) == number, group


def test_the_page_of_the_study_tells_the_same_pace(study: LabelStudy) -> None:
    say(study, 1, *words_for(study, i0="cat", i1="dog", g1="cat"))
    study.pass_time(hours=30)
    (row,) = status(study)
    (found,) = [each.content for each in read_status(study.world, study.world.now()).experiments if each.content]
    told = (found.today, found.last_7_days, found.per_day, found.expected_end)
    assert told == tuple(row[name] for name in ("today", "last_7_days", "per_day", "expected_end"))


def test_unknown_names_are_refused(study: LabelStudy) -> None:
    with pytest.raises(NotFoundError):
        content_status(study.world, "fotos")
    with pytest.raises(UsageError, match="no group 'month'"):
        check_group("month")


def test_the_pace_counts_the_hours_of_today_and_of_the_first_day() -> None:
    def day(ago: int, usable: int) -> DayOfContent:
        return DayOfContent(NOW.date() - timedelta(days=ago), usable, 0)

    posted = NOW - timedelta(hours=2)
    assert pace_of([day(0, 5)], posted, NOW, 15) == ContentPace(5, 5, 60.0, NOW + timedelta(hours=6))
    midnight = datetime(2026, 11, 2, 0, 13, tzinfo=UTC)
    just_today = [DayOfContent(midnight.date(), 5, 0)]
    assert pace_of(just_today, midnight - timedelta(hours=2), midnight, 15).expected_end == midnight + timedelta(
        hours=6
    )
    assert pace_of([day(2, 6), day(0, 6)], NOW - timedelta(days=9), NOW, 8) == ContentPace(
        6, 12, 8.0, NOW + timedelta(days=1)
    )
    assert pace_of([day(9, 9)], NOW - timedelta(days=9.25), NOW, 8) == ContentPace(0, 0, 12.0, None)
    assert pace_of([day(ago, 1) for ago in range(30, 1, -1)], None, NOW, 0) == ContentPace(0, 5, 1.0, None)
    assert pace_of([], None, NOW, 8) == ContentPace()
    assert pace_of([day(1, 1)], NOW - timedelta(days=3), NOW, 10**12).expected_end is None
