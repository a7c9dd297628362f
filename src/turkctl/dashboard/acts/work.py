"""Acts on submitted work: approve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from turkctl.dashboard.acts.base import ActPlan, Fields, PageAct, of_plan
from turkctl.dashboard.acts.forms import read_work, selectors, work_of
from turkctl.dashboard.commands import option
from turkctl.operations.workers.approve import prepare_approve
from turkctl.units import ZERO

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict

    from turkctl.operations.engine.world import World


class ApproveWork(PageAct):
    """Approve, and so pay, submitted work."""

    name, title, back = "workers approve", "Approve work", "participants.index"

    def read(self, form: MultiDict[str, str]) -> dict[str, Any]:
        """Return the selection and the feedback."""
        return read_work(form) | {"feedback": form.get("feedback") or None}

    def command(self, fields: Fields) -> list[str]:
        """Return ``workers approve`` with the selection."""
        return ["workers", "approve", *selectors(fields), *option("--feedback", fields["feedback"])]

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return the plan of ``workers approve``."""
        plan, act = prepare_approve(world, work_of(fields).require(), feedback=fields["feedback"])
        return of_plan(plan, act, "Approve", pays=sum((step.payload.cost or ZERO for step in plan.steps), ZERO))


ACTS: tuple[PageAct, ...] = (ApproveWork(),)
