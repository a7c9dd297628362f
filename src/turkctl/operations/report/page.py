"""Write a closing report as one HTML page to print, without scripts or anything loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from turkctl.harmless import harmless_html
from turkctl.html_pages import page_template
from turkctl.operations.report.sections import Section, sections
from turkctl.outputs import Protected, writing_text
from turkctl.units import unit_words

Shown = Callable[[Any], str]
"""Returns a value as people read it."""

_PAGE = page_template(
    """h2 { border-bottom: 1px solid var(--line); }
p { overflow-wrap: anywhere; }
th, td { padding: .25rem .9rem .25rem 0; text-align: left; vertical-align: top; }
td { overflow-wrap: break-word; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.5rem; margin: 0 0 .75rem; }
dt { color: var(--soft); } dd { margin: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
@media print {
  :root { --ink: #000000; --soft: #444444; --line: #999999; --back: #ffffff; --panel: #ffffff; }
  @page { margin: 2cm; }
  body { max-width: none; padding: 0; font-size: 10.5pt; }
  h2 { break-after: avoid; } tr, dl { break-inside: avoid; } thead { display: table-header-group; }
  .scroll { overflow: visible; }
}
""",
    "$body",
)


def write_page(
    path: Path, report: Mapping[str, Any], shown: Shown, protected: Protected, *, flag: str = "--file"
) -> None:
    """Write the page; only the user may read it, because it may name workers.

    Args:
        path: where to.
        report: the facts.
        shown: returns a value as text.
        protected: the files that must not be replaced.
        flag: the option that names the file.

    Raises:
        UsageError: the file cannot be written, or must not be replaced.
    """
    with writing_text(path, protected, flag=flag, private=True) as out:
        out.write(render(report, shown))


def render(report: Mapping[str, Any], shown: Shown) -> str:
    """Return the page of a report."""
    versions = ", ".join(report["codeversions"])
    subtitle = f"Experiment {report['experiment']}, code version {versions}, mode {report['mode']}; "
    money = unit_words(report["money"][0]["currency"])
    return _PAGE.substitute(
        title=harmless_html(f"Report: {report['title']}"),
        subtitle=harmless_html(f"{subtitle}made {shown(report['made'])} UTC. Money is in {money}."),
        body="\n".join(part for section in sections(report) for part in _section(section, shown)),
    )


def _section(section: Section, shown: Shown) -> Iterator[str]:
    if not section.facts and not section.rows:
        return
    yield f"<h2>{harmless_html(section.title)}</h2>"
    if section.note is not None:
        yield f"<p>{harmless_html(section.note)}</p>"
    if section.facts:
        yield "<dl>" + "".join(_fact(name, value, shown) for name, value in section.facts.items()) + "</dl>"
    if section.rows:
        head = "".join(f"<th>{harmless_html(heading(name))}</th>" for name in section.columns)
        rows = "".join(
            "<tr>" + "".join(f"<td>{harmless_html(shown(row[name]))}</td>" for name in section.columns) + "</tr>\n"
            for row in section.rows
        )
        yield f'<div class="scroll"><table><thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>'


def _fact(name: str, value: Any, shown: Shown) -> str:
    return f"<dt>{harmless_html(heading(name))}</dt><dd>{harmless_html(shown(value) or '–')}</dd>"


def heading(name: str) -> str:
    """Return a key as people read it."""
    return {"spent": "committed"}.get(name, name).replace("_", " ")
