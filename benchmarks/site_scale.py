"""Build markets of two sizes and several shapes, and compare what the worker site's steps cost in both.

Open are a few groups with many HITs, many groups with few, and one whose HITs are nearly all used up; the rest is done.
Calls alternate between both markets, so that both run under the same load.
"""

from __future__ import annotations

import itertools
import json
import re
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask import session
from sqlalchemy import Index, Table, insert, text

from benchmarks.bench_market import HIT
from turkctl.market import tables
from turkctl.market.requester import Requester
from turkctl.market.service import Market
from turkctl.market.site.app import SiteOptions, make_site
from turkctl.market.site.desk import EXTENSION, MemberAccount
from turkctl.market.tx import to_ms
from turkctl.market.work import Sent
from turkctl.newcomers import NewPerson

LAB = Requester("123456789012", "production")
BIG, SMALL_GROUPS, EACH = 10, 100, 5
"""Groups with many HITs, groups with few, and assignments of each HIT."""
LEFT = 10
"""HITs that are left of the group that is used up."""
VETERAN = 10_000
"""HITs of one group that one worker has done, where the group is large enough."""
DAY = 24 * 3600 * 1000
_EXCLUDING = "3EXCLUDED00000000000000000000A"
_EXCLUDED = {
    "QualificationTypeId": _EXCLUDING,
    "Comparator": "DoesNotExist",
    "ActionsGuarded": "DiscoverPreviewAndAccept",
}


@dataclass(frozen=True)
class Shape:
    """A market that was built.

    Attributes:
        market: the open market.
        hits: how many there are.
        workers: who has done something.
        veteran: who has done much of the first group.
        excluded: who may see one group alone.
    """

    market: Market
    hits: int
    workers: Sequence[str]
    veteran: str
    excluded: str
    pages: Pages

    def close(self) -> None:
        """Close the market."""
        self.market.close()


class Pages:
    """The site's pages, answered in this process; the time of the sign-in is not measured."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._app = make_site(market, "production", SiteOptions("k" * 64))
        self._clients: dict[str, tuple[Any, str]] = {}

    def client(self, worker_id: str) -> tuple[Any, str]:
        """Return a browser of somebody who has signed in, and their token."""
        if worker_id not in self._clients:
            door, person = self._app.extensions[EXTENSION].door, self._market.person("production", worker_id)
            assert person is not None
            with self._app.test_request_context():
                door.welcome(MemberAccount(person))
                kept = dict(session)
            client = self._app.test_client()
            with client.session_transaction() as begun:
                begun.update(kept)
            page = client.get("/worker").get_data(as_text=True)
            token = re.search(r'"X-CSRFToken": "([^"]+)"', page)
            assert token, page
            self._clients[worker_id] = client, token[1]
        return self._clients[worker_id]


def build(url: str, hits: int) -> Shape:
    """Fill an empty database with a market of this number of HITs, and five times as many assignments."""
    market = Market(url, opening_balance=Decimal(10**9))
    now = to_ms(market.now())
    market.get_account_balance(LAB, {})
    groups = BIG + SMALL_GROUPS + 1 + max(1, hits // 1_000)
    types = [_type_id(market, number, excluding=number != 1) for number in range(groups)]
    workers = [market.add_person("production", NewPerson()) for _ in range(max(50, hits // 200))]
    veteran, excluded = market.add_person("production", NewPerson()), market.add_person("production", NewPerson())
    plan = _Plan(hits, types, workers, veteran, now)
    _fill(market, tables.hit, plan.hit_rows())
    _fill(market, tables.assignment, plan.assignment_rows())
    with market._database.write() as connection:  # noqa: SLF001  as bulk_hits, for benchmarks alone
        held = {"environment": "production", "type_id": _EXCLUDING, "worker_id": excluded, "value": 1}
        connection.execute(insert(tables.grant), held | {"status": "Granted", "at": now})
        if not market._database.sqlite:  # noqa: SLF001
            connection.execute(text("ANALYZE"))
    return Shape(market, hits, workers, veteran, excluded, Pages(market))


def _type_id(market: Market, number: int, *, excluding: bool) -> str:
    request = {**HIT, "Title": f"Group {number}"}
    for name in ("Question", "LifetimeInSeconds"):
        request.pop(name)
    found: str = market.create_hit_type(LAB, request)["HITTypeId"]
    if excluding:
        asked = json.dumps([_EXCLUDED])
        with market._database.write() as connection:  # noqa: SLF001
            mine = tables.hit_type.c.id == found
            connection.execute(tables.hit_type.update().where(mine).values(requirements=asked))
            connection.execute(tables.meta.update().values(generation=tables.meta.c.generation + 1))
    return found


class _Plan:
    """Which HITs there are, and who has done them."""

    def __init__(self, hits: int, types: Sequence[str], workers: Sequence[str], veteran: str, now: int) -> None:
        self._types, self._workers, self._veteran, self._now = types, workers, veteran, now
        many, used = hits // 20, hits // 5
        few = 1 if hits < 100_000 else EACH
        self._sizes = [many] * BIG + [few] * SMALL_GROUPS + [used]
        rest, closed = hits - sum(self._sizes), len(types) - len(self._sizes)
        self._sizes += [rest // closed] * (closed - 1) + [rest - rest // closed * (closed - 1)]

    def _hits(self) -> Iterator[tuple[int, int, int, bool]]:
        """Yield each HIT: its number, its group, its number in the group, whether it is open."""
        number = itertools.count(1)
        for group, size in enumerate(self._sizes):
            for place in range(size):
                left = group < BIG + SMALL_GROUPS or (group == BIG + SMALL_GROUPS and place >= size - LEFT)
                yield next(number), group, place, left

    def hit_rows(self) -> Iterator[dict[str, Any]]:
        shared = {"environment": "production", "account": LAB.account, "layout_id": None, "annotation": None}
        shared |= {"assignment_policy": None, "hit_policy": None, "listed": 1, "gone": 0, "unit_cost": 10_000}
        shared |= {"question": HIT["Question"], "pending": 0, "open_held": 1, "opened": 1, "submitted": 0}
        for number, group, _, left in self._hits():
            most = 3 * EACH if left else EACH
            yield shared | {
                "seq": number, "id": hit_id(number), "hit_type_id": self._types[group],
                "status": "Assignable" if left else "Reviewable", "max_assignments": most, "available": most - EACH,
                "completed": EACH, "created_at": self._now, "touched_at": self._now,
                "expires_at": self._now + 30 * DAY, "due_at": self._now + (30 if left else 150) * DAY,
            }  # fmt: skip

    def assignment_rows(self) -> Iterator[dict[str, Any]]:
        shared = {"environment": "production", "account": LAB.account, "feedback": None, "rejected_at": None}
        shared |= {"answer": "<a/>", "status": "Approved", "due_at": None, "auto_approve_at": self._now}
        shared |= {"accepted_at": self._now, "submitted_at": self._now, "approved_at": self._now, "deadline": self._now}
        count = itertools.count(1)
        turn = itertools.cycle(self._workers)
        for number, group, place, _ in self._hits():
            for share in range(EACH):
                seq = next(count)
                veteran = share == 0 and group == 0 and place < min(VETERAN, self._sizes[0] - 20)
                who = self._veteran if veteran else next(turn)
                yield shared | {"seq": seq, "id": f"3A{seq:028}", "hit_id": hit_id(number), "worker_id": who}


def hit_id(number: int) -> str:
    """Return the id of a HIT."""
    return f"3H{number:028}"


def _fill(market: Market, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows without the table's indexes, then make these: many times as fast."""
    database = market._database  # noqa: SLF001
    with database.write() as connection:
        indexes: list[Index] = sorted(table.indexes, key=lambda index: str(index.name))
        for index in indexes:
            index.drop(connection)
        names = [column.name for column in table.columns]
        values = ([row.get(name) for name in names] for row in rows)
        driver: Any = connection.connection.driver_connection
        if database.sqlite:
            connection.exec_driver_sql("PRAGMA cache_size=-400000")
            places = ", ".join("?" * len(names))
            driver.executemany(f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({places})", values)
        else:
            with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({', '.join(names)}) FROM STDIN") as copy:
                for each in values:
                    copy.write_row(each)
            last = f"setval(pg_get_serial_sequence('{table.name}', 'seq'), max(seq))"
            connection.execute(text(f"SELECT {last} FROM {table.name}"))
        for index in indexes:
            index.create(connection)


@dataclass(frozen=True)
class Step:
    """What one step costs.

    Attributes:
        what: the step.
        few: milliseconds in the small market.
        ratio: how many times as long it takes in the large one.
        bounded: whether it must not grow.
    """

    what: str
    few: float
    ratio: float
    bounded: bool = True


def compare(few: Shape, many: Shape, calls: int) -> Iterator[Step]:
    """Yield what each step costs in both: medians of calls that alternate between the markets."""
    for what, act in STEPS.items():
        times: list[list[float]] = [[], []]
        for number in range(min(calls, FEWER.get(what, calls)) + _WARM):
            for took, shape in zip(times, (few, many), strict=True):
                took.extend(act(shape, number) if number >= _WARM else act(shape, number)[:0])
        middle = [statistics.median(each) for each in times]
        yield Step(what, middle[0], middle[1] / middle[0], what not in GROWING)


_WARM = 5


def _clock(act: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    found = act()
    return (time.perf_counter() - started) * 1000, found


def _worker(shape: Shape, number: int) -> str:
    return shape.workers[number % min(50, len(shape.workers))]


def _asked(shape: Shape, worker_id: str) -> list[float]:
    return [_clock(lambda: shape.market.groups("production", worker_id))[0]]


def _taken(shape: Shape, worker_id: str, group: int) -> tuple[float, float]:
    """Accept a HIT of a group and submit it; return what both took."""
    title = f"Group {group}"
    hit_id = next(each.hit_id for each in shape.market.groups("production", worker_id) if each.title == title)
    accepting, taken = _clock(lambda: shape.market.accept_like("production", worker_id, hit_id))
    assignment_id = taken["AssignmentId"]
    answer = Sent({"colour": "red"})
    submitting, _ = _clock(lambda: shape.market.submit_from_page("production", assignment_id, None, answer))
    return accepting, submitting


def _page(shape: Shape, worker_id: str, path: str) -> list[float]:
    client, _ = shape.pages.client(worker_id)
    took, answer = _clock(lambda: client.get(path))
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return [took]


def _posted(shape: Shape, worker_id: str) -> tuple[float, float]:
    """Accept and submit by the site's forms."""
    client, token = shape.pages.client(worker_id)
    groups = shape.market.groups("production", worker_id)
    hit_id = next(each.hit_id for each in groups if each.title == "Group 3")
    accepting, answer = _clock(lambda: client.post(f"/worker/hits/{hit_id}/accept", data={"csrf_token": token}))
    fields = {"assignmentId": answer.location.rpartition("/")[2], "colour": "red"}
    submitting, answer = _clock(lambda: client.post("/mturk/externalSubmit", data=fields))
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return accepting, submitting


STEPS: dict[str, Callable[[Shape, int], list[float]]] = {
    "list of HITs": lambda shape, number: _asked(shape, _worker(shape, number)),
    "list, somebody who has done 10,000": lambda shape, _: _asked(shape, shape.veteran),
    "list, somebody excluded from nearly all": lambda shape, _: _asked(shape, shape.excluded),
    "accept, of a large group": lambda shape, number: [_taken(shape, _worker(shape, number), 3)[0]],
    "submit, of a large group": lambda shape, number: [_taken(shape, _worker(shape, number), 4)[1]],
    "accept, somebody who has done 10,000": lambda shape, _: [_taken(shape, shape.veteran, 0)[0]],
    "page with the list": lambda shape, number: _page(shape, _worker(shape, number), "/worker"),
    "form that accepts": lambda shape, number: [_posted(shape, _worker(shape, number))[0]],
    "form that submits": lambda shape, number: [_posted(shape, _worker(shape, number))[1]],
    "page with my work": lambda shape, number: _page(shape, _worker(shape, number), "/worker/mine"),
    "page with my work, somebody who has done 10,000": lambda shape, _: _page(shape, shape.veteran, "/worker/mine"),
}
FEWER = {"accept, somebody who has done 10,000": 15}
"""Calls of steps for which the small market has not enough HITs."""
GROWING = ("page with my work", "page with my work, somebody who has done 10,000")
"""Steps that read what the worker has done lately, of which there is more in the large market."""
