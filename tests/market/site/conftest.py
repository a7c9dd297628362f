"""Markets with their worker sites."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from worker_site_support import SiteBench, site_bench


@pytest.fixture
def bench() -> Iterator[SiteBench]:
    """A market in memory with its site."""
    with site_bench() as made:
        yield made
