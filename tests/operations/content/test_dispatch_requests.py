from __future__ import annotations

from pathlib import Path

import pytest
from dispatch_support import ContentStudy


@pytest.mark.parametrize("rows", [1_000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_rows_in_groups_of_ten_take_a_hit_each_and_fifteen_more_requests_at_most(tmp_path: Path, rows: int) -> None:
    study = ContentStudy(tmp_path, "contents_per_hit = 10\n", '[market]\nopening_balance = "5000"\n')
    study.add_numbered(rows)
    study.requests()
    result = study.dispatch(workers=8)
    assert (result.succeeded, result.failed) == (rows // 10, 0)
    made = study.requests()
    assert made["CreateHIT"] == rows // 10
    assert sum(made.values()) <= rows // 10 + 15, made
    study.world.close()
