"""Name the crowd elements that the built-in market has, those that it lacks, and those that answer. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from turkctl.operations.experiments.page_facts import PageFacts
from turkctl.words import meant

ANSWERING: Final = (
    *("crowd-bounding-box", "crowd-checkbox", "crowd-classifier", "crowd-classifier-multi-select"),
    *("crowd-entity-annotation", "crowd-image-classifier", "crowd-image-classifier-multi-select", "crowd-input"),
    *("crowd-keypoint", "crowd-line", "crowd-polygon", "crowd-polyline", "crowd-radio-button"),
    *("crowd-slider", "crowd-text-area", "crowd-toggle-button"),
)
"""Elements whose answer is kept under their name."""
OTHERS: Final = (
    *("crowd-alert", "crowd-badge", "crowd-button", "crowd-card", "crowd-fab", "crowd-form", "crowd-icon"),
    *("crowd-icon-button", "crowd-instructions", "crowd-modal", "crowd-radio-group", "crowd-slider-label", "crowd-tab"),
    *("crowd-rekognition-detect-moderation-labels", "crowd-tabs", "crowd-textract-analyze-document", "crowd-toast"),
    "crowd-tooltip",
)
"""Elements that answer nothing by themselves, or under a name that they have already."""
MISSING: Final = {
    "crowd-semantic-segmentation": "painting the parts of a picture",
    "crowd-instance-segmentation": "painting each object of a picture",
    "crowd-3d-point-cloud": "labeling a cloud of points in space",
    "crowd-text-ranking": "ranking texts",
    "crowd-question-answer-generation": "writing questions and answers",
}
"""Amazon's elements that are not there, and what they are for."""

Problem = tuple[int, str]
"""A line number and the problem there."""


def missing_elements(page: PageFacts) -> Iterator[Problem]:
    """Yield the elements of Amazon's that the market does not have."""
    for tag in page.tags:
        if tag.name in MISSING:
            yield tag.line, f"<{tag.name}> ({MISSING[tag.name]}) is not available, so that the task cannot be submitted"


def unknown_elements(page: PageFacts) -> Iterator[Problem]:
    """Yield the crowd elements that nobody has."""
    known = (*ANSWERING, *OTHERS)
    for tag in page.tags:
        if tag.name.startswith("crowd-") and tag.name not in known and tag.name not in MISSING:
            yield tag.line, f"there is no element <{tag.name}>{meant(tag.name, known)}"


def unnamed_elements(page: PageFacts) -> Iterator[Problem]:
    """Yield the elements whose answer is lost."""
    for tag in page.named(*ANSWERING):
        if not tag.attributes.get("name"):
            yield tag.line, f"<{tag.name}> has no name, so that the answer given in it is lost"
