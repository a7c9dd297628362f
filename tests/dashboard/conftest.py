"""What the tests of the dashboard share."""

from __future__ import annotations

import pytest
from dashboard_support import StoppedClock


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()
