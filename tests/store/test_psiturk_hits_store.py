"""psiTurk's ids and HITs in the store, on both databases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from psiturk_study import HITS as AMT_HIT
from rows import ELSEWHERE, HERE, HOUR, NOW, make_assignment, make_hit
from sqlalchemy import column, insert, table, text
from sqlmodel import Session

from turkctl.operations.experiments import people as counting
from turkctl.store import assignments, experiments, hits, psiturk, psiturk_hits, schema
from turkctl.store.base import Place
from turkctl.store.engine import Database
from turkctl.store.hits import HITS, HitFilter
from turkctl.store.participants import participants_table
from turkctl.store.psiturk_hits import LOOKED, NamedHits

TABLE = "assignments"
MINUTE = timedelta(minutes=1)


def theirs(session: Session, *hit_ids: str) -> None:
    AMT_HIT.create(session.connection(), checkfirst=True)
    if hit_ids:
        session.connection().execute(AMT_HIT.insert(), [{"hitid": each} for each in hit_ids])


def participant(session: Session, worker: str, hit: str, status: int = 4, **values: object) -> None:
    row = {"uniqueid": f"{worker}:{hit}", "assignmentid": f"A-{worker}-{hit}", "workerid": worker, "hitid": hit}
    row |= {"status": status, "codeversion": "1.0", "mode": "local"}
    session.connection().execute(insert(participants_table(TABLE)).values(row | values))


def configure(session: Session, slug: str, version: str) -> int:
    experiments.save_version(
        session, slug, code_version=version, digest=slug + version, settings={}, source="x", now=NOW
    )
    found = experiments.by_slug(session, slug)
    assert found is not None
    return found.experiment_id


def look(database: Database, place: Place = HERE) -> NamedHits:
    with database.read() as session:
        return psiturk_hits.named(session, place, TABLE)


def remember(database: Database, ids: Sequence[str], now: datetime, *closed: str) -> None:
    with database.write() as session:
        psiturk_hits.remember_absent(session, HERE, ids, now, closed=set(closed), before=now - 10 * MINUTE)


def test_a_database_without_psiturks_table_names_what_participants_of_the_mode_do(database: Database) -> None:
    assert look(database) == NamedHits((), (), first=False)
    with database.write() as session:
        hits.insert(session, make_hit("OURS"))
        hits.insert(session, make_hit("AWAY", mode=ELSEWHERE.mode, market=ELSEWHERE.market))
        for number, hit in enumerate(("OURS", "AWAY", "3H1", "3H1")):
            participant(session, f"W{number}", hit)
        participant(session, "W9", "3LIVE", mode="live")
    assert look(database) == NamedHits(("3H1",), (), first=False)


def test_what_was_asked_for_is_new_no_more_and_asked_again_while_it_is_young(database: Database) -> None:
    with database.write() as session:
        theirs(session, "3H1", "3H2", "3H3")
    assert look(database) == NamedHits(("3H1", "3H2", "3H3"), (), first=True)
    remember(database, ["3H1", "3H2", LOOKED], NOW, "3H1", LOOKED)
    assert look(database) == NamedHits(("3H3",), ("3H2",), first=False)
    assert look(database, ELSEWHERE).first, "every market is asked by itself"
    remember(database, ["3H2"], NOW + 9 * MINUTE)
    assert look(database).again == ("3H2",)
    remember(database, ["3H2"], NOW + 10 * MINUTE)
    assert look(database) == NamedHits(("3H3",), (), first=False)


def test_many_ids_are_remembered_at_once(database: Database) -> None:
    ids = [f"3H{number}" for number in range(1200)]
    with database.write() as session:
        theirs(session, *ids)
    remember(database, ids, NOW, *ids)
    assert look(database).new == ()


def test_the_first_participant_says_the_version(database: Database) -> None:
    with database.write() as session:
        participant(session, "W1", "3H1", codeversion="2.0", beginhit=NOW.replace(tzinfo=None))
        participant(session, "W2", "3H1", codeversion="1.0", beginhit=(NOW - HOUR).replace(tzinfo=None))
        participant(session, "W3", "3H1", codeversion="0.1", beginhit=None)
        participant(session, "W4", "3H1", codeversion="0.2", mode="live", beginhit=None)
        participant(session, "W5", "3H2", codeversion=None)
        assert psiturk_hits.first_versions(session, TABLE, "local", ["3H1", "3H2"]) == {"3H1": "1.0"}
        assert psiturk_hits.first_versions(session, "nobody_made_it", "local", ["3H1"]) == {}
        assert psiturk_hits.versions(session, TABLE, "local", "3H1") == {"2.0", "1.0", "0.1"}


def test_the_imported_experiment_is_the_one_that_was_remembered_else_that_of_its_campaigns(database: Database) -> None:
    with database.write() as session:
        configure(session, "stroop", "1.0")
        two = configure(session, "flanker", "2.0")
        assert psiturk_hits.imported_experiment(session) is None
        psiturk.remember(session, psiturk.EXPERIMENT, "flanker")
        assert psiturk_hits.imported_experiment(session) == two
        assert psiturk_hits.past_owners(session, "2.0") == [two]


@pytest.mark.parametrize(("version", "counted"), [(None, (9, 9)), ("1.0", (9, 0)), ("2.0", (0, 9))])
def test_what_is_nobodys_counts_for_every_experiment_of_its_version(
    database: Database, version: str | None, counted: tuple[int, int]
) -> None:
    with database.write() as session:
        one, two = configure(session, "stroop", "1.0"), configure(session, "flanker", "2.0")
        hits.insert(session, make_hit("H1", origin=hits.PSITURK, code_version=version))
        hits.insert(session, make_hit("H2"))
        found = [counting.outstanding(session, HERE, *pair, NOW) for pair in ((one, "1.0"), (two, "2.0"))]
        assert tuple(found) == counted
        assert psiturk_hits.unassigned(session, HERE) == ["H1"]
        (row,) = psiturk_hits.rows_of_psiturk(session, HERE, adopted=False)
        psiturk_hits.assign(session, row, two, "2.0", adopted=True)
        assert counting.outstanding(session, HERE, two, "2.0", NOW) == 9
        assert psiturk_hits.unassigned(session, HERE) == []
        assert psiturk_hits.rows_of_psiturk(session, HERE, adopted=False) == []


def test_rows_of_a_hit_of_psiturks_that_is_gone_count_beside_its_work(database: Database) -> None:
    with database.write() as session:
        one = configure(session, "stroop", "1.0")
        owned = {"experiment_id": one, "code_version": "1.0", "disposed_at": NOW}
        hits.insert(session, make_hit("H1", origin=hits.PSITURK, **owned))
        hits.insert(session, make_hit("H2", **owned))
        assignments.upsert_many(session, [make_assignment("A-W1-H1", worker_id="W1")])
        for worker, hit in (("W1", "H1"), ("W2", "H1"), ("W3", "H2")):
            participant(session, worker, hit)
        assert counting.completed(session, HERE, one, "1.0") == 2


def test_hits_that_an_import_entered_become_psiturks_with_the_upgrade(empty: Database) -> None:
    from alembic import command

    with empty.write() as session:
        theirs(session, "IMPORTED", "OTHERS")
    with schema._migrating(empty) as connection:
        settings = schema.config()
        settings.attributes["connection"] = connection
        command.upgrade(settings, "0008")
        names = [
            each.name for each in HITS.columns if each.name not in ("id", "origin", "adopted", "first_version", "fee")
        ]
        before = table("turkctl_hit", *(column(name, HITS.c[name].type) for name in names))
        for hit_id in ("IMPORTED", "OURS"):
            values = make_hit(hit_id).checked(without="id")
            connection.execute(insert(before).values({name: values[name] for name in names}))
        command.upgrade(settings, "head")
        connection.execute(text("INSERT INTO turkctl_meta (key, value) VALUES ('database_id', 'x')"))
    with empty.read() as session:
        found = {row.hit_id: row.origin for row in hits.select_hits(session, HitFilter(HERE))}
    assert found == {"IMPORTED": "psiturk", "OURS": "turkctl"}
