"""A class of sixty takes part with the commands that an instructor types, and twelve of it may not."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from worker_site_support import SECRET_KEY, Visitor

from turkctl.market.errors import WorkError
from turkctl.market.service import Market
from turkctl.market.site.app import SiteOptions, make_site
from turkctl.market.work import Sent

Run = Callable[..., Any]
NUMBERS = [f"26{place:05}" for place in range(60)]
LAST_TERM, THIS_TERM = NUMBERS[:12], NUMBERS[12:]
PROJECT = """\
mode = "local"

[market]
fee = "none"
unit = "credits"

[experiments.last-term]
code_version = "1.0"
title = "Name the colour"
description = "A short task."
reward = "0.00"
external_url = "https://lab.example.org/last"

[experiments.this-term]
code_version = "1.0"
title = "Read a story"
description = "Read a story, and answer three questions."
reward = "1.00"
external_url = "https://lab.example.org/this"
audience = ["class-2026w"]
not_after = ["last-term"]
consent = "consent.html"
"""


def got(turkctl: Run, *argv: str) -> Any:
    finished = turkctl(*argv, "--json")
    assert finished.code == 0, finished.err
    return json.loads(finished.out)


def table(turkctl: Run, *argv: str) -> list[dict[str, str]]:
    """The rows that a command prints as CSV."""
    finished = turkctl(*argv, "-o", "csv")
    assert finished.code == 0, finished.err
    return list(csv.DictReader(io.StringIO(finished.out)))


@contextmanager
def market_of(folder: Path) -> Iterator[Market]:
    market = Market(f"sqlite:///{folder / 'turkctl-market.db'}")
    try:
        yield market
    finally:
        market.close()


def do(market: Market, worker_id: str, hit_id: str) -> str:
    """Do a HIT, after agreeing to its consent if it asks for one; return the assignment's id."""
    asked = market.consent_asked("production", worker_id, hit_id)
    if asked is not None:
        with pytest.raises(WorkError, match="agree to the consent"):
            market.accept("production", worker_id, hit_id)
        market.agree("production", worker_id, hit_id, asked.type_id)
    assignment: str = market.accept("production", worker_id, hit_id)["AssignmentId"]
    market.submit_from_page("production", assignment, worker_id, Sent({"colour": "red"}, timedelta()))
    return assignment


@pytest.fixture
def class_of_sixty(folder: Path, turkctl: Run) -> dict[str, str]:
    """The class, of which twelve took part last term: worker ids by student number."""
    Path("turkctl.toml").write_text(PROJECT, encoding="utf-8")
    Path("consent.html").write_text("<!doctype html><title>Consent</title><p>You may stop.</p>", encoding="utf-8")
    rows = "".join(f"{number},Student {number[-2:]},class-2026w\n" for number in NUMBERS)
    Path("class.csv").write_text(f"student_number,name,groups\n{rows}", encoding="utf-8")
    got(turkctl, "market", "workers", "import", "class.csv", "--column", "student_number")
    got(turkctl, "experiments", "configure")
    got(turkctl, "hits", "create", "--experiment", "last-term", "--assignments", "12")
    (hit,) = got(turkctl, "hits", "list")
    people = {each["own_id"]: each["worker_id"] for each in got(turkctl, "market", "workers", "list", "--names")}
    with market_of(folder) as market:
        for number in LAST_TERM:
            do(market, people[number], hit["hit_id"])
    got(turkctl, "sync")
    got(turkctl, "workers", "approve", "--all")
    return people


def invited(turkctl: Run) -> str:
    """The token of the invitation for the whole class."""
    asking = ("--ask", "Student number", "--pattern", "[0-9]{7}", "--known-only")
    (made,) = got(turkctl, "market", "workers", "invite", "--uses", "60", *asking)
    return str(made["url"].rpartition("/")[2])


def browser(app: Any, market: Market, token: str, number: str) -> Visitor:
    """Somebody who opens the invitation and gives a student number."""
    visitor = Visitor(SimpleNamespace(app=app, market=market))  # type: ignore[arg-type]  # all that it looks at
    visitor.get(f"/worker/join/{token}")
    visitor.post(f"/worker/join/{token}", {"own_id": number})
    return visitor


def come_and_work(folder: Path, token: str, hit_id: str, people: dict[str, str]) -> None:
    """Have one of them come with two browsers, others be refused, and all who may take part."""
    with market_of(folder) as market:
        app = make_site(market, "production", SiteOptions(SECRET_KEY))
        first, *others = THIS_TERM
        phone, laptop = (browser(app, market, token, first) for _ in range(2))
        assert phone.worker_id == laptop.worker_id == people[first]
        phone.post(f"/worker/hits/{hit_id}/accept")
        assert "consent" in phone.path
        assert "Nothing is open to you" in browser(app, market, token, LAST_TERM[0]).text
        for stranger in ("9999999", "anna"):
            assert browser(app, market, token, stranger).status == 400
        do(market, people[first], hit_id)
        for number in others:
            assert market.join("production", token, own_id=number) == people[number]
            do(market, people[number], hit_id)
        for number in LAST_TERM:
            with pytest.raises(WorkError):
                market.accept("production", people[number], hit_id)
        with pytest.raises(WorkError):
            market.join("production", token, own_id="9999999")


def numbers(rows: Sequence[dict[str, str]]) -> list[str]:
    return sorted(row["own_id"] for row in rows)


def test_a_class_of_sixty_takes_part_and_is_listed_by_student_number(
    folder: Path, turkctl: Run, class_of_sixty: dict[str, str]
) -> None:
    planned = got(turkctl, "campaigns", "plan", "--experiment", "this-term", "--goal", "60")
    assert (planned["hits"], planned["per_round"], planned["cost"]) == (1, 60, "60.00")
    created = got(turkctl, "hits", "create", "--experiment", "this-term", "--assignments", "60")
    assert len(created["results"]) == 1, "without a fee it is one HIT"
    (hit,) = [each for each in got(turkctl, "hits", "list") if each["experiment"] == "this-term"]
    token = invited(turkctl)
    come_and_work(folder, token, hit["hit_id"], class_of_sixty)
    got(turkctl, "sync")
    got(turkctl, "workers", "approve", "--all")
    listed = table(turkctl, "workers", "list", "--experiment", "this-term", "--names")
    assert numbers(listed) == THIS_TERM
    assert {row["worker_id"] for row in listed} == {class_of_sixty[number] for number in THIS_TERM}
    assert all(row["last_seen"] and row["approved"] == "1" and row["full_name"] for row in listed)
    owed = table(turkctl, "market", "payouts", "list", "--names")
    assert numbers(owed) == THIS_TERM
    assert {row["amount"] for row in owed} == {"1.00"}
    assert len(got(turkctl, "market", "workers", "list")) == 60, "nobody became somebody else"
