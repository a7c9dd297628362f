"""Say who is to come into the built-in market, and how. The command line and the market share these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class NewPerson:
    """Somebody who is to work here.

    Attributes:
        name: the login name, if they have one.
        password_hash: of their password, if they have one.
        own_id: the lab's own id of them.
        label: a note of whoever runs the market.
        groups: the groups they belong to.
        locale: where they are taken to live, as in ``US`` or ``US-NY``.
        full_name: what they are called.
    """

    name: str | None = None
    password_hash: str | None = None
    own_id: str | None = None
    label: str | None = None
    groups: Sequence[str] = ()
    locale: str = "US"
    full_name: str | None = None


@dataclass(frozen=True)
class PersonChange:
    """What is to be changed of somebody. None leaves it as it is.

    Attributes:
        groups: groups they are to belong to as well.
        remove_groups: groups they are to leave.
        locale: where they live.
        label: the note; empty removes it.
        approved: number of their assignments that were approved, by which they qualify.
        rejected: number of those that were rejected.
    """

    groups: tuple[str, ...] = ()
    remove_groups: tuple[str, ...] = ()
    locale: str | None = None
    label: str | None = None
    approved: int | None = None
    rejected: int | None = None


@dataclass(frozen=True)
class RosterRow:
    """One person of a lab's list. What is None, or empty, is not said.

    Attributes:
        row: the number of the row in the file.
        own_id: the lab's own id of them.
        full_name: what they are called.
        groups: all the groups they belong to.
        qualifications: qualification types, by id or by name, each with a value.
        locale: where they live.
    """

    row: int
    own_id: str
    full_name: str | None = None
    groups: tuple[str, ...] | None = None
    qualifications: tuple[tuple[str, int], ...] = ()
    locale: str | None = None


@dataclass(frozen=True)
class NewInvitation:
    """What invitations are made for.

    Attributes:
        uses: people who may come in by it; None: any number.
        personal: the link is the person: opened again, it is the same person.
        until: when it ends, by the market's clock; None: never.
        label: a note.
        groups: the groups of those who come in by it.
        locale: where they are taken to live, as in ``US`` or ``US-NY``.
        ask: what the page asks people for, such as ``Student number``: their own id; None: nothing.
        pattern: a regular expression that the whole own id matches.
        known_only: let in only people who are in the market already.
    """

    uses: int | None = 1
    personal: bool = True
    until: datetime | None = None
    label: str | None = None
    groups: tuple[str, ...] = ()
    locale: str = "US"
    ask: str | None = None
    pattern: str | None = None
    known_only: bool = False


@dataclass(frozen=True)
class NewEntry:
    """What an entry is made of.

    Attributes:
        name: what it is called.
        parameters: names of the parameters that are read; the first one's value is the person's id.
        panel: whose ids these are; entries with the same panel know the same people. The name, if None.
        done_url: the address that people return to, with ``{parameter}`` and ``{code}`` in it; None: there is none.
        code: the completion code of everybody; None: each assignment has one of its own.
        groups: the groups of those who come in.
        locale: where they are taken to live.
        until: when it ends, by the market's clock; None: never.
    """

    name: str
    parameters: tuple[str, ...]
    panel: str | None = None
    done_url: str | None = None
    code: str | None = None
    groups: tuple[str, ...] = ()
    locale: str = "US"
    until: datetime | None = None
