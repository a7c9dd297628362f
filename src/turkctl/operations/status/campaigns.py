"""The campaign that an experiment has, or had last, as ``turkctl status`` tells of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from sqlmodel import Session

from turkctl.operations.status.shapes import CampaignStatus, QuietStatus
from turkctl.store import campaigns, rounds, standings
from turkctl.store.base import Place
from turkctl.store.campaigns import Campaign
from turkctl.store.experiments import Version
from turkctl.store.standings import Handed, OpenWork

PATIENCE = 3
"""Intervals between rounds for which nobody takes anything, until it looks as if nobody is left who may."""


class CampaignReader:
    """The campaigns of one place, read once; a running one is decided on as its next round would."""

    def __init__(
        self,
        session: Session,
        place: Place,
        participants_table: str,
        now: datetime,
        work: Sequence[OpenWork],
        handed: Sequence[Handed],
    ) -> None:
        self._session = session
        self._place = place
        self._table = participants_table
        self._now = now
        self._work = work
        self._handed = handed
        self._commitments: dict[Place, Any] = {}
        self.waiting: dict[int, list[str]] = {}
        """HITs that nobody is at work on and that wait for somebody to take them, by campaign."""

    @cached_property
    def _latest(self) -> Mapping[int, Campaign]:
        """Return by experiment the running campaign, or the one that was created last."""
        found = campaigns.list_all(self._session, self._place)
        return {each.experiment_id: each for each in sorted(found, key=lambda each: (each.running, each.number))}

    @cached_property
    def _rounds(self) -> Mapping[int, int]:
        return rounds.counts(self._session)

    def of(self, version: Version) -> CampaignStatus | None:
        """Return the campaign of an experiment; None if it never had one here."""
        campaign = self._latest.get(version.experiment_id)
        if campaign is None:
            return None
        final, coming = campaign.final, None
        if campaign.running and self._waits(campaign):
            key = (campaign.experiment_id, campaign.code_version)
            self.waiting[campaign.number] = standings.takable(self._session, self._place, self._now, *key)
        if final is None:
            from turkctl.operations.campaigns import lists, standing  # import the validation of settings

            facts = standing.read_facts(
                self._session, campaign, self._table, self._now, self._committed(campaign.place)
            )
            final = facts.numbers
            coming = lists.next_round(self._session, facts, self._now) if campaign.running else None
        return CampaignStatus(
            id=campaign.number,
            status=campaign.status,
            reason=campaign.reason,
            created=campaign.created,
            ended=campaign.ended,
            goal=campaign.goal,
            completed=final.completed,
            outstanding=final.outstanding,
            rounds=self._rounds.get(campaign.number, 0),
            budget=campaign.budget,
            spent=final.spent,
            left=None if campaign.budget is None or final.spent is None else campaign.budget - final.spent,
            next_round=coming,
            quiet=self._quiet(campaign) if campaign.running else None,
        )

    def _committed(self, place: Place) -> Any:
        if place not in self._commitments:
            from turkctl.operations.limits.commitments import read_commitments

            self._commitments[place] = read_commitments(self._session, place, self._now)
        return self._commitments[place]

    def _waits(self, campaign: Campaign) -> bool:
        """Return whether it has open assignments and nobody is at work."""
        work = self._work_on(campaign)
        return any(each.opened is not None for each in work) and not any(each.at_work or each.unread for each in work)

    def _work_on(self, campaign: Campaign) -> list[OpenWork]:
        mine = (campaign.experiment_id, campaign.code_version)
        return [each for each in self._work if (each.experiment_id, each.code_version) == mine]

    def _quiet(self, campaign: Campaign) -> QuietStatus | None:
        """Say since when nobody has taken what is open, if that is long and nobody is at work.

        A market does not tell who may take a HIT. What can be known: there were open assignments all the time, the
        market was looked at afterwards, and in :data:`PATIENCE` intervals between rounds nobody took one.
        """
        work = self._work_on(campaign)
        opened = min((each.opened for each in work if each.opened is not None), default=None)
        looked = max((each.looked for each in work if each.looked is not None), default=None)
        if opened is None or looked is None or not self._waits(campaign):
            return None
        mine = (campaign.experiment_id, campaign.code_version)
        taken = [each.accepted for each in self._handed if (each.experiment_id, each.code_version) == mine]
        since = max([opened, *(moment for moment in taken if moment is not None)])
        every = timedelta(seconds=campaign.every)
        return QuietStatus(since, looked, (looked - since) // every) if looked - since >= PATIENCE * every else None
