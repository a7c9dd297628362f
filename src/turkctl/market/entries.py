"""Let people in who are sent by a panel (SONA, Moodle, Qualtrics), which names each in the address that it opens.

An entry is such an address. Its key is random, but the ids that panels give can be guessed: an id lets nobody in who
has a password, and a session that began with one opens less than others (see the worker site).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

from sqlalchemy import Row, func, or_, select

from turkctl.errors import NotFoundError, UsageError
from turkctl.harmless import hides_characters
from turkctl.ids import is_text, storable
from turkctl.market import corrections, people, rules, tables, workers
from turkctl.market.errors import WorkError
from turkctl.market.given_text import checked_text
from turkctl.market.tx import Tx, to_ms, when
from turkctl.newcomers import NewEntry, NewPerson
from turkctl.words import known_name

LONGEST_VALUE = 300
"""Characters of what a panel sends in one parameter, at most."""
LONGEST_URL = 2000
MOST_PARAMETERS = 20
MOST_VISITS = 50
"""Visits of a person by one entry that are kept; what a panel sends after that is ignored."""
MOST_IDS = 50
"""Ids of one panel that can belong to one person: nobody collects those of others."""
CODE = "code"
"""The placeholder of the completion code in the address that people return to."""
_KEY_BYTES = 24
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}", re.ASCII)
_PARAMETER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", re.ASCII)
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_UNFILLED = re.compile(r"%.*%|\$?\{.*\}|<.*>|\[.*\]|…", re.DOTALL)
"""Matches what panels write in place of an id in an address that they should have filled in."""
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Digits and letters that nobody takes for one another."""
_ENTRY, _MEMBER, _VISIT, _TAKEN = tables.entry.c, tables.panel_member.c, tables.entry_visit.c, tables.assignment.c


@dataclass(frozen=True)
class Entry:
    """An entry as it is stored.

    Attributes:
        people: how many came by it; None where nobody asks, since counting takes longer the more there are.
    """

    id: str
    name: str
    panel: str
    key: str
    parameters: tuple[str, ...]
    done_url: str | None
    code: str | None
    groups: tuple[str, ...]
    locale: str
    created: datetime
    until: datetime | None
    removed: datetime | None
    people: int | None
    secret: str = field(repr=False)

    @property
    def path(self) -> str:
        """Return the path of its address on the worker site."""
        return f"/worker/enter/{self.panel}/{self.key}"


@dataclass(frozen=True)
class PanelMember:
    """Somebody whom a panel sends, as far as the market knows them.

    Attributes:
        entry: by which they come.
        panel_id: what the panel calls them.
        worker_id: who they are here; None: they come for the first time.
    """

    entry: Entry
    panel_id: str
    worker_id: str | None


@dataclass(frozen=True)
class WayBack:
    """What somebody from a panel gets for an assignment: the code, and the address to return to."""

    panel: str
    code: str
    url: str | None


@dataclass(frozen=True)
class CodeRow:
    """The code of one assignment that was handed in by somebody who came by an entry."""

    code: str
    status: str
    submitted: datetime | None
    worker_id: str
    panel_id: str
    assignment_id: str


# Whoever runs the market


def add(tx: Tx, new: NewEntry) -> Entry:
    """Make an entry.

    Raises:
        UsageError: something of it is not usable, or the name is taken.
    """
    name = _slug(new.name, "entry")
    panel = name if new.panel is None else _slug(new.panel, "panel")
    _check_parameters(new.parameters)
    if new.done_url is not None:
        check_done_url(new.done_url, new.parameters)
    if new.code is not None:
        checked_text(new.code, "code")
    if new.until is not None and to_ms(new.until) <= tx.now:
        raise UsageError("the entry would have ended already", hint="give a later --until")
    workers.check_locale(new.locale)
    if any(each.name == name and each.removed is None for each in listed(tx)):
        raise UsageError(f"there is an entry '{new.name}' already", hint="choose another name, or remove that one")
    row = {
        "id": tx.random_id(12, "E"),
        "environment": tx.environment,
        "name": name,
        "panel": panel,
        "key": secrets.token_urlsafe(_KEY_BYTES),
        "parameters": json.dumps(new.parameters),
        "done_url": new.done_url,
        "code": new.code,
        "secret": secrets.token_hex(32),
        "groups": people.groups_text(new.groups),
        "locale": new.locale,
        "created_at": tx.now,
        "ends_at": None if new.until is None else to_ms(new.until),
    }
    tx.run(tables.entry.insert(), row)
    return named(tx, name)


def _slug(text: str, words: str) -> str:
    if _NAME.fullmatch(text) is None:
        raise UsageError(
            f"the name of the {words} cannot be '{text[:40]}'",
            hint="use small letters, digits, '-', '_' and '.', at most 32 of them",
        )
    return text


def _check_parameters(names: Sequence[str]) -> None:
    if not names or len(names) > MOST_PARAMETERS:
        raise UsageError("an entry reads 1 to 20 parameters", hint="name the one with the person's id: --parameter ID")
    for name in names:
        if _PARAMETER.fullmatch(name) is None or name == CODE:
            raise UsageError(
                f"'{name}' cannot be the name of a parameter",
                hint=f"use letters, digits, '_', '-' and '.', at most 64 of them; {CODE} is the completion code",
            )
    if len({*names}) != len(names):
        raise UsageError("a parameter is named twice", hint="give each --parameter once")


def check_done_url(url: str, parameters: Sequence[str]) -> None:
    """Raise UsageError if people cannot return to an address, or if its host would be what a panel sends."""
    hint = "write it as https://HOST/PATH?id={PARAMETER}"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if host is None or parts.scheme not in ("http", "https") or port == 0 or "@" in parts.netloc or "\\" in url:
        raise UsageError(f"'{url[:100]}' is not an address of the web", hint=hint)
    if len(url) > LONGEST_URL or hides_characters(url) or " " in url or not is_text(url):
        raise UsageError("the address to return to is too long, or has blanks in it", hint=hint)
    if "{" in parts.netloc or "}" in parts.netloc:
        raise UsageError("the host of the address to return to cannot be a parameter", hint=hint)
    for name in _PLACEHOLDER.findall(url):
        known_name(name, (*parameters, CODE), "placeholder for a parameter of the entry")
    if {*"{}"} & {*_PLACEHOLDER.sub("", url)}:
        raise UsageError("the address to return to has a brace without its other one", hint=hint)


def listed(tx: Tx) -> list[Entry]:
    """Return all entries in the order in which they were made."""
    rows = tx.all(select(tables.entry).where(_ENTRY.environment == tx.environment).order_by(_ENTRY.seq))
    came = _people_of(tx, [row.id for row in rows])
    return [_entry(row, came.get(row.id, 0)) for row in rows]


def named(tx: Tx, name: str) -> Entry:
    """Return the entry with this name that was made last.

    Raises:
        NotFoundError: there is none.
    """
    mine = (_ENTRY.environment == tx.environment, _ENTRY.name == storable(name))
    row = tx.first(select(tables.entry).where(*mine).order_by(_ENTRY.seq.desc()).limit(1))
    if row is None:
        raise NotFoundError(f"there is no entry '{name[:40]}'", hint="see: turkctl market entries list")
    return _entry(row, _people_of(tx, [row.id]).get(row.id, 0))


def _people_of(tx: Tx, entry_ids: Sequence[str]) -> dict[str, int]:
    """Return how many people came by each of these entries, without those by which nobody came."""
    number = func.count(func.distinct(_VISIT.worker_id)).label("number")
    found = select(_VISIT.entry_id, number).where(_VISIT.entry_id.in_(entry_ids)).group_by(_VISIT.entry_id)
    return {row.entry_id: row.number for row in tx.all(found)}


def _entry(row: Row[Any], people_came: int | None = None) -> Entry:
    return Entry(
        row.id,
        row.name,
        row.panel,
        row.key,
        tuple(json.loads(row.parameters)),
        row.done_url,
        row.code,
        tuple(json.loads(row.groups)),
        row.locale,
        when(row.created_at),
        None if row.ends_at is None else when(row.ends_at),
        None if row.removed_at is None else when(row.removed_at),
        people_came,
        row.secret,
    )


def remove(tx: Tx, names: Sequence[str]) -> int:
    """End entries, and return how many were not ended before. People who came by them stay, with their way back.

    Raises:
        NotFoundError: there is no such entry; then none is ended.
    """
    found = [named(tx, name) for name in dict.fromkeys(names)]
    open_ones = [each.id for each in found if each.removed is None]
    tx.run(tables.entry.update().where(_ENTRY.id.in_(open_ones)).values(removed_at=tx.now))
    return len(open_ones)


# People who come in


def look(tx: Tx, panel: str, key: str, given: Mapping[str, str]) -> PanelMember:
    """Return who comes by an entry with these parameters of its address.

    Raises:
        WorkError: NoEntry, whatever is wrong with the address; NoParameter if the panel did not say who it is.
    """
    row = tx.first(select(tables.entry).where(_ENTRY.environment == tx.environment, _ENTRY.key == key))
    over = row is None or row.removed_at is not None or (row.ends_at is not None and row.ends_at <= tx.now)
    if row is None or over or row.panel != panel:
        raise WorkError("NoEntry", "This address does not exist, or has ended.")
    entry = _entry(row)
    panel_id = given.get(entry.parameters[0], "").strip()
    if not panel_id or _UNFILLED.fullmatch(panel_id) or not _is_value(panel_id):
        raise WorkError(
            "NoParameter",
            f"The address does not say who you are: {entry.parameters[0]} is missing in it, or was not filled in.",
        )
    same = (_MEMBER.environment == tx.environment, _MEMBER.panel == panel, _MEMBER.panel_id == panel_id)
    known = tx.first(select(_MEMBER.worker_id).where(*same))
    return PanelMember(entry, panel_id, None if known is None else known.worker_id)


def _is_value(text: str) -> bool:
    return len(text) <= LONGEST_VALUE and not hides_characters(text) and is_text(text)


def enter(tx: Tx, panel: str, key: str, given: Mapping[str, str], worker_id: str | None = None) -> str:
    """Come in by an entry, and return the worker id.

    Args:
        tx: the transaction.
        panel: of the address.
        key: of the address.
        given: the parameters of the address.
        worker_id: of somebody who is signed in; they stay who they are. If nobody had the panel's id, it is theirs.

    Raises:
        WorkError: NoEntry, NoParameter, TooManyIds; SignIn if the id is that of somebody with a password.
    """
    member = look(tx, panel, key, given)
    entry = member.entry
    who = worker_id or member.worker_id
    if worker_id is None and who is not None:
        person = people.by_worker(tx, who)
        if person is None:
            raise WorkError("NoEntry", "This address does not exist, or has ended.")
        if person.name is not None:
            raise WorkError("SignIn", "You chose a name and a password: sign in with them.")
    if worker_id is not None and member.worker_id is None and _ids(tx, panel, worker_id) >= MOST_IDS:
        raise WorkError("TooManyIds", "You have come in with too many ids already.")
    if who is None:
        who = people.add(tx, NewPerson(groups=entry.groups, locale=entry.locale))
    else:
        people.add_groups(tx, who, entry.groups)
    if member.worker_id is None:
        row = {"environment": tx.environment, "panel": panel, "panel_id": member.panel_id, "worker_id": who}
        tx.run(tables.panel_member.insert(), row | {"made": int(worker_id is None), "created_at": tx.now})
    _note_visit(tx, member, who, given)
    return who


def _ids(tx: Tx, panel: str, worker_id: str) -> int:
    theirs = (_MEMBER.environment == tx.environment, _MEMBER.worker_id == worker_id, _MEMBER.panel == panel)
    return int(tx.connection.execute(select(func.count()).where(*theirs)).scalar_one())


def _note_visit(tx: Tx, member: PanelMember, worker_id: str, given: Mapping[str, str]) -> None:
    """Remember what the panel sent, unless it sent the same the last time."""
    sent = {name: given[name] for name in member.entry.parameters[1:] if _is_value(given.get(name, "\n"))}
    text = json.dumps({member.entry.parameters[0]: member.panel_id, **sent}, ensure_ascii=False)
    mine = (_VISIT.environment == tx.environment, _VISIT.worker_id == worker_id)
    last = tx.first(select(tables.entry_visit).where(*mine).order_by(_VISIT.seq.desc()).limit(1))
    if last is not None and (last.entry_id, last.parameters) == (member.entry.id, text):
        return
    kept = select(func.count()).where(*mine, _VISIT.entry_id == member.entry.id)
    if tx.connection.execute(kept).scalar_one() >= MOST_VISITS:
        return
    row = {"environment": tx.environment, "entry_id": member.entry.id, "worker_id": worker_id}
    tx.run(tables.entry_visit.insert(), row | {"panel_id": member.panel_id, "parameters": text, "at": tx.now})


def is_made_by_panel(tx: Tx, worker_id: str) -> bool:
    """Return whether a worker was made when a panel sent them, so that all they have done is known by its id."""
    mine = (_MEMBER.environment == tx.environment, _MEMBER.worker_id == worker_id, _MEMBER.made == 1)
    return tx.first(select(_MEMBER.seq).where(*mine).limit(1)) is not None


# After the work


def way_back(tx: Tx, assignment_id: str) -> WayBack | None:
    """Return the code and the way back of an assignment that was handed in; None if its worker came otherwise."""
    taken = tx.first(select(tables.assignment).where(_TAKEN.id == assignment_id))
    if taken is None or not (taken.status in rules.VISIBLE or corrections.is_kept(taken)):
        return None
    before = (_VISIT.environment == tx.environment, _VISIT.worker_id == taken.worker_id, _VISIT.at <= taken.accepted_at)
    visit = tx.first(select(tables.entry_visit).where(*before).order_by(_VISIT.seq.desc()).limit(1))
    row = None if visit is None else tx.first(select(tables.entry).where(_ENTRY.id == visit.entry_id))
    if visit is None or row is None:
        return None
    code = code_of(row.secret, row.code, assignment_id)
    url = None if row.done_url is None else filled(row.done_url, json.loads(visit.parameters) | {CODE: code})
    return WayBack(row.panel, code, url)


def code_of(secret: str, fixed: str | None, assignment_id: str) -> str:
    """Return the completion code of an assignment: everybody's, or one that nobody can make without the secret."""
    if fixed is not None:
        return fixed
    number = int.from_bytes(hmac.digest(secret.encode(), assignment_id.encode(), hashlib.sha256)[:8])
    letters = "".join(_LETTERS[(number >> 5 * place) & 31] for place in range(10))
    return f"{letters[:5]}-{letters[5:]}"


def filled(url: str, values: Mapping[str, str]) -> str:
    """Return the address with its placeholders replaced, so that no value can be more than a part of it."""
    return _PLACEHOLDER.sub(lambda found: quote(values.get(found[1], ""), safe=""), url)


def codes(tx: Tx, name: str) -> list[CodeRow]:
    """Return the codes of all assignments that were handed in by people who came by this entry, in their order.

    Raises:
        NotFoundError: there is no such entry.
    """
    entry = named(tx, name)
    came = select(_VISIT.worker_id).where(_VISIT.entry_id == entry.id)
    visits: dict[str, list[Row[Any]]] = {}
    for visit in tx.all(select(tables.entry_visit).where(_VISIT.worker_id.in_(came)).order_by(_VISIT.seq)):
        if visit.environment == tx.environment:
            visits.setdefault(visit.worker_id, []).append(visit)
    theirs = (_TAKEN.environment == tx.environment, _TAKEN.worker_id.in_(came))
    found = []
    handed_in = or_(_TAKEN.status.in_(rules.VISIBLE), _TAKEN.told_at.is_not(None))
    for taken in tx.all(select(tables.assignment).where(*theirs, handed_in).order_by(_TAKEN.submitted_at, _TAKEN.seq)):
        mine = visits[taken.worker_id]
        place = bisect_right(mine, taken.accepted_at, key=lambda visit: visit.at)
        if place and mine[place - 1].entry_id == entry.id:
            code = code_of(entry.secret, entry.code, taken.id)
            at = None if taken.submitted_at is None else when(taken.submitted_at)
            status = rules.SUBMITTED if corrections.is_kept(taken) else taken.status
            found.append(CodeRow(code, status, at, taken.worker_id, mine[place - 1].panel_id, taken.id))
    return found
