from __future__ import annotations

from pathlib import Path

from dispatch_support import ContentLab


def test_ten_thousand_rows_in_groups_of_ten_take_a_thousand_hits_and_fifteen_more_requests_at_most(
    tmp_path: Path,
) -> None:
    study = ContentLab(tmp_path, "contents_per_hit = 10\n", '[market]\nopening_balance = "5000"\n')
    study.add_numbered(10_000)
    study.requests.clear()
    result = study.dispatch(workers=8)
    assert (result.succeeded, result.failed) == (1000, 0)
    made = study.requests
    assert made["CreateHIT"] == 1000
    assert sum(made.values()) <= 1015, made
    study.world.close()
