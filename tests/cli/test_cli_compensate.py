"""workers compensate on the command line: what it prints, when it asks, how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_support import last_error

Run = Callable[..., Any]
WHY = ("--amount", "2.50", "--reason", "The server broke")


@pytest.fixture
def worker(turkctl: Run, prepare: Run) -> str:
    """Somebody whose work was approved."""
    prepare(
        ["hits", "create", "--assignments", "1"],
        ["market", "crowd", "--workers", "1", "--seed", "3", "--drop-out", "0", "--abandon", "0"],
        ["sync"],
        ["workers", "approve", "--all"],
    )
    found: str = json.loads(turkctl("workers", "list", "--json").out)[0]["worker_id"]
    return found


def hits(turkctl: Run, *options: str) -> list[dict[str, Any]]:
    found = json.loads(turkctl("hits", "list", "--json", *options).out)
    return [row for row in found if row["title"].startswith("Compensation")]


def test_it_prints_a_batch_of_one_with_the_commission_in_the_cost(worker: str, turkctl: Run) -> None:
    dry = json.loads(turkctl("workers", "compensate", worker, *WHY, "--dry-run", "--json").out)
    assert (dry["dry_run"], dry["matched"], dry["cost"], hits(turkctl)) == (True, 1, "3.00", [])
    finished = turkctl("workers", "compensate", worker, *WHY, "--json")
    done = json.loads(finished.out)
    assert (finished.code, done["action"], done["succeeded"], done["cost"]) == (0, "compensate", 1, "3.00")
    assert (done["results"][0]["id"], done["results"][0]["status"]) == (worker, "compensated")
    [hit] = hits(turkctl)
    assert done["results"][0]["detail"] == f"HIT {hit['hit_id']}; the worker got a message"
    assert (hit["experiment"], hit["codeversion"], hit["reward"]) == (None, None, "2.50")


def test_the_worker_confirms_on_the_page_and_approving_all_pays(worker: str, turkctl: Run) -> None:
    assert turkctl("workers", "compensate", worker, *WHY, "--experiment", "stroop").code == 0
    [hit] = hits(turkctl)
    assert (hit["experiment"], hit["codeversion"]) == ("stroop", None)
    assert turkctl("market", "crowd", "--workers", "1", "--seed", "3", "--drop-out", "0", "--abandon", "0").code == 0
    assert turkctl("sync").code == 0
    [work] = json.loads(turkctl("hits", "show", hit["hit_id"], "--json").out)["assignments"]
    assert (work["worker_id"], work["status"]) == (worker, "Submitted")
    assert json.loads(turkctl("workers", "approve", "--all", "--json").out)["succeeded"] == 1
    [row] = json.loads(turkctl("workers", "list", "--json").out)
    assert (row["approved"], row["earned"]) == (2, "3.00")


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (("AW1", "--amount", "0", "--reason", "x"), 2),
        (("AW1", "--amount", "-1", "--reason", "x"), 2),
        (("AW1", "--amount", "1.005", "--reason", "x"), 2),
        (("AW1", "--amount", "1.00"), 2),
        (("AW1", "--reason", "x"), 2),
        (("AW1", "--amount", "1.00", "--reason", ""), 2),
        (("AW1", "--amount", "1.00", "--reason", "x", "--experiment", "nope"), 2),
        (("AW1", "--amount", "1.00", "--reason", "x", "--lifetime", "soon"), 2),
        (("ANOBODY", *WHY), 1),
    ],
)
def test_bad_input_leaves_nothing_half_done(worker: str, turkctl: Run, argv: tuple[str, ...], code: int) -> None:
    finished = turkctl("workers", "compensate", *argv, "--json")
    assert finished.code == code, finished.err
    if code == 1:
        assert json.loads(finished.out)["results"][0]["status"] == "failed"
    assert hits(turkctl) == []


def test_mode_live_asks(configured: Path, served: Any, turkctl: Run) -> None:
    served.endpoint.market.register_worker("production", "AW1")
    finished = turkctl("workers", "compensate", "AW1", *WHY, "--mode", "live", "--json")
    assert (finished.code, last_error(finished.err)["code"]) == (3, "confirmation_needed")
    assert "$3.00" in last_error(finished.err)["message"]
    assert hits(turkctl, "--mode", "live") == []
    assert turkctl("workers", "compensate", "AW1", *WHY, "--mode", "live", "--yes").code == 0
    assert len(hits(turkctl, "--mode", "live")) == 1
