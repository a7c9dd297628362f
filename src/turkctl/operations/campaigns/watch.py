"""Run rounds of a campaign in this process: one, or until the campaign is over (``campaign run``)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

from turkctl.operations.campaigns.rounds import RoundReport, run_round
from turkctl.operations.engine.world import World

POLL = 1.0
"""Real seconds between looks at the clock: in mode local it can be moved forward at any time."""


def watch_rounds(
    world: World,
    campaign_id: int,
    stop: threading.Event,
    *,
    forever: bool,
) -> Iterator[RoundReport]:
    """Run a round; with ``forever`` one each interval, until the campaign is over or ``stop`` is set; yield reports.

    Args:
        world: database, market and clock.
        campaign_id: its number.
        stop: ends the waiting.
        forever: run rounds until the campaign is over, instead of one round.

    Raises:
        NotFoundError, WrongMarketError, RefusedError, UnreachableError: see
            :func:`turkctl.operations.campaigns.rounds.run_round`.
    """
    while True:
        started = world.now()
        report = run_round(world, campaign_id, started)
        yield report
        if not forever or not report.campaign.running:
            return
        _until(world, started + timedelta(seconds=report.campaign.every), stop)
        if stop.is_set():
            return


def _until(world: World, moment: datetime, stop: threading.Event) -> None:
    while not stop.is_set():
        left = (moment - world.now()).total_seconds()
        if left <= 0:
            return
        stop.wait(min(left, POLL))
