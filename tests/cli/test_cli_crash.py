"""A process that dies in the middle, and the same command again: each HIT is posted exactly once."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

DRIVER = """
import os, sys, threading
from turkctl.cli import run
from turkctl.context import Context

where, number = sys.argv[1], int(sys.argv[2])
make, lock, seen = Context._new_endpoint, threading.Lock(), [0]

def dying(operation):
    with lock:
        if operation == "CreateHIT":
            seen[0] += 1
            if seen[0] == number:
                os._exit(9)

def watched(self, *args):
    endpoint = make(self, *args)
    setattr(endpoint, where, dying)
    return endpoint

Context._new_endpoint = watched
sys.exit(run(sys.argv[3:]))
"""


class DiedError(BaseException):
    """Stands for the end of the process."""


def test_a_process_killed_at_once_before_or_after_a_request_posts_each_hit_once(
    configured: Path, turkctl: Run, posted: Callable[[], list[str]]
) -> None:
    command = ["hits", "create", "--assignments", "1", "--hits", "40", "--json"]
    for where, number, says in (("after", 3, ""), ("before", 17, "continues the run begun")):
        died = subprocess.run(
            [sys.executable, "-c", DRIVER, where, str(number), *command], capture_output=True, timeout=60, check=False
        )
        assert (died.returncode, died.stdout) == (9, b"")
        assert says in died.stderr.decode()
    assert 0 < len(posted()) < 40
    finished = turkctl(*command)
    assert finished.code == 0
    assert "continues the run begun" in finished.err
    assert len(posted()) == len(set(posted())) == 40
    assert len(json.loads(turkctl("hits", "list", "--json").out)) == 40
    assert json.loads(turkctl("balance", "--json").out)["on_hold"] == "24.00"


@pytest.mark.parametrize("where", ["before", "after"])
def test_an_unfinished_run_is_gone_on_with_by_the_same_command_alone(
    where: str, configured: Path, turkctl: Run, asked: Any, posted: Callable[[], list[str]]
) -> None:
    together = threading.Barrier(3)  # all three requests are under way before the first one dies

    def die(operation: str) -> None:
        if operation == "CreateHIT":
            together.wait(timeout=20)
            raise DiedError

    setattr(asked, where, die)
    with pytest.raises(DiedError):
        turkctl("hits", "create", "--assignments", "20")
    setattr(asked, where, None)
    reached = 3 if where == "after" else 0
    assert len(posted()) == reached

    planned = turkctl("hits", "create", "--assignments", "20", "--dry-run", "--json")
    assert planned.out.count('"already_done"' if reached else '"planned"') == 3
    other = turkctl("hits", "create", "--assignments", "2", "--json")
    assert (other.code, json.loads(other.out)["matched"]) == (0, 1)
    assert len(posted()) == reached + 1
    again = turkctl("hits", "create", "--assignments", "20", "--json")
    if reached:
        assert "the interrupted run is complete, nothing is left to post; to start another, add --new" in again.err
        assert (again.code, json.loads(again.out)["cost"]) == (0, "0.00")
    else:
        assert "left 3 HITs undone; to start another instead, add --new" in again.err
        assert (again.code, json.loads(again.out)["cost"]) == (0, "12.00")
    assert len(posted()) == len(set(posted())) == 4
    listed = json.loads(turkctl("hits", "list", "--json").out)
    assert sorted(row["max_assignments"] for row in listed) == [2, 2, 9, 9]


def test_new_posts_all_anew_beside_what_was_left(
    configured: Path, turkctl: Run, asked: Any, posted: Callable[[], list[str]]
) -> None:
    def die(operation: str) -> None:
        if operation == "CreateHIT":
            raise DiedError

    asked.before = die
    with pytest.raises(DiedError):
        turkctl("hits", "create", "--assignments", "1")
    asked.before = None
    assert turkctl("hits", "create", "--assignments", "1", "--new").code == 0
    assert len(posted()) == 1
    assert turkctl("hits", "create", "--assignments", "1").code == 0
    assert len(posted()) == len(set(posted())) == 2


def test_a_finished_run_is_not_gone_on_with(configured: Path, turkctl: Run, posted: Callable[[], list[str]]) -> None:
    for _ in range(2):
        assert turkctl("hits", "create", "--assignments", "1").code == 0
    assert len(posted()) == 2


def test_an_extension_whose_answer_was_lost_is_not_done_twice(configured: Path, turkctl: Run, asked: Any) -> None:
    hit_id = json.loads(turkctl("hits", "create", "--assignments", "2", "--json").out)["results"][0]["id"]

    def die(operation: str) -> None:
        if operation == "CreateAdditionalAssignmentsForHIT":
            raise DiedError

    asked.after = die
    with pytest.raises(DiedError):
        turkctl("hits", "extend", hit_id, "--assignments", "3")
    asked.after = None
    note = turkctl("hits", "expire", "--regex", "nothing")
    assert "had reached the market and" in note.err
    assert json.loads(turkctl("hits", "list", "--refresh", "--json").out)[0]["max_assignments"] == 5


def test_an_interrupt_lets_what_is_in_hand_finish_and_leaves_the_rest_for_later(
    configured: Path, turkctl: Run, posted: Callable[[], list[str]]
) -> None:
    command = [sys.executable, "-m", "turkctl", "hits", "create", "--assignments", "1", "--hits", "200", "--json"]
    slow = {**os.environ, "TURKCTL_MARKET_LATENCY": "0.5"}
    with subprocess.Popen(command, env=slow, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not (configured / "turkctl-market.db").exists() or not posted_so_far(posted):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    batch = json.loads(out)
    assert process.returncode == 130
    assert (batch["matched"], batch["failed"]) == (200, 0)
    assert 0 < batch["succeeded"] == len(batch["results"]) == len(posted()) < 200
    assert "Traceback" not in err
    finished = json.loads(turkctl("hits", "create", "--assignments", "1", "--hits", "200", "--json").out)
    before = [item["id"] for item in finished["results"] if item["status"] == "already_done"]
    assert sorted(before) == sorted(item["id"] for item in batch["results"])
    assert (finished["matched"], finished["succeeded"]) == (200, 200)
    assert len(posted()) == len(set(posted())) == 200


def posted_so_far(posted: Callable[[], list[str]]) -> int:
    """The number of HITs on a market that may be in the making."""
    try:
        return len(posted())
    except sqlite3.OperationalError:
        return 0


def test_an_interrupt_outside_a_batch_is_one_line_and_exit_130(folder: Path) -> None:
    code = "import os, signal, sys; from turkctl.context import Context; from turkctl.cli import main\n"
    code += "Context.mturk = property(lambda self: os.kill(os.getpid(), signal.SIGINT))\nmain(['balance', '--json'])"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (finished.returncode, finished.stdout) == (130, "")
    first, last = finished.stderr.splitlines()
    assert first.startswith("turkctl: error: interrupted; what was finished is kept")
    assert json.loads(last)["error"]["code"] == "interrupted"


def test_two_terminals_at_once_do_not_get_into_each_other_s_way(
    configured: Path, turkctl: Run, posted: Callable[[], list[str]]
) -> None:
    command = [sys.executable, "-m", "turkctl", "hits", "create", "--assignments", "1", "--json"]
    running = [
        subprocess.Popen([*command, "--hits", str(number)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for number in (20, 21)
    ]
    codes = []
    for process in running:
        out, err = process.communicate(timeout=60)
        codes.append((process.returncode, json.loads(out)["succeeded"] if out else err))
    assert codes == [(0, 20), (0, 21)]
    assert len(posted()) == len(json.loads(turkctl("hits", "list", "--json").out)) == 41
