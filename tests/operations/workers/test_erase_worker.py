"""Erasing a worker from the study: nothing of them in the database's files, and no sync brings them back."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from databases import KINDS, new_database
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import make_url
from study_support import EXPERIMENT, Study, everything

from turkctl.errors import NotFoundError, RefusedError
from turkctl.newcomers import NewPerson
from turkctl.operations.payments.bonus import prepare_bonus
from turkctl.operations.payments.orders import BonusRequest
from turkctl.operations.payments.reconcile import reconcile
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.sync.run import sync
from turkctl.operations.workers.approve import prepare_approve
from turkctl.operations.workers.erase import clean, erase, plan_erase
from turkctl.operations.workers.message import MessageRequest, prepare_message

ALL = WorkSelection(everything())
OWN, NAME = "STUD-4711-X", "Anna Müller"


@pytest.fixture(params=KINDS)
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Study, str]]:
    """A study on each database, and the address of that."""
    with new_database(request.param, tmp_path) as url:
        (tmp_path / "turkctl.toml").write_text(EXPERIMENT.format(slug="stroop", version="1.0", lifetime="24h", more=""))
        study = Study(tmp_path, url)
        study.configure_file()
        yield study, url
        study.close()


def add(study: Study) -> str:
    return study.world.market.add_person("production", NewPerson(own_id=OWN, full_name=NAME))


def works(study: Study, worker: str, hit_id: str, answer: str = "red") -> str:
    market = study.world.market
    assignment: str = market.accept("production", worker, hit_id)["AssignmentId"]
    market.submit("production", worker, assignment, {"answer": answer})
    return assignment


def took_part(study: Study) -> tuple[str, str]:
    """Somebody with work, a bonus, a message and a failed act in the log: worker id, and the id of the work."""
    worker = add(study)
    (hit,) = study.post(2)
    assignment = works(study, worker, hit, f"I am {NAME}, {OWN}, {worker}")
    sync(study.world)
    study.apply(prepare_approve(study.world, ALL))
    wanted = WorkSelection(Selection(ids=(worker,)))
    study.apply(prepare_bonus(study.world, wanted, BonusRequest(f"{NAME} was quick", Decimal("0.25"))))
    study.apply(prepare_message(study.world, MessageRequest((worker,), f"Dear {NAME}", f"{OWN} {worker}")))
    table = "UPDATE assignments SET datastring = :d, ipaddress = '10.1.2.3' WHERE workerid = :w"
    study.write(table, d=f'{{"workerId": "{worker}"}}', w=worker)
    study.write("UPDATE turkctl_run SET command = :c", c=f"turkctl workers message {OWN} {worker}")
    return worker, assignment


def traces(url: str, *words: str) -> list[str]:
    """Where any of the words stands: in the files' bytes on SQLite, in the cells on PostgreSQL."""
    if url.startswith("sqlite"):
        file = Path(make_url(url).database or "")
        files = {path.name: path.read_bytes() for path in file.parent.glob(f"{file.name}*")}
        return [f"{word} in {name}" for word in words for name, data in files.items() if word.encode() in data]
    found, engine = [], create_engine(url)
    with engine.connect() as connection:
        for name in inspect(connection).get_table_names():
            rows = str(connection.execute(text(f"SELECT t::text FROM {name} t")).all())
            found += [f"{word} in {name}" for word in words if word in rows]
        common = connection.execute(text("SELECT most_common_vals::text, histogram_bounds::text FROM pg_stats")).all()
        found += [f"{word} in pg_stats" for word in words if word in str(common)]
    engine.dispose()
    return found


def rows(study: Study, statement: str) -> list[Any]:
    return sorted(row[0] for row in study.sql(statement))


def test_nothing_of_a_worker_is_left_and_the_amounts_stay(both: tuple[Study, str]) -> None:
    study, url = both
    worker, assignment = took_part(study)
    paid = study.sql("SELECT kind, amount, fee FROM turkctl_payment ORDER BY id")
    assert len(paid) >= 1
    assert len(traces(url, worker, OWN, "Müller", "10.1.2.3")) >= 4
    pseudonym = erase(study.world, plan_erase(study.world, OWN), answers_too=False)
    clean(study.world)
    assert traces(url, worker, OWN, "Müller", "M\\u00fc", "10.1.2.3") == []
    assert study.sql("SELECT kind, amount, fee FROM turkctl_payment ORDER BY id") == paid
    assert study.sql("SELECT uniqueid, workerid, datastring, ipaddress FROM assignments") == [
        (f"{pseudonym}:{assignment}", pseudonym, None, None)
    ]
    ((answer,),) = study.sql("SELECT answer FROM turkctl_assignment")
    assert f"I am {pseudonym}, {pseudonym}, {pseudonym}" in answer


@pytest.mark.parametrize("answers_too", [False, True])
def test_a_sync_brings_nobody_back_if_the_study_is_erased_first(study: Study, answers_too: bool) -> None:
    worker, _assignment = took_part(study)
    pseudonym = erase(study.world, plan_erase(study.world, worker), answers_too=answers_too)
    before = study.sql("SELECT count(*), sum(amount) FROM turkctl_payment")
    later = works(study, worker, study.post(1)[0], f"again {worker}")
    sync(study.world, full=True)
    assert rows(study, "SELECT DISTINCT worker_id FROM turkctl_assignment") == [pseudonym]
    assert rows(study, "SELECT DISTINCT workerid FROM assignments") == [pseudonym]
    assert study.sql("SELECT count(*), sum(amount) FROM turkctl_payment") == before
    clean(study.world)
    address = study.world.settings.database_url
    assert traces(address, worker) == []
    ((answer,),) = study.sql(f"SELECT answer FROM turkctl_assignment WHERE assignment_id = '{later}'")
    assert (answer is None) is answers_too


def test_the_ledger_still_agrees_with_the_market_and_takes_no_name_from_it(study: Study) -> None:
    worker, assignment = took_part(study)
    pseudonym = erase(study.world, plan_erase(study.world, OWN), answers_too=False)
    study.world.mturk.send_bonus(worker, assignment, Decimal("0.10"), f"more for {worker}", "t" * 32)
    found = reconcile(study.world, adopt=True)
    assert (found.compared, found.adopted, found.differences) == (1, 1, [])
    reasons = study.sql("SELECT worker_id, reason FROM turkctl_payment WHERE kind = 'bonus' ORDER BY id")
    assert reasons == [(pseudonym, f"{pseudonym} was quick"), (pseudonym, f"more for {pseudonym}")]


def test_a_sync_makes_no_second_participant_if_the_market_is_erased_first(study: Study) -> None:
    worker, _assignment = took_part(study)
    market = study.world.market
    market.erase("production", market.plan_erasure("production", worker), answers_too=False, unpaid=True)
    sync(study.world, full=True)
    assert rows(study, "SELECT workerid FROM assignments") == [worker]
    pseudonym = erase(study.world, plan_erase(study.world, worker), answers_too=False)
    sync(study.world, full=True)
    assert rows(study, "SELECT workerid FROM assignments") == [pseudonym]
    assert rows(study, "SELECT worker_id FROM turkctl_assignment") == [pseudonym]


def test_a_rejection_that_is_overturned_later_does_not_bring_the_id_back(study: Study) -> None:
    worker = add(study)
    assignment = works(study, worker, study.post(1)[0], f"I am {worker}")
    sync(study.world)
    study.world.mturk.reject(assignment, "No.")
    sync(study.world)
    pseudonym = erase(study.world, plan_erase(study.world, worker), answers_too=True)
    study.world.mturk.approve(assignment, override_rejection=True)
    sync(study.world, full=True)
    found = study.sql("SELECT worker_id, status, answer FROM turkctl_assignment")
    assert found == [(pseudonym, "Approved", None)]


def test_it_is_refused_while_work_is_undecided_or_a_bonus_is_owed(study: Study) -> None:
    worker = add(study)
    works(study, worker, study.post(1)[0])
    sync(study.world)
    with pytest.raises(RefusedError, match="1 undecided assignment"):
        plan_erase(study.world, worker)
    study.apply(prepare_approve(study.world, ALL))
    wanted = plan_erase(study.world, worker)
    study.write("UPDATE assignments SET bonus = 0.4")
    for act in (lambda: plan_erase(study.world, worker), lambda: erase(study.world, wanted, answers_too=False)):
        with pytest.raises(RefusedError, match="1 unpaid bonus"):
            act()
    assert rows(study, "SELECT worker_id FROM turkctl_assignment") == [worker]


def test_it_is_refused_while_a_request_is_unfinished(study: Study) -> None:
    worker, _assignment = took_part(study)
    study.write("UPDATE turkctl_intent SET state = 'sent' WHERE kind = 'message'")
    with pytest.raises(RefusedError, match="1 unfinished request"):
        plan_erase(study.world, worker)


def test_who_is_unknown_cannot_be_erased_and_who_was_erased_only_again(study: Study) -> None:
    with pytest.raises(NotFoundError):
        plan_erase(study.world, "ANOBODY")
    worker, _assignment = took_part(study)
    erase(study.world, plan_erase(study.world, worker), answers_too=False)
    assert plan_erase(study.world, worker).before
