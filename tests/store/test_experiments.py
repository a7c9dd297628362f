from __future__ import annotations

import pytest
from pydantic import ValidationError
from rows import HOUR, NOW
from sqlmodel import Session

from turkctl.store import experiments
from turkctl.store.engine import Database


def _save(session: Session, slug: str = "stroop", digest: str = "d1", code_version: str = "1.0") -> str:
    return experiments.save_version(
        session,
        slug,
        code_version=code_version,
        digest=digest,
        settings={"title": "Colours", "reward": "0.50", "digest": digest},
        source="turkctl.toml",
        now=NOW,
    )


def test_an_experiment_is_created_then_unchanged_then_changed(database: Database) -> None:
    for digest, outcome in [("d1", "created"), ("d1", "unchanged"), ("d2", "changed"), ("d2", "unchanged")]:
        with database.write() as session:
            assert _save(session, digest=digest) == outcome


def test_the_current_settings_are_the_last_saved(database: Database) -> None:
    with database.write() as session:
        _save(session, digest="d1", code_version="1.0")
        _save(session, digest="d2", code_version="1.1")
    with database.read() as session:
        found = experiments.by_slug(session, "stroop")
        assert found is not None
        assert (found.version, found.code_version, found.digest, found.active) == (2, "1.1", "d2", True)
        assert found.settings == {"title": "Colours", "reward": "0.50", "digest": "d2"}
        assert found.created == NOW
        assert experiments.settings_of(session, found.settings_id) == found
        assert experiments.by_slug(session, "other") is None


def test_going_back_to_earlier_settings_is_a_version_of_its_own(database: Database) -> None:
    with database.write() as session:
        outcomes = [_save(session, digest=digest) for digest in ("d1", "d2", "d1")]
    with database.read() as session:
        found = experiments.history(session, "stroop")
    assert outcomes == ["created", "changed", "changed"]
    assert [(version.version, version.digest) for version in found] == [(3, "d1"), (2, "d2"), (1, "d1")]


def test_experiments_are_listed_by_slug_with_or_without_the_inactive(database: Database) -> None:
    with database.write() as session:
        for slug in ("stroop", "flanker", "simon"):
            _save(session, slug)
        assert experiments.deactivate(session, "flanker")
    with database.read() as session:
        assert [found.slug for found in experiments.list_all(session)] == ["flanker", "simon", "stroop"]
        assert [found.slug for found in experiments.list_all(session, inactive=False)] == ["simon", "stroop"]


def test_an_experiment_is_deactivated_once_and_comes_back_when_saved_again(database: Database) -> None:
    with database.write() as session:
        _save(session)
        assert experiments.deactivate(session, "stroop")
        assert not experiments.deactivate(session, "stroop")
        assert not experiments.deactivate(session, "unknown")
        assert _save(session) == "changed"
        found = experiments.by_slug(session, "stroop")
    assert found is not None
    assert found.active
    assert found.version == 1


def test_an_inactive_experiment_with_new_settings_is_active_again(database: Database) -> None:
    with database.write() as session:
        _save(session)
        experiments.deactivate(session, "stroop")
        _save(session, digest="d2")
        found = experiments.by_slug(session, "stroop")
    assert found is not None
    assert (found.active, found.version) == (True, 2)


def test_values_of_the_wrong_kind_are_refused_before_they_are_stored(database: Database) -> None:
    with pytest.raises(ValidationError), database.write() as session:
        _save(session, slug="x" * 129)
    with pytest.raises(ValidationError), database.write() as session:
        _save(session, code_version=1)  # type: ignore[arg-type]  # on purpose: SQLModel alone would store it
    with database.read() as session:
        assert experiments.list_all(session) == []


def test_the_time_of_a_version_is_when_it_was_stored(database: Database) -> None:
    with database.write() as session:
        _save(session)
        experiments.save_version(
            session, "stroop", code_version="2", digest="d2", settings={}, source="a.toml", now=NOW + HOUR
        )
        assert [found.created for found in experiments.history(session, "stroop")] == [NOW + HOUR, NOW]
