from __future__ import annotations

import pytest
from wire_support import RecordingMarket

from turkctl.market.protocol.endpoint import Endpoint


@pytest.fixture
def market() -> RecordingMarket:
    return RecordingMarket()


@pytest.fixture
def endpoint(market: RecordingMarket) -> Endpoint:
    return Endpoint(market)  # type: ignore[arg-type]  # stands in for a market
