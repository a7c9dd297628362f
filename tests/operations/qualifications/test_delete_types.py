"""Deleting qualification types: what is needed is refused, the rest is gone on the market and here."""

from __future__ import annotations

from pathlib import Path

import pytest
from study_support import Study

from turkctl.errors import NotFoundError, RefusedError
from turkctl.operations.engine.plan import BatchResult
from turkctl.operations.qualifications.by_name import create_type, find_type, list_types, spec_of
from turkctl.operations.qualifications.delete import prepare_delete_types


def made(study: Study, name: str) -> str:
    """A type made by hand; its id."""
    spec = spec_of(name, "What it says.", (), None, active=True)
    return str(create_type(study.world, name, spec)["type_id"])


def delete(study: Study, *names: str) -> BatchResult:
    return study.apply(prepare_delete_types(study.world, names))


def known(study: Study) -> list[str]:
    with study.world.database.read() as session:
        return [row["name"] for row in list_types(session, study.world.place)]


def require(study: Study, line: str) -> None:
    """Configure the experiment with requirements."""
    study.configure({"stroop": "1.0"}, f"qualifications = {line}")


def test_a_type_is_gone_on_the_market_and_here_and_deleting_again_does_no_harm(study: Study) -> None:
    type_id, other = made(study, "Trained"), made(study, "Speaks German")
    result = delete(study, "Trained", type_id)  # both name the same
    assert [(item.id, item.status, item.detail) for item in result.results] == [(type_id, "deleted", "Trained")]
    assert known(study) == ["Speaks German"]
    assert [each.type_id for each in study.world.mturk.list_qualification_types()] == [other]
    with pytest.raises(NotFoundError):
        find_type(study.world, "Trained")
    again = made(study, "Speaks German")
    study.world.mturk.delete_qualification_type(again)  # behind our back
    assert [item.status for item in delete(study, "Speaks German").results] == ["already_done"]
    assert known(study) == []


def test_an_unknown_name_fails_alone(study: Study) -> None:
    made(study, "Trained")
    result = delete(study, "Trained", "trainned", "3NOSUCHTYPE")
    assert [item.status for item in result.results] == ["deleted", "failed", "failed"]
    assert int(result.exit_code) == 1


@pytest.mark.parametrize("requirement", ['{ absent = ["%s"] }', '{ at_least = { "%s" = 80 } }'])
def test_what_a_configured_experiment_asks_for_is_refused_and_nothing_is_deleted(
    study: Study, requirement: str
) -> None:
    free, needed = made(study, "Free"), made(study, "Trained")
    require(study, requirement % needed)
    with pytest.raises(RefusedError, match="'Trained' is needed by experiment stroop"):
        prepare_delete_types(study.world, [free, "Trained"])
    assert known(study) == ["Free", "Trained"]
    require(study, "{}")
    assert [item.status for item in delete(study, "Trained").results] == ["deleted"]


def test_the_type_of_a_configured_experiment_goes_with_it(study: Study) -> None:
    study.create(1)
    study.round()
    with pytest.raises(RefusedError, match="belongs to the experiment stroop") as refused:
        prepare_delete_types(study.world, [known(study)[0]])
    assert refused.value.hint == "to delete it with the experiment's other types, run: turkctl experiments end stroop"


def test_what_hits_on_the_market_ask_for_is_refused(study: Study) -> None:
    needed = made(study, "Trained")
    require(study, f'{{ absent = ["{needed}"] }}')
    (hit,) = study.post(1)
    require(study, "{}")
    with pytest.raises(RefusedError, match="1 HIT on the market asks for"):
        prepare_delete_types(study.world, [needed])
    study.world.mturk.expire_hit(hit)
    study.world.mturk.delete_hit(hit)
    assert [item.status for item in delete(study, needed).results] == ["deleted"]


def test_not_after_needs_the_types_of_an_experiment_that_is_in_no_file_any_more(folder: Path) -> None:
    study = Study.new(folder, {"stroop": "1.0"})
    try:
        study.create(1)
        study.round()
        name = known(study)[0]
        for number in [hit.hit_id for hit in study.world.mturk.list_hits()]:
            study.world.mturk.expire_hit(number)
            study.world.mturk.delete_hit(number)
        study.configure({"later": "1.0"}, 'not_after = ["stroop"]')
        with pytest.raises(RefusedError, match="is needed by experiment later"):
            prepare_delete_types(study.world, [name])
        study.configure({"later": "1.0"})
        assert [item.status for item in delete(study, name).results] == ["deleted"]
    finally:
        study.close()
