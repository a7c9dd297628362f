"""Acts on work and on workers through the dashboard: asked for, planned, agreed to, and done once."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from dashboard_support import DashboardSite, Visitor, dashboard_of
from study_support import Study, worker

from turkctl.market.errors import RequestError
from turkctl.operations.log import LogQuery, list_log
from turkctl.operations.sync.run import sync
from turkctl.operations.workers.message import MessageRequest, prepare_message

WORDS = {"subject": "Part two", "text": "It opens on Monday."}
NASTY = {"answer_lost": 0.4, "fault_before": 0.2, "fault_after": 0.2, "seed": 3}


@pytest.fixture
def site(folder: Path) -> Iterator[DashboardSite]:
    """The work of five people, in a study where nothing waits."""
    study = Study.new(folder, turned=True)
    (hit,) = study.post(9)
    study.submit(hit, *map(worker, range(1, 6)))
    sync(study.world)
    with dashboard_of(study) as made:
        yield made
    study.close()


def ids(site: DashboardSite) -> list[str]:
    return [row[0] for row in site.study.sql("SELECT assignment_id FROM turkctl_assignment ORDER BY id")]


def statuses(site: DashboardSite) -> list[str]:
    return [site.study.world.mturk.get_assignment(each).status for each in ids(site)]


def button(page: str) -> str:
    """What the button of a confirming page says."""
    found = re.search(r'<div class="acts">\s*<button[^>]*>([^<]*)</button>', page)
    assert found, page
    return found[1]


def command(page: str) -> str:
    found = re.search(r'<code id="command">([^<]*)</code>', page)
    assert found, page
    return found[1].replace("&#39;", "'")


def bonuses(site: DashboardSite) -> list[str]:
    (hit,) = site.study.sql("SELECT hit_id FROM turkctl_hit ORDER BY id LIMIT 1")
    return sorted(str(each.amount) for each in site.study.world.mturk.list_bonuses(hit_id=hit[0]))


def owe(site: DashboardSite, amount: float) -> None:
    """Have participants' rows say that everybody is owed a bonus, as experiments do."""
    site.study.write("UPDATE assignments SET bonus = :b", b=amount)


def messages(site: DashboardSite) -> int:
    return site.study.requests().get("NotifyWorkers", 0)


def instead(visitor: Visitor, choice: str) -> str:
    """Press one of the two buttons about another run."""
    return visitor.post("/runs/instead", {"request": visitor.hidden("request"), "instead": choice})


def agree(visitor: Visitor, **more: str) -> str:
    visitor.confirm(**more)
    return visitor.wait()


def test_work_is_approved_with_feedback_whatever_the_market_does(site: DashboardSite) -> None:
    visitor, some = site.visitor(), ids(site)[:3]
    page = visitor.plan("workers-approve", id=some, ask="1")
    assert "3 chosen." in page
    page = visitor.plan("workers-approve", id=some, feedback="Thank\r\nyou")
    assert button(page) == "Approve 3 assignments for $1.80"
    assert command(page) == f"turkctl workers approve {' '.join(some)} --feedback 'Thank\nyou'"
    site.study.switch(**NASTY)
    assert "3 assignments" in agree(visitor)
    site.study.switch()
    assert statuses(site) == ["Approved"] * 3 + ["Submitted"] * 2
    assert site.study.world.mturk.get_assignment(some[0]).feedback == "Thank\nyou"


def test_rejected_work_is_approved_only_where_that_is_asked_for(site: DashboardSite) -> None:
    visitor, (first, *_others) = site.visitor(), ids(site)
    visitor.plan("workers-reject", id=first, feedback="Empty.")
    agree(visitor, people="1")
    assert "Nothing" in visitor.plan("workers-approve", id=first)
    page = visitor.plan("workers-approve", id=first, override_rejection="1")
    assert button(page) == "Approve 1 assignment for $0.60"
    assert command(page).endswith(" --override-rejection")
    agree(visitor)
    assert statuses(site)[0] == "Approved"


def test_a_rejection_asks_for_the_reason_and_then_for_the_number_of_people(site: DashboardSite) -> None:
    visitor, some = site.visitor(), ids(site)[:3]
    page = visitor.plan("workers-reject", id=some)
    assert "Why the work is rejected" in page
    assert "3 chosen." in page
    page = visitor.post("/acts/workers-reject", {"id": some, "feedback": " "})
    assert (visitor.status, "The reason is missing" in page) == (400, True)
    page = visitor.post("/acts/workers-reject", {"id": some, "feedback": "All the same."})
    assert button(page) == "Reject 3 assignments"
    for wrong in ({}, {"people": "2"}):
        page = visitor.confirm(**wrong)
        assert (visitor.status, "is not the number of people" in page) == (409, True)
    assert statuses(site) == ["Submitted"] * 5
    site.study.switch(**NASTY)
    agree(visitor, people="3")
    site.study.switch()
    assert statuses(site) == ["Rejected"] * 3 + ["Submitted"] * 2
    assert site.study.world.mturk.get_assignment(some[0]).feedback == "All the same."


def test_a_worker_is_no_assignment_to_reject(site: DashboardSite) -> None:
    visitor = site.visitor()
    page = visitor.plan("workers-reject", id=worker(1), feedback="No.")
    assert (visitor.status, "No assignment is ticked" in page) == (400, True)


def test_what_rows_owe_is_paid_once_whatever_the_market_does(site: DashboardSite) -> None:
    visitor = site.visitor()
    owe(site, 0.5)
    visitor.act("workers-approve", id=ids(site)[:3])
    page = visitor.plan("workers-bonus", all="1", auto="1")
    assert "What the bonus is for" in page
    assert "Amount for each" not in page
    page = visitor.plan("workers-bonus", all="1", auto="1", reason="Careful work")
    assert button(page) == "Pay 3 bonuses for $1.80"
    assert command(page) == "turkctl workers bonus --all --auto --reason 'Careful work'"
    site.study.switch(**NASTY)
    agree(visitor)
    for _ in range(4):  # what got no answer is looked for by the next act
        visitor.plan("workers-bonus", all="1", auto="1", reason="Careful work")
        if "Pay " not in visitor.text:
            break
        agree(visitor)
    site.study.switch()
    assert bonuses(site) == ["0.50"] * 3
    page = visitor.plan("workers-bonus", all="1", auto="1", reason="Careful work")
    assert "already paid" in page
    assert "<button>Pay" not in page


def test_an_amount_is_paid_for_every_assignment_of_a_worker_where_that_is_agreed(site: DashboardSite) -> None:
    (hit,) = site.study.post(1)
    site.study.submit(hit, worker(1))
    sync(site.study.world)
    visitor = site.visitor()
    fields = {"worker": worker(1), "amount": "0.25", "reason": "Both", "purpose": "both"}
    page = visitor.plan("workers-bonus", **fields)
    assert (visitor.status, "has 2 assignments that match" in page) == (400, True)
    assert "Pay for every assignment of a worker" in page
    page = visitor.plan("workers-bonus", **fields, each="1")
    assert button(page) == "Pay 2 bonuses for $0.60"
    assert command(page) == f"turkctl workers bonus {worker(1)} --amount 0.25 --reason Both --purpose both --each"


def test_an_amount_that_is_none_is_asked_for_again(site: DashboardSite) -> None:
    visitor = site.visitor()
    page = visitor.plan("workers-bonus", all="1", amount="much", reason="Work")
    assert visitor.status == 400
    assert 'value="much"' in page
    assert ">\nWork</textarea>" in page


def test_those_whose_work_is_ticked_get_one_message(site: DashboardSite) -> None:
    visitor, some = site.visitor(), ids(site)
    visitor.act("workers-approve", all="1")
    page = visitor.plan("workers-message", id=some[:2], worker=worker(1))
    assert "Subject" in page
    page = visitor.plan("workers-message", id=some[:2], worker=worker(1), **WORDS)
    assert button(page) == "Message 2 workers"
    assert command(page).startswith(f"turkctl workers message {worker(1)} {worker(2)} --subject 'Part two' --text ")
    site.study.requests()
    assert "2 workers messaged" in agree(visitor)
    assert messages(site) == 1


def refused_message(site: DashboardSite) -> Visitor:
    """Somebody who asks for a message again that the market refused two days ago."""

    def refuse(operation: str) -> None:
        if operation == "NotifyWorkers":
            raise RequestError("AWS.MechanicalTurk.InsufficientFunds", "Insufficient funds.")

    visitor, endpoint = site.visitor(), site.study.world.endpoint
    visitor.act("workers-approve", all="1")
    endpoint.before = refuse
    visitor.act("workers-message", worker=[worker(1), worker(2)], **WORDS)
    endpoint.before = None
    site.study.pass_time(days=2)
    site.study.requests()
    page = visitor.plan("workers-message", worker=[worker(2), worker(1)], **WORDS)
    assert visitor.status == 409
    assert "Do the rest" in page
    assert "Begin another" in page
    assert "--resume" not in page
    return visitor


def test_the_rest_of_an_old_run_is_done_where_that_is_chosen(site: DashboardSite) -> None:
    visitor = refused_message(site)
    page = instead(visitor, "resume")
    assert "continues the run begun" in page
    assert command(page).endswith(" --resume")
    assert "2 workers messaged" in agree(visitor)
    assert messages(site) == 1
    states = site.study.sql("SELECT state FROM turkctl_run WHERE act = 'workers message' AND identity IS NOT NULL")
    assert states == [("ended",)]


def test_another_run_is_begun_where_that_is_chosen(site: DashboardSite) -> None:
    visitor = refused_message(site)
    page = instead(visitor, "new")
    assert "continues" not in page
    assert command(page).endswith(" --new")
    assert "2 workers messaged" in agree(visitor)
    (line,) = [each for each in list_log(site.study.world, LogQuery()) if "--new" in (each["command"] or "")]
    assert line["succeeded"] == 2


def test_a_run_that_is_continued_can_be_begun_anew_from_its_plan(site: DashboardSite) -> None:
    visitor = refused_message(site)
    instead(visitor, "resume")
    assert command(instead(visitor, "new")).endswith(" --new")


def test_a_run_that_another_process_has_at_work_is_told_of(site: DashboardSite) -> None:
    visitor = site.visitor()
    plan, _act = prepare_message(site.study.world, MessageRequest((worker(1),), *WORDS.values()))
    assert plan.run is not None
    with plan.run.kept(plan):
        page = visitor.plan("workers-message", worker=worker(1), **WORDS)
        assert (visitor.status, "is already running the same command" in page) == (409, True)
        assert "Message 1 worker" in instead(visitor, "new")


def test_what_another_process_did_meanwhile_is_not_done_again_unasked(site: DashboardSite) -> None:
    visitor = site.visitor()
    visitor.act("workers-approve", all="1")
    visitor.plan("workers-message", worker=worker(1), **WORDS)
    site.study.apply(prepare_message(site.study.world, MessageRequest((worker(1),), *WORDS.values())))
    site.study.requests()
    page = visitor.confirm()
    assert (visitor.status, "Begin another" in page) == (409, True)
    assert messages(site) == 0
    instead(visitor, "new")
    agree(visitor)
    assert messages(site) == 1


def test_a_choice_made_in_another_mode_does_nothing(site: DashboardSite) -> None:
    visitor = refused_message(site)
    request = visitor.hidden("request")
    visitor.get("/settings")
    visitor.post("/settings/mode", {"mode": "sandbox"})
    page = visitor.post("/runs/instead", {"request": request, "instead": "new"})
    assert (visitor.status, "that page was for mode local" in page) == (409, True)


def test_somebody_who_could_not_submit_is_paid_once(site: DashboardSite) -> None:
    visitor = site.visitor()
    visitor.act("workers-approve", all="1")
    page = visitor.plan("workers-compensate")
    assert "Worker" in page
    fields = {"amount": "2.50", "reason": "Our server broke", "experiment": "stroop", "lifetime": "7d"}
    page = visitor.plan("workers-compensate", worker=worker(1), **fields)
    assert button(page) == "Compensate 1 worker for $3.00"
    assert command(page) == (
        f"turkctl workers compensate {worker(1)} --amount 2.50 --reason 'Our server broke' "
        "--experiment stroop --lifetime 7d"
    )
    site.study.switch(answer_lost=0.3, fault_before=0.2, seed=5)
    agree(visitor)
    for _ in range(5):  # an interrupted one is gone on with
        if "State</dt><dd><strong>ended" in visitor.text and "1 worker compensated" in visitor.text:
            break
        visitor.plan("workers-compensate", worker=worker(1), **fields)
        agree(visitor)
    site.study.switch()
    assert len(list(site.study.world.mturk.list_hits())) == 2
    (line, *_more) = [each for each in list_log(site.study.world, LogQuery()) if each["act"] == "workers compensate"]
    assert line["who"].startswith("lab (dashboard)")


def test_only_one_person_is_compensated_at_a_time(site: DashboardSite) -> None:
    visitor = site.visitor()
    page = visitor.plan("workers-compensate", worker=[worker(1), worker(2)], amount="1", reason="Sorry")
    assert (visitor.status, "2 workers are ticked" in page) == (400, True)


def test_people_are_blocked_unblocked_and_kept_out(site: DashboardSite) -> None:
    visitor = site.visitor()
    visitor.plan("workers-block", worker=worker(1))
    assert "For your records" in visitor.text
    page = visitor.plan("workers-block", worker=[worker(1), worker(2)], reason="A script")
    assert button(page) == "Block 2 workers"
    site.study.switch(**NASTY)
    agree(visitor)
    page = visitor.plan("workers-unblock", worker=worker(2))
    assert command(page) == f"turkctl workers unblock {worker(2)}"
    agree(visitor)
    site.study.switch()
    assert [each.worker_id for each in site.study.world.mturk.list_blocks()] == [worker(1)]
    page = visitor.plan("workers-exclude", worker=worker(3))
    assert button(page) == "Exclude 1 worker"
    assert "1 worker excluded" in agree(visitor)


@pytest.mark.parametrize("act", ["workers-message", "workers-block", "workers-unblock"])
def test_nobody_ticked_is_nobody_acted_on(site: DashboardSite, act: str) -> None:
    visitor = site.visitor()
    page = visitor.plan(act, reason="", **WORDS)
    assert visitor.status == 400
    assert "obody is ticked" in page


@pytest.mark.parametrize("act", ["workers-approve", "workers-bonus", "workers-exclude"])
def test_nothing_selected_is_nothing_done(site: DashboardSite, act: str) -> None:
    visitor = site.visitor()
    page = visitor.plan(act, reason="Work", amount="1")
    assert visitor.status == 400
    assert "othing is selected" in page


def test_what_people_typed_is_only_text(site: DashboardSite) -> None:
    visitor, evil = site.visitor(), "<script>alert(1)</script>'; DROP TABLE x; --"
    visitor.plan("workers-reject", id=ids(site)[:1], feedback=evil)
    assert "<script>alert" not in visitor.text
    agree(visitor, people="1")
    assert site.study.world.mturk.get_assignment(ids(site)[0]).feedback == evil
    for path in ("/assignments?status=all", f"/assignments/{ids(site)[0]}", "/log"):
        assert "<script>alert" not in visitor.get(path)


def pseudonyms(visitor: Visitor) -> list[str]:
    """The workers as the visitor sees them."""
    found = re.findall(r'name="worker" value="(P-[0-9a-f]+)"', visitor.get("/workers"))
    assert len(found) == 5
    return found


def payload(visitor: Visitor) -> str:
    """What the signed request of a confirming page says to whoever looks into it."""
    text = visitor.hidden("request").split(".")
    parts = [text[1] if visitor.hidden("request").startswith(".") else text[0]]
    raw = base64.urlsafe_b64decode(parts[0] + "=" * (-len(parts[0]) % 4))
    return (zlib.decompress(raw) if visitor.hidden("request").startswith(".") else raw).decode()


ACTS_ON_PEOPLE = (
    ("workers-message", WORDS),
    ("workers-block", {"reason": "A script"}),
    ("workers-unblock", {}),
    ("workers-exclude", {}),
    ("workers-approve", {}),
    ("workers-bonus", {"amount": "0.10", "reason": "Thanks"}),
    ("workers-compensate", {"amount": "0.10", "reason": "Sorry"}),
)


@pytest.mark.parametrize(("act", "fields"), ACTS_ON_PEOPLE, ids=lambda value: value if isinstance(value, str) else "")
def test_who_may_not_see_names_acts_on_pseudonyms_and_is_shown_no_name(
    site: DashboardSite, act: str, fields: dict[str, str]
) -> None:
    visitor = site.visitor("ann")
    chosen = pseudonyms(visitor)[0]
    page = visitor.plan(act, worker=chosen, **fields)
    assert visitor.status == 200
    assert chosen in command(page)
    assert "AW0" not in page
    assert chosen in payload(visitor)
    assert "AW0" not in payload(visitor)
    page = agree(visitor)
    assert "ended</strong>" in page
    assert "AW0" not in page
    (line,) = [each for each in list_log(site.study.world, LogQuery()) if each["act"] == act.replace("-", " ")]
    assert re.search(rf"turkctl {act.replace('-', ' ')} AW00000\d", line["command"])


@pytest.mark.parametrize("field", ["id", "worker"])
def test_who_may_not_see_names_cannot_ask_whose_pseudonym_a_name_has(site: DashboardSite, field: str) -> None:
    site.study.write("UPDATE turkctl_assignment SET worker_id = 'A2EXAMPLEWORKR' WHERE worker_id = :w", w=worker(1))
    visitor = site.visitor("ann")
    visitor.plan("workers-approve", **{field: "A2EXAMPLEWORKR"})
    assert (visitor.status, "There is no " in visitor.text) == (400, True)
    assert "P-" not in visitor.text


def test_an_error_names_nobody_to_who_may_not_see_names(site: DashboardSite) -> None:
    (hit,) = site.study.post(1)
    site.study.submit(hit, worker(1))
    sync(site.study.world)
    visitor = site.visitor("ann")
    pages = [visitor.plan("workers-bonus", worker=each, amount="0.25", reason="Both") for each in pseudonyms(visitor)]
    (twice,) = [page for page in pages if "has 2 assignments that match" in page]
    assert "AW0" not in twice
