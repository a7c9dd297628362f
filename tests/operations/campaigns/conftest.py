"""A study that recruits, for every test that asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from study_support import Study, new_study


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    """One experiment, ``stroop`` in code version 1.0, nothing posted, and no waiting."""
    with new_study(tmp_path, turned=True) as made:
        yield made
