"""A worker site with something of everything on it, and every page of it that people can come to.

A page that is added to the site must be added to ``PAGES`` too, with addresses that show what can be on it.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from question_documents import choice, form_document, form_question, free_text
from study_rules_support import consent
from task_pages import external_task
from worker_site_support import PASSWORD, REQUESTER, SiteBench, external, site_bench
from wsgi_server import serve_wsgi

from turkctl.market.doors.http import make_app
from turkctl.market.protocol.endpoint import Endpoint
from turkctl.market.questions import html_question
from turkctl.market.site.agreements import terms_of
from turkctl.market.site.app import mounts
from turkctl.market.site.foot_lines import Foot, note_of
from turkctl.market.work import Sent
from turkctl.newcomers import NewEntry, NewPerson
from turkctl.web.passwords import hash_password

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

HOUR = 3600
AUTO_APPROVAL = 3 * 24 * HOUR
FORM = form_document(
    "<Overview><Title>A receipt</Title><Text>Copy what is on it.</Text></Overview>",
    form_question("shop", free_text('<Length minLength="2" maxLength="80"/>'), content="<Text>Name of the shop</Text>"),
    form_question("total", free_text('<IsNumeric minValue="0"/>'), content="<Text>Total in dollars</Text>"),
    form_question(
        "paid", choice("radiobutton", "Cash", "Card", "Other"), content="<Text>How was it paid?</Text>", required=False
    ),
    form_question(
        "goods",
        choice("checkbox", "Food", "Clothes", "Books", least=1, most=3),
        content="<Text>What was bought?</Text>",
    ),
)
TEST = form_document(
    form_question("sum", free_text('<IsNumeric minValue="0"/>'), content="<Text>How much is 12 + 30?</Text>"),
    form_question("kind", choice("dropdown", "A noun", "A verb"), content="<Text>What is “bread”?</Text>"),
)
RECEIPT = {
    "Title": "Copy a receipt",
    "Description": "Four questions about a receipt.",
    "Reward": "0.35",
    "Question": FORM,
    "AssignmentDurationInSeconds": 1200,
}
LAYOUT = """<!doctype html><html lang="en"><head><title>Sounds</title><link rel="icon" href="data:,"></head><body>
<main><h1>Sounds</h1><label>What do you hear? <input name="heard"></label></main></body></html>"""
"""An HTML task without a form: the market puts one around it, with its button."""
CREDIT = "https://sona.example.org/credit?code={survey_code}"

NEWCOMER, WORKER, STRANGER = "somebody new", "somebody who has worked", "somebody who has not signed in"
PAGES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "agreements.consent_form": ((WORKER, "/worker/hits/{asks}/consent"),),
    "agreements.terms_form": ((NEWCOMER, "/worker/terms"), (WORKER, "/worker/terms")),
    "entrance.join_form": (
        (STRANGER, "/worker/join/{personal}"),
        (STRANGER, "/worker/join/{shared}"),
        (STRANGER, "/worker/join/{asking}"),
        (STRANGER, "/worker/join/none"),
        (WORKER, "/worker/join/{shared}"),
    ),
    "entrance.reset_form": ((STRANGER, "/worker/reset/{reset}"), (STRANGER, "/worker/reset/none")),
    "entrance.password_form": ((NEWCOMER, "/worker/password"),),
    "entrance.sign_in_form": ((STRANGER, "/worker/sign-in"),),
    "entrance.sign_out_form": ((NEWCOMER, "/worker/sign-out"),),
    "foot.privacy": ((STRANGER, "/worker/privacy"), (WORKER, "/worker/privacy")),
    "listing.index": (
        (NEWCOMER, "/worker"),
        (WORKER, "/worker"),
        (WORKER, "/worker?search=receipt&sort=reward"),
        (WORKER, "/worker?search=nothing+has+this"),
        (WORKER, "/worker?page=2"),
    ),
    "listing.preview": ((WORKER, "/mturk/preview?groupId=3NONE"),),
    "listing.tasks": ((WORKER, "/projects/3NONE/tasks"),),
    "mine.index": ((NEWCOMER, "/worker/mine"), (WORKER, "/worker/mine")),
    "mine.messages": ((NEWCOMER, "/worker/messages"), (WORKER, "/worker/messages")),
    "mine.qualifications": ((NEWCOMER, "/worker/qualifications"), (WORKER, "/worker/qualifications")),
    "mine.take_test": ((WORKER, "/worker/qualifications/{test}/test"),),
    "panel_door.enter": (
        (STRANGER, "/worker/enter/none/none"),
        (STRANGER, "{entry}"),
        (WORKER, "{entry}?survey_code=4712"),
    ),
    "tasks.done": tuple(
        (WORKER, f"/worker/done/{{{each}}}")
        for each in ("submitted", "approved", "rejected", "returned", "late", "credited", "coded", "correctable")
    ),
    "tasks.hit": (
        (WORKER, "/worker/hits/{external}"),
        (WORKER, "/worker/hits/{form}"),
        (WORKER, "/worker/hits/{layout}"),
        (WORKER, "/worker/hits/{unqualified}"),
        (WORKER, "/worker/hits/{guarded}"),
        (WORKER, "/worker/hits/3NONE"),
    ),
    "tasks.work": (
        (WORKER, "/worker/assignments/{open}"),
        (WORKER, "/worker/assignments/{open_form}?auto=1&last={correctable}"),
        (WORKER, "/worker/assignments/3NONE"),
    ),
}
"""Who comes to each page that takes a GET, and by which addresses."""
NO_PAGES = frozenset({"web.bundle", "tasks.state"})
"""What takes a GET, and answers with something other than a page."""


def unwalked(bench: SiteBench) -> list[str]:
    """Return the endpoints that take a GET and are in neither list."""
    rules = bench.app.url_map.iter_rules()
    return sorted({rule.endpoint for rule in rules if "GET" in (rule.methods or ())} - {*PAGES} - NO_PAGES)


@dataclass
class FilledSite:
    """A site at an address.

    Attributes:
        bench: the market.
        address: of the site.
        tasks: address of a requester's own server.
        links: the invitation of each person who is known.
        known: what addresses can name.
    """

    bench: SiteBench
    address: str
    tasks: str
    links: Mapping[str, str]
    known: Mapping[str, str]

    def pages(self, who: str) -> list[str]:
        """Return the addresses that somebody comes to."""
        return [path.format_map(self.known) for each in PAGES.values() for person, path in each if person == who]


@contextmanager
def served_bench(content_host: str | None = None, **options: Any) -> Iterator[tuple[SiteBench, str, str]]:
    """Serve a market with its site on a port, and the task of a requester on another.

    Args:
        content_host: another name of this machine, for HTML tasks; by default they are on the site's own.
        options: of the bench.
    """
    app: WSGIApplication | None = None

    def late(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        assert app is not None
        return app(environ, start_response)

    with ExitStack() as last, serve_wsgi(late, threads=8) as site, serve_wsgi(external_task) as tasks:
        if content_host is not None:
            options |= {"url": site, "content_url": site.replace("127.0.0.1", content_host)}
        bench = last.enter_context(site_bench(**options))
        app = make_app(Endpoint(bench.market), mounts(bench.app))
        yield bench, site, tasks


@contextmanager
def filled_site(seed: int = 1) -> Iterator[FilledSite]:
    """Serve a site on which one person has met everything; ids and times are the same each time."""
    terms = terms_of("Be kind to each other.\n\nTell nobody what you see here.", is_html=False)
    foot = Foot("lab@example.org", note_of("We keep what you send us for ten years.", is_html=False))
    with served_bench(rng=random.Random(seed), terms=terms, foot=foot) as (bench, site, tasks):
        links = {NEWCOMER: bench.invite(), WORKER: bench.invite()}
        worker = bench.market.join("production", links[WORKER])
        newcomer = bench.market.join("production", links[NEWCOMER])
        for who in (worker, newcomer):
            bench.market.agree_to_terms("production", who, terms.version)
        bench.market.create_worker_block(REQUESTER, {"WorkerId": newcomer, "Reason": "Nothing is open to them."})
        known = {"personal": bench.invite(), "shared": bench.invite(uses=5, personal=False)}
        known |= _ways_in(bench)
        known |= _qualifications(bench, worker)
        known |= _work(bench, worker, tasks)
        known |= _open_hits(bench, tasks, known)
        _work_of_others(bench, tasks)
        known |= _work_of_panels(bench, worker, tasks, known["entry"])
        _write(bench, worker)
        yield FilledSite(bench, site, tasks, {who: f"/worker/join/{token}" for who, token in links.items()}, known)


def _ways_in(bench: SiteBench) -> dict[str, str]:
    """Make an invitation that asks for a number, an entry of a panel, and a link for a forgotten password."""
    bench.market.add_person("production", NewPerson(name="ana", password_hash=hash_password(PASSWORD)))
    return {
        "asking": bench.invite(uses=60, personal=False, ask="Student number", pattern="[0-9]{7}"),
        "entry": bench.market.add_entry("production", NewEntry("sona", ("survey_code",), done_url=CREDIT)).path,
        "reset": bench.market.make_reset("production", "ana", timedelta(days=1)),
    }


def _work_of_panels(bench: SiteBench, worker: str, tasks: str, entry: str) -> dict[str, str]:
    """Have the worker come by entries of two panels, and hand in work for each; the last can still be corrected."""
    market = bench.market
    school = market.add_entry("production", NewEntry("summer-school", ("student",), code="SUMMER-26")).path

    def done(path: str, hit: Mapping[str, Any], sent: Sent) -> str:
        _, panel, key = path.rsplit("/", 2)
        bench.clock.seconds += 1
        market.enter("production", panel, key, {"survey_code": "4711", "student": "4711"}, worker)
        bench.clock.seconds += 1
        taken: str = market.accept("production", worker, hit["HITId"])["AssignmentId"]
        market.submit_form("production", worker, taken, sent)
        return taken

    survey = bench.post(Title="Answer a survey", Reward="0.90", Question=external(f"{tasks}/?a=1"))
    lesson = bench.post(Title="Sort the words of a lesson", Reward="0.05", Question=external(f"{tasks}/?a=1"))
    receipt = Sent({"shop": "Corner shop", "total": "12.30", "goods": ["Food"]}, timedelta(minutes=10))
    return {
        "credited": done(entry, survey, Sent({"sleep": "8 hours"})),
        "coded": done(school, lesson, Sent({"first": "the"})),
        "correctable": done(school, bench.post(**RECEIPT), receipt),
    }


def _qualifications(bench: SiteBench, worker: str) -> dict[str, str]:
    """Make qualifications of every kind; return the one with a test, and one that the worker does not hold."""

    def made(name: str, description: str, **more: Any) -> str:
        request = {"Name": name, "Description": description, "QualificationTypeStatus": "Active"} | more
        found: str = bench.market.create_qualification_type(REQUESTER, request)["QualificationType"][
            "QualificationTypeId"
        ]
        return found

    held = made("Annotator", "Has done the training of our lab.")
    given = {"QualificationTypeId": held, "WorkerId": worker, "IntegerValue": 87, "SendNotification": False}
    bench.market.associate_qualification_with_worker(REQUESTER, given)
    asked = made("Late shift", "Works in the evening.")
    refused = made("Night shift", "Works at night.")
    for type_id in (asked, refused):
        bench.market.request_qualification("production", worker, type_id)
    for request in bench.market.list_qualification_requests(REQUESTER, {})["QualificationRequests"]:
        if request["QualificationTypeId"] == refused:
            refusal = {
                "QualificationRequestId": request["QualificationRequestId"],
                "Reason": "There are enough people.",
            }
            bench.market.reject_qualification_request(REQUESTER, refusal)
    made("Native speaker of German", "Grew up with the language.")
    test = made("Receipts", "Knows how to read a receipt.", Test=TEST, TestDurationInSeconds=600)
    staff = made("Staff", "Is employed by the lab.")
    return {"test": test, "staff": staff}


def _work_of_others(bench: SiteBench, tasks: str) -> None:
    """Have ten people do a HIT, so that what its group pays an hour is known."""
    hit = bench.post(**_words(tasks), MaxAssignments=10)["HITId"]
    people = [bench.market.register_worker("production", f"AOTHER{number}") for number in range(10)]
    taken = [bench.market.accept("production", each, hit)["AssignmentId"] for each in people]
    bench.clock.seconds += 150
    for each, assignment in zip(people, taken, strict=True):
        bench.market.submit("production", each, assignment, {"colour": "red"})


def _words(tasks: str) -> dict[str, Any]:
    return {
        "Title": "Name the colour of a word",
        "Description": "Say what colour a word is printed in. Twelve words, about three minutes.",
        "Reward": "0.50",
        "Question": external(f"{tasks}/?a=1"),
    }


def _work(bench: SiteBench, worker: str, tasks: str) -> dict[str, str]:
    """Have the worker do HITs that end in every way; return the assignments."""
    market = bench.market

    def accepted(title: str, **more: Any) -> str:
        hit = bench.post(
            Title=title, Question=external(f"{tasks}/?a=1"), AutoApprovalDelayInSeconds=AUTO_APPROVAL, **more
        )
        taken: str = market.accept("production", worker, hit["HITId"])["AssignmentId"]
        return taken

    def done(title: str, **more: Any) -> str:
        taken = accepted(title, **more)
        bench.clock.seconds += 180
        market.submit("production", worker, taken, {"colour": "red"})
        return taken

    approved = done("Describe a photograph", Reward="1.20", Description="In two or three sentences.")
    market.approve_assignment(REQUESTER, {"AssignmentId": approved, "RequesterFeedback": "Careful work, thank you."})
    for amount, reason in (("0.25", "The best description of the day"), ("0.10", "Quick to answer")):
        bonus = {"WorkerId": worker, "BonusAmount": amount, "AssignmentId": approved, "Reason": reason}
        market.send_bonus(REQUESTER, bonus)
    bench.clock.seconds += 20 * HOUR
    plain = done("Name the animal in a picture", Reward="0.15")
    market.approve_assignment(REQUESTER, {"AssignmentId": plain})
    rejected = done("Count the people in a picture", Reward="0.30")
    words = "See https://lab.example.org/guidelines/counting-people: people who are partly hidden count too."
    market.reject_assignment(REQUESTER, {"AssignmentId": rejected, "RequesterFeedback": words})
    returned = accepted("Listen to a recording", Reward="0.40")
    market.return_assignment("production", worker, returned)
    late = accepted("Read a page aloud", Reward="0.80")
    bench.clock.seconds += HOUR
    submitted = done("Rate a headline", Reward="0.20")
    bench.post(
        Title="Rate a headline",
        Reward="0.20",
        Question=external(f"{tasks}/?a=1"),
        AutoApprovalDelayInSeconds=AUTO_APPROVAL,
    )
    return {
        "approved": approved,
        "rejected": rejected,
        "returned": returned,
        "late": late,
        "submitted": submitted,
        "open": accepted("Name the colour of a word", Reward="0.50", Description="Say what colour it is printed in."),
        "open_form": _accepted_form(bench, worker),
    }


def _accepted_form(bench: SiteBench, worker: str) -> str:
    hit = bench.post(Title="Copy a receipt", Question=FORM, Reward="0.35", AssignmentDurationInSeconds=1200)
    taken: str = bench.market.accept("production", worker, hit["HITId"])["AssignmentId"]
    return taken


def _open_hits(bench: SiteBench, tasks: str, known: Mapping[str, str]) -> dict[str, str]:
    """Post HITs that are open to all, and two for people with a qualification."""

    def needs(guarded: str) -> list[dict[str, Any]]:
        return [{"QualificationTypeId": known["staff"], "Comparator": "Exists", "ActionsGuarded": guarded}]

    def posted(**more: Any) -> str:
        bench.clock.seconds += 1  # the list is in the order of posting
        hit_id: str = bench.post(**more)["HITId"]
        return hit_id

    task = external(f"{tasks}/?a=1")
    return {
        "asks": posted(
            Title="Answer questions about your sleep",
            Description="A study of ten minutes.",
            Question=task,
            QualificationRequirements=[consent(bench.market, REQUESTER)],
        ),
        "guarded": posted(
            Title="Check our own notes",
            Description="For staff.",
            Question=task,
            QualificationRequirements=needs("PreviewAndAccept"),
        ),
        "unqualified": posted(
            Title="Check the work of others",
            Description="Compare two answers and choose the better one.",
            Reward="0.60",
            Question=task,
            QualificationRequirements=needs("Accept"),
        ),
        "layout": posted(
            Title="Write down what you hear",
            Description="Ten seconds of a conversation in a café; headphones help.",
            Reward="0.25",
            Question=html_question(LAYOUT),
        ),
        "form": posted(**RECEIPT, MaxAssignments=3),
        "external": posted(**_words(tasks), MaxAssignments=9),
    }


def _write(bench: SiteBench, worker: str) -> None:
    for subject, text in (
        ("Thank you", "Your descriptions were the best of this round.\nThe next round begins on Monday."),
        (
            "New guidelines",
            "They are at https://lab.example.org/guidelines/2026/annotation-of-photographs.html\n\nPlease read them.",
        ),
    ):
        bench.market.notify_workers(REQUESTER, {"Subject": subject, "MessageText": text, "WorkerIds": [worker]})
