"""``turkctl dashboard serve`` in the current folder, in a process that ends at a request of an act.

``python dashboard_crash_harness.py WAY NUMBER``: the process is killed before or after the effect of the request of
that number, or never. Only requests that approve or pay are counted.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

from turkctl.cli import run
from turkctl.context import Context
from turkctl.dashboard.acts.base import ActPlan, Fields, PageAct, of_plan
from turkctl.dashboard.acts.forms import read_work, work_of
from turkctl.dashboard.acts.registry import acts
from turkctl.operations.payments.bonus import prepare_bonus
from turkctl.operations.payments.orders import BonusRequest

if TYPE_CHECKING:
    from turkctl.market.protocol.endpoint import Endpoint
    from turkctl.operations.engine.world import World

COUNTED = ("ApproveAssignment", "SendBonus")
NEVER = "never"


class Ending:
    """Kills the process at a request."""

    def __init__(self, way: str, number: int) -> None:
        self.way, self.number, self.seen = way, number, 0
        self._lock = threading.Lock()
        self._mine = threading.local()

    def before(self, operation: str) -> None:
        """Count the request; perhaps it is the last."""
        self._mine.number = 0
        if operation in COUNTED:
            with self._lock:
                self.seen += 1
                self._mine.number = self.seen
        self._end("before")

    def after(self, _operation: str) -> None:
        """End after the effect."""
        self._end("after")

    def _end(self, way: str) -> None:
        if (self.way, self.number) == (way, self._mine.number):
            os.kill(os.getpid(), signal.SIGKILL)


class EndingContext(Context):
    """The context of a command whose market ends the process."""

    ending = Ending(NEVER, 0)

    def _new_endpoint(self, *keys: Any) -> Endpoint:
        endpoint = super()._new_endpoint(*keys)
        endpoint.before, endpoint.after = self.ending.before, self.ending.after
        return endpoint


class BonusAuto(PageAct):
    """Pay the bonuses of the participants' rows, where the dashboard has no page for it."""

    name, title, back = "workers bonus", "Pay bonuses", "log.index"

    def read(self, form: Any) -> dict[str, Any]:
        """Return the selection and the reason."""
        return read_work(form) | {"reason": form["reason"]}

    def command(self, fields: Fields) -> list[str]:
        """Return the words of the command line."""
        return ["workers", "bonus", "--all", "--auto", "--reason", fields["reason"]]

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return the plan of ``workers bonus --auto``."""
        plan, act = prepare_bonus(world, work_of(fields).require(), BonusRequest(fields["reason"]))
        return of_plan(plan, act, "Pay")


def main() -> None:
    """Serve until told to stop, or until the end."""
    import turkctl.context

    EndingContext.ending = Ending(sys.argv[1], int(sys.argv[2]))
    turkctl.context.Context = EndingContext  # type: ignore[misc]  # the command makes its context by this name
    acts().setdefault(BonusAuto().slug, BonusAuto())
    sys.exit(run(["dashboard", "serve", "--port", "0", "--no-scheduler"]))


if __name__ == "__main__":
    main()
