"""Five people do a whole campaign by clicking, and turkctl pays them: what the market says is what the ledger says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser import open_page
from question_documents import choice, form_document, form_question, free_text
from task_pages import TEN, TEN_ANSWERS, external_task
from worker_site_support import PASSWORD
from wsgi_server import serve_wsgi

from turkctl.context import Context
from turkctl.settings import load

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
Call = Callable[..., Any]

EXPERIMENTS = """
mode = "local"
[experiments.colours]
code_version = "1.0"
title = "Name a colour"
description = "One word."
reward = "0.50"
external_url = "{tasks}/?study=1"
[experiments.page]
code_version = "1.0"
title = "Choose an animal"
description = "A page written for Mechanical Turk."
reward = "0.20"
html_template = "page.html"
[experiments.elements]
code_version = "1.0"
title = "Ten elements"
description = "One of each."
reward = "1.00"
html_template = "elements.html"
[experiments.form]
code_version = "1.0"
title = "Some questions"
description = "Two questions."
reward = "0.30"
question_file = "form.xml"
"""
PAGE = """<html><head><title>Animal</title>
<script src="https://s3.amazonaws.com/mturk-public/externalHIT_v1.js"></script></head><body>
<form name="mturk_form" id="mturk_form" method="post" action="https://www.mturk.com/mturk/externalSubmit">
<input type="hidden" name="assignmentId" id="assignmentId"><label>Animal <input name="animal"></label>
<input type="submit" id="submitButton" value="Submit"></form>
<script>turkSetAssignmentID();</script></body></html>"""
FORM = form_document(
    form_question("name", free_text(""), content="<Text>Its name</Text>"),
    form_question("kind", choice("radiobutton", "Cat", "Dog"), content="<Text>What is it?</Text>"),
)


class Person:
    """Somebody at a browser, who clicks."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name).click()

    def go(self, name: str) -> None:
        self.page.get_by_role("navigation").get_by_role("link", name=name, exact=True).click()

    def accept(self, title: str) -> None:
        """Accept a HIT of the list."""
        self.go("HITs")
        self.press(f"Accept & work: {title}")
        self.page.wait_for_url("**/worker/assignments/*")

    @property
    def task(self) -> Any:
        return self.page.frame_locator("iframe")

    def name_colour(self, colour: str) -> None:
        """Do the HIT of the requester's own server."""
        self.accept("Name a colour")
        self.task.get_by_label("Colour").fill(colour)
        self.task.get_by_role("button", name="Submit").click()
        self.page.wait_for_url("**/worker/done/*")

    def shows(self, words: str) -> None:
        self.page.get_by_text(words).first.wait_for()


@pytest.fixture
def ask(turkctl: Call) -> Call:
    """Runs turkctl, which must succeed, and returns what it printed as JSON."""

    def asked(*argv: str) -> Any:
        done = turkctl(*argv, "--json")
        assert done.code == 0, (argv, done.err)
        return json.loads(done.out)

    return asked


@contextmanager
def market_served(folder: Path) -> Iterator[str]:
    """Serve the study's market with its site, as `turkctl market serve` does in another terminal."""
    with closing(Context(load({}, {}, folder))) as context:
        server = context.market_server("127.0.0.1", 0, 8, site=True)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.port}"
        finally:
            server.close()
            thread.join(10)
            assert not thread.is_alive()


def test_five_people_do_a_campaign_by_clicking_and_are_paid(browser: Browser, folder: Path, ask: Call) -> None:
    with serve_wsgi(external_task) as tasks, market_served(folder) as site, ExitStack() as stack:
        _post(folder, tasks, ask)
        before = _money(ask)
        links = [row["url"] for row in ask("market", "workers", "invite", "--count", "5", "--base-url", site)]
        widths = (1280, 1280, 1280, 1280, 360)
        people = [Person(stack.enter_context(open_page(browser, site, tasks, width=each))) for each in widths]
        for person, link in zip(people, links, strict=True):
            person.page.goto(link)
        anna, ben, chris, dora, phone = people
        for person in (ben, chris, dora, phone):
            person.press("Start")
        anna.page.get_by_label("Name", exact=True).fill("anna")
        anna.page.get_by_label("Password").fill(PASSWORD)
        anna.press("Choose a name and password")

        anna.name_colour("amber")
        anna.accept("Ten elements")
        anna.task.get_by_label("Word").wait_for()
        other = Person(stack.enter_context(open_page(browser, site, tasks)))
        _go_on_elsewhere(other, links[0])
        _do_ten_elements(other)

        _do_pages_one_after_another(ben)
        ben.name_colour("blue")

        chris.accept("Name a colour")
        chris.press("Return")
        chris.shows("You returned “Name a colour”.")
        chris.name_colour("crimson")
        _fill_in_form(chris)

        dora.name_colour("dark")
        phone.name_colour("pink")

        _pay(ask, dora.page.locator("code").inner_text())
        for person in (anna, ben, chris, phone):
            person.go("My work")
            person.page.get_by_role("heading", name="Approved").wait_for()
            person.shows("well done")
            person.shows("$0.05")
            person.shows("a colour of your own")
        dora.go("My work")
        dora.shows("Dark is no colour.")
        assert "Approved" not in dora.page.locator("main").inner_text()
        _compare(ask, before)


def _post(folder: Path, tasks: str, ask: Call) -> None:
    """Describe the experiments; recruit for three of them, and post three HITs of the fourth."""
    (folder / "turkctl.toml").write_text(EXPERIMENTS.format(tasks=tasks))
    (folder / "page.html").write_text(PAGE)
    (folder / "elements.html").write_text(TEN)
    (folder / "form.xml").write_text(FORM)
    ask("experiments", "configure")
    for experiment, goal in (("colours", "5"), ("elements", "1"), ("form", "1")):
        ask("campaigns", "create", "--experiment", experiment, "--goal", goal, "--yes")
    ask("scheduler", "run", "--once")
    ask("hits", "create", "--experiment", "page", "--assignments", "1", "--hits", "3")


def _go_on_elsewhere(person: Person, link: str) -> None:
    """Sign in on another device, and continue the work that is open; the link alone lets nobody in any more."""
    person.page.goto(link)
    person.page.wait_for_url("**/worker/sign-in*")
    person.page.get_by_label("Name").fill("anna")
    person.page.get_by_label("Password").fill(PASSWORD)
    person.press("Sign in")
    person.go("My work")
    person.page.get_by_role("link", name="Continue: Ten elements").click()


def _do_ten_elements(person: Person) -> None:
    task = person.task
    task.get_by_label("Word").fill("w")
    task.get_by_label("Text", exact=True).fill("t")
    task.get_by_text("Seen", exact=True).click()
    task.get_by_text("Bad", exact=True).click()
    task.get_by_role("slider").fill("4")
    task.get_by_text("Dog", exact=True).click()
    task.get_by_text("Blue", exact=True).click()
    task.get_by_text("Sharp", exact=True).click()
    task.get_by_role("button", name="Add a box").click()
    task.get_by_role("button", name="Submit").click()
    person.page.wait_for_url("**/worker/done/*")


def _do_pages_one_after_another(person: Person) -> None:
    """Skip the first HIT of the group, do the second, let the third be accepted, and do it too."""
    person.press("Preview: Choose an animal")
    first = person.page.url
    person.press("Skip")
    person.page.wait_for_url(lambda url: "/worker/hits/" in url and url != first)
    person.press("Accept & work")
    person.page.wait_for_url("**/worker/assignments/*")
    second = person.page.url
    person.page.get_by_label("Accept the next one automatically").check()
    person.task.get_by_label("Animal").fill("cat")
    person.task.get_by_role("button", name="Submit").click()
    person.page.wait_for_url(lambda url: "/worker/assignments/" in url and url != second)
    person.page.get_by_label("Accept the next one automatically").uncheck()
    person.task.get_by_label("Animal").fill("dog")
    person.task.get_by_role("button", name="Submit").click()
    person.page.wait_for_url("**/worker/done/*")


def _fill_in_form(person: Person) -> None:
    person.accept("Some questions")
    person.page.get_by_label("Its name").fill("Mia")
    person.press("Submit")  # the browser itself asks for the other answer
    assert "/worker/assignments/" in person.page.url
    person.page.get_by_label("Dog").check()
    person.press("Submit")
    person.page.wait_for_url("**/worker/done/*")


def _pay(ask: Call, rejected: str) -> None:
    """Have turkctl see that the goals are met, reject one piece of work, approve the others, and pay bonuses."""
    ask("market", "clock", "--advance", "1h")
    ask("scheduler", "run", "--once")
    ask("sync")
    found = {row["experiment"]: row for row in ask("campaigns", "list")}
    assert {name: (row["completed"], row["status"]) for name, row in found.items()} == {
        "colours": (5, "met"),
        "elements": (1, "met"),
        "form": (1, "met"),
    }
    answered = [ask("workers", "answers", row["assignment_id"]) for row in ask("workers", "assignments", "--all")]
    told = [(each["experiment"], each["answers"]) for each in answered]
    assert [each for each in told if each[0] != "elements"] == [
        ("colours", {"colour": "amber"}),
        ("page", {"animal": "cat"}),
        ("page", {"animal": "dog"}),
        ("colours", {"colour": "blue"}),
        ("colours", {"colour": "crimson"}),
        ("form", {"name": "Mia", "kind": "Dog"}),
        ("colours", {"colour": "dark"}),
        ("colours", {"colour": "pink"}),
    ]
    (elements,) = (answers for experiment, answers in told if experiment == "elements")
    assert json.loads(elements["taskAnswers"]) == [TEN_ANSWERS]
    ask("workers", "reject", rejected, "--feedback", "Dark is no colour.", "--yes")
    ask("workers", "approve", "--all", "--feedback", "well done")
    ask("workers", "bonus", "--experiment", "colours", "--amount", "0.05", "--reason", "a colour of your own", "--yes")


def _money(ask: Call) -> Decimal:
    """Return what the account has, with what is held for open HITs."""
    found = ask("balance")
    return Decimal(found["available"]) + Decimal(found["on_hold"])


def _compare(ask: Call, before: Decimal) -> None:
    """Compare the ledger with the market: its bonuses one by one, and what has left the account."""
    ask("sync", "--full")
    assert ask("workers", "payments", "reconcile") == []
    rows = ask("workers", "payments", "list")
    kinds = [row["kind"] for row in rows]
    assert (kinds.count("reward"), kinds.count("bonus")) == (8, 4)
    paid = sum((Decimal(row["amount"]) + Decimal(row["fee"]) for row in rows), Decimal(0))
    assert before - _money(ask) == paid
