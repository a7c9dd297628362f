"""Acts on items: dispatch, remove, ask for more outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from turkctl.dashboard.acts.base import ActPlan, Fields, PageAct, of_plan, of_preview
from turkctl.dashboard.acts.forms import required, whole
from turkctl.dashboard.commands import arguments, option
from turkctl.errors import UsageError
from turkctl.operations.content.dispatch import prepare_dispatch
from turkctl.operations.content.remove import chosen_keys, remove_content
from turkctl.operations.labels.needs_more import add_outputs
from turkctl.operations.selection.hits import Selection

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict

    from turkctl.operations.engine.world import World


class DispatchContent(PageAct):
    """Post HITs for pending items, by priority."""

    name, title, back = "content dispatch", "Post HITs for items", "content.index"

    def read(self, form: MultiDict[str, str]) -> dict[str, Any]:
        """Return the experiment, or all, and the most HITs."""
        hits = form.get("hits") or None
        return {
            "experiment": form.get("experiment") or None,
            "hits": None if hits is None else whole(hits, "the number of HITs"),
        }

    def command(self, fields: Fields) -> list[str]:
        """Return ``content dispatch`` with the experiment."""
        which = ["--all"] if fields["experiment"] is None else ["--experiment", fields["experiment"]]
        return ["content", "dispatch", *which, *option("--hits", fields["hits"])]

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return the plan of ``content dispatch``."""
        slug = fields["experiment"]
        plan, act = prepare_dispatch(world, Selection(everything=slug is None, experiment=slug), hits=fields["hits"])
        return of_plan(plan, act, "Post")


class RemoveContent(PageAct):
    """Stop posting HITs for the items that are ticked."""

    name, title, back = "content remove", "Remove items", "content.index"

    def read(self, form: MultiDict[str, str]) -> dict[str, Any]:
        """Return the experiment and the keys of the items."""
        keys = form.getlist("id")
        if not keys:
            raise UsageError("no item is ticked", hint="go back and tick the items to remove")
        return {"experiment": required(form, "experiment", "the experiment"), "keys": keys}

    def command(self, fields: Fields) -> list[str]:
        """Return ``content remove`` with the keys."""
        return ["content", "remove", *option("--experiment", fields["experiment"]), *arguments(*fields["keys"])]

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return what ``content remove --dry-run`` shows."""
        slug, keys = fields["experiment"], chosen_keys(fields["keys"], None, everything=False)
        preview, note = remove_content(world, slug, keys, dry_run=True)
        return of_preview(
            preview, "Remove", lambda: remove_content(world, slug, keys)[0], notes=(note,) if note else ()
        )


class AddOutputs(PageAct):
    """Ask for more answers to the items that are ticked."""

    name, title, back = "labels needs-more", "Ask for more answers", "labels.more"

    def read(self, form: MultiDict[str, str]) -> dict[str, Any]:
        """Return the experiment, the items and the number of outputs."""
        items = form.getlist("id")
        if not items:
            raise UsageError("no item is ticked", hint="go back and tick the items that need more answers")
        return {
            "experiment": required(form, "experiment", "the experiment"),
            "items": items,
            "outputs": whole(required(form, "outputs", "the number of answers"), "the number of answers"),
        }

    def command(self, fields: Fields) -> list[str]:
        """Return ``labels needs-more --add-outputs``, which takes the neediest items."""
        more = ["--limit", str(len(fields["items"])), "--add-outputs", str(fields["outputs"])]
        return ["labels", "needs-more", "--experiment", fields["experiment"], *more]

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return what would be added to each item."""
        of = (world, fields["experiment"], fields["items"], fields["outputs"])
        return of_preview(
            add_outputs(*of, dry_run=True), f"Add {fields['outputs']} outputs to", lambda: add_outputs(*of)
        )


ACTS: tuple[PageAct, ...] = (DispatchContent(), RemoveContent(), AddOutputs())
