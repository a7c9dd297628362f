"""``turkctl market serve`` in a process that is killed at a submission.

``python site_crash_harness.py WAY NUMBER``: at the submission of that number, the process ends ``inside`` its
transaction, or after it and before the ``answer``.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any

from turkctl.cli import run
from turkctl.market import work
from turkctl.market.service import Market

INSIDE, ANSWER = "inside", "answer"


class _Ending:
    """Kills the process when it is called for a certain time."""

    def __init__(self, number: int) -> None:
        self._left = number
        self._lock = threading.Lock()

    def __call__(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def end_inside(ending: _Ending) -> None:
    """End when the assignment is written and the rest is not."""
    count = work.workers.count

    def counted(*arguments: Any, **changes: int) -> None:
        ending()
        count(*arguments, **changes)

    work.workers.count = counted  # type: ignore[assignment]  # a module's function, in this process alone


def end_before_answer(ending: _Ending) -> None:
    """End when the submission is committed and nobody knows."""
    submit = Market.submit_from_page

    def submitted(*arguments: Any, **options: Any) -> None:
        submit(*arguments, **options)
        ending()

    Market.submit_from_page = submitted  # type: ignore[method-assign]  # as above


if __name__ == "__main__":
    {INSIDE: end_inside, ANSWER: end_before_answer}[sys.argv[1]](_Ending(int(sys.argv[2])))
    sys.exit(run(["market", "serve", "--port", "0"]))
