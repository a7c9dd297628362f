from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import KINDS, new_database
from label_support import LabelStudy
from study_support import worker

from turkctl.operations.labels.changes import exclude_workers, invalidate
from turkctl.operations.labels.lists import show_item

SKIPPING = '\n[experiments.photos.labels]\nfield = "bird"\nmin_votes = 1\nskip = ["cannot tell"]\n'


@pytest.fixture(params=KINDS)
def study(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LabelStudy]:
    """A HIT with the answers yes and no, and imported labels of the same people on it."""
    with new_database(request.param, tmp_path) as url:
        made = LabelStudy(tmp_path, SKIPPING, url=url)
        (hit,) = made.post(3, experiment="photos")
        for number, answer in enumerate(("yes", "no", "Cannot Tell")):
            made.answer(hit, number, bird=answer)
        made.sync()
        assert len(made.labels()) == 3  # the answers are read before the import
        made.import_rows([(hit, worker(0), "no"), (hit, worker(1), "cannot tell"), (hit, worker(2), "yes")])
        yield made
        made.world.close()


def statuses(study: LabelStudy, **narrowed: str) -> list[tuple[str, str | None, str]]:
    return [(who, label, status) for _, who, label, status in study.labels(**narrowed)]


def test_of_several_labels_the_last_that_says_something_counts(study: LabelStudy) -> None:
    expected = [
        (worker(0), "yes", "repeated"),
        (worker(1), "no", "counts"),
        (worker(2), "Cannot Tell", "skipped"),
        (worker(0), "no", "counts"),
        (worker(1), "cannot tell", "skipped"),
        (worker(2), "yes", "counts"),
    ]
    assert statuses(study) == expected
    assert statuses(study, worker=worker(0)) == [expected[0], expected[3]]
    (item,) = {item for item, *_ in study.labels()}
    shown = show_item(study.world, "photos", item)
    assert [vote["status"] for vote in shown["votes"]] == [status for *_, status in expected]


def test_what_is_exported_is_what_a_run_counts(study: LabelStudy) -> None:
    counting = study.labels(counting=True)
    assert [(who, label) for _, who, label, _ in counting] == [
        (worker(1), "no"),
        (worker(0), "no"),
        (worker(2), "yes"),
    ]
    (outcome,) = study.aggregate(method="majority")
    assert outcome.result is not None
    assert outcome.result.run.labels == len(counting)


def test_a_label_that_counts_no_more_repeats_nothing(study: LabelStudy) -> None:
    (item,) = {item for item, *_ in study.labels()}
    invalidate(study.world, "photos", item, worker(0))
    assert [status for *_, status in statuses(study, worker=worker(0))] == ["invalid", "invalid"]
    exclude_workers(study.world, "photos", [worker(1)])
    assert [status for *_, status in statuses(study, worker=worker(1))] == ["excluded", "excluded"]
