"""Who somebody is: invitations, names and passwords, and one worker id for each person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from worker_site_support import PASSWORD, START, SiteBench

from turkctl.errors import NotFoundError, UsageError
from turkctl.market.errors import WorkError
from turkctl.newcomers import NewPerson

NOW = datetime.fromtimestamp(START, UTC)


def test_a_personal_link_is_the_same_person_on_every_device(bench: SiteBench) -> None:
    token = bench.invite()
    phone, laptop = bench.visitor(), bench.visitor()
    phone.join(token)
    laptop.join(token)
    assert phone.worker_id == laptop.worker_id
    assert len(bench.market.people("production")) == 1


def test_work_goes_on_on_another_device(bench: SiteBench) -> None:
    hit, token = bench.post(), bench.invite()
    phone, laptop = bench.visitor(), bench.visitor()
    phone.join(token)
    assignment_id = phone.accept(hit["HITId"])
    laptop.join(token)
    laptop.get("/worker/mine")
    assert f"/worker/assignments/{assignment_id}" in laptop.text
    laptop.get(f"/worker/hits/{hit['HITId']}")
    assert laptop.path == f"/worker/assignments/{assignment_id}"


def test_an_invitation_for_two_makes_two_people_and_no_third(bench: SiteBench) -> None:
    token = bench.invite(uses=2, personal=False, groups=("staff",), label="annotators")
    first, second, third = bench.visitor(), bench.visitor(), bench.visitor()
    first.join(token)
    second.join(token)
    assert first.worker_id != second.worker_id
    third.get(f"/worker/join/{token}")
    assert (third.status, "No such invitation" in third.text) == (404, True)
    people = bench.market.people("production", "staff")
    assert [(each.groups, each.label) for each in people] == [(("staff",), "annotators")] * 2
    assert bench.market.people("production", "class") == []


def test_an_unlimited_invitation_ends_with_its_date_or_when_it_is_revoked(bench: SiteBench) -> None:
    dated = bench.invite(uses=None, personal=False, until=NOW + timedelta(hours=1))
    revoked = bench.invite(uses=None, personal=False)
    for token in (dated, revoked):
        for _ in range(3):
            bench.market.join("production", token)
    (_, found) = bench.market.invitations("production")
    assert bench.market.revoke_invitations("production", [found.id]) == 1
    assert bench.market.revoke_invitations("production", [revoked]) == 0
    bench.clock.seconds += 3600
    for token in (dated, revoked, "x" * 32):
        with pytest.raises(WorkError) as error:
            bench.market.join("production", token)
        assert error.value.code == "NoInvitation"
    with pytest.raises(NotFoundError):
        bench.market.revoke_invitations("production", ["INONE"])


def test_somebody_signed_in_who_opens_an_invitation_keeps_their_id_and_gets_its_groups(bench: SiteBench) -> None:
    person = bench.person()
    before = person.worker_id
    token = bench.invite(groups=("class-2026w",))
    person.join(token)
    assert person.worker_id == before
    (found,) = bench.market.people("production")
    assert found.groups == ("class-2026w",)
    other = bench.visitor()
    other.join(token)
    assert other.worker_id == before, "the link became that person"


def test_a_name_and_a_password_let_the_same_person_in_and_the_link_no_longer(bench: SiteBench) -> None:
    token = bench.invite()
    person = bench.visitor()
    person.join(token)
    before = person.worker_id
    assert 'href="/worker/sign-out"' in person.text, "nobody who has no password could leave a shared computer"
    person.get("/worker/password")
    person.post("/worker/password", {"name": "ana", "password": PASSWORD})
    assert (person.path, person.worker_id) == ("/worker", before)
    person.get("/worker/mine")
    person.post("/worker/sign-out")
    other = bench.visitor()
    other.get(f"/worker/join/{token}")
    assert other.path == "/worker/sign-in"
    with pytest.raises(WorkError) as error:
        bench.market.join("production", token)
    assert error.value.code == "SignIn"
    other.post("/worker/sign-in", {"name": "ana", "password": "wrong password"})
    assert (other.status, "Name and password do not match." in other.text) == (401, True)
    other.post("/worker/sign-in", {"name": "ana", "password": PASSWORD})
    assert other.worker_id == before


@pytest.mark.parametrize(
    ("name", "password", "words"),
    [("ana", PASSWORD, "is taken"), (" ", PASSWORD, "is empty"), ("ben", "short", "fewer than 8")],
)
def test_a_name_that_cannot_be_does_not_use_up_the_invitation(
    name: str, password: str, words: str, bench: SiteBench
) -> None:
    bench.market.add_person("production", NewPerson(name="ana", password_hash="x"))
    token = bench.invite()
    person = bench.visitor()
    person.get(f"/worker/join/{token}")
    person.post(f"/worker/join/{token}", {"how": "name", "name": name, "password": password})
    assert (person.status, words in person.text) == (400, True)
    assert len(bench.market.people("production")) == 1
    person.post(f"/worker/join/{token}", {"how": "name", "name": "carl", "password": PASSWORD})
    assert "(carl)" in person.text


def test_own_ids_and_names_are_unique_in_an_environment(bench: SiteBench) -> None:
    market = bench.market
    worker_id = market.add_person(
        "production", NewPerson(own_id="4711 ü", name="ana", password_hash="x", groups=["a", "a"])
    )
    assert market.add_person("sandbox", NewPerson(own_id="4711 ü", name="ana")) != worker_id
    for more in ({"own_id": "4711 ü"}, {"name": "ana"}, {"name": "\uff41na"}):
        with pytest.raises(UsageError, match="is taken"):
            market.add_person("production", NewPerson(**more))
    for who in (worker_id, "4711 ü", "ana"):
        assert market.find_person("production", who).worker_id == worker_id
    with pytest.raises(NotFoundError):
        market.find_person("production", "nobody")
    assert market.find_person("production", "ana").groups == ("a",)


@pytest.mark.parametrize("text", ["", " x", "x" * 201, "a\u202eb"])
def test_a_text_that_nobody_can_read_is_refused(text: str, bench: SiteBench) -> None:
    for more in ({"own_id": text}, {"name": text}, {"label": text}, {"groups": [text]}):
        with pytest.raises(UsageError):
            bench.market.add_person("production", NewPerson(**more))
    assert bench.market.people("production") == []


def test_a_link_s_session_outlasts_a_day_and_ends_after_half_a_year(bench: SiteBench) -> None:
    person = bench.person()
    bench.later += timedelta(days=30)
    person.get("/worker")
    assert person.path == "/worker"
    bench.later += timedelta(days=151)
    person.get("/worker")
    assert person.path == "/worker/sign-in"
