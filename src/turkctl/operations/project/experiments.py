"""Check the table of an experiment before anything is stored."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    model_validator,
)

from turkctl.classes import AnswerRule
from turkctl.errors import ConfigError, TurkctlError
from turkctl.harmless import hides_characters
from turkctl.mturk import requirements
from turkctl.operations.project.labels import LabelSettings
from turkctl.operations.project.tables import LineOf, SettingError, SettingsTable, mistakes_in
from turkctl.units import format_duration, format_money, parse_duration, parse_money

SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
NAME_MAY_CONTAIN = "use small letters, digits, - and _, at most 63 in total"
VARIANT = ":"
"""Separates an experiment's name from its variant's; no name contains it."""


def _money(value: Any) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if not isinstance(value, str):
        raise SettingError('write money as a text, as in "0.50"')
    try:
        return parse_money(value)
    except TurkctlError as error:
        raise SettingError.of(error) from None


def _duration(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise SettingError('write a duration, as in "30m"')
    try:
        return parse_duration(str(value))
    except TurkctlError as error:
        quotes = "" if isinstance(value, str) else ", in quotes"
        raise SettingError(error.message, f"{error.hint}{quotes}") from None


def _requirements(value: dict[str, Any]) -> dict[str, Any]:
    try:
        requirements.to_api(value, "production", key="")
    except TurkctlError as error:
        raise SettingError(error.message.removeprefix(".").removeprefix(": "), error.hint) from None
    return value


def _words(value: Any) -> Any:
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


def _between(low: timedelta, high: timedelta) -> AfterValidator:
    def check(value: timedelta) -> timedelta:
        if not low <= value <= high:
            raise SettingError(f"must be between {format_duration(low)} and {format_duration(high)}")
        return value

    return AfterValidator(check)


def _line(value: str) -> str:
    if not value.strip():
        raise SettingError("is empty")
    if any(unicodedata.category(sign) in _UNSEEN for sign in value):
        raise SettingError("contains a control character or a line break")
    return value


def _name(value: str) -> str:
    _line(value)
    if hides_characters(value):
        raise SettingError("contains a character that is invisible or changes the direction of writing")
    return value


def _text(value: str) -> str:
    _line(value.replace("\n", " ").replace("\r", " ").replace("\t", " "))
    return value


def _keywords(value: list[str]) -> list[str]:
    if len(", ".join(value)) > 1000:
        raise SettingError("must have at most 1,000 characters in total")
    return [_line(word) for word in value]


def _url(value: str) -> str:
    local = re.match(r"http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/|\?|$)", value)
    if not re.match(r"https://[^/]+", value) and not local:
        raise SettingError("must begin with https:// (http:// only for localhost)")
    if not re.fullmatch(r"[!-~]+", value):
        raise SettingError(
            "contains a blank or another character that must be encoded in addresses, as %20 for a blank"
        )
    if not _has_host(value):
        raise SettingError("has no host or an invalid port: write it as in https://HOST:PORT/page")
    return value


def _has_host(address: str) -> bool:
    try:
        parts = urlsplit(re.sub(r"\$\{[^}]*\}", "1", address))  # what a placeholder stands for may be a port
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _layout_id(value: str) -> str:
    if not re.fullmatch(r"[A-Z0-9]{1,64}", value):
        raise SettingError("is not a layout id: use capital letters and digits")
    return value


_UNSEEN = ("Cc", "Cs", "Zl", "Zp")
"""Unicode's categories of control characters, lone surrogates and line ends."""

Money = Annotated[Decimal, BeforeValidator(_money), PlainSerializer(format_money)]
Duration = Annotated[timedelta, BeforeValidator(_duration), PlainSerializer(format_duration)]
Words = Annotated[list[str], BeforeValidator(_words), AfterValidator(_keywords)]
Line = AfterValidator(_line)
Text = AfterValidator(_text)
Name = AfterValidator(_name)
YEAR = timedelta(days=365)
HALF_MINUTE = timedelta(seconds=30)
Requirements = Annotated[dict[str, Any], AfterValidator(_requirements)]
"""The qualifications that workers need, in the form of :mod:`turkctl.mturk.requirements`."""


def _groups(value: list[str]) -> list[str]:
    for group in value:
        if not group.strip() or group != group.strip() or len(group) > LONGEST_GROUP or hides_characters(group):
            raise SettingError(
                f"{group!r} is not the name of a group: 1 to {LONGEST_GROUP} characters that can be seen"
            )
    if len(", ".join(value)) > MOST_GROUPS:
        raise SettingError(f"the names of its groups must have at most {MOST_GROUPS:,} characters in total")
    return list(dict.fromkeys(value))


def _slugs(value: list[str]) -> list[str]:
    for name in value:
        base, colon, variant = name.partition(VARIANT)
        if not SLUG.fullmatch(base) or (colon and not SLUG.fullmatch(variant)):
            raise SettingError(f"{name!r} is not the name of an experiment", NAME_MAY_CONTAIN)
    return list(dict.fromkeys(value))


LONGEST_GROUP = 200
MOST_GROUPS = 1_000
Groups = Annotated[list[str], AfterValidator(_groups)]
Slugs = Annotated[list[str], AfterValidator(_slugs)]

QUESTIONS = ("external_url", "html_template", "question_file", "hit_layout")
"""The keys for the question of a HIT; an experiment has exactly one of them."""


class Limits(SettingsTable):
    """The limits of an experiment; None means no limit."""

    max_active_hits: Annotated[int, Field(ge=1, strict=True)] | None = None
    max_total_hits: Annotated[int, Field(ge=1, strict=True)] | None = None
    budget: Money | None = None
    min_balance: Money | None = None
    max_bonus: Money | None = None
    """Dollars of one bonus or compensation, without commission."""
    max_bonus_per_worker: Money | None = None
    """Dollars of all bonuses of one worker for the experiment, without commission."""
    max_bonus_per_day: Money | None = None
    """Dollars of all bonuses within 24 hours, without commission."""


class ExperimentSettings(SettingsTable):
    """The settings of an experiment. The bounds are those of the market, which would refuse others at posting."""

    code_version: Annotated[str, Field(min_length=1, max_length=128), Name]
    title: Annotated[str, Field(min_length=1, max_length=128), Line]
    description: Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_text)]
    keywords: Words = Field(default_factory=list)
    reward: Money
    duration: Annotated[Duration, _between(HALF_MINUTE, YEAR)] = timedelta(hours=1)
    lifetime: Annotated[Duration, _between(HALF_MINUTE, YEAR)] = timedelta(days=1)
    auto_approval_delay: Annotated[Duration, _between(timedelta(), timedelta(days=30))] = timedelta(days=3)
    external_url: Annotated[str, AfterValidator(_url)] | None = None
    html_template: str | None = None
    html_template_language: Literal["mturk", "liquid"] = "mturk"
    """Whether the template has ``${column}`` as on Mechanical Turk, or is Liquid as Ground Truth's."""
    html_wrap: Annotated[bool, Field(strict=True)] = True
    """Whether a page without a form is posted in one; if False, it is refused."""
    question_file: str | None = None
    """A file with a question document: ExternalQuestion, HTMLQuestion or QuestionForm."""
    hit_layout: Annotated[str, AfterValidator(_layout_id)] | None = None
    hit_layout_parameters: dict[str, Annotated[str, AfterValidator(_text)]] = Field(default_factory=dict)
    placeholders: Annotated[bool, Field(strict=True)] = True
    """Whether ``${name}`` in the question is a placeholder; if False, it stays as it is."""
    frame_height: Annotated[int, Field(ge=0, le=10_000, strict=True)] = 0
    qualifications: Requirements = Field(default_factory=dict)
    audience: Groups = Field(default_factory=list)
    """The groups of workers that its HITs are for, on turkctl's own market; empty if they are for everybody."""
    not_after: Slugs = Field(default_factory=list)
    """Names of experiments whose participants may not take part in this one."""
    consent: Annotated[str, AfterValidator(_line)] | None = None
    """A file with the HTML page to which workers agree before they accept, on turkctl's own market."""
    contents_per_hit: Annotated[int, Field(ge=1, le=1000, strict=True)] = 1
    """Number of items of content in one HIT, without those with a known answer."""
    gold_per_hit: Annotated[int, Field(ge=0, le=100, strict=True)] = 0
    """Number of items with a known answer mixed into each HIT."""
    gold_share: Annotated[float, Field(gt=0, le=0.9)] | None = None
    """The share of all places that show items with a known answer, 0 to 1, instead of a number for each HIT."""
    outputs: Annotated[int, Field(ge=1, le=1000, strict=True)] = 1
    """Number of outputs wanted for an item, unless ``content add`` gives another."""
    outputs_per_assignment: Annotated[int, Field(ge=1, le=1000, strict=True)] = 1
    """Number of outputs that one worker gives for each item."""
    answer_field: Annotated[str, Line] | None = None
    """The form field with the answer to an item; ``{n}`` stands for its position in the HIT, ``{key}`` for its key."""
    labels: LabelSettings | None = None
    """Which answers are labels, and how they are aggregated."""
    limits: Limits = Limits()

    @model_validator(mode="after")
    def _consistent(self) -> ExperimentSettings:
        given = [name for name in QUESTIONS if getattr(self, name) is not None]
        if len(given) != 1:
            found = f"{' and '.join(given)} exclude each other" if given else "the question is missing"
            raise SettingError(f"{found}: give exactly one of {', '.join(QUESTIONS[:-1])} and {QUESTIONS[-1]}")
        if self.hit_layout_parameters and self.hit_layout is None:
            raise SettingError("hit_layout_parameters needs hit_layout")
        if self.html_template_language == "liquid" and (self.html_template is None or not self.placeholders):
            raise SettingError("html_template_language is for an html_template whose placeholders are filled in")
        if self.frame_height and (self.question_file or self.hit_layout):
            raise SettingError("frame_height is only for pages; a question file or a layout has its own")
        if self.gold_share is not None and self.gold_per_hit:
            raise SettingError("gold_per_hit and gold_share exclude each other: leave one out")
        if self.items_per_hit > 1:
            for name, pattern in (("answer_field", self.answer_field), ("labels.field", self.label_field)):
                if pattern and not re.search(r"\{(n|key)\}", pattern):
                    raise SettingError(f"{name} names the same field for several items: put {{n}} or {{key}} into it")
        return self

    @property
    def label_field(self) -> str | None:
        """Return the form field with the label: ``labels.field``, else ``answer_field``; None if neither is set."""
        return (None if self.labels is None else self.labels.field) or self.answer_field

    def answer_rule(self, relabelled: Mapping[str, str] | None = None) -> AnswerRule:
        """Return what answers in :attr:`label_field` mean; its ``is_usable`` says whether a text is an answer at all.

        Args:
            relabelled: the answers that stand for another one; see :func:`turkctl.store.label_relabels.instead`.
        """
        return (self.labels or LabelSettings()).rule(None, relabelled)

    @property
    def own_keys(self) -> tuple[str, ...]:
        """Return the keys in use that only turkctl's own market understands."""
        return (*(("audience",) if self.audience else ()), *(("consent",) if self.consent is not None else ()))

    @property
    def masters(self) -> bool:
        """Return whether only Masters may take its HITs, which raises the commission."""
        return bool(self.qualifications.get("masters"))

    @property
    def items_per_hit(self) -> int:
        """Return the number of items of content in a full HIT, including those with a known answer."""
        return self.contents_per_hit + self.most_gold_per_hit

    @property
    def most_gold_per_hit(self) -> int:
        """Return the highest number of items with a known answer in a HIT."""
        if self.gold_share is None:
            return self.gold_per_hit
        return math.ceil(round(gold_wanted(self.contents_per_hit, self.gold_share), 6))

    def stored(self) -> dict[str, Any]:
        """Return the settings as JSON data."""
        return self.model_dump(mode="json")


def gold_wanted(items: int, share: float) -> float:
    """Return how many places beside those of ``items`` make this share of all places, a number with a fraction."""
    return items * share / (1 - share)


def parse_experiment(slug: str, table: Any, locate: LineOf) -> ExperimentSettings:
    """Return the settings in one table, checked as by :func:`check_experiment`.

    Raises:
        ConfigError: the first mistake.
    """
    mistakes: list[ConfigError] = []
    settings = check_experiment(slug, table, locate, mistakes)
    if settings is None:
        raise mistakes[0]
    return settings


def check_experiment(slug: str, table: Any, locate: LineOf, mistakes: list[ConfigError]) -> ExperimentSettings | None:
    """Check one table.

    Args:
        slug: the experiment's name; after a colon the variant's.
        table: the table as read from the file.
        locate: returns ``file:line`` for a dotted key of the table ('' for the table itself).
        mistakes: each mistake is added to it: one line with file, line, key and, for an unknown key, the nearest valid
            one.

    Returns:
        The settings, or None if there is a mistake.
    """
    if not SLUG.fullmatch(slug.partition(VARIANT)[0]):
        mistakes.append(
            ConfigError(
                f"{locate('')}: '{slug}' is not a valid name of an experiment",
                hint=NAME_MAY_CONTAIN,
            )
        )
        return None
    return mistakes_in(ExperimentSettings, f"experiment '{slug}'", table, locate, mistakes)
