"""Acts on workers: write to them, pay those who could not submit, block them, keep them out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from turkctl.dashboard.acts.base import ActPlan, Fields, Input, OnItem, PageAct, of_plan
from turkctl.dashboard.acts.forms import lines, money, read_work, required, selectors, work_of
from turkctl.dashboard.acts.people import names_workers, read_people, read_workers
from turkctl.dashboard.commands import option
from turkctl.errors import UsageError
from turkctl.operations.payments.compensate import CompensateRequest, compensate, prepare_compensate
from turkctl.operations.workers.block import prepare_block
from turkctl.operations.workers.exclude import prepare_exclude
from turkctl.operations.workers.message import MessageRequest, prepare_message
from turkctl.units import parse_duration, parse_money

if TYPE_CHECKING:
    from collections.abc import Sequence

    from werkzeug.datastructures import MultiDict

    from turkctl.operations.engine.batch import Engine
    from turkctl.operations.engine.plan import BatchResult
    from turkctl.operations.engine.world import World

LIFETIME = "14d"
"""Time that a worker has to accept the HIT of a compensation, unless another is given."""


class MessageWorkers(PageAct):
    """Send a message to workers."""

    name, title, back, takes_new = "workers message", "Write to workers", "workers.index", True
    inputs = (
        Input("subject", "Subject", required=True, hint="At most 200 characters."),
        Input("text", "Text", required=True, kind="area", hint="At most 4,096 characters."),
    )

    def read(self, form: MultiDict[str, str]) -> dict[str, Any]:
        """Return the workers, the subject and the text."""
        words = {"subject": required(form, "subject", "the subject"), "text": required(form, "text", "the text")}
        return {"workers": read_people(form), **words}

    def command(self, fields: Fields) -> list[str]:
        """Return ``workers message`` with the workers."""
        words = [*option("--subject", fields["subject"]), *option("--text", fields["text"])]
        return ["workers", "message", *fields["workers"], *words]

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return the plan of ``workers message``."""
        workers = fields["workers"]
        request = MessageRequest(tuple(workers), fields["subject"], fields["text"], fields["new"], fields["resume"])
        return of_plan(*prepare_message(world, request), "Message", workers=workers)


class CompensateWorker(PageAct):
    """Pay a worker who did the work but could not submit it."""

    name, title, back, takes_new = "workers compensate", "Pay for work not submitted", "workers.index", True
    inputs = (
        Input("worker", "Worker", required=True),
        Input("amount", "Amount", required=True, kind="money", hint="Before commission, as in 2.50."),
        Input("reason", "What the money is for", required=True, kind="area", hint="The worker reads it."),
        Input("experiment", "Experiment whose budget pays", hint="May be empty."),
        Input("lifetime", "Time to accept the HIT", hint="As in 12h or 14d.", value=LIFETIME),
    )

    def inputs_of(self, form: MultiDict[str, str]) -> Sequence[Input]:
        """Return the inputs: who is paid only where no worker is ticked."""
        return self.inputs[1:] if names_workers(form) else self.inputs

    def read(self, form: MultiDict[str, str]) -> dict[str, Any]:
        """Return the worker, the amount, the reason, the experiment and the lifetime."""
        workers = read_workers(form)
        if not workers:
            raise UsageError("the worker is missing", hint="give their id")
        if len(workers) > 1:
            raise UsageError(f"{len(workers)} workers are ticked", hint="tick one: each is paid apart")
        lifetime = lines(form, "lifetime") or LIFETIME
        parse_duration(lifetime)
        return {
            "worker": workers[0],
            "amount": money(required(form, "amount", "the amount")),
            "reason": required(form, "reason", "the reason"),
            "experiment": lines(form, "experiment") or None,
            "lifetime": lifetime,
        }

    def command(self, fields: Fields) -> list[str]:
        """Return ``workers compensate`` with the worker."""
        words = [word for name in self.inputs[1:] for word in option(f"--{name.name}", fields[name.name])]
        return ["workers", "compensate", fields["worker"], *words]

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return the plan of ``workers compensate``."""
        request = CompensateRequest(
            fields["worker"],
            parse_money(fields["amount"]),
            fields["reason"],
            fields["experiment"],
            parse_duration(fields["lifetime"]),
            fields["new"],
            fields["resume"],
        )
        plan = prepare_compensate(world, request)

        def pay(_engine: Engine, on_item: OnItem) -> BatchResult:
            result = compensate(world, plan)
            for item in result.results:
                on_item(item)
            return result

        return of_plan(plan, pay, "Compensate", workers=[fields["worker"]])


class BlockWorkers(PageAct):
    """Block workers from all HITs of the account."""

    name, title, back = "workers block", "Block workers", "workers.index"
    inputs: tuple[Input, ...] = (
        Input("reason", "Reason", asked=True, hint="For your records, and may be empty: workers do not see it."),
    )
    verb, unblock = "Block", False

    def read(self, form: MultiDict[str, str]) -> dict[str, Any]:
        """Return the workers and the reason."""
        return {"workers": read_people(form), "reason": lines(form, "reason") or None}

    def command(self, fields: Fields) -> list[str]:
        """Return ``workers block`` or ``unblock`` with the workers."""
        return [*self.name.split(), *fields["workers"], *option("--reason", fields["reason"])]

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return the plan of ``workers block`` or ``unblock``."""
        prepared = prepare_block(world, fields["workers"], fields["reason"], unblock=self.unblock)
        return of_plan(*prepared, self.verb, workers=fields["workers"])


class UnblockWorkers(BlockWorkers):
    """Let blocked workers do HITs of the account again."""

    name, title = "workers unblock", "Unblock workers"
    inputs: tuple[Input, ...] = ()
    verb, unblock = "Unblock", True


class ExcludeWorkers(PageAct):
    """Keep those who took part out of later HITs of the experiment."""

    name, title, back = "workers exclude", "Keep workers out of later HITs", "workers.index"

    def read(self, form: MultiDict[str, str]) -> dict[str, Any]:
        """Return the selection of their work."""
        return read_work(form)

    def command(self, fields: Fields) -> list[str]:
        """Return ``workers exclude`` with the selection."""
        return ["workers", "exclude", *selectors(fields)]

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return the plan of ``workers exclude``."""
        plan, act = prepare_exclude(world, work_of(fields).require())
        return of_plan(plan, act, "Exclude", workers=[step.payload.worker_id for step in plan.steps])


ACTS: tuple[PageAct, ...] = (
    MessageWorkers(),
    CompensateWorker(),
    BlockWorkers(),
    UnblockWorkers(),
    ExcludeWorkers(),
)
