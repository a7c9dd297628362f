"""Who gets in: no page without signing in, sessions that cannot be made, kept or copied, roles, forged forms."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from dashboard_support import HASH, PASSWORD, PEOPLE, DashboardSite, StoppedClock, Visitor, dashboard_of, dashboard_site
from dashboard_walk import FOR_EVERYBODY, Page, Walk, everything, walked
from study_support import Study

from turkctl.context import Context
from turkctl.dashboard.acts.registry import acts
from turkctl.settings import load
from turkctl.settings_users import DashboardUser
from turkctl.web import passwords, sign_in
from turkctl.web.passwords import hash_password, matches

COOKIE = "turkctl_dashboard"
FOR_ALL = {*FOR_EVERYBODY, "entry.login"}


@pytest.fixture
def walk(folder: Path, clock: StoppedClock) -> Iterator[Walk]:
    with walked(folder, clock=clock) as made:
        yield made


def test_the_walk_opens_every_page(walk: Walk) -> None:
    """The other tests stand on it: an address with a new kind of argument needs a value in ``Known``."""
    visitor = walk.site.visitor()
    for path in walk.pages():
        visitor.get(path)
        # The task of the walk's experiment is on another server, so its preview has no page of its own.
        assert visitor.status == (404 if path.endswith("/preview/page") else 200), path


def test_nobody_sees_a_page_a_part_of_one_or_a_file_without_signing_in(walk: Walk) -> None:
    client = walk.app.test_client()
    for endpoint, path in walk.addresses("GET"):
        if endpoint in FOR_ALL:
            continue
        for address in (path, f"{path}?format=csv&page=2"):
            answer = client.get(address)
            target = urlsplit(answer.headers["Location"])
            assert (answer.status_code, target.netloc, target.path) == (303, "", "/dashboard/login"), address
            assert parse_qs(target.query)["next"] == [address], "it leads back"
            assert "AWORKER" not in unquote(answer.get_data(as_text=True)).replace(address, "")
        for method in ("HEAD", "OPTIONS"):
            assert client.open(path, method=method).status_code == 303, path


def test_only_the_form_to_sign_in_and_static_files_are_for_everybody(walk: Walk) -> None:
    client = walk.app.test_client()
    open_to_all = {endpoint for endpoint, path in walk.addresses("GET") if status_of(client, path) == 200}
    assert open_to_all == {"web.bundle", "entry.login_form", "outside.healthz"}


def test_nobody_acts_without_signing_in_even_with_a_token_of_the_form(walk: Walk) -> None:
    stranger = walk.site.visitor(None)
    stranger.get("/login")
    before = everything(walk)
    for endpoint, path in walk.addresses("POST"):
        if endpoint == "entry.login":
            continue
        data = {"csrf_token": stranger.token, "all": "1", "from": "/dashboard/log"}
        answer = stranger.client.post(path, data=data)
        assert answer.status_code == 303, path
        assert answer.headers["Location"] == "/dashboard/login?next=/dashboard/log", path
    assert everything(walk) == before


def test_signing_in_leads_back_to_the_page_that_was_asked_for(walk: Walk) -> None:
    visitor = walk.site.visitor(None)
    visitor.get("/participants?status=4&sort=worker_id")
    assert visitor.path.startswith("/dashboard/login?")
    visitor.post("/login", {"name": "lab", "password": PASSWORD, "next": visitor.hidden("next")})
    assert visitor.path == "/dashboard/participants?status=4&sort=worker_id"


def test_a_part_of_a_page_sends_the_whole_page_to_sign_in(walk: Walk) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://localhost/dashboard/participants?status=4"}
    answer = walk.app.test_client().get("/dashboard/participants/count?status=4", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/dashboard/login?next=/dashboard/participants?status%3D4"
    assert "<form" not in answer.get_data(as_text=True)
    headers["HX-Current-URL"] = "https://evil.example//evil.example/x"
    answer = walk.app.test_client().get("/dashboard/participants/count", headers=headers)
    assert answer.headers["HX-Redirect"].rstrip("/") == "/dashboard/login?next=/dashboard"


def test_a_changed_session_is_nobody(walk: Walk) -> None:
    cookie = cookie_of(walk.site.visitor("viewer"))
    serializer = walk.app.session_interface.get_signing_serializer(walk.app)
    values = serializer.loads(cookie)
    assert values["_user_id"] == "viewer", "it is signed, not encrypted: this is what would have to be changed"
    forged = serializer.dumps({**values, "_user_id": "lab"})
    assert status_with(walk.site, forged) == 200, "whoever has the key can"
    *_, time, signature = cookie.rsplit(".", 2)
    other = "A" if cookie[-2] != "A" else "B"
    unsigned = f"{forged.rsplit('.', 2)[0]}.{time}.{signature}"
    for changed in (unsigned, f"{cookie[:-2]}{other}{cookie[-1]}", cookie[:-5], cookie.rsplit(".", 1)[0], ""):
        assert status_with(walk.site, changed) == 303


def test_a_session_cookie_is_for_http_alone_and_for_this_site(walk: Walk) -> None:
    morsel = set_cookie(sign_in_answer(walk.site))
    assert (morsel["httponly"], morsel["samesite"], morsel["path"], morsel["domain"]) == (True, "Lax", "/", "")
    assert morsel["secure"] == "", "over plain HTTP a browser would drop it"


def test_behind_tls_the_session_cookie_is_secure_and_of_this_host(folder: Path) -> None:
    study = Study.new(folder)
    study.close()
    study.world = Context(load({}, {"TURKCTL_DASHBOARD_BEHIND_PROXY": "true"}, folder))
    with dashboard_of(study) as site:
        client = site.dashboard.app.test_client()
        forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "198.51.100.7"}
        page = client.get("/dashboard/login", base_url="http://lab.example.org", headers=forwarded)
        morsel = SimpleCookie(page.headers["Set-Cookie"])[f"__Host-{COOKIE}"]
        assert (morsel["secure"], morsel["httponly"], morsel["path"], morsel["domain"]) == (True, True, "/", "")
        assert "max-age=31536000" in page.headers["Strict-Transport-Security"]
    study.close()


def test_a_session_from_before_the_sign_in_is_worthless_after_it(walk: Walk) -> None:
    visitor = walk.site.visitor(None)
    visitor.get("/login")
    before, token = cookie_of(visitor), visitor.token
    visitor.post("/login", {"name": "lab", "password": PASSWORD})
    assert cookie_of(visitor) != before
    assert status_with(walk.site, before) == 303
    assert visitor.token != token
    visitor.client.post("/dashboard/settings/mode", data={"mode": "sandbox", "csrf_token": token})
    visitor.get("/settings")
    assert 'mode-sandbox">sandbox</span></span>' not in visitor.text, "the token from before is no token now"


def test_each_sign_in_has_a_session_of_its_own_and_ends_the_one_before_in_that_browser(walk: Walk) -> None:
    visitor, other = walk.site.visitor(), walk.site.visitor()
    first = cookie_of(visitor)
    assert first != cookie_of(other)
    visitor.get("/settings")
    visitor.post("/login", {"name": "viewer", "password": PASSWORD})
    assert status_with(walk.site, first) == 303
    assert status_with(walk.site, cookie_of(visitor)) == 200
    assert status_with(walk.site, cookie_of(other)) == 200, "elsewhere people stay signed in"


def test_a_session_ends_twelve_hours_after_the_sign_in_however_it_is_used(walk: Walk, clock: StoppedClock) -> None:
    visitor = walk.site.visitor()
    clock.now += timedelta(hours=11, minutes=59)
    visitor.get("/settings")
    visitor.post("/settings/mode", {"mode": "sandbox"})
    assert visitor.status == 200
    clock.now += timedelta(minutes=1)
    visitor.get("/settings")
    assert visitor.path.startswith("/dashboard/login?")


def test_a_session_that_was_signed_out_is_nobody_in_every_process(walk: Walk, clock: StoppedClock) -> None:
    with second_process(walk, clock) as other:
        visitor = walk.site.visitor()
        copied = cookie_of(visitor)
        assert status_with(other, copied) == 200
        visitor.get("/settings")
        visitor.post("/logout")
        assert [status_with(each, copied) for each in (walk.site, other)] == [303, 303]
        clock.now += timedelta(hours=11)
        assert status_with(other, copied) == 303


def test_a_new_password_ends_the_sessions_of_the_old_one_and_a_removed_person_is_nobody(
    walk: Walk, clock: StoppedClock
) -> None:
    cookies = {name: cookie_of(walk.site.visitor(name)) for name in ("lab", "ann", "viewer")}
    people = {"lab": PEOPLE["lab"], "ann": replace(PEOPLE["ann"], password_hash=hash_password("another one, long"))}
    with second_process(walk, clock, people=people) as other:
        found = {name: status_with(other, cookie) for name, cookie in cookies.items()}
    assert found == {"lab": 200, "ann": 303, "viewer": 303}


def test_a_role_that_was_taken_away_is_gone_at_once(walk: Walk, clock: StoppedClock) -> None:
    visitor = walk.site.visitor("ann")
    with second_process(walk, clock, people={"ann": replace(PEOPLE["ann"], role="view")}) as other:
        again = Visitor(other, None)
        again.client.set_cookie(COOKIE, cookie_of(visitor))
        again.get("/settings")
        again.post("/acts/workers-approve", {"all": "1"})
        assert again.status == 403


def test_no_form_is_taken_without_the_token_of_its_session(walk: Walk) -> None:
    visitor, other = walk.site.visitor(), walk.site.visitor()
    before = everything(walk)
    other.get("/settings")
    for endpoint, path in walk.addresses("POST"):
        for token in (None, "", "wrong", other.token):
            data = {"all": "1", "mode": "local"} | ({} if token is None else {"csrf_token": token})
            answer = visitor.client.post(path, data=data)
            assert answer.status_code == 400, (endpoint, token)
            assert "Nothing was done" in answer.get_data(as_text=True)
            headers = {} if token is None else {"X-CSRFToken": token}
            assert visitor.client.post(path, data={"all": "1"}, headers=headers).status_code == 400, (endpoint, token)
    assert everything(walk) == before
    assert status_with(walk.site, cookie_of(visitor)) == 200, "not even signed out"


def test_every_endpoint_that_takes_a_post_refuses_a_get(walk: Walk) -> None:
    client = walk.site.visitor().client
    reads = {path for _, path in walk.addresses("GET")}
    written = [path for _, path in walk.addresses("POST") if path not in reads]
    assert len(written) >= len(acts()) + 4
    for path in written:
        assert client.get(f"{path}?all=1").status_code == 405, path
        assert client.head(path).status_code == 405, path
    assert {path for _, path in walk.addresses("POST")} & reads <= {"/dashboard/login"}


def test_no_get_changes_the_database(walk: Walk) -> None:
    visitor = walk.site.visitor()
    before = everything(walk)
    for path in [path for _, path in walk.addresses("GET")]:
        for query in ("", "?all=1&id=1&mode=local&format=csv", "?mode=sandbox"):
            assert status_of(visitor.client, path + query) < 500
    assert everything(walk) == before


def test_somebody_who_may_only_look_can_change_nothing_and_sees_no_acts(walk: Walk) -> None:
    viewer = walk.site.visitor("viewer")
    before = everything(walk)
    for path in walk.pages():
        assert Page.of(viewer.get(path)).acts == [], path
    viewer.get("/settings")
    for endpoint, path in walk.addresses("POST"):
        if endpoint not in ("entry.login", "entry.logout", "settings.switch"):
            viewer.client.post(path, data={})
            answer = viewer.client.post(path, data={"csrf_token": viewer.token, "all": "1", "mode": "local"})
            assert answer.status_code == 403, path
    assert everything(walk) == before
    manager = walk.site.visitor()
    assert any(Page.of(manager.get(path)).acts for path in walk.pages()), "who may act sees acts"


def test_attempts_are_limited_by_name_and_address_in_all_processes_together(walk: Walk, clock: StoppedClock) -> None:
    with second_process(walk, clock) as other:
        for number in range(5):
            assert attempt(other if number % 2 else walk.site, "lab", "wrong") == 401
        assert attempt(other, "lab", "wrong") == 429
        assert attempt(walk.site, "lab", PASSWORD) == 429, "not even with the right one"
        assert attempt(other, "lab", PASSWORD, "198.51.100.9") == 303, "from elsewhere"
        assert attempt(other, "ann", PASSWORD) == 303, "somebody else from there"
        clock.now += timedelta(minutes=15, seconds=1)
        assert attempt(walk.site, "lab", PASSWORD) == 303


def test_one_address_that_tries_many_names_is_held_up(walk: Walk) -> None:
    found = [attempt(walk.site, f"nobody{number}", "wrong") for number in range(21)]
    assert found == [401] * 20 + [429]


def test_a_name_that_many_addresses_try_is_held_up_but_not_where_it_is_known(walk: Walk) -> None:
    assert attempt(walk.site, "lab", PASSWORD, "198.51.100.9") == 303
    found = [attempt(walk.site, "lab", "wrong", f"203.0.113.{number}") for number in range(51)]
    assert found == [401] * 50 + [429]
    assert attempt(walk.site, "lab", PASSWORD, "198.51.100.9") == 303


def test_who_asks_is_not_what_a_header_says(walk: Walk) -> None:
    for number in range(5):
        attempt(walk.site, "lab", "wrong", headers={"X-Forwarded-For": f"203.0.113.{number}"})
    assert attempt(walk.site, "lab", "wrong", headers={"X-Forwarded-For": "203.0.113.99"}) == 429


def test_a_wrong_name_takes_as_many_computations_and_gets_the_same_answer_as_a_wrong_password(
    walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str | None] = []

    def counted(hashed: str | None, password: str) -> bool:
        tried.append(hashed)
        return matches(hashed, password)

    monkeypatch.setattr(sign_in, "matches", counted)
    texts = set()
    for name in ("lab", "nobody", "ann", "'; --"):
        client = walk.app.test_client()
        answer = send_attempt(client, name, "wrong")
        assert answer.status_code == 401
        texts.add(answer.get_data(as_text=True).partition("<h1>")[2].partition("<form")[0])
    assert tried == [HASH, None, HASH, None], "one computation each; without a hash it is one too"
    assert len(texts) == 1


def test_one_computation_is_made_without_a_hash_too(monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str] = []
    original = passwords._verified

    def counted(hashed: str, password: bytes) -> bool | None:
        verified.append(hashed)
        return original(hashed, password)

    monkeypatch.setattr(passwords, "_verified", counted)
    usual = hash_password(PASSWORD)
    assert not matches(None, "wrong")
    assert not matches(usual, "wrong")
    assert [each.split("$")[:4] for each in verified] == [usual.split("$")[:4]] * 2, "with the same parameters"


@contextmanager
def second_process(walk: Walk, clock: StoppedClock, **more: object) -> Iterator[DashboardSite]:
    """Another process that serves the same study: a dashboard with a database connection of its own."""
    study = Study(walk.site.study.folder)
    site = DashboardSite(study, clock=clock, **more)
    try:
        yield site
    finally:
        site.dashboard.close()
        study.close()


def status_of(client, path: str) -> int:
    with client.get(path) as answer:
        return answer.status_code


def cookie_of(visitor: Visitor) -> str:
    found = visitor.client.get_cookie(COOKIE)
    assert found is not None
    return found.value


def status_with(site: DashboardSite, cookie: str) -> int:
    """What the overview answers to somebody with this cookie."""
    client = site.dashboard.app.test_client()
    client.set_cookie(COOKIE, cookie)
    return client.get("/dashboard/settings").status_code


def attempt(site: DashboardSite, name: str, password: str, address: str = "192.0.2.1", **more: object) -> int:
    return send_attempt(site.dashboard.app.test_client(), name, password, address, **more).status_code


def send_attempt(client, name: str, password: str, address: str = "192.0.2.1", **more: object):
    visitor = object.__new__(Visitor)
    visitor.text = client.get("/dashboard/login").get_data(as_text=True)
    data = {"name": name, "password": password, "csrf_token": visitor.token}
    return client.post("/dashboard/login", data=data, environ_base={"REMOTE_ADDR": address}, **more)


def sign_in_answer(site: DashboardSite):
    return send_attempt(site.dashboard.app.test_client(), "lab", PASSWORD)


def set_cookie(answer):
    return SimpleCookie(answer.headers["Set-Cookie"])[COOKIE]


@pytest.mark.parametrize("typed", ["Ren\u00e9", "Rene\u0301"])
def test_people_sign_in_in_whatever_way_a_keyboard_composes_their_name(folder: Path, typed: str) -> None:
    people = {name: DashboardUser(name, "view", HASH) for name in ("Ren\u00e9", "lab")}
    with dashboard_site(folder, people=people) as site:
        visitor = site.visitor(None)
        visitor.sign_in(typed, "wrong")
        assert visitor.status == 401
        assert "Ren\u00e9 (may look only)" in visitor.sign_in(typed)
