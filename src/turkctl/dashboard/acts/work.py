"""Acts on submitted work: approve, reject, pay a bonus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from turkctl.dashboard.acts import people
from turkctl.dashboard.acts.base import ActPlan, Fields, Input, PageAct, of_plan
from turkctl.dashboard.acts.forms import amount, lines, money, read_work, required, selectors, work_of
from turkctl.dashboard.commands import option
from turkctl.errors import UsageError
from turkctl.operations.payments.bonus import prepare_bonus
from turkctl.operations.payments.orders import BonusRequest
from turkctl.operations.workers.approve import prepare_approve
from turkctl.operations.workers.reject import people as people_of
from turkctl.operations.workers.reject import prepare_reject
from turkctl.units import ZERO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from werkzeug.datastructures import MultiDict

    from turkctl.operations.engine.world import World


class ApproveWork(PageAct):
    """Approve, and so pay, submitted work."""

    name, title, back = "workers approve", "Approve work", "work.index"
    inputs = (
        Input("feedback", "Feedback to the workers", kind="area", hint="They read it with the decision."),
        Input("override_rejection", "Also approve work that was rejected, and pay for it", kind="tick"),
    )

    def read(self, form: MultiDict[str, str]) -> dict[str, Any]:
        """Return the selection, the feedback, and whether rejected work is approved too."""
        return read_work(form) | {
            "feedback": lines(form, "feedback") or None,
            "override_rejection": form.get("override_rejection") == "1",
        }

    def command(self, fields: Fields) -> list[str]:
        """Return ``workers approve`` with the selection."""
        overrides = option("--override-rejection", fields["override_rejection"])
        return ["workers", "approve", *selectors(fields), *option("--feedback", fields["feedback"]), *overrides]

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return the plan of ``workers approve``."""
        plan, act = prepare_approve(
            world,
            work_of(fields).require(),
            feedback=fields["feedback"],
            override_rejection=fields["override_rejection"],
        )
        pays = sum((step.payload.cost or ZERO for step in plan.steps), ZERO)
        return of_plan(plan, act, "Approve", pays=pays, workers=[step.payload.worker_id for step in plan.steps])


class RejectWork(PageAct):
    """Reject submitted work, with the reason that its workers read."""

    name, title, back = "workers reject", "Reject work", "work.index"
    inputs = (Input("feedback", "Why the work is rejected", required=True, kind="area", hint="The workers read it."),)

    def read(self, form: MultiDict[str, str]) -> dict[str, Any]:
        """Return the assignments and the reason."""
        ids = people.assignments(form)
        if not ids:
            raise UsageError("no assignment is ticked", hint="go back and tick at least one")
        return {"ids": ids, "feedback": required(form, "feedback", "the reason")}

    def command(self, fields: Fields) -> list[str]:
        """Return ``workers reject`` with the assignments."""
        return ["workers", "reject", *fields["ids"], *option("--feedback", fields["feedback"])]

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return the plan of ``workers reject``; the number of people must be typed."""
        plan, act = prepare_reject(world, fields["ids"], fields["feedback"])
        workers = [step.payload.worker_id for step in plan.steps]
        return of_plan(plan, act, "Reject", people=people_of(plan) if plan.steps else None, workers=workers)


class BonusWork(PageAct):
    """Pay bonuses, each once for its purpose."""

    name, title, back = "workers bonus", "Pay bonuses", "work.index"
    inputs = (
        Input("amount", "Amount for each", required=True, kind="money", hint="Before commission, as in 0.25."),
        Input("reason", "What the bonus is for", required=True, kind="area", hint="The workers read it."),
        Input("purpose", "Purpose", hint="Each assignment is paid once for it. It may be empty."),
        Input("each", "Pay for every assignment of a worker, not only for one", kind="tick"),
    )

    def inputs_of(self, form: MultiDict[str, str]) -> Sequence[Input]:
        """Return the inputs: no amount where each is paid what its row says, ``each`` only where workers are named."""
        without = {"amount"} if form.get("auto") == "1" else set()
        if not people.names_workers(form):
            without.add("each")
        return [each for each in self.inputs if each.name not in without]

    def read(self, form: MultiDict[str, str]) -> dict[str, Any]:
        """Return the selection, the amount or ``auto``, the reason and the purpose."""
        auto = form.get("auto") == "1"
        return read_work(form) | {
            "auto": auto,
            "amount": None if auto else money(required(form, "amount", "the amount")),
            "reason": required(form, "reason", "the reason"),
            "purpose": lines(form, "purpose") or None,
            "each": form.get("each") == "1",
        }

    def command(self, fields: Fields) -> list[str]:
        """Return ``workers bonus`` with the selection."""
        how = ["--auto"] if fields["auto"] else option("--amount", fields["amount"])
        more = [*option("--purpose", fields["purpose"]), *option("--each", fields["each"])]
        return ["workers", "bonus", *selectors(fields), *how, *option("--reason", fields["reason"]), *more]

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return the plan of ``workers bonus``."""
        request = BonusRequest(fields["reason"], amount(fields["amount"]), fields["purpose"], fields["each"])
        plan, act = prepare_bonus(world, work_of(fields).require(), request)
        workers = [step.payload.request["worker"] for step in plan.steps]
        return of_plan(plan, act, "Pay", things=("bonus", "bonuses"), workers=workers)


ACTS: tuple[PageAct, ...] = (ApproveWork(), RejectWork(), BonusWork())
