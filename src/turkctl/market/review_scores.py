"""Review policies as values, and the scores they use. Pure: parameters and answers in, numbers out.

Scores are whole percentages, rounded down, as in the documentation's examples (two of three are 66).
Source: the API reference's pages on assignment review policies and HIT review policies, of 2011-09-01.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from turkctl.market.errors import invalid_value

Answers = Mapping[str, Sequence[str]]
"""Question identifier to the values that a worker gave."""

KNOWN_ANSWERS = "ScoreMyKnownAnswers/2011-09-01"
PLURALITY = "SimplePlurality/2011-09-01"
LONGEST = 256
"""Maximum length in characters of an answer that the plurality policy uses."""
_ALWAYS = 101
"""A percentage threshold that no score reaches."""
_YEAR = 365 * 24 * 3600
_MOST = 2**31 - 1


@dataclass(frozen=True)
class Extension:
    """When a HIT gets one assignment more (below which score), up to how many, and for how many seconds longer."""

    below: int
    maximum: int
    seconds: int


@dataclass(frozen=True)
class ScoreVerdict:
    """Scores that approve and reject an assignment, and what the worker is told. None: no decision."""

    approve_from: int | None
    reject_below: int | None
    approve_reason: str | None
    reject_reason: str


@dataclass(frozen=True)
class KnownAnswers:
    """The policy ScoreMyKnownAnswers."""

    key: Mapping[str, frozenset[str]]
    """Right values by question identifier."""
    verdict: ScoreVerdict
    extension: Extension | None


@dataclass(frozen=True)
class Plurality:
    """The policy SimplePlurality."""

    questions: tuple[str, ...]
    threshold: int
    """An answer is agreed on if more than this percentage of workers gave it."""
    disregard_rejected: bool
    disregard_below: int | None
    """Assignments with a lower score on known answers do not count."""
    verdict: ScoreVerdict
    extension: Extension | None


class _Parameters:
    """The parameters of a policy, each read once; those left over at the end are unknown.

    Raises:
        RequestError: a parameter, or an entry of one, is given twice.
    """

    def __init__(self, policy: Mapping[str, Any]) -> None:
        self._name = policy["PolicyName"]
        self._values: dict[str, list[str]] = {}
        self.entries: dict[str, frozenset[str]] = {}
        for parameter in policy.get("Parameters") or []:
            name = parameter.get("Key") or ""
            if name in self._values:
                raise invalid_value(f"The parameter {name} of {self._name} is given twice.")
            self._values[name] = list(parameter.get("Values") or [])
            for entry in parameter.get("MapEntries") or []:
                question = entry.get("Key") or ""
                if question in self.entries:
                    raise invalid_value(f"The entry {question} of the parameter {name} of {self._name} is given twice.")
                self.entries[question] = trimmed(entry.get("Values") or [])

    def list(self, name: str) -> list[str]:
        """Return every value of the parameter, including those in one text with commas."""
        values = self._values.pop(name, [])
        return [part.strip() for value in values for part in value.split(",") if part.strip()]

    def text(self, name: str) -> str | None:
        """Return the parameter's only value, or None.

        Raises:
            RequestError: there are several.
        """
        values = self._values.pop(name, None)
        if values is not None and len(values) != 1:
            raise invalid_value(f"The parameter {name} of {self._name} takes one value.")
        return None if values is None else values[0].strip()

    def number(self, name: str, low: int = 0, high: int = _MOST) -> int | None:
        """Return the parameter's whole number, or None.

        Raises:
            RequestError: it is not a whole number, or out of range.
        """
        text = self.text(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= len(str(_MOST)) and low <= int(text) <= high):
            raise invalid_value(f"The parameter {name} of {self._name} is a whole number from {low} to {high}.")
        return int(text)

    def flag(self, name: str) -> bool:
        """Return whether the parameter is T or true.

        Raises:
            RequestError: it is neither that nor F or false.
        """
        text = (self.text(name) or "F").lower()
        if text not in ("t", "f", "true", "false"):
            raise invalid_value(f"The parameter {name} of {self._name} is T or F.")
        return text.startswith("t")

    def required(self, name: str, value: Any) -> Any:
        """Return the value, which is mandatory.

        Raises:
            RequestError: it is missing.
        """
        if value is None or value in ([], {}):
            raise invalid_value(f"The parameter {name} of {self._name} is mandatory.")
        return value

    def end(self) -> None:
        """Refuse parameters that the policy does not have.

        Raises:
            RequestError: there is such a parameter.
        """
        if self._values:
            raise invalid_value(f"{self._name} has no parameter {min(self._values)}.")


def known_answers(policy: Mapping[str, Any]) -> KnownAnswers:
    """Read the parameters of ScoreMyKnownAnswers.

    Raises:
        RequestError: InvalidParameterValue if one is missing, unknown or out of range.
    """
    given = _Parameters(policy)
    given.list("AnswerKey")  # only its entries count
    key = given.required("AnswerKey", given.entries)
    verdict = ScoreVerdict(
        given.number("ApproveIfKnownAnswerScoreIsAtLeast", high=_ALWAYS),
        given.number("RejectIfKnownAnswerScoreIsLessThan", high=_ALWAYS),
        given.text("ApproveReason"),
        given.text("RejectReason") or "",
    )
    below = given.number("ExtendIfKnownAnswerScoreIsLessThan", high=_ALWAYS)
    maximum = given.number("ExtendMaximumAssignments", 2, 25)
    seconds = given.number("ExtendMinimumTimeInSeconds", 60, _YEAR)
    given.end()
    extension = None if below is None else Extension(below, 5 if maximum is None else maximum, seconds or 0)
    return KnownAnswers(key, verdict, extension)


def plurality(policy: Mapping[str, Any]) -> Plurality:
    """Read the parameters of SimplePlurality.

    Raises:
        RequestError: InvalidParameterValue if one is missing, unknown or out of range.
    """
    given = _Parameters(policy)
    questions = given.required("QuestionIds", given.list("QuestionIds"))
    threshold = given.required("QuestionAgreementThreshold", given.number("QuestionAgreementThreshold"))
    rejected = given.flag("DisregardAssignmentIfRejected")
    disregard = given.number("DisregardAssignmentIfKnownAnswerScoreIsLessThan")
    verdict = ScoreVerdict(
        given.number("ApproveIfWorkerAgreementScoreIsAtLeast"),
        given.number("RejectIfWorkerAgreementScoreIsLessThan"),
        None,
        given.text("RejectReason") or "",
    )
    below = given.number("ExtendIfHITAgreementScoreIsLessThan", 1, 100)
    maximum = given.number("ExtendMaximumAssignments", 1)
    seconds = given.number("ExtendMinimumTimeInSeconds", 3600, _YEAR)
    given.end()
    extension = None
    if below is not None:
        extension = Extension(
            below,
            given.required("ExtendMaximumAssignments", maximum),
            given.required("ExtendMinimumTimeInSeconds", seconds),
        )
    return Plurality(tuple(dict.fromkeys(questions)), threshold, rejected, disregard, verdict, extension)


READERS: Mapping[str, Callable[[Mapping[str, Any]], KnownAnswers | Plurality]] = {
    KNOWN_ANSWERS: known_answers,
    PLURALITY: plurality,
}


def trimmed(values: Sequence[str]) -> frozenset[str]:
    """Return the values without surrounding white space; empty ones are left out."""
    return frozenset(value.strip() for value in values if value.strip())


def percentage(part: int, whole: int) -> int:
    """Return the share as a whole percentage, rounded down."""
    return 100 * part // whole


def correct(policy: KnownAnswers, answers: Answers) -> dict[str, bool]:
    """Return for each known answer whether the worker gave exactly its values.

    The values of a form field that was sent several times arrive as one text, joined with ``|``.
    """
    return {question: _matches(wanted, answers.get(question, ())) for question, wanted in policy.key.items()}


def _matches(wanted: frozenset[str], values: Sequence[str]) -> bool:
    if trimmed(values) == wanted:
        return True
    return len(wanted) > 1 and len(values) == 1 and trimmed(values[0].split("|")) == wanted


def known_answer_score(policy: KnownAnswers, answers: Answers) -> int:
    """Return the percentage of known answers that the worker gave."""
    found = correct(policy, answers)
    return percentage(sum(found.values()), len(found))


@dataclass(frozen=True)
class Agreement:
    """What the workers of a HIT agree on."""

    agreed: Mapping[str, tuple[frozenset[str], int]]
    """By question: the agreed answer, if there is one, and the percentage of workers who gave it."""
    hit_score: int
    """Percentage of questions that have an agreed answer."""
    workers: Mapping[str, tuple[int, int]]
    """By assignment: numbers of answers equal to and different from the agreed one. Other questions are ignored."""


def agreement(policy: Plurality, work: Mapping[str, Answers]) -> Agreement:
    """Compare the answers of the assignments that count (by id, at least one)."""
    agreed = {}
    for question in policy.questions:
        given = [answer for answers in work.values() if (answer := _usable(answers, question)) is not None]
        ranked = Counter(given).most_common(2)
        if not ranked or (len(ranked) > 1 and ranked[0][1] == ranked[1][1]):
            continue
        answer, number = ranked[0]
        score = percentage(number, len(given))
        if score > policy.threshold:
            agreed[question] = (answer, score)
    workers = {}
    for assignment, answers in work.items():
        used = [(_usable(answers, question), answer) for question, (answer, _) in agreed.items()]
        right = sum(given == answer for given, answer in used if given is not None)
        workers[assignment] = (right, sum(given is not None for given, _ in used) - right)
    return Agreement(agreed, percentage(len(agreed), len(policy.questions)), workers)


def _usable(answers: Answers, question: str) -> frozenset[str] | None:
    """Return the values that a worker gave (none for a question left out), or None if one is too long."""
    values = answers.get(question, ())
    return None if any(len(value) > LONGEST for value in values) else trimmed(values)
