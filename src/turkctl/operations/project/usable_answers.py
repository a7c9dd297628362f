"""Say whether what a worker wrote is a usable answer: one that counts towards the answers wanted of an item. Pure."""

from __future__ import annotations

from turkctl.operations.project.labels import LabelSettings

BLANK = "blank"
"""The reason of answers that are missing or have nothing but blanks."""
SKIPPED = "skipped"
"""The reason of answers that the settings leave out."""
OUTSIDE = "outside"
"""The reason of answers that are none of the classes that the settings name."""


def why_not_usable(text: str | None, labels: LabelSettings | None) -> str | None:
    """Return why an answer is not usable; None if it is.

    Without settings that name the classes, or the answers that mean yes and no, every answer that is not blank and not
    skipped is usable: asking again for what nobody called wrong would cost money without end.

    Args:
        text: what was written; None if the field was missing.
        labels: the settings of the experiment's labels; None if it has none.
    """
    word = (text or "").strip().casefold()
    if not word:
        return BLANK
    if labels is None:
        return None
    if word in _words(labels.skip):
        return SKIPPED
    if labels.classes is not None:
        return None if word in _words(labels.classes) else OUTSIDE
    if labels.true is not None and labels.false is not None:
        return None if word in _words([*labels.true, *labels.false]) else OUTSIDE
    return None


def _words(named: list[str] | None) -> frozenset[str]:
    return frozenset(each.strip().casefold() for each in named or ())
