"""Simulated workers send what a person could: the page's own fields, with values that a browser accepts."""

from __future__ import annotations

import random
import re
import warnings
from typing import Any

import pytest
from crowd_support import answered, counters, new_market, post
from hypothesis import given
from hypothesis import strategies as st

from turkctl.market.crowd.answering import answers
from turkctl.market.crowd.behaviour import CrowdOptions
from turkctl.market.crowd.fields import Form
from turkctl.market.crowd.page import read_page
from turkctl.market.crowd.question import read_question
from turkctl.market.crowd.simulation import Crowd
from turkctl.market.crowd.texts import allowed_texts, made_of
from turkctl.market.questions import html_question
from turkctl.task_forms import with_form

HERE = 'action="https://www.mturk.com/mturk/externalSubmit"'
GO = "<button>Go</button>"


def sent(fields: str, item: str = "item") -> dict[str, Any]:
    """What an inaccurate worker sends of a form with these fields."""
    form = read_page(f"<form {HERE}>{fields}{GO}</form>")
    assert form.submits
    return dict(answers(form, item, 0.5, random.Random(item)))


def names(page: str) -> list[str]:
    return [field.name for field in read_page(page).fields]


# ---- a way to submit ----


@pytest.mark.parametrize(
    "page",
    [
        f"<form {HERE}><input name=a>{GO}</form>",
        f"<form {HERE}><input name=a></form>",
        f"<form {HERE}>{GO}</form>",
        f"<form {HERE} id=f><textarea name=a></textarea></form><button form=f>Go</button>",
        f"<form><textarea name=a></textarea><button form{HERE}>Go</button></form>",
        "<form><textarea name=a></textarea></form><script>send()</script>",
        "<input type=radio name=a value=1>",
        '<script src="https://assets.crowd.aws/crowd-html-elements.js"></script><crowd-form></crowd-form>',
        with_form("<p>Only read this.</p>"),
    ],
)
def test_a_page_with_a_button_a_script_or_one_line_can_be_submitted(page: str) -> None:
    assert read_page(page).submits


@pytest.mark.parametrize(
    "page",
    [
        "<p>Only read this.</p>",
        f"<form {HERE}><textarea name=a></textarea></form>",
        f"<form {HERE}><input name=a><input name=b></form>",
        f"<form {HERE}><textarea name=a></textarea><button disabled>Go</button><button type=button>No</button></form>",
        f"<form action=https://lab.example/ ><input name=a>{GO}</form>",
        f"<form><input name=a>{GO}</form>",
        "<crowd-form><crowd-input name=a></crowd-input></crowd-form>",
        f"<form {HERE}><input type=file name=a required>{GO}</form>",
        f"<form {HERE}><input type=number name=a min=5 max=4 required>{GO}</form>",
        f"<form {HERE}><input name=a pattern='(?=x)y' required>{GO}</form>",
    ],
)
def test_a_page_that_nobody_could_submit_gets_no_answer(page: str) -> None:
    assert not read_page(page).submits
    form = read_question(html_question(page))
    assert not form.submits
    assert {field.name for field in form.fields} <= {"a", "b"}


def test_a_hit_that_cannot_be_submitted_is_returned_and_the_report_says_why() -> None:
    market = new_market()
    hit_id = post(market, Question=html_question("<p>Only read this.</p>"))
    report = Crowd(market, "production", CrowdOptions(workers=3, drop_out=0, abandon=0)).run()
    assert (report.submitted, report.returned) == (0, 3)
    assert report.refused["NoWayToSubmit"] == 3
    assert counters(market, hit_id) == (1, 0, 0)


def test_a_wrapped_page_without_fields_is_submitted_without_an_answer() -> None:
    market = new_market()
    hit_id = post(market, Question=html_question(with_form("<p>Only read this.</p>")))
    Crowd(market, "production", CrowdOptions(workers=3, drop_out=0, abandon=0)).run()
    assert answered(market, hit_id) == [{}]


# ---- whose fields ----


def test_only_the_fields_of_the_form_that_is_submitted_are_sent() -> None:
    mine = f"<form id=f {HERE}><input name=in>{GO}</form><input name=by form=f>"
    page = f"<input name=out>{mine}<form><input name=no></form>"
    assert names(page) == ["in", "by"]


def test_what_is_not_part_of_the_page_is_not_filled_in() -> None:
    page = (
        "<template><input name=a></template><noscript><input name=b></noscript>"
        "<textarea name=c><input name=d></textarea>"
        "<fieldset disabled><input name=e></fieldset><input name=f disabled>"
        "<iframe><input name=g></iframe><input name=h>"
    )
    assert names(page) == ["c", "h"]


def test_options_that_cannot_be_chosen_are_not_chosen() -> None:
    fields = (
        "<select name=s><option disabled>no<option>yes<optgroup disabled><option>never</optgroup><option>also</select>"
        "<input type=radio name=r value=1 disabled><input type=radio name=r value=2>"
    )
    for item in range(20):
        found = sent(fields, str(item))
        assert found["s"] in ("yes", "also")
        assert found["r"] == "2"


def test_what_nobody_can_change_is_sent_as_it_is() -> None:
    fields = (
        "<input type=hidden name=h value=7><input name=r readonly value=fix>"
        "<textarea name=t readonly>as it is</textarea>"
        "<input type=checkbox name=c readonly value=1 required>"
    )
    assert sent(fields) == {"h": "7", "r": "fix", "t": "as it is", "c": ["1"]}


def test_the_button_that_is_pressed_is_an_answer() -> None:
    form = read_page(f"<form {HERE}><button name=a value=cat>C</button><button name=a value=dog>D</button></form>")
    found = {str(answers(form, str(item), 1.0, random.Random(item))["a"]) for item in range(20)}
    assert found == {"cat", "dog"}


def test_each_required_checkbox_is_ticked() -> None:
    fields = "<input type=checkbox name=c value=a><input type=checkbox name=c value=b required>"
    chosen = [sent(fields, str(item))["c"] for item in range(30)]
    assert all("b" in each for each in chosen)
    assert {len(each) for each in chosen} == {1, 2}


# ---- values ----


@pytest.mark.parametrize(
    "pattern",
    [
        "[0-9]{5}", r"\d{3}-\d{4}", "[A-Z]{2}[0-9]+", "(yes|no)", "[A-Za-z ]+", r"\w+@lab\.org", "A?B*C+", "x{2,}",
        ".{4}",         "(?:ab)+", "^[^a-z]{3}$", "3[A-Z0-9]{29}", r"[\w.-]+",
    ],
)  # fmt: skip
def test_a_text_meets_its_pattern(pattern: str) -> None:
    for item in range(10):
        found = sent(f'<input name=a required pattern="{pattern}">', str(item))
        assert re.fullmatch(pattern, found["a"])


def test_a_field_whose_pattern_is_not_understood_stays_empty() -> None:
    assert sent("<input name=a pattern='(?=x)xyz'>") == {"a": ""}


@pytest.mark.parametrize(
    ("field", "low", "high"),
    [
        ('type=date min="2030-02-01" max="2030-03-01"', "2030-02-01", "2030-03-01"),
        ('type=time max="08:00"', "00:00", "08:00"),
        ("maxlength=3", "", "\uffff"),
        ("minlength=30 maxlength=40", "", "\uffff"),
    ],
)
def test_a_text_is_within_its_limits(field: str, low: str, high: str) -> None:
    attributes = dict(re.findall(r'(\w+)="?([^" ]+)', field))
    for item in range(10):
        found = sent(f"<input name=a {field}>", str(item))["a"]
        assert low <= found <= high
        assert int(attributes.get("minlength", 1)) <= len(found) <= int(attributes.get("maxlength", 99))


@pytest.mark.parametrize(
    ("field", "low", "high", "step", "base"),
    [
        ("type=number max=-5 step=10", -10_000, -5, 10, 0),
        ("type=number min=1 max=8 step=3", 1, 8, 3, 1),
        ("type=number value=3 step=5", 3, 10_000, 5, 3),
        ("type=range", 0, 100, 1, 0),
        ("type=range min=90", 90, 100, 1, 90),
    ],
)
def test_a_number_is_within_its_limits_and_on_its_steps(field: str, low: int, high: int, step: int, base: int) -> None:
    for item in range(20):
        found = int(sent(f"<input name=a {field}>", str(item))["a"])
        assert low <= found <= high
        assert (found - base) % step == 0


@given(st.text(alphabet="ab1[]()|{},+*?\\d^$.-", max_size=12), st.integers(0, 5))
def test_whatever_the_pattern_what_is_made_matches_or_nothing_is(pattern: str, least: int) -> None:
    made_of(pattern, least)
    if not pattern:
        return
    found = allowed_texts("text", {"pattern": pattern, "minlength": str(least)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        try:
            compiled = re.compile(pattern)
        except (re.error, OverflowError):
            return
    assert all(compiled.fullmatch(text) and len(text) >= least for text in found or ())


CONTROLS = (
    "<form>", f"<form {HERE}>", "</form>", "<input name=a>", "<input name=b type=radio value=1>", "<fieldset disabled>",
    "</fieldset>", "<select name=c>", "<option>x", "<option disabled>", "</select>", "<textarea name=d readonly>t",
    "</textarea>", "<button name=e value=1>", "<crowd-form>", "</crowd-form>", "<template>", "</template>", "<script>",
    "</script>", "<input name=f form=g>", "<form id=g>", "<optgroup disabled>", "</optgroup>",
)  # fmt: skip


@given(st.lists(st.sampled_from(CONTROLS), max_size=12).map("".join))
def test_no_page_is_answered_with_a_field_that_it_does_not_have(page: str) -> None:
    form = read_page(page)
    assert isinstance(form, Form)
    assert {field.name for field in form.fields} <= set("abcdef")
    if "<script>" not in page:
        assert read_question(html_question(page)).fields == form.fields
