"""What pages show and take: no secret, nothing from outside as HTML or SQL, a strict policy on every answer."""

from __future__ import annotations

import csv
import io
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlencode, urljoin, urlsplit

import pytest
from dashboard_support import PASSWORD, DashboardSite, Visitor, dashboard_of, dashboard_site
from dashboard_walk import (
    AWS_KEY,
    HARMLESS,
    NASTY_TEXT,
    SECRETS,
    Page,
    Walk,
    everything,
    fields_of,
    walked,
    write_everywhere,
)
from flask import Flask
from hypothesis import example, given
from hypothesis import strategies as st
from study_support import Study

from turkctl.context import Context
from turkctl.dashboard.acts.registry import acts
from turkctl.settings import load
from turkctl.web.app import MOST_BYTES
from turkctl.web.inside import inside

POLICY = {
    "default-src": "'self'",
    "img-src": "'self' data:",
    "object-src": "'none'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
}
NASTY = (
    NASTY_TEXT,
    "' OR 1=1 --",
    "1) OR (1=1",
    "%' OR '%'='",
    "a\0b",
    "\ud800",
    "\u202e\u2066evil\u2069",
    "=cmd|'/c calc'!A1",
    "{{ 7*7 }}{% raw %}",
    "../../etc/passwd",
    "-1",
    "9" * 30,
)
LONG = "x" * 100_000


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """One study for all tests of this module that change nothing."""
    with walked(tmp_path_factory.mktemp("study")) as made:
        yield made


@pytest.fixture(scope="module")
def visitor(walk: Walk) -> Visitor:
    return walk.site.visitor()


def test_every_answer_has_the_strict_policy_and_its_companions(walk: Walk, visitor: Visitor) -> None:
    stranger = walk.app.test_client()
    gets = [path for _, path in walk.addresses("GET")] + ["/dashboard/none", "/", "/dashboard/static/0/none.js"]
    posts = [path for _, path in walk.addresses("POST")]
    seen = set()
    for client in (stranger, visitor.client):
        for method, paths in (("GET", gets), ("POST", posts), ("OPTIONS", posts), ("PUT", gets), ("HEAD", gets)):
            for path in paths:
                with client.open(path, method=method) as answer:
                    seen.add(answer.status_code)
                    assert policy(answer.headers["Content-Security-Policy"]) == POLICY, (method, path)
                    assert answer.headers["X-Content-Type-Options"] == "nosniff"
                    assert answer.headers["X-Frame-Options"].upper() == "DENY"
                    assert answer.headers["Referrer-Policy"] == "same-origin"
                    kept = "site.css" in path and answer.status_code == 200 and method in ("GET", "HEAD")
                    assert answer.headers["Cache-Control"] == ("public, max-age=300" if kept else "no-store"), path
    assert seen >= {200, 303, 400, 404, 405}


def test_a_page_that_breaks_has_the_headers_too_and_does_not_say_why(folder: Path) -> None:
    with dashboard_site(folder) as site:
        _break(site.dashboard.app)
        visitor = site.visitor()
        visitor.get("/broken")
        assert visitor.status == 500
        assert policy(visitor.headers["Content-Security-Policy"]) == POLICY
        assert "sesame" not in visitor.text
        assert "Traceback" not in visitor.text


def test_even_when_the_page_of_an_error_breaks_the_answer_has_the_headers(folder: Path) -> None:
    with walked(folder) as walk:
        visitor = walk.site.visitor()
        walk.app.template_context_processors[None].append(lambda: {"broken": 1 / 0})
        visitor.get("/settings")
        assert visitor.status == 500
        assert policy(visitor.headers["Content-Security-Policy"]) == POLICY
        assert visitor.headers["Cache-Control"] == "no-store"
        assert "Traceback" not in visitor.text


def _break(app: Flask) -> None:
    def broken() -> str:
        raise RuntimeError("open sesame")

    app.add_url_rule("/dashboard/broken", "broken", broken)


def policy(text: str) -> dict[str, str]:
    """The directives of a policy."""
    return dict(each.strip().split(" ", 1) for each in text.split(";") if each.strip())


def test_no_page_shows_a_secret_of_the_settings(folder: Path) -> None:
    credentials = Path.home() / ".aws" / "credentials"
    credentials.parent.mkdir()
    credentials.write_text(f"[lab]\naws_access_key_id = AKIALAB\naws_secret_access_key = {AWS_KEY}\n")
    with walked(folder) as walk:
        for name in ("lab", "viewer"):
            visitor = walk.site.visitor(name)
            for path in walk.pages():
                for query in ("", "?mode=live", "?format=csv"):
                    text = visitor.get(path + query) + repr(visitor.headers)
                    assert [what for what, secret in SECRETS.items() if secret in text] == [], (name, path)


def test_no_page_of_a_database_or_a_market_that_does_not_answer_shows_its_password(folder: Path) -> None:
    """Every page says what is wrong, with the address, and an address may have a password."""
    with closed_port() as port:
        flags = {
            "database_url": f"postgresql+psycopg://lab:databasesecret@127.0.0.1:{port}/study?sslpassword=keysecret1",
            "endpoint_url": f"http://lab:endpointsecret@127.0.0.1:{port}/?token=tokensecret9",
        }
        for mode in ("local", "sandbox"):
            study = Study(folder)
            study.close()
            given = flags if mode == "sandbox" else {"database_url": flags["database_url"]}
            study.world = Context(
                load(
                    {**given, "mode": mode}, {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "awssecret77"}, folder
                )
            )
            with dashboard_of(study) as site:
                said = pages_of_a_dead_database(site)
            study.close()
            for secret in ("databasesecret", "keysecret1", "endpointsecret", "tokensecret9", "awssecret77"):
                assert secret not in said, (mode, secret)
            assert f"127.0.0.1:{port}" in said, "or this test looks at nothing"


def pages_of_a_dead_database(site: DashboardSite) -> str:
    """All that the pages say."""
    visitor = site.visitor()
    paths = [rule.rule for rule in site.dashboard.app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    said = [visitor.get(path) for path in paths if "<" not in path]
    said.append(visitor.post("/acts/workers-approve", {"all": "1"}))
    assert visitor.status in (502, 503)
    return "".join(said)


@contextmanager
def closed_port() -> Iterator[int]:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    yield port


def test_nasty_values_everywhere_in_the_query_of_any_page_are_no_errors(walk: Walk, visitor: Visitor) -> None:
    everywhere = walk.parameters(visitor)
    for path in walk.pages():
        for value in (NASTY_TEXT, "\ud800"):
            tried(visitor, path, dict.fromkeys(everywhere, value))


@pytest.mark.slow
def test_nasty_values_in_the_query_of_any_page_are_neither_html_nor_sql_nor_errors(
    walk: Walk, visitor: Visitor
) -> None:
    before = everything(walk)
    everywhere = walk.parameters(visitor)
    for path in walk.pages():
        usual = Page.of(visitor.get(path))
        for name in sorted(usual.parameters | {"page", "sort", "format", "mode"}):
            visitor.get(f"{path}?{name}={HARMLESS}")
            finds = Page.of(visitor.text).rows if visitor.status == 200 else 0
            for value in NASTY:
                page = tried(visitor, path, {name: value})
                most = finds if name in usual.fields else max(finds, usual.rows)
                assert visitor.status != 200 or page.rows <= most, (path, name, value)
        for value in (*NASTY, LONG):
            tried(visitor, path, dict.fromkeys(everywhere, value))
    assert everything(walk) == before


def tried(visitor: Visitor, path: str, fields: dict[str, str]) -> Page:
    """Open a page with values in its query; see that it is neither an error nor more than text."""
    page = Page.of(visitor.get(f"{path}?{quoted(fields)}"))
    what = (path, str(fields)[:300])
    assert visitor.status in (200, 400, 404, 409), (what, visitor.text[-3000:])
    assert page.dangerous == [], what
    assert "\u202e" not in visitor.text, what
    return page


def quoted(fields: dict[str, str]) -> str:
    return urlencode(fields, errors="surrogatepass")


@pytest.mark.slow
def test_nasty_values_in_any_field_of_any_act_are_neither_html_nor_sql_nor_errors(walk: Walk, visitor: Visitor) -> None:
    before = everything(walk)
    visitor.get("/settings")
    for slug, names in fields_of_acts(walk).items():
        for value in (*NASTY, LONG):
            for name in names:
                planned(visitor, slug, {name: value})
    assert everything(walk) == before, "a plan only reads"


def test_nasty_values_in_all_fields_of_any_act_are_no_errors(walk: Walk, visitor: Visitor) -> None:
    before = everything(walk)
    visitor.get("/settings")
    for slug, names in fields_of_acts(walk).items():
        for value in (*NASTY, LONG):
            planned(visitor, slug, {"all": "1"} | dict.fromkeys(names, value))
    assert everything(walk) == before, "a plan only reads"


def fields_of_acts(walk: Walk) -> dict[str, list[str]]:
    """The fields of each act, as the act of somebody who has signed in reads them."""
    return {slug: fields_of(walk, act) for slug, act in acts().items()}


def planned(visitor: Visitor, slug: str, fields: dict[str, str]) -> None:
    """Ask for the plan of an act; see that the answer is neither an error nor more than text."""
    data = quoted({"csrf_token": visitor.token, **fields})
    answer = visitor.client.post(f"/dashboard/acts/{slug}", data=data, content_type="application/x-www-form-urlencoded")
    text, what = answer.get_data(as_text=True), str((slug, fields))[:300]
    assert answer.status_code in (200, 400, 404, 409), (what, text[-3000:])
    assert Page.of(text).dangerous == [], what
    assert "\u202e" not in text, what


@pytest.mark.parametrize("value", NASTY, ids=lambda value: ascii(value[:12]))
def test_nasty_values_in_the_fields_of_all_other_forms_are_no_errors(walk: Walk, value: str) -> None:
    visitor = walk.site.visitor()
    for endpoint, path in walk.addresses("POST"):
        if endpoint == "acts.plan":
            continue
        visitor.get("/settings")
        names = ("name", "password", "next", "mode", "from", "request", "people")
        data = quoted({**dict.fromkeys(names, value), "csrf_token": visitor.token})
        answer = visitor.client.post(path, data=data, content_type="application/x-www-form-urlencoded")
        text = answer.get_data(as_text=True)
        assert answer.status_code < 500, (endpoint, text)
        assert Page.of(text).dangerous == [], endpoint
        assert not answer.headers.get("Location", "/dashboard").startswith(("http", "//", "\\")), endpoint
        if endpoint == "entry.logout":
            visitor.sign_in("lab")


def test_a_filter_that_holds_sql_finds_nobody_and_one_that_names_somebody_finds_them(
    walk: Walk, visitor: Visitor
) -> None:
    for name in ("worker", "hit", "codeversion", "mode"):
        for value in ("' OR 1=1 --", "x' OR 'a'='a", "%", "_", "*", "1; DROP TABLE assignments"):
            visitor.get(f"/participants?{quoted({name: value})}")
            assert visitor.status == 400 or "Nobody matches" in visitor.text, (name, value)
    visitor.get(f"/participants?worker={walk.known.worker}")
    assert "Nobody matches" not in visitor.text


def test_what_people_and_markets_wrote_is_text_on_every_page_and_no_formula_in_a_file(folder: Path) -> None:
    with walked(folder) as walk:
        write_everywhere(walk.site.study, NASTY_TEXT)
        visitor = walk.site.visitor()
        shown = 0
        for path in walk.pages():
            text = visitor.get(path)
            assert visitor.status in (200, 404), (path, text[-2000:])
            assert Page.of(text).dangerous == [], path
            shown += "&lt;script&gt;alert(1)" in text
        assert shown >= 2, "or the texts are on no page, and the test looks at nothing"
        for formula in ("=cmd|'/c calc'!A1", "+1+1", "@SUM(1)", "-2+3|x", "\t=1"):
            write_everywhere(walk.site.study, formula)
            files = 0
            for path in walk.pages():
                visitor.get(f"{path}?format=csv")
                if "text/csv" in visitor.headers["Content-Type"]:
                    rows = list(csv.reader(io.StringIO(visitor.text)))
                    cells = [each for row in rows[1:] for each in row]
                    files += any(formula.strip() in each for each in cells)
                    assert [each for each in cells if re.match(r"[=+@\t\r]|-(?![\d.]+$)", each)] == [], path
            assert files, "or the texts are in no file, and the test looks at nothing"


def test_a_body_over_the_limit_is_refused_and_one_below_it_is_read(visitor: Visitor) -> None:
    visitor.get("/settings")
    data = {"csrf_token": visitor.token, "all": "1", "feedback": "x" * MOST_BYTES}
    answer = visitor.client.post("/dashboard/acts/workers-approve", data=data)
    assert answer.status_code == 413
    assert policy(answer.headers["Content-Security-Policy"]) == POLICY
    data["feedback"] = "x" * 200_000
    assert visitor.client.post("/dashboard/acts/workers-approve", data=data).status_code in (200, 400)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:99999", "a b", "<script>", "127.0.0.1@evil.example", ""]
)
def test_a_nonsense_host_gets_no_address_that_leads_to_it(walk: Walk, host: str) -> None:
    client = walk.app.test_client()
    for path in ("/dashboard/participants", "/dashboard/login", "/dashboard/", "/dashboard/none"):
        answer = client.get(path, headers={"Host": host})
        assert answer.status_code < 500, path
        assert urlsplit(answer.headers.get("Location", "")).netloc == ""
        assert "evil.example" not in answer.get_data(as_text=True)


def test_a_person_without_names_finds_no_worker_on_any_page(walk: Walk) -> None:
    visitor = walk.site.visitor("ann")
    workers = [row[0] for row in walk.site.study.sql("SELECT DISTINCT workerid FROM assignments")]
    assert len(workers) == 3
    for path in walk.pages():
        for query in ("", "?format=csv"):
            text = visitor.get(path + query)
            assert [each for each in workers if each in text] == [], path
    for slug in acts():
        text = visitor.plan(slug, all="1")
        assert [each for each in workers if each in text] == [], slug


HOME = ("/dashboard", "/dashboard/")
OUTSIDE = "/outside-of-the-dashboard"
PARTS = (
    *("/", "\\", "//", "dashboard", "/dashboard", "/dashboard/", "..", ".", "%2e", "%2E%2e", "%2f", "%5c", "@"),
    *("evil.example", "https:", "http://", "javascript:", "data:", ":", "#", "?", "&", ";", "x", "\u3002", "\uff0f"),
    *("%09", "%0d%0aSet-Cookie:a=b", "\t", "\n", "\0", " ", "\u202e"),
)


@given(st.lists(st.sampled_from(PARTS), max_size=8).map("".join))
@example("//evil.example")
@example("/\\evil.example")
@example("/dashboard/../../evil")
@example("/dashboard/%2e%2e/evil")
@example("/dashboard/.%2E/evil")
@example("/dashboard//evil.example")
@example("/dashboard@evil.example")
@example("/dashboardevil")
@example("https:/dashboard/x")
@example("/\t/evil.example/dashboard/")
@example(" /dashboard/x")
@example("javascript:alert(1)//dashboard/")
def test_no_target_leads_out_of_the_site(target: str) -> None:
    kept = inside(target, "/dashboard", OUTSIDE)
    if kept == OUTSIDE:
        return
    assert kept == target
    went = urlsplit(as_browsers_go("http://lab.example.org:8901/dashboard/login", kept))
    assert (went.scheme, went.netloc) == ("http", "lab.example.org:8901")
    assert went.path == "/dashboard" or went.path.startswith("/dashboard/")


def as_browsers_go(base: str, target: str) -> str:
    """Where a browser goes: it drops tabs and line ends, takes a backslash for a slash and ``%2e`` for a dot."""
    target = re.sub(r"[\t\r\n]", "", target).strip("".join(map(chr, range(33)))).replace("\\", "/")
    path, mark, rest = re.match(r"([^?#]*)([?#]?)(.*)", target, re.DOTALL).groups()  # type: ignore[union-attr]
    return urljoin(base, re.sub("%2e", ".", path, flags=re.IGNORECASE) + mark + rest)


@pytest.mark.parametrize(
    "target",
    [
        "/dashboard",
        "/dashboard/",
        "/dashboard/participants?status=4&since=2026-05-04T10:00",
        "/dashboard/log#newest",
        "/dashboard/workers/A1%20B",
        "/dashboard/participants?worker=https://a/../b//c",
    ],
)
def test_targets_inside_the_site_are_kept(target: str) -> None:
    assert inside(target, "/dashboard", OUTSIDE) == target


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/dashboard/%2e%2e/x", "/dashboard/../x", "/\\e"]
)
def test_a_sign_in_never_leads_out_whichever_way_the_target_is_given(walk: Walk, target: str) -> None:
    visitor = walk.site.visitor(None)
    visitor.get(f"/login?next={quote(target)}")
    assert visitor.hidden("next") in HOME
    data = {"name": "lab", "password": PASSWORD, "next": target, "csrf_token": visitor.token}
    assert visitor.client.post("/dashboard/login", data=data).headers["Location"] in HOME
    answer = visitor.client.get(f"/dashboard/login?next={quote(target)}")
    assert answer.headers["Location"] in HOME, "nor for somebody who is in already"
    visitor.get("/settings")
    data = {"mode": "local", "from": target, "csrf_token": visitor.token}
    assert visitor.client.post("/dashboard/settings/mode", data=data).headers["Location"] == "/dashboard/settings"
    assert visitor.get(f"/runs/{walk.known.run}?from={quote(target)}").count('href="/dashboard/log"') >= 1
    assert target not in visitor.text


@pytest.mark.parametrize(
    "query",
    ["_external=1&_scheme=javascript", "_scheme=https&_external=1", "endpoint=log.index", "_anchor=x", "_method=POST"],
)
def test_names_that_flask_gives_a_meaning_are_only_part_of_the_query(walk: Walk, visitor: Visitor, query: str) -> None:
    for path in walk.pages():
        text = visitor.get(f"{path}?{query}")
        assert visitor.status in (200, 400, 404), (path, text[-2000:])
        assert Page.of(text).dangerous == [], path


def test_a_nul_character_is_refused_before_any_database_sees_it(walk: Walk, visitor: Visitor) -> None:
    for path in walk.pages():
        visitor.get(f"{path}?worker=a%00b")
        assert visitor.status == 400, path
    visitor.get("/settings")
    assert visitor.client.get("/dashboard/hits/a%00b").status_code == 400
    for slug in acts():
        data = {"csrf_token": visitor.token, "experiment": "a\0b"}
        assert visitor.client.post(f"/dashboard/acts/{slug}", data=data).status_code == 400, slug
