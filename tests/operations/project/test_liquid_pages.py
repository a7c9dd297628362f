"""Liquid templates as Ground Truth's: what they are filled in with, how values are escaped, and what is refused."""

from __future__ import annotations

import html
import json
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turkctl.errors import UsageError
from turkctl.operations.project import liquid_engine, liquid_pages


def filled(template: str, *rows: dict[str, Any], items: int = 1, lenient: bool = False) -> str:
    return liquid_pages.fill(template, rows, items, lenient=lenient)


NASTY = "</script>\"'<b onclick=x>&amp; \\ `"


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def seen(page: str) -> _Seen:
    found = _Seen()
    found.feed(page)
    found.close()
    return found


@given(st.text(alphabet=st.sampled_from("<>\"'&= `\n\\abc/{}$%|"), max_size=20))
def test_no_value_changes_the_page_around_it(value: str) -> None:
    page = seen(
        filled("<p title='{{ task.input.a }}' lang=x{{ task.input.a }}y>{{ task.input.a | escape }}</p>", {"a": value})
    )
    assert page.tags == ["p"]
    assert page.attributes == [("title", value), ("lang", f"x{value}y")]
    assert page.text == value


def test_in_a_script_a_value_is_part_of_a_string_and_json_is_a_value() -> None:
    page = filled(
        '<script>const a = "{{ task.input.a }}", b = {{ task.input.b | to_json }};</script>',
        {"a": NASTY, "b": [NASTY, {"c": None}]},
    )
    script = page.removeprefix("<script>").removesuffix("</script>")
    assert "</script" not in script
    first, second = script.removeprefix("const a = ").removesuffix(";").split(", b = ")
    assert json.loads(first) == NASTY
    assert json.loads(second) == [NASTY, {"c": None}]


@pytest.mark.parametrize(
    "template",
    [
        "<x-a labels='{{ task.input.labels | to_json }}'></x-a>",
        '<x-a labels="{{ task.input.labels | to_json }}"></x-a>',
        '<x-a labels="{{ task.input.labels | to_json | escape }}"></x-a>',
        "<x-a labels={{ task.input.labels | to_json }}></x-a>",
    ],
)
def test_json_can_be_an_attribute_with_either_quote_or_none_and_is_escaped_once(template: str) -> None:
    labels = ["it's", '"quoted"', "<b>", NASTY]
    ((name, value),) = seen(filled(template, {"labels": labels})).attributes
    assert (name, json.loads(value or "")) == ("labels", labels)


def test_a_list_without_a_filter_is_json_as_ground_truth_s_templates_read_it() -> None:
    parts = ["it's", {"b": [1, None]}]
    (attribute,) = seen(filled("<p data-parts='{{ task.input.parts }}'></p>", {"parts": parts})).attributes
    assert json.loads(attribute[1] or "") == parts


def test_what_is_put_in_as_it_is_needs_a_filter_of_its_own() -> None:
    row = {"a": "<b>bold</b>"}
    assert filled("{{ task.input.a }}", row) == html.escape(row["a"])
    assert filled("{{ task.input.a | skip_autoescape }}", row) == row["a"]
    assert filled("{{ task.input.a | escape | skip_autoescape }}", row) == html.escape(row["a"])
    assert filled("{{ task.input.a | escape_once }}", {"a": "&amp; <"}) == "&amp; &lt;"
    assert filled("{{ task.input.a | newline_to_br }}", {"a": "<\nx"}) == "&lt;<br>\nx"


def test_loops_conditions_and_captured_text_work_and_a_captured_value_is_escaped_once() -> None:
    template = (
        "{% for pair in task.input.pairs %}{% if pair.ok %}<i>{{ forloop.index }} {{ pair.a }}</i>{% endif %}"
        "{% endfor %}{% capture both %}s3://{{ task.input.bucket }}/{{ task.input.name }}{% endcapture %}"
        '<img src="{{ both | grant_read_access }}">{{ task.input.maybe | default: "none" }}'
        "{% if task.input.other %}other{% endif %}{% comment %}{{ task.input.x }}{% endcomment %}"
        "{% raw %}{{ y }}{% endraw %}"
    )
    row = {"pairs": [{"a": "<", "ok": True}, {"a": "2", "ok": False}], "bucket": "b", "name": "a & b.png"}
    assert filled(template, row) == ('<i>1 &lt;</i><img src="/content/files/b/a%20%26%20b.png">none{{ y }}')
    assert liquid_pages.missing(template, set(row)) == []
    assert liquid_pages.missing(template, {"pairs"}) == ["bucket", "name"]


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("https://x.example/a b", "https://x.example/a b"),
        ("cats/1 2#3?.png", "/content/files/cats/1%202%233%3F.png"),
        ("/content/files/a.png", "/content/files/a.png"),
        ("s3://bucket/key.png", "/content/files/bucket/key.png"),
        ("data:image/png;base64,AA", "data:image/png;base64,AA"),
    ],
)
def test_a_file_that_a_row_names_gets_the_address_of_the_worker_site(value: str, address: str) -> None:
    ((_, found),) = seen(filled('<img src="{{ task.input.f | grant_read_access }}">', {"f": value})).attributes
    assert found == address


def test_an_address_that_would_run_a_script_is_refused() -> None:
    with pytest.raises(UsageError, match="script where an address belongs, in line 2"):
        filled('<p>\n<a href="{{ task.input.a }}">', {"a": "javascript:alert(1)"})


@pytest.mark.parametrize(
    "row", [{"source-ref": "x"}, {"source": "x", "n": 1}, {"only": "x"}, {"taskObject": "x", "url": "y"}, {"url": "x"}]
)
def test_the_item_itself_is_the_task_object(row: dict[str, Any]) -> None:
    assert filled("{{ task.input.taskObject }}", row) == "x"
    assert liquid_pages.missing("{{ task.input.taskObject }}", set(row)) == []


def test_several_items_of_a_hit_are_a_list() -> None:
    template = "{% for item in task.inputs %}<p>{{ item.word }}</p>{% endfor %}"
    assert filled(template, {"word": "a"}, {"word": "b"}, items=2) == "<p>a</p><p>b</p>"
    with pytest.raises(UsageError, match=r"line 1: task\.input is undefined") as told:
        filled("{{ task.input.word }}", {"word": "a"}, items=2)
    assert "task.inputs" in (told.value.hint or "")


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("a\n{{ task.input.nope }}", "line 2: task.input.nope is undefined"),
        ("a\n\n{{ task.input.a | nope }}", "line 3: unknown filter 'nope'"),
        ("a\n{{ tasks.input.a }}", "line 2: unknown variable 'tasks'"),
        ("{% if false %}\n{{ 'a' | to_jsn }}{% endif %}", "line 2: unknown filter 'to_jsn'"),
        ("a\n{% for a in %}{% endfor %}", "line 2: expected a primitive expression"),
        ("a\n{% if task.input.a %}", "line 2: "),
        ("a\n{% include 'x' %}", "line 2: unexpected tag 'include'"),
        ("a\n{{ 'b", "line 2: expected '}}'"),
        ("a\n<{{ task.input.a }}>", "line 2: {{ task.input.a }} is where the name of an element belongs"),
        ("\n<iframe srcdoc='{{ task.input.a }}'>", "line 2: {{ task.input.a }} is in a page within the page"),
        ("a\n{% cycle task.input.a %}", "line 2: unexpected tag 'cycle'"),
    ],
)
def test_a_mistake_is_named_with_its_line(template: str, says: str) -> None:
    with pytest.raises(UsageError) as told:
        filled(template, {"a": "x"})
    assert told.value.message.startswith(says)


@pytest.mark.parametrize(
    "template",
    [
        "{% for i in (1..100000000) %}x{% endfor %}",
        "{% for i in (1..5000) %}{% for j in (1..5000) %}x{% endfor %}{% endfor %}",
        "{% for i in task.input.many %}{% for j in task.input.many %}x{% endfor %}{% endfor %}",
        "{% assign a = 'xxxxxxxxxx' %}{% for i in (1..100) %}{% assign a = a | append: a %}{% endfor %}",
        "{% for i in (1..9999) %}{{ task.input.long }}{% endfor %}",
    ],
)
def test_time_and_memory_are_bounded(template: str) -> None:
    with pytest.raises(UsageError, match="limit"):
        filled(template, {"many": list(range(liquid_engine.LOOPS - 1)), "long": "x" * 10_000})


def test_a_preview_without_content_leaves_missing_values_out() -> None:
    assert filled("<p>{{ task.input.a.b }}</p>{% for i in task.input.c %}{{ i.d }}{% endfor %}", {}, lenient=True) == (
        "<p></p>"
    )


def test_what_javascript_writes_like_our_placeholders_stays() -> None:
    assert filled("<script>`${a} $${b} ${v0}` + '{{ task.input.a }}'</script>", {"a": "x"}) == (
        "<script>`${a} $${b} ${v0}` + 'x'</script>"
    )
