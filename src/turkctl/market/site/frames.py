"""Say what the frame of a task shows: the address of an ExternalQuestion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit, urlunsplit

from turkctl.market.questions import EXTERNAL, parse

NOT_AVAILABLE = "ASSIGNMENT_ID_NOT_AVAILABLE"
"""What a task page is given as its assignment in a preview."""


@dataclass(frozen=True)
class Frame:
    """What the frame of a task shows.

    Attributes:
        kind: ``external``, ``html``, ``form``, or ``unknown`` if this kind of task cannot be shown.
        url: the frame's address, or None.
        document: what the page itself shows in its place, or None.
        height: pixels that the requester asks for; 0: all there is.
        policy: sources that the frame needs, for the page's ``frame-src``.
    """

    kind: Literal["external", "html", "form", "unknown"]
    url: str | None
    document: str | None
    height: int
    policy: tuple[str, ...] = ()


def frame_for(
    hit: Mapping[str, Any],
    assignment_id: str | None,
    worker_id: str | None,
    submit_to: str,
    content_origin: str | None,
) -> Frame:
    """Return the frame of a HIT.

    Args:
        hit: as the API describes it.
        assignment_id: None in a preview.
        worker_id: None in a preview.
        submit_to: the origin that the task submits to.
        content_origin: where HTML tasks are served, if that is another origin.
    """
    del content_origin  # an ExternalQuestion has its own
    root = parse(hit["Question"], "Question")
    if root.tag != f"{EXTERNAL}ExternalQuestion":
        return Frame("unknown", None, None, 0)
    address = (root.findtext(f"{EXTERNAL}ExternalURL") or "").strip()
    height = int((root.findtext(f"{EXTERNAL}FrameHeight") or "0").strip())
    fields = {"assignmentId": assignment_id or NOT_AVAILABLE, "hitId": hit["HITId"], "turkSubmitTo": submit_to}
    if assignment_id is not None and worker_id is not None:
        fields["workerId"] = worker_id
    parts = urlsplit(address)
    query = "&".join(filter(None, (parts.query, urlencode(fields))))
    origin = f"{parts.scheme}://{parts.netloc}"
    return Frame("external", urlunsplit(parts._replace(query=query)), None, height, (origin,))
