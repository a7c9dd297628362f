"""Find the HITs that a command acts on, in the database and on the market.

Separate from :mod:`turkctl.operations.selection.hits`, so that lists need not load the client.
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
    """A HIT to act on. ``available`` is None if its counters were never read."""

    hit_id: str
    title: str
    reward: Decimal
    available: int | None
    expires: datetime | None
    status: str
    known: bool
    """Whether the database has a row for it."""
    still_open: bool
    """Whether the market last said that it can be accepted, even if it has expired by this machine's clock."""

    @property
    def at_stake(self) -> Decimal | None:
        """Return dollars of reward for the assignments that can still be accepted; None if unknown."""
        return None if self.available is None else self.reward * self.available

    def expired(self, now: datetime) -> bool:
        """Return whether it has expired, so that nobody new can start."""
        return self.expires is not None and self.expires <= now and not self.still_open

    @classmethod
    def of_row(cls, row: HitRow) -> Target:
        """Return the target for a row of the database."""
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
        """Return the target for a HIT as the market describes it."""
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
    """Return the HITs that match, from the database (psiTurk's new HITs included) and from the market.

    HITs that only the market has match by id; those that nothing in the database knows, also with ``--all-studies``.

    Raises:
        NotFoundError: an experiment or a campaign is unknown.
        WrongMarketError: an id belongs to another mode or market.
        UnreachableError: the market cannot be reached.
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
    """Return the selected HITs of the account that nothing in the database knows; list the account only if needed."""
    if selection.filters or not selection.all_studies:
        return []
    listed = list_account(world)
    with world.database.read() as session:
        return unknown_hits(session, world, listed)


def unknown_on_market(world: World) -> list[Hit]:
    """Return the HITs of the account on the market that have no row in the database.

    Raises:
        UnreachableError: the market cannot be reached.
    """
    listed = list_account(world)
    with world.database.read() as session:
        return without_row(session, world, listed)
