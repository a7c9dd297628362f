"""Turn answers of an experiment into labels: those stored since the last look, each once."""

from __future__ import annotations

from collections.abc import Callable

from sqlmodel import Session

from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import settings_of
from turkctl.operations.sync.answers import answers_of, parsed
from turkctl.store import experiments, label_answers, label_state, label_votes
from turkctl.store.experiments import Version
from turkctl.store.label_answers import AnsweredWork
from turkctl.store.label_votes import LabelAnswer

PART = 1000
"""Number of assignments read in one transaction."""

Tick = Callable[[int, int], None]


def read_answers(world: World, version: Version, tick: Tick | None = None) -> None:
    """Bring the labels of an experiment up to date with its submitted work, in the mode of the world.

    Only work that was stored after the last look is read. All of it is read again if the settings now name another
    field. A label's item is the key of the content that the HIT shows at that place, or the HIT's id where
    it shows none. An experiment whose settings name no field has labels from files only.

    Args:
        world: database and clock.
        version: the experiment with its settings as they are now.
        tick: called with the number of assignments read and the maximum.
    """
    field = settings_of(version).label_field
    if field is None:
        return
    mode = world.listing_place.mode
    with world.database.read() as session:
        state = label_state.get(session, version.experiment_id, mode)
        last = label_answers.last_row(session)
    if state is not None and state.read_field == field and state.read_until >= last:
        return
    patterns = _Patterns(version, field)
    while True:
        with world.database.write() as session:
            until = _read_part(session, world, version, field, patterns)
        if until is None:
            return
        if tick is not None:
            tick(min(until, last), last)


def _read_part(session: Session, world: World, version: Version, field: str, patterns: _Patterns) -> int | None:
    """Read one batch of assignments; return the row of the last one, or None if there are no more."""
    experiment_id, mode, now = version.experiment_id, world.listing_place.mode, world.now()
    state = label_state.ensure(session, experiment_id, mode, now)
    after = state.read_until
    if state.read_field != field:
        if state.read_field is not None:
            label_votes.forget_answers(session, experiment_id, mode)
        label_state.mark_dirty(session, experiment_id, mode, now)  # earlier answers become labels, or different ones
        after = 0
    last = label_answers.last_row(session)
    found = label_answers.read_after(session, experiment_id, mode, after, PART)
    shown = label_answers.keys_shown(session, [work.hit_row for work in found])
    answers = [
        answer
        for work in found
        for answer in _labels(work, patterns.of(session, work), shown.get(work.hit_row) or [(1, work.hit_id)])
    ]
    label_votes.put_answers(session, experiment_id, mode, answers)
    more = len(found) == PART
    until = found[-1].row if more else last
    label_state.note_read(session, experiment_id, mode, {"read_until": until, "read_field": field})
    return until if more else None


def _labels(work: AnsweredWork, pattern: str, items: list[tuple[int, str]]) -> list[LabelAnswer]:
    fields = work.answers if work.answers is not None else parsed(work.document)
    found = answers_of(fields or {}, pattern, items)
    return [
        LabelAnswer(work.market, work.assignment_id, key, work.worker, value, work.at, work.rejected)
        for key, value in found.items()
    ]


class _Patterns:
    """The answer's field by HIT: ``labels.field`` as it is now; else ``answer_field`` of the HIT's own settings."""

    def __init__(self, version: Version, field: str) -> None:
        labels = settings_of(version).labels
        self._fixed = labels is not None and labels.field is not None
        self._field = field
        self._known: dict[int, str] = {}

    def of(self, session: Session, work: AnsweredWork) -> str:
        """Return the pattern of the field's name."""
        if self._fixed or work.settings_id is None:
            return self._field
        if work.settings_id not in self._known:
            made_with = experiments.settings_of(session, work.settings_id)
            field = None if made_with is None else settings_of(made_with).answer_field
            self._known[work.settings_id] = field or self._field
        return self._known[work.settings_id]
