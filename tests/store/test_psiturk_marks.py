"""What lies before a mark is not read again, and whatever may have come in before it takes the mark's force away."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rows import ELSEWHERE, HERE, NOW, make_hit
from sqlalchemy import event, insert, text
from sqlmodel import Session

from turkctl.store import hits, psiturk_hits, psiturk_marks
from turkctl.store.engine import Database
from turkctl.store.participants import participants_table
from turkctl.store.psiturk_hits import NamedHits

TABLE = "assignments"


def come(session: Session, *hit_ids: str, mode: str = "local") -> None:
    """Let a participant of each HIT come."""
    for hit in hit_ids:
        row = {"uniqueid": f"W:{hit}", "assignmentid": f"A-{hit}", "workerid": "W", "hitid": hit, "mode": mode}
        session.connection().execute(insert(participants_table(TABLE)).values(row))


def run(session: Session, *statements: str) -> None:
    for statement in statements:
        session.connection().execute(text(statement))


def search(database: Database) -> NamedHits:
    """Look as a command does: know what is found, and remember up to where."""
    with database.write() as session:
        found = psiturk_hits.named(session, HERE, TABLE)
        psiturk_hits.remember_absent(session, HERE, found.new, NOW, closed=set(found.new), before=NOW)
        if found.searched.end is not None:
            psiturk_marks.save(session, HERE, TABLE, found.searched.end)
    return found


def reads_all(database: Database) -> bool:
    """Whether a look at psiTurk's ids reads the whole participants table, by the statements that it makes."""
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    with database.read() as session:
        psiturk_hits.named(session, HERE, TABLE)
    (searching,) = (each for each in statements if "DISTINCT" in each and TABLE in each)
    return "rowid >" not in searching


def test_what_was_searched_is_not_read_again(database: Database) -> None:
    with database.write() as session:
        come(session, "3H1", "3H2")
    assert search(database).new == ("3H1", "3H2")
    sqlite = database.dialect == "sqlite"
    assert reads_all(database) is not sqlite, "PostgreSQL numbers no rows"
    with database.write() as session:
        come(session, "3H2b", "3H3")
        come(session, "3LIVE", mode="live")
    assert reads_all(database) is not sqlite
    assert search(database).new == ("3H2b", "3H3")
    assert search(database).new == ()
    with database.read() as session:
        assert psiturk_hits.named(session, ELSEWHERE, TABLE).searched.begin is None, "every market by itself"
        assert psiturk_hits.names(session, HERE, TABLE, ["3H1", "3H3", "3OTHER"]) == {"3H1", "3H3"}


def deleted_last(session: Session) -> None:
    run(session, "DELETE FROM assignments WHERE hitid = '3H3'")
    come(session, "3NEW")


def deleted_several(session: Session) -> None:
    run(session, "DELETE FROM assignments WHERE hitid IN ('3H2', '3H3')")
    come(session, "3NEW", "3H2")


def deleted_and_more_came(session: Session) -> None:
    run(session, "DELETE FROM assignments WHERE hitid = '3H3'")
    come(session, "3NEW", "3H4", "3H5")


def written_anew(session: Session) -> None:
    run(session, "CREATE TABLE kept AS SELECT * FROM assignments WHERE hitid <> '3H1'", "DELETE FROM assignments")
    come(session, "3NEW")
    run(session, "INSERT INTO assignments SELECT * FROM kept", "DROP TABLE kept")
    run(session, "DELETE FROM assignments WHERE hitid = '3H2'")
    come(session, "3H6")


def emptied(session: Session) -> None:
    run(session, "DELETE FROM assignments")
    come(session, "3NEW")


@pytest.mark.parametrize(
    "change",
    [deleted_last, deleted_several, deleted_and_more_came, written_anew, emptied],
    ids=lambda each: each.__name__,
)
def test_a_row_that_takes_the_place_of_a_deleted_one_is_noticed(
    database: Database, change: Callable[[Session], None]
) -> None:
    with database.write() as session:
        come(session, "3H1", "3H2", "3H3")
    search(database)
    with database.write() as session:
        change(session)
    assert "3NEW" in search(database).new


def test_a_table_that_numbers_no_rows_is_searched_as_a_whole(empty: Database) -> None:
    from turkctl.store import schema

    if empty.dialect != "sqlite":
        pytest.skip("SQLite's own")
    with empty.write() as session:
        run(session, "CREATE TABLE assignments (uniqueid TEXT PRIMARY KEY, hitid TEXT, mode TEXT) WITHOUT  ROWID")
        run(session, "INSERT INTO assignments VALUES ('W:A', '3H1', 'local')")
    schema.upgrade(empty)
    assert search(empty).new == ("3H1",)
    assert reads_all(empty)


def test_with_an_index_the_ids_are_read_from_it_whatever_their_mode(database: Database) -> None:
    with database.write() as session:
        run(session, "CREATE INDEX by_hit ON assignments (hitid)")
        hits.insert(session, make_hit("OURS"))
        come(session, "OURS", "3H1")
        come(session, "3LIVE", mode="live")
    assert search(database).new == ("3H1",)
