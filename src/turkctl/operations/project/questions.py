"""Read the files that an experiment names: templates, question documents, tests. Errors give file and line."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from turkctl.errors import ConfigError, TurkctlError, UsageError
from turkctl.mturk import questions
from turkctl.operations.project import foreign, liquid_pages, templates
from turkctl.operations.project.experiments import ExperimentSettings
from turkctl.operations.project.tables import LineOf
from turkctl.operations.project.templates import JSON_NAME, Piece, Placeholder
from turkctl.paths import read_whole
from turkctl.task_forms import Outline, what_is_added, with_form
from turkctl.words import counted

MOST_BYTES = 16 * 2**20
TEMPLATE_LIMIT = 60_000
"""Most bytes of a template: the market accepts 65,535 for the whole question."""
VERSION_CHARACTERS = 12
"""Of a consent's version."""

_TAG = re.compile(r"<[A-Za-z][^<>]*>|<[A-Za-z][^\s/>]*\s")
_FIRST = re.compile(r"<([A-Za-z][^\s/>]*)")
_ASIDE = re.compile(r"<!--.*?-->|<\?.*?\?>", re.DOTALL)
_DOCTYPE = re.compile(r"<!doctype\s+html", re.IGNORECASE)
_PAGE_FILE = re.compile(r"\.x?html?$", re.IGNORECASE)
_BINARY = re.compile(r"[\x00-\x08\x0b\x0e-\x1f]")


def read_text(path: Path, where: Callable[[], str]) -> str:
    """Return the text of a UTF-8 file, without a byte order mark.

    Args:
        path: the file.
        where: returns file and line of the key that names it, for the error.

    Raises:
        ConfigError: the file cannot be read, is not UTF-8, is binary or is too long.
    """
    try:
        text = read_whole(path, MOST_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{where()}: {path} is not UTF-8 text", hint="save it as UTF-8") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a valid file name"
        raise ConfigError(
            f"{where()}: cannot read {path}: {reason}", hint="paths are relative to the file that they are written in"
        ) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if bad := _BINARY.search(text):
        line = text.count("\n", 0, bad.start()) + 1
        raise ConfigError(
            f"{where()}: {path} is not a text file: line {line} has a control character, U+{ord(bad[0]):04X}",
            hint="save it as UTF-8",
        )
    if len(text.encode()) > TEMPLATE_LIMIT:
        raise ConfigError(
            f"{where()}: {path} is longer than {TEMPLATE_LIMIT:,} bytes",
            hint="load scripts and pictures from a web address instead",
        )
    return text


def read_question(settings: ExperimentSettings, folder: Path, locate: LineOf) -> str | None:
    """Return the text of the experiment's template or question file, checked; None if it has neither.

    Raises:
        ConfigError: the file cannot be read or is not what its key says, or a placeholder is in the wrong place or
            belongs to no item.
    """
    key = next(
        name for name in ("html_template", "question_file", "hit_layout", "external_url") if getattr(settings, name)
    )
    name = settings.html_template or settings.question_file
    text = None if name is None else read_text(folder / name, lambda: locate(key))

    def named() -> str:
        return locate(key) if name is None else f"{locate(key)}: {folder / name}"

    if settings.html_template is not None and text is not None and not _TAG.search(text):
        what = "it is empty" if not text.strip() else "it has no tags"
        raise ConfigError(f"{named()} is not HTML: {what}", hint="give a file with the page that workers see")
    if name is not None and text is not None:
        _refuse_other_kind(settings, name, text, named)
    try:
        source = source_of(settings, text)
        if source.kind == "html":
            questions.html_question(text or "")
        if source.liquid is not None:
            liquid_pages.check(source.liquid)
        refuse_foreign(settings, text)
        _refuse_without_form(settings, text)
        asked_columns(source, settings.items_per_hit)
        check_places(source, settings)
    except TurkctlError as error:
        raise ConfigError(f"{named()}: {error.message}", hint=error.hint) from None
    return text


def _refuse_other_kind(settings: ExperimentSettings, name: str, text: str, named: Callable[[], str]) -> None:
    """Raise ConfigError if a page is given as a question document, or the reverse; the error names the right key."""
    first = _FIRST.search(_ASIDE.sub("", text))
    tag = first[1].rpartition(":")[2] if first else ""
    if settings.html_template is not None and tag in questions.ROOTS:
        raise ConfigError(
            f"{named()} is a question document, not a page", hint=f'name it with: question_file = "{name}"'
        )
    if settings.question_file is None or tag in questions.ROOTS:
        return
    # The elements of question documents have names in capitals and small letters.
    if _PAGE_FILE.search(name) or _DOCTYPE.search(text) or (tag and tag in (tag.lower(), tag.upper())):
        raise ConfigError(
            f"{named()} is an HTML page, not a question document", hint=f'name it with: html_template = "{name}"'
        )


def page_of(settings: ExperimentSettings, template: str | None) -> str | None:
    """Return the page of a question, before a form is put around it; None if it is not an HTML page.

    Raises:
        UsageError: the question file is invalid.
    """
    if template is None:
        return None
    return template if settings.html_template is not None else _parsed_file(template).html


def posted_page(settings: ExperimentSettings, template: str | None) -> str | None:
    """Return the page as it is posted, with its placeholders: in a form if it has none. None if there is no page."""
    page = page_of(settings, template)
    return page if page is None or not settings.html_wrap else with_form(page)


def additions(settings: ExperimentSettings, template: str | None) -> tuple[str, ...]:
    """Return in words what turkctl adds to a page before it is posted: a form, a script."""
    page = page_of(settings, template)
    return () if page is None or not settings.html_wrap else what_is_added(page)


def _refuse_without_form(settings: ExperimentSettings, template: str | None) -> None:
    page = None if settings.html_wrap else page_of(settings, template)
    if page is None:
        return
    seen = Outline(page)
    if seen.wants_crowd_script:
        raise UsageError(
            "the page has crowd elements, and not the script that draws them",
            hint="load crowd-html-elements.js in it, or remove html_wrap = false",
        )
    if seen.wants_form:
        raise UsageError(
            "the page has no form, so that nothing can be submitted",
            hint='put it into <form method="post">, or remove html_wrap = false',
        )


def foreign_of(settings: ExperimentSettings, template: str | None) -> tuple[foreign.Foreign, ...]:
    """Return the placeholders of other systems in a question; none where those are meant, or none are filled in."""
    if not settings.placeholders or settings.html_template_language == liquid_pages.LIQUID:
        return ()
    page = page_of(settings, template)
    if page is not None:
        return foreign.in_page(page)
    texts = [*settings.hit_layout_parameters.values(), *filter(None, (settings.external_url, template))]
    if template is not None and (url := _parsed_file(template).url) is not None:
        texts = [url]
    return tuple(each for text in texts for each in foreign.in_text(text))


def refuse_foreign(settings: ExperimentSettings, template: str | None) -> None:
    """Raise UsageError if the question has placeholders that only another system fills in."""
    foreign.refuse(foreign_of(settings, template), ground_truth=settings.html_template is not None)


def read_consent(settings: ExperimentSettings, folder: Path, locate: LineOf) -> str | None:
    """Return the page of the experiment's consent, checked; None if it has none.

    Raises:
        ConfigError: the file cannot be read, or is not HTML.
    """
    if settings.consent is None:
        return None
    path = folder / settings.consent
    text = read_text(path, lambda: locate("consent"))
    if not _TAG.search(text):
        what = "it is empty" if not text.strip() else "it has no tags"
        raise ConfigError(
            f"{locate('consent')}: {path} is not HTML: {what}", hint="give a file with the page to agree to"
        )
    try:
        questions.html_question(text)
    except TurkctlError as error:
        raise ConfigError(f"{locate('consent')}: {path}: {error.message}", hint=error.hint) from None
    return text


def version_of(page: str) -> str:
    """Return the name of a version of a consent: it changes with the text."""
    return hashlib.sha256(page.encode()).hexdigest()[:VERSION_CHARACTERS]


def missing_columns(source: QuestionSource, settings: ExperimentSettings, columns: set[str]) -> list[str]:
    """Return the columns that the question uses and ``columns`` lacks, sorted."""
    if source.liquid is not None:
        return liquid_pages.missing(source.liquid, columns)
    return sorted(asked_columns(source, settings.items_per_hit) - columns)


def asked_columns(source: QuestionSource, items_per_hit: int) -> frozenset[str]:
    """Return the columns without which the question cannot be filled in.

    Raises:
        UsageError: a placeholder belongs to no item of a HIT.
    """
    names = [each.name for each in source.placeholders]
    if source.liquid is not None:
        return frozenset(names) - {liquid_pages.TASK_OBJECT}  # which another column can stand for
    return columns_of(names, items_per_hit)


def check_places(source: QuestionSource, settings: ExperimentSettings) -> None:
    """Refuse a question that shows fewer items than its HITs have, because those beyond would be paid for and unseen.

    A question without placeholders, and one that gets all items as a list, shows as many as it likes.

    Raises:
        UsageError: an item of a HIT has no placeholder.
    """
    items = settings.items_per_hit
    if items == 1:
        return
    if source.liquid is not None:
        shown = liquid_pages.places(source.liquid)
    else:
        names = {each.name for each in source.placeholders}
        shown = None if JSON_NAME in names else {numbered(name, items)[1] for name in names}
    missing = [] if not shown else [number for number in range(1, items + 1) if number not in shown]
    if missing:
        has = f"contents_per_hit = {settings.contents_per_hit}"
        known = items - settings.contents_per_hit
        has += f" and up to {counted(known, 'item')} with a known answer" if known else ""
        lacks = counted(items - len(missing), "item")
        raise UsageError(
            f"the question shows {lacks}, but a HIT has {items}: {has}; nobody would see item {missing[0]}",
            hint=f"show {counted(items, 'item')}, set contents_per_hit = {max(1, items - len(missing) - known)}, or "
            f"use ${{{JSON_NAME}}}",
        )


@dataclass(frozen=True, slots=True)
class QuestionSource:
    """A question before its placeholders are filled in.

    Attributes:
        kind: ``external``, ``html``, ``form`` or ``layout``.
        parts: its texts by name: only one, named '', or the parameters of a layout.
        frame_height: height of the frame in pixels; 0 fits it to the page.
        layout_id: id of the layout, if it is one.
        liquid: the template, if it is Liquid; its ``parts`` are then its placeholders alone.
    """

    kind: str
    parts: Mapping[str, tuple[Piece, ...]]
    frame_height: int = 0
    layout_id: str | None = None
    liquid: str | None = None

    @property
    def placeholders(self) -> tuple[Placeholder, ...]:
        """Return all placeholders, in order."""
        return tuple(piece for pieces in self.parts.values() for piece in templates.asked(pieces))


def source_of(settings: ExperimentSettings, template: str | None) -> QuestionSource:
    """Return the question of an experiment; ``template`` is the text of its template or question file.

    The frame height comes from a question file if there is one, else from the settings.

    Raises:
        UsageError: the question file is invalid, or a placeholder is in the wrong place.
    """
    filled = settings.placeholders
    if settings.external_url is not None:
        return QuestionSource(
            "external", {"": _pieces(templates.url_pieces, settings.external_url, filled)}, settings.frame_height
        )
    if settings.hit_layout is not None:
        named = settings.hit_layout_parameters.items()
        parts = {name: _pieces(templates.text_pieces, value, filled) for name, value in named}
        return QuestionSource("layout", parts, layout_id=settings.hit_layout)
    assert template is not None, "the template is stored with the settings"
    if settings.html_template is not None:
        template = posted_page(settings, template) or template
    if settings.html_template_language == liquid_pages.LIQUID:
        pieces = liquid_pages.asked(template)
        return QuestionSource("html", {"": pieces}, settings.frame_height, liquid=template)
    if settings.html_template is not None:
        return QuestionSource("html", {"": _pieces(templates.html_pieces, template, filled)}, settings.frame_height)
    return _of_file(template, filled, settings.html_wrap)


@lru_cache(maxsize=64)
def _parsed_file(document: str) -> questions.Question:
    """Return the question in a question file."""
    return questions.parse_question(document)


@lru_cache(maxsize=64)
def _of_file(document: str, filled: bool, wrap: bool) -> QuestionSource:
    """Return the question in a question file; placeholders are escaped for its address, its page or its XML."""
    found = _parsed_file(document)
    if found.url is not None:
        return QuestionSource(
            "external", {"": _pieces(templates.url_pieces, found.url, filled)}, found.frame_height or 0
        )
    if found.html is not None:
        page = with_form(found.html) if wrap else found.html
        return QuestionSource("html", {"": _pieces(templates.html_pieces, page, filled)}, found.frame_height or 0)
    return QuestionSource("form", {"": _pieces(templates.xml_pieces, document, filled)})


def _pieces(cut: Any, text: str, filled: bool) -> tuple[Piece, ...]:
    return tuple(cut(text)) if filled else (text,)


def columns_of(names: Sequence[str] | frozenset[str], items_per_hit: int) -> frozenset[str]:
    """Return the columns that placeholders use; without the numbers if a HIT has several items.

    Raises:
        UsageError: a number is missing, or higher than the number of items in a HIT.
    """
    found = set()
    for name in sorted(set(names) - {JSON_NAME}):
        found.add(name if items_per_hit == 1 else numbered(name, items_per_hit)[0])
    return frozenset(found)


def numbered(name: str, items: int) -> tuple[str, int]:
    """Return the column and the number of the item in a placeholder such as ``url_3``.

    Raises:
        UsageError: the name has no number between 1 and ``items``.
    """
    match = re.fullmatch(r"(.+)_([1-9][0-9]*)", name)
    if match is None or int(match[2]) > items:
        column = match[1] if match else name
        raise UsageError(
            f"${{{name}}} belongs to no item: a HIT has {items} items",
            hint=f"write ${{{column}_1}} to ${{{column}_{items}}}, or use ${{{JSON_NAME}}}",
        )
    return match[1], int(match[2])
