"""Write the report of a label aggregation as one HTML page, without scripts or anything loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from turkctl.harmless import harmless_html
from turkctl.html_pages import page_template
from turkctl.labels.agreement import Reliability
from turkctl.labels.result import Result
from turkctl.operations.labels.charts import bars, plane
from turkctl.operations.labels.quality import CLASS_COLUMNS, TOLD_CLASSES, class_rows, interval, readable_workers
from turkctl.outputs import Protected, writing_text

NEAR = 20
"""Number of items nearest to the cut that are listed."""
WORKERS = 200
"""Number of workers listed, those with most labels first."""
BINS = 40
RANGE_IN_SPREADS = 6
"""Scores farther out than this number of quartile distances share the outermost bars."""

_PAGE = page_template(
    """:root { --true: #1f6feb; --false: #b35900; --none: #8b949e; }
@media (prefers-color-scheme: dark) { :root { --true: #6cb0ff; --false: #f0a35e; --none: #7d8590; } }
h2 { margin-top: 2.5rem; }
p { max-width: 46rem; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem; margin: 1.25rem 0; }
.facts div { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: .6rem .8rem; }
.facts b { display: block; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
.facts span { color: var(--soft); font-size: .85rem; }
.pair { display: grid; grid-template-columns: repeat(auto-fill, minmax(22rem, 1fr)); gap: 1.5rem; }
svg { width: 100%; height: auto; display: block; background: var(--panel); border: 1px solid var(--line);
  border-radius: 6px; }
svg text { fill: var(--soft); font: 11px system-ui, sans-serif; }
.pair { margin-bottom: 1.5rem; } .pair svg text { font-size: 17px; }
svg .axis { stroke: var(--line); } svg .cut { stroke: var(--ink); stroke-dasharray: 4 3; }
.true { fill: var(--true); } .false { fill: var(--false); } .none { fill: var(--none); }
svg circle { fill-opacity: .55; }
.key i { display: inline-block; width: .7em; height: .7em; border-radius: 2px; margin: 0 .35em 0 .9em; }
i.true { background: var(--true); } i.false { background: var(--false); } i.none { background: var(--none); }
table { width: 100%; }
th, td { text-align: right; white-space: nowrap; }
th.text, td.text { text-align: left; }
td.text:first-child { min-width: 9rem; }
td.wide { white-space: normal; overflow-wrap: anywhere; }
ul { padding-left: 1.2rem; }
""",
    """$facts
$warnings
<h2>Scores</h2>
$scores
$agreement
<h2>Workers</h2>
$charts
$workers
<h2>$heading</h2>
$near
<h2>The run</h2>
$run""",
)


_ABOUT_P = {
    True: "p is an estimate of how likely an item is true.",
    False: "Score and p are about the likeliest class of an item.",
}
_ABOUT_NUMBERS = "Low and high are the ends of an interval that holds the true number in 95 of 100 cases."


def write_report(path: Path, result: Result, source: str, protected: Protected) -> None:
    """Write the page; only the user may read it, because it names workers.

    Raises:
        UsageError: the file cannot be written, or must not be replaced.
    """
    with writing_text(path, protected, flag="--report", private=True) as out:
        out.write(render(result, source))


def render(result: Result, source: str) -> str:
    """Return the page of a result; ``source`` says where the labels are from."""
    run = result.run
    told = "".join(f"<li>{harmless_html(each)}</li>" for each in run.warnings)
    return _PAGE.substitute(
        title=harmless_html(f"Labels of {source}"),
        subtitle=f"Aggregated by {harmless_html(run.method)}. {_about(result)}",
        facts=_facts(result),
        warnings=f"<h2>Warnings</h2><ul>{told}</ul>" if told else "",
        scores=_scores(result),
        agreement="" if result.agreement is None else _agreement_of_people(result.agreement),
        charts=_worker_charts(result),
        workers=_workers(result),
        near=_widest(result) if result.numeric else _near(result),
        heading="Items with the widest intervals" if result.numeric else "Items near the cut",
        run=_table(["what", "value"], _run_rows(result), text=2),
    )


def _about(result: Result) -> str:
    return _ABOUT_NUMBERS if result.numeric else _ABOUT_P[result.votes.binary]


def _facts(result: Result) -> str:
    labelled = int((result.label >= 0).sum())
    agreement = _agreement(result)
    facts = [
        (f"{result.run.items:,}", "items"),
        (f"{result.run.workers:,}", "workers"),
        (f"{result.run.labels:,}", "labels"),
        (f"{labelled:,}", "items labelled"),
    ]
    if result.votes.binary and labelled and not result.numeric:
        facts.append((f"{int((result.label == 1).sum()) / labelled:.1%}", "of them true"))
    if result.numeric:
        return _fact_boxes(facts)
    facts.append(("–" if agreement is None else f"{agreement:.1%}", "labels agree with the result"))
    alpha = None if result.agreement is None else result.agreement.alpha
    facts.append(("–" if alpha is None else f"{alpha.value:.2f}", "Krippendorff's alpha"))
    return _fact_boxes(facts)


def _fact_boxes(facts: Sequence[tuple[str, str]]) -> str:
    return '<div class="facts">' + "".join(f"<div><b>{b}</b><span>{what}</span></div>" for b, what in facts) + "</div>"


def _agreement(result: Result) -> float | None:
    """Return the share of votes that equal their item's label, over items that have one."""
    final = result.label[result.votes.item]
    counted = final >= 0
    return float((final == result.votes.value)[counted].mean()) if counted.any() else None


def _agreement_of_people(agreement: Reliability) -> str:
    """Return the section on how far people agree beyond chance, over all classes and for each."""
    found = agreement.as_dict()
    every = {"class": "all", "share": "", "alpha": interval(found, "alpha"), "kappa": interval(found, "kappa")}
    rows = [every, *class_rows(found)]
    columns = [name for name in CLASS_COLUMNS if name != "kappa" or every["kappa"]]
    told = "Krippendorff's alpha is 1 if all people agree, and 0 if they agree no more than by chance"
    both = "; Cohen's kappa of the two people, too" if every["kappa"] else ""
    count = f"It is over {found['labels']:,} labels of {found['items']:,} items with at least two."
    heads = {"class": "class", "share": "share of labels", "alpha": "alpha", "kappa": "kappa"}
    return f"<h2>Agreement</h2>\n<p>{told}{both}. {count}</p>" + _table(
        [heads[name] for name in columns], ([row[name] or "–" for name in columns] for row in rows), text=1
    )


def _scores(result: Result) -> str:
    low, high = (float(each) for each in _range(result.score))
    edges = _edges(low, high, result.run.threshold)
    inside = np.clip(result.score, low, high)
    binary = result.votes.binary and not result.numeric
    kinds = ("false", "true", "none") if binary else ("true", "none")
    counts = [np.histogram(inside[chosen], edges)[0].tolist() for chosen in _kinds(result)]
    names = {"false": "false", "true": "true" if binary else "labelled", "none": "no label"}
    key = "".join(f'<i class="{kind}"></i>{names[kind]}' for kind in kinds)
    what = "number" if result.numeric else "score"
    return f'<p class="key">How many items have which {what}:{key}</p>' + bars(
        edges.tolist(), dict(zip(kinds, counts, strict=True)), what, "items", result.run.threshold
    )


def _edges(low: float, high: float, cut: float | None) -> Any:
    """Return the edges of the bars, one of them at the cut."""
    if cut is None or not low < cut < high:
        return np.linspace(low, high, BINS + 1)
    width = (high - low) / BINS
    return cut + width * np.arange(np.floor((low - cut) / width), np.ceil((high - cut) / width) + 1)


def _kinds(result: Result) -> list[Any]:
    if result.votes.binary and not result.numeric:
        return [result.label == 0, result.label == 1, result.label < 0]
    return [result.label >= 0, result.label < 0]


def _range(scores: Any) -> tuple[float, float]:
    """Return where the histogram begins and ends: at the lowest and highest score, unless some are outliers."""
    low, middle, high = np.percentile(scores, [25, 50, 75])
    reach = RANGE_IN_SPREADS * max(float(high - low), 0.1)
    return max(float(scores.min()), float(middle) - reach) - 0.05, min(
        float(scores.max()), float(middle) + reach
    ) + 0.05


def _worker_charts(result: Result) -> str:
    parts = []
    columns = result.worker
    flags = {} if result.quality is None else result.quality.flags
    kinds = np.where(np.any(list(flags.values()), axis=0), "false", "true") if flags else None
    shown = np.full(len(columns["n"]), "true") if kinds is None else kinds
    first = ("specificity", "sensitivity") if "sensitivity" in columns else ("a0", "a1")
    if first[0] in columns:
        x, y = columns[first[0]], columns[first[1]]
        words = "right on false items", "right on true items"
        parts.append(plane(x, y, columns["n"], shown, words, ends=((0, 1), (0, 1)), slope=-1))
    if "w" in columns and columns["w"].ndim == 1:
        words = "threshold t: says no too readily above 0", "ability w: guesses at 0"
        parts.append(plane(columns["t"], columns["w"], columns["n"], shown, words))
    if result.numeric:
        words = "bias: answers too high above 0", "distance from the items' numbers"
        parts.append(plane(columns["bias"], columns["distance"], columns["n"], shown, words))
    agreement = columns["agreement"][~np.isnan(columns["agreement"])]
    if len(agreement):
        counts, edges = np.histogram(agreement, np.linspace(0, 1, 21))
        parts.append(bars(edges.tolist(), {"true": counts.tolist()}, "agreement with the labels", "workers", None))
    key = '<i class="true"></i>nothing stands out<i class="false"></i>has a remark' if flags else ""
    text = f'<p class="key">A dot is a worker, larger with more labels.{key}</p>' if first[0] in columns else ""
    return f'{text}<div class="pair">{"".join(f"<div>{part}</div>" for part in parts)}</div>'


def _workers(result: Result) -> str:
    rows = list(result.worker_rows())
    most = sorted(rows, key=lambda row: -row["n"])[:WORKERS]
    shown = readable_workers(most, TOLD_CLASSES)
    columns = [name for name in shown[0] if name != "flags"]
    more = f"<p>The {len(most)} workers with most labels, of {len(rows):,}.</p>" if len(rows) > len(most) else ""
    heads = [name.replace("_", " ") for name in columns]
    cells = ([_shown(row[name]) for name in columns] for row in shown)
    return more + _table(heads, cells, text=1, words=("right", "wrong as", "remarks"))


def _near(result: Result) -> str:
    if result.run.threshold is None:
        distance, told = result.score, "The items with the lowest scores, where another class is nearly as likely."
    else:
        distance = np.abs(result.score - result.run.threshold)
        told = "One more vote would tell most here."
    order = np.argsort(distance, kind="stable")[:NEAR].tolist()
    labels, items = result.labels(), result.votes.items
    rows = [
        [
            str(items[at]),
            "none" if labels[at] is None else str(labels[at]).lower() if result.votes.binary else str(labels[at]),
            _shown(float(result.score[at])),
            _shown(float(result.p[at])),
            str(result.n[at]),
            str(result.n_true[at]),
        ]
        for at in order
    ]
    last = "votes true" if result.votes.binary else "votes for it"
    return f"<p>{told}</p>" + _table(["item", "label", "score", "p", "votes", last], rows, text=2)


def _widest(result: Result) -> str:
    """Return the items whose interval is widest; those without one come first."""
    low, high = result.item["low"], result.item["high"]
    width = np.where(np.isnan(low), np.inf, high - low)
    order = np.argsort(-width, kind="stable")[:NEAR].tolist()
    rows = [
        [
            str(result.votes.items[at]),
            *(_shown(_finite(each[at])) for each in (result.score, low, high)),
            str(result.n[at]),
        ]
        for at in order
    ]
    columns = ["item", result.run.method, "low", "high", "answers"]
    return "<p>One more answer would tell most here.</p>" + _table(columns, rows, text=1)


def _finite(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _run_rows(result: Result) -> Iterator[list[str]]:
    run = result.run.as_dict()
    for group in ("parameters", "versions"):
        yield from ([name, _shown(value)] for name, value in run.pop(group).items())
    run.pop("warnings")
    yield from ([name.replace("_", " "), _shown(value)] for name, value in run.items())


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_shown(each) for each in value)
    if isinstance(value, float):
        return f"{value:,.3f}" if abs(value) >= 0.0005 or not value else f"{value:.2e}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _table(columns: Sequence[str], rows: Any, *, text: int, words: Collection[str] = ()) -> str:
    """Return a table whose first ``text`` columns, and those of ``words``, are text; the others are numbers."""
    styles = [' class="text wide"' if i < text or name in words else "" for i, name in enumerate(columns)]
    head = "".join(f"<th{style}>{harmless_html(name)}</th>" for style, name in zip(styles, columns, strict=True))
    body = "".join(
        "<tr>"
        + "".join(f"<td{style}>{harmless_html(cell)}</td>" for style, cell in zip(styles, row, strict=True))
        + "</tr>\n"
        for row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>'
