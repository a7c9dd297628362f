"""Erasing a person: a pseudonym in their place everywhere, and nothing of them in the database's files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from market_support import Bench
from sqlalchemy import LargeBinary, Table, create_engine, inspect, select, text
from sqlalchemy.engine import make_url

from turkctl.errors import NotFoundError, RefusedError, UsageError
from turkctl.market import tables
from turkctl.market.answers import document
from turkctl.market.erasure import EVERY_TABLE
from turkctl.market.errors import WorkError
from turkctl.market.payouts import Claim, Span
from turkctl.market.requester import Requester
from turkctl.market.service import Market
from turkctl.market.work import Sent
from turkctl.newcomers import NewEntry, NewInvitation, NewPerson, RosterRow

OWN, NAME, LOGIN = "STUD-4711-X", "Anna Müller & Söhne", "anna.login"
PANEL_IDS = ("SONA-90210", "SONA-90211")
SENT = "study-of-anna"
"""What the panel sent besides."""
REQUESTER = Requester("123456789012", "production")
QUESTION = (
    '<ExternalQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/'
    'ExternalQuestion.xsd"><ExternalURL>https://lab.example.org/x</ExternalURL><FrameHeight>0</FrameHeight>'
    "</ExternalQuestion>"
)


def post(market: Market, **changes: Any) -> str:
    request = {
        "Title": "Name the colour", "Description": "Short.", "Reward": "0.50", "LifetimeInSeconds": 3600,
        "AssignmentDurationInSeconds": 600, "Question": QUESTION,
    }  # fmt: skip
    found: str = market.create_hit(REQUESTER, request | changes)["HIT"]["HITId"]
    return found


def works(market: Market, worker_id: str, hit_id: str, me: str) -> str:
    assignment: str = market.accept("production", worker_id, hit_id)["AssignmentId"]
    raw = f"workerId={worker_id}&me={quote_plus(me)}".encode()
    sent = Sent({"me": me, "colour": "red"}, raw=raw)
    market.submit_from_page("production", assignment, worker_id, sent)
    return assignment


def pay(market: Market, reference: str | None = None) -> None:
    """Mark all that is owed as paid, also what was earned in this millisecond."""
    wanted = [Claim(each.worker_id, each.amount, Span()) for each in market.owed("production")]
    assert market.mark_paid("production", wanted, reference)


def somebody(market: Market) -> tuple[str, str]:
    """A person who left traces in every table: worker id, and the id of their work."""
    new = NewPerson(LOGIN, "hash", OWN, f"label of {NAME}", ("class",), "DE", NAME)
    worker_id = market.add_person("production", new)
    (token,) = market.invite("production", NewInvitation(5, personal=False, ask="Number"))
    market.join("production", token, worker_id)
    market.invite_each("production", NewInvitation(label=f"for {NAME}"), [OWN])
    market.note_sign_in(LOGIN, "10.0.0.1", market.now(), failed=True)
    kind = market.create_qualification_type(
        REQUESTER,
        {"Name": f"Only {worker_id}", "Description": f"For {worker_id}.", "QualificationTypeStatus": "Active"},
    )["QualificationType"]["QualificationTypeId"]
    market.request_qualification("production", worker_id, kind)
    post(market, Items=["the same"])  # which their work then keeps them out of
    assignment = works(
        market,
        worker_id,
        post(market, RequesterAnnotation=f"for {worker_id}", Items=["the same"]),
        f"I am {NAME}, {OWN}, {worker_id}",
    )
    market.approve_assignment(REQUESTER, {"AssignmentId": assignment, "RequesterFeedback": f"Thanks, {NAME}"})
    bonus = {"WorkerId": worker_id, "AssignmentId": assignment, "BonusAmount": "0.25", "Reason": f"{OWN} was quick"}
    market.send_bonus(REQUESTER, bonus)
    market.associate_qualification_with_worker(REQUESTER, {"QualificationTypeId": kind, "WorkerId": worker_id})
    market.notify_workers(
        REQUESTER, {"Subject": f"Dear {NAME}", "MessageText": f"{OWN} {worker_id}", "WorkerIds": [worker_id]}
    )
    market.create_worker_block(REQUESTER, {"WorkerId": worker_id, "Reason": f"{NAME} asked for it"})
    market.make_reset("production", LOGIN, timedelta(days=1))
    market.agree_to_terms("production", worker_id, "terms-of-2026")
    entry = market.add_entry("production", NewEntry("sona", ("id", "ref")))
    for panel_id in PANEL_IDS:
        market.enter("production", "sona", entry.key, {"id": panel_id, "ref": SENT}, worker_id)
    market.advance(timedelta(seconds=1))  # claims are of what was earned before now
    market.mark_paid("production", market.payout_claims("production", [OWN]), f"Transfer to {NAME}")
    return worker_id, assignment


def rows_of(market: Market, table: Table, worker_id: str) -> int:
    """How many rows of a table are about a worker."""
    column = table.c["id" if table is tables.worker else "worker_id"]
    with market._database.read() as connection:
        return len(connection.execute(select(column).where(column == worker_id)).all())


def traces(url: str, *words: str) -> list[str]:
    """Where any of the words stands: in the files' bytes on SQLite, in the cells and statistics on PostgreSQL."""
    if url.startswith("sqlite"):
        file = Path(make_url(url).database or "")
        files = {path.name: path.read_bytes() for path in file.parent.glob(f"{file.name}*")}
        assert len(next(iter(files.values()))) > 1000
        return [f"{word} in {name}" for word in words for name, data in files.items() if word.encode() in data]
    found, engine = [], create_engine(url)
    with engine.connect() as connection:
        names = inspect(connection).get_table_names()
        for name in names:
            rows = str(connection.execute(text(f"SELECT t::text FROM {name} t")).all())
            found += [f"{word} in {name}" for word in words if word in rows]
        common = str(
            connection.execute(
                text("SELECT tablename, most_common_vals::text, histogram_bounds::text FROM pg_stats")
            ).all()
        )
        found += [f"{word} in pg_stats" for word in words if word in common]
    engine.dispose()
    return found


def _delete_without_overwriting(market: Market, worker_id: str) -> None:
    """Delete a long text about somebody, as it was before anybody thought of erasing them."""
    row = {"environment": "production", "account": "1", "worker_id": "A1", "subject": "s", "text": worker_id * 2000}
    with market._database.write() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA secure_delete=OFF")
        connection.execute(tables.message.insert(), row | {"at": 0})
    with market._database.write() as connection:
        connection.execute(tables.message.delete().where(tables.message.c.worker_id == "A1"))


@contextmanager
def market_at(url: str) -> Iterator[Market]:
    market = Market(url)
    try:
        yield market
    finally:
        market.close()


def test_nothing_of_a_person_is_left_in_the_files_and_the_amounts_stay(url: str) -> None:
    with market_at(url) as market:
        worker_id, assignment = somebody(market)
        other = market.add_person("production", NewPerson(own_id="other"))
        works(market, other, post(market), f"I sit beside {worker_id}")
        before = market.get_account_balance(REQUESTER, {})
        assert len(traces(url, worker_id, OWN, "Müller", LOGIN, SENT, *PANEL_IDS)) >= 7
        _delete_without_overwriting(market, worker_id)
        plan = market.plan_erasure("production", OWN)
        done = market.erase("production", plan, answers_too=False)
        assert market.clean() is None or url.startswith("postgresql")
        private = (worker_id, OWN, "Müller", "M&#252;ller", "M%C3%BCller", LOGIN, SENT, "terms-of-2026", *PANEL_IDS)
        assert traces(url, *private) == []
        assert done.left == {}
        assert {"market_assignment", "market_bonus", "market_message", "market_grant"} <= done.changed.keys()
        shown = market.get_assignment(REQUESTER, {"AssignmentId": assignment})["Assignment"]
        assert shown["WorkerId"] == done.pseudonym
        assert "<FreeText>red</FreeText>" in shown["Answer"]
        assert f"I am {done.pseudonym}, {done.pseudonym}, {done.pseudonym}" in shown["Answer"]
        assert market.get_account_balance(REQUESTER, {}) == before
        bonuses = market.list_bonus_payments(REQUESTER, {"AssignmentId": assignment})["BonusPayments"]
        assert [(each["BonusAmount"], each["WorkerId"]) for each in bonuses] == [("0.25", done.pseudonym)]
        (person, _other) = market.people("production")
        assert (person.worker_id, person.own_id, person.full_name, person.name) == (done.pseudonym, None, None, None)
        assert market.find_person("production", "other").worker_id == other


def test_every_table_that_names_a_worker_is_covered(bench: Bench) -> None:
    market = bench.market
    worker_id, _assignment = somebody(market)
    naming = [each for each in tables.metadata.sorted_tables if "worker_id" in each.c] + [tables.worker]
    assert {each.name for each in naming if not rows_of(market, each, worker_id)} == set(), "somebody() fills it"
    market.erase("production", market.plan_erasure("production", OWN), answers_too=False)
    assert {each.name for each in naming if rows_of(market, each, worker_id)} == set()
    assert {each.name for each in tables.metadata.sorted_tables} == {*EVERY_TABLE, tables.meta.name}


def test_what_tasks_sent_is_the_only_column_of_bytes() -> None:
    columns = [column for table in tables.metadata.sorted_tables for column in table.c]
    assert [str(each) for each in columns if isinstance(each.type, LargeBinary)] == ["market_submission.body"], (
        "erasing replaces texts: it must be told of other columns"
    )


def test_what_tasks_sent_goes_and_in_that_of_others_the_worker_id_alone(bench: Bench) -> None:
    market = bench.market
    worker_id, assignment = somebody(market)
    other = market.add_person("production", NewPerson(own_id="other"))
    beside = works(market, other, post(market), f"beside {worker_id}")
    done = market.erase("production", market.plan_erasure("production", OWN), answers_too=False)
    assert market.as_sent("production", assignment) is None
    assert market.as_sent("production", beside) == f"workerId={other}&me=beside+{done.pseudonym}".encode()


def test_a_panel_s_id_of_somebody_erased_makes_a_new_worker(bench: Bench) -> None:
    market = bench.market
    worker_id, _assignment = somebody(market)
    done = market.erase("production", market.plan_erasure("production", OWN), answers_too=False)
    entry = market.entry("production", "sona")
    assert entry.people == 1, "the count stays"
    again = market.enter("production", "sona", entry.key, {"id": PANEL_IDS[0]})
    assert again not in (worker_id, done.pseudonym)


def test_it_is_refused_while_something_is_owed_unless_nobody_is_paid_outside(bench: Bench) -> None:
    market = bench.market
    worker_id = market.add_person("production", NewPerson(own_id=OWN))
    early = market.plan_erasure("production", OWN)
    assignment = works(market, worker_id, post(market), "me")
    market.approve_assignment(REQUESTER, {"AssignmentId": assignment})
    plan = market.plan_erasure("production", OWN)
    for refused in (plan.require_free, lambda: market.erase("production", early, answers_too=False)):
        with pytest.raises(RefusedError, match=r"owed 0\.50 that is not marked"):
            refused()
    plan.require_free(unpaid=True)
    market.advance(timedelta(seconds=1))
    market.mark_paid("production", market.payout_claims("production", [OWN]), None)
    market.plan_erasure("production", OWN).require_free()
    bonus = {"WorkerId": worker_id, "AssignmentId": assignment, "BonusAmount": "0.25", "Reason": "x"}
    market.send_bonus(REQUESTER, bonus)
    market.erase("production", early, answers_too=False, unpaid=True)
    assert market.person("production", worker_id) is None


def test_unpaid_work_is_owed_to_nobody() -> None:
    market = Market("sqlite://", fee="none")
    worker_id = market.add_person("production", NewPerson(own_id=OWN))
    assignment = works(market, worker_id, post(market, Reward="0.00"), "me")
    market.approve_assignment(REQUESTER, {"AssignmentId": assignment})
    market.plan_erasure("production", OWN).require_free()
    market.close()


def test_what_processes_remember_of_somebody_erased_serves_nobody(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'market.db'}"
    with market_at(url) as market, market_at(url) as elsewhere:
        worker_id = market.add_person("production", NewPerson(own_id=OWN))
        hit = post(market)
        for each in (market, elsewhere):
            assert each.hit_after("production", worker_id, hit) is None
            assert worker_id in str(each._shared.marks._marks), "it remembers where they are in the list"
        done = market.erase("production", market.plan_erasure("production", OWN), answers_too=False)
        assert worker_id not in str(market._shared.marks._marks)
        for each in (market, elsewhere):
            with pytest.raises(WorkError) as refused:
                each.accept("production", worker_id, hit)
            assert refused.value.code == "UnknownWorker"
            with pytest.raises(UsageError, match="was erased"):
                each.register_worker("production", worker_id)
            assert [group.hit_id for group in each.groups("production", done.pseudonym)] == [hit]


def test_answers_are_emptied_where_that_is_asked_for(bench: Bench) -> None:
    market = bench.market
    worker_id, assignment = somebody(market)
    market.erase("production", market.plan_erasure("production", worker_id), answers_too=True)
    shown = market.get_assignment(REQUESTER, {"AssignmentId": assignment})["Assignment"]
    assert shown["Answer"] == document({})


def test_it_is_refused_while_work_is_open_or_undecided(bench: Bench) -> None:
    market = bench.market
    worker_id = market.add_person("production", NewPerson(own_id=OWN))
    hit = post(market)
    assignment = market.accept("production", worker_id, hit)["AssignmentId"]
    early = market.plan_erasure("production", OWN)
    for _ in ("open", "undecided"):
        with pytest.raises(RefusedError, match="open assignment"):
            market.plan_erasure("production", OWN).require_free()
        with pytest.raises(RefusedError, match="open assignment"):
            market.erase("production", early, answers_too=False)
        if market.plan_erasure("production", OWN).open:
            market.submit("production", worker_id, assignment, {})
    market.reject_assignment(REQUESTER, {"AssignmentId": assignment, "RequesterFeedback": "No."})
    market.erase("production", early, answers_too=False)
    assert market.person("production", worker_id) is None


def test_it_is_refused_while_something_is_owed(bench: Bench) -> None:
    market = bench.market
    worker_id = market.add_person("production", NewPerson(own_id=OWN))
    early = market.plan_erasure("production", OWN)
    assignment = works(market, worker_id, post(market), "I")
    market.approve_assignment(REQUESTER, {"AssignmentId": assignment})
    with pytest.raises(RefusedError, match=r"is owed 0\.50") as refused:
        market.plan_erasure("production", OWN).require_free()
    assert refused.value.hint is not None
    assert f"payouts mark-paid {worker_id}" in refused.value.hint
    with pytest.raises(RefusedError, match="is owed"):
        market.erase("production", early, answers_too=False)
    pay(market)
    market.erase("production", early, answers_too=False)
    assert market.person("production", worker_id) is None


def test_the_play_money_of_the_sandbox_is_owed_to_nobody(bench: Bench) -> None:
    market, tried = bench.market, Requester(REQUESTER.account, "sandbox")
    worker_id = market.add_person("sandbox", NewPerson(own_id=OWN))
    request = {
        "Title": "T", "Description": "D", "Reward": "0.50", "LifetimeInSeconds": 3600,
        "AssignmentDurationInSeconds": 600, "Question": QUESTION,
    }  # fmt: skip
    hit_id = market.create_hit(tried, request)["HIT"]["HITId"]
    assignment = market.accept("sandbox", worker_id, hit_id)["AssignmentId"]
    market.submit("sandbox", worker_id, assignment, {"me": "I"})
    market.approve_assignment(tried, {"AssignmentId": assignment})
    market.plan_erasure("sandbox", OWN).require_free()


def test_who_was_erased_does_not_come_back_by_accident(bench: Bench) -> None:
    market = bench.market
    worker_id = market.add_person("production", NewPerson(own_id=OWN))
    market.erase("production", market.plan_erasure("production", OWN), answers_too=False)
    with pytest.raises(UsageError, match="was erased"):
        market.register_worker("production", worker_id)
    with pytest.raises(UsageError, match="was erased"):
        market.add_person("production", NewPerson(own_id=OWN))
    found = market.import_people("production", [RosterRow(2, OWN), RosterRow(3, "new")])
    assert [(each.row, "was erased" in each.why) for each in found.problems] == [(2, True)]
    assert len(market.people("production")) == 1
    with pytest.raises(UsageError, match="was erased"):
        market.invite_each("production", NewInvitation(), [OWN])
    again = market.plan_erasure("production", OWN)
    assert again.worker_id is None, "known as erased before"
    assert market.add_person("sandbox", NewPerson(own_id=OWN)), "the sandbox has other people"
    with pytest.raises(NotFoundError):
        market.plan_erasure("production", "nobody")


def test_an_own_id_or_a_name_in_texts_about_others_is_told_and_left(bench: Bench) -> None:
    market = bench.market
    market.add_person("production", NewPerson(own_id=OWN, full_name="Anna Example"))
    other = market.add_person("production", NewPerson(own_id="other", label="sits beside Anna Example"))
    done = market.erase("production", market.plan_erasure("production", OWN), answers_too=False)
    assert done.left == {"market_person": 1}
    assert market.find_person("production", other).label == "sits beside Anna Example"


def test_a_short_own_id_is_not_replaced_in_answers(bench: Bench) -> None:
    market = bench.market
    worker_id = market.add_person("production", NewPerson(own_id="7"))
    assignment = market.accept("production", worker_id, post(market))["AssignmentId"]
    market.submit("production", worker_id, assignment, {"how_many": "7"})
    market.approve_assignment(REQUESTER, {"AssignmentId": assignment})
    market.erase("production", market.plan_erasure("production", "7"), answers_too=False, unpaid=True)
    shown = market.get_assignment(REQUESTER, {"AssignmentId": assignment})["Assignment"]
    assert "<FreeText>7</FreeText>" in shown["Answer"]


def test_a_worker_without_a_person_can_be_erased_too(bench: Bench) -> None:
    market = bench.market
    market.register_worker("production", "AW1")
    market.register_worker("production", "AW12")
    done = market.erase("production", market.plan_erasure("production", "AW1"), answers_too=False)
    assert market.record_of("production", "AW12")["submitted"] == 0
    assert market.record_of("production", done.pseudonym)["submitted"] == 0
