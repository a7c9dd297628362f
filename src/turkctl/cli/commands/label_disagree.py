"""``turkctl labels disagree``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from turkctl.cli.bundles import bundled
from turkctl.cli.common import invocation
from turkctl.cli.export import Counted, Gold, OutputFile, chosen_format, write_rows
from turkctl.cli.help_pages import App
from turkctl.cli.listing import Listing
from turkctl.cli.terms import TheExperiment


def register(app: App) -> None:
    """Add the command to the group."""
    app.command()(disagree)


@bundled
def disagree(
    ctx: typer.Context,
    listing: Listing,
    experiment: TheExperiment = None,
    p_below: Annotated[
        float | None,
        typer.Option(
            "--p-below",
            metavar="P",
            help="Items whose aggregated label is right with a probability below this, as in 0.9.",
        ),
    ] = None,
    split: Annotated[
        bool,
        typer.Option("--split", help="Items whose usable votes differ; the default."),
    ] = False,
    votes_below: Annotated[
        int | None, typer.Option("--votes-below", metavar="N", help="Items with fewer usable votes than this.")
    ] = None,
    gold: Gold = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format", metavar="csv|jsonl", help="Format of the file.", show_default="by the file's suffix, else csv"
        ),
    ] = None,
    file: OutputFile = None,
) -> None:
    """List the items to decide, with their votes: by default those whose votes differ.

    Fill in the column `label` of the file, and give it to `labels set --from`; rows where it is blank are skipped.

    Examples:
        turkctl labels disagree --experiment photos
        turkctl labels disagree --p-below 0.9 --experiment photos --file to-decide.csv
        turkctl labels disagree --votes-below 3 --experiment photos --sort n
    """
    from turkctl.operations.experiments.stored import named_or_only
    from turkctl.operations.labels import disagree as items
    from turkctl.operations.labels.lists import GOLD_COLUMN
    from turkctl.operations.selection.gold import check_gold
    from turkctl.outputs import is_standard

    run = invocation(ctx)
    wanted = items.check_wanted(p_below, votes_below, split=split)
    chosen = chosen_format(run, form, file)
    marked = (GOLD_COLUMN,) if check_gold(gold) is not None else ()
    slug = named_or_only(run.context, experiment)
    rows = items.disagreements(run.context, slug, wanted, gold=gold)
    shown = rows if chosen in ("json", "jsonl") else map(_in_words, rows)
    keys = (*items.KEYS, *marked)
    if file is None and form is None:
        listing.show(run, (*items.COLUMNS, *marked) if chosen == "table" else keys, shown, keys=keys)
        return
    columns, arranged = listing.arrange(keys, shown, keys=keys)
    if file is None:
        run.output.onto(run.output.stdout, chosen).rows(columns, arranged)
        return
    counted = Counted(arranged)
    write_rows(run, file, chosen, columns, counted)
    if not is_standard(file):
        run.output.record({"file": str(file), "rows": counted.number})


def _in_words(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with its votes as people read them, as in ``cat 2, dog 1``."""
    counts = ", ".join(f"{label} {number:,}" for label, number in row["counts"].items())
    votes = ", ".join(f"{vote['worker']}: {vote['label']}" for vote in row["votes"])
    return {**row, "counts": counts, "votes": votes}
