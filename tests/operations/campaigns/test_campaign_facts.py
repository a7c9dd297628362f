"""What a decision is made from is read once, in one snapshot, however much is unfinished."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from queries import Queries, counted
from sqlmodel import Session
from study_support import EXPERIMENT, Study, new_study

from turkctl.operations.campaigns.decisions import decide
from turkctl.operations.campaigns.lifecycle import find
from turkctl.operations.campaigns.lists import list_campaigns, show_campaign
from turkctl.operations.campaigns.standing import Facts, read_facts
from turkctl.operations.hits.create import CreateRequest, prepare_create
from turkctl.operations.hits.extend import ExtendRequest, prepare_extend
from turkctl.operations.limits.budgets import committed, exposure
from turkctl.store import campaigns, intents
from turkctl.store.base import Scope
from turkctl.store.intents import Intent

LIMITS = '[experiments.stroop.limits]\nbudget = "900.00"\nmax_active_hits = 300\n'


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    """A campaign in its second round, within limits of all kinds."""
    with new_study(tmp_path, more=LIMITS) as made:
        made.create(40, per_round=8, budget=Decimal("60.00"))
        made.round()
        yield made


def unanswered(study: Study) -> list[Intent]:
    """Requests that were never answered: for an assignment more of one of the campaign's HITs, and for 33 HITs."""
    ((hit,),) = study.sql("SELECT hit_id FROM turkctl_hit")
    more, _ = prepare_extend(study.world, ExtendRequest((hit,), assignments=1))
    new, _ = prepare_create(study.world, CreateRequest("stroop", 1, 33))
    return [step.payload for step in (*more.steps, *new.steps)]


def leave(study: Study, requests: list[Intent]) -> None:
    """Open requests and send none."""
    with study.world.database.write() as session:
        intents.open_many(session, requests)


def facts_of(study: Study, session: Session) -> Facts:
    return read_facts(session, find(session, 1), study.world.settings["participants_table"], study.world.now())


def read(study: Study) -> tuple[Facts, Queries]:
    """The facts, and what was asked of the database for them."""
    with study.world.database.read() as session, counted(study.world.database) as asked:
        return facts_of(study, session), asked


def test_each_fact_of_a_decision_is_asked_for_once(study: Study) -> None:
    requests = unanswered(study)
    leave(study, requests[:4])
    facts, few = read(study)
    assert facts.standing.unsettled == 4
    assert few.repeated == []
    assert len(few.reading("turkctl_intent")) == 1
    leave(study, requests[4:])
    facts, many = read(study)
    assert facts.standing.unsettled == 34
    assert len(many) == len(few)


def test_a_decision_asks_nothing(study: Study) -> None:
    facts, _ = read(study)
    balance = study.world.mturk.balance()
    with counted(study.world.database) as asked:
        assert decide(facts, balance, study.world.now()).post == 8
    assert asked == []


def test_the_snapshot_commits_the_same_dollars_as_the_guards_of_other_commands(study: Study) -> None:
    leave(study, unanswered(study))
    with study.world.database.read() as session:
        scope = Scope(session, study.world.place, study.world.now())
        facts = facts_of(study, session)
        assert facts.commitments.of_experiment(1) == committed(scope, experiment_id=1)
        assert facts.commitments.exposure() == exposure(scope)
    assert facts.spent == 9 * Decimal("0.60"), "eight slots, and the one that their HIT may get"


def test_campaigns_are_listed_and_shown_by_one_look_at_what_is_committed(study: Study) -> None:
    with (study.folder / "turkctl.toml").open("a") as file:
        file.write(EXPERIMENT.format(slug="other", version="1.0", lifetime="1d", more=""))
    study.configure_file()
    study.create(9, experiment="other")
    with counted(study.world.database) as asked:
        assert len(list_campaigns(study.world)) == 2
    assert len(asked.reading("turkctl_intent")) == 1
    with counted(study.world.database) as asked:
        assert show_campaign(study.world, 1)["status"] == campaigns.ACTIVE
    assert len(asked.reading("turkctl_intent")) == 1


def test_a_round_reads_unfinished_requests_no_more_often_than_it_looks(study: Study) -> None:
    """Settling, keeping repeaters out, deciding whether to ask for the balance, deciding, and writing down."""
    with counted(study.world.database) as asked:
        assert study.round().posted == 8
    assert len(asked.reading("turkctl_intent")) <= 10
