"""Say why an experiment has no labels, and what to write in its settings so that it gets some."""

from __future__ import annotations

from sqlmodel import Session

from turkctl.errors import UsageError
from turkctl.operations.experiments.label_fields import in_words, patterns_of
from turkctl.operations.experiments.stored import settings_of
from turkctl.operations.sync.answers import parsed
from turkctl.store import label_answers
from turkctl.store.experiments import Version

LOOKED_AT = 100
"""Number of submissions whose fields are looked at."""
_OURS = ("assignmentId", "hitId", "workerId", "turkSubmitTo")


def no_labels(session: Session, version: Version, mode: str) -> UsageError:
    """Return the error that says why an experiment has no labels: which field is named, and which fields there are."""
    slug, field = version.slug, settings_of(version).label_field
    told = f"experiment {slug} has no labels yet in mode {mode}"
    work = label_answers.read_after(session, version.experiment_id, mode, 0, LOOKED_AT)
    table = f"[experiments.{slug}.labels]"
    if not work:
        return UsageError(told, hint=f"import labels, or name the field of the answer in {table} and sync")
    answers = [each.answers if each.answers is not None else parsed(each.document) or {} for each in work]
    fields = list(dict.fromkeys(name for each in answers for name in each if name not in _OURS))
    if not fields:
        return UsageError(f"{told}: the answers have no field", hint="give the fields of the page's form names")
    given = "is not set" if field is None else f'is "{field}"'
    patterns = patterns_of(fields)
    return UsageError(
        f"{told}: labels.field {given}: the answers have the fields {in_words(patterns)}",
        hint=f'write field = "{next(iter(patterns))}" in {table}, then run: turkctl experiments configure',
    )
