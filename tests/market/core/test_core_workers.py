"""Workers: records, blocks, messages; what they hand in; and the documents they are shown."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from market_support import EXTERNAL, REQUESTER, SCHEMAS, STRANGER, Bench, choice, form, free, not_allowed, refused

from turkctl.errors import UsageError
from turkctl.market import answers

HTML = f'<HTMLQuestion xmlns="{SCHEMAS}2011-11-11/HTMLQuestion.xsd">{{}}</HTMLQuestion>'
CONTENT = "<HTMLContent><![CDATA[<!DOCTYPE html><html><body>&nbsp;<form></form></body></html>]]></HTMLContent>"
HEIGHT = "<FrameHeight>450</FrameHeight>"


@pytest.mark.parametrize(
    "question",
    [
        EXTERNAL,
        EXTERNAL.replace("https://lab.example.org", "http://localhost:8000"),
        EXTERNAL.replace("https://lab.example.org", "http://127.0.0.1:22362"),
        HTML.format(CONTENT + HEIGHT),
        form(free("a"), choice("b", "x", "y")),
        form("<Overview><Title>t</Title></Overview>", free("a")),
        form(free("a")).replace("2017-11-06", "2005-10-01"),
        '<?xml version="1.0" encoding="UTF-8"?>\n' + EXTERNAL,
    ],
)
def test_the_three_kinds_of_question_are_taken(bench: Bench, question: str) -> None:
    assert bench.get(bench.hit(Question=question))["Question"] == question


@pytest.mark.parametrize(
    "question",
    [
        EXTERNAL.replace("https:", "http:"),
        EXTERNAL.replace("https:", "ftp:"),
        EXTERNAL.replace("https://lab.example.org/pub", "https://lab.example.org/a b"),
        EXTERNAL.replace("https://lab.example.org/pub", "https://[bad"),
        EXTERNAL.replace("https://lab.example.org", "https://"),
        EXTERNAL.replace("2006-07-14", "2006-07-15"),
        EXTERNAL.replace("<FrameHeight>0</FrameHeight>", ""),
        EXTERNAL.replace(">0<", ">tall<"),
        EXTERNAL.replace(">0<", ">-1<"),
        EXTERNAL.replace("&amp;", "&"),
        HTML.format(CONTENT),
        HTML.format(HEIGHT),
        HTML.format("<HTMLContent> </HTMLContent>" + HEIGHT),
        form(),
        form(free("a"), free("a")),
        form(free("")),
        form(choice("a")),
        form(free("a").replace("<FreeTextAnswer/>", "<FileUploadAnswer/>")),
        form(free("a").replace("<FreeTextAnswer/>", "")),
        form(free("a").replace("<QuestionContent><Text>?</Text></QuestionContent>", "")),
        form(choice("a", "x").replace("<Text>x</Text>", "")),
        form("<Application/>", free("a")),
        '<!DOCTYPE x [<!ENTITY a "b">]>' + EXTERNAL.replace("pub", "&a;"),
        f'<!DOCTYPE x SYSTEM "file:///etc/passwd">{EXTERNAL}',
        "",
    ],
)
def test_bad_questions_are_refused_before_anything_is_made(bench: Bench, question: str) -> None:
    with refused(None, "There was an error parsing the ", "ParameterValidationError"):
        bench.hit(Question=question)
    assert bench.balance()[1] == 0


def test_a_layout_becomes_an_html_question(bench: Bench) -> None:
    layout = bench.market.register_layout(REQUESTER, "<!DOCTYPE html><html><p>${a b} ${a b} ]]></p></html>")
    values = [{"Name": "a b", "Value": "<b>red</b>"}]
    hit = bench.get(bench.hit(Question=None, HITLayoutId=layout, HITLayoutParameters=values))
    content = ElementTree.fromstring(hit["Question"])[0].text
    assert content == "<!DOCTYPE html><html><p><b>red</b> <b>red</b> ]]></p></html>"
    assert hit["HITLayoutId"] == layout
    unknown = [*values, {"Name": "c", "Value": "d"}]
    with refused("InvalidParameterValue", "c"):
        bench.hit(Question=None, HITLayoutId=layout, HITLayoutParameters=unknown)
    with refused("HITLayoutDoesNotExist", layout):
        bench.hit(STRANGER, Question=None, HITLayoutId=layout, HITLayoutParameters=values)


def test_answers_are_free_text_without_reserved_names_and_quotes_stay(bench: Bench) -> None:
    hit = bench.hit()
    worker, assignment = bench.accepted(hit)
    fields = {
        "label": 'cat & dog "x" <y>',
        "boxes": ["1", "2"],
        "empty": "",
        "workerId": worker,
        "assignmentId": assignment,
        "hitId": hit,
        "turkSubmitTo": "https://x",
    }
    bench.market.submit("production", worker, assignment, fields)
    answer = bench.assignment(assignment)["Answer"]
    assert "<FreeText>cat &amp; dog \"x\" &lt;y&gt;</FreeText>" in answer  # fmt: skip
    assert answers.read(answer) == {"label": ['cat & dog "x" <y>'], "boxes": ["1|2"], "empty": [""]}
    assert answer.startswith('<?xml version="1.0" encoding="ASCII"?>\n<QuestionFormAnswers xmlns="')


def test_a_form_posted_with_reserved_names_only_succeeds(bench: Bench) -> None:
    worker, assignment = bench.accepted(bench.hit())
    bench.market.submit("production", worker, assignment, {"assignmentId": assignment})
    assert answers.read(bench.assignment(assignment)["Answer"]) == {}


def test_choices_of_a_question_form_are_answered_as_selections(bench: Bench) -> None:
    hit = bench.hit(Question=form(free("why"), choice("pick", "x", "y")))
    worker, assignment = bench.accepted(hit)
    bench.market.submit("production", worker, assignment, {"why": "so", "pick": ["x", "y"]})
    answer = bench.assignment(assignment)["Answer"]
    assert answer.count("<SelectionIdentifier>") == 2
    assert answer.count("<FreeText>") == 1


def test_what_is_typed_in_beside_selections_is_told_apart_from_them(bench: Bench) -> None:
    worker, assignment = bench.accepted(bench.hit(Question=form(choice("pick", "x", "y"))))
    bench.market.submit("production", worker, assignment, {"pick": ["x", answers.OtherText("<z>")]})
    answer = bench.assignment(assignment)["Answer"]
    assert "<SelectionIdentifier>x</SelectionIdentifier><OtherSelectionText>&lt;z&gt;</OtherSelectionText>" in answer
    assert answers.read(answer) == {"pick": ["x", "<z>"]}


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_any_answer_is_a_well_formed_ascii_document(fields: dict[str, str]) -> None:
    document = answers.document(fields)
    document.encode("ascii")
    ElementTree.fromstring(document.encode())


def test_worker_ids_and_locales_have_a_form(bench: Bench) -> None:
    assert bench.worker(worker_id="A1B2") == "A1B2"
    assert bench.worker(worker_id="A1B2", approved=5) == "A1B2"  # a new record of the same worker
    for wrong in ({"worker_id": "B1"}, {"worker_id": "a1"}, {"locale": "USA"}, {"locale": "us"}):
        with pytest.raises(UsageError):
            bench.worker(**wrong)


def test_a_worker_nobody_registered_can_do_nothing(bench: Bench) -> None:
    hit = bench.hit()
    for act in (
        lambda: bench.market.accept("production", "ANOBODY", hit),
        lambda: bench.market.accept("production", "A\x00", hit),
        lambda: bench.market.available_hits("production", "ANOBODY"),
        lambda: bench.market.accept("production", bench.worker("sandbox"), hit),
    ):
        with not_allowed("UnknownWorker"):
            act()


def test_a_blocked_worker_finishes_what_he_holds_and_gets_no_more(bench: Bench) -> None:
    first, second = bench.hit(), bench.hit(Title="other")
    worker, assignment = bench.accepted(first)
    block = {"WorkerId": worker, "Reason": "r"}
    bench.market.create_worker_block(REQUESTER, block)
    bench.market.create_worker_block(REQUESTER, block)  # blocked already: fine
    assert bench.market.list_worker_blocks(REQUESTER, {})["WorkerBlocks"] == [block]
    assert bench.market.available_hits("production", worker) == []
    with not_allowed("Blocked"):
        bench.accepted(second, worker)
    bench.market.submit("production", worker, assignment, {})
    stranger = bench.hit(STRANGER)
    bench.accepted(stranger, worker)  # somebody else's HIT
    for _ in range(2):  # not blocked any more: fine
        bench.market.delete_worker_block(REQUESTER, {"WorkerId": worker})
    bench.accepted(second, worker)


def test_messages_reach_those_whose_work_was_reviewed(bench: Bench) -> None:
    reviewed, assignment = bench.submitted(bench.hit())
    bench.approve(assignment)
    unreviewed, _ = bench.submitted(bench.hit(Title="b"))
    request = {"Subject": "s", "MessageText": "m", "WorkerIds": [reviewed, unreviewed, "ANOBODY"]}
    answer = bench.market.notify_workers(REQUESTER, request)
    failed = answer["NotifyWorkersFailureStatuses"]
    assert [item["WorkerId"] for item in failed] == [unreviewed, "ANOBODY"]
    assert {item["NotifyWorkersFailureCode"] for item in failed} == {"HardFailure"}
    assert {item["NotifyWorkersFailureMessage"] for item in failed} == {
        "Cannot send a notification to a worker who has not done any work for you"
    }
    (message,) = bench.market.messages("production", reviewed)
    assert (message["Subject"], message["MessageText"]) == ("s", "m")


def test_a_worker_sees_his_own_assignments_in_any_status(bench: Bench) -> None:
    worker, first = bench.accepted(bench.hit())
    bench.market.return_assignment("production", worker, first)
    _, second = bench.accepted(bench.hit(Title="b"), worker)
    mine = bench.market.worker_assignments("production", worker)
    assert [(item["AssignmentId"], item["AssignmentStatus"]) for item in mine] == [
        (second, "Accepted"),
        (first, "Returned"),
    ]
    assert bench.market.assignment("production", second)["HIT"]["Title"] == "b"
    for nobody in ("3NONE", "x'; --", "\x00", ""):
        with not_allowed("NotFound"):
            bench.market.assignment("production", nobody)


def test_no_question_takes_a_file_any_more(bench: Bench) -> None:
    _, assignment = bench.submitted(bench.hit())
    with refused("InvalidParameterValue", "does not take a file"):
        bench.market.get_file_upload_url(REQUESTER, {"AssignmentId": assignment, "QuestionIdentifier": "q"})
