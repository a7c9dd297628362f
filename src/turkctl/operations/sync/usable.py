"""Look at the answers to content, each once, and store which of them do not count."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from sqlmodel import Session

from turkctl.classes import AnswerRule, Kind
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import settings_of
from turkctl.operations.project.experiments import ExperimentSettings
from turkctl.operations.sync.answers import answers_of, parsed
from turkctl.store import contents_usable, experiments, label_answers, label_relabels
from turkctl.store.experiments import Version
from turkctl.store.label_answers import AnsweredWork

PART = 1000
"""Number of assignments read in one transaction."""


def look_at_answers(world: World, versions: Iterable[Version]) -> None:
    """Bring up to date which answers to the items of experiments count, in the mode of the world.

    Only work that was stored after the last look is read; all of it, if the settings now have another rule. Experiments
    without content, or whose settings do not name the field with the answer, are left as they are: there, every
    submission counts.
    """
    for version in versions:
        _Look(world, version).catch_up()


REASONS: Mapping[Kind, str] = {"missing": "blank", "skipped": "skipped", "odd": "outside"}
"""Why an answer is not usable, as it is stored, by what kind of answer it is."""


def why_not_usable(text: str | None, rule: AnswerRule) -> str | None:
    """Return why an answer is not usable; None if it is.

    Without settings that name the classes, or the answers that mean yes and no, every answer that says something and is
    not skipped is usable: asking again for what nobody called wrong would cost money without end.

    Args:
        text: what was written; None if the field was missing.
        rule: what answers to the experiment mean.
    """
    return REASONS.get(rule.kind(text or ""))


def _answer_rule(session: Session, version: Version, settings: ExperimentSettings, mode: str) -> AnswerRule:
    if settings.labels is None:
        return AnswerRule()
    return settings.answer_rule(label_relabels.instead(session, version.experiment_id, mode))


def _as_text(rule: AnswerRule, field: str | None) -> str:
    """Return what decides which answers are usable, as text that changes with it."""
    told = {name: getattr(rule, name) for name in ("question", "names", "true", "false", "skip", "case_sensitive")}
    return json.dumps({"field": field, **told, "relabelled": dict(rule.relabelled)}, sort_keys=True)


def answered_field(settings: ExperimentSettings) -> str | None:
    """Return the form field with the answer to an item: that of the labels, if there are any."""
    return settings.label_field or settings.answer_field


class _Look:
    """A look at the answers of one experiment, by its settings as they are now."""

    def __init__(self, world: World, version: Version) -> None:
        self._world = world
        self._settings = settings_of(version)
        self._field = answered_field(self._settings)
        self._id = version.experiment_id
        self._mode = world.listing_place.mode
        with world.database.read() as session:
            self._answers = _answer_rule(session, version, self._settings, self._mode)
        self._rule = _as_text(self._answers, self._field)
        self._made_with: dict[int, str] = {}

    def catch_up(self) -> None:
        """Look at what is new."""
        with self._world.database.read() as session:
            if not contents_usable.has_contents(session, self._id):
                return
            done = contents_usable.reading(session, self._id, self._mode)
            last = label_answers.last_row(session)
        if done == (last, self._rule) or (done is None and not last):
            return
        more = True
        while more:
            with self._world.database.write() as session:
                more = self._look_at_some(session)

    def _look_at_some(self, session: Session) -> bool:
        """Look at one batch of assignments; return whether there are more."""
        after, rule = contents_usable.reading(session, self._id, self._mode) or (0, self._rule)
        if rule != self._rule:
            contents_usable.forget(session, self._id, self._mode)
            after = 0
        last = label_answers.last_row(session)
        if self._field is None:
            contents_usable.note_reading(session, self._id, self._mode, last, self._rule)
            return False
        work = label_answers.read_after(session, self._id, self._mode, after, PART)
        shown = contents_usable.items_shown(session, [each.hit_row for each in work])
        found = [each for one in work for each in self._unusable(session, one, shown.get(one.hit_row, []))]
        contents_usable.put(session, found)
        more = len(work) == PART
        contents_usable.note_reading(session, self._id, self._mode, work[-1].row if more else last, self._rule)
        return more

    def _unusable(
        self, session: Session, work: AnsweredWork, items: list[tuple[int, int, str]]
    ) -> list[tuple[int, int, str]]:
        """Return (item, row of the assignment, reason) of the items without a usable answer."""
        fields = work.answers if work.answers is not None else parsed(work.document)
        if fields is None and work.document is None:
            return []  # nothing is known of what they answered, as after an erasure
        pattern = self._pattern(session, work.settings_id)
        found = []
        for position, item, key in items:
            text = answers_of(fields or {}, pattern, [(position, key)]).get(key)
            reason = why_not_usable(text, self._answers)
            if reason is not None:
                found.append((item, work.row, reason))
        return found

    def _pattern(self, session: Session, settings_id: int | None) -> str:
        """Return the pattern: ``labels.field`` as it is now, else ``answer_field`` of the HIT's own settings."""
        assert self._field is not None
        labels = self._settings.labels
        if settings_id is None or (labels is not None and labels.field is not None):
            return self._field
        if settings_id not in self._made_with:
            made_with = experiments.settings_of(session, settings_id)
            own = None if made_with is None else settings_of(made_with).answer_field
            self._made_with[settings_id] = own or self._field
        return self._made_with[settings_id]
