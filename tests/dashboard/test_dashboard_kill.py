"""``kill -9`` of the dashboard half way through an act, and the act taken up again: nothing twice, nothing left out."""

from __future__ import annotations

import http.client
import re
import signal
import threading
import time
import urllib.error
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from dashboard_process import HttpVisitor, ServedProcess
from dashboard_support import HASH, SECRET_KEY
from databases import KINDS, new_database
from study_support import Study, everything, market_rows, worker

from turkctl.operations.log import LogQuery, list_log
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.sync.run import sync
from turkctl.operations.workers.approve import prepare_approve

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SIZE = 6
ACTS = {
    "workers-approve": {"all": "1"},
    "workers-bonus": {"all": "1", "auto": "1", "reason": "well done"},
}
WORDS = {"workers-approve": "workers approve", "workers-bonus": "workers bonus"}
HAS_BUTTON = re.compile("<button>(Approve|Pay) [^<]+</button>|<button>Mark it as finished</button>")
CUT = (urllib.error.URLError, http.client.HTTPException, ConnectionError)


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    with new_database(request.param, folder) as made:
        yield made


@pytest.fixture
def study(url: str, folder: Path) -> Iterator[Study]:
    """Submitted work, and a dashboard that may serve it."""
    settings = f"""
database_url = "{url}"
[dashboard]
enable = true
login_username = "lab"
password_hash = "{HASH}"
secret_key = "{SECRET_KEY}"
"""
    made = Study.new(folder, settings=settings)
    (hit,) = made.post(SIZE)
    made.submit(hit, *map(worker, range(SIZE)))
    sync(made.world)
    yield made
    made.close()


def prepare(study: Study, act: str) -> None:
    """Bonuses are for approved work."""
    if act == "workers-bonus":
        study.apply(prepare_approve(study.world, WorkSelection(everything())))
        for number in range(SIZE):
            study.write(
                "UPDATE assignments SET bonus = :b WHERE workerid = :w", b=cents(number) / 100, w=worker(number)
            )


def cents(number: int) -> int:
    """What somebody is to get."""
    return 5 + number


def begin(visitor: HttpVisitor, act: str) -> None:
    """Ask for the plan and agree to it; the process may end while it answers."""
    visitor.plan(act, **ACTS[act])
    assert visitor.status == 200, visitor.text
    try:
        visitor.confirm()
    except CUT:
        return


def finish(study: Study, act: str, cookies: http.cookiejar.CookieJar) -> None:
    """Start the dashboard again, find the interrupted act on the first page, and do the rest."""
    with ServedProcess(study.folder) as server:
        visitor = HttpVisitor(server.address, cookies=cookies)
        home = visitor.get("/")
        found = re.search(r'did not come to its end\. <a href="([^"]+)"', home)
        assert found, home
        page = visitor.get(found[1])
        assert "<strong>interrupted</strong>" in page
        assert "Finish it" in page
        visitor.post(f"{found[1].partition('?')[0]}/again", {"mode": "local"})
        assert visitor.status == 200, visitor.text
        assert HAS_BUTTON.search(visitor.text), visitor.text
        visitor.confirm()
        assert "<strong>ended</strong>" in visitor.wait(), visitor.text
        assert "did not come to its end" not in visitor.get("/")
        assert server.stop() == 0


def check(study: Study, act: str) -> None:
    """See that the market did everything once, and that turkctl's tables say the same."""
    ledger = market_rows(
        study.folder, "SELECT kind, assignment_id, count(*) FROM market_ledger WHERE assignment_id > '' GROUP BY 1, 2"
    )
    assert {row[2] for row in ledger} == {1}, ledger
    assert len(ledger) == SIZE * (1 if act == "workers-approve" else 2), ledger
    assert study.sql("SELECT DISTINCT status FROM turkctl_assignment") == [("Approved",)]
    if act == "workers-bonus":
        paid = market_rows(study.folder, "SELECT worker_id, amount FROM market_bonus ORDER BY 1")
        assert paid == [(worker(number), cents(number) * 10_000) for number in range(SIZE)]
        assert sorted(study.sql("SELECT worker_id, amount FROM turkctl_payment")) == paid
        assert study.sql("SELECT DISTINCT status FROM assignments") == [(7,)]
    assert study.sql("SELECT token FROM turkctl_intent WHERE state IN ('open', 'sent')") == []
    lines = [each for each in list_log(study.world, LogQuery()) if each["act"] == WORDS[act]]
    assert all(line["who"].startswith("lab (dashboard)") for line in lines)
    assert sum(line["succeeded"] or 0 for line in lines) <= SIZE


@pytest.mark.parametrize("number", [1, SIZE // 2, SIZE])
@pytest.mark.parametrize("way", ["before", "after"])
@pytest.mark.parametrize("act", ACTS)
def test_an_act_killed_at_any_request_and_taken_up_again_does_everything_once(
    study: Study, act: str, way: str, number: int
) -> None:
    prepare(study, act)
    with ServedProcess(study.folder, way, number, market_answer_lost="0.2", market_seed=str(number)) as server:
        visitor = HttpVisitor(server.address)
        begin(visitor, act)
        assert server.wait() == -signal.SIGKILL
    finish(study, act, visitor.cookies)
    check(study, act)


@pytest.mark.parametrize("act", ACTS)
def test_a_server_that_is_told_to_stop_finishes_what_is_in_hand(study: Study, act: str) -> None:
    prepare(study, act)
    with ServedProcess(study.folder, market_latency="0.5", dashboard_threads="2") as server:
        visitor = HttpVisitor(server.address)
        begin(visitor, act)
        assert server.stop() == 0
    line = next(each for each in list_log(study.world, LogQuery()) if each["act"] == WORDS[act])
    assert line["error"] in ("interrupted", None)
    assert study.sql("SELECT name FROM turkctl_lease") == []
    if line["error"] == "interrupted":  # intents of requests that were not begun any more are settled by the rest
        finish(study, act, visitor.cookies)
    assert study.sql("SELECT token FROM turkctl_intent WHERE state = 'sent'") == []
    check(study, act)


@pytest.mark.parametrize("act", ACTS)
def test_stop_on_the_page_ends_an_act_and_the_rest_can_be_finished(study: Study, act: str) -> None:
    prepare(study, act)
    with ServedProcess(study.folder, market_latency="0.5") as server:
        visitor = HttpVisitor(server.address)
        begin(visitor, act)
        if "<strong>at work</strong>" in visitor.text:
            visitor.post(f"{visitor.path.partition('?')[0]}/stop")
        page = visitor.wait()
        if "<strong>interrupted</strong>" in page:
            visitor.post(f"{visitor.path.partition('?')[0]}/again", {"mode": "local"})
            visitor.confirm()
            page = visitor.wait()
        assert "<strong>ended</strong>" in page
    check(study, act)
    # That of a dashboard that was killed, which says that it is there, runs out by itself.
    assert study.sql("SELECT name FROM turkctl_lease WHERE name NOT LIKE 'dashboard %'") == []


@pytest.mark.parametrize("act", ACTS)
def test_the_same_page_sent_to_two_processes_begins_one_act(study: Study, act: str) -> None:
    prepare(study, act)
    with ServedProcess(study.folder, market_latency="0.1") as one, ServedProcess(study.folder) as two:
        visitor = HttpVisitor(one.address)
        others = [HttpVisitor(each.address, cookies=visitor.cookies) for each in (one, two, two)]
        visitor.plan(act, **ACTS[act])
        data = {"request": visitor.hidden("request"), "csrf_token": visitor.token}
        barrier = threading.Barrier(4)

        def send(each: HttpVisitor) -> tuple[int, str]:
            barrier.wait(20)
            answer = each.client.post("/dashboard/runs", data)
            return answer.status_code, answer.headers["Location"]

        with ThreadPoolExecutor(4) as pool:
            answers = set(pool.map(send, [visitor, *others]))
        assert len(answers) == 1, answers
        visitor.get(answers.pop()[1])
        assert "<strong>ended</strong>" in visitor.wait()
    check(study, act)
    assert len([each for each in list_log(study.world, LogQuery()) if each["act"] == WORDS[act]]) == 1


def test_kill_9_at_moments_that_nobody_chose(study: Study) -> None:
    cookies = None
    for number in range(4):
        with ServedProcess(
            study.folder, market_latency="0.3", market_answer_lost="0.2", market_seed=str(number)
        ) as server:
            visitor = HttpVisitor(server.address, cookies=cookies)
            cookies = visitor.cookies
            visitor.plan("workers-approve", all="1")
            if 'name="request"' in visitor.text:
                try:
                    visitor.confirm()
                    time.sleep(0.2 * number)  # the moment of the kill is the point
                except CUT:
                    pass
            server.kill()
    with ServedProcess(study.folder) as server:
        visitor = HttpVisitor(server.address, cookies=cookies)
        visitor.act("workers-approve", all="1")
    check(study, "workers-approve")
