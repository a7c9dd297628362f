"""Placeholders of other systems are named where nothing fills them in, and nothing else is taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turkctl.errors import UsageError
from turkctl.operations.project.foreign import in_page, in_text, refuse


def named(page: str) -> list[tuple[str, int, bool]]:
    """Text, line, and whether the page may fill it in itself."""
    return [(each.text, each.line, each.own) for each in in_page(page)]


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<p>{{ name }}</p>", "{{ name }}"),
        ("<p>{{{name}}}</p>", "{{{name}}}"),
        ("<p>{{#if a}}x{{/if}}</p>", "{{#if a}}"),
        ("<p>{% if a < b %}x{% endif %}</p>", "{% if a < b %}"),
        ("<p>{%- assign a = 1 -%}</p>", "{%- assign a = 1 -%}"),
        ('<img src="{{ url }}">', "{{ url }}"),
        ("<input name=row{{n}}>", "{{n}}"),
        ("<div {{ attributes }}>", "{{ attributes }}"),
        ("<{{ tag }}>", "{{ tag }}"),
        ("<style>p { color: {{ colour }} }</style>", "{{ colour }}"),
        ("<textarea>{{ text }}</textarea>", "{{ text }}"),
        ('<p>{{ "text" | upcase }}</p>', '{{ "text" | upcase }}'),
        ("<p>{{\n  name\n}}</p>", "{{ name }}"),
        ("<title>{{ title }}</title>", "{{ title }}"),
        ("<p>$${a} {{ name }} ${b}</p>", "{{ name }}"),
    ],
)
def test_a_placeholder_in_a_text_an_attribute_or_a_style_is_named(page: str, text: str) -> None:
    assert named(f"<h1>x</h1>\n{page}")[0] == (text, 2, False)


@pytest.mark.parametrize(
    "page",
    [
        "<p>{ {a} } {{}} {{1, 2}, {3}} {{ 2 }} &#123;{ name }} { % if % }</p>",
        "<!-- {{ old }} {% comment %} -->",
        "<p>{{ without end</p>",
        "<script>var a = {b: {c: 1}}; var d = {e:{}}; f({g: {h: {}}})</script>",
        "<script>if (a) {{\n  b();\n}}</script>",
        '<p data-x=\'{"a":{"b":{}}}\'>${column}</p>',
        "<style>@media print { p { color: red }}</style>",
    ],
)
def test_what_is_none_is_not_named(page: str) -> None:
    assert named(page) == []


@pytest.mark.parametrize(
    "page",
    [
        "<script>const page = `<p>{{ name }}</p>`;</script>",
        '<script type="text/x-handlebars"><p>{{ name }}</p></script>',
        '<a onclick="show(`{{ name }}`)">x</a>',
        "<template><p>{{ name }}</p></template>",
        '<script src="https://unpkg.com/vue@3"></script><div id=app>{{ name }}</div>',
        "<div ng-app>{{ name }}</div>",
        "<div x-data>{{ name }}</div>",
        "<p id=t>{{ name }}</p><script>Mustache.render(t.innerHTML, {})</script>",
        '<script src="https://cdn.example/mathjax/tex.js"></script>\\frac{{ name }}{{2}}',
    ],
)
def test_what_the_page_may_fill_in_itself_is_told_apart(page: str) -> None:
    assert named(page) == [("{{ name }}", 1, True)]
    refuse(in_page(page), ground_truth=True)


def test_the_error_names_the_first_ones_with_their_line_and_how_to_write_them() -> None:
    with pytest.raises(UsageError, match=r"^line 1: \{\{ a \}\}, \{\{ b \}\}, \{\{ c \}\} and 2 others are ") as found:
        refuse(in_page("<p>{{ a }}{{ b }}{{ a }}{{ c }}{{ d }}{{ e }}"), ground_truth=True)
    assert "write ${column}" in str(found.value.hint)
    with pytest.raises(UsageError, match=r"is another system's placeholder: nothing fills it in$") as found:
        refuse(in_page("<p>{{ task.input.a }}"), ground_truth=True)
    assert "html_template_language" in str(found.value.hint)
    with pytest.raises(UsageError) as found:
        refuse(in_text("https://x.example/{{ task.input.a }}"), ground_truth=False)
    assert "html_template_language" not in str(found.value.hint)


def test_a_long_placeholder_is_cut_short() -> None:
    (found,) = in_text("{{ " + "a" * 500 + " }}")
    assert len(found.text) == 60
    assert found.text.endswith(" …}}")


PIECES = [
    "{{",
    "}}",
    "{{{",
    "}}}",
    "{%",
    "%}",
    "a",
    " ",
    "\n",
    "<p>",
    "<script>",
    "</script>",
    "<!--",
    "-->",
    '"',
    "${a}",
    "$",
]


@given(st.lists(st.sampled_from(PIECES), max_size=20).map("".join))
def test_any_page_is_read_and_what_is_named_is_in_it(page: str) -> None:
    for each in in_page(page):
        assert each.text.split()[0] in page
        assert 1 <= each.line <= page.count("\n") + 1
