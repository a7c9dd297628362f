"""Define an act of the dashboard, and what is shown before it is done."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from turkctl.operations.engine import plan as plans
from turkctl.operations.engine.plan import PLANNED, BatchResult, ItemResult, acted_on
from turkctl.units import ZERO, money_text
from turkctl.words import counted, plural

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict

    from turkctl.operations.engine.batch import Engine
    from turkctl.operations.engine.world import World

P = TypeVar("P")
Fields = Mapping[str, Any]
"""What a form asked for, as JSON values."""
OnItem = Callable[[ItemResult], None]


@dataclass(frozen=True)
class Input:
    """A field that is asked for on a page of its own, where the form that was sent does not have it.

    Attributes:
        name: of the field.
        label: what the page calls it.
        required: whether it must be filled in.
        asked: whether it is asked for if a form lacks it; what is required always is.
        kind: ``line``, ``area`` (several lines), ``money`` or ``tick``.
        hint: more about it.
        value: what it says at first.
    """

    name: str
    label: str
    required: bool = False
    asked: bool = False
    kind: str = "line"
    hint: str | None = None
    value: str = ""


@dataclass(frozen=True)
class ActPlan:
    """What an act would do, for a person to agree to.

    Attributes:
        button: what the button of the confirming page says.
        words: what would be done, in a sentence.
        cost: dollars that it adds to the bill, commission included.
        items: what it would be done to.
        skipped: what it leaves out, and why.
        notes: what the person should know.
        people: how many people it concerns, if that number has to be typed.
        facts: more lines of the plan, as (heading, value).
        continues: whether it does the rest of an interrupted run.
        workers: ids of workers that its texts name, for those who see pseudonyms.
        do: does it with an engine; calls its argument with each result.
    """

    button: str
    words: str
    do: Callable[[Engine, OnItem], BatchResult | str]
    cost: Decimal = ZERO
    items: Sequence[ItemResult] = ()
    skipped: Sequence[ItemResult] = ()
    notes: Sequence[str] = ()
    people: int | None = None
    facts: Sequence[tuple[str, Any]] = field(default=())
    continues: bool = False
    workers: Sequence[str] = ()

    @property
    def nothing(self) -> bool:
        """Return whether a batch has nothing to do."""
        return not self.items and bool(self.skipped or self.words.startswith("nothing"))

    @property
    def digest(self) -> str:
        """Return a digest of the plan: a plan that changed since it was shown is shown again."""
        shown = [self.button, self.words, str(self.cost), [[each.id, str(each.cost)] for each in self.items]]
        return hashlib.sha256(json.dumps([*shown, self.people]).encode()).hexdigest()


class PageAct(ABC):
    """An act that a form of the dashboard asks for.

    Attributes:
        name: the full name of the command that does the same; the log has it.
        title: a heading for the confirming page.
        back: the endpoint of the page to go back to.
        takes_new: whether an interrupted run of it can be resumed or set aside. Its fields then have ``new`` and
            ``resume`` besides what ``read`` returns, and its command line has the options.
        inputs: what is asked for on a page of its own before the plan is shown, where a form does not have it.
    """

    name: str
    title: str
    back: str
    takes_new = False
    inputs: Sequence[Input] = ()

    @property
    def slug(self) -> str:
        """Return the name as it is in an address."""
        return self.name.replace(" ", "-")

    def inputs_of(self, _form: MultiDict[str, str]) -> Sequence[Input]:
        """Return the inputs that mean something with what the form has already."""
        return self.inputs

    def asks(self, form: MultiDict[str, str]) -> bool:
        """Return whether something must be asked for first, or the form wants it (``ask``)."""
        inputs = self.inputs_of(form)
        return bool(inputs) and (
            form.get("ask") == "1" or any((each.required or each.asked) and each.name not in form for each in inputs)
        )

    def in_labels(self, text: str) -> str:
        """Return the words of an error with the labels of fields in place of options of the command line."""
        return text

    @abstractmethod
    def read(self, form: MultiDict[str, str]) -> dict[str, Any]:
        """Return the fields of a form. Those named ``worker`` and ``workers`` have worker ids, and no others do.

        Raises:
            UsageError: a value is missing or invalid.
        """

    @abstractmethod
    def command(self, fields: Fields) -> list[str]:
        """Return the words of the command line that does the same, without ``turkctl``."""

    @abstractmethod
    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return what the act would do; reads only.

        Raises:
            TurkctlError: as the command would.
        """


def of_plan(
    plan: plans.Plan[P],
    act: plans.Act[P] | Callable[[Engine, OnItem], BatchResult],
    verb: str,
    *,
    pays: Decimal | None = None,
    people: int | None = None,
    things: tuple[str, str] | None = None,
    workers: Iterable[str] = (),
) -> ActPlan:
    """Return the proposal of a batch, which shows the command's plan and applies it.

    Args:
        plan: the plan of the operation.
        act: how each step is done, or a function that does all of them.
        verb: for the button, as in ``Approve``.
        pays: dollars that the button names, if they are not what the act adds to the bill: work that is approved was
            committed when its HIT was posted.
        people: how many people it concerns, if that number has to be typed.
        things: what the button calls one and several of the items, if it is not what the action acts on.
        workers: ids of workers that the plan names.
    """
    preview = plan.preview()
    number = len(plan.steps)
    named = plan.cost if pays is None else pays
    posted = sum(step.assignments for step in plan.steps)
    what = f"{verb} {counted(number, *(things or acted_on(plan.action)))}" + (
        f" with {counted(posted, 'assignment')}" if posted else ""
    )
    apply = (lambda engine, on_item: engine.apply(plan, act, on_item=on_item)) if isinstance(act, plans.Act) else act
    price = f" for {money_text(named)}" if named else ""
    return ActPlan(
        button=what + price,
        words=plan.in_words() if number else f"nothing to {plan.action}",
        do=apply,
        cost=plan.cost,
        items=preview.results[:number],
        skipped=plan.skipped,
        notes=plan.notes,
        people=people,
        continues=getattr(plan.run, "left", None) is not None,
        workers=tuple(dict.fromkeys(workers)),
    )


def of_preview(preview: BatchResult, verb: str, do: Callable[[], BatchResult], notes: Sequence[str] = ()) -> ActPlan:
    """Return the plan of a batch that changes turkctl's own tables alone, from its dry run.

    Args:
        preview: the result of the dry run.
        verb: for the button, as in ``Remove``.
        do: does it all.
        notes: what the person should know.
    """
    planned = [each for each in preview.results if each.status == PLANNED]
    others = [each for each in preview.results if each.status != PLANNED]
    what = f"{verb} {counted(len(planned), *acted_on(preview.action))}"

    def carry_out(_engine: Engine, on_item: OnItem) -> BatchResult:
        result = do()
        for item in result.results:
            on_item(item)
        return result

    words = f"{what[0].lower()}{what[1:]}" if planned else f"nothing to {preview.action}"
    return ActPlan(what, words, carry_out, items=planned, skipped=others, notes=notes)


def simple(button: str, words: str, do: Callable[[], str], **more: Any) -> ActPlan:
    """Return the proposal of an act that changes turkctl's own tables alone; ``do`` says what was done."""
    return ActPlan(button=button, words=words, do=lambda _engine, _on_item: do(), **more)


def people_words(number: int) -> str:
    """Return ``1 person`` or ``3 people``."""
    return f"{number:,} {plural(number, 'person', 'people')}"
