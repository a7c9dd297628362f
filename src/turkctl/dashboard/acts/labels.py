"""Acts on labels: aggregate, mark dirty, set, exclude workers, take labels out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from turkctl.dashboard.acts.base import ActPlan, Fields, PageAct, of_preview, simple
from turkctl.dashboard.acts.forms import lines, required
from turkctl.dashboard.commands import arguments, option
from turkctl.dashboard.desk import desk
from turkctl.errors import UsageError
from turkctl.operations.labels.aggregation import How
from turkctl.operations.labels.changes import exclude_workers, invalidate, mark_dirty, set_label
from turkctl.operations.labels.lists import is_dirty, show_item
from turkctl.operations.labels.runs import AggregateRequest, AggregationOutcome, aggregate_experiments, unseen
from turkctl.words import counted

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict

    from turkctl.operations.engine.world import World


class AggregateLabels(PageAct):
    """Combine the labels of one experiment, or of all with new labels."""

    name, title, back = "labels aggregate", "Aggregate labels", "labels.index"

    def read(self, form: MultiDict[str, str]) -> dict[str, Any]:
        """Return the experiment, and whether to aggregate it even without new labels."""
        return {"experiment": form.get("experiment") or None, "force": form.get("force") == "1"}

    def command(self, fields: Fields) -> list[str]:
        """Return ``labels aggregate``."""
        force = ["--force"] if fields["force"] else []
        return ["labels", "aggregate", *option("--experiment", fields["experiment"]), *force]

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return what would be aggregated; that costs nothing."""
        slug, force = fields["experiment"], fields["force"]
        if slug is None:
            return simple("Aggregate all", "aggregate every experiment with new labels", lambda: _run(world, fields))
        if not (force or is_dirty(world, slug)):
            note = "it has no new labels since the last time; the result will be the same"
            return simple(f"Aggregate {slug}", f"aggregate {slug}", lambda: _run(world, fields), notes=(note,))
        return simple(f"Aggregate {slug}", f"aggregate {slug}", lambda: _run(world, fields))


def _run(world: World, fields: Fields) -> str:
    """Aggregate, and return what changed in a sentence."""
    request = AggregateRequest(fields["experiment"], how=How(), force=fields["force"])
    stop = world.engine().stop.is_set
    found = list(aggregate_experiments(world, request, unseen, stop))
    failed = [f"{each.version.slug}: {each.error.message}" for each in found if each.error is not None]
    if failed:
        raise UsageError("; ".join(failed), hint="the others were aggregated")
    told = [
        f"{each.version.slug}: {counted(sum(each.changes.values()), 'label')} changed{_odd(each)}"
        if each.result is not None
        else f"{each.version.slug}: {'; '.join(each.notes)}"
        for each in found
    ]
    return "; ".join(told) or "no experiment has new labels"


def _odd(outcome: AggregationOutcome) -> str:
    odd = outcome.left_out.odd
    return f", {counted(odd, 'odd answer')} left out" if odd else ""


class MarkDirty(PageAct):
    """Have an experiment aggregated at the next run even without new labels."""

    name, title, back = "labels mark-dirty", "Mark for aggregation", "labels.index"

    def read(self, form: MultiDict[str, str]) -> dict[str, Any]:
        """Return the experiment."""
        return {"experiment": required(form, "experiment", "the experiment")}

    def command(self, fields: Fields) -> list[str]:
        """Return ``labels mark-dirty``."""
        return ["labels", "mark-dirty", fields["experiment"]]

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return what would be marked."""
        slug = fields["experiment"]
        is_dirty(world, slug)  # it raises if there is no such experiment

        def do() -> str:
            mark_dirty(world, slug)
            return f"{slug} will be aggregated at the next run"

        return simple(f"Mark {slug}", f"have {slug} aggregated at the next run", do)


class SetLabel(PageAct):
    """Decide on the label of one item by hand."""

    name, title, back = "labels set", "Set a label", "review.index"

    def read(self, form: MultiDict[str, str]) -> dict[str, Any]:
        """Return the experiment, the item, its label, and why; no label lets aggregation decide again."""
        return {
            "experiment": required(form, "experiment", "the experiment"),
            "item": required(form, "item", "the item"),
            "value": form.get("value") or None,
            "reason": lines(form, "reason") or None,
        }

    def command(self, fields: Fields) -> list[str]:
        """Return ``labels set``."""
        of = ["labels", "set", *option("--experiment", fields["experiment"])]
        if fields["value"] is None:
            return [*of, "--clear", *arguments(fields["item"])]
        return [*of, *option("--reason", fields["reason"]), *arguments(fields["item"], fields["value"])]

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return the label now and after."""
        slug, item, value = fields["experiment"], fields["item"], fields["value"]
        label = show_item(world, slug, item)["label"]
        button = f"Let aggregation decide on {item}" if value is None else f"Label {item} as {value}"

        def do() -> str:
            after = set_label(world, slug, item, value, fields["reason"])["label"]
            return f"the label of {item} is {_word(after)}" if after is not None else f"{item} waits for the next run"

        words = f"{button[0].lower()}{button[1:]}"
        return simple(button, words, do, facts=(("Label now", "none" if label is None else _word(label)),))


def _word(label: bool | str) -> str:
    """Return a label as it is typed."""
    return label if isinstance(label, str) else str(label).lower()


class ExcludeLabels(PageAct):
    """Ignore the labels of a worker in an experiment, or count them again."""

    name, title, back = "labels exclude", "Exclude labels of a worker", "labels.index"

    def read(self, form: MultiDict[str, str]) -> dict[str, Any]:
        """Return the experiment, the worker, and whether to include them again."""
        return {
            "experiment": required(form, "experiment", "the experiment"),
            "worker": desk().find_worker(required(form, "worker", "the worker")),
            "undo": form.get("undo") == "1",
        }

    def command(self, fields: Fields) -> list[str]:
        """Return ``labels exclude``."""
        undo = ["--undo"] if fields["undo"] else []
        return ["labels", "exclude", "--experiment", fields["experiment"], *undo, fields["worker"]]

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return what ``labels exclude --dry-run`` shows."""
        slug, chosen, undo = fields["experiment"], [fields["worker"]], fields["undo"]
        preview = exclude_workers(world, slug, chosen, undo=undo, dry_run=True)
        verb = "Include" if undo else "Exclude"
        return of_preview(preview, verb, lambda: exclude_workers(world, slug, chosen, undo=undo))


class InvalidateLabels(PageAct):
    """Take out the labels of one item, or of one worker on it, or put them back."""

    name, title, back = "labels invalidate", "Take labels out", "review.index"

    def read(self, form: MultiDict[str, str]) -> dict[str, Any]:
        """Return the experiment, the item, the worker, and whether to put the labels back."""
        worker = form.get("worker") or None
        return {
            "experiment": required(form, "experiment", "the experiment"),
            "item": form.get("item") or None,
            "worker": None if worker is None else desk().find_worker(worker),
            "undo": form.get("undo") == "1",
        }

    def command(self, fields: Fields) -> list[str]:
        """Return ``labels invalidate``."""
        of = [*option("--item", fields["item"]), *option("--worker", fields["worker"])]
        undo = ["--undo"] if fields["undo"] else []
        return ["labels", "invalidate", "--experiment", fields["experiment"], *of, *undo]

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return how many labels it concerns."""
        of, undo = (fields["experiment"], fields["item"], fields["worker"]), fields["undo"]
        number = invalidate(world, *of, undo=undo, dry_run=True)["labels"]
        verb = "Put back" if undo else "Take out"

        def do() -> str:
            done = invalidate(world, *of, undo=undo)["labels"]
            return f"{counted(done, 'label')} {'put back' if undo else 'taken out'}"

        words = f"{verb.lower()} {counted(number, 'label')}" if number else "nothing to change"
        return simple(f"{verb} {counted(number, 'label')}", words, do)


ACTS: tuple[PageAct, ...] = (
    AggregateLabels(),
    MarkDirty(),
    SetLabel(),
    ExcludeLabels(),
    InvalidateLabels(),
)
