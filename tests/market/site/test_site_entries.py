"""People who are sent by a panel: one id is one person, their session opens little, and they get their way back."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from worker_site_support import PASSWORD, REQUESTER, SiteBench, Visitor, site_bench

from turkctl.attempt_limits import WINDOW
from turkctl.errors import NotFoundError, UsageError
from turkctl.market import entries
from turkctl.market.entries import Entry
from turkctl.newcomers import NewEntry, NewPerson
from turkctl.web.passwords import hash_password

DONE = "https://lab.example.org/credit.aspx?exp=7&survey_code={survey_code}&ref={ref}&code={code}"


@pytest.fixture
def entry(bench: SiteBench) -> Entry:
    """An entry for SONA."""
    return made(bench)


def made(bench: SiteBench, name: str = "sona", **more: Any) -> Entry:
    return bench.market.add_entry("production", NewEntry(name, ("survey_code", "ref"), done_url=DONE, **more))


def come(bench: SiteBench, entry: Entry, who: str, visitor: Visitor | None = None, **more: str) -> Visitor:
    """Open an entry's address as a panel does, in a new browser unless one is given."""
    found = visitor or bench.visitor()
    asked = "&".join(f"{name}={value}" for name, value in {"survey_code": who, **more}.items())
    found.get(f"{entry.path}?{asked}")
    return found


def finish(bench: SiteBench, visitor: Visitor) -> str:
    """Do a HIT; return the assignment's id."""
    assignment_id = visitor.accept(bench.post()["HITId"])
    visitor.submit(assignment_id, colour="red")
    return assignment_id


def link(visitor: Visitor) -> str | None:
    found = re.search(r'href="(https://lab\.example\.org[^"]*)"', visitor.text)
    return None if found is None else unescape(found[1])


def with_password(bench: SiteBench) -> Visitor:
    """Somebody who signed in by name and password."""
    bench.market.add_person("production", NewPerson(name="ana", password_hash=hash_password(PASSWORD)))
    visitor = bench.visitor()
    visitor.get("/worker/sign-in")
    visitor.post("/worker/sign-in", {"name": "ana", "password": PASSWORD})
    assert visitor.status == 200
    return visitor


def test_a_panel_s_id_is_one_worker_on_a_reload_in_a_second_tab_and_on_another_device(
    bench: SiteBench, entry: Entry
) -> None:
    first = come(bench, entry, "4711")
    who = first.worker_id
    assert (first.path, first.status) == ("/worker", 200)
    assert come(bench, entry, "4711", first).worker_id == who
    assert come(bench, entry, "4711").worker_id == who
    assert come(bench, entry, "4712").worker_id != who


def test_entries_of_one_panel_know_the_same_people_and_others_do_not(bench: SiteBench) -> None:
    one, two, other = made(bench, "one", panel="uni"), made(bench, "two", panel="uni"), made(bench, "other")
    assert come(bench, one, "1").worker_id == come(bench, two, "1").worker_id != come(bench, other, "1").worker_id


def test_people_get_the_entry_s_groups_and_locale(bench: SiteBench) -> None:
    entry = made(bench, groups=("class",), locale="DE")
    who = come(bench, entry, "1").worker_id
    person = bench.market.person("production", who)
    assert person is not None
    assert person.groups == ("class",)
    assert bench.market.record_of("production", who)["locale"] == "DE"


def test_somebody_signed_in_keeps_their_worker_id_and_the_panel_s_id_is_theirs(bench: SiteBench) -> None:
    entry = made(bench, groups=("class",))
    visitor = bench.person()
    who = visitor.worker_id
    come(bench, entry, "4711", visitor)
    assert ("Start" in visitor.text, visitor.path) == (True, entry.path), "they are asked first"
    assert bench.market.entry("production", "sona").people == 0, "opening the address does nothing by itself"
    visitor.post(f"{entry.path}?survey_code=4711")
    assert visitor.worker_id == who
    person = bench.market.person("production", who)
    assert person is not None
    assert person.groups == ("class",)
    assert come(bench, entry, "4711").worker_id == who
    assert come(bench, entry, "4711", visitor).path == "/worker", "once it is theirs, they are not asked again"


def test_the_next_person_at_one_browser_is_another_worker(bench: SiteBench, entry: Entry) -> None:
    visitor = come(bench, entry, "1")
    who = visitor.worker_id
    come(bench, entry, "2", visitor)
    visitor.post(f"{entry.path}?survey_code=2", {"who": "other"})
    assert visitor.worker_id != who
    assert come(bench, entry, "2").worker_id == visitor.worker_id
    assert come(bench, entry, "1").worker_id == who


def test_the_form_that_ties_an_id_to_a_person_needs_its_token(bench: SiteBench, entry: Entry) -> None:
    visitor = bench.person()
    visitor.post(f"{entry.path}?survey_code=4711", token=False)
    assert (visitor.status, bench.market.entry("production", "sona").people) == (400, 0)


def test_an_id_lets_nobody_in_who_has_a_password(bench: SiteBench, entry: Entry) -> None:
    owner = with_password(bench)
    who = owner.worker_id
    come(bench, entry, "4711", owner)
    owner.post(f"{entry.path}?survey_code=4711")
    stranger = come(bench, entry, "4711")
    assert stranger.path == "/worker/sign-in"
    for page in ("", "/mine", "/messages", "/qualifications"):
        stranger.get(f"/worker{page}")
        assert (stranger.path, who in stranger.text) == ("/worker/sign-in", False)
    come(bench, entry, "4711", stranger)
    target = re.search(r'name="next" value="([^"]*)"', stranger.text)
    assert target is not None
    stranger.post("/worker/sign-in", {"name": "ana", "password": PASSWORD, "next": unescape(target[1])})
    assert (stranger.path, stranger.worker_id) == ("/worker", who), "signed in, they come in by the same address"


def test_a_session_that_began_with_an_id_chooses_no_password(bench: SiteBench, entry: Entry) -> None:
    visitor = come(bench, entry, "1")
    assert "Choose a name and password" not in visitor.text
    token = visitor.token
    visitor.get("/worker/password")
    assert visitor.status == 403
    visitor.post("/worker/password", {"name": "mine", "password": PASSWORD, "csrf_token": token})
    assert (visitor.status, bench.market.person_named("production", "mine")) == (403, None)


def test_a_session_that_began_with_an_id_shows_no_work_of_somebody_who_came_otherwise(
    bench: SiteBench, entry: Entry
) -> None:
    owner = bench.person()
    come(bench, entry, "4711", owner)
    owner.post(f"{entry.path}?survey_code=4711")
    guesser = come(bench, entry, "4711")
    for page in ("mine", "messages", "qualifications"):
        guesser.get(f"/worker/{page}")
        assert (guesser.status, "<h1>This is not open to you</h1>" in guesser.text) == (403, True), page
        owner.get(f"/worker/{page}")
        assert owner.status == 200, page
    made_by_panel = come(bench, entry, "1")
    made_by_panel.get("/worker/mine")
    assert made_by_panel.status == 200, "all that they have done is the panel's"


@pytest.mark.parametrize(
    "new", [{}, {"uses": 5, "personal": False}, {"uses": 5, "personal": False, "ask": "Number"}], ids=str
)
def test_whoever_guesses_an_id_takes_nobody_s_place_by_an_invitation_of_their_own(
    new: dict[str, Any], bench: SiteBench, entry: Entry
) -> None:
    owner = bench.person()
    come(bench, entry, "4711", owner)
    owner.post(f"{entry.path}?survey_code=4711")
    guesser = come(bench, entry, "4711")
    assert guesser.worker_id == owner.worker_id
    token = bench.invite(groups=("guessers",), **new)
    guesser.get(f"/worker/join/{token}")
    assert "stay who you are" not in guesser.text
    for visitor in (guesser, bench.visitor()):
        visitor.get(f"/worker/join/{token}")
        visitor.post(f"/worker/join/{token}", {"own_id": "guess"})
        assert (visitor.status, visitor.path) == (200, "/worker")
        assert visitor.worker_id != owner.worker_id
        visitor.get("/worker/mine")
        assert visitor.status == 200, "now it is a session like any other, of somebody else"
    person = bench.market.person("production", owner.worker_id)
    assert person is not None
    assert (person.groups, person.own_id) == ((), None)


def test_a_session_that_began_with_an_id_makes_no_other_id_the_person_s(bench: SiteBench, entry: Entry) -> None:
    other = made(bench, "other")
    owner = bench.person()
    come(bench, entry, "4711", owner)
    owner.post(f"{entry.path}?survey_code=4711")
    guesser = come(bench, entry, "4711")
    for panel in (entry, other):
        come(bench, panel, "mine", guesser)
        assert "Start" in guesser.text
        guesser.post(f"{panel.path}?survey_code=mine")
        assert guesser.worker_id != owner.worker_id
        guesser = come(bench, entry, "4711", bench.visitor())
    assert come(bench, other, "mine").worker_id != owner.worker_id


def test_nothing_tells_what_is_wrong_with_an_address(bench: SiteBench, entry: Entry) -> None:
    removed, ended = made(bench, "removed"), made(bench, "ended", until=bench.market.now() + timedelta(hours=1))
    bench.market.remove_entries("production", ["removed"])
    bench.clock.seconds += 3601
    paths = [removed.path, ended.path, f"/worker/enter/other/{entry.key}", f"/worker/enter/sona/{'x' * 32}"]
    said = {
        (visitor.status, visitor.text)
        for path in paths
        for visitor in [bench.visitor()]
        if visitor.get(f"{path}?survey_code=1")
    }
    assert len({(status, re.sub(r'"X-CSRFToken": "[^"]+"', "", words)) for status, words in said}) == 1
    assert {status for status, _ in said} == {404}


@pytest.mark.parametrize(
    "query",
    [
        *("", "survey_code=", "survey_code=%20", "other=1", "survey_code=%25SURVEY_CODE%25"),
        *("survey_code={survey_code}", f"survey_code={'1' * 301}", "survey_code=a%0Ab", "survey_code=a%E2%80%AEb"),
    ],
)
def test_an_address_that_does_not_say_who_comes_lets_nobody_in(query: str, bench: SiteBench, entry: Entry) -> None:
    visitor = bench.visitor()
    visitor.get(f"{entry.path}?{query}")
    assert (visitor.status, "survey_code" in visitor.text) == (400, True)
    assert bench.market.people("production") == []


def test_the_way_back_has_what_the_panel_sent_and_is_the_same_at_every_visit(bench: SiteBench, entry: Entry) -> None:
    visitor = come(bench, entry, "4711", ref="a%26b%3D1%2F%23")
    assignment_id = finish(bench, visitor)
    visitor.get(f"/worker/done/{assignment_id}")
    address = link(visitor)
    assert address is not None
    parts = urlsplit(address)
    assert (parts.scheme, parts.netloc, parts.path) == ("https", "lab.example.org", "/credit.aspx")
    sent = parse_qs(parts.query)
    assert (sent["exp"], sent["survey_code"], sent["ref"]) == (["7"], ["4711"], ["a&b=1/#"])
    assert re.fullmatch(r"[0-9A-Z]{5}-[0-9A-Z]{5}", sent["code"][0])
    assert sent["code"][0] in visitor.text
    bench.clock.seconds += 1
    other = come(bench, entry, "4711", ref="later")
    other.get(f"/worker/done/{assignment_id}")
    assert link(other) == address, "what the panel sends afterwards belongs to what is done afterwards"
    bench.market.remove_entries("production", ["sona"])
    visitor.get(f"/worker/done/{assignment_id}")
    assert link(visitor) == address, "an entry that ended still leads back"


def test_the_codes_that_people_saw_are_listed_with_who_saw_them(bench: SiteBench, entry: Entry) -> None:
    seen = {}
    for who in ("1", "2"):
        visitor = come(bench, entry, who)
        assignment_id = finish(bench, visitor)
        visitor.get(f"/worker/done/{assignment_id}")
        found = re.search(r"<code>([0-9A-Z]{5}-[0-9A-Z]{5})</code>", visitor.text)
        assert found
        seen[assignment_id] = (found[1], who, visitor.worker_id)
    finish(bench, bench.person())
    rows = bench.market.entry_codes("production", "sona")
    assert {row.assignment_id: (row.code, row.panel_id, row.worker_id) for row in rows} == seen
    assert len({code for code, _, _ in seen.values()}) == 2


def test_work_that_can_be_corrected_has_its_code_at_once_and_the_code_is_listed() -> None:
    with site_bench(correct=timedelta(minutes=10)) as bench:
        entry = bench.market.add_entry("production", NewEntry("moodle", ("id",)))
        visitor = bench.visitor()
        visitor.get(f"{entry.path}?id=1")
        visitor.get(f"/worker/done/{finish(bench, visitor)}")
        shown = re.search(r"<code>([0-9A-Z]{5}-[0-9A-Z]{5})</code>", visitor.text)
        assert shown
        assert "You can correct it until" in visitor.text
        seen = [(shown[1], "Submitted")]
        assert [(row.code, row.status) for row in bench.market.entry_codes("production", "moodle")] == seen
        bench.clock.seconds += 601
        assert [(row.code, row.status) for row in bench.market.entry_codes("production", "moodle")] == seen


def test_everybody_gets_the_code_of_an_entry_that_has_one(bench: SiteBench) -> None:
    entry = bench.market.add_entry("production", NewEntry("moodle", ("id",), code="STROOP-26"))
    visitor = bench.visitor()
    visitor.get(f"{entry.path}?id=1")
    visitor.get(f"/worker/done/{finish(bench, visitor)}")
    assert "<code>STROOP-26</code>" in visitor.text
    assert 'role="button" rel=' not in visitor.text, "there is no address to return to"


def test_who_came_otherwise_or_handed_nothing_in_gets_no_code(bench: SiteBench, entry: Entry) -> None:
    person = bench.person()
    person.get(f"/worker/done/{finish(bench, person)}")
    assert "completion code" not in person.text
    visitor = come(bench, entry, "1")
    assignment_id = visitor.accept(bench.post()["HITId"])
    visitor.post(f"/worker/assignments/{assignment_id}/return")
    visitor.get(f"/worker/done/{assignment_id}")
    assert ("completion code" in visitor.text, link(visitor)) == (False, None)


def test_what_was_done_before_somebody_came_by_an_entry_has_no_way_back(bench: SiteBench, entry: Entry) -> None:
    person = bench.person()
    assignment_id = finish(bench, person)
    bench.clock.seconds += 10
    come(bench, entry, "1", person)
    person.post(f"{entry.path}?survey_code=1")
    person.get(f"/worker/done/{assignment_id}")
    assert link(person) is None


def test_people_from_one_network_are_limited_for_all_processes(
    bench: SiteBench, entry: Entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("turkctl.attempt_limits.ENTRANCES", 3)
    visitors = [come(bench, entry, str(number)) for number in range(4)]
    assert [each.status for each in visitors] == [200, 200, 200, 429]
    assert "Try again in 15 min" in visitors[-1].text
    assert come(bench, entry, "0", visitors[0]).status == 200, "who is in stays in"
    person = bench.person()
    assert come(bench, entry, "77", person).status == 429, "nor do they collect ids"
    bench.later = WINDOW
    assert come(bench, entry, "3").status == 200


def test_nobody_collects_the_ids_of_others(bench: SiteBench, entry: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "MOST_IDS", 2)
    who = bench.person().worker_id
    for number in range(2):
        bench.market.enter("production", "sona", entry.key, {"survey_code": str(number)}, who)
    with pytest.raises(Exception, match="too many ids"):
        bench.market.enter("production", "sona", entry.key, {"survey_code": "2"}, who)


def test_visits_that_are_kept_are_bounded(bench: SiteBench, entry: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "MOST_VISITS", 2)
    for number in range(4):
        bench.market.enter("production", "sona", entry.key, {"survey_code": "1", "ref": str(number)})
    visitor = come(bench, entry, "1")
    visitor.get(f"/worker/done/{finish(bench, visitor)}")
    assert "ref=1" in (link(visitor) or "")


@pytest.mark.parametrize(
    "url",
    [
        *(
            "javascript:alert(1)",
            "ftp://a/b",
            "//evil.example.org",
            "/worker",
            "https://",
            "https://{survey_code}/",
            "x",
        ),
        *("https://a@b.example/", "https://a.example/{nothing}", "https://a.example/ b", "https://a.example/\n"),
        *("https://a.example/{survey_code", "https://a.example/survey_code}", "https://a.example/{{survey_code}}"),
        *("http://[", "https://a.example\\@b.example/", f"https://a.example/{'x' * 2000}"),
    ],
)
def test_people_return_to_an_address_of_the_web_alone(url: str, bench: SiteBench) -> None:
    with pytest.raises(UsageError):
        bench.market.add_entry("production", NewEntry("a", ("survey_code",), done_url=url))
    assert bench.market.entries("production") == []


@pytest.mark.parametrize("value", ["//evil.example.org", "@evil.example.org", "../../x", "a&code=1", "#", "\\", "%"])
def test_what_a_panel_sends_is_never_more_than_a_value(value: str) -> None:
    address = entries.filled("https://lab.example.org/a?id={id}&b=1", {"id": value})
    parts = urlsplit(address)
    assert (parts.netloc, parts.path, parts.fragment) == ("lab.example.org", "/a", "")
    assert parse_qs(parts.query) == {"id": [value], "b": ["1"]}


@pytest.mark.parametrize(
    "new",
    [
        NewEntry("Sona", ("a",)),
        NewEntry("a/b", ("a",)),
        NewEntry("", ("a",)),
        NewEntry("a", ()),
        NewEntry("a", ("a", "a")),
        NewEntry("a", ("code",)),
        NewEntry("a", ("a b",)),
        NewEntry("a", ("a",), panel="../x"),
        NewEntry("a", ("a",), code=" "),
        NewEntry("a", ("a",), code="x" * 201),
        NewEntry("a", ("a",), locale="nowhere"),
        NewEntry("a", ("a",), groups=("",)),
        NewEntry("a", ("a",), until=datetime.fromisoformat("2001-01-01T00:00Z")),
        NewEntry("sona", ("a",)),
    ],
)
def test_an_entry_that_cannot_be_is_refused(new: NewEntry, bench: SiteBench, entry: Entry) -> None:
    with pytest.raises(UsageError):
        bench.market.add_entry("production", new)
    assert len(bench.market.entries("production")) == 1


def test_an_unknown_entry_is_not_found_and_then_none_is_removed(bench: SiteBench, entry: Entry) -> None:
    with pytest.raises(NotFoundError):
        bench.market.remove_entries("production", ["sona", "nothing"])
    assert bench.market.entry("production", "sona").removed is None


def test_the_secret_of_the_codes_is_not_in_the_address(entry: Entry) -> None:
    assert len(entry.key) == 32
    assert entry.secret not in entry.path
    assert entry.secret not in repr(entry)


def test_a_rejection_takes_the_way_back_from_nobody(bench: SiteBench, entry: Entry) -> None:
    visitor = come(bench, entry, "1")
    hit = bench.post(MaxAssignments=1)
    assignment_id = visitor.accept(hit["HITId"])
    visitor.submit(assignment_id, colour="red")
    bench.market.reject_assignment(REQUESTER, {"AssignmentId": assignment_id, "RequesterFeedback": "No."})
    visitor.get(f"/worker/done/{assignment_id}")
    assert link(visitor) is not None


def test_ids_that_somebody_signed_in_makes_theirs_are_limited_too(
    bench: SiteBench, entry: Entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("turkctl.attempt_limits.ENTRANCES", 2)
    person = bench.person()
    come(bench, entry, "1", person)
    token = person.token
    for who in ("1", "2"):
        person.post(f"{entry.path}?survey_code={who}", {"csrf_token": token}, token=False)
    assert person.status == 429
    assert bench.market.panel_member("production", "sona", entry.key, {"survey_code": "2"}).worker_id is None
