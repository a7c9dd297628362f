from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any


def test_the_demo_meets_its_goal_and_leaves_a_study_to_look_at(turkctl: Any, folder: Path) -> None:
    done = turkctl("demo", "--goal", "12", "--workers", "30", "--keep", "demo", "--json")
    assert done.code == 0, done.err
    outcome = json.loads(done.out)
    assert outcome["status"] == "met"
    assert outcome["goal"] == outcome["completed"] == 12
    assert Decimal(outcome["cost"]) < Decimal(outcome["cost_in_large_hits"])
    assert Decimal(outcome["balance_before"]) - Decimal(outcome["balance_after"]) == Decimal(outcome["cost"])
    config = ("--config", str(folder / "demo" / "turkctl.toml"))
    campaign = json.loads(turkctl("campaign", "show", "1", "--json", *config).out)
    assert campaign["status"] == "met"
    people = json.loads(turkctl("participants", "list", "--json", *config).out)
    assert len({row["worker_id"] for row in people}) == 12
    hits = json.loads(turkctl("hits", "list", "--json", *config).out)
    assert all(row["max_assignments"] <= 9 for row in hits)


def test_the_demo_touches_no_folder_that_has_something_in_it(turkctl: Any, outside: Path) -> None:
    (outside / "mine.txt").write_text("precious")
    refused = turkctl("demo", "--keep", str(outside))
    assert refused.code == 2
    assert "is not empty" in refused.err
    assert [path.name for path in outside.iterdir()] == ["mine.txt"]


def test_the_demo_needs_as_many_workers_as_people(turkctl: Any) -> None:
    assert turkctl("demo", "--goal", "5", "--workers", "4").code == 2
