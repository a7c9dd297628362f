"""``workers approve --watch`` on a terminal and in a script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from turkctl.cli.batch import stoppable
from turkctl.errors import ExitCode

if TYPE_CHECKING:
    from turkctl.cli.invocation import Invocation
    from turkctl.operations.engine.plan import ItemResult
    from turkctl.operations.selection.work import WorkSelection


def watch_approvals(run: Invocation, wanted: WorkSelection, feedback: str | None) -> int:
    """Approve until interrupted; the exit code.

    A line for each approval as it happens (with ``jsonl`` on standard output, else on standard error), the batch
    result at the end.
    """
    from turkctl.operations.workers.watch_approvals import Watch

    def tell(item: ItemResult) -> None:
        if run.output.format == "jsonl":
            run.output.record(item.as_dict())
            run.output.flush()
        elif item.error is None:
            run.output.note(f"{item.id} {item.status}: {item.detail}")
        else:
            run.output.warn(f"{item.id}: {item.error.message}; trying again")

    with stoppable() as stop:
        watch = Watch(run.context, wanted, stop, feedback=feedback, queue=run.context.queue(), warn=run.output.warn)
        how = "polls the market" if watch.queue is None else f"reads {watch.queue.url}"
        run.output.note(f"approving submissions as they arrive in mode {run.settings.mode}; {how}; Ctrl-C ends it")
        for item in watch.run():
            tell(item)
    if run.output.format != "jsonl":
        run.output.batch(watch.result())
    return int(ExitCode.INTERRUPTED)
