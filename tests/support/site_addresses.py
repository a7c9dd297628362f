"""Every address of the worker site, whatever pages there are, to be tried in turn.

A new page is walked by itself. If its address has an argument with a new name, give an example of it in ``EXAMPLES``;
if it is for people who have not signed in, add it to ``FOR_EVERYBODY``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from werkzeug.routing import Rule
from worker_site_support import REQUESTER, SiteBench, Visitor, site_bench

from turkctl.market.questions import html_question
from turkctl.market.site.foot_lines import Foot, note_of
from turkctl.newcomers import NewEntry

FOR_EVERYBODY = {
    "entrance.sign_in",
    "entrance.sign_in_form",
    "entrance.sign_out",
    "entrance.sign_out_form",
    "entrance.join",
    "entrance.join_form",
    "entrance.reset",
    "entrance.reset_form",
    "foot.privacy",
    "panel_door.choose",
    "panel_door.enter",
    "submit.external_submit",
    "web.bundle",
}
"""Endpoints for people who have not signed in."""
WITHOUT_TOKEN = {"submit.external_submit"}
"""Endpoints that take a form without a token: it comes from a task, on another origin."""
APART = ("market_ended_session", "market_sign_in_attempt", "market_meta")
"""Tables that change when people only look or fail to sign in."""


@dataclass(frozen=True)
class Known:
    """What addresses can name in a full market, all of it the first person's."""

    hit: str
    group: str
    assignment: str
    kind: str
    invitation: str
    entry: tuple[str, str]


EXAMPLES: dict[str, Callable[[Known], str]] = {
    "hit_id": lambda known: known.hit,
    "group_id": lambda known: known.group,
    "assignment_id": lambda known: known.assignment,
    "type_id": lambda known: known.kind,
    "token": lambda known: known.invitation,
    "digest": lambda _: "0" * 12,
    "name": lambda _: "site.css",
    "panel": lambda known: known.entry[0],
    "key": lambda known: known.entry[1],
}
"""A value for each argument of an address."""
WHOSE = ("assignment_id",)
"""Arguments that name something that belongs to one person."""


@dataclass(frozen=True)
class Walk:
    """A site with something of everything.

    Attributes:
        bench: the market and its site.
        known: what there is.
        owner: whose it is.
        other: somebody else who has signed in.
    """

    bench: SiteBench
    known: Known
    owner: Visitor
    other: Visitor

    def rules(self, method: str, *, public: bool | None = None) -> list[Rule]:
        """All addresses that take this method; only those for everybody, or only the others."""
        found = [rule for rule in self.bench.app.url_map.iter_rules() if method in (rule.methods or ())]
        return [rule for rule in found if public is None or (rule.endpoint in FOR_EVERYBODY) is public]

    def address(self, rule: Rule, **instead: str) -> str:
        """An address of a rule, with examples for its arguments."""

        def value(found: re.Match[str]) -> str:
            name = found[1]
            assert name in EXAMPLES, f"give an example for <{name}> of {rule} in EXAMPLES of site_addresses"
            return instead.get(name, EXAMPLES[name](self.known))

        return re.sub(r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>", value, str(rule))

    def rows(self) -> dict[str, list[Any]]:
        """All that the market knows."""
        with self.bench.market._database.read() as connection:
            names = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
            return {
                name: list(map(tuple, connection.execute(text(f'SELECT * FROM "{name}"'))))
                for name in names
                if name not in APART
            }


@contextmanager
def walked(**options: Any) -> Iterator[Walk]:
    """A site to walk through."""
    foot = Foot("lab@example.org", note_of("What we keep.", is_html=False))
    with site_bench(**{"foot": foot} | options) as bench:
        kind = bench.market.create_qualification_type(
            REQUESTER, {"Name": "staff", "Description": "Staff.", "QualificationTypeStatus": "Active"}
        )["QualificationType"]["QualificationTypeId"]
        hit = bench.post(MaxAssignments=9, Question=html_question("<form><input name=a></form>"))
        owner, other = bench.person(), bench.person()
        assignment = owner.accept(hit["HITId"])
        other.get("/worker")
        entry = bench.market.add_entry("production", NewEntry("sona", ("survey_code",))).path.rsplit("/", 2)[1:]
        known = Known(hit["HITId"], hit["HITGroupId"], assignment, kind, bench.invite(), (entry[0], entry[1]))
        yield Walk(bench, known, owner, other)
