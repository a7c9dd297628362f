"""Store when all HITs of an account were last listed, and how many of them this database did not know."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlmodel import Field, Session

from turkctl.store.base import ANY_MARKET, Place, TurkctlTable, upsert
from turkctl.store.types import UtcTime


class AccountLook(TurkctlTable, table=True):
    """The last listing of one place's HITs."""

    __tablename__ = "turkctl_account_look"

    mode: str = Field(primary_key=True, max_length=16)
    market: str = Field(primary_key=True, max_length=512)
    looked: datetime = Field(sa_type=UtcTime)
    """When the market was asked."""
    unknown: int
    """Number of HITs that neither turkctl nor psiTurk posted on this database."""


LOOKS = AccountLook.__table__


def note(session: Session, place: Place, now: datetime, unknown: int) -> None:
    """Store what a listing found; a later one stays."""
    row = AccountLook(mode=place.mode, market=place.market, looked=now, unknown=unknown).checked()
    upsert(session, LOOKS, ["mode", "market"], [row], newer_by="looked")


def fewer(session: Session, place: Place, number: int) -> None:
    """Take off the unknown HITs of the last listing those that were deleted since."""
    here = update(LOOKS).where(LOOKS.c.mode == place.mode, LOOKS.c.market == place.market, LOOKS.c.unknown >= number)
    session.connection().execute(here.values(unknown=LOOKS.c.unknown - number))


def read(session: Session, place: Place) -> list[AccountLook]:
    """Return the last listing of each market of the place."""
    statement = select(AccountLook).where(LOOKS.c.mode == place.mode).order_by(LOOKS.c.market)
    if place.market != ANY_MARKET:
        statement = statement.where(LOOKS.c.market == place.market)
    return list(session.scalars(statement))
