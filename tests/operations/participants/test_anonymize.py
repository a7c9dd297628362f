"""Pseudonyms: no id is left, equal ids stay equal under one key, and another key gives others."""

from __future__ import annotations

import json
import re
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from turkctl.errors import UsageError
from turkctl.operations.participants.anonymize import Pseudonyms, load_key

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
ONE = Pseudonyms(b"one key of at least 16 bytes")
OTHER = Pseudonyms(b"another key, as long as that")
WORKER, ASSIGNMENT, HIT = "A2SUAM0TGS4XYZ", "3C5755A3PKP50FI8ATS34E90MIB6WE", "3GPMHDQHB31IW0SC3TTK5MIXQIRZNI"
STRANGER = "A7SUAM0TGS4QQQ"


def keys(worker: str, assignment: str, hit: str) -> dict[str, str]:
    return {
        "uniqueid": f"{worker}:{assignment}", "worker_id": worker, "assignment_id": assignment, "hit_id": hit,
        "status": "submitted",
    }  # fmt: skip


# Longer than four, and with a letter that no pseudonym and no JSON has, so that nothing else can be taken for one.
IDS = st.text('QXZ0123456789äé:/"\\', min_size=4, max_size=20).map(lambda text: f"Q{text}")
NUMBERED = st.integers(10**8, 10**12).map(str)


@PATIENT
@given(
    ids=st.lists(st.one_of(IDS, NUMBERED), min_size=4, max_size=4, unique=True),
    data=st.data(),
)
def test_no_id_of_the_participant_is_left_wherever_it_was_recorded(ids: list[str], data: st.DataObject) -> None:
    worker, assignment, hit, address = ids
    person = ONE.participant(keys(worker, assignment, hit), address)
    pieces = st.sampled_from([*ids, f"{worker}:{assignment}", "and", " ", "", "-"])
    texts = st.lists(pieces, max_size=5).map("".join)
    numbers = st.sampled_from([int(each) for each in ids if each.isdigit()] or [7])
    values = st.recursive(
        st.one_of(texts, numbers, st.booleans(), st.none()),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=8,
    )
    recorded = data.draw(values)
    cleaned = person.clean(recorded)
    text = json.dumps(cleaned, ensure_ascii=False)
    for each in ids:
        assert each not in text
        assert json.dumps(each, ensure_ascii=False)[1:-1] not in text
    assert person.clean(cleaned) == cleaned
    assert type(cleaned) is type(recorded) or isinstance(recorded, int)


@PATIENT
@given(recorded=st.recursive(
    st.one_of(st.text("abcdefgh .", max_size=30), st.integers(-1000, 1000), st.floats(allow_nan=False), st.booleans()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
    max_leaves=10,
))  # fmt: skip
def test_what_holds_no_id_stays_as_it_is(recorded: Any) -> None:
    assert ONE.participant(keys(WORKER, ASSIGNMENT, HIT), "10.0.0.1").clean(recorded) == recorded


def test_pseudonyms_have_a_letter_and_16_digits_and_a_uniqueid_stays_worker_and_assignment() -> None:
    names = ONE.participant(keys(WORKER, ASSIGNMENT, HIT), "10.0.0.1").names
    assert re.fullmatch("W[0-9a-f]{16}", names[WORKER])
    assert re.fullmatch("A[0-9a-f]{16}", names[ASSIGNMENT])
    assert re.fullmatch("H[0-9a-f]{16}", names[HIT])
    assert re.fullmatch("I[0-9a-f]{16}", names["10.0.0.1"])
    assert names[f"{WORKER}:{ASSIGNMENT}"] == f"{names[WORKER]}:{names[ASSIGNMENT]}"
    odd = ONE.participant({**keys(WORKER, ASSIGNMENT, HIT), "uniqueid": "session-17"}, None).names
    assert re.fullmatch("U[0-9a-f]{16}", odd["session-17"])


def test_one_key_gives_the_same_pseudonyms_and_another_others() -> None:
    same = Pseudonyms(b"one key of at least 16 bytes")
    assert same.of("W", WORKER) == ONE.of("W", WORKER)
    assert OTHER.of("W", WORKER)[1:] != ONE.of("W", WORKER)[1:]
    assert ONE.of("W", WORKER) == "W" + "d350150cfbe1ec82"  # as `openssl dgst -sha256 -hmac` says


def test_the_id_of_somebody_else_gets_the_pseudonym_that_it_has_in_that_persons_own_rows() -> None:
    person = ONE.participant(keys(WORKER, ASSIGNMENT, HIT), None)
    assert person.clean({"partner": f"paired with {STRANGER}."}) == {"partner": f"paired with {ONE.of('W', STRANGER)}."}
    assert person.clean("3" + "A1" * 14 + "Z") == ONE.of("A", "3" + "A1" * 14 + "Z")


@pytest.mark.parametrize("text", ["AAAAAAAAAAAAA", "ABRACADABRAXYZ", "3.14159265358979", "A1B2", f"x{STRANGER}x"])
def test_what_only_resembles_an_id_is_kept(text: str) -> None:
    assert ONE.participant(keys(WORKER, ASSIGNMENT, HIT), None).clean(text) == text


def test_a_short_id_is_replaced_where_it_is_a_word_and_never_in_a_number() -> None:
    person = ONE.participant(keys("7", "a", "h1"), "")
    seven, one = ONE.of("W", "7"), ONE.of("H", "h1")
    assert person.clean({"7": "7 of 77, h1", "n": 7, "x": ["alpha", 7.5]}) == {
        seven: f"{seven} of 77, {one}", "n": 7, "x": ["alpha", 7.5],
    }  # fmt: skip


@pytest.mark.parametrize("written", [str.lower, str.upper, str.title])
def test_an_id_is_replaced_in_small_letters_and_in_capitals(written: Callable[[str], str]) -> None:
    person = ONE.participant(keys("A2suam-lab", "5f3a9c0e77d1", HIT), None)
    recorded = {written("A2suam-lab"): f"of {written('5f3a9c0e77d1')}, {written(HIT)}"}
    worker, assignment, hit = ONE.of("W", "A2suam-lab"), ONE.of("A", "5f3a9c0e77d1"), ONE.of("H", HIT)
    assert person.clean(recorded) == {worker: f"of {assignment}, {hit}"}


def test_a_key_that_cannot_be_written_in_full_leaves_no_file(tmp_path: Path) -> None:
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, usual[1]))  # a disk with room for ten bytes
    try:
        with pytest.raises(UsageError, match="cannot create the key file"):
            load_key(tmp_path / "key")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert not (tmp_path / "key").exists()


def test_a_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "key"
    made = load_key(file)
    assert (made.created, made.exposed, file.stat().st_mode & 0o777) == (True, False, 0o600)
    again = load_key(file)
    assert (again.created, again.secret) == (False, made.secret)
    assert len(made.secret) == 64
    assert load_key(tmp_path / "other").secret != made.secret


def test_a_key_that_others_can_read_is_told_and_white_space_around_it_does_not_matter(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(" sixteen letters!\n")
    file.chmod(0o644)
    key = load_key(file)
    assert (key.secret, key.exposed, key.created) == (b"sixteen letters!", True, False)


@pytest.mark.parametrize("content", [b"", b"short", b"  fifteen bytes.  \n"])
def test_a_file_that_holds_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "key"
    file.write_bytes(content)
    with pytest.raises(UsageError, match="too few for a key") as refused:
        load_key(file)
    assert "does not exist yet" in (refused.value.hint or "")
    assert file.read_bytes() == content


@pytest.mark.parametrize("where", [".", "missing/key"])
def test_a_key_file_that_cannot_be_is_refused(tmp_path: Path, where: str) -> None:
    with pytest.raises(UsageError, match="key file"):
        load_key(tmp_path / where)


def test_a_database_a_settings_file_or_a_folder_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "study.db").write_bytes(b"SQLite format 3\0" + b"x" * 100)
    (tmp_path / "turkctl.toml").write_text('mode = "local"  # long enough to be taken for a key\n')
    (tmp_path / "folder").mkdir()
    for name in ("study.db", "turkctl.toml", "folder"):
        with pytest.raises(UsageError, match="not a"):
            load_key(tmp_path / name)
