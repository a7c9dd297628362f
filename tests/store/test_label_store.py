from __future__ import annotations

import pytest
from rows import HERE, HOUR, NOW, make_assignment, make_hit
from sqlalchemy import event, update

from turkctl.store import assignments, experiments, hits, label_answers, label_results, label_state, label_votes
from turkctl.store.base import add
from turkctl.store.engine import Database
from turkctl.store.label_votes import LabelAnswer, Narrowed, Vote
from turkctl.store.labels import STATES

OF = (1, "local")


@pytest.fixture
def labelled(database: Database) -> Database:
    """Two experiments, the first with a HIT; no label yet."""
    with database.write() as session:
        for slug in ("birds", "cats"):
            experiments.save_version(
                session, slug, code_version="1", digest=slug, settings={}, source="turkctl.toml", now=NOW
            )
        add(session, make_hit("H1", experiment_id=1))
        label_state.ensure(session, *OF, NOW)
    return database


def state(database: Database) -> label_state.State:
    with database.read() as session:
        found = label_state.get(session, *OF)
    assert found is not None
    return found


def answer(item: str, worker: str, value: str, **changes: object) -> LabelAnswer:
    values = {"market": HERE.market, "assignment_id": f"A-{worker}", "at": NOW, "rejected": False} | changes
    return LabelAnswer(item=item, worker=worker, value=value, **values)  # type: ignore[arg-type]  # as a test names them


def counted(database: Database) -> list[tuple[str, str, str]]:
    with database.read() as session:
        return [tuple(row) for row in label_votes.counted(session, *OF)]


def test_a_run_that_begins_clears_the_mark_and_what_comes_meanwhile_sets_it_again(labelled: Database) -> None:
    with labelled.write() as session:
        label_state.clear(session, *OF)
        run = label_results.begin(session, *OF, "cubam", NOW)
    assert state(labelled).dirty is None
    with labelled.write() as session:
        label_state.mark_dirty(session, *OF, NOW)
        label_state.stand(session, *OF, run)
    after = state(labelled)
    assert (after.dirty, after.run_id) == (NOW, run)


def test_a_run_is_unended_until_it_says_how_it_ended(labelled: Database) -> None:
    with labelled.write() as session:
        run = label_results.begin(session, *OF, "cubam", NOW)
        assert label_results.unended(session, "local") == {1}
        assert label_results.unended(session, "live") == set()
        label_results.end(session, run, label_results.FAILED, NOW)
        assert label_results.unended(session, "local") == set()


def test_only_experiments_with_labels_are_marked_and_each_mode_by_itself(labelled: Database) -> None:
    with labelled.write() as session:
        session.connection().execute(update(STATES).values(dirty=None))
        label_state.mark_dirty_by_slug(session, {"birds", "cats"}, "sandbox", NOW)
        assert label_state.all_of(session, "sandbox") == {}
        label_state.mark_dirty_by_slug(session, {"birds", "cats"}, "local", NOW)
    assert state(labelled).dirty == NOW
    with labelled.read() as session:
        assert set(label_state.all_of(session, "local")) == {1}


def test_the_last_label_of_a_worker_on_an_item_comes_last_whenever_it_was_stored(labelled: Database) -> None:
    with labelled.write() as session:
        later = answer("i1", "w1", "yes", assignment_id="A2", at=NOW + HOUR)
        label_votes.put_answers(session, *OF, [later])
        label_votes.put_answers(session, *OF, [answer("i1", "w1", "no", assignment_id="A1")])
        label_votes.put_imported(session, *OF, [Vote("i1", "w1", "maybe")], NOW - HOUR)
    assert [value for _, _, value in counted(labelled)] == ["maybe", "no", "yes"]


def test_what_was_taken_out_stays_out_when_its_answer_is_read_again(labelled: Database) -> None:
    with labelled.write() as session:
        label_votes.put_answers(session, *OF, [answer("i1", "w1", "yes"), answer("i2", "w1", "no")])
        assert label_votes.set_invalid(session, *OF, Narrowed(item="i1"), to=True) == 1
        label_votes.forget_answers(session, *OF)
    assert counted(labelled) == []
    with labelled.write() as session:
        label_votes.put_answers(session, *OF, [answer("i1", "w1", "no"), answer("i2", "w1", "no")])
    assert counted(labelled) == [("i2", "w1", "no")]


def test_rejecting_an_assignment_takes_its_labels_and_says_of_which_experiments(labelled: Database) -> None:
    with labelled.write() as session:
        assignments.upsert_many(session, [make_assignment("A-w1", worker_id="w1"), make_assignment("A-w2")])
        label_votes.put_answers(session, *OF, [answer("i1", "w1", "yes"), answer("i1", "w2", "no")])
        assert label_votes.set_rejected(session, HERE, ["A-w1", "unknown"], to=True) == {1}
        assert label_votes.set_rejected(session, HERE, ["A-w1"], to=True) == set()
    assert counted(labelled) == [("i1", "w2", "no")]
    with labelled.write() as session:
        assert label_votes.set_rejected(session, HERE, ["A-w1"], to=False) == {1}
    assert len(counted(labelled)) == 2


def test_work_is_read_after_a_row_and_that_of_other_experiments_and_modes_is_not(labelled: Database) -> None:
    with labelled.write() as session:
        add(session, make_hit("H2", experiment_id=2))
        assignments.upsert_many(session, [make_assignment("A1", answers={"bird": "yes"})])
        assignments.upsert_many(session, [make_assignment("A2", hit_id="H2"), make_assignment("A3", status="Rejected")])
        first, second = label_answers.read_after(session, *OF, 0, 10)
        assert (first.assignment_id, first.answers, first.rejected) == ("A1", {"bird": "yes"}, False)
        assert (second.assignment_id, second.rejected, second.hit_id) == ("A3", True, "H1")
        assert label_answers.read_after(session, *OF, first.row, 10) == [second]
        assert label_answers.read_after(session, 1, "sandbox", 0, 10) == []
        assert label_answers.last_row(session) >= second.row
        row = hits.select_hits(session, hits.HitFilter(HERE, ids=("H1",)))[0].row
        assert label_answers.keys_shown(session, [row]) == {}


def put_run(database: Database, label: str) -> int:
    """A finished run of one item, which stands."""
    with database.write() as session:
        run = label_results.begin(session, *OF, "cubam", NOW)
        facts = {"score": 1.0, "p": 0.9, "n": 5, "n_true": 4}
        label_results.put_items(session, [{"run_id": run, "item": "i1", "label": label, **facts}])
        label_results.put_workers(session, [{"run_id": run, "worker_id": "w1", "facts": {"n": 1}}])
        label_state.stand(session, *OF, run)
        label_results.end(session, run, label_results.DONE, NOW, facts={}, changes={})
    return run


def test_a_label_set_by_hand_stands_beside_every_run_and_alone(labelled: Database) -> None:
    put_run(labelled, "true")
    with labelled.write() as session:
        for item in ("i1", "i2"):
            label_results.set_admin(session, *OF, item, "true", NOW)
            label_results.set_admin(session, *OF, item, "false", NOW)
    put_run(labelled, "true")
    with labelled.write() as session:
        shown = [label_results.get_item(session, *OF, item) for item in ("i1", "i2", "i3")]
        assert [each and (each.label, each.method, each.n) for each in shown] == [
            ("false", "admin", 5),
            ("false", "admin", 0),
            None,
        ]
        assert [each.item for each in label_results.list_waiting(session, *OF)] == ["i2"]
        assert label_results.clear_admin(session, *OF, "i1")
        assert not label_results.clear_admin(session, *OF, "i1")
        again = label_results.get_item(session, *OF, "i1")
    assert again is not None
    assert (again.label, again.method) == ("true", "cubam")


def test_what_runs_before_the_last_two_found_is_removed_and_of_runs_that_never_ended(labelled: Database) -> None:
    runs = [put_run(labelled, label) for label in ("true", "false", "true")]
    with labelled.write() as session:
        dead = label_results.begin(session, *OF, "cubam", NOW)
        label_results.put_items(session, [{"run_id": dead, "item": "i1", "label": None, "n": 1, "n_true": 0}])
        assert label_results.outdated(session, *OF) == [runs[0]]
        label_results.end_abandoned(session, *OF, NOW)
        old = label_results.outdated(session, *OF)
        assert old == [dead, runs[0]]
        while label_results.remove_some(session, old):
            pass
        past = label_results.past_items(session, *OF, "i1")
        assert [(run.id, label) for run, label, _ in past] == [(runs[2], "true"), (runs[1], "false")]
        assert label_results.list_workers(session, runs[0]) == []
        assert label_results.list_workers(session, runs[2], ["w1"]) == [{"worker": "w1", "n": 1}]
        listed = label_results.list_runs(session, "local", None, None)
    assert [run.status for run in listed] == ["interrupted", "done", "done", "done"]


def test_sqlite_reads_a_page_of_labels_where_the_last_one_ended_and_sorts_nothing(labelled: Database) -> None:
    if labelled.dialect != "sqlite":
        pytest.skip("PostgreSQL reads a table this small without an index")
    asked: list[tuple[str, tuple[object, ...]]] = []
    with labelled.read() as session:
        connection = session.connection()
        event.listen(connection, "before_cursor_execute", lambda *call: asked.append((call[2], call[3])))
        label_votes.list_page(session, "local", 1, Narrowed(only_counting=True), 5)
        statement, values = asked[-1]
        plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all())
    assert "ix_turkctl_label_listed (experiment_id=? AND mode=? AND id>?)" in plan
    assert "TEMP B-TREE" not in plan
