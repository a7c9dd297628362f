"""Every page of the site is known to the walk that looks at all of them in a browser."""

from __future__ import annotations

from worker_site_support import SiteBench
from worker_site_walk import NEWCOMER, PAGES, STRANGER, WORKER, filled_site, unwalked


def test_every_page_of_the_site_is_in_the_walk(bench: SiteBench) -> None:
    assert unwalked(bench) == [], "add these endpoints to PAGES in tests/support/worker_site_walk.py"


def test_every_address_of_the_walk_shows_its_page() -> None:
    with filled_site() as site:
        rules = site.bench.app.url_map.bind("")
        for endpoint, visits in PAGES.items():
            for _, path in visits:
                found, _ = rules.match(path.format_map(site.known).partition("?")[0])
                assert found == endpoint
        people = {who: site.bench.visitor() for who in (STRANGER, NEWCOMER, WORKER)}
        for who, link in site.links.items():
            people[who].get(link)
            people[who].post(link)
        refused = {}
        for who, person in people.items():
            for path in site.pages(who):
                person.get(path)
                assert who == STRANGER or person.path != "/worker/sign-in"
                if person.status != 200:
                    refused[path] = person.status
        assert refused == {
            "/worker/join/none": 404,
            "/worker/reset/none": 404,
            "/worker/enter/none/none": 404,
            site.known["entry"]: 400,
            "/worker/hits/3NONE": 404,
            "/worker/assignments/3NONE": 404,
            f"/worker/hits/{site.known['guarded']}": 403,
        }
