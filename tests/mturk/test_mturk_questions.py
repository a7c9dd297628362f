"""Question and answer documents: what goes in comes out, and what must not be read is not."""

from __future__ import annotations

import re
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turkctl.errors import UsageError
from turkctl.mturk.questions import (
    EXTERNAL_QUESTION,
    HTML_QUESTION,
    MAX_QUESTION,
    Question,
    external_question,
    html_question,
    parse_answers,
    parse_question,
)

ANSWERS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/QuestionFormAnswers.xsd"
XML_CHARACTERS = st.characters(
    codec="utf-8", exclude_characters=[chr(code) for code in range(32) if code not in (9, 10)] + ["\ufffe", "\uffff"]
)
XML_TEXT = st.text(XML_CHARACTERS, max_size=200)
URL_TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Z", "C"], exclude_characters=["\ufffe", "\uffff"]), max_size=50
)


def answers_document(*answers: tuple[str, str], head: str = "") -> str:
    """Answers as (identifier, inner XML)."""
    inner = "".join(
        f"<Answer><QuestionIdentifier>{escape(name)}</QuestionIdentifier>{value}</Answer>" for name, value in answers
    )
    return f'{head}<QuestionFormAnswers xmlns="{ANSWERS}">{inner}</QuestionFormAnswers>'


@given(path=URL_TEXT, height=st.integers(0, 100_000))
def test_an_external_question_gives_back_its_url(path: str, height: int) -> None:
    url = f"https://lab.example.org/{path}"
    assert parse_question(external_question(url, height)) == Question("external", url=url, frame_height=height)


@given(html=XML_TEXT)
def test_an_html_question_gives_back_its_page(html: str) -> None:
    assert parse_question(html_question(html)).html == html


@pytest.mark.parametrize("html", ["]]>", "a ]]> b ]]> c", "]]]]>>", "]]", ">", "<![CDATA[x]]>"])
def test_the_end_of_a_cdata_section_inside_a_page_survives(html: str) -> None:
    assert parse_question(html_question(html)).html == html


def test_line_ends_of_a_page_become_line_feeds() -> None:
    assert parse_question(html_question("a\r\nb\rc\n")).html == "a\nb\nc\n"


def test_the_documents_have_the_namespaces_and_members_of_the_schemas() -> None:
    external = ElementTree.fromstring(external_question("https://x.example/?a=1&b=<2>", 600))
    assert external.tag == f"{{{EXTERNAL_QUESTION}}}ExternalQuestion"
    assert [(child.tag.rpartition("}")[2], child.text) for child in external] == [
        ("ExternalURL", "https://x.example/?a=1&b=<2>"),
        ("FrameHeight", "600"),
    ]
    html = ElementTree.fromstring(html_question("<p>hello</p>"))
    assert html.tag == f"{{{HTML_QUESTION}}}HTMLQuestion"
    assert [(child.tag.rpartition("}")[2], child.text) for child in html] == [
        ("HTMLContent", "<p>hello</p>"),
        ("FrameHeight", "0"),
    ]


@pytest.mark.parametrize(
    "url", ["", "lab.example.org", "ftp://x.example", "https://", "https://x y", "http://[", "https://x/\x00"]
)
def test_what_is_no_address_of_a_page_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="not the address of a page"):
        external_question(url)


def test_a_page_with_a_control_character_is_refused_with_its_line() -> None:
    with pytest.raises(UsageError, match=re.escape("U+0007, in line 3")):
        html_question("a\nb\n\x07")


def test_a_frame_is_not_of_negative_height() -> None:
    with pytest.raises(UsageError, match="pixels"):
        external_question("https://x.example", -1)


def test_a_question_has_at_most_65535_bytes() -> None:
    room = MAX_QUESTION - len(html_question("").encode())
    assert len(html_question("ä" * (room // 2) + "x" * (room % 2)).encode()) == MAX_QUESTION
    with pytest.raises(UsageError, match="65,536 bytes"):
        html_question("x" * (room + 1))


def test_a_question_form_is_known_as_one_in_either_version() -> None:
    for version in ("2017-11-06", "2005-10-01"):
        form = f'<QuestionForm xmlns="http://mechanicalturk.amazonaws.com/{version}/QuestionForm.xsd"><Question/></QuestionForm>'
        assert parse_question(form) == Question("form")


BOMB = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
FILE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize(
    "document",
    [
        "",
        "hello",
        "<ExternalQuestion>",
        "<HTMLQuestion></HTMLQuestion>",
        "<ExternalQuestion><FrameHeight>1</FrameHeight></ExternalQuestion>",
        "<ExternalQuestion><ExternalURL>x</ExternalURL><FrameHeight>tall</FrameHeight></ExternalQuestion>",
        "<Question/>",
        f"{BOMB}<HTMLQuestion><HTMLContent>&b;</HTMLContent></HTMLQuestion>",
        f"{FILE}<HTMLQuestion><HTMLContent>&a;</HTMLContent></HTMLQuestion>",
        "<!DOCTYPE html><HTMLQuestion><HTMLContent>x</HTMLContent></HTMLQuestion>",
        "<a>\ud800</a>",
    ],
)
def test_what_is_no_question_is_refused(document: str) -> None:
    with pytest.raises(UsageError, match="question"):
        parse_question(document)


@given(answers=st.dictionaries(XML_TEXT, XML_TEXT, max_size=5))
def test_answers_come_back_by_identifier_in_their_order(answers: dict[str, str]) -> None:
    document = answers_document(
        *((name, f"<FreeText>{escape(value)}</FreeText>") for name, value in answers.items()),
        head='<?xml version="1.0" encoding="ASCII"?>\n',
    )
    assert list(parse_answers(document).items()) == list(answers.items())


def test_several_values_are_a_list_and_none_is_an_empty_text() -> None:
    document = answers_document(
        ("colour", "<SelectionIdentifier>red</SelectionIdentifier><SelectionIdentifier>blue</SelectionIdentifier>"),
        ("size", "<SelectionIdentifier>small</SelectionIdentifier>"),
        ("other", "<SelectionIdentifier>x</SelectionIdentifier><OtherSelectionText>mauve</OtherSelectionText>"),
        ("file", "<UploadedFileKey>k</UploadedFileKey><UploadedFileSizeInBytes>5</UploadedFileSizeInBytes>"),
        ("twice", "<FreeText>1</FreeText>"),
        ("twice", "<FreeText>2</FreeText>"),
        ("empty", "<FreeText></FreeText>"),
        ("nothing", ""),
    )
    assert parse_answers(document) == {
        "colour": ["red", "blue"],
        "size": "small",
        "other": ["x", "mauve"],
        "file": "k",
        "twice": ["1", "2"],
        "empty": "",
        "nothing": "",
    }


def test_the_answers_of_crowd_elements_stay_text() -> None:
    text = '[{"label": {"cat": true}}]'
    assert parse_answers(answers_document(("taskAnswers", f"<FreeText>{text}</FreeText>"))) == {"taskAnswers": text}


@pytest.mark.parametrize(
    "document",
    [
        "",
        "yes",
        "<Answers/>",
        "<QuestionFormAnswers><Answer><FreeText>x</FreeText></Answer></QuestionFormAnswers>",
        f"{BOMB}<QuestionFormAnswers><Answer>&b;</Answer></QuestionFormAnswers>",
        f"{FILE}<QuestionFormAnswers><Answer>&a;</Answer></QuestionFormAnswers>",
    ],
)
def test_what_are_no_answers_is_refused(document: str) -> None:
    with pytest.raises(UsageError, match="answer"):
        parse_answers(document)


@given(document=st.text(max_size=200) | st.text("<>/&;!=\"' abcAnswer[]", max_size=200))
def test_no_text_breaks_the_readers(document: str) -> None:
    for read in (parse_question, parse_answers):
        with pytest.raises(UsageError):
            read(document)
