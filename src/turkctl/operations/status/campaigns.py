"""The campaign that an experiment has, or had last, as ``turkctl status`` tells of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from sqlmodel import Session

from turkctl.operations.status.shapes import CampaignStatus, QuietStatus
from turkctl.store import campaigns, rounds, standings
from turkctl.store.base import Place, Scope
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
        """HITs that wait for somebody to take them, and did so for an interval between rounds, by campaign."""

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
        since = self._waits_since(campaign) if campaign.running else None
        if since is not None and self._now - since >= timedelta(seconds=campaign.every):
            key = (campaign.experiment_id, campaign.code_version)
            self.waiting[campaign.number] = standings.takable(self._session, self._place, self._now, *key)
        if final is None:
            from turkctl.operations.campaigns import coming as rounds_to_come
            from turkctl.operations.campaigns import standing

            facts = standing.read_facts(
                self._session, campaign, self._table, self._now, self._committed(campaign.place)
            )
            final = facts.numbers
            coming = rounds_to_come.next_round(self._session, facts, self._now) if campaign.running else None
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
            quiet=None if since is None else self._quiet(campaign, since),
        )

    def _committed(self, place: Place) -> Any:
        if place not in self._commitments:
            from turkctl.operations.limits.commitments import read_commitments

            self._commitments[place] = read_commitments(Scope(self._session, place, self._now))
        return self._commitments[place]

    def _waits_since(self, campaign: Campaign) -> datetime | None:
        """Return since when nobody took what is open; None where nothing is, or somebody is at work."""
        work = self._work_on(campaign)
        opened = min((each.opened for each in work if each.opened is not None), default=None)
        if opened is None or any(each.at_work or each.unread for each in work):
            return None
        mine = (campaign.experiment_id, campaign.code_version)
        taken = [each.accepted for each in self._handed if (each.experiment_id, each.code_version) == mine]
        return max([opened, *(moment for moment in taken if moment is not None)])

    def _work_on(self, campaign: Campaign) -> list[OpenWork]:
        mine = (campaign.experiment_id, campaign.code_version)
        return [each for each in self._work if (each.experiment_id, each.code_version) == mine]

    def _quiet(self, campaign: Campaign, since: datetime) -> QuietStatus | None:
        """Return that nobody takes what is open, if they had the time to and the market was looked at afterwards.

        A market does not tell who may take a HIT. What can be known: there were open assignments all the time, and in
        :data:`PATIENCE` intervals between rounds nobody took one.
        """
        looked = max((each.looked for each in self._work_on(campaign) if each.looked is not None), default=None)
        every = timedelta(seconds=campaign.every)
        if looked is None or looked - since < PATIENCE * every:
            return None
        return QuietStatus(since, looked, (looked - since) // every)
