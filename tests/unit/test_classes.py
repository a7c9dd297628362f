"""Which class an answer names."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turkctl.classes import (
    BINARY,
    NOTHING,
    ODD,
    SKIPPED,
    AnswerRule,
    folded,
    is_missing,
    mostly_numbers,
    number,
    sort_answers,
    truth,
)

TEXTS = st.text(string.printable + "éßİ", max_size=12)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Cat", "cat"), (" cat ", "cat"), ("hot  dog", "hot dog"), ("1", "1.0"), ("+1", "1.00"), ("-0.0", "0")],
)
def test_spellings_of_one_class_are_one(one: str, other: str) -> None:
    assert folded(one) == folded(other)


@pytest.mark.parametrize(("one", "other"), [("007", "7"), ("1.5", "1"), ("cat", "cats"), ("10", "1")])
def test_different_answers_stay_apart(one: str, other: str) -> None:
    assert folded(one) != folded(other)


def test_capital_letters_matter_where_they_are_said_to() -> None:
    assert folded("Cat", case_sensitive=True) != folded("cat", case_sensitive=True)
    assert folded(" Cat ", case_sensitive=True) == "Cat"
    assert folded("1.0", case_sensitive=True) == "1"


@given(TEXTS)
def test_folding_twice_changes_nothing(text: str) -> None:
    assert folded(folded(text)) == folded(text)
    assert folded(f"  {text} ") == folded(text)


def test_usual_words_and_numbers_of_programs_are_true_and_false() -> None:
    assert [truth(text) for text in ("1.0", "TRUE", "Yes", "t", "0.0", "No", "maybe", "2")] == [
        *[True] * 4,
        *[False] * 2,
        *[None] * 2,
    ]


@pytest.mark.parametrize("text", ["", "  ", "NA", "NaN", "nan", "<NA>"])
def test_what_programs_write_for_no_answer_says_nothing(text: str) -> None:
    assert is_missing(text)
    assert AnswerRule().kind(text) == "missing"
    assert not AnswerRule().is_usable(text)


def test_a_class_may_be_called_na() -> None:
    rule = AnswerRule("classes", ("EU", "NA"))
    assert rule.kind("na") == "class"
    assert rule.kind("") == "missing"


def test_numbers_are_what_people_and_programs_write() -> None:
    assert [number(text) for text in (" 3 ", "2.5", ".5", "-1e3", "007")] == [3, 2.5, 0.5, -1000, 7]
    assert [number(text) for text in ("", "3,5", "inf", "nan", "0x1", "1_0", "٣")] == [None] * 7


def test_a_rule_of_listed_classes_knows_skips_odd_answers_and_those_that_stand_for_others() -> None:
    rule = AnswerRule("classes", ("deer", "fox"), skip=("don't know",), relabelled={"wolf": "fox"})
    said = ["Deer", "FOX ", "Wolf", "don't know", "deer|fox", "NA"]
    assert [rule.read(text) for text in said] == ["deer", "fox", "fox", SKIPPED, ODD, NOTHING]
    assert [rule.is_usable(text) for text in said] == [True, True, True, False, False, False]
    assert not rule.is_usable(None)


def test_classes_that_differ_only_in_capitals_are_meant_as_two() -> None:
    rule = AnswerRule("classes", ("Polish", "polish"))
    assert [rule.read("Polish"), rule.read("polish"), rule.read("POLISH")] == ["Polish", "polish", ODD]


def test_a_listed_side_replaces_the_usual_words_of_that_side_alone() -> None:
    rule = AnswerRule("truth", true=("bird",))
    assert [rule.read(text) for text in ("Bird", "no", "yes")] == [True, False, ODD]


def test_a_class_has_its_commonest_spelling_and_then_the_first() -> None:
    found = sort_answers(AnswerRule(), {"Cat": 1, "cat": 1, "dog": 2, "Dog": 1}, names_too=True)
    assert found.classes == ("Cat", "dog")
    assert found.merged == {"Cat": ("cat",), "dog": ("Dog",)}
    assert [found.codes[text] for text in ("Cat", "cat", "dog", "Dog")] == [0, 0, 1, 1]
    assert [found.as_class("CAT"), found.as_class("cow")] == ["Cat", None]


@pytest.mark.parametrize(
    ("counts", "names_too", "classes"),
    [
        ({"yes": 1, "no": 1}, True, BINARY),
        ({"yes": 2, "no": 1, "maybe": 1}, True, ("maybe", "no", "yes")),
        ({"yes": 2, "no": 1, "maybe": 1}, False, BINARY),
        ({"cat": 2, "dog": 1, "yes": 1}, False, ("cat", "dog", "yes")),
        ({"perhaps": 3}, False, BINARY),
        ({"1": 1, "2": 1, "3": 1}, False, ("1", "2", "3")),
    ],
)
def test_an_open_question_is_what_most_answers_make_it(
    counts: dict[str, int], names_too: bool, classes: tuple[object, ...]
) -> None:
    assert sort_answers(AnswerRule(), counts, names_too=names_too).classes == classes


def test_numbers_are_their_own_classes_in_order() -> None:
    found = sort_answers(AnswerRule("numbers"), {"10": 1, "2": 1, "2.0": 1, "many": 1})
    assert found.classes == (2.0, 10.0)
    assert [found.codes[text] for text in ("10", "2", "2.0", "many")] == [1, 0, 0, ODD]


def test_a_mean_is_worth_suggesting_where_most_classes_are_numbers() -> None:
    assert mostly_numbers(("1", "2", "3", "none"))
    assert not mostly_numbers(("1", "cat", "dog"))
    assert not mostly_numbers(BINARY)


@given(st.dictionaries(TEXTS, st.integers(1, 5), max_size=8), st.booleans(), st.booleans())
def test_every_answer_has_a_class_of_its_own_spelling_or_a_code(
    counts: dict[str, int], names_too: bool, case_sensitive: bool
) -> None:
    found = sort_answers(AnswerRule(case_sensitive=case_sensitive), counts, names_too=names_too)
    assert found.codes.keys() == counts.keys()
    for text, code in found.codes.items():
        assert (code == NOTHING) == is_missing(text)
        if code >= 0 and found.classes != BINARY:
            assert found.rule.fold(str(found.classes[code])) == found.rule.fold(text)
        assert (found.kind(text) == "class") == (code >= 0) == (found.as_class(text) is not None)
