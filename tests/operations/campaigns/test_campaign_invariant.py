"""Whatever people, requester, clock and crashes do, a campaign never has more in play than its goal."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from campaign_support import check, in_play, known_hits, watch
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import text
from study_support import Study, TurnedWorld, market_rows, people

from turkctl.errors import RefusedError, TurkctlError, UsageError
from turkctl.market.errors import WorkError
from turkctl.operations.campaigns.lifecycle import CampaignChange, update
from turkctl.settings import load


class KilledError(BaseException):
    """The process ends here."""


class OneThread(TurnedWorld):
    """So that a failing example fails again."""

    workers = 1


class CampaignMachine(RuleBasedStateMachine):
    """One campaign, its people, its requester, and the ends of its processes."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.study = Study.new(self.folder, turned=True)
        self.everybody = people()
        self.goal = 0
        self.over = False

    @initialize(goal=st.integers(1, 14), per_round=st.integers(1, 20))
    def begin(self, goal: int, per_round: int) -> None:
        self.goal = goal
        self.study.create(goal, per_round=per_round)
        self._open()

    def _open(self) -> None:
        self.study.close()
        self.study = Study(self.folder, turned=True)
        self.study.world = OneThread(load({}, {}, self.folder))
        watch(self.study, self.goal)

    @rule()
    def round(self) -> None:
        with suppress(TurkctlError):
            self.over = not self.study.round().campaign.running

    @precondition(lambda self: not self.over)
    @rule(number=st.integers(1, 12), before=st.booleans())
    def round_that_is_killed(self, number: int, before: bool) -> None:
        """The process ends at one of its requests, and leaves its round as it is."""
        seen = 0

        def end(_operation: str) -> None:
            nonlocal seen
            seen += 1
            if seen == number:
                raise KilledError

        endpoint = self.study.world.endpoint
        look = endpoint.after
        if before:
            endpoint.before = end
        else:
            endpoint.after = end
        try:
            self.over = not self.study.round().campaign.running
        except KilledError:
            left = "UPDATE turkctl_round SET outcome = 'running', owner = '{}' WHERE outcome = 'failed'"
            with self.study.world.database.write() as session:
                session.connection().execute(text(left))
        endpoint.before, endpoint.after = None, look
        self._open()

    @rule(share=st.floats(0, 1), submits=st.integers(0, 9), twice=st.booleans())
    def people_come(self, share: float, submits: int, twice: bool) -> None:
        for hit_id, open_ in market_rows(self.folder, "SELECT id, available FROM market_hit WHERE listed = 1"):
            for _ in range(round(share * open_)):
                worker = "ATWICE" if twice else next(self.everybody)
                try:
                    taken = self.study.accept(hit_id, worker)
                    if submits > 0:
                        self.study.world.market.submit("production", worker, taken, {"answer": "red"})
                except WorkError:
                    continue
                submits -= 1

    @rule(accept=st.booleans())
    def requester_reviews_one(self, accept: bool) -> None:
        found = market_rows(self.folder, "SELECT id FROM market_assignment WHERE status = 'Submitted' LIMIT 1")
        for (assignment_id,) in found:
            if accept:
                self.study.world.mturk.approve(assignment_id)
            else:
                self.study.world.mturk.reject(assignment_id, "empty")

    @rule(minutes=st.sampled_from([1, 31, 60 * 24 * 4, 60 * 24 * 11]))
    def time_passes(self, minutes: int) -> None:
        self.study.world.market.advance(timedelta(minutes=minutes))

    @rule(by=st.integers(1, 6))
    def goal_is_raised(self, by: int) -> None:
        try:
            update(self.study.world, 1, CampaignChange(goal=self.goal + by))
        except (RefusedError, UsageError):
            return
        self.goal += by
        self.over = False
        watch(self.study, self.goal)

    @invariant()
    def the_goal_holds(self) -> None:
        check(self.study, self.goal or 1, "a step")

    def teardown(self) -> None:
        try:
            if self.goal:
                self._finish()
        finally:
            self.study.close()
            shutil.rmtree(self.folder)

    def _finish(self) -> None:
        """From wherever it stands, the campaign can be brought to its end."""
        report = self.study.round()
        was_over = report.round is None  # and work may have been turned down since
        for _ in range(30):
            if not report.campaign.running:
                break
            self.study.work(self.everybody)
            self.study.pass_time(minutes=31)
            report = self.study.round()
        assert report.campaign.status == "met"
        seen = in_play(self.folder)
        assert was_over or seen.completed == self.goal
        assert set(seen.hits) == known_hits(self.study)


def _few(examples: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=12,
        deadline=None,
        derandomize=True,
        phases=(Phase.explicit, Phase.generate),  # shrinking whole campaigns takes minutes; examples are short
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


TestCampaign = CampaignMachine.TestCase
TestCampaign.settings = _few(3)


@pytest.mark.slow
@pytest.mark.timeout(600)
class TestManyCampaigns(CampaignMachine.TestCase):  # type: ignore[name-defined,misc]  # made by Hypothesis
    settings = _few(24)
