"""Find problems of an experiment's task before anybody works on it (``experiments lint``)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlmodel import Session

from turkctl.errors import NotFoundError, TurkctlError
from turkctl.mturk.questions import parse_question
from turkctl.operations.experiments import label_fields
from turkctl.operations.experiments.lint_rules import ERROR, RULES, WARNING, frame_problem
from turkctl.operations.experiments.page_facts import read_page
from turkctl.operations.experiments.study_rules import mistakes
from turkctl.operations.project import liquid_pages
from turkctl.operations.project.files import Configured
from turkctl.operations.project.questions import QuestionSource, missing_columns, source_of
from turkctl.operations.project.templates import JSON_NAME, Placeholder
from turkctl.store import contents, experiments
from turkctl.words import meant_or


@dataclass(frozen=True)
class Finding:
    """A problem, or a possible problem."""

    experiment: str
    level: str
    """``error`` or ``warning``."""
    rule: str
    where: str
    """File and line."""
    message: str
    fix: str

    def as_dict(self) -> dict[str, Any]:
        """Return the row that is shown."""
        return {"mend" if name == "fix" else name: value for name, value in asdict(self).items()}


def chosen(configured: Sequence[Configured], slugs: Sequence[str]) -> list[Configured]:
    """Return the experiments with these slugs; all of them if none is given.

    Raises:
        NotFoundError: no file describes one of them; the hint names the most similar.
    """
    by_slug = {each.slug: each for each in configured}
    for slug in slugs:
        if slug not in by_slug:
            raise NotFoundError(
                f"no file describes an experiment '{slug}'",
                hint=meant_or(slug, by_slug, f"there are: {', '.join(by_slug) or 'none'}"),
            )
    return [by_slug[slug] for slug in dict.fromkeys(slugs)] if slugs else list(configured)


def lint(session: Session, configured: Sequence[Configured], described: Collection[str] = ()) -> list[Finding]:
    """Return the findings, errors first; read only the texts of the files and the database.

    Args:
        session: on turkctl's database.
        configured: the experiments to look at.
        described: the slugs of all experiments that files describe.
    """
    known = {version.slug: version.experiment_id for version in experiments.list_all(session)}
    found = [
        Finding(wrong.slug, ERROR, "study-rules", wrong.where, wrong.message, wrong.fix)
        for wrong in mistakes(configured, {*known, *described})
    ]
    for each in configured:
        row = contents.first(session, known[each.slug]) if each.slug in known else None
        found += sorted(_of_experiment(each, row), key=lambda finding: finding.level != ERROR)
    return found


def _of_experiment(each: Configured, row: Mapping[str, Any] | None) -> Iterator[Finding]:
    source = source_of(each.settings, each.template)
    yield from _of_frame(each, source)
    if source.kind == "external":
        yield from _of_address(each, "".join(_literals(source)))
    page = _page(each, source)
    if page is not None:
        yield from _of_page(each, page)
    yield from _of_labels(each, page)
    yield from _of_placeholders(each, source, page)
    if each.consent_page is not None and "<script" in each.consent_page.lower():
        where = f"{each.source.parent / (each.settings.consent or '')}"
        message = "the consent has a script, which does not run: workers see the page without it"
        yield Finding(each.slug, WARNING, "consent-script", where, message, "write what it shows into the page")
    if row is not None:
        yield from _of_content(each, source, row)


def _literals(source: QuestionSource) -> Iterator[str]:
    return (piece for pieces in source.parts.values() for piece in pieces if isinstance(piece, str))


def _page(each: Configured, source: QuestionSource) -> str | None:
    if source.kind != "html" or each.template is None:
        return None
    return each.template if each.settings.html_template else parse_question(each.template).html


def _file(each: Configured, line: int) -> str:
    """Return the file and line of a line of the page; only the file if the page is within XML."""
    if each.settings.html_template:
        return f"{each.source.parent / each.settings.html_template}:{line}"
    name = each.settings.question_file
    return each.locate("external_url") if name is None else str(Path(each.source.parent / name))


def _of_frame(each: Configured, source: QuestionSource) -> Iterator[Finding]:
    problem = frame_problem(source.frame_height)
    if problem:
        where = each.locate("frame_height") if each.settings.frame_height else _file(each, 1)
        fix = "frame_height = 0 fills the window; 400 to 1200 is usual"
        yield Finding(each.slug, WARNING, "frame-height", where, problem, fix)


def _of_address(each: Configured, address: str) -> Iterator[Finding]:
    where = _file(each, 1)
    if address.startswith("http://"):
        message = "the page has an http address, which a market on https does not show; it only works for local tests"
        yield Finding(each.slug, WARNING, "http-page", where, message, "serve it over https")
    reserved = re.findall(r"[?&](assignmentId|hitId|workerId|turkSubmitTo)=", address)
    for name in dict.fromkeys(reserved):
        message = f"the address has a parameter {name}, which the market adds itself"
        yield Finding(each.slug, ERROR, "reserved-parameter", where, message, "remove it from the address")


def _of_page(each: Configured, page: str) -> Iterator[Finding]:
    facts = read_page(page)
    for rule in RULES:
        for line, message in rule.look(facts):
            yield Finding(each.slug, rule.level, rule.name, _file(each, line), message, rule.fix)


def _of_labels(each: Configured, page: str | None) -> Iterator[Finding]:
    """Yield why answers would become no labels: no field is named for them, or one that the page does not have."""
    settings = each.settings
    facts = None if page is None else read_page(page)
    patterns = {} if facts is None else label_fields.patterns_of(label_fields.fields_of(facts))
    fix = f'write field = "{next(iter(patterns), "label_{n}" if settings.items_per_hit > 1 else "label")}"'
    if settings.labels is not None and settings.label_field is None:
        message = "labels.field is not set, and neither is answer_field: only imported labels will be aggregated"
        yield Finding(each.slug, WARNING, "label-field", each.locate("labels"), message, fix)
    elif (
        facts is not None
        and settings.label_field is not None
        and not label_fields.has_field(facts, settings.label_field)
    ):
        named = settings.labels is not None and settings.labels.field is not None
        key = "labels.field" if named else "answer_field"
        there = label_fields.in_words(patterns)
        message = f'{key} is "{settings.label_field}", but the page has the fields {there}'
        yield Finding(each.slug, WARNING, "label-field", each.locate(key), message, fix.replace("field", key, 1))


def _of_placeholders(each: Configured, source: QuestionSource, page: str | None) -> Iterator[Finding]:
    for placed in source.placeholders:
        shown = f"${{{placed.name}}}"
        if placed.raw and placed.name != JSON_NAME and source.kind != "external":
            liquid = source.liquid is not None
            what = f"{placed.name} with skip_autoescape" if liquid else f"${{{placed.name}|raw}}"
            message = f"{what} is inserted without escaping: the value in a row can change the page"
            fix = "remove the filter skip_autoescape" if liquid else f"write {shown}"
            yield Finding(each.slug, WARNING, "raw-placeholder", _file(each, placed.line), message, fix)
        if page is not None and _in_quotes(placed, page):
            message = f"{shown} is in quotes in a script, but it is a value, not a text"
            fix = f"remove the quotes: const items = {shown};"
            yield Finding(each.slug, WARNING, "quoted-json", _file(each, placed.line), message, fix)


def _in_quotes(placed: Placeholder, page: str) -> bool:
    if placed.name != JSON_NAME or placed.place != "script":
        return False
    line = page.splitlines()[placed.line - 1]
    return re.search(rf"""["'`]\s*\$\{{{JSON_NAME}(\|raw)?\}}""", line) is not None


def _of_liquid(each: Configured, template: str, row: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield why the template cannot be filled in with the first row of the content."""
    items = each.settings.items_per_hit
    try:
        liquid_pages.fill(template, [row] * items, items)
    except TurkctlError as error:
        line = re.search(r"\bline (\d+)", error.message)
        where = _file(each, int(line[1]) if line else 1)
        yield Finding(each.slug, ERROR, "liquid", where, error.message, error.hint or "correct the template")


def _of_content(each: Configured, source: QuestionSource, row: Mapping[str, Any]) -> Iterator[Finding]:
    where = _file(each, 1)
    if source.liquid is not None:
        yield from _of_liquid(each, source.liquid, row)
        return
    if not source.placeholders and source.kind in ("external", "html"):
        message = "the experiment has content, but its question has no placeholder: every HIT shows the same"
        fix = f"write ${{{next(iter(row), 'column')}}} where the item is to be shown"
        yield Finding(each.slug, WARNING, "no-placeholder", where, message, fix)
    try:
        missing = missing_columns(source, each.settings, set(row))
    except TurkctlError as error:
        yield Finding(each.slug, ERROR, "no-column", where, error.message, error.hint or "")
        return
    lines = {placed.name: placed.line for placed in source.placeholders}
    for name in missing:
        line = next((line for asked, line in lines.items() if asked == name or asked.startswith(f"{name}_")), 1)
        message = f"the content has no column for the placeholder ${{{name}}}"
        fix = f"use one of the columns of the content: {', '.join(row)}" if row else "add a column to the content"
        yield Finding(each.slug, ERROR, "no-column", _file(each, line), message, fix)
