"""Placeholders: whatever a row holds, it stays in the place that it was put in."""

from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turkctl.errors import UsageError
from turkctl.operations.project.templates import (
    Placeholder,
    asked,
    fill,
    html_pieces,
    safe_json,
    url_pieces,
    xml_pieces,
)

NASTY = st.text("<>/\"'`&;=-!{}$\\()\n\r\u2028 abcscriptstyle:", max_size=30) | st.text(max_size=20)
VALUES = NASTY.filter(lambda text: not re.search("[\ud800-\udfff\x00\r]", text))

PAGE = """<!DOCTYPE html><html><head><title>${x}</title><style>p { content: "${x}" }</style></head>
<body class=c${x} data-a='${x}' title="${x}"><!-- ${x} -->
<p onclick="go('${x}')" style="width: ${x}">Say ${x}, then go on</p><textarea>${x}</textarea>
<!-- one --!><a href="https://x.example/?q=${x}" target="${x}">link</a><img src="https://x.example/${x}" alt=${x}>
<script>var a = "${x}", b = '${x}', c = `${x}`, d = ${contents_json};</script>
<form action="/submit"><input name=i value=${x}></form><p>end</p></body></html>"""


class Shape(HTMLParser):
    """The structure of a page: its tags with the names of their attributes, and the texts between."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, ...]] = []
        self.values: list[str | None] = []
        self.comments = 0
        self.scripts: list[str] = []
        self.texts: list[str] = []
        self._inside = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, *(name for name, _value in attrs)))
        self.values += [value for _name, value in attrs]
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self.tags.append((f"/{tag}",))
        self._inside = ""

    def handle_comment(self, data: str) -> None:  # noqa: ARG002  # the base's
        self.comments += 1

    def handle_data(self, data: str) -> None:
        (self.scripts if self._inside == "script" else self.texts).append(data)


PLAIN = Shape(fill(html_pieces(PAGE), {"x": "word", "contents_json": [{"x": "word"}]}))


@given(value=VALUES)
def test_no_value_changes_the_structure_of_a_page(value: str) -> None:
    shape = Shape(fill(html_pieces(PAGE), {"x": value, "contents_json": [{"x": value}]}))
    assert shape.tags == PLAIN.tags
    assert shape.comments == PLAIN.comments
    assert len(shape.scripts) == 1


@given(value=VALUES)
def test_texts_and_attributes_show_the_value_as_it_is(value: str) -> None:
    page = fill(html_pieces('<p title="${x}" id=a${x}>[${x}]</p>'), {"x": value})
    shape = Shape(page)
    assert shape.values == [value, f"a{value}"]
    assert html.unescape(page.partition(">[")[2].removesuffix("]</p>")) == value


_LITERALS = re.compile(
    r"""var a = "((?:\\u[0-9a-f]{4}|[^"\\\n])*)", b = '((?:\\u[0-9a-f]{4}|[^'\\\n])*)', """
    r"""c = `((?:\\u[0-9a-f]{4}|[^`\\$])*)`, d = (\[.*\]);"""
)


@given(value=VALUES)
def test_a_script_reads_the_value_back_from_any_quotes_and_from_json(value: str) -> None:
    script = Shape(fill(html_pieces(PAGE), {"x": value, "contents_json": [{"x": value}]})).scripts[0]
    found = _LITERALS.fullmatch(script)
    assert found, script
    assert [json.loads(f'"{found[place]}"') for place in (1, 2, 3)] == [value] * 3
    assert json.loads(found[4]) == [{"x": value}]


@given(value=VALUES)
def test_json_for_scripts_can_neither_end_them_nor_break_a_line(value: Any) -> None:
    text = safe_json([{"a": value, value: None}])
    assert json.loads(text) == json.loads(json.dumps([{"a": value, value: None}]))
    assert not re.search("[<>&\u2028\u2029\n]", text)


@given(value=VALUES)
def test_an_address_keeps_its_parts_whatever_is_put_into_it(value: str) -> None:
    address = fill(url_pieces("https://x.example/a?one=${x}&two=${x}#end"), {"x": value})
    parts = urlsplit(address)
    assert (parts.netloc, parts.path, parts.fragment) == ("x.example", "/a", "end")
    assert parse_qsl(parts.query, keep_blank_values=True) == [("one", value), ("two", value)]


@given(value=VALUES)
def test_xml_reads_the_value_back(value: str) -> None:
    assert html.unescape(fill(xml_pieces("<a>${x}</a>"), {"x": value})[3:-4]) == value


@given(text=st.text("${}ab_|raw<>\"'= /!-", max_size=60))
def test_a_template_without_placeholders_comes_out_as_it_went_in(text: str) -> None:
    try:
        pieces = html_pieces(text)
    except UsageError:
        return
    if not asked(pieces):
        assert fill(pieces, {}) == re.sub(r"\$(\$\{[A-Za-z_]\w*(\|raw)?\})", r"\1", text)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("${a}", ["a"]),
        ("${a_1} ${_b}", ["a_1", "_b"]),
        ("${1a} ${} ${a b} ${a.b} $a {a} $ {a} ${a", []),
        ("$${a} ${b}", ["b"]),
        ("$$${a}", []),
        ("${a|raw} ${a|other}", ["a"]),
        ("`$${name}` costs $5", []),
    ],
)
def test_only_a_name_in_braces_behind_a_dollar_is_a_placeholder(text: str, names: list[str]) -> None:
    assert [each.name for each in asked(html_pieces(text))] == names


def test_a_doubled_dollar_stands_for_a_literal_placeholder() -> None:
    assert fill(html_pieces("<script>`$${a}` + '${a}'</script>"), {"a": "1"}) == "<script>`${a}` + '1'</script>"


@pytest.mark.parametrize("value", ["#b3261e", "#fff", "1.5em", "-.5", "50%", "10px 20%", "red", "1px solid #767676"])
def test_a_style_takes_colours_lengths_and_names_as_they_are(value: str) -> None:
    page = fill(html_pieces('<style>p { color: ${x} }</style><p style="color: ${x}">a</p>'), {"x": value})
    assert page == f'<style>p {{ color: {value} }}</style><p style="color: {value}">a</p>'


@pytest.mark.parametrize(
    "value", ["red; x: y", "url(a)", "}p{", "#fff/**/", "1px  2px", '"a"', "</style>", "a\nb", "#ggg"]
)
def test_a_style_takes_nothing_else_than_one_value(value: str) -> None:
    page = fill(html_pieces("<style>p { color: ${x} }</style>"), {"x": value})
    assert value not in page.removesuffix(" }</style>")
    assert len(re.findall('[;{}()/"]', page)) == len(re.findall('[;{}()/"]', "<style>p { color:  }</style>"))


def test_raw_puts_the_value_in_unchanged() -> None:
    assert fill(html_pieces("<p>${a|raw}</p>"), {"a": "<b>&</b>"}) == "<p><b>&</b></p>"


@pytest.mark.parametrize("page", ["<p ${x}>", "<${x}>", "</${x}>", "<h${x}>", "<p data-${x}='1'>"])
def test_names_of_elements_and_attributes_take_raw_placeholders_only(page: str) -> None:
    with pytest.raises(UsageError, match=r"line 1: \$\{x\} is where the name"):
        html_pieces(page)
    assert asked(html_pieces(page.replace("${x}", "${x|raw}")))[0].raw


@pytest.mark.parametrize(
    "value",
    [
        "javascript:alert(1)",
        " JavaScript:x",
        "java\nscript:x",
        "data:text/html,x",
        "data:application/xhtml+xml,x",
        "data:image/svg+xml,x",
        "data:",
    ],
)
def test_no_row_puts_a_script_where_an_address_belongs(value: str) -> None:
    with pytest.raises(UsageError, match="'x' would put a script where an address belongs, in line 2"):
        fill(html_pieces('<p>\n<a href="${x}">k</a>'), {"x": value})


@given(value=VALUES)
def test_no_value_ends_a_text_in_the_script_of_an_address_or_an_event(value: str) -> None:
    page = fill(html_pieces("<a href=\"javascript:go('${x}')\" onclick='go(`${x}`)'>k</a>"), {"x": value})
    address, event = Shape(page).values
    assert address is not None
    assert event is not None
    for text, opening, closing in ((address, "javascript:go('", "')"), (event, "go(`", "`)")):
        inner = text.removeprefix(opening).removesuffix(closing)
        assert not re.search("[%'\"`$<>\n]", inner)
        assert json.loads(f'"{inner}"') == value


@pytest.mark.parametrize("value", ["javascript-basics.html", "data/1.png", "data:image/png;base64,AA=="])
def test_an_address_that_runs_nothing_goes_through(value: str) -> None:
    assert fill(html_pieces('<img src="${x}">'), {"x": value}) == f'<img src="{value}">'


def test_a_script_in_an_address_is_seen_however_the_template_writes_it() -> None:
    page = fill(html_pieces("<a href=\"&#106;avascript&colon;go('${x}')\">k</a>"), {"x": "'%27"})
    assert "go('\\u0027\\u002527')" in page


def test_a_picture_is_not_turned_into_a_script_address_by_an_animation() -> None:
    with pytest.raises(UsageError, match="'x' would put a script"):
        fill(html_pieces('<svg><a><set attributeName="href" to="${x}"/></a></svg>'), {"x": "javascript:go()"})


@pytest.mark.parametrize(
    ("values", "row"),
    [
        ("${x}", {"x": "javascript:go()"}),
        ("${x}", {"x": "https://example.org/;java\nscript:go()"}),
        ("https://example.org/${x}", {"x": "a; JavaScript:go()"}),
        ("#a;${x}", {"x": "data:text/html,<script>go()</script>"}),
        ("#a&#59;${x}", {"x": "javascript:go()"}),
    ],
)
def test_an_animation_through_a_list_of_addresses_runs_no_script(values: str, row: dict[str, str]) -> None:
    pieces = html_pieces(f'<svg><a><animate attributeName="href" values="{values}"/></a></svg>')
    with pytest.raises(UsageError, match="'x' would put a script into a list of addresses, in line 1"):
        fill(pieces, row)


@pytest.mark.parametrize(
    ("values", "row", "shown"),
    [
        ("${x}${y}", {"x": "#a;java", "y": "script:go()"}, "#a;javascript%3Ago()"),
        ("java${x}", {"x": "script:go()"}, "javascript%3Ago()"),
        (
            "https://example.org/${x}${y}",
            {"x": "a;java", "y": "script:go()"},
            "https://example.org/a;javascript%3Ago()",
        ),
        ("${x};${y}", {"x": "https://example.org/a", "y": "0.5"}, "https://example.org/a;0.5"),
        ("0 0 1;${x}", {"x": "1 0 0"}, "0 0 1;1 0 0"),
    ],
)
def test_values_of_an_animation_are_put_together_to_no_script(values: str, row: dict[str, str], shown: str) -> None:
    page = fill(html_pieces(f'<svg><a><animate attributeName="href" values="{values}"/></a></svg>'), row)
    assert f'values="{shown}"' in page


@pytest.mark.parametrize("attribute", ["by", "from", "to", "xml:base", "codebase", "background"])
def test_every_attribute_that_may_hold_an_address_is_checked(attribute: str) -> None:
    with pytest.raises(UsageError, match="'x' would put a script"):
        fill(html_pieces(f'<p {attribute}="${{x}}">'), {"x": "javascript:go()"})


def test_a_page_within_the_page_takes_raw_placeholders_only() -> None:
    page = "<iframe srcdoc=\"<p onclick=&quot;go('${x}')&quot;>\"></iframe>"
    with pytest.raises(UsageError, match="is in a page within the page"):
        html_pieces(page)
    assert asked(html_pieces(page.replace("${x}", "${x|raw}")))[0].raw


def test_a_scheme_cannot_be_put_together_from_two_values() -> None:
    page = fill(html_pieces('<a href="${x}${y}">k</a>'), {"x": "java", "y": "script:alert(1)"})
    assert Shape(page).values == ["javascript%3Aalert(1)"]


def test_lines_are_counted_from_one() -> None:
    page = "<p>\n<b title='\n${a}'>${b}\n<script>\n${c}"
    assert [(each.name, each.place, each.line) for each in asked(html_pieces(page))] == [
        ("a", "attribute", 3),
        ("b", "text", 3),
        ("c", "script", 5),
    ]


def test_values_are_texts_and_the_rest_is_written_as_json() -> None:
    values = {"a": None, "b": True, "c": 1.5, "d": [1, {"e": "ü"}]}
    assert fill(xml_pieces("${a}|${b}|${c}|${d}"), values) == "|true|1.5|[1, {&quot;e&quot;: &quot;ü&quot;}]"


def test_the_same_template_is_cut_up_once() -> None:
    assert html_pieces("<p>${a}</p>") is html_pieces("<p>${a}</p>")
    assert isinstance(html_pieces("<p>${a}</p>")[1], Placeholder)


NO_BREAK = "\u00a0"
"""A space that a page copied from a text processor has, and that separates nothing in a tag."""


def test_a_space_that_separates_nothing_begins_no_attribute() -> None:
    with pytest.raises(UsageError, match="is where the name of an element or attribute belongs"):
        html_pieces(f'<a{NO_BREAK}title="${{x}}">')


@pytest.mark.parametrize("page", [f"<p title={NO_BREAK}${{x}}>", f"<p title=a{NO_BREAK}lang=${{x}}>"])
def test_a_space_that_separates_nothing_ends_no_value(page: str) -> None:
    filled = fill(html_pieces(page), {"x": "a onclick=alert(1)"})
    assert filled == page.replace("title=", 'title="').replace("${x}>", 'a onclick=alert(1)">')


def test_an_element_ends_where_browsers_end_it() -> None:
    page = f"<script>var a = 1; // </script{NO_BREAK}>\nvar b = '${{x}}';</script>"
    assert "\\u0027" in fill(html_pieces(page), {"x": "'"})
