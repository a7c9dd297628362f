"""Consent: what a HIT wants workers to agree to before they accept it, and who agreed when.

A consent is a qualification type with the keyword :data:`turkctl.own_market.CONSENT`. It counts as met wherever HITs
are listed, as anybody can agree; the acceptance alone is refused without it, through whatever door it comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from turkctl.market import grants, hit_types, qualifications, questions, requirements, tables, workers
from turkctl.market.errors import WorkError
from turkctl.market.hit_rows import Hit
from turkctl.market.own_types import asks_for_consent
from turkctl.market.requirements import Requirement, WorkerStanding
from turkctl.market.tx import Tx
from turkctl.own_market import CONSENT, kinds

NEEDED = "ConsentNeeded"
AGREED = 1
"""The value of a granted consent."""


@dataclass(frozen=True)
class ConsentAsked:
    """What a worker is asked to agree to.

    Attributes:
        type_id: of the consent.
        hit_id: of the HIT that asks for it.
        title: of that HIT.
    """

    type_id: str
    hit_id: str
    title: str


def first_missing(who: WorkerStanding, asked: Sequence[Requirement]) -> str | None:
    """Return the first consent that these requirements ask for and the worker has not given."""
    missing = (each["QualificationTypeId"] for each in asked if asks_for_consent(each))
    return next((type_id for type_id in missing if type_id not in who.grants), None)


def check(who: WorkerStanding, asked: Sequence[Requirement]) -> None:
    """Raise if the worker must agree first.

    Raises:
        WorkError: ConsentNeeded.
    """
    if first_missing(who, asked) is not None:
        raise WorkError(NEEDED, "Read and agree to the consent of this HIT first.")


def asked_of(tx: Tx, worker_id: str, hit: Hit) -> ConsentAsked | None:
    """Return what the worker must agree to before they may accept a HIT that they may see; None if nothing.

    Raises:
        WorkError: DoesNotMeetRequirements if they may not accept it anyway.
    """
    hit_type = hit_types.load(tx, hit.hit_type_id)
    asked, who = hit_type.marked_requirements(), requirements.standing(tx, workers.at_work(tx, worker_id))
    if requirements.unmet(who, asked, requirements.ACCEPT) is not None:
        raise WorkError("DoesNotMeetRequirements", "You do not qualify for this HIT.")
    type_id = first_missing(who, asked)
    return None if type_id is None else ConsentAsked(type_id, hit.id, hit_type.title)


def agree(tx: Tx, worker_id: str, hit: Hit, type_id: str) -> None:
    """Note that the worker agrees, now, to what they were shown; to agree again changes nothing.

    Args:
        tx: the transaction.
        worker_id: the worker.
        hit: the HIT that asks for it, which they may see.
        type_id: the consent that they were shown.

    Raises:
        WorkError: DoesNotMeetRequirements; ConsentNeeded if the HIT asks for another consent by now.
    """
    asked = asked_of(tx, worker_id, hit)
    if asked is None:
        return
    if asked.type_id != type_id:
        raise WorkError(NEEDED, "This HIT asks for another consent: read it first.")
    grants.give(tx, type_id, worker_id, AGREED)
    qualifications.use(tx, qualifications.find(tx, type_id))


def agree_to_terms(tx: Tx, worker_id: str, version: str) -> None:
    """Note that a person agrees, now, to a version of the terms of the site."""
    person = tables.person.c
    mine = (person.environment == tx.environment, person.worker_id == worker_id)
    tx.run(tables.person.update().where(*mine).values(terms_version=version, terms_at=tx.now))


def page(tx: Tx, type_id: str) -> str | None:
    """Return the page of a consent, whoever asks; None if there is none."""
    types = tables.qualification_type.c
    row = tx.first(
        select(types.test, types.keywords).where(
            types.environment == tx.environment, types.id == type_id, types.deleted == 0
        )
    )
    if row is None or row.test is None or CONSENT not in kinds(row.keywords):
        return None
    return questions.page_of(row.test)
