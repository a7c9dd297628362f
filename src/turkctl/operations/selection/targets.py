"""Find the HITs that an act is about: rows of the database, and those that only the market knows.

Apart from :mod:`turkctl.operations.selection.hits`, which a list reads without loading the client.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from turkctl.mturk.types import Hit
from turkctl.operations.engine.plan import ItemResult
from turkctl.operations.engine.world import World
from turkctl.operations.selection.hits import Selection, select_hits
from turkctl.operations.sync.observe import named_on_market
from turkctl.operations.sync.of_psiturk import enter_psiturk
from turkctl.operations.sync.unknown import list_account, unknown_hits, without_row
from turkctl.store.hits import ASSIGNABLE, HitRow


@dataclass(frozen=True)
class Target:
    """One HIT. ``available`` is None where nobody has counted yet."""

    hit_id: str
    title: str
    reward: Decimal
    available: int | None
    expires: datetime | None
    status: str
    known: bool
    """Whether the database has a row for it."""
    still_open: bool
    """The market said that it can be taken when it was last asked, be its time over by this machine's clock or not."""

    @property
    def at_stake(self) -> Decimal | None:
        """Dollars of reward for the slots that can still be taken; None when unknown."""
        return None if self.available is None else self.reward * self.available

    def expired(self, now: datetime) -> bool:
        """Whether its time is over, so that nobody new can start."""
        return self.expires is not None and self.expires <= now and not self.still_open

    @classmethod
    def of_row(cls, row: HitRow) -> Target:
        """From the database."""
        return cls(
            row.hit_id,
            row.title,
            row.reward,
            None if row.synced is None else row.available,
            row.expires,
            row.status,
            known=True,
            still_open=row.status == ASSIGNABLE and not row.expired(row.expires),
        )

    @classmethod
    def of_market(cls, hit: Hit) -> Target:
        """From the market."""
        return cls(
            hit.hit_id,
            hit.title or "",
            hit.reward,
            hit.available,
            hit.expires,
            hit.status,
            known=False,
            still_open=hit.status == ASSIGNABLE,
        )


@dataclass(frozen=True)
class Targets:
    """The HITs that match, and a failed item for each id that neither the database nor the market knows."""

    found: list[Target]
    failed: tuple[ItemResult, ...] = ()


def find_targets(world: World, selection: Selection, now: datetime) -> Targets:
    """Return the HITs that match: rows of the database, those of psiTurk's that are found now included, and others.

    Others take part by id, and where nothing in the database knows them, with ``--all-studies``.

    Raises:
        NotFoundError: an experiment or a campaign that is not there.
        WrongMarketError: an id that belongs to another mode or market.
        UnreachableError: the market is out of reach.
    """
    enter_psiturk(world, now)
    with world.database.read() as session:
        selected = select_hits(session, world.place, selection)
    targets = [Target.of_row(row) for row in selected.rows]
    asked, failed = named_on_market(world.mturk, world.engine(), selected.unknown_ids, now)
    targets += [Target.of_market(hit) for hit in asked]
    named = {target.hit_id for target in targets}
    targets += [Target.of_market(hit) for hit in _unknown(world, selection) if hit.hit_id not in named]
    return Targets(targets, tuple(failed))


def _unknown(world: World, selection: Selection) -> list[Hit]:
    """HITs of the account that nothing knows and that are selected; the account is listed only where needed."""
    if selection.filters or not selection.all_studies:
        return []
    listed = list_account(world)
    with world.database.read() as session:
        return unknown_hits(session, world, listed)


def unknown_on_market(world: World) -> list[Hit]:
    """What the account has on the market and the database has no row of.

    Raises:
        UnreachableError: the market is out of reach.
    """
    listed = list_account(world)
    with world.database.read() as session:
        return without_row(session, world, listed)
