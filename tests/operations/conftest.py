"""A study on the built-in market for every test that asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from study_support import Study, new_study


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    """One experiment, ``stroop`` in code version 1.0, and nothing posted."""
    with new_study(tmp_path) as made:
        yield made
