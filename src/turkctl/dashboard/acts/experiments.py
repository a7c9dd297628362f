"""Acts on experiments: end a study, and go on with one that has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from turkctl.dashboard.acts.base import ActPlan, Fields, Input, OnItem, PageAct, simple
from turkctl.dashboard.acts.forms import required
from turkctl.operations.ending.end import Ending, apply_end, prepare_end, reopen
from turkctl.operations.engine.plan import PLANNED
from turkctl.operations.experiments.lists import read_experiment

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict

    from turkctl.operations.engine.batch import Engine
    from turkctl.operations.engine.plan import BatchResult
    from turkctl.operations.engine.world import World
    from turkctl.operations.status.read import StatusWorld


class EndExperiment(PageAct):
    """End a study as far as that is possible now; the report is written by the command line."""

    name, title, back = "experiments end", "End a study", "experiments.index"
    inputs = (
        Input(
            "cancel_campaigns",
            "Also cancel its active campaign",
            asked=True,
            kind="tick",
            hint="Otherwise an active campaign is in the way.",
        ),
    )

    def read(self, form: MultiDict[str, str]) -> dict[str, Any]:
        """Return the experiment, and whether its campaign is cancelled."""
        slug = required(form, "experiment", "the experiment")
        return {"experiment": slug, "cancel_campaigns": form.get("cancel_campaigns") == "1"}

    def command(self, fields: Fields) -> list[str]:
        """Return ``experiments end``."""
        more = ["--cancel-campaigns"] if fields["cancel_campaigns"] else []
        return ["experiments", "end", fields["experiment"], *more]

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return what would be cancelled, expired, deleted and paused."""
        whole, slug = cast("StatusWorld", world), fields["experiment"]
        ending = prepare_end(whole, slug, cancel_campaigns=fields["cancel_campaigns"])
        items = ending.preview.results
        return ActPlan(
            button=f"End experiment {slug}",
            words=ending.words,
            do=lambda engine, on_item: _end(whole, ending, engine, on_item),
            items=[each for each in items if each.status == PLANNED],
            skipped=[each for each in items if each.status != PLANNED],
            notes=ending.notes,
        )


def _end(world: StatusWorld, ending: Ending, engine: Engine, on_item: OnItem) -> BatchResult:
    return apply_end(world, ending, engine, on_item)


class ReopenExperiment(PageAct):
    """Let HITs be posted again for an experiment that has ended."""

    name, title, back = "experiments reopen", "Reopen an experiment", "experiments.index"

    def read(self, form: MultiDict[str, str]) -> dict[str, Any]:
        """Return the experiment."""
        return {"experiment": required(form, "experiment", "the experiment")}

    def command(self, fields: Fields) -> list[str]:
        """Return ``experiments reopen``."""
        return ["experiments", "reopen", fields["experiment"]]

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return that it can be posted for again."""
        slug = fields["experiment"]
        if read_experiment(world, slug)["closed"] is None:
            return simple("Reopen", f"nothing to reopen: experiment {slug} is open", lambda: "nothing to do")
        note = "Campaigns stay cancelled, HITs and qualification types deleted, and tasks paused."
        return simple(
            f"Reopen experiment {slug}",
            f"reopen experiment {slug}, so that HITs can be posted for it again",
            lambda: f"experiment {reopen(world, slug)['experiment']} reopened",
            notes=(note,),
        )


ACTS: tuple[PageAct, ...] = (EndExperiment(), ReopenExperiment())
