"""Show a QuestionForm as the inside of an HTML form: every field has a label, and every problem stands at its field.

No scripts and no styles: it is part of a page under the strictest policy. Images are shown from https only;
:func:`image_sources` names the origins that the page's ``img-src`` must allow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from xml.etree.ElementTree import Element

from markupsafe import Markup, escape

from turkctl.market.site.form_answers import OTHER, Filled, number_words
from turkctl.market.site.formatted_content import formatted, https_origin, image_origins, plain_text
from turkctl.market.site.question_form import (
    AnswerFormat,
    FormOverview,
    FormQuestion,
    FormSelection,
    FreeText,
    MultipleChoice,
    QuestionForm,
    child_text,
    plain,
)

_BINARY = ("Binary", "EmbeddedBinary")
_MOST_SHOWN = 10
"""Greatest number of lines of a list."""
_NOTHING = Markup("")
_SELECTED = Markup(" selected")
_CHECKED = Markup(" checked")
_INVALID = Markup(' aria-invalid="true"')
_NO_FILES = "This question asks for a file. Files cannot be sent here; leave it out."


def form_html(form: QuestionForm, filled: Filled | None = None, problems: Mapping[str, str] | None = None) -> Markup:
    """Return the inside of an HTML form; the page adds the form, its token and its button.

    Args:
        form: the form to show.
        filled: fields as they were posted, when the form is shown again; None for the first time.
        problems: what is wrong, by question identifier.
    """
    shown = [
        _overview(part) if isinstance(part, FormOverview) else _question(part, filled, (problems or {}).get(part.name))
        for part in form.parts
    ]
    return Markup("\n").join(shown)


def image_sources(form: QuestionForm) -> list[str]:
    """Return the origins of all images of the form, for the page's policy."""
    found: set[str] = set()
    for element in _all_content(form):
        if plain(element) == "FormattedContent":
            found |= image_origins(element.text or "")
        elif plain(element) in _BINARY and _is_image(element) and (source := https_origin(_address(element))):
            found.add(source)
    return sorted(found)


def _all_content(form: QuestionForm) -> Iterator[Element]:
    for part in form.parts:
        yield from part.content
        if isinstance(part, FormQuestion) and isinstance(part.answer, MultipleChoice):
            yield from (selection.shown for selection in part.answer.selections)


def _overview(overview: FormOverview) -> Markup:
    return Markup("<section>{}</section>").format(_contents(overview.content))


def _contents(elements: Iterable[Element]) -> Markup:
    return _NOTHING.join(_content(element) for element in elements)


def _content(element: Element) -> Markup:
    kind = plain(element)
    if kind == "Title":
        return Markup("<h2>{}</h2>").format((element.text or "").strip())
    if kind == "Text":
        paragraphs = re.split(r"\n\s*\n", (element.text or "").strip())
        return _NOTHING.join(Markup("<p>{}</p>").format(each) for each in paragraphs)
    if kind == "List":
        items = [Markup("<li>{}</li>").format((item.text or "").strip()) for item in element]
        return Markup("<ul>{}</ul>").format(_NOTHING.join(items)) if items else _NOTHING
    if kind == "FormattedContent":
        return formatted(element.text or "")
    return Markup("<p>{}</p>").format(_binary(element)) if kind in _BINARY else _NOTHING


def _binary(element: Element) -> Markup:
    """Show an image; give a link to everything else that has an address on https, and to nothing that has not."""
    address, words = _address(element), child_text(element, "AltText")
    if https_origin(address) is None:
        return Markup("<em>{}</em>").format(f"{words or 'A file'} (cannot be shown: its address is not on https)")
    if not _is_image(element):
        link = Markup('<a href="{}" target="_blank" rel="noopener noreferrer">{}</a>')
        return link.format(address, words or "Open the file")
    size = [(name, child_text(element, name.title())) for name in ("width", "height")]
    numbers = [Markup(' {}="{}"').format(name, value) for name, value in size if value.isascii() and value.isdigit()]
    return Markup('<img src="{}" alt="{}"{}>').format(address, words, _NOTHING.join(numbers))


def _is_image(element: Element) -> bool:
    kinds = [each for each in element if plain(each) in ("MimeType", "EmbeddedMimeType")]
    return bool(kinds) and child_text(kinds[0], "Type").lower() == "image"


def _address(element: Element) -> str:
    return child_text(element, "DataURL")


def _question(question: FormQuestion, filled: Filled | None, problem: str | None) -> Markup:
    content = _contents(question.content)
    shown = Markup('<div id="{}-content">{}</div>').format(question.field, content) if question.content else _NOTHING
    if isinstance(question.answer, FreeText):
        inner = _labelled_text(question, question.answer, filled, problem)
    elif isinstance(question.answer, MultipleChoice):
        inner = _choice(question, question.answer, filled, problem)
    else:
        inner = Markup("<p><strong>{}</strong></p>").format(_NO_FILES)
    return Markup('<section class="form-question">{}{}</section>').format(shown, inner)


def _labelled_text(question: FormQuestion, answer: FreeText, filled: Filled | None, problem: str | None) -> Markup:
    given = _given(filled, question.field, answer.default)
    hint = _text_hint(answer)
    more = _labelled_by(question) + _described_by(question, hint, problem) + (_INVALID if problem else _NOTHING)
    field = _text_field(question.field, answer, given, required=question.required, more=more)
    return _label(question, question.label or "Your answer") + field + _notes(question, hint, problem)


def _text_field(name: str, answer: FreeText, given: str, *, required: bool, more: Markup) -> Markup:
    attributes = [Markup(' id="{0}" name="{0}"').format(name), more]
    if required:
        attributes.append(Markup(" required"))
    if answer.shortest:
        attributes.append(Markup(' minlength="{}"').format(answer.shortest))
    if answer.longest is not None:
        attributes.append(Markup(' maxlength="{}"').format(answer.longest))
    if answer.lines > 1:
        # A first line break in a text area is not shown: another one before it is.
        inside = Markup("<textarea{} rows='{}'>\n{}</textarea>")
        return inside.format(_NOTHING.join(attributes), answer.lines, given)
    if answer.numeric:
        attributes.append(Markup(' inputmode="decimal"'))
    attributes += [_pattern(each) for each in answer.formats[:1]]
    return Markup('<input type="text"{} value="{}" autocomplete="off">').format(_NOTHING.join(attributes), given)


def _pattern(wanted: AnswerFormat) -> Markup:
    """Let the browser check the expression; its attribute must match a whole value, and has no flags."""
    if wanted.flags:
        return _NOTHING
    title = Markup(' title="{}"').format(wanted.error) if wanted.error else _NOTHING
    return Markup(' pattern="[^]*?(?:{})[^]*"').format(wanted.regex) + title


def _text_hint(answer: FreeText) -> str:
    words = [number_words(answer)] if answer.numeric else []
    least, most = answer.shortest, answer.longest
    if least > 1 and most is not None:
        words.append(f"{least} characters" if least == most else f"{least} to {most} characters")
    elif most is not None:
        words.append(f"at most {most} characters")
    elif least > 1:
        words.append(f"at least {least} characters")
    hint = ", ".join(words)
    return f"{hint[:1].upper()}{hint[1:]}." if hint else ""


def _choice_hint(answer: MultipleChoice) -> str:
    if answer.most == 1:
        return "Choose one."
    if answer.least == answer.most:
        return f"Choose {answer.most}."
    return f"Choose up to {answer.most}." if answer.least <= 1 else f"Choose {answer.least} to {answer.most}."


def _choice(question: FormQuestion, answer: MultipleChoice, filled: Filled | None, problem: str | None) -> Markup:
    texts = [_selection_text(selection) for selection in answer.selections]
    chosen = set((filled or {}).get(question.field) or [])
    listed = answer.style in ("dropdown", "combobox", "list") and all(texts)
    # Without a name of its own, a question is named by what is to be done.
    named = question.label or _choice_hint(answer)
    hint = _choice_hint(answer) if question.label else ""
    other = _NOTHING if answer.other is None else _other_text(question, answer.other, filled)
    notes = _notes(question, hint, problem)
    more = _labelled_by(question) + _described_by(question, hint, problem)
    if listed:
        field = _listed(question, answer, texts, chosen, more + _INVALID if problem else more)
        return _label(question, named) + field + notes + other
    legend = Markup('<legend id="{}-label">{}{}</legend>').format(question.field, named, _optional(question))
    ticked = _ticked(question, answer, chosen)
    return Markup("<fieldset{}>{}{}{}{}</fieldset>").format(more, legend, ticked, other, notes)


def _label(question: FormQuestion, text: str) -> Markup:
    return Markup('<label for="{0}" id="{0}-label">{1}{2}</label>').format(question.field, text, _optional(question))


def _optional(question: FormQuestion) -> str:
    return "" if question.required else " (optional)"


def _listed(question: FormQuestion, answer: MultipleChoice, texts: list[str], chosen: set[str], more: Markup) -> Markup:
    """Return a drop-down, or a list of which several may be chosen."""
    options = [(str(at), text) for at, text in enumerate(texts, start=1)]
    if answer.other is not None:
        options.append((OTHER, "Other (write it below)"))
    kind = more
    if answer.style == "list":
        kind += Markup(' size="{}"').format(min(max(len(options), 2), _MOST_SHOWN))
    else:
        options.insert(0, ("", "Choose…"))
    if answer.most > 1:
        kind += Markup(" multiple")
    if question.required and answer.other is None:
        kind += Markup(" required")
    option = Markup('<option value="{}"{}>{}</option>')
    shown = _NOTHING.join(
        option.format(value, _SELECTED if value in chosen else _NOTHING, text) for value, text in options
    )
    return Markup('<select id="{0}" name="{0}"{1}>{2}</select>').format(question.field, kind, shown)


def _ticked(question: FormQuestion, answer: MultipleChoice, chosen: set[str]) -> Markup:
    """Return radio buttons or check boxes."""
    several = answer.most > 1 or answer.style in ("checkbox", "multichooser")
    attributes = Markup(' type="{}" name="{}"').format("checkbox" if several else "radio", question.field)
    if question.required and answer.other is None and not several:
        attributes += Markup(" required")
    shown = [(str(at), _shown(selection, at)) for at, selection in enumerate(answer.selections, start=1)]
    if answer.other is not None:
        shown.append((OTHER, escape("Other (write it below)")))
    tick = Markup('<label><input{} value="{}"{}> {}</label>')
    return _NOTHING.join(
        tick.format(attributes, value, _CHECKED if value in chosen else _NOTHING, words) for value, words in shown
    )


def _shown(selection: FormSelection, number: int) -> Markup:
    """Show a selection inside its label; one that has no words at all is given a number."""
    kind = plain(selection.shown)
    if kind in _BINARY:
        shown = _binary(selection.shown)
    elif kind == "FormattedContent":
        shown = formatted(selection.shown.text or "")
    else:
        shown = escape((selection.shown.text or "").strip())
    named = _selection_text(selection) or child_text(selection.shown, "AltText")
    return shown if named else shown + Markup(" Choice {}").format(number)


def _selection_text(selection: FormSelection) -> str:
    """Return what a drop-down shows of a selection; empty if that is a picture."""
    kind = plain(selection.shown)
    if kind == "FormattedContent":
        return plain_text(selection.shown.text or "")
    return "" if kind in _BINARY else " ".join((selection.shown.text or "").split())


def _other_text(question: FormQuestion, other: FreeText, filled: Filled | None) -> Markup:
    name = question.other_field
    given = _given(filled, name, other.default)
    label = Markup('<label for="{}">Other answer</label>').format(name)
    return label + _text_field(name, other, given, required=False, more=_NOTHING)


def _given(filled: Filled | None, name: str, default: str) -> str:
    if filled is None:
        return default
    return (filled.get(name) or [""])[0]


def _labelled_by(question: FormQuestion) -> Markup:
    content = f"{question.field}-content " if question.content else ""
    return Markup(' aria-labelledby="{}{}-label"').format(content, question.field)


def _described_by(question: FormQuestion, hint: str, problem: str | None) -> Markup:
    names = [f"{question.field}-{part}" for part, there in (("hint", hint), ("problem", problem)) if there]
    return Markup(' aria-describedby="{}"').format(" ".join(names)) if names else _NOTHING


def _notes(question: FormQuestion, hint: str, problem: str | None) -> Markup:
    notes = _NOTHING
    if hint:
        notes += Markup('<small id="{}-hint">{}</small>').format(question.field, hint)
    if problem:
        notes += Markup('<strong class="problem" id="{}-problem">{}</strong>').format(question.field, problem)
    return notes
