"""Passwords are hashed with Argon2id, and compared in one way, whatever is wrong."""

from __future__ import annotations

import sys

import pytest

from turkctl.errors import UsageError
from turkctl.web import passwords
from turkctl.web.passwords import hash_password, is_hash, matches

WORDS = "correct horse"


@pytest.fixture(scope="module")
def hashed() -> str:
    return hash_password(WORDS)


def test_a_hash_is_argon2id_with_a_salt_of_its_own_and_matches_its_password_alone(hashed: str) -> None:
    assert hashed.startswith("$argon2id$v=19$m=19456,t=3,p=1$")
    assert hash_password(WORDS) != hashed
    assert matches(hashed, WORDS)
    assert not matches(hashed, WORDS.upper())
    assert not matches(hashed, WORDS + " ")
    assert not matches(hashed, "")


def test_a_letter_matches_in_whatever_way_a_keyboard_composes_it() -> None:
    composed, apart = "gr\u00fc\u00dfe-\u00e9t\u00e9", "gru\u0308\u00dfe-e\u0301te\u0301"
    assert composed != apart
    assert matches(hash_password(composed), apart)
    assert matches(hash_password(apart), composed)


@pytest.mark.parametrize("password", ["", "short", "x" * 7, "x" * 1025, "undecoded \udcff"])
def test_a_password_that_is_too_short_too_long_or_no_text_gets_no_hash_and_is_not_shown(password: str) -> None:
    with pytest.raises(UsageError) as refused:
        hash_password(password)
    assert not password or password not in refused.value.message + str(refused.value.hint)


def test_the_longest_password_matches_and_a_longer_one_is_not_cut_to_it() -> None:
    longest = "é" * 1024
    hashed = hash_password(longest)
    assert matches(hashed, longest)
    assert not matches(hashed, longest + "x")
    assert not matches(hashed, longest * 1000)


MALFORMED = [
    "",
    "correct horse",
    "$argon2id$",
    "$argon2id$v=19$m=19456,t=3,p=1$$",
    "$argon2id$v=19$m=19456,t=3,p=1$c2FsdHNhbHRzYWx0c2FsdA$not base64",
    "$argon2id$v=19$m=1,t=3,p=1$c2FsdHNhbHRzYWx0c2FsdA$c2FsdHNhbHRzYWx0c2FsdA",
    "$argon2id$v=19$m=x,t=3,p=1$c2FsdHNhbHRzYWx0c2FsdA$c2FsdHNhbHRzYWx0c2FsdA",
    "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
    "$argon2id$v=19$m=19456,t=3,p=1$\u00e9$\u00e9",
]


@pytest.mark.parametrize("text", MALFORMED)
def test_a_malformed_hash_is_found_and_matches_nothing(text: str) -> None:
    assert not is_hash(text)
    assert not matches(text, WORDS)
    assert not matches(text, "")


def test_a_hash_is_known_as_one_unless_it_was_cut(hashed: str) -> None:
    assert is_hash(hashed)
    assert is_hash(passwords._DUMMY)
    head, _, digest = hashed.rpartition("$")
    for length in (2, 4, 8, 12):
        assert not is_hash(f"{head}${digest[:length]}")


def test_hashes_that_other_programs_made_with_other_parameters_work() -> None:
    from argon2 import PasswordHasher, Type

    for kind in (Type.ID, Type.I):
        other = PasswordHasher(time_cost=1, memory_cost=64, parallelism=2, type=kind).hash(WORDS)
        assert is_hash(other)
        assert matches(other, WORDS)


def test_a_name_that_nobody_has_and_a_malformed_hash_cost_as_much_as_a_wrong_password(
    hashed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from argon2 import PasswordHasher, extract_parameters

    tried: list[str] = []
    verify = PasswordHasher.verify
    monkeypatch.setattr(PasswordHasher, "verify", lambda self, *given: tried.append(given[0]) or verify(self, *given))

    def whole(stored: str | None, password: str) -> list[str]:
        tried.clear()
        assert not matches(stored, password)
        return [each for each in tried if each.startswith("$argon2id$v=19$m=19456,t=3,p=1$")]

    for password in ("wrong", "x" * 2000, ""):
        assert [len(whole(each, password)) for each in (hashed, None, "malformed")] == [1, 1, 1]
    parameters = extract_parameters(hashed)
    assert extract_parameters(passwords._DUMMY) == parameters


def test_no_password_is_that_of_the_missing_hash() -> None:
    assert not matches(None, WORDS)
    assert not matches(None, "")


def test_without_argon2_the_extra_is_named(hashed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "argon2", None)
    for call in (lambda: hash_password(WORDS), lambda: matches(hashed, WORDS), lambda: is_hash(hashed)):
        with pytest.raises(UsageError) as refused:
            call()
        assert refused.value.hint == "run: pip install 'turkctl[web]'"
