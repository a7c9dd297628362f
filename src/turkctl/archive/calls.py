"""Keep the list of calls: what is left to ask, and what was answered.

An answer and the calls that follow from it are one transaction, so that a run can be ended at any request and goes on
from there.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from turkctl.archive.folder import ArchiveDatabase, upsert
from turkctl.archive.shapes import (
    ASSIGNMENTS,
    BALANCES,
    OPERATIONS,
    START,
    FoundItem,
    Members,
    following,
    items,
)
from turkctl.errors import UsageError
from turkctl.ids import storable

WANTED, ANSWERED, REFUSED, GONE, OUTDATED = "wanted", "answered", "refused", "gone", "outdated"
"""The states of a call. Gone: what it asks about was deleted meanwhile. Outdated: its page token was not accepted any
more, and the listing was begun again."""
MOST_EMPTY = 50
"""Number of consecutive empty pages that no market sends."""
MOST_ATTEMPTS = 3
"""How often a listing is begun in one run."""
MALFORMED = (KeyError, TypeError, ValueError, AttributeError)
"""What reading an answer raises that is none of the API's."""
_URGENCY = {operation: place for place, operation in enumerate(OPERATIONS)}

ReadAnswers = Callable[[str], Mapping[str, str | list[str]]]
"""Returns the answers in an assignment's document by field; raises UsageError or ValueError if it is none."""


@dataclass(frozen=True)
class ArchiveCall:
    """A call that is to be made.

    Attributes:
        number: in the list.
        operation: the API's name.
        members: of the request, without the page token.
        page: 0 for the first page.
        token: the token of a later page.
        attempt: 0 unless the listing was begun again.
        empty: the number of consecutive pages before it without items.
    """

    number: int
    run: int
    operation: str
    members: Members
    page: int
    token: str | None
    attempt: int
    empty: int

    @property
    def request(self) -> Members:
        """Return the members of the request."""
        return self.members if self.token is None else {**self.members, "NextToken": self.token}


@dataclass(frozen=True)
class CallProgress:
    """How many calls of a run are done, of those known so far."""

    done: int
    known: int

    @property
    def left(self) -> int:
        """Return how many of them are to be made."""
        return self.known - self.done


class CallList:
    """The calls of the run that an archive is in."""

    def __init__(self, database: ArchiveDatabase, read_answers: ReadAnswers) -> None:
        self._database = database
        self._read_answers = read_answers
        self.run = int(database.one("SELECT max(number) FROM run") or 0)
        self._known = self._left = 0

    def begin(self, now: str, version: str, *, anew: bool) -> bool:
        """Go on with the last run if it has calls left, else begin a new one; return whether one is resumed.

        Calls that were refused in the last run are asked again.

        Args:
            now: the time.
            version: turkctl's.
            anew: begin a new run whatever the last one left.
        """
        left = self._count(WANTED) + self._count(REFUSED)
        with self._database.write() as connection:
            if left and not anew:
                connection.execute(
                    "UPDATE call SET state = ?, code = NULL, message = NULL WHERE run = ? AND state = ?",
                    (WANTED, self.run, REFUSED),
                )
                self._known, self._left = self._count(None), left
                return True
            connection.execute("UPDATE call SET state = ? WHERE state = ?", (OUTDATED, WANTED))
            self.run += 1
            connection.execute("INSERT INTO run VALUES (?, ?, NULL, ?)", (self.run, now, version))
            for operation, members in START:
                self._want(connection, operation, members)
        return False

    def finish(self, now: str) -> None:
        """Note that nothing is left to ask in this run."""
        with self._database.write() as connection:
            connection.execute("UPDATE run SET ended = ? WHERE number = ?", (now, self.run))

    def next_ones(self, number: int, but: Collection[int]) -> list[ArchiveCall]:
        """Return the most urgent calls that are left, at most this number, without those that are under way."""
        rows = self._database.all(
            "SELECT * FROM call WHERE state = 'wanted' ORDER BY urgency, id LIMIT ?", (number + len(but),)
        )
        found = [
            ArchiveCall(
                row["id"],
                row["run"],
                row["operation"],
                json.loads(row["members"]),
                row["page"],
                row["token"],
                row["attempt"],
                row["empty"],
            )
            for row in rows
            if row["id"] not in but
        ]
        return found[:number]

    def progress(self) -> CallProgress:
        """Return how far the run is."""
        return CallProgress(self._known - self._left, self._known)

    @property
    def has_answers(self) -> bool:
        """Return whether any call of the run was answered."""
        return self._count(ANSWERED) > 0

    def _count(self, state: str | None) -> int:
        counted = "SELECT count(*) FROM call WHERE run = ? AND (? IS NULL OR state = ?)"
        return int(self._database.one(counted, (self.run, state, state)))

    def record(self, outcomes: Iterable[tuple[ArchiveCall, bytes | Refusal]], now: str) -> None:
        """Keep answers and refusals, and enter the calls that follow, in one transaction."""
        with self._database.write() as connection:
            for call, outcome in outcomes:
                if isinstance(outcome, Refusal):
                    self._refused(connection, call, outcome, now)
                else:
                    self._answered(connection, call, outcome, now)

    def give_up(self, operation: str, refusal: Refusal, now: str) -> None:
        """Count all calls left of an operation as refused, without asking."""
        with self._database.write() as connection:
            number = connection.execute(
                "UPDATE call SET state = ?, code = ?, message = ?, at = ?"
                " WHERE run = ? AND operation = ? AND state = ?",
                (REFUSED, refusal.code, storable(refusal.message), now, self.run, operation, WANTED),
            ).rowcount
        self._left -= number

    def _answered(self, connection: Connection, call: ArchiveCall, body: bytes, now: str) -> None:
        try:
            answer = json.loads(body)
            found = items(call.operation, call.members, answer)
            rows = [_row(call, each) for each in found]
            wanted, token = following(found), answer.get("NextToken")
        except MALFORMED as error:
            words = f"it is not an answer of the API: {type(error).__name__}: {error}"
            self._refused(connection, call, Refusal("malformed", words), now)
            return
        empty = 0 if found else call.empty + 1
        if token is not None and (not isinstance(token, str) or token == call.token or empty > MOST_EMPTY):
            self._refused(connection, call, Refusal("malformed", "its pages do not end"), now)
            return
        for each, row in zip(found, rows, strict=True):
            self._enter(connection, each, row)
        if token:
            self._want(
                connection,
                call.operation,
                call.members,
                attempt=call.attempt,
                page=call.page + 1,
                token=token,
                empty=empty,
            )
        for operation, members in wanted:
            self._want(connection, operation, members)
        self._close(connection, call, ANSWERED, now, items=len(found), body=zlib.compress(body, 6))

    def _refused(self, connection: Connection, call: ArchiveCall, refusal: Refusal, now: str) -> None:
        outdated = call.page > 0 and refusal.final and call.attempt + 1 < MOST_ATTEMPTS
        if outdated:  # tokens may not live as long as it takes until a run goes on
            self._want(connection, call.operation, call.members, attempt=call.attempt + 1)
        state = OUTDATED if outdated else GONE if refusal.gone else REFUSED
        self._close(connection, call, state, now, code=refusal.code, message=storable(refusal.message))

    def _close(self, connection: Connection, call: ArchiveCall, state: str, now: str, **values: Any) -> None:
        named = {"items": None, "code": None, "message": None, "body": None, **values}
        was = connection.execute("SELECT state FROM call WHERE id = ?", (call.number,)).fetchone()[0]
        self._left -= was == WANTED
        connection.execute(
            "UPDATE call SET state = :state, at = :at, items = :items, code = :code, message = :message, body = :body"
            " WHERE id = :id",
            {**named, "state": state, "at": now, "id": call.number},
        )

    def _want(
        self,
        connection: Connection,
        operation: str,
        members: Members,
        *,
        attempt: int = 0,
        page: int = 0,
        token: str | None = None,
        empty: int = 0,
    ) -> None:
        """Enter a call, unless it is in the list."""
        row = (self.run, operation, as_key(members), attempt, page, token, empty, _URGENCY[operation], WANTED)
        entered = connection.execute(
            "INSERT OR IGNORE INTO call (run, operation, members, attempt, page, token, empty, urgency, state)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        ).rowcount
        self._known += entered
        self._left += entered

    def _enter(self, connection: Connection, found: FoundItem, row: dict[str, Any]) -> None:
        if found.kind.repeats:
            row["ordinal"] = _same(connection, found, row)
        connection.execute(upsert(found.kind), row)
        if found.kind is ASSIGNMENTS:
            self._enter_answers(connection, row["assignment_id"], found.item.get("Answer"))

    def _enter_answers(self, connection: Connection, assignment_id: str, document: Any) -> None:
        """Unpack the answers of an assignment; a document that cannot be read is kept in the item alone."""
        connection.execute("DELETE FROM answers WHERE assignment_id = ?", (assignment_id,))
        try:
            answers = self._read_answers(document) if isinstance(document, str) else {}
        except (UsageError, ValueError):
            return
        connection.executemany(
            "INSERT INTO answers VALUES (?, ?, ?, ?)",
            [
                (assignment_id, place, storable(field), storable(value if isinstance(value, str) else "|".join(value)))
                for place, (field, value) in enumerate(answers.items())
            ],
        )


def as_key(members: Members) -> str:
    """Return the members of a request as the list of calls has them."""
    return json.dumps(members, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True)
class Refusal:
    """Why a call gave nothing.

    Attributes:
        code: the market's own code.
        message: its text.
        gone: what the call asks about does not exist (any more).
        final: asking the same again would be refused as well.
    """

    code: str
    message: str
    gone: bool = False
    final: bool = False


def _row(call: ArchiveCall, found: FoundItem) -> dict[str, Any]:
    """Return the item as its table has it; a column of the key is never empty of a value."""
    kind = found.kind
    row = {column: found.column(member) for column, member in kind.columns.items()}
    if kind is BALANCES:
        row["run"] = call.run
    row = {name: storable(value) if isinstance(value, str) else value for name, value in row.items()}
    missing = [name for name in kind.key if row.get(name) is None and name.endswith("_id")]
    if missing:
        raise KeyError(", ".join(missing))
    row |= {name: "" for name in kind.key if name in row and row[name] is None}
    place = {"first_run": call.run, "last_run": call.run, "attempt": call.attempt, "page": call.page}
    return {**row, "body": json.dumps(found.item), **place}


def _same(connection: Connection, found: FoundItem, row: Mapping[str, Any]) -> int:
    """Return how many items like this one the same listing had before."""
    compared = [*(name for name in found.kind.key if name != "ordinal"), "last_run", "attempt"]
    wheres = " AND ".join(f"{name} = :{name}" for name in compared)
    statement = f"SELECT count(*) FROM {found.kind.table} WHERE {wheres}"  # noqa: S608  # names are ours
    return int(connection.execute(statement, row).fetchone()[0])


def refusals(database: ArchiveDatabase, run: int) -> Sequence[Mapping[str, Any]]:
    """Return what is missing of a run: operation, code, message of one of the calls, and their number."""
    rows = database.all(
        "SELECT operation, code, min(message) AS message, count(*) AS calls FROM call"
        " WHERE run = ? AND state = ? GROUP BY operation, code ORDER BY operation, code",
        (run, REFUSED),
    )
    return [dict(row) for row in rows]
