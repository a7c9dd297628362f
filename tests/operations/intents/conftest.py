"""A study on the built-in market, its database on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import KINDS, new_database
from study_support import Study


@pytest.fixture(params=KINDS)
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Study]:
    """One experiment, ``stroop``, and nothing posted, on either kind of database."""
    with new_database(request.param, tmp_path) as url:
        (tmp_path / "turkctl.toml").write_text("")
        study = Study(tmp_path, url)
        study.configure({"stroop": "1.0"})
        try:
            yield study
        finally:
            study.close()
