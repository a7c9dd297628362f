"""What a confirming page asks for: signed, of one person, one mode and one plan, for some hours, and begun once."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from dashboard_support import PEOPLE, SECRET_KEY, DashboardSite, StoppedClock, Visitor, dashboard_site
from itsdangerous import URLSafeSerializer
from study_support import Study, market_rows

from turkctl.dashboard.acts.base import ActPlan
from turkctl.dashboard.acts.registry import acts, find_act
from turkctl.dashboard.acts.work import ApproveWork
from turkctl.dashboard.jobs import MOST_AT_ONCE, RunningAct
from turkctl.dashboard.requests import RequestSigner
from turkctl.operations.engine.plan import ItemResult
from turkctl.operations.log import LogQuery, list_log
from turkctl.operations.sync.run import sync


@pytest.fixture
def site(folder: Path, clock: StoppedClock) -> Iterator[DashboardSite]:
    with dashboard_site(folder, clock=clock) as made:
        (hit,) = made.study.post(3)
        made.study.submit(hit, "A1", "A2", "A3")
        sync(made.study.world)
        yield made


def test_a_request_that_somebody_else_was_shown_does_nothing(site: DashboardSite) -> None:
    lab, ann = site.visitor("lab"), site.visitor("ann")
    lab.plan("workers-approve", all="1")
    assert refused(site, ann, lab.hidden("request"))
    assert not refused(site, lab, lab.hidden("request"))


@pytest.mark.parametrize("part", ["act", "fields", "mode", "user", "digest", "form"])
def test_a_request_with_any_part_changed_does_nothing(site: DashboardSite, clock: StoppedClock, part: str) -> None:
    visitor = site.visitor()
    visitor.plan("workers-approve", all="1")
    signed = visitor.hidden("request")
    asked, _age = RequestSigner(SECRET_KEY, clock).read(signed, "lab")
    changed = replace(asked, **{part: {"ids": ["X"]} if part == "fields" else "other"})
    forged = RequestSigner("another key of many characters", clock).sign(changed)
    assert refused(site, visitor, forged)
    assert refused(site, visitor, f"{forged.rsplit('.', 1)[0]}.{signed.rsplit('.', 1)[1]}")


@pytest.mark.parametrize("text", ["", "x", "W10.x", "." * 20, "\0", "e30.AAAA"])
def test_a_request_that_is_none_does_nothing(site: DashboardSite, text: str) -> None:
    assert refused(site, site.visitor(), text)


def test_what_the_key_signs_for_another_purpose_is_no_request(site: DashboardSite) -> None:
    for salt in ("cookie-session", "wtf-csrf-token", "itsdangerous"):
        for values in ([{}, 1.0], [{"act": "workers-approve"}, 0], {}, "x", 1, None, [1, 2, 3]):
            assert refused(site, site.visitor(), str(URLSafeSerializer(SECRET_KEY, salt=salt).dumps(values)))
    for values in ([{}, 1.0], {}, "ab", 1, None, [1, 2, 3], [None, None]):
        assert refused(site, site.visitor(), str(URLSafeSerializer(SECRET_KEY, salt="turkctl-act").dumps(values)))


def test_a_request_that_is_older_than_a_session_does_nothing(site: DashboardSite, clock: StoppedClock) -> None:
    visitor = site.visitor()
    visitor.plan("workers-approve", all="1")
    request = visitor.hidden("request")
    clock.now += timedelta(hours=12)
    visitor.sign_in("lab")
    assert refused(site, visitor, request)
    clock.now -= timedelta(seconds=1)
    visitor = site.visitor()
    visitor.get("/settings")
    assert not refused(site, visitor, request)


def test_a_request_for_another_mode_than_the_session_has_now_does_nothing(site: DashboardSite) -> None:
    visitor = site.visitor()
    visitor.plan("workers-approve", all="1")
    request = visitor.hidden("request")
    visitor.post("/settings/mode", {"mode": "sandbox"})
    assert refused(site, visitor, request)
    assert "that page was for mode local" in visitor.text
    visitor.post("/settings/mode", {"mode": "local"})
    assert not refused(site, visitor, request)


def test_a_request_of_somebody_who_may_only_look_by_now_does_nothing(site: DashboardSite, clock: StoppedClock) -> None:
    manager = site.visitor("ann")
    manager.plan("workers-approve", all="1")
    request = manager.hidden("request")
    other = DashboardSite(site.study, {"ann": replace(PEOPLE["ann"], role="view")}, clock)
    visitor = other.visitor("ann")
    visitor.get("/settings")
    visitor.post("/runs", {"request": request})
    assert visitor.status == 403
    assert statuses(site.study) == {"Submitted"}


@pytest.mark.parametrize("number", range(3))
def test_the_same_page_sent_to_two_processes_at_once_begins_one_act(
    site: DashboardSite, clock: StoppedClock, number: int
) -> None:
    with another_process(site, clock) as other:
        first = site.visitor()
        first.plan("workers-approve", all="1")
        request = first.hidden("request")
        visitors = [first, *(each.visitor() for each in (other, site, other))]
        for visitor in visitors:
            visitor.get("/settings")
        answers = at_once([lambda each=each: send(each, request) for each in visitors])
        assert [status for status, _ in answers] == [303] * 4
        assert len({place for _, place in answers}) == 1
        first.get(answers[0][1])
        first.wait()
        sent = [each.study.requests().get("ApproveAssignment", 0) for each in (site, other)]
        assert sum(sent) == 3
    assert statuses(site.study) == {"Approved"}
    lines = [each for each in list_log(site.study.world, LogQuery()) if each["act"] == "workers approve"]
    assert [(line["succeeded"], line["error"]) for line in lines] == [(3, None)]


def test_an_act_is_begun_once_also_after_it_has_ended_and_after_a_restart(
    site: DashboardSite, clock: StoppedClock
) -> None:
    visitor = site.visitor()
    visitor.plan("workers-approve", all="1")
    request = visitor.hidden("request")
    visitor.confirm()
    visitor.wait()
    page = visitor.path
    with another_process(site, clock) as other:
        again = other.visitor()
        again.get("/settings")
        assert send(again, request) == (303, page)
    assert len([each for each in list_log(site.study.world, LogQuery()) if each["act"] == "workers approve"]) == 1


class DyingAct(ApproveWork):
    """An approval whose thread dies after the first item, or before it."""

    name = "workers approve"

    def __init__(self, after: int, error: BaseException) -> None:
        self.after, self.error = after, error

    def propose(self, world: Any, fields: Any) -> ActPlan:
        proposal = super().propose(world, fields)

        def do(engine: Any, on_item: Callable[[ItemResult], None]) -> Any:
            done = 0

            def dying(item: ItemResult) -> None:
                nonlocal done
                on_item(item)
                done += 1
                if done >= self.after:
                    raise self.error

            if not self.after:
                raise self.error
            return proposal.do(engine, dying)

        return replace(proposal, do=do)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize(
    "error", [RuntimeError("open sesame"), SystemExit(1), MemoryError()], ids=lambda each: type(each).__name__
)
def test_an_act_whose_thread_dies_says_so_and_the_rest_is_done_by_giving_it_again(
    site: DashboardSite, monkeypatch: pytest.MonkeyPatch, error: BaseException, after: int
) -> None:
    monkeypatch.setitem(acts(), "workers-approve", DyingAct(after, error))
    visitor = site.visitor()
    page = visitor.act("workers-approve", all="1")
    assert "<strong>at work</strong>" not in page
    assert type(error).__name__ in page
    assert "sesame" not in page
    monkeypatch.undo()
    assert isinstance(find_act("workers-approve"), ApproveWork)
    visitor.act("workers-approve", all="1")
    assert statuses(site.study) == {"Approved"}
    assert site.study.requests()["ApproveAssignment"] == 3
    assert [job.ended for job in site.dashboard.jobs._jobs.values()] == [True, True], "else no act could begin some day"


def test_a_line_is_closed_when_too_many_acts_are_at_work_after_all(
    site: DashboardSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the beginning others may have begun."""
    visitor = site.visitor()
    visitor.plan("workers-approve", all="1")
    request = visitor.hidden("request")
    with as_many_as_can_be(site):
        monkeypatch.setattr(site.dashboard.jobs, "refuse_more", lambda: None)
        assert refused(site, visitor, request)
    assert f"{MOST_AT_ONCE} acts are at work already" in visitor.text
    visitor.get("/log")
    assert "refused" in visitor.text
    assert site.study.sql("SELECT count(*) FROM turkctl_lease WHERE name LIKE 'line%'") == [(0,)]


@contextmanager
def as_many_as_can_be(site: DashboardSite) -> Iterator[None]:
    """As many acts at work as there can be."""
    jobs = site.dashboard.jobs
    for number in range(MOST_AT_ONCE):
        jobs._jobs[-1 - number] = RunningAct(-1 - number, 1)
    try:
        yield
    finally:
        for number in range(MOST_AT_ONCE):
            del jobs._jobs[-1 - number]


def test_stop_ends_an_act_after_what_it_has_in_hand_and_the_rest_can_be_finished(folder: Path) -> None:
    with dashboard_site(folder) as site:
        posted = site.study.post(9, hits=4)
        for hit in posted:
            site.study.submit(hit, *(f"A{number}" for number in range(1, 10)))
        sync(site.study.world)
        asked, go = threading.Event(), threading.Event()

        def before(operation: str) -> None:
            if operation == "ApproveAssignment":
                asked.set()
                assert go.wait(20)

        site.study.world.endpoint.before = before
        visitor = site.visitor()
        visitor.plan("workers-approve", all="1")
        visitor.confirm()
        assert asked.wait(20)
        visitor.get(visitor.path)
        visitor.post(f"{visitor.path.partition('?')[0]}/stop")
        assert "Stopping after what is in hand" in visitor.text
        go.set()
        page = visitor.wait()
        assert "<strong>interrupted</strong>" in page
        done = [row[0] for row in site.study.sql("SELECT status FROM turkctl_assignment")].count("Approved")
        assert 0 < done < 36
        visitor.post(f"{visitor.path.partition('?')[0]}/again", {"mode": "local"})
        assert f"Approve {36 - done} assignments" in visitor.text
        visitor.confirm()
        assert "<strong>ended</strong>" in visitor.wait()
        assert statuses(site.study) == {"Approved"}
        assert site.study.requests()["ApproveAssignment"] == 36


class OvertakenAct(ApproveWork):
    """An approval during whose second look at the plan something else happens."""

    name = "workers approve"

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        self.meanwhile: Callable[[], object] | None = meanwhile

    def propose(self, world: Any, fields: Any) -> ActPlan:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return super().propose(world, fields)


def test_a_page_sent_again_while_its_act_is_half_way_leads_to_that_act(
    site: DashboardSite, clock: StoppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second look at the plan finds less to do, because the first one has done some of it by now."""
    visitor = site.visitor()
    visitor.plan("workers-approve", all="1")
    request = visitor.hidden("request")
    with another_process(site, clock) as other:
        second = other.visitor()
        second.get("/settings")
        # The second process has looked for an act of this page, and found none.
        monkeypatch.setitem(acts(), "workers-approve", OvertakenAct(lambda: [visitor.confirm(), visitor.wait()]))
        status, place = send(second, request)
    assert (status, place.partition("?")[0]) == (303, visitor.path.partition("?")[0])
    assert len([each for each in list_log(site.study.world, LogQuery()) if each["act"] == "workers approve"]) == 1


def test_an_interrupted_act_of_which_nothing_is_left_can_be_marked_as_finished(site: DashboardSite) -> None:
    visitor = site.visitor()
    proposal = visitor.act("workers-approve", all="1")
    assert "3 assignments approved" in proposal
    site.study.write("UPDATE turkctl_run SET state = 'open', ended = NULL, outcome = NULL WHERE form IS NOT NULL")
    (number,) = re.findall(r"/dashboard/runs/(\d+)\D", visitor.path)
    assert "did not come to its end" in visitor.get("/")
    visitor.post(f"/runs/{number}/again", {"mode": "local"})
    assert "<button>Mark it as finished</button>" in visitor.text
    visitor.confirm()
    assert "nothing" in visitor.wait()
    assert "did not come to its end" not in visitor.get("/")
    visitor.plan("workers-approve", all="1")
    assert "Mark it as finished" not in visitor.text, "there is nothing to finish"


def refused(site: DashboardSite, visitor: Visitor, request: str) -> bool:
    """Send a request; whether nothing was begun."""
    before = site.study.sql("SELECT count(*) FROM turkctl_run")
    if not visitor.text:
        visitor.get("/settings")
    visitor.post("/runs", {"request": request})
    begun = site.study.sql("SELECT count(*) FROM turkctl_run WHERE error IS NULL") != before
    if not begun:
        assert visitor.status == (400 if "\0" in request else 409), visitor.text
        assert statuses(site.study) == {"Submitted"}
    return not begun


def send(visitor: Visitor, request: str) -> tuple[int, str]:
    """Send a confirming page; the status and the address of the answer."""
    answer = visitor.client.post("/dashboard/runs", data={"request": request, "csrf_token": visitor.token})
    return answer.status_code, answer.headers.get("Location", "")


def at_once(acts: list[Callable[[], Any]]) -> list[Any]:
    """Do all at the same moment; what they return."""
    barrier = threading.Barrier(len(acts))

    def one(act: Callable[[], Any]) -> Any:
        barrier.wait(20)
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [each.result() for each in [pool.submit(one, act) for act in acts]]


@contextmanager
def another_process(site: DashboardSite, clock: StoppedClock) -> Iterator[DashboardSite]:
    """Another process that serves the same study: a dashboard with connections of its own."""
    study = Study(site.study.folder)
    other = DashboardSite(study, clock=clock)
    try:
        yield other
    finally:
        other.dashboard.close()
        study.close()


def statuses(study: Study) -> set[str]:
    """The statuses of the work on the market itself."""
    return {row[0] for row in market_rows(study.folder, "SELECT status FROM market_assignment")}
