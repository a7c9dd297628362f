"""Say what answers of a stored experiment mean: the rule of its settings, with the answers that were relabelled."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session

from turkctl.classes import AnswerRule, Class, class_named
from turkctl.errors import UsageError
from turkctl.operations.experiments.stored import settings_of
from turkctl.operations.labels.left_out import shortened, why_odd
from turkctl.operations.project.labels import DEFAULT_METHOD, LabelSettings
from turkctl.store import label_relabels
from turkctl.store.experiments import Version


def label_settings(version: Version) -> LabelSettings:
    """Return the table ``labels`` of an experiment; an empty one if it has none."""
    return settings_of(version).labels or LabelSettings()


def rule_of(session: Session, version: Version, mode: str, method: str | None = None) -> AnswerRule:
    """Return what answers of an experiment mean to a method, by default the one of its settings."""
    relabelled = label_relabels.instead(session, version.experiment_id, mode)
    return label_settings(version).rule(method, relabelled)


def method_of(version: Version) -> str:
    """Return the method that an experiment's settings name, or the default."""
    return label_settings(version).method or DEFAULT_METHOD


def odd_answer(slug: str, rule: AnswerRule, text: str, where: str) -> UsageError:
    """Return the error for an answer that is none of the classes; ``where`` is its file and row."""
    table = f"[experiments.{slug}.labels]"
    hints = {
        "numbers": "write a number, such as 3 or 2.5",
        "classes": f"fix it, or add it to classes in {table}",
    }
    hint = hints.get(rule.question, f"fix it, or name it in {table}: under true, false, skip, or classes")
    return UsageError(f"{where}: the label '{shortened(text)}' {why_odd(rule)}", hint=hint)


def as_class(text: str, classes: tuple[Class, ...], rule: AnswerRule) -> Class:
    """Return the class that a text names.

    Raises:
        UsageError: it is none of them.
    """
    found = class_named(text, classes, rule)
    if found is None:
        numbers = rule.question == "numbers"
        hint = "give a number" if numbers else f"give one of: {', '.join(map(word, classes))}"
        raise UsageError(f"'{text}' is not {'a number' if numbers else 'one of the labels'}", hint=hint)
    return found


def word(label: Any) -> str:
    """Return a label as it is stored and shown: ``true``, ``false``, the class, or the number."""
    return str(label).lower() if isinstance(label, bool) else str(label)
