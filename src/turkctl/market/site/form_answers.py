"""Read what somebody filled into a QuestionForm's page, and say what is wrong with it, question by question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from turkctl.market.answers import OtherText, read
from turkctl.market.site.answer_formats import satisfies
from turkctl.market.site.question_form import FormQuestion, FreeText, MultipleChoice, QuestionForm, is_number

OTHER = "other"
"""The value of the choice that stands for the text typed in beside it."""
UNANSWERED = "Please answer this question."
_LONGEST = 100_000
"""Greatest length of any text in characters."""

Filled = Mapping[str, Sequence[str]]
"""The fields of a posted form: all values of each name."""


@dataclass(frozen=True)
class FormReading:
    """What was read.

    Attributes:
        answers: by question identifier, as the market's ``submit`` takes them: a text, or a list of selections.
        problems: by question identifier, what is wrong; the answers may be submitted only if there are none.
    """

    answers: dict[str, str | list[str]]
    problems: dict[str, str]


def read_answers(form: QuestionForm, fields: Filled) -> FormReading:
    """Read the fields of a posted form; names that are not the form's are ignored."""
    answers: dict[str, str | list[str]] = {}
    problems: dict[str, str] = {}
    for question in form.questions():
        problem: str | None = None
        if isinstance(question.answer, FreeText):
            text = _text(fields, question.field)
            answers[question.name] = text
            problem = _text_problem(question, question.answer, text)
        elif isinstance(question.answer, MultipleChoice):
            chosen = _chosen(question, question.answer, fields)
            answers[question.name] = [] if chosen is None else chosen
            problem = _choice_problem(question, question.answer, chosen)
        if problem:
            problems[question.name] = problem
    return FormReading(answers, problems)


def refill(form: QuestionForm, document: str) -> Filled:
    """Return the fields of a form as they were when these answers were submitted."""
    given = read(document)
    fields: dict[str, list[str]] = {}
    for question in form.questions():
        values = given.get(question.name, [])
        if isinstance(question.answer, FreeText):
            fields[question.field] = values
        elif isinstance(question.answer, MultipleChoice):
            positions = {each.name: str(at) for at, each in enumerate(question.answer.selections, start=1)}
            fields[question.field] = [positions.get(value, OTHER) for value in values]
            fields[question.other_field] = [value for value in values if value not in positions]
    return fields


def number_words(answer: FreeText) -> str:
    """Say which numbers a field takes."""
    low, high = (None if limit is None else f"{limit:f}" for limit in (answer.low, answer.high))
    if low is not None and high is not None:
        return f"a number from {low} to {high}"
    if low is not None:
        return f"a number of at least {low}"
    return "a number" if high is None else f"a number of at most {high}"


def _text(fields: Filled, name: str) -> str:
    values = fields.get(name) or [""]
    # Browsers send lines that end in both characters, and count them as one.
    return values[0].replace("\r\n", "\n").replace("\r", "\n")


def _text_problem(question: FormQuestion, answer: FreeText, text: str) -> str | None:
    if not text.strip():
        return UNANSWERED if question.required else None
    return _content_problem(answer, text)


def _content_problem(answer: FreeText, text: str) -> str | None:
    if answer.numeric and not _fits(answer, text.strip()):
        return f"Give {number_words(answer)}."
    if len(text) < answer.shortest:
        return f"Write at least {answer.shortest} characters; there are {len(text)}."
    longest = min(answer.longest or _LONGEST, _LONGEST)
    if len(text) > longest:
        return f"Write at most {longest} characters; there are {len(text)}."
    failed = [each for each in answer.formats if not satisfies(text, each)]
    return (failed[0].error or "This is not in the form that is asked for.") if failed else None


def _fits(answer: FreeText, text: str) -> bool:
    if not is_number(text):
        return False
    number = Decimal(text)
    return (answer.low is None or number >= answer.low) and (answer.high is None or number <= answer.high)


def _chosen(question: FormQuestion, answer: MultipleChoice, fields: Filled) -> list[str] | None:
    """Return the selections, in the form's order; None if something was sent that is not to choose."""
    values = [value for value in dict.fromkeys(fields.get(question.field) or []) if value]
    positions = {str(at): selection.name for at, selection in enumerate(answer.selections, start=1)}
    if any(value not in positions and (value != OTHER or answer.other is None) for value in values):
        return None
    chosen = [name for position, name in positions.items() if position in values]
    typed = _text(fields, question.other_field) if answer.other else ""
    # A text beside choices of which none was made is the answer, whether its own choice was made or not.
    if OTHER in values or (typed.strip() and not chosen):
        chosen.append(OtherText(typed))
    return chosen


def _choice_problem(question: FormQuestion, answer: MultipleChoice, chosen: list[str] | None) -> str | None:
    if chosen is None:
        return "Choose from the answers that are shown."
    if not chosen:
        return UNANSWERED if question.required else None
    if len(chosen) < answer.least:
        return f"Choose at least {answer.least}; you chose {len(chosen)}."
    if len(chosen) > answer.most:
        return f"Choose at most {answer.most}; you chose {len(chosen)}."
    other = chosen[-1]
    if not isinstance(other, OtherText) or answer.other is None:
        return None
    return _content_problem(answer.other, other) if other.strip() else "Write your other answer, or choose another."
