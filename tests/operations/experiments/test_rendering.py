"""Questions filled in from content: of every kind, for one item and for several."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from study_support import new_study

from turkctl.accounts import market_account
from turkctl.errors import UsageError
from turkctl.market.requester import Requester
from turkctl.mturk.connect import LOCAL_KEY
from turkctl.mturk.questions import parse_question
from turkctl.operations.experiments.rendering import placeholders, task_of
from turkctl.operations.project.questions import columns_of
from turkctl.store.experiments import Version

BASE = {"code_version": "1", "title": "T", "description": "D", "reward": "0.10"}
FORM = """<QuestionForm xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2017-11-06/QuestionForm.xsd">
<Question><QuestionIdentifier>q</QuestionIdentifier><QuestionContent><Text>What is ${word}?</Text></QuestionContent>
<AnswerSpecification><FreeTextAnswer/></AnswerSpecification></Question></QuestionForm>"""


def version(template: str | None = None, **settings: Any) -> Version:
    stored = {**BASE, **settings, "template": template}
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Version(1, "stroop", True, 1, 1, "1", str(settings), stored, "turkctl.toml", now)


def question_of(asked: Version, rows: list[dict[str, Any]]) -> str:
    """The question document of a HIT."""
    question = task_of(asked, rows).question
    assert question is not None
    return question


def page(template: str, rows: list[dict[str, Any]], **settings: Any) -> str:
    html = parse_question(
        question_of(version(template, html_template="t.html", html_wrap=False, **settings), rows)
    ).html
    assert html is not None
    return html


def test_an_address_gets_its_parameters_percent_encoded() -> None:
    asked = version(external_url="https://x.example/?u=${url}&n=${n}", frame_height=500)
    found = parse_question(question_of(asked, [{"url": "http://a/?b=1&c=ü", "n": 2}]))
    assert (found.url, found.frame_height) == ("https://x.example/?u=http%3A%2F%2Fa%2F%3Fb%3D1%26c%3D%C3%BC&n=2", 500)


def test_a_template_gets_its_values_escaped() -> None:
    assert page("<p>${word}</p>", [{"word": "<b>&", "unused": 1}]) == "<p>&lt;b&gt;&amp;</p>"


def test_several_items_are_numbered_and_those_of_a_smaller_group_are_empty() -> None:
    template = "<p>${w_1}|${w_2}|${w_3}</p><script>var all = ${contents_json};</script>"
    rows = [{"w": "a"}, {"w": "</script>"}]
    shown = page(template, rows, contents_per_hit=3)
    assert shown.startswith("<p>a|&lt;/script&gt;|</p>")
    assert json.loads(shown.partition("= ")[2].partition(";<")[0]) == rows


def test_items_with_a_known_answer_are_numbered_with_the_others() -> None:
    assert page("<p>${w_3}</p>", [{"w": n} for n in "abc"], contents_per_hit=2, gold_per_hit=1) == "<p>c</p>"


@pytest.mark.parametrize("name", ["w", "w_0", "w_3", "w_01", "w_x"])
def test_a_placeholder_that_belongs_to_no_item_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="belongs to no item: a HIT has 2 items"):
        page(f"<p>${{{name}}}</p>", [{"w": 1}], contents_per_hit=2)


def test_a_column_may_itself_end_in_a_number() -> None:
    assert columns_of(["a_1_2", "b_2", "contents_json"], 2) == {"a_1", "b"}
    assert columns_of(["a_1"], 1) == {"a_1"}


def test_a_placeholder_with_no_column_is_named_with_its_line() -> None:
    with pytest.raises(UsageError, match=r"no column for the placeholder \$\{colour\} in line 2") as caught:
        page("<p>\n${colour}</p>", [{"color": "red"}])
    assert caught.value.hint == "use one of the columns of the content: color"


def test_a_question_with_placeholders_is_not_posted_without_content() -> None:
    with pytest.raises(UsageError, match="needs content"):
        page("<p>${word}</p>", [])


def test_placeholders_can_be_switched_off_for_pages_that_use_the_same_signs() -> None:
    template = "<p>${word}</p><script>`${x}`</script>"
    assert page(template, [], placeholders=False) == template
    assert placeholders(version(template, html_template="t", placeholders=False)) == frozenset()


def test_a_question_file_is_filled_in_by_its_kind() -> None:
    external = (
        '<ExternalQuestion xmlns="x"><ExternalURL>https://x.example/?a=1&amp;w=${word}</ExternalURL></ExternalQuestion>'
    )
    content = "<HTMLContent><![CDATA[<p>${word}</p>]]></HTMLContent>"
    html = f'<HTMLQuestion xmlns="x">{content}<FrameHeight>7</FrameHeight></HTMLQuestion>'
    row = [{"word": "<a&b>"}]
    found = [question_of(version(text, question_file="q.xml", html_wrap=False), row) for text in (external, html, FORM)]
    assert parse_question(found[0]).url == "https://x.example/?a=1&w=%3Ca%26b%3E"
    assert (parse_question(found[1]).html, parse_question(found[1]).frame_height) == ("<p>&lt;a&amp;b&gt;</p>", 7)
    assert parse_question(found[2]).kind == "form"
    assert "What is &lt;a&amp;b&gt;?" in found[2]


def test_raw_values_cannot_make_a_form_that_is_none() -> None:
    with pytest.raises(UsageError, match="not well-formed"):
        question_of(version(FORM.replace("${word}", "${word|raw}"), question_file="q.xml"), [{"word": "<a>"}])


def test_a_question_that_grows_too_long_is_refused() -> None:
    with pytest.raises(UsageError, match="the market takes at most 65,535"):
        page("<p>${word}</p>", [{"word": "x" * 66_000}])


def test_a_layout_is_filled_in_by_the_market() -> None:
    asked = version(hit_layout="3LAYOUT", hit_layout_parameters={"image": "${url}", "fixed": "a"})
    task = task_of(asked, [{"url": "https://x/?a&b"}])
    assert (task.question, task.layout_id) == (None, "3LAYOUT")
    assert task.layout_parameters == {"image": "https://x/?a&amp;b", "fixed": "a"}


LAYOUT = """
[experiments.words]
code_version = "1"
title = "Words"
description = "Words."
reward = "0.10"
hit_layout = "3LAYOUTOFOURS"
hit_layout_parameters = { word = "ROT & GRÜN" }
"""


def test_a_hit_is_posted_with_a_layout_of_the_market(tmp_path: Path) -> None:
    with new_study(tmp_path, settings=LAYOUT) as study:
        study.world.market.register_layout(
            Requester(market_account(LOCAL_KEY), "production"), "<form><p>${word}</p></form>", layout_id="3LAYOUTOFOURS"
        )
        (hit_id,) = study.post(1, experiment="words")
        hit = study.world.mturk.get_hit(hit_id)
        assert parse_question(hit.question or "").html == "<form><p>ROT & GRÜN</p></form>"
