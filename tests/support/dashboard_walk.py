"""Every address of the dashboard, every act and every field, whatever pages there are, to be tried in turn."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from dashboard_support import HASH, PEOPLE, SECRET_KEY, DashboardSite, Visitor, dashboard_of
from flask import Flask, g
from study_support import Study
from werkzeug.datastructures import MultiDict

from turkctl.dashboard.acts.base import PageAct
from turkctl.dashboard.acts.registry import acts
from turkctl.dashboard.desk import EXTENSION, Desk
from turkctl.errors import TurkctlError
from turkctl.operations.sync.run import sync
from turkctl.store import tasks

AWS_KEY = "awssecret000111222333"
SECRETS = {
    "password_hash": HASH,
    "secret_key": SECRET_KEY,
    "a password in an address of [notify]": "mailsecret123",
    "a token in an address of [notify]": "tokensecret456",
    "a password in the address of the queue": "queuesecret789",
    "the key file": "marketkeys.toml",
    "a key of the profile": AWS_KEY,
}
"""What no page may show."""
_SETTINGS = f"""
mode = "local"
profile = "lab"
[notify]
urls = ["mailto://lab:mailsecret123@mail.example.org", "json://notify.example.org/?token=tokensecret456"]
[notifications]
queue_url = "https://lab:queuesecret789@sqs.us-east-1.amazonaws.com/123/queue"
[market]
keys = "{SECRETS["the key file"]}"
[dashboard]
enable = true
login_username = "lab"
password_hash = "{HASH}"
secret_key = "{SECRET_KEY}"
"""
FOR_EVERYBODY = ("web.bundle", "entry.login_form", "outside.root", "outside.healthz")
"""Endpoints that take a GET by people who have not signed in."""
FILES = ("/data", "/progress.json", "/preview/page")
"""Ends of addresses that answer with a file, or with the page of a task."""
OWN_TASK = "https://lab.example.org/pub?"
"""The page of the study's own task, which its preview links to."""
HARMLESS = "nothing-is-called-this"
NASTY_TEXT = "'\"><script>alert(1)</script><img src=x onerror=alert(1)>"
_NUMBER = re.compile(r"<(?:(int|path):)?(\w+)>")


@dataclass(frozen=True)
class Known:
    """What addresses can name in a full study."""

    hit: str
    assignment: str
    worker: str
    run: int
    task: str

    def value(self, endpoint: str, name: str) -> str:
        """What stands for an argument of an address."""
        if endpoint.startswith("acts.") and name == "number":
            return str(self.run)
        if endpoint == "web.bundle":
            return {"digest": "0" * 12, "name": "site.css"}[name]
        if endpoint.startswith("participant."):
            return f"{self.worker}:{self.assignment}"
        for part, value in (
            ("hit", self.hit),
            ("assignment", self.assignment),
            ("worker", self.worker),
            ("person", self.worker),
            ("task", self.task),
            ("slug", "stroop"),
            ("experiment", "stroop"),
        ):
            if part in name:
                return value
        room = endpoint.partition(".")[0]
        rooms = {"hits": self.hit, "assignments": self.assignment, "workers": self.worker, "tasks": self.task}
        return rooms.get(room, "1" if name in ("number", "campaign", "id") else "stroop")


@dataclass(frozen=True)
class Walk:
    """A dashboard whose study has something of everything, and all that can be asked of it."""

    site: DashboardSite
    known: Known

    @property
    def app(self) -> Flask:
        """The application."""
        return self.site.dashboard.app

    def addresses(self, method: str) -> list[tuple[str, str]]:
        """Each endpoint that takes this method, with an address of it; every act has one of its own."""
        found = []
        for rule in self.app.url_map.iter_rules():
            if method not in (rule.methods or ()):
                continue
            slugs = list(acts()) if rule.endpoint == "acts.plan" else [None]
            found += [(rule.endpoint, self._filled(rule.rule, rule.endpoint, slug)) for slug in slugs]
        return found

    def pages(self) -> list[str]:
        """The addresses that show something of the study: each takes a GET, and somebody who has signed in."""
        return [path for endpoint, path in self.addresses("GET") if endpoint not in FOR_EVERYBODY]

    def _filled(self, rule: str, endpoint: str, slug: str | None) -> str:
        return _NUMBER.sub(lambda found: slug or self.known.value(endpoint, found[2]), rule)

    def parameters(self, visitor: Visitor) -> list[str]:
        """The names of all fields and of all parts of queries that occur on the pages."""
        names = {"format", "page", "from", "next"}
        for path in self.pages():
            names |= Page.of(visitor.get(path)).parameters
        return sorted(names)


class _Recorder(MultiDict[str, str]):
    """A form that notes which fields are asked for."""

    def __init__(self, values: Any = ()) -> None:
        super().__init__(values)
        self.names: set[str] = set()

    def get(self, key: str, *more: Any, **options: Any) -> Any:
        self.names.add(key)
        return super().get(key, *more, **options)

    def getlist(self, key: str, *more: Any, **options: Any) -> list[Any]:
        self.names.add(key)
        return super().getlist(key, *more, **options)

    def __getitem__(self, key: str) -> Any:
        self.names.add(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self.names.add(str(key))
        return super().__contains__(key)


def fields_of(walk: Walk, act: PageAct) -> list[str]:
    """The names of the fields that an act reads."""
    with walk.app.test_request_context():
        g.desk = Desk(walk.app.extensions[EXTENSION], PEOPLE["lab"], "local")
        return _fields_of(act)


def _fields_of(act: PageAct) -> list[str]:
    names: set[str] = set()
    for value in ("1", "2h", "stroop", "2030-01-01"):
        while True:  # a field may be asked for only when another one is there
            form = _Recorder([(name, value) for name in names])
            with suppress(TurkctlError, KeyError, ValueError):
                act.read(form)
            if form.names <= names:
                break
            names |= form.names
    return sorted(names)


class Page(HTMLParser):
    """What a page has: its fields, its addresses, its rows, and what could run a script."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: set[str] = set()
        self.addresses: list[str] = []
        self.rows = 0
        self.dangerous: list[str] = []
        self.acts: list[str] = []

    @property
    def parameters(self) -> set[str]:
        """The names of its fields, and of the parts of the queries in its addresses."""
        queries = (re.findall(r"[?&;]([A-Za-z_]+)=", address) for address in self.addresses)
        return self.fields.union(*queries) - {"csrf_token", "request"}

    @classmethod
    def of(cls, text: str) -> Page:
        """Read a page."""
        page = cls()
        page.feed(text)
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag has."""
        given = {name: value or "" for name, value in attrs}
        if tag in ("input", "select", "textarea", "button") and given.get("name"):
            self.fields.add(given["name"])
        self.rows += tag == "tr"
        for name in ("href", "src", "action", "formaction", "hx-get", "hx-post"):
            if name in given:
                self.addresses.append(given[name])
                own_task = given[name].startswith(OWN_TASK) and tag == "a" and "noreferrer" in given.get("rel", "")
                if not own_task and not given[name].startswith(("/", "#", "?", "data:,")):
                    self.dangerous.append(f"{tag} {name}={given[name]}")
        for name in ("action", "formaction", "hx-post"):
            if "/acts/" in given.get(name, "") or "/runs" in given.get(name, ""):
                self.acts.append(given[name])
        if any(name.startswith("on") or name in ("style", "srcdoc", "hx-on") for name in given):
            self.dangerous.append(f"{tag} {sorted(given)}")
        if tag in ("iframe", "object", "embed", "base", "img") or (tag == "script" and "src" not in given):
            self.dangerous.append(tag)


def full_study(folder: Path) -> tuple[Study, Known]:
    """A study with something of everything, whose settings have secrets."""
    study = Study.new(folder, {"stroop": "1.0", "other": "2.0"}, settings=_SETTINGS)
    first, second = study.post(9, hits=2)
    (assignment, *_) = study.submit(first, "AWORKER00001X", "AWORKER00002X", "AWORKER00003X")
    study.submit(second, "AWORKER00001X")
    study.create(20, experiment="stroop", budget=Decimal("100.00"))
    sync(study.world)
    now = study.world.now()
    nightly = tasks.Task(
        name="nightly", kind="expire", mode="local", options={"all": True}, every=86400, next_run=now, created=now
    )
    with study.world.database.write() as session:
        assert tasks.create(session, nightly)
    return study, Known(first, assignment, "AWORKER00001X", 0, "nightly")


@contextmanager
def walked(folder: Path, **more: Any) -> Iterator[Walk]:
    """A dashboard to walk through, with a run in its log."""
    study, known = full_study(folder)
    try:
        with dashboard_of(study, **more) as site:
            visitor = site.visitor()
            visitor.act("workers-approve", id=known.assignment, feedback="Thank you")
            run = int(re.findall(r"/runs/(\d+)", visitor.path)[0])
            yield Walk(site, Known(known.hit, known.assignment, known.worker, run, known.task))
    finally:
        study.close()


def everything(walk: Walk) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of the database, but for those about signing in."""
    return everything_of(walk.site.study)


def everything_of(study: Study) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of a study's database, but for those about signing in, and how far psiTurk's HITs were looked for."""
    tables = [row[0] for row in study.sql("SELECT name FROM sqlite_master WHERE type = 'table'")]
    apart = ("turkctl_sign_in_attempt", "turkctl_ended_session", "turkctl_psiturk_mark")
    return {table: study.sql(f"SELECT * FROM {table}") for table in tables if table not in apart}


COLUMNS = {
    "assignments": ("codeversion", "browser", "platform", "language", "ipaddress"),
    "turkctl_assignment": ("feedback", "answer"),
    "turkctl_hit": ("title", "annotation", "code_version"),
    "turkctl_campaign": ("reason",),
    "turkctl_round": ("reason",),
    "turkctl_run": ("command", "account", "outcome", "error"),
    "turkctl_task": ("last_error",),
    "turkctl_payment": ("reason",),
    "turkctl_notice": ("message",),
}


def write_everywhere(study: Study, text: str) -> None:
    """Put a text wherever the database keeps what came from outside."""
    for table, columns in COLUMNS.items():
        for column in columns:
            study.write(f"UPDATE {table} SET {column} = :text", text=text)
    study.write("UPDATE assignments SET workerid = :text || workerid", text=text)
