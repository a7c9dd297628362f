"""Pages as other systems and Amazon's site have them: what is refused, what is put into a form, and what is posted."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

HEAD = """[experiments.it]
code_version = "1"
title = "T"
description = "D"
reward = "0.10"
"""
LIQUID = """<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>
<crowd-form><p>{{ task.input.text }}</p>{% for x in task.input.rows %}<crowd-input name="row{{ forloop.index }}"></crowd-input>{% endfor %}</crowd-form>
"""  # noqa: E501  # a case as it was given
FRAGMENT = """<h2>Which feeling?</h2><p>${text}</p>
<label><input type="radio" name="feeling" value="joy"> Joy</label><label><input type="radio" name="feeling" value="anger"> Anger</label>
"""  # noqa: E501
FORM = '<form name="mturk_form" id="mturk_form" method="post" action="/mturk/externalSubmit" data-turkctl-form>'


def project(folder: Path, page: str, more: str = 'html_template = "t.html"\n') -> None:
    (folder / "t.html").write_text(page, encoding="utf-8")
    (folder / "turkctl.toml").write_text(HEAD + more, encoding="utf-8")


def questions(folder: Path) -> list[str]:
    """The questions of all HITs that were posted."""
    with closing(sqlite3.connect(folder / "turkctl-market.db")) as market:
        return [str(row[0]) for row in market.execute("SELECT question FROM market_hit")]


def test_a_liquid_page_is_named_as_another_systems_by_configure_and_lint_and_not_posted(
    folder: Path, turkctl: Run
) -> None:
    project(folder, LIQUID)
    for command in ("configure", "lint"):
        finished = turkctl("experiments", command)
        assert finished.code == 2
        assert "t.html: line 2: {{ task.input.text }}, {% for x in task.input.rows %}" in finished.err
        assert "another system's placeholders" in finished.err
        assert 'html_template_language = "liquid"' in finished.err
    assert turkctl("hits", "create", "--experiment", "it", "--assignments", "1").code == 2
    assert json.loads(turkctl("hits", "list", "--json").out) == []


def test_what_an_older_turkctl_stored_with_such_placeholders_is_not_posted(folder: Path, turkctl: Run) -> None:
    project(folder, "<form><p>{{ name }}</p></form>", 'html_template = "t.html"\nplaceholders = false\n')
    assert turkctl("experiments", "configure").code == 0  # nothing is a placeholder there
    with closing(sqlite3.connect(folder / "turkctl.db")) as database:
        database.execute(
            "UPDATE turkctl_experiment_settings SET settings = replace(settings, '\"placeholders\": false',"
            " '\"placeholders\": true')"
        )
        database.commit()
    finished = turkctl("hits", "create", "--experiment", "it", "--assignments", "1")
    assert finished.code != 0
    assert "{{ name }} is another system's placeholder" in finished.err
    assert json.loads(turkctl("hits", "list", "--json").out) == []


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ('external_url = "https://x.example/?q={{name}}"\n', "turkctl.toml:6"),
        ('hit_layout = "3ABC"\nhit_layout_parameters = { word = "{{ name }}" }\n', "turkctl.toml:6"),
        ('question_file = "t.html"\n', "t.html: line 1"),
    ],
)
def test_placeholders_of_other_systems_are_named_in_every_kind_of_question(
    folder: Path, turkctl: Run, more: str, where: str
) -> None:
    page = "<HTMLQuestion xmlns='x'><HTMLContent><![CDATA[<form>{{ name }}</form>]]></HTMLContent></HTMLQuestion>"
    project(folder, page, more)
    finished = turkctl("experiments", "configure")
    assert (finished.code, "is another system's placeholder" in finished.err) == (2, True)
    assert where in finished.err


def test_a_placeholder_in_a_script_is_a_warning_of_lint_alone(folder: Path, turkctl: Run) -> None:
    form = '<form method="post"><input type="hidden" name="assignmentId"><button>Go</button></form>'
    project(folder, f"{form}\n<script>const row = `{{{{ name }}}}`;</script>")
    assert turkctl("experiments", "configure").code == 0
    found = json.loads(turkctl("experiments", "lint", "--json").out)
    assert [(each["rule"], each["level"]) for each in found] == [("foreign-placeholder", "warning")]
    assert found[0]["where"].endswith("t.html:2")


def test_a_page_without_a_form_is_posted_in_one_and_configure_says_so(folder: Path, turkctl: Run) -> None:
    project(folder, FRAGMENT)
    said = "experiment 'it': its page has no form: it is posted in one that turkctl adds, with a button to submit\n"
    assert said in turkctl("experiments", "configure").err
    assert turkctl("experiments", "lint", "--json").out == "[]\n"
    (folder / "c.csv").write_text("text\nWell done\n", encoding="utf-8")
    assert turkctl("content", "add", "c.csv", "--experiment", "it").code == 0
    previewed = turkctl("experiments", "preview", "it")
    assert "its page has no form: it is posted in one that turkctl adds" in previewed.err
    assert turkctl("content", "dispatch", "--experiment", "it").code == 0
    (posted,) = questions(folder)
    begin, end = posted.index("<form"), posted.index("</form>")
    for shown in (posted, previewed.out):
        assert posted[begin:end] in shown
    assert posted[begin:].startswith(f'{FORM}<input type="hidden" name="assignmentId"')
    assert "<p>Well done</p>" in posted[begin:end]
    assert '<input type="submit" id="submitButton" value="Submit">' in posted[begin:end]
    crowd = turkctl("market", "crowd", "--workers", "3", "--seed", "1")
    assert crowd.code == 0
    assert turkctl("sync").code == 0
    answered = json.loads(turkctl("content", "list", "--experiment", "it", "--json").out)
    assert [each["completed"] for each in answered] == [1]


CROWD_PAGE = '<crowd-form><p>Say it</p><crowd-input name="said" required></crowd-input></crowd-form>'


def test_a_page_with_crowd_elements_is_posted_with_the_script_that_draws_them(folder: Path, turkctl: Run) -> None:
    project(folder, CROWD_PAGE)
    said = "experiment 'it': its page has crowd elements, and not the script that draws them: it is posted with it\n"
    assert said in turkctl("experiments", "configure").err
    assert turkctl("hits", "create", "--experiment", "it", "--assignments", "1").code == 0
    (posted,) = questions(folder)
    assert posted.count("crowd-html-elements.js") == 1
    assert turkctl("market", "crowd", "--workers", "3", "--seed", "1").code == 0
    assert turkctl("sync").code == 0
    (hit,) = json.loads(turkctl("hits", "list", "--json").out)
    assert hit["submitted"] == 1


def test_a_page_that_names_the_script_of_crowd_elements_stays_as_it_is(folder: Path, turkctl: Run) -> None:
    named = f'<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>{CROWD_PAGE}'
    project(folder, named)
    assert "script" not in turkctl("experiments", "configure").err
    assert turkctl("hits", "create", "--experiment", "it", "--assignments", "1").code == 0
    (posted,) = questions(folder)
    assert named in posted


def test_with_html_wrap_false_crowd_elements_without_their_script_are_refused(folder: Path, turkctl: Run) -> None:
    project(folder, CROWD_PAGE, 'html_template = "t.html"\nhtml_wrap = false\n')
    finished = turkctl("experiments", "configure")
    assert (finished.code, "load crowd-html-elements.js in it" in finished.err) == (2, True)


def test_hits_and_campaigns_post_the_same_form(folder: Path, turkctl: Run) -> None:
    project(folder, "<h2>Say it</h2><textarea name=a></textarea>")
    assert turkctl("experiments", "configure").code == 0
    assert turkctl("hits", "create", "--experiment", "it", "--assignments", "1").code == 0
    assert turkctl("campaign", "create", "--experiment", "it", "--goal", "2").code == 0
    assert turkctl("campaign", "run", "1").code == 0
    posted = questions(folder)
    assert len(posted) == 2
    assert len(set(posted)) == 1
    assert f"{FORM}<input" in posted[0]


def test_with_html_wrap_false_a_page_without_a_form_is_refused(folder: Path, turkctl: Run) -> None:
    project(folder, FRAGMENT, 'html_template = "t.html"\nhtml_wrap = false\n')
    finished = turkctl("experiments", "configure")
    assert finished.code == 2
    assert "t.html: the page has no form, so that nothing can be submitted" in finished.err
    assert "remove html_wrap = false" in finished.err
    project(folder, f"<form>{FRAGMENT}</form>", 'html_template = "t.html"\nhtml_wrap = false\n')
    finished = turkctl("experiments", "configure")
    assert (finished.code, "form" in finished.err) == (0, False)


@pytest.mark.parametrize(
    "page",
    [
        "<form><input name=a></form>",
        "<script src=a/crowd-html-elements.js></script><crowd-form><crowd-input name=a></crowd-input></crowd-form>",
        "<input name=a><script>send(turkSubmitTo)</script>",
        "<div id=app></div><script src='https://x.example/app.js'></script>",
        "<input name=a><script>const f = document.createElement('form')</script>",
    ],
)
def test_a_page_with_a_form_or_a_script_of_its_own_stays_as_it_is(folder: Path, turkctl: Run, page: str) -> None:
    project(folder, page)
    assert "turkctl adds" not in turkctl("experiments", "configure").err
    assert turkctl("hits", "create", "--experiment", "it", "--assignments", "1").code == 0
    (posted,) = questions(folder)
    assert f"<![CDATA[{page}]]>" in posted


def test_crowd_elements_without_a_form_get_a_crowd_form(folder: Path, turkctl: Run) -> None:
    page = '<script src="https://assets.crowd.aws/crowd-html-elements.js"></script><crowd-input name="a"></crowd-input>'
    project(folder, page)
    assert "turkctl adds" in turkctl("experiments", "configure").err
    assert turkctl("hits", "create", "--experiment", "it", "--assignments", "1").code == 0
    (posted,) = questions(folder)
    assert f"<crowd-form>{page}</crowd-form>" in posted


def test_a_page_in_a_question_file_is_put_into_a_form_too(folder: Path, turkctl: Run) -> None:
    document = "<HTMLQuestion xmlns='x'><HTMLContent><![CDATA[<input name=a>]]></HTMLContent></HTMLQuestion>"
    project(folder, document, 'question_file = "t.html"\n')
    assert "turkctl adds" in turkctl("experiments", "configure").err
    assert turkctl("hits", "create", "--experiment", "it", "--assignments", "1").code == 0
    assert f"{FORM}<input" in questions(folder)[0]


@pytest.mark.parametrize("page", [FRAGMENT, "<!doctype html><html><body></body></html>", "<P>x</P>", "<br>"])
def test_a_page_given_as_a_question_file_names_html_template(folder: Path, turkctl: Run, page: str) -> None:
    project(folder, page, 'question_file = "t.html"\n')
    finished = turkctl("experiments", "configure")
    assert finished.code == 2
    assert 't.html is an HTML page, not a question document; name it with: html_template = "t.html"' in finished.err


def test_a_question_document_given_as_a_page_names_question_file(folder: Path, turkctl: Run) -> None:
    project(folder, "<?xml version='1.0'?><HTMLQuestion xmlns='x'><HTMLContent>x</HTMLContent></HTMLQuestion>")
    finished = turkctl("experiments", "configure")
    assert finished.code == 2
    assert 'is a question document, not a page; name it with: question_file = "t.html"' in finished.err
