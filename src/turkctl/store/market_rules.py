"""Store the rules of money that a market last told, for lists and plans that must not ask it."""

from __future__ import annotations

from sqlalchemy import select
from sqlmodel import Field, Session

from turkctl.fees import FeeRule, rule_of
from turkctl.own_market import DOLLARS
from turkctl.store.base import ANY_MARKET, Place, TurkctlTable, insert_into


class MarketRulesRow(TurkctlTable, table=True):
    """The rules of one place's market; a market without a row has Amazon's."""

    __tablename__ = "turkctl_market_rules"

    mode: str = Field(primary_key=True, max_length=16)
    market: str = Field(primary_key=True, max_length=512)
    fee: str = Field(max_length=16)
    """Name of the rule of its commission."""
    unit: str = Field(max_length=40)
    """What its amounts are counted in."""


RULES = MarketRulesRow.__table__


def note(session: Session, place: Place, fee: str, unit: str) -> None:
    """Store what the market told."""
    row = MarketRulesRow(mode=place.mode, market=place.market, fee=fee, unit=unit).checked()
    statement = insert_into(session, RULES).on_conflict_do_update(
        index_elements=["mode", "market"], set_={"fee": fee, "unit": unit}
    )
    session.connection().execute(statement, [row])


def fee_at(session: Session, place: Place) -> FeeRule:
    """Return the rule of the commission on what is posted or paid next in this place."""
    return rule_of(_read(session, place, "fee"))


def unit_at(session: Session, place: Place) -> str:
    """Return what the amounts of this place are counted in; dollars where its markets count differently."""
    return _read(session, place, "unit") or DOLLARS


def _read(session: Session, place: Place, column: str) -> str | None:
    statement = select(RULES.c[column]).where(RULES.c.mode == place.mode).distinct()
    if place.market != ANY_MARKET:
        statement = statement.where(RULES.c.market == place.market)
    found = session.connection().execute(statement).scalars().all()
    return found[0] if len(found) == 1 else None
