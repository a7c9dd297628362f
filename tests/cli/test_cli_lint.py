"""experiments lint and preview: what is wrong with a page, where, and what a worker would see."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

HEAD = """[experiments.stroop]
code_version = "1"
title = "T"
description = "D"
reward = "0.10"
"""
GOOD = """<form method="post" action="x">
<input type="hidden" name="assignmentId">
<input name="colour"><button>Submit</button></form>
"""
CROWD = """<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>
<crowd-form><crowd-input name="a"></crowd-input></crowd-form>"""
CLASSIC = """<script src="https://s3.amazonaws.com/mturk-public/externalHIT_v1.js"></script>
<form name="mturk_form" method="post" action="https://www.mturk.com/mturk/externalSubmit">
<input type="hidden" name="assignmentId"><input name="a"><input type="submit"></form>"""


def project(folder: Path, page: str | None, more: str = "") -> None:
    """A project with a template, or with the keys that are given."""
    if page is not None:
        (folder / "t.html").write_text(page, encoding="utf-8")
        more = f'html_template = "t.html"\n{more}'
    (folder / "turkctl.toml").write_text(HEAD + more, encoding="utf-8")


def lint(turkctl: Run, *argv: str) -> list[tuple[str, str, int]]:
    """(rule, level, line) of what is found."""
    finished = turkctl("experiments", "lint", "--json", *argv)
    found = json.loads(finished.out)
    assert finished.code == (1 if any(each["level"] == "error" for each in found) else 0)
    assert all(each["mend"] and each["message"] for each in found)
    return [(each["rule"], each["level"], int(each["where"].rpartition(":")[2])) for each in found]


@pytest.mark.parametrize("page", [GOOD, CROWD, CLASSIC], ids=["own form", "crowd elements", "classic script"])
def test_a_good_page_has_no_findings(folder: Path, turkctl: Run, page: str) -> None:
    project(folder, page)
    assert lint(turkctl) == []
    assert turkctl("experiments", "lint").err.endswith("\n1 experiment, 0 errors, 0 warnings\n")


@pytest.mark.parametrize(
    ("page", "rule", "level", "line"),
    [
        (
            GOOD.replace('"x"', '"https://workersandbox.mturk.com/mturk/externalSubmit"'),
            "hard-coded-submit",
            "error",
            1,
        ),
        (
            f"{GOOD}<script>\nfetch('https://www.mturk.com/mturk/externalSubmit')</script>",
            "hard-coded-submit",
            "error",
            5,
        ),
        (GOOD.replace("assignmentId", "id"), "no-assignment-id", "error", 1),
        ('<p>Hello</p><script>x("assignmentId")</script>', "no-form", "error", 1),
        (GOOD.replace("<button>Submit</button>", ""), "no-submit-button", "warning", 1),
        (GOOD.replace(' method="post"', ""), "form-method", "warning", 1),
        (f'{GOOD}<script src="http://x.example/a.js"></script>', "http-resource", "error", 4),
        (f'{GOOD}<img src="http://x.example/a.png">', "http-picture", "warning", 4),
        (f'{GOOD}<img src="a.png">', "relative-address", "error", 4),
        (f'{GOOD}<link rel="stylesheet" href="/a.css">', "relative-address", "error", 4),
        (f'{GOOD}<a target="_top" href="https://x.example">x</a>', "leaves-frame", "error", 4),
        (f"{GOOD}<script>top.location = 'x'</script>", "leaves-frame", "error", 4),
        (GOOD.replace('name="colour"', ""), "unnamed-field", "warning", 3),
        (GOOD.replace('"colour"', '"workerId"'), "reserved-name", "warning", 3),
        (
            f"""<meta http-equiv="Content-Security-Policy" content="script-src 'self'">{GOOD}<script>a()</script>""",
            "script-blocked",
            "error",
            1,
        ),
        (f"{CROWD[:-13]}\n<crowd-semantic-segmentation name='a'>", "missing-element", "error", 3),
        (f"{CROWD[:-13]}\n\n<crowd-entity-annotator name='a'>", "unknown-element", "error", 4),
        (f"{CROWD[:-13]}<crowd-classifier>", "unnamed-element", "warning", 2),
        (GOOD + "x" * 55_000, "large-page", "warning", 1),
        (f"{GOOD}<p>${{a|raw}}</p>", "raw-placeholder", "warning", 4),
        (f"{GOOD}<script>var a = '${{contents_json}}';</script>", "quoted-json", "warning", 4),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 25 else "",
)
def test_each_mistake_on_a_page_is_found_with_its_line(
    folder: Path, turkctl: Run, page: str, rule: str, level: str, line: int
) -> None:
    project(folder, page)
    assert lint(turkctl) == [(rule, level, line)]


def test_every_rule_has_a_test_above() -> None:
    from turkctl.operations.experiments.lint_rules import RULES

    text = Path(__file__).read_text(encoding="utf-8")
    assert [rule.name for rule in RULES if f'"{rule.name}"' not in text] == []


@pytest.mark.parametrize(
    ("keys", "rule", "level"),
    [
        ('external_url = "https://x.example/"\nframe_height = 2001', "frame-height", "warning"),
        ('external_url = "https://x.example/"\nframe_height = 199', "frame-height", "warning"),
        ('external_url = "http://localhost:5000/"', "http-page", "warning"),
        ('external_url = "https://x.example/?workerId=1"', "reserved-parameter", "error"),
    ],
)
def test_addresses_and_frames_are_looked_at(folder: Path, turkctl: Run, keys: str, rule: str, level: str) -> None:
    project(folder, None, keys)
    assert [each[:2] for each in lint(turkctl)] == [(rule, level)]


def test_a_picture_on_this_computer_is_no_finding(folder: Path, turkctl: Run) -> None:
    project(folder, f'{GOOD}<img src="http://localhost:8000/a.png">')
    assert lint(turkctl) == []


def add_content(folder: Path, turkctl: Run, text: str = "key,word\na,<b>red\nb,blue\n") -> None:
    """Configures the experiment and gives it content."""
    (folder / "c.csv").write_text(text, encoding="utf-8")
    assert turkctl("experiments", "configure").code == 0
    finished = turkctl("content", "add", "c.csv", "--experiment", "stroop", "--key", "key")
    assert finished.code == 0, finished.err


def test_placeholders_are_held_against_the_columns_of_the_content(folder: Path, turkctl: Run) -> None:
    project(folder, GOOD)
    add_content(folder, turkctl)
    assert lint(turkctl) == [("no-placeholder", "warning", 1)]
    project(folder, f"{GOOD}<p>${{wort}}</p>")
    assert lint(turkctl) == [("no-column", "error", 4)]
    refused = turkctl("experiments", "configure")
    assert refused.code == 2
    assert "turkctl.toml:6: experiment 'stroop': the content has no column for the placeholder ${wort}" in refused.err
    project(folder, f"{GOOD}<p>${{word}}</p>")
    assert lint(turkctl) == []


def test_only_named_experiments_are_looked_at_and_a_wrong_name_is_fixed(folder: Path, turkctl: Run) -> None:
    project(folder, "<p>x</p>")
    more = HEAD.replace("stroop", "other") + 'external_url = "https://x.example/"\n'
    with (folder / "turkctl.toml").open("a", encoding="utf-8") as file:
        file.write(more)
    assert lint(turkctl, "other") == []
    finished = turkctl("experiments", "lint", "strop")
    assert finished.code == 2
    assert "did you mean 'stroop'?" in finished.err


# --- preview


def test_an_address_is_previewed_with_the_parameters_of_the_market(folder: Path, turkctl: Run) -> None:
    project(folder, None, 'external_url = "https://x.example/a?word=${word}#top"')
    add_content(folder, turkctl)
    finished = turkctl("experiments", "preview", "stroop", "--row", "2")
    assert finished.out == (
        "https://x.example/a?word=blue&assignmentId=ASSIGNMENT_ID_NOT_AVAILABLE&hitId=3PREVIEW0000000000000000000000"
        "&turkSubmitTo=http%3A%2F%2F127.0.0.1%3A8800#top\n"
    )


def test_a_page_is_previewed_whole_with_its_forms_disarmed(folder: Path, turkctl: Run) -> None:
    project(folder, f"<html><head><title>T</title></head><body>{GOOD}<p>${{word}}</p></body></html>")
    add_content(folder, turkctl)
    for row in ("1", "a"):
        assert turkctl("experiments", "preview", "stroop", "--row", row, "--file", "p.html").code == 0
        page = (folder / "p.html").read_text(encoding="utf-8")
        assert "<p>&lt;b&gt;red</p>" in page
        assert page.index("preventDefault") < page.index("<title>")
    record = json.loads(turkctl("experiments", "preview", "stroop", "--json").out)
    assert (record["kind"], record["contents"], record["url"]) == ("html", ["a"], None)


def test_a_page_with_no_head_is_disarmed_ahead_of_its_scripts(folder: Path, turkctl: Run) -> None:
    project(folder, f"<script>go()</script><header>T</header>{GOOD}")
    add_content(folder, turkctl)
    page = turkctl("experiments", "preview", "stroop").out
    assert page.index("preventDefault") < page.index("go()")


def test_without_content_each_placeholder_shows_its_name(folder: Path, turkctl: Run) -> None:
    project(folder, f"{GOOD}<p>${{word_1}} ${{word_2}}</p>", "contents_per_hit = 2\n")
    assert turkctl("experiments", "configure").code == 0
    finished = turkctl("experiments", "preview", "stroop")
    assert "<p>word_1 word_2</p>" in finished.out
    assert "there is no content yet" in finished.err


def test_the_browser_is_opened_where_there_is_one(folder: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = folder / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {folder}/opened\n', encoding="utf-8")
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    project(folder, GOOD)
    assert turkctl("experiments", "configure").code == 0
    assert turkctl("experiments", "preview", "stroop", "--open", "--file", "p.html").code == 0
    opened = (folder / "opened").read_text(encoding="utf-8")
    assert opened.startswith(f"{(folder / 'p.html').as_uri()}?assignmentId=ASSIGNMENT_ID_NOT_AVAILABLE&")


def test_an_item_whose_key_is_a_number_is_found_where_the_queue_is_shorter(folder: Path, turkctl: Run) -> None:
    project(folder, None, 'external_url = "https://x.example/?w=${word}"')
    add_content(folder, turkctl, "key,word\n7001,red\n")
    assert "?w=red&" in turkctl("experiments", "preview", "stroop", "--row", "7001").out


FORM = """<QuestionForm xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2017-11-06/QuestionForm.xsd">
<Question><QuestionIdentifier>q</QuestionIdentifier><QuestionContent><Text>${word}?</Text></QuestionContent>
<AnswerSpecification><FreeTextAnswer/></AnswerSpecification></Question></QuestionForm>"""


@pytest.mark.parametrize(
    ("keys", "kind", "shown"),
    [
        ('question_file = "form.xml"', "form", "&lt;Text&gt;&amp;lt;b&amp;gt;red?"),
        ('hit_layout = "3L"\nhit_layout_parameters = { word = "${word}" }', "layout", "3L\nword = &lt;b&gt;red\n"),
        ('external_url = "https://x.example/?w=${word}"\nframe_height = 700', "external", "?w=%3Cb%3Ered&assign"),
    ],
)
def test_every_kind_of_question_is_previewed(folder: Path, turkctl: Run, keys: str, kind: str, shown: str) -> None:
    (folder / "form.xml").write_text(FORM, encoding="utf-8")
    project(folder, None, keys)
    add_content(folder, turkctl)
    assert shown in turkctl("experiments", "preview", "stroop").out
    assert json.loads(turkctl("experiments", "preview", "stroop", "--json").out)["kind"] == kind
    assert turkctl("experiments", "preview", "stroop", "--file", "p.html").code == 0
    page = (folder / "p.html").read_text(encoding="utf-8")
    assert ("height:700px" in page) is (kind == "external")
    assert lint(turkctl) == []


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["stropp"], "no experiment 'stropp' is configured; did you mean 'stroop'?"),
        (["stroop", "--row", "3"], "experiment 'stroop' has no item 3, only 2 items"),
        (["stroop", "--row", "0"], "--row must be at least 1"),
        (["stroop", "--row", "zz"], "experiment 'stroop' has no content 'zz'"),
        (["stroop", "--file", "nowhere/p.html"], "cannot write nowhere/p.html"),
    ],
)
def test_what_cannot_be_previewed_is_refused(folder: Path, turkctl: Run, argv: list[str], said: str) -> None:
    project(folder, f"{GOOD}<p>${{word}}</p>")
    add_content(folder, turkctl)
    finished = turkctl("experiments", "preview", *argv)
    assert finished.code == 2
    assert said in finished.err


def test_a_liquid_template_is_checked_when_it_is_stored_and_with_the_first_item_of_its_content(
    folder: Path, turkctl: Run
) -> None:
    language = 'html_template_language = "liquid"\n'
    project(folder, "<p>\n{{ task.input.word | nope }}</p>", language)
    finished = turkctl("experiments", "configure")
    assert (finished.code, "t.html: line 2: unknown filter 'nope'" in finished.err) == (2, True), finished.err
    page = """<script src="https://assets.crowd.aws/crowd-html-elements.js"></script><crowd-form>
<img alt="" src="{{ task.input.taskObject | grant_read_access }}">
{% for each in task.input.words %}{{ each.text }}{% endfor %}</crowd-form>"""
    project(folder, page, language)
    assert turkctl("experiments", "configure").code == 0
    assert lint(turkctl) == []
    shown = turkctl("experiments", "preview", "stroop")
    assert (shown.code, "/content/files/taskObject" in shown.out) == (0, True), "columns stand for their own names"
    rows = [{"key": "a", "url": "a.png", "words": [{"text": "x"}]}, {"key": "b", "url": "b.png", "words": [{}]}]
    (folder / "c.jsonl").write_text("".join(json.dumps(each) + "\n" for each in rows))
    finished = turkctl("content", "add", "c.jsonl")
    assert finished.code == 0, finished.err
    assert lint(turkctl) == []
    shown = turkctl("experiments", "preview", "stroop", "--row", "a")
    assert '<img alt="" src="/content/files/a.png">\nx</crowd-form>' in shown.out
    posted = turkctl("content", "dispatch", "--yes")
    assert posted.code != 0, "the second item has no text"
    assert "line 3: each.text is undefined" in posted.out


def test_a_liquid_template_needs_its_columns(folder: Path, turkctl: Run) -> None:
    project(folder, "<p>{{ task.input.word }}</p>{{ task.input.taskObject }}", 'html_template_language = "liquid"\n')
    assert turkctl("experiments", "configure").code == 0
    (folder / "c.csv").write_text("key,other\na,b\n")
    finished = turkctl("content", "add", "c.csv")
    assert (finished.code, "word" in finished.err) == (2, True)


def test_lint_knows_the_elements_that_the_market_has(folder: Path, turkctl: Run) -> None:
    from turkctl.market.site.html_tasks import STATIC
    from turkctl.operations.experiments.crowd_elements import ANSWERING, MISSING, OTHERS

    text = (STATIC / "crowd" / "elements.js").read_text(encoding="utf-8")
    assert set(re.findall(r'^  "(crowd-[a-z0-9-]+)":', text, re.MULTILINE)) == {*ANSWERING, *OTHERS}
    told = (STATIC / "crowd" / "missing.js").read_text(encoding="utf-8")
    assert set(re.findall(r'^  "(crowd-[a-z0-9-]+)":', told, re.MULTILINE)) == set(MISSING)
    project(folder, "<crowd-form><crowd-entity-annotator name='a'></crowd-entity-annotator></crowd-form>")
    assert "did you mean 'crowd-entity-annotation'?" in turkctl("experiments", "lint").out
    project(folder, GOOD.replace('"x"', '"https://www.mturk.com/mturk/externalSubmit"'))
    assert 'form.action = new URLSearchParams(location.search).get("turkSubmitTo")' in turkctl(
        "experiments", "lint", "--json"
    ).out.replace('\\"', '"')


def test_the_reference_names_every_element() -> None:
    from turkctl.operations.experiments.crowd_elements import ANSWERING, MISSING, OTHERS

    page = (Path(__file__).parents[2] / "docs" / "reference" / "crowd-elements.md").read_text(encoding="utf-8")
    assert [each for each in (*ANSWERING, *OTHERS, *MISSING) if f"`{each}`" not in page] == []


FIELDS = """<form method="post" action="x"><input type="hidden" name="assignmentId">
<input name="label_1"><input name="label_2"><textarea name="comment"></textarea><button>Submit</button></form>
<script>document.forms[0].assignmentId.value = new URLSearchParams(location.search).get("assignmentId");</script>"""


@pytest.mark.parametrize(
    ("page", "keys", "message", "fix"),
    [
        (FIELDS, "[experiments.stroop.labels]\n", "labels.field is not set, and neither is answer_field", "label_{n}"),
        (None, "[experiments.stroop.labels]\n", "labels.field is not set, and neither is answer_field", "label"),
        (
            FIELDS,
            'answer_field = "mood"\n',
            'answer_field is "mood", but the page has the fields label_1 … label_2',
            None,
        ),
        (FIELDS, '[experiments.stroop.labels]\nfield = "mood_{n}"\n', 'labels.field is "mood_{n}", but the page', None),
    ],
)
def test_a_missing_or_wrong_field_of_labels_is_named(
    folder: Path, turkctl: Run, page: str | None, keys: str, message: str, fix: str | None
) -> None:
    project(folder, page, keys if page is not None else f'external_url = "https://lab.example.org/"\n{keys}')
    (found,) = json.loads(turkctl("experiments", "lint", "--json").out)
    assert (found["rule"], found["level"]) == ("label-field", "warning")
    assert found["message"].startswith(message)
    if fix is not None:
        assert found["mend"] == f'write field = "{fix}"'


@pytest.mark.parametrize(
    "page",
    [
        FIELDS,
        CROWD,
        FIELDS.replace("label_", "mood_").replace("<script>", "<script>document.createElement('input');"),
        FIELDS.replace("label_1", "label_${n}"),
        FIELDS.replace("label_", "mood_") + '<script src="https://cdn.example.org/jspsych.js"></script>',
    ],
    ids=["there", "crowd elements", "made by a script", "with a placeholder", "made elsewhere"],
)
def test_a_field_that_may_be_there_is_not_named(folder: Path, turkctl: Run, page: str) -> None:
    project(folder, page, 'answer_field = "label_{n}"\n')
    assert "label-field" not in {rule for rule, _level, _line in lint(turkctl)}
