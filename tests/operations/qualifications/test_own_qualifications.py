"""Qualification types of the project's own: made once, changed, found again, asked for on HITs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from study_support import Study, new_study

from turkctl.errors import ConfigError, MistakesError, NotFoundError, TurkctlError
from turkctl.mturk import requirements
from turkctl.operations.configure import configure_project
from turkctl.operations.project.files import read_project
from turkctl.operations.qualifications.by_name import find_type, holders, list_types
from turkctl.operations.qualifications.grants import prepare_grant, prepare_revoke, read_workers
from turkctl.operations.qualifications.took_part import ensure_type
from turkctl.store import experiments
from turkctl.store.base import ANY_MARKET, Place

TRAINED = """
[qualifications.trained]
name = "Passed the training"
description = "Got 80 % of the training right."
"""
WORDS = """
[experiments.words]
code_version = "1"
title = "Words"
description = "Words."
reward = "0.10"
external_url = "https://lab.example.org/words"
qualifications = { at_least = { trained = 80 }, percent_approved = 90 }
"""
CHANGING = {"CreateQualificationType", "UpdateQualificationType"}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Study]:
    """A lab whose file can be changed and read again."""
    with new_study(tmp_path) as made:
        yield made


def configure(study: Study, text: str) -> dict[str, str]:
    """The status of every experiment and qualification, by name."""
    path = study.folder / "turkctl.toml"
    path.write_text(text, encoding="utf-8")
    rows, _superseded = configure_project(study.world, read_project(path, study.folder), whole=True)
    return {row["qualification"] or row["experiment"]: row["status"] for row in rows}


def types(study: Study) -> list[Any]:
    """The account's own types, as the market has them."""
    return list(study.world.mturk.list_qualification_types())


def test_a_type_is_made_once_and_changed_when_its_description_does(project: Study) -> None:
    assert configure(project, TRAINED + WORDS) == {"trained": "created", "words": "created", "stroop": "removed"}
    assert project.requests()["CreateQualificationType"] == 1
    assert configure(project, TRAINED + WORDS) == {"trained": "unchanged", "words": "unchanged"}
    assert not CHANGING & project.requests().keys()
    changed = (TRAINED + WORDS).replace("80 % of", "85 % of")
    assert configure(project, changed) == {"trained": "changed", "words": "changed"}
    (made,) = types(project)
    assert (made.name, made.description) == ("Passed the training", "Got 85 % of the training right.")


def test_a_type_whose_making_nobody_saw_the_end_of_is_found_by_its_name(project: Study) -> None:
    made = project.world.mturk.create_qualification_type("Passed the training", "made before a crash")
    project.pass_time(minutes=2)
    assert configure(project, TRAINED + WORDS)["trained"] == "created"
    assert [(each.type_id, each.description) for each in types(project)] == [
        (made.type_id, "Got 80 % of the training right.")
    ]


def test_lost_answers_never_make_a_second_type(project: Study) -> None:
    text = TRAINED + "".join(TRAINED.replace("trained", f"t{n}").replace("Passed", f"Passed {n}") for n in range(5))
    for seed in range(8):
        project.switch(answer_lost=0.5, seed=seed)
        try:
            configure(project, text + WORDS)
        except TurkctlError:
            project.pass_time(minutes=2)
    project.switch()
    project.pass_time(minutes=2)
    configure(project, text + WORDS)
    assert len(types(project)) == 6
    assert set(configure(project, text + WORDS).values()) == {"unchanged"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"Passed the training"', '"Passed it"', "name = 'Passed the training', which cannot be changed"),
        ("80 %", '80 %"\nkeywords = "a', r"keywords = \[\], which cannot be changed"),
    ],
)
def test_what_the_market_keeps_cannot_be_changed(project: Study, old: str, new: str, said: str) -> None:
    configure(project, TRAINED + WORDS)
    with pytest.raises(ConfigError, match=said):
        configure(project, (TRAINED + WORDS).replace(old, new).replace("1", "2"))
    assert project.sql("SELECT max(version) FROM turkctl_experiment_settings WHERE code_version = '1'") == [(1,)]


def test_a_hit_asks_for_the_type_by_its_id_on_the_market(project: Study) -> None:
    configure(project, TRAINED + WORDS)
    (hit_id,) = project.post(1, experiment="words")
    asked = project.world.mturk.get_hit(hit_id).requirements
    (made,) = types(project)
    assert requirements.from_api(asked) == {
        "percent_approved": 90,
        "custom": [{"type": made.type_id, "comparator": "GreaterThanOrEqualTo", "values": [80]}],
    }


def test_the_first_hit_makes_a_type_that_configuring_could_not(project: Study) -> None:
    configure(project, TRAINED + WORDS)
    project.world.mturk.delete_qualification_type(types(project)[0].type_id)
    project.pass_time(days=3)
    project.write("DELETE FROM turkctl_qualification")
    (hit_id,) = project.post(1, experiment="words")
    (made,) = types(project)
    assert made.type_id in str(project.world.mturk.get_hit(hit_id).requirements)


def test_a_type_that_the_market_dropped_is_made_anew_at_the_next_try(project: Study) -> None:
    from turkctl.operations.hits.create import CreateRequest, prepare_create

    configure(project, TRAINED + WORDS)
    project.world.mturk.delete_qualification_type(types(project)[0].type_id)
    project.pass_time(days=3)
    request = CreateRequest("words", 1)
    assert project.apply(prepare_create(project.world, request)).failed == 1
    assert project.apply(prepare_create(project.world, request)).succeeded == 1


def test_only_workers_with_the_type_can_take_the_hit(project: Study) -> None:
    configure(project, TRAINED + WORDS.replace(", percent_approved = 90", ""))
    (hit_id,) = project.post(2, experiment="words")
    project.world.market.register_worker("production", "AW000001")
    assert (
        project.apply(
            prepare_grant(project.world, "trained", read_workers(["AW000001"], None, sys.stdin), value=90)
        ).succeeded
        == 1
    )
    assert project.accept(hit_id, "AW000001")
    with pytest.raises(Exception, match="ualif"):
        project.accept(hit_id, "AW000002")


def test_granting_and_revoking_twice_does_no_harm(project: Study) -> None:
    configure(project, TRAINED + WORDS)
    for worker in ("AW000001", "AW000002"):
        project.world.market.register_worker("production", worker)
    for value in (50, 60):
        result = project.apply(
            prepare_grant(
                project.world, "trained", read_workers(["AW000001", "AW000002"], None, sys.stdin), value=value
            )
        )
        assert [item.status for item in result.results] == ["granted", "granted"]
    named = find_type(project.world, "Passed the training")
    held = {each["worker_id"]: each["value"] for each in holders(project.world, named)}
    assert held == {"AW000001": 60, "AW000002": 60}
    for status in ("revoked", "already_done"):
        result = project.apply(
            prepare_revoke(
                project.world, named.type_id, read_workers(["AW000001"], None, sys.stdin), reason="no longer"
            )
        )
        assert [item.status for item in result.results] == [status]
    assert [each["worker_id"] for each in holders(project.world, named)] == ["AW000002"]
    assert [each["worker_id"] for each in holders(project.world, named, revoked=True)] == ["AW000001"]


def test_a_decision_by_hand_on_a_type_of_repeat_workers_is_remembered(project: Study) -> None:
    with project.world.database.read() as session:
        version = experiments.by_slug(session, "stroop")
    assert version is not None
    type_id = ensure_type(project.world, version, project.world.now())
    project.world.market.register_worker("production", "AW000001")
    assert (
        project.apply(prepare_revoke(project.world, type_id, read_workers(["AW000001"], None, sys.stdin))).succeeded
        == 1
    )
    assert project.sql("SELECT worker_id FROM turkctl_qualification_grant") == [("AW000001",)]
    with project.world.database.read() as session:
        listed = list_types(session, project.world.place)
    assert [(each["type_id"], each["purpose"]) for each in listed] == [(type_id, "took_part")]


def test_an_unknown_name_is_refused_with_the_nearest(project: Study) -> None:
    configure(project, TRAINED + WORDS)
    with pytest.raises(NotFoundError) as caught:
        find_type(project.world, "traned")
    assert caught.value.hint == "did you mean 'trained'?"
    with pytest.raises(NotFoundError):
        find_type(project.world, "3NOSUCHTYPE")


TEST = """<QuestionForm xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2017-11-06/QuestionForm.xsd">
<Question><QuestionIdentifier>q</QuestionIdentifier><QuestionContent><Text>1 + 1?</Text></QuestionContent>
<AnswerSpecification><FreeTextAnswer/></AnswerSpecification></Question></QuestionForm>"""


def test_a_type_can_have_a_test(project: Study) -> None:
    (project.folder / "test.xml").write_text(TEST, encoding="utf-8")
    configure(project, TRAINED + 'test = "test.xml"\ntest_duration = "10m"\nretry_delay = "1d"\n' + WORDS)
    (made,) = types(project)
    assert (made.test, made.test_duration.total_seconds(), made.retry_delay.total_seconds()) == (TEST, 600, 86_400)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TRAINED.replace("trained", "Trained"), "'Trained' is not a valid name of a qualification"),
        (TRAINED.replace("description", "descripton"), "unknown key 'descripton'; did you mean 'description'?"),
        (TRAINED + 'test = "test.xml"\n', "test and test_duration must be given together"),
        (TRAINED + 'test = "none.xml"\ntest_duration = "1m"\n', "cannot read"),
        (TRAINED + 'answer_key = "key.xml"\n', "answer_key needs a test"),
        (TRAINED + TRAINED.replace("trained", "other"), "qualifications 'trained' and 'other' have the same name"),
        ("qualifications = 1\n", "'qualifications' must have a table for each type"),
        (WORDS, "there is no qualification 'trained'"),
        (WORDS + TRAINED.replace("trained", "traind"), "did you mean 'traind'?"),
    ],
)
def test_a_mistake_in_a_qualification_is_named(project: Study, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        configure(project, text)
    mistakes = caught.value.mistakes if isinstance(caught.value, MistakesError) else (caught.value,)
    assert any(said in each.message for each in mistakes)
    assert project.sql("SELECT count(*) FROM turkctl_experiment WHERE slug = 'words'") == [(0,)]


def test_a_list_that_knows_no_market_has_the_types_of_all_markets_of_the_mode(project: Study) -> None:
    configure(project, TRAINED + WORDS)
    with project.world.database.read() as session:
        everywhere = list_types(session, Place(project.world.place.mode, ANY_MARKET))
        assert [row["qualification"] for row in everywhere] == ["trained"]
        assert list_types(session, Place("live", ANY_MARKET)) == []
