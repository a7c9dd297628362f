from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from contract_support import DOORS, Door, open_door


@pytest.fixture(params=DOORS)
def door(request: pytest.FixtureRequest) -> Iterator[Door]:
    """Every test that takes it is run through each of the three doors."""
    with open_door(request.param) as door:
        yield door


@pytest.fixture
def client(door: Door) -> Any:
    """A boto3 client for production."""
    return door.client()
