"""Make a HIT's request from an experiment's stored settings, and the HIT's row from the market's answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from turkctl.errors import ConfigError
from turkctl.fees import MTURK, FeeRule, rule_of
from turkctl.mturk import requirements
from turkctl.mturk.types import Hit, HitRequest
from turkctl.operations.experiments.rendering import task_of
from turkctl.operations.experiments.stored import settings_of
from turkctl.store import hits
from turkctl.store.base import Place
from turkctl.store.experiments import Version
from turkctl.units import format_duration, format_money, parse_duration, parse_money


@dataclass(frozen=True)
class Post:
    """A HIT to post: the settings' version, and the values that may replace its settings."""

    version: Version
    assignments: int
    reward: Decimal
    duration: timedelta
    lifetime: timedelta
    masters: bool
    fee: FeeRule
    """The market's rule of commission when it is posted."""
    absent: tuple[str, ...] = ()
    """Ids of qualification types that a worker must not hold, besides the experiment's own requirements."""
    rows: tuple[Mapping[str, Any], ...] = ()
    """The data of the HIT's content, in order; an intent stores the items' ids, not the data."""
    types: Mapping[str, str] | None = None
    """The ids of the project's own qualification types by name; None for a post that is only checked, not sent."""
    rules: tuple[Mapping[str, Any], ...] = ()
    """The requirements that carry the experiment's audience, consent and ``not_after``."""
    items: tuple[str, ...] = ()
    """Names of the items of content, for a market that gives nobody an item twice; none for other markets."""
    known_items: tuple[str, ...] = ()
    """Names of those with a known answer."""

    @property
    def cost(self) -> Decimal:
        """Return the dollars if every assignment is approved, commission included."""
        return self.fee.hit_cost(self.reward, self.assignments, masters=self.masters)

    def stored(self) -> dict[str, Any]:
        """Return what an intent stores, from which the same request can be made again."""
        return {
            "settings_id": self.version.settings_id,
            "assignments": self.assignments,
            "reward": format_money(self.reward),
            "duration": format_duration(self.duration),
            "lifetime": format_duration(self.lifetime),
            "absent": list(self.absent),
            "fee": self.fee.name,
        }

    @classmethod
    def restore(cls, version: Version, stored: Mapping[str, Any]) -> Post:
        """Return the post that :meth:`stored` was called on; ``version`` is that of its ``settings_id``."""
        post = cls.of(version, int(stored["assignments"]), rule_of(stored.get("fee")))
        return replace(
            post,
            reward=parse_money(stored["reward"]),
            duration=parse_duration(stored["duration"]),
            lifetime=parse_duration(stored["lifetime"]),
            absent=tuple(stored.get("absent", ())),
        )

    @classmethod
    def of(
        cls,
        version: Version,
        assignments: int,
        fee: FeeRule,
        *,
        reward: Decimal | None = None,
        duration: timedelta | None = None,
        lifetime: timedelta | None = None,
        absent: tuple[str, ...] = (),
    ) -> Post:
        """Return a post with the experiment's settings, except for the values that are given."""
        settings = settings_of(version)
        return cls(
            version,
            assignments,
            settings.reward if reward is None else reward,
            settings.duration if duration is None else duration,
            settings.lifetime if lifetime is None else lifetime,
            settings.masters,
            fee,
            absent,
        )

    def request(self, token: str, mode: str) -> HitRequest:
        """Return the request; its annotation is the token, by which settling finds the HIT if the answer is lost.

        Raises:
            UsageError: these rows do not make a valid question
                (see :func:`turkctl.operations.experiments.rendering.task_of`).
        """
        settings = settings_of(self.version)
        task = task_of(self.version, self.rows)
        return HitRequest(
            title=settings.title,
            description=settings.description,
            keywords=settings.keywords,
            reward=self.reward,
            duration=self.duration,
            lifetime=self.lifetime,
            auto_approval_delay=settings.auto_approval_delay,
            max_assignments=self.assignments,
            question=task.question,
            layout_id=task.layout_id,
            layout_parameters=task.layout_parameters,
            annotation=token,
            requirements=self._requirements(mode),
            items=self.items,
            known_items=self.known_items,
        )

    def _requirements(self, mode: str) -> list[dict[str, Any]]:
        """Return all requirements.

        Raises:
            ConfigError: there are more than a HIT can have.
        """
        own = requirements.to_api(
            self._qualifications(), "sandbox" if mode == "sandbox" else "production", types=self.types
        )
        found = [*own, *(dict(rule) for rule in self.rules if rule["QualificationTypeId"] not in self.absent)]
        if len(found) > requirements.MAX_REQUIREMENTS:
            raise ConfigError(
                f"experiment '{self.version.slug}' has {len(found)} qualification requirements with its audience,"
                f" consent and not_after; a HIT can have at most {requirements.MAX_REQUIREMENTS}",
                hint="remove some of them, then run: turkctl experiments configure",
            )
        return found

    def _qualifications(self) -> dict[str, Any]:
        asked = settings_of(self.version).qualifications
        return {**asked, "absent": [*(asked.get("absent") or ()), *self.absent]}

    def row(self, hit: Hit, place: Place, now: datetime, *, campaign_id: int | None = None) -> hits.Hit:
        """Return the row for the HIT in the market's answer, with the settings it was posted with."""
        return hit_row(
            hit,
            place,
            now,
            duration=self.duration,
            lifetime=self.lifetime,
            experiment_id=self.version.experiment_id,
            settings_id=self.version.settings_id,
            code_version=self.version.code_version,
            campaign_id=campaign_id,
            masters=self.masters,
            fee=self.fee,
        )


def hit_row(
    hit: Hit,
    place: Place,
    now: datetime,
    *,
    duration: timedelta,
    lifetime: timedelta,
    experiment_id: int | None,
    settings_id: int | None = None,
    code_version: str | None = None,
    campaign_id: int | None = None,
    masters: bool = False,
    fee: FeeRule,
    origin: str = hits.OURS,
) -> hits.Hit:
    """Return the row of a HIT that was just posted; without a code version, no campaign counts its work."""
    created = hit.created or now
    return hits.Hit(
        mode=place.mode,
        market=place.market,
        hit_id=hit.hit_id,
        hit_type_id=hit.hit_type_id or "",
        hit_group_id=hit.hit_group_id,
        experiment_id=experiment_id,
        settings_id=settings_id,
        code_version=code_version,
        campaign_id=campaign_id,
        title=hit.title or "",
        status=hit.status,
        reward=hit.reward,
        masters=masters,
        fee=None if fee == MTURK else fee.name,
        max_assignments=hit.max_assignments,
        available=hit.available,
        pending=hit.pending,
        completed=hit.completed,
        assignment_duration=int(duration.total_seconds()),
        auto_approval_delay=int((hit.auto_approval_delay or timedelta()).total_seconds()),
        created=created,
        expires=hit.expires or created + lifetime,
        synced=now,
        annotation=hit.annotation,
        origin=origin,
    )


def found_row(
    hit: Hit,
    place: Place,
    now: datetime,
    fee: FeeRule,
    *,
    experiment_id: int | None = None,
    code_version: str | None = None,
    origin: str = hits.OURS,
) -> hits.Hit:
    """Return the row of a HIT that another program posted, as the market describes it."""
    return hit_row(
        hit,
        place,
        now,
        duration=hit.duration or timedelta(),
        lifetime=timedelta(),
        experiment_id=experiment_id,
        code_version=code_version,
        masters=requirements.ask_for_masters(hit.requirements),
        fee=fee,
        origin=origin,
    )
