from __future__ import annotations

import threading
from dataclasses import astuple
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from rows import ELSEWHERE, HERE, HOUR, NOW, make_intent

from turkctl.store import intents
from turkctl.store.base import CHUNK
from turkctl.store.engine import Database
from turkctl.store.experiments import Version
from turkctl.store.intents import Batch

parts = st.lists(st.text(max_size=4) | st.integers(), max_size=4)


@given(first=st.tuples(st.text(max_size=4), parts), second=st.tuples(st.text(max_size=4), parts))
def test_tokens_are_equal_exactly_when_database_and_parts_are(
    first: tuple[str, list[str | int]], second: tuple[str, list[str | int]]
) -> None:
    one, two = (intents.token(database, *named) for database, named in (first, second))
    assert len(one) <= 64
    assert (one == two) == (first == second)


def test_a_token_never_changes_between_versions_of_turkctl() -> None:
    assert (
        intents.token("0123", "bonus", "A1", "auto")
        == "2b3db6ff9b65c5ecc061acb74bf68c2eaf0655aed864b09f4fd5c420b4526309"
    )


def test_each_purpose_has_its_kind_its_token_and_where_it_is_found_again() -> None:
    version = Version(7, "stroop", True, 8, 1, "1.0", "digest", {}, "file", NOW)
    batch, some, dollar = Batch(HERE, "0123", "batch", NOW), {"key": "value"}, Decimal("1.00")
    bonus = batch.bonus("A1", {"purpose": "auto"}, dollar, experiment_id=7)
    made = [
        batch.post(version, some, dollar, "batch", 0),
        batch.post(version, some, dollar, "campaign", 3, 1, 0, digest="campaign 3"),
        batch.extension("H1", some, dollar, 2, experiment_id=None),
        bonus,
        *batch.compensation("W1", some, dollar, experiment_id=7),
        batch.message(["W1", "W2"], some, 0),
    ]
    parts = [
        ("create_hit", "batch", 0),
        ("create_hit", "campaign", 3, 1, 0),
        ("extend_hit", "batch", 2),
        ("bonus", "A1", "auto"),
        ("compensate", "batch"),
        ("message", "batch"),
        ("message", "batch", 0),
    ]
    assert [each.token for each in made] == [intents.token("0123", *named) for named in parts]
    assert [each.kind for each in made] == [kind for kind, *_rest in parts]
    digests = ["batch", "campaign 3", made[2].token, bonus.token, "batch", "batch", "batch"]
    assert [each.digest for each in made] == digests
    assert [each.subject for each in made] == ["stroop", "stroop", "H1", "A1", "W1", "W1", "2 workers"]
    assert [each.experiment_id for each in made] == [7, 7, None, 7, 7, 7, None]
    assert [each.cost for each in made] == [dollar, dollar, dollar, dollar, dollar, Decimal("0.00"), Decimal("0.00")]
    assert {(each.mode, each.market, each.batch, each.created) for each in made} == {(*astuple(HERE), "batch", NOW)}
    assert [each.sent for each in made if each.state == intents.SENT] == [bonus.created]


def test_intents_are_opened_in_one_transaction_and_read_back_in_order(database: Database) -> None:
    wanted = [make_intent(f"t{number}", created=NOW + number * HOUR) for number in range(3)]
    with database.write() as session:
        assert [intent.token for intent in intents.open_many(session, list(reversed(wanted)))] == ["t2", "t1", "t0"]
    with database.read() as session:
        found = intents.unfinished(session, HERE)
        assert [intent.model_dump() for intent in found] == [intent.model_dump() for intent in wanted]
        assert found[0].state == intents.OPEN
        assert intents.unfinished(session, ELSEWHERE) == []


def test_opening_more_than_fits_one_statement_works(database: Database) -> None:
    with database.write() as session:
        wanted = [make_intent(f"t{number}") for number in range(CHUNK + 5)]
        assert len(intents.open_many(session, wanted)) == CHUNK + 5
        assert intents.open_many(session, []) == []


def test_the_same_token_is_never_open_twice(database: Database) -> None:
    with database.write() as session:
        intents.open_many(session, [make_intent("t1"), make_intent("t2")])
        intents.mark_sent(session, "t1", NOW)
        intents.complete(session, "t1", "HIT1", NOW)
        intents.mark_sent(session, "t2", NOW)
    with database.write() as session:
        again = intents.open_many(session, [make_intent(token, created=NOW + HOUR) for token in ("t1", "t2", "t3")])
    assert [(intent.state, intent.result) for intent in again] == [("done", "HIT1"), ("sent", None), ("open", None)]
    assert [intent.created for intent in again] == [NOW, NOW, NOW + HOUR]


def test_what_failed_or_was_abandoned_starts_afresh_when_opened_again(database: Database) -> None:
    with database.write() as session:
        intents.open_many(session, [make_intent("t1"), make_intent("t2")])
        intents.mark_sent(session, "t1", NOW)
        assert intents.fail(session, "t1", "AWS.MechanicalTurk.InsufficientFunds", NOW)
        assert intents.abandon(session, "t2", "not asked for any more", NOW)
        assert intents.unfinished(session, HERE) == []
        wanted = [make_intent(token, created=NOW + HOUR, cost=Decimal("1.00")) for token in ("t1", "t2")]
        again = intents.open_many(session, wanted)
    assert [intent.model_dump() for intent in again] == [intent.model_dump() for intent in wanted]


def test_only_one_of_many_takes_an_intent_for_sending(database: Database) -> None:
    with database.write() as session:
        intents.open_many(session, [make_intent("t1")])
    won: list[bool] = []

    def take() -> None:
        with database.write() as session:
            won.append(intents.mark_sent(session, "t1", NOW))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False, False, False, True]


def test_what_was_sent_and_not_answered_is_sent_again_by_one_that_names_the_last_time(database: Database) -> None:
    with database.write() as session:
        intents.open_many(session, [make_intent("t1")])
        assert not intents.mark_sent(session, "t1", NOW, sent_before=NOW)
        assert intents.mark_sent(session, "t1", NOW)
        assert intents.mark_sent(session, "t1", NOW + HOUR, sent_before=NOW)
        assert not intents.mark_sent(session, "t1", NOW + HOUR, sent_before=NOW)
        found = intents.get(session, "t1")
    assert found is not None
    assert found.sent == NOW + HOUR


def test_unfinished_intents_are_found_by_kind_by_arguments_and_by_batch(database: Database) -> None:
    with database.write() as session:
        intents.open_many(
            session,
            [
                make_intent("t1"),
                make_intent("t2", kind="bonus", digest="other", batch="batch-2"),
                make_intent("t3", batch="batch-3"),
                make_intent("t4", mode=ELSEWHERE.mode, market=ELSEWHERE.market),
            ],
        )
        intents.mark_sent(session, "t1", NOW)
        intents.complete(session, "t3", "H", NOW)
    with database.read() as session:

        def tokens(found: list[intents.Intent]) -> list[str]:
            return [intent.token for intent in found]

        assert tokens(intents.unfinished(session, HERE)) == ["t1", "t2"]
        assert tokens(intents.unfinished(session, HERE, intents.BONUS)) == ["t2"]
        assert tokens(intents.unfinished(session, HERE, intents.EXTEND_HIT)) == []
        assert tokens(intents.unfinished_by_digest(session, HERE, "digest-1")) == ["t1"]
        assert tokens(intents.unfinished_by_digest(session, ELSEWHERE, "digest-1")) == ["t4"]
        assert tokens(intents.of_batch(session, "batch-3")) == ["t3"]


def test_outstanding_cost_is_that_of_the_unfinished_of_one_place(database: Database) -> None:
    with database.read() as session:
        assert intents.outstanding_cost(session, HERE) == Decimal(0)
    with database.write() as session:
        elsewhere = make_intent("t4", mode=ELSEWHERE.mode, market=ELSEWHERE.market, cost=Decimal("100.00"))
        intents.open_many(session, [make_intent(f"t{number}", cost=Decimal("0.06")) for number in range(3)])
        intents.open_many(session, [elsewhere])
        intents.mark_sent(session, "t0", NOW)
        intents.complete(session, "t1", "H", NOW)
        assert str(intents.outstanding_cost(session, HERE)) == "0.12"


class Life(RuleBasedStateMachine):
    """Any order of calls keeps an intent on the paths of its life."""

    database: Database

    @initialize()
    def start(self) -> None:
        with self.database.write() as session:
            session.connection().execute(intents.INTENTS.delete())
            intents.open_many(session, [make_intent("t")])
        self.state = "open"

    @rule()
    def send(self) -> None:
        with self.database.write() as session:
            assert intents.mark_sent(session, "t", NOW) == (self.state == "open")
        self.state = "sent" if self.state == "open" else self.state

    @rule(end=st.sampled_from(["done", "failed", "abandoned"]))
    def finish(self, end: str) -> None:
        act = {"done": intents.complete, "failed": intents.fail, "abandoned": intents.abandon}[end]
        with self.database.write() as session:
            assert act(session, "t", end, NOW) == (self.state in ("open", "sent"))
        self.state = end if self.state in ("open", "sent") else self.state

    @rule()
    def open_again(self) -> None:
        with self.database.write() as session:
            (found,) = intents.open_many(session, [make_intent("t")])
        self.state = "open" if self.state in ("failed", "abandoned") else self.state
        assert found.state == self.state

    def teardown(self) -> None:
        with self.database.read() as session:
            found = intents.get(session, "t")
            assert found is not None
            assert found.state == self.state
            assert (found.finished is not None) == (self.state in ("done", "failed", "abandoned"))


def test_an_intent_only_moves_along_its_life(database: Database) -> None:
    from hypothesis import settings

    class LifeHere(Life):
        pass

    LifeHere.database = database
    run_state_machine_as_test(LifeHere, settings=settings(max_examples=15, stateful_step_count=10, deadline=None))
