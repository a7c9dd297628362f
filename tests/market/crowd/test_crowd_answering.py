"""What simulated workers are asked for, and what they answer."""

from __future__ import annotations

import json
import random
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from crowd_support import external_question, label_question
from hypothesis import given, settings
from hypothesis import strategies as st

from turkctl.market.crowd.answering import CROWD_ANSWER, Answers, answers, other_value, true_value
from turkctl.market.crowd.fields import DEFAULT_FIELDS, Field, Form
from turkctl.market.crowd.page import read_page
from turkctl.market.crowd.question import read_question
from turkctl.market.questions import FORMS, html_question

FORM = FORMS[0][1:-1]


def fields_of(html: str) -> dict[str, Field]:
    return {field.name: field for field in read_page(html).fields}


def true_answers(item: str, form: Form) -> Answers:
    """What a worker sends who is always right."""
    return answers(form, item, 1.0, random.Random(0))


def crowd_answer(html: str, item: str = "item") -> dict[str, Any]:
    sent = true_answers(item, read_page(f"<crowd-form>{html}</crowd-form>"))
    assert list(sent) == [CROWD_ANSWER]
    (told,) = json.loads(str(sent[CROWD_ANSWER]))
    assert isinstance(told, dict)
    return told


def question_form(*questions: str) -> str:
    asked = "".join(
        f"<Question><QuestionIdentifier>q{number}</QuestionIdentifier><QuestionContent><Text>?</Text></QuestionContent>"
        f"<AnswerSpecification>{question}</AnswerSpecification></Question>"
        for number, question in enumerate(questions)
    )
    return f'<QuestionForm xmlns="{FORM}">{asked}</QuestionForm>'


def selections(*names: str, counts: str = "") -> str:
    listed = "".join(
        f"<Selection><SelectionIdentifier>{name}</SelectionIdentifier><Text>{name}</Text></Selection>" for name in names
    )
    return f"<SelectionAnswer>{counts}<Selections>{listed}</Selections></SelectionAnswer>"


# ---- reading ----


def test_controls_of_a_page_become_fields_in_their_order() -> None:
    found = fields_of(
        """
        <form><input name=word><input name=age type=number min=18 max=99>
        <textarea name=remark maxlength=40></textarea>
        <input type=radio name=cat value=yes><input type=radio name=cat value=no>
        <input type=checkbox name=seen value=sky><input type=checkbox name=seen value=sea>
        <select name=colour><option value="">choose</option><option>red<option value=b>blue</select>
        <select name=many multiple><option>one</option><option>two</option></select>
        <input type=hidden name=batch value=7><input type=submit name=go></form>
        """
    )
    assert list(found) == ["word", "age", "remark", "cat", "seen", "colour", "many", "batch"]
    assert [field.kind for field in found.values()] == [
        "text", "number", "text", "choice", "several", "choice", "several", "fixed",
    ]  # fmt: skip
    assert found["cat"].options == ("yes", "no")
    assert found["seen"].options == ("sky", "sea")
    assert found["colour"].options == ("red", "b")
    assert (found["age"].low, found["age"].high) == (18, 99)
    assert found["batch"].options == ("7",)


def test_reserved_names_disabled_controls_and_nameless_ones_are_not_filled_in() -> None:
    page = "<input name=assignmentId><input name=hitId><input><input name=off disabled><input name=on>"
    assert list(fields_of(page)) == ["on"]


def test_a_checkbox_that_is_required_is_always_ticked_and_another_one_by_its_truth() -> None:
    form = read_page("<input type=checkbox name=consent required><input type=checkbox name=flag>")
    sent = [answers(form, str(item), 0.5, random.Random(item)) for item in range(40)]
    assert all(one["consent"] == ["on"] for one in sent)
    assert {"flag" in one for one in sent} == {True, False}


def test_text_after_a_script_or_in_a_comment_is_no_control() -> None:
    page = "<script>document.write('<input name=a>')</script><!-- <input name=b> --><![if !IE]><input name=c><![endif]>"
    assert list(fields_of(page)) == ["c"]


def test_a_typed_input_gets_a_value_of_its_type() -> None:
    sent = true_answers("x", read_page("<input type=email name=mail><input type=date name=day>"))
    assert "@" in str(sent["mail"])
    assert str(sent["day"]).startswith("2026-")


def test_a_page_without_controls_is_answered_with_the_chosen_fields() -> None:
    empty = html_question(
        "<html><body><script src=jspsych.js></script><input type=hidden name=v value=2></body></html>"
    )
    assert [field.name for field in read_question(empty).fields] == ["v", "answer", "comment"]
    chosen = (Field("rating", "choice", ("1", "2", "3")),)
    assert read_question(external_question(), chosen).fields == chosen
    assert read_question("no XML at all", chosen).fields == chosen


def test_entities_are_not_expanded() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]><HTMLQuestion><HTMLContent>&a;</HTMLContent></HTMLQuestion>'
    assert read_question(bomb) == Form(DEFAULT_FIELDS)


def test_a_question_form_asks_for_texts_numbers_and_selections() -> None:
    numeric = '<FreeTextAnswer><Constraints><IsNumeric minValue="3" maxValue="5"/></Constraints></FreeTextAnswer>'
    short = '<FreeTextAnswer><Constraints><Length minLength="4" maxLength="6"/></Constraints></FreeTextAnswer>'
    counts = "<MinSelectionCount>2</MinSelectionCount><MaxSelectionCount>3</MaxSelectionCount>"
    document = question_form(
        "<FreeTextAnswer/>", numeric, short, selections("a", "b"), selections(*"wxyz", counts=counts)
    )
    form = read_question(document)
    assert [field.kind for field in form.fields] == ["text", "number", "text", "choice", "several"]
    for item in range(30):
        sent = answers(form, str(item), 0.5, random.Random(item))
        assert sent["q1"] in ("3", "4", "5")
        assert 4 <= len(sent["q2"]) <= 6
        assert sent["q3"] in ("a", "b")
        assert 2 <= len(sent["q4"]) <= 3


# ---- crowd elements ----


def test_a_crowd_form_sends_one_json_answer() -> None:
    told = crowd_answer(
        "<crowd-classifier name=kind categories=\"['cat', 'dog']\"></crowd-classifier>"
        '<crowd-classifier-multi-select name=tags categories=\'["a", "b"]\'></crowd-classifier-multi-select>'
        "<crowd-checkbox name=seen value=sky></crowd-checkbox><crowd-checkbox name=seen value=sea></crowd-checkbox>"
        "<crowd-input name=word></crowd-input><crowd-text-area name=why></crowd-text-area>"
        "<crowd-slider name=rate min=1 max=5></crowd-slider><crowd-button form-action=submit></crowd-button>"
    )
    assert told["kind"]["label"] in ("cat", "dog")
    assert set(told["tags"]["labels"]) <= {"a", "b"}
    assert told["tags"]["labels"]
    assert sorted(told["seen"]) == ["sea", "sky"]
    assert all(isinstance(flag, bool) for flag in told["seen"].values())
    assert told["word"]
    assert told["why"]
    assert 1 <= int(told["rate"]) <= 5


@pytest.mark.parametrize(
    "buttons",
    [
        "<crowd-radio-button name=a value=yes></crowd-radio-button><crowd-radio-button name=b value=no />",
        "<crowd-radio-button name=a></crowd-radio-button><crowd-radio-button name=b></crowd-radio-button>",
    ],
)
def test_one_radio_button_of_a_crowd_group_is_chosen(buttons: str) -> None:
    chosen = Counter()
    for item in range(30):
        told = crowd_answer(f"<crowd-radio-group>{buttons}</crowd-radio-group>", str(item))
        assert sorted(told) == ["a", "b"]
        flags = [flag for button in told.values() for flag in button.values()]
        assert sorted(flags) == [False, True]
        chosen[next(name for name, button in told.items() if True in button.values())] += 1
    assert set(chosen) == {"a", "b"}


def test_flattened_answers_are_fields_with_dotted_names() -> None:
    page = (
        '<crowd-form answer-format="flatten-objects"><crowd-classifier name=kind categories=\'["cat"]\'>'
        "</crowd-classifier><input type=radio name=ok value=1><input type=radio name=ok value=0></crowd-form>"
    )
    told = true_answers("x", read_page(page))
    assert told.pop("kind.label") == "cat"
    assert sorted(told.items()) in ([("ok.0", "true"), ("ok.1", "false")], [("ok.0", "false"), ("ok.1", "true")])


# ---- truth and accuracy ----


def test_the_truth_follows_from_the_item_and_the_field_alone() -> None:
    field = Field("cat", "choice", ("yes", "no"))
    truth = [true_value(str(item), field) for item in range(200)]
    assert truth == [true_value(str(item), field) for item in range(200)]
    assert 70 < truth.count("yes") < 130


def test_accurate_workers_agree_whatever_their_own_randomness() -> None:
    form = read_question(label_question(3))
    assert len({str(answers(form, "3", 1.0, random.Random(worker))) for worker in range(20)}) == 1


@pytest.mark.parametrize("accuracy", [0.0, 0.3, 0.7, 1.0])
def test_the_share_of_right_answers_is_near_the_accuracy(accuracy: float) -> None:
    fields = (
        Field("cat", "choice", ("yes", "no")),
        Field("kind", "choice", tuple("abcde")),
        Field("many", "several", tuple("abcd"), at_most=4),
        Field("age", "number"),
        Field("word", "text", ("one", "two", "three")),
    )
    rng, right = random.Random(1), Counter[str]()
    for item in range(2000):
        sent = answers(Form(fields), str(item), accuracy, rng)
        truth = true_answers(str(item), Form(fields))
        right.update(field.name for field in fields if sent.get(field.name) == truth.get(field.name))
    for field in fields:
        assert abs(right[field.name] / 2000 - accuracy) < 0.04


SEVERAL = st.integers(1, 5).flatmap(
    lambda count: st.tuples(st.just(count), st.integers(0, count)).flatmap(
        lambda ends: st.builds(
            Field,
            st.just("f"),
            st.just("several"),
            st.just(tuple("abcde"[: ends[0]])),
            at_least=st.just(ends[1]),
            at_most=st.integers(max(ends[1], 1), ends[0]),
        )
    )
)


@given(SEVERAL, st.integers(0, 2**32))
def test_another_selection_differs_and_keeps_to_the_counts(field: Field, seed: int) -> None:
    right = true_value(str(seed), field)
    other = other_value(field, right, random.Random(seed))
    assert field.at_least <= len(other) <= field.at_most
    assert set(other) <= set(field.options)
    only_one = field.at_least == len(field.options)
    assert (other == right) == only_one


@given(
    st.decimals(-1000, 1000, places=2),
    st.decimals(0, 1000, places=2),
    st.sampled_from(["0.01", "0.5", "1", "7"]),
    st.integers(),
)
def test_numbers_stay_within_their_ends_and_on_their_steps(low: Decimal, width: Decimal, step: str, seed: int) -> None:
    field = Field("n", "number", low=low, high=low + width, step=Decimal(step))
    right = true_value(str(seed), field)
    other = other_value(field, right, random.Random(seed))
    for value in (right, other):
        number = Decimal(str(value))
        assert low <= number <= low + width
        assert (number - low) % Decimal(step) == 0
    assert (other == right) == (width < Decimal(step))


# ---- any text at all ----

TAGS = (
    "<input", "<select", "<option", "<textarea", "<crowd-form", "<crowd-radio-group", "<crowd-radio-button",
    "<crowd-classifier", "<crowd-slider", "</select", "</option", "</crowd-radio-group", "<![", "<!--", "<script",
    "&#", ">", " name=a", " name=b", " type=radio", " type=checkbox", " type=number", " type=hidden", " value=1",
    ' value=""', " min=1e999999", " max=nan", " step=0", " minlength=99999999999", " maxlength=0", " multiple",
    " required", " checked",
    " categories='[1, null]'", ' answer-format="flatten-objects"', "]", "'", '"', " ",
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(st.one_of(st.sampled_from(TAGS), st.text(max_size=6)), max_size=30).map("".join))
def test_any_page_is_read_and_answered(html: str) -> None:
    for form in (read_page(html), read_question(html), read_question(html_question(html))):
        sent = answers(form, "item", 0.5, random.Random(1))
        for value in sent.values():
            assert isinstance(value, str) or all(isinstance(one, str) for one in value)


@settings(max_examples=100)
@given(st.text(max_size=40), st.sampled_from(["IsNumeric minValue='x'", "Length minLength='-1' maxLength='0'"]))
def test_any_question_form_is_read_and_answered(name: str, constraint: str) -> None:
    document = question_form(
        f"<FreeTextAnswer><Constraints><{constraint}/></Constraints></FreeTextAnswer>",
        selections("a", counts="<MinSelectionCount>9</MinSelectionCount><MaxSelectionCount>0</MaxSelectionCount>"),
    ).replace("?", name)
    assert answers(read_question(document), "item", 0.5, random.Random(1))
