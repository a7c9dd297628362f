"""The table of participants: filters, groups, columns, downloads, and acts on rows."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from dashboard_support import DashboardSite, Visitor, dashboard_site
from psiturk_dashboard import KINDS, PsiturkSite, psiturk_site

from turkctl.operations.sync.run import sync

COMPLETE = "coalesce(status, -1) IN (3, 4, 5, 7)"
FILTERS = {
    "mode=live": "mode = 'live'",
    "mode=live&mode=debug": "mode IN ('live', 'debug')",
    "condition=1": "cond = 1",
    "condition=0&condition=2": "cond IN (0, 2)",
    "codeversion=1.1": "codeversion = '1.1'",
    "codeversion=1.0&codeversion=2.0": "codeversion IN ('1.0', '2.0')",
    "current=1": "codeversion = '2.0'",
    "complete=yes": COMPLETE,
    "complete=no": f"NOT {COMPLETE}",
    "status=submitted": "status = 4",
    "status=credited&status=quit_early": "status IN (5, 6)",
    "worker=W3&worker=W4": "workerid IN ('W3', 'W4')",
    "hit=H3": "hitid = 'H3'",
    "since=2026-11-21&until=2026-11-22T06:00": "beginhit >= '2026-11-21' AND beginhit < '2026-11-22 06:00'",
    "missing=condition": "cond IS NULL",
    "missing=codeversion&missing=status": "codeversion IS NULL AND status IS NULL",
}
COLUMNS = {"condition": "cond", "status": "status", "codeversion": "codeversion", "mode": "mode"}
NAMES = ("not_accepted", "allocated", "started", "completed", "submitted", "credited", "quit_early", "bonused")
EXPERIMENT = """
[experiments.stroop]
code_version = "2.0"
title = "Name the colour"
description = "A task."
reward = "0.50"
duration = "30m"
lifetime = "1d"
external_url = "https://lab.example.org/pub"
"""


@pytest.fixture(params=KINDS)
def psiturk(request: pytest.FixtureRequest, folder: Path) -> Iterator[PsiturkSite]:
    (folder / "turkctl.toml").write_text(EXPERIMENT)
    with psiturk_site(request.param, folder) as made:
        yield made


@pytest.fixture
def site(folder: Path) -> Iterator[DashboardSite]:
    with dashboard_site(folder) as made:
        (hit,) = made.study.post(3)
        made.study.submit(hit, "A1", "A2")
        sync(made.study.world)
        yield made


def rows_of(visitor: Visitor, query: str) -> list[dict[str, str]]:
    """The rows of a download."""
    return list(csv.DictReader(io.StringIO(visitor.get(f"/participants?format=csv&{query}"))))


def count(visitor: Visitor, query: str) -> int:
    return int(visitor.get(f"/participants/count?{query}").replace(",", ""))


# --- a database of psiTurk's


def test_the_counts_of_every_filter_and_of_each_two_are_those_of_sql(psiturk: PsiturkSite) -> None:
    visitor = psiturk.site.visitor()
    chosen = [({name}, name, where) for name, where in FILTERS.items()]
    pairs = [
        (set(), f"{one}&{other}", f"({first}) AND ({second})")
        for (one, first), (other, second) in itertools.combinations(FILTERS.items(), 2)
        if one.split("=")[0] not in other and not {"current", "missing"} & {one.split("=")[0], other.split("=")[0]}
    ]
    assert len(pairs) > 50
    for _, query, where in [*chosen, *pairs]:
        ((expected,),) = psiturk.sql(f"SELECT count(*) FROM people WHERE {where}")
        assert count(visitor, query) == expected, query
    for query, where in FILTERS.items():
        ids = {row[0] for row in psiturk.sql(f"SELECT uniqueid FROM people WHERE {where}")}
        found = [row["uniqueid"] for row in rows_of(visitor, query)]
        assert (len(found), set(found)) == (len(ids), ids), query


def test_the_counts_of_every_choice_of_groups_are_those_of_sql(psiturk: PsiturkSite) -> None:
    visitor = psiturk.site.visitor()
    expressions = {**COLUMNS, "day": psiturk.day, "complete": COMPLETE}
    for size in range(1, len(expressions) + 1):
        for by in itertools.combinations(expressions, size):
            keys = ", ".join(expressions[each] for each in by)
            expected = {
                tuple(shown(name, value) for name, value in zip(by, values, strict=True)): number
                for *values, number in psiturk.sql(f"SELECT {keys}, count(*) FROM people GROUP BY {keys}")
            }
            rows = rows_of(visitor, "&".join(f"group_by={each}" for each in by))
            found = {tuple(row[each] for each in by): int(row["count"]) for row in rows if row["count"] != "0"}
            assert found == expected, by


def shown(name: str, value: object) -> str:
    """A value of SQL as a download has it."""
    if name == "complete":
        return "yes" if value else "no"
    if value is None:
        return ""
    return NAMES[int(str(value))] if name == "status" else str(value)


def test_the_rows_behind_each_group_are_as_many_as_it_counts(psiturk: PsiturkSite) -> None:
    visitor = psiturk.site.visitor()
    for query in ("group_by=condition&group_by=status", "group_by=codeversion&group_by=complete&mode=live&mode=debug"):
        page = visitor.get(f"/participants?{query}")
        links = re.findall(r'<td data-label="Count" class="number"><a href="([^"]+)">([\d,]+)</a>', page)
        assert len(links) > 5
        for address, number in links:
            assert count(visitor, unescape(address).partition("?")[2]) == int(number)


def test_the_menus_offer_what_occurs_and_how_often(psiturk: PsiturkSite) -> None:
    menus = psiturk.site.visitor().get("/participants/choices?mode=live&mode=debug")
    ((number,),) = psiturk.sql("SELECT count(*) FROM people WHERE mode IN ('live', 'debug') AND cond = 2")
    assert f"> 2 ({number})</label>" in menus
    ((number,),) = psiturk.sql("SELECT count(*) FROM people WHERE mode = 'sandbox'")
    assert f"> sandbox ({number})</label>" in menus
    assert len(re.findall(r'name="mode"[^>]* checked', menus)) == 2


def test_without_tables_of_turkctls_people_can_be_looked_at_and_other_pages_say_what_to_do(
    psiturk: PsiturkSite,
) -> None:
    visitor = psiturk.site.visitor()
    page = visitor.get("/participants")
    assert (visitor.status, "Set bonus" in page, 'name="id"' in page) == (200, False, False)
    home = visitor.get("/")
    ((number,),) = psiturk.sql("SELECT count(*) FROM people WHERE mode = 'live' AND status = 4")
    assert visitor.status == 200
    assert re.search(rf'live</td>\s*<td data-label="Status">submitted</td>\s*<td[^>]*>{number}<', home)
    one = visitor.get("/participants/W1:A1")
    assert (visitor.status, "Set bonus" in one, "workerId" in one) == (200, False, True)
    advice = "SQLite or PostgreSQL" if psiturk.kind == "mysql" else "turkctl db upgrade"
    assert advice in home
    for path in ("/workers/W1", "/log", "/participants?columns=wage"):
        text = visitor.get(path)
        assert (visitor.status, advice in text, "Traceback" in text) == (400, True, False), path


def test_days_of_the_tables_own_clock_lead_to_their_rows(folder: Path) -> None:
    (folder / "turkctl.toml").write_text(EXPERIMENT)
    with psiturk_site("sqlite", folder, TURKCTL_PARTICIPANTS_TIMEZONE="America/New_York") as made:
        visitor = made.site.visitor()
        expected = dict(made.sql(f"SELECT {made.day}, count(*) FROM people WHERE beginhit IS NOT NULL GROUP BY 1"))
        page = visitor.get("/participants?group_by=day")
        cells = r'"Day">([^<]+)</td>\s*<td data-label="Count" class="number"><a href="([^"]+)">(\d+)</a>'
        found = re.findall(cells, page)
        assert {day: int(number) for day, _, number in found} == expected
        for day, address, _ in found:
            assert count(visitor, unescape(address).partition("?")[2]) == expected[day]


# --- the address and the form


def test_several_values_of_a_filter_survive_the_form_with_and_without_scripts(site: DashboardSite) -> None:
    visitor = site.visitor()
    query = "mode=local&mode=live&condition=1&condition=2&worker=A1&worker=A2&group_by=day&group_by=status"
    page = visitor.get(f"/participants?{query}")
    for pair in query.split("&"):
        name, value = pair.split("=")
        assert re.search(rf'name="{name}" type="(text|checkbox)" value="{value}"', page), pair
    menus = visitor.get(f"/participants/choices?{query}")
    assert len(re.findall(r'type="checkbox" value="(?:local|live|1|2)" checked', menus)) == 4


def test_an_address_is_without_what_a_form_left_empty(site: DashboardSite) -> None:
    visitor = site.visitor()
    visitor.get("/participants?mode=&mode=local&worker=&group_by=day&since=")
    assert visitor.path == "/dashboard/participants?mode=local&group_by=day"


def test_counts_can_be_sorted_and_keep_their_groups_and_filter(site: DashboardSite) -> None:
    visitor = site.visitor()
    site.study.write("UPDATE assignments SET cond = 1 WHERE workerid = 'A1'")
    site.study.write(
        "INSERT INTO assignments (uniqueid, assignmentid, workerid, hitid, cond, status, mode)"
        " VALUES ('B:1', '1', 'B', 'H', 1, 2, 'local')"
    )
    page = visitor.get("/participants?group_by=condition&mode=local")
    link = unescape(re.findall(r'<th scope="col" class="number"><a href="([^"]+)">Count', page)[0])
    assert "mode=local" in link
    pages = [visitor.get(path) for path in (link, f"{link}&desc=1")]
    numbers = [re.findall(r'"Count" class="number"><a[^>]*>(\d+)<', page) for page in pages]
    assert numbers == [["1", "2"], ["2", "1"]]
    assert 'aria-sort="descending"' in visitor.text
    assert "turkctl participants list --mode local --group-by condition --sort count --desc" in visitor.text
    visitor.get("/participants?sort=count&desc=1")
    assert visitor.status == 200  # it is an order of the other view


def test_the_groups_of_psiturk_leave_out_what_has_one_value(site: DashboardSite) -> None:
    visitor = site.visitor()
    links = [
        re.findall(r'<a href="([^"]+)">as psiTurk', visitor.get(f"/participants?{query}"))[0]
        for query in ("", "current=1", "current=1&complete=yes")
    ]
    groups = [re.findall(r"group_by=(\w+)", link) for link in links]
    assert groups == [
        ["codeversion", "mode", "condition", "status"],
        ["mode", "condition", "status"],
        ["mode", "condition"],
    ]


def test_columns_can_be_chosen_wages_too_and_the_command_names_them(site: DashboardSite) -> None:
    page = site.visitor().get("/participants?columns=worker_id,minutes&columns=wage")
    assert re.findall(r'<th scope="col"[^>]*>(?:<a[^>]*>)?([^<]+)<', page)[-3:] == ["Worker", "Minutes", "Wage"]
    assert "turkctl participants list --columns worker_id,minutes,wage" in page
    assert [*rows_of(site.visitor(), "columns=wage,status")[0]] == ["wage", "status"]


def test_a_session_in_another_mode_does_not_put_a_filter_into_the_command(site: DashboardSite) -> None:
    visitor = site.visitor()
    visitor.get("/settings")
    visitor.post("/settings/mode", {"mode": "sandbox"})
    assert '<code id="command">turkctl participants list</code>' in visitor.get("/participants")


@pytest.mark.parametrize(
    "query",
    ["group_by=worker_id", "missing=datastring", "status=paid", "condition=x", "complete=maybe", "sort=datastring"],
)
def test_what_an_address_cannot_ask_for_is_said(site: DashboardSite, query: str) -> None:
    visitor = site.visitor()
    page = visitor.get(f"/participants?{query}")
    assert (visitor.status, "This cannot be done" in page) == (400, True)


def test_a_download_has_all_rows_and_no_formula(site: DashboardSite) -> None:
    for number in range(120):
        site.study.write(
            "INSERT INTO assignments (uniqueid, assignmentid, workerid, hitid, codeversion, status, mode)"
            " VALUES (:u, :u, '=HYPERLINK(1)', 'H', '9', 2, 'debug')",
            u=f"X{number}",
        )
    visitor = site.visitor()
    found = rows_of(visitor, "mode=debug")
    assert visitor.headers["Content-Disposition"] == 'attachment; filename="participants.csv"'
    assert len(found) == 120
    assert {row["worker_id"] for row in found} == {"'=HYPERLINK(1)"}


# --- one participant


def test_the_page_of_one_participant_shows_the_beginning_of_what_was_recorded_as_text(site: DashboardSite) -> None:
    long = '", "'.join(["x" * 15_000] * 4)
    recorded = f'{{"data": ["<script>alert(1)</script>", "{long}"]}}'
    site.study.write("UPDATE assignments SET datastring = :d WHERE workerid = 'A1'", d=recorded)
    ((uniqueid,),) = site.study.sql("SELECT uniqueid FROM assignments WHERE workerid = 'A1'")
    visitor = site.visitor()
    page = visitor.get(f"/participants/{uniqueid}")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page
    assert "The first 20 KB" in page
    assert len(page.encode()) < 30_000
    assert visitor.get(f"/participants/{uniqueid}/data") == recorded
    assert visitor.headers["Content-Disposition"].startswith("attachment")


def test_who_sees_pseudonyms_finds_participants_by_assignment_and_not_by_worker_id(site: DashboardSite) -> None:
    ((assignment,),) = site.study.sql("SELECT assignmentid FROM assignments WHERE workerid = 'A1'")
    ann, lab = site.visitor("ann"), site.visitor()
    assert (ann.get(f"/participants/{assignment}"), ann.status)[1] == 200
    assert (lab.get("/participants/A1"), lab.status)[1] == 200
    assert (ann.get("/participants/A1"), ann.status)[1] == 404


def test_a_bonus_is_set_for_one_participant_and_named_by_assignment(site: DashboardSite) -> None:
    ((assignment,),) = site.study.sql("SELECT assignmentid FROM assignments WHERE workerid = 'A1'")
    visitor = site.visitor()
    plan = visitor.plan("participants-set", id=f"A1:{assignment}", bonus="$0.4")
    assert "A1:" not in plan
    assert "Set the bonus to $0.40" in plan
    assert f"turkctl participants set {assignment} --bonus 0.40" in plan
    assert site.study.sql("SELECT bonus FROM assignments WHERE workerid = 'A1'") == [(0,)]
    visitor.confirm()
    assert "The bonus is $0.40, and was $0.00." in visitor.wait()
    assert site.study.sql("SELECT bonus FROM assignments ORDER BY workerid") == [(0.4,), (0,)]
    for fields in ({"bonus": "1"}, {"id": [assignment, "A2"], "bonus": "1"}, {"id": assignment, "bonus": "-1"}):
        visitor.plan("participants-set", **fields)
        assert visitor.status == 400


def test_rows_lead_to_people_of_the_sessions_mode_and_viewers_get_no_acts(site: DashboardSite) -> None:
    site.study.write("UPDATE assignments SET mode = 'debug' WHERE workerid = 'A2'")
    page = site.visitor().get("/participants")
    assert 'href="/dashboard/workers/A1"' in page
    assert 'href="/dashboard/workers/A2"' not in page
    assert "Set bonus" in page
    page = site.visitor("viewer").get("/participants")
    assert ("Set bonus" in page, 'name="id"' in page, "/dashboard/acts/" in page) == (False, False, False)
