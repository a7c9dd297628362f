"""How every batch command goes: show the plan where it has to be agreed to, apply it, show the result."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn, TypeVar

import typer

from turkctl.cli.ending import process
from turkctl.cli.invocation import Invocation
from turkctl.errors import ConfirmationNeededError
from turkctl.units import money_text
from turkctl.waits import heeding

if TYPE_CHECKING:
    from decimal import Decimal

    from turkctl.operations.engine.plan import Act, BatchResult, Plan

P = TypeVar("P")

_SOON = 0.1
"""Seconds in which an event is set, unless its lock is held."""


def run_batch(run: Invocation, plan: Plan[P], act: Act[P], *, dry_run: bool, asks: bool, yes: bool = False) -> None:
    """Apply a plan, or show it; ends the command with the batch's exit code.

    Args:
        run: the invocation.
        plan: what would be done.
        act: how each step is done.
        dry_run: only show the plan.
        asks: whether the act costs money or cannot be undone, so that mode live asks first.
        yes: the answer, given beforehand.

    Raises:
        ConfirmationNeededError: it asks and nobody is there, or the answer was no.
    """
    if dry_run:
        show_plan(run, plan)
    for note in plan.notes:
        run.output.note(note)
    if asks and plan.steps and run.settings.mode == "live" and not yes:
        confirm(run, plan)
    with stoppable() as stop:  # until the result is out, for what was done has to be told
        raise typer.Exit(run.output.batch(apply_batch(run, plan, act, stop)))


def show_plan(run: Invocation, plan: Plan[P]) -> NoReturn:
    """Show a plan; ends the command."""
    for note in plan.notes:
        run.output.note(note)
    raise typer.Exit(run.output.batch(plan.preview()))


def apply_batch(run: Invocation, plan: Plan[P], act: Act[P], stop: threading.Event | None = None) -> BatchResult:
    """Apply a plan with a progress bar; the first Ctrl-C, or ``stop``, lets what is in hand finish."""
    engine = run.context.engine(stop=stop or threading.Event())
    with stoppable(engine.stop), run.output.progress(plan.action, len(plan.steps) + len(plan.skipped)) as advance:
        return engine.apply(plan, act, on_item=lambda _item: advance())


def confirm(run: Invocation, plan: Plan[P]) -> None:
    """Show what is about to happen in mode live and ask.

    Raises:
        ConfirmationNeededError: nobody is there to answer, or the answer was not yes.
    """
    confirm_spending(run, plan.in_words(), plan.cost, otherwise="--dry-run to see it")


def confirm_spending(run: Invocation, what: str, cost: Decimal, *, otherwise: str | None = None) -> None:
    """Say what would be done in mode live and what it costs, and ask.

    Args:
        run: the invocation.
        what: the act, in words.
        cost: dollars that it adds to the bill, commission included.
        otherwise: how to look without doing it.

    Raises:
        ConfirmationNeededError: nobody is there to answer, or the answer was not yes.
    """
    balance = run.context.mturk.balance().available
    price = f"for {money_text(cost)}, commission included" if cost else "at no cost"
    question = f"{what} in mode live {price}; the balance is {money_text(balance)}"
    confirm_question(run, question, otherwise=otherwise)


def confirm_question(run: Invocation, question: str, *, otherwise: str | None = None) -> None:
    """Ask whether to go ahead; ``otherwise`` says how to look without doing it.

    Raises:
        ConfirmationNeededError: nobody is there to answer, or the answer was not yes.
    """
    if not run.output.interactive:
        hint = "add --yes to go ahead" + (f", {otherwise}" if otherwise else "")
        raise ConfirmationNeededError(f"this needs to be confirmed: {question}", hint=hint)
    if run.output.ask(f"{question}. Go ahead? [y/N] ").lower() not in ("y", "yes"):
        raise ConfirmationNeededError("not confirmed, nothing was done", hint="answer y, or add --yes")


def set_in_handler(event: threading.Event) -> None:
    """Set an event from a signal handler, by another thread.

    A handler runs in the main thread, which may be about to wait for this event and hold its lock: to set it there
    would wait for that lock for ever.
    """
    setter = threading.Thread(target=event.set, daemon=True)
    setter.start()
    setter.join(_SOON)  # usually it is set at once


@contextmanager
def stoppable(event: threading.Event | None = None) -> Iterator[threading.Event]:
    """Let the first Ctrl-C or SIGTERM set the event, so that what is in hand can finish; a second Ctrl-C ends at once.

    Handlers are put back at the end, but not where the result is out and the process is about to end.
    """
    event = event or threading.Event()

    def stop(_number: int, _frame: object) -> None:
        set_in_handler(event)
        if not process.settled:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with heeding(event):
            yield event
    finally:
        for number, handler in before.items():
            if not process.settled:
                signal.signal(number, handler)
