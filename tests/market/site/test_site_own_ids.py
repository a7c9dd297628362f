"""Invitations that ask for the lab's own id: one person is one worker on every device."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from worker_site_support import PASSWORD, SECRET_KEY, SiteBench, Visitor

from turkctl.attempt_limits import PER_ADDRESS, PER_PAIR, WINDOW
from turkctl.errors import UsageError
from turkctl.market.roster_side import MOST_ENTRIES
from turkctl.market.site.app import SiteOptions, make_site
from turkctl.newcomers import NewInvitation, NewPerson

ASK = {"uses": 60, "personal": False, "ask": "Student number", "pattern": "[0-9]{7}"}


def came(bench: SiteBench, token: str, own_id: str, visitor: Visitor | None = None, **more: Any) -> Visitor:
    """Open the invitation, type an own id, and press "Start"."""
    visitor = visitor or bench.visitor()
    visitor.get(f"/worker/join/{token}")
    visitor.post(f"/worker/join/{token}", {"own_id": own_id, **more})
    return visitor


def test_one_person_is_one_worker_on_every_device(bench: SiteBench) -> None:
    token = bench.invite(**ASK, groups=("class",))
    phone = came(bench, token, " 1234567 ")
    laptop = came(bench, token, "１２３４５６７")
    assert phone.worker_id == laptop.worker_id
    assert came(bench, token, "7654321").worker_id != phone.worker_id
    (first, _second) = bench.market.people("production")
    assert (first.own_id, first.groups) == ("1234567", ("class",))
    (invitation,) = bench.market.invitations("production")
    assert invitation.used == 2


def test_the_page_asks_with_the_words_given_and_checks_the_pattern(bench: SiteBench) -> None:
    token = bench.invite(**ASK | {"ask": "Number <of> student"})
    visitor = bench.visitor()
    assert "Number &lt;of&gt; student" in visitor.get(f"/worker/join/{token}")
    for wrong in ("", "123456", "12345678", "x1234567", "1234567\n8", "A" * 500):
        came(bench, token, wrong, visitor)
        assert (visitor.status, "not written as it should be" in visitor.text) == (400, True), wrong
    assert bench.market.people("production") == []


def test_who_was_imported_is_the_same_worker_when_they_come(bench: SiteBench) -> None:
    worker_id = bench.market.add_person("production", NewPerson(own_id="1234567", groups=("a",)))
    token = bench.invite(**ASK, known_only=True, groups=("b",))
    assert came(bench, token, "1234567").worker_id == worker_id
    (person,) = bench.market.people("production")
    assert person.groups == ("a", "b")


def test_an_account_with_a_password_is_not_entered_by_its_id(bench: SiteBench) -> None:
    token = bench.invite(**ASK)
    owner = came(bench, token, "1234567", how="name", name="ana", password=PASSWORD)
    thief = came(bench, token, "1234567")
    assert thief.path == "/worker/sign-in"
    thief.get("/worker")
    assert thief.path == "/worker/sign-in"
    came(bench, token, "1234567", thief, how="name", name="bob", password=PASSWORD)
    assert thief.path == "/worker/sign-in"
    assert bench.market.person("production", owner.worker_id).name == "ana"  # type: ignore[union-attr]


def test_known_only_lets_nobody_else_in(bench: SiteBench) -> None:
    token = bench.invite(**ASK, known_only=True)
    visitor = came(bench, token, "1234567")
    assert (visitor.status, "not in the list" in visitor.text) == (400, True)
    assert bench.market.people("production") == []


def test_guesses_are_limited_for_all_processes_and_do_not_keep_anybody_from_signing_in(bench: SiteBench) -> None:
    bench.market.add_person("production", NewPerson(own_id="1234567"))
    token = bench.invite(**ASK, known_only=True)
    visitor = bench.visitor()
    for number in range(PER_ADDRESS):
        came(bench, token, f"{number:07}", visitor)
        assert visitor.status == 400
    again = SiteBench.__new__(SiteBench)
    app = make_site(bench.market, "production", SiteOptions(SECRET_KEY), clock=bench.now)
    again.__dict__ = bench.__dict__ | {"app": app}
    other = came(again, token, "1234567")
    assert (other.status, "Too many attempts" in other.text) == (429, True)
    other.get("/worker/sign-in")
    other.post("/worker/sign-in", {"name": "ana", "password": "wrong password"})
    assert other.status == 401
    bench.later += WINDOW + timedelta(seconds=1)
    assert came(bench, token, "1234567").status == 200


def test_a_class_behind_one_address_comes_in_and_a_machine_that_tries_numbers_does_not(bench: SiteBench) -> None:
    now = bench.now()
    for number in range(MOST_ENTRIES):
        assert bench.market.own_id_wait(f"{number}", "10.0.0.1", now) is None
        bench.market.note_own_id(f"{number}", "10.0.0.1", now, failed=False)
    assert bench.market.own_id_wait("next", "10.0.0.1", now) is not None
    assert bench.market.own_id_wait("next", "10.0.0.2", now) is None


def test_a_password_that_is_too_short_does_not_make_guesses_free(bench: SiteBench) -> None:
    """An attempt counts as a success only if it let somebody in."""
    bench.market.add_person("production", NewPerson(own_id="1234567", name="ana", password_hash="x"))
    token = bench.invite(**ASK)
    visitor = bench.visitor()
    for _ in range(PER_PAIR):
        came(bench, token, "1234567", visitor)
        came(bench, token, "1234567", visitor, how="name", name="bob", password="short")
    assert visitor.status == 429


def test_places_are_counted_by_people_and_not_by_devices(bench: SiteBench) -> None:
    token = bench.invite(**ASK | {"uses": 1})
    first = came(bench, token, "1234567")
    assert came(bench, token, "7654321").status == 404
    assert came(bench, token, "1234567").worker_id == first.worker_id
    assert len(bench.market.people("production")) == 1


def test_who_is_signed_in_gets_the_id_unless_it_is_of_somebody_else(bench: SiteBench) -> None:
    other = bench.market.add_person("production", NewPerson(own_id="7654321"))
    token = bench.invite(**ASK)
    person = bench.person()
    came(bench, token, "7654321", person)
    assert (person.status, "somebody else" in person.text) == (400, True)
    came(bench, token, "1234567", person)
    assert person.path == "/worker"
    assert bench.market.person_of("production", "1234567").worker_id == person.worker_id  # type: ignore[union-attr]
    person.get(f"/worker/join/{token}")
    assert "Student number" not in person.text
    assert bench.market.person_of("production", "7654321").worker_id == other  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("[", "not a regular expression"),
        ("", "1 to 200"),
        ("(a+)+", "too many ways"),
        ("(a|a){30}", "too many ways"),
        (".*.*.*.*", "too many ways"),
        ("a?" * 40, "too many ways"),
        (r"(a)\1", "cannot be checked"),
        ("(?=a)a", "cannot be checked"),
        ("[[:digit:]]", "not a regular expression"),
        ("x" * 201, "1 to 200"),
    ],
)
def test_a_pattern_that_could_take_long_is_refused_when_the_invitation_is_made(
    pattern: str, why: str, bench: SiteBench
) -> None:
    with pytest.raises(UsageError, match=why):
        bench.invite(**ASK | {"pattern": pattern})


@pytest.mark.parametrize("pattern", ["[0-9]{7}", r"[A-Z]{2}-\d{1,6}", "(?:s|m)[0-9]{6}", ".+@.+", r"\w{3,8}", "^ä+$"])
def test_usual_patterns_are_taken(pattern: str, bench: SiteBench) -> None:
    bench.invite(**ASK | {"pattern": pattern})


def test_what_belongs_together_is_asked_for_together(bench: SiteBench) -> None:
    for wrong in ({"pattern": "a"}, {"known_only": True}, {"ask": "Number"}, {"ask": " ", "personal": False}):
        with pytest.raises(UsageError):
            bench.market.invite("production", NewInvitation(**wrong))  # type: ignore[arg-type]
