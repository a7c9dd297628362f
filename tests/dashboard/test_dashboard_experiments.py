"""Experiments on the dashboard: settings, their history, and the task in a sandbox of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from dashboard_support import DashboardSite, dashboard_of
from study_support import Study

TASK = """
[experiments.photos]
code_version = "1.0"
title = "Look at a photo"
description = "One photo."
reward = "{reward}"
duration = "30m"
lifetime = "24h"
auto_approval_delay = "3d"
{question}

[experiments.photos.limits]
budget = "20.00"
"""
PAGE = """<!DOCTYPE html>
<html><head><title>Task</title></head><body><form action="https://www.mturk.com/mturk/externalSubmit"><p>${word}</p>
<input name="assignmentId"><button>Submit</button></form></body></html>
"""
HTML, FORM, LAYOUT = (
    'html_template = "task.html"',
    'question_file = "form.xml"',
    'hit_layout = "3LAYOUT0000000000000000"',
)
QUESTION_FORM = """<QuestionForm xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2017-11-06/QuestionForm.xsd">
<Question><QuestionIdentifier>colour</QuestionIdentifier><QuestionContent><Text>Which colour?</Text></QuestionContent>
<AnswerSpecification><FreeTextAnswer/></AnswerSpecification></Question></QuestionForm>"""


def configure(study: Study, question: str, reward: str = "0.50") -> None:
    """Describe the experiment with a question, and configure it."""
    (study.folder / "task.html").write_text(PAGE)
    (study.folder / "form.xml").write_text(QUESTION_FORM)
    (study.folder / "turkctl.toml").write_text(TASK.format(reward=reward, question=question))
    study.configure_file()


@pytest.fixture
def site(folder: Path) -> Iterator[DashboardSite]:
    study = Study.new(folder)
    try:
        with dashboard_of(study) as made:
            yield made
    finally:
        study.close()


def test_the_list_and_one_experiment_show_what_is_stored(site: DashboardSite) -> None:
    site.study.post(2, 3)
    visitor = site.visitor()
    assert '<a href="/dashboard/experiments/stroop">stroop</a>' in visitor.get("/experiments")
    assert "turkctl experiments list" in visitor.text
    page = visitor.get("/experiments/stroop")
    assert "Name the colour of a word" in page
    assert 'href="/dashboard/hits?experiment=stroop&amp;status=Assignable">3 Assignable</a>' in page
    assert '<code>external_url</code></dt><dd class="text">https://lab.example.org/pub</dd>' in page
    assert "turkctl experiments show stroop" in page
    assert "turkctl experiments configure" in page


def test_the_history_says_what_each_version_changed(site: DashboardSite) -> None:
    configure(site.study, HTML)
    configure(site.study, HTML, reward="0.75")
    page = site.visitor().get("/experiments/photos")
    assert "<code>limits.budget</code>" in page
    assert re.search(r"Version 2: .*?<code>reward</code></dt><dd class=\"text\">0.50 → 0.75</dd>", page, re.DOTALL)
    assert "The first one." in page


@pytest.mark.parametrize("path", ["", "/preview", "/preview/page"])
def test_an_unknown_experiment_is_not_found(site: DashboardSite, path: str) -> None:
    visitor = site.visitor()
    assert "<script>" not in visitor.get(f"/experiments/<script>{path}")
    visitor.get(f"/experiments/nobody{path}")
    assert visitor.status == 404


def test_a_page_on_another_server_is_a_link_with_the_parameters_of_a_preview(site: DashboardSite) -> None:
    visitor = site.visitor()
    page = visitor.get("/experiments/stroop/preview")
    link = 'href="https://lab.example.org/pub?assignmentId=ASSIGNMENT_ID_NOT_AVAILABLE&amp;hitId='
    assert link in page
    assert "<iframe" not in page
    visitor.get("/experiments/stroop/preview/page")
    assert visitor.status == 404


def test_a_task_of_html_is_framed_in_a_sandbox_and_has_a_policy_of_its_own(site: DashboardSite) -> None:
    configure(site.study, HTML)
    visitor = site.visitor()
    page = visitor.get("/experiments/photos/preview")
    (frame,) = re.findall(r"<iframe [^>]*>", page)
    assert 'sandbox="allow-scripts allow-forms"' in frame
    assert 'src="/dashboard/experiments/photos/preview/page"' in frame
    assert "There is no content yet: each placeholder shows its own name" in page
    document = visitor.get("/experiments/photos/preview/page")
    assert "<p>word</p>" in document
    policy = visitor.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-scripts allow-forms;")
    assert "allow-same-origin" not in policy
    assert "form-action 'none'" in policy
    assert "frame-ancestors 'self'" in policy


def test_nobody_sees_a_task_without_signing_in(site: DashboardSite) -> None:
    configure(site.study, HTML)
    stranger = site.visitor(None)
    assert "<p>word</p>" not in stranger.get("/experiments/photos/preview/page")
    assert "Sign in" in stranger.text


def test_an_item_of_content_fills_the_task(site: DashboardSite) -> None:
    configure(site.study, HTML)
    visitor = site.visitor()
    page = visitor.get("/experiments/photos/preview?row=no-such-key")
    assert visitor.status == 404
    assert "has no content &#39;no-such-key&#39;" in page
    visitor.get("/experiments/photos/preview?row=0")
    assert "must be at least 1" in visitor.text


def test_a_question_form_is_shown_as_text(site: DashboardSite) -> None:
    configure(site.study, FORM)
    visitor = site.visitor()
    assert "The market draws question forms itself" in visitor.get("/experiments/photos/preview")
    assert "&lt;QuestionIdentifier&gt;colour" in visitor.get("/experiments/photos/preview/page")


def test_a_layout_is_shown_by_its_id(site: DashboardSite) -> None:
    configure(site.study, LAYOUT)
    page = site.visitor().get("/experiments/photos/preview")
    assert "3LAYOUT0000000000000000" in page
    assert "<iframe" not in page
