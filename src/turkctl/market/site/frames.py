"""What the frame of a HIT shows: a requester's page, an HTML task on the content origin, or a form on our own page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote, urlsplit
from xml.etree.ElementTree import Element

from turkctl.market.questions import EXTERNAL, HTML, parse
from turkctl.serving import LOOPBACK

NOT_ACCEPTED = "ASSIGNMENT_ID_NOT_AVAILABLE"
"""The assignment's id in a preview."""
SANDBOX = "allow-scripts allow-forms allow-popups allow-popups-to-escape-sandbox allow-modals allow-downloads"
"""What a task may do in its frame. It may not carry the worker away from the site."""
AGREEMENT_SANDBOX = "allow-popups allow-popups-to-escape-sandbox"
"""What a page that is to be agreed to may do: its links may open windows. It runs no scripts."""
SAME_ORIGIN = "allow-same-origin"
ALLOWED = "camera; microphone; autoplay; fullscreen"
"""The value of the frame's attribute ``allow``."""
_HIGHEST = 10_000
"""Greatest height of a frame in pixels; pages that say more mean the whole of it."""

Kind = Literal["external", "html", "form"]


@dataclass(frozen=True)
class Frame:
    """What a HIT shows.

    Attributes:
        kind: ``external`` and ``html`` are shown in a frame; ``form`` is a QuestionForm, shown on the page itself.
        url: address of the frame; None for a form.
        document: the QuestionForm as XML, for :func:`~turkctl.market.site.question_form.read_form`; else None.
        height: height of the frame in pixels; 0 fills the window.
        policy: what ``frame-src`` of the page's policy must be; empty for a form. Tasks lead to other pages on https,
            and their submission is answered in the frame by the market itself.
        sandbox: value of the frame's attribute ``sandbox``; empty for a form.
    """

    kind: Kind
    url: str | None
    document: str | None
    height: int
    policy: str
    sandbox: str


def frame_for(
    hit: Mapping[str, Any],
    assignment_id: str | None,
    worker_id: str | None,
    submit_to: str,
    content_origin: str,
    *,
    behind_proxy: bool = False,
) -> Frame:
    """Return what the frame of a HIT shows.

    Args:
        hit: the HIT as the API describes it, with ``HITId`` and ``Question``.
        assignment_id: the assignment that the worker has accepted; None for a preview.
        worker_id: who works on it; left out of a preview.
        submit_to: origin of the market, to which tasks submit.
        content_origin: origin that serves HTML tasks; that of the market if there is no second one.
        behind_proxy: whether a proxy serves the market to others; see :func:`may_keep_origin`.
    """
    question = str(hit["Question"])
    root = parse(question, "Question")
    parameters = task_parameters(str(hit["HITId"]), assignment_id, worker_id, submit_to)
    if root.tag == f"{EXTERNAL}ExternalQuestion":
        url = add_parameters((root.findtext(f"{EXTERNAL}ExternalURL") or "").strip(), parameters)
        sandbox = f"{SANDBOX} {SAME_ORIGIN}" if origin(url) != origin(submit_to) else SANDBOX
        return Frame("external", url, None, _height(root, EXTERNAL), _sources(url), sandbox)
    if root.tag == f"{HTML}HTMLQuestion":
        url = add_parameters(f"{content_origin.rstrip('/')}/content/{quote(str(hit['HITId']), safe='')}", parameters)
        keeps = may_keep_origin(content_origin, submit_to, behind_proxy=behind_proxy)
        sandbox = f"{SANDBOX} {SAME_ORIGIN}" if keeps else SANDBOX
        return Frame("html", url, None, _height(root, HTML), _sources(url), sandbox)
    return Frame("form", None, question, 0, "", "")


def task_parameters(
    hit_id: str, assignment_id: str | None, worker_id: str | None, submit_to: str
) -> list[tuple[str, str]]:
    """Return the parameters that a task page gets: four at work, three in a preview.

    Pages append a path to ``turkSubmitTo``, so it never ends in a slash. They take a missing ``workerId`` as the sign
    that nothing was accepted.
    """
    parameters = [
        ("assignmentId", assignment_id or NOT_ACCEPTED),
        ("hitId", hit_id),
        ("turkSubmitTo", submit_to.rstrip("/")),
    ]
    return [*parameters, ("workerId", worker_id)] if assignment_id and worker_id else parameters


def add_parameters(url: str, parameters: list[tuple[str, str]]) -> str:
    """Return the address with these parameters behind its own, before its fragment; the rest stays as it was."""
    address, mark, fragment = url.partition("#")
    added = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters)
    _, asked, query = address.partition("?")
    joint = "?" if not asked else "&" if query and not query.endswith("&") else ""
    return f"{address}{joint}{added}{mark}{fragment}"


def origin(url: str) -> str:
    """Return the origin of an address, as policies name it."""
    parts = urlsplit(url)
    port = {"https": ":443", "http": ":80"}.get(parts.scheme, "")
    host = parts.netloc.rpartition("@")[2].lower()
    return f"{parts.scheme}://{host.removesuffix(port) if port else host}"


def may_keep_origin(content_origin: str, market_origin: str, *, behind_proxy: bool) -> bool:
    """Return whether HTML tasks may have the origin that serves them, so that they can keep things in the browser.

    On another host than the market's they may. Cookies ignore ports, so that another port of the same host is enough
    only to try things on one computer: a browser and a server on loopback, without a proxy that serves others.
    """
    content, market = urlsplit(content_origin), urlsplit(market_origin)
    if content.hostname != market.hostname:
        return True
    return origin(content_origin) != origin(market_origin) and content.hostname in LOOPBACK and not behind_proxy


def _sources(url: str) -> str:
    return "'self' https:" if url.startswith("https:") else f"'self' https: {origin(url)}"


def _height(root: Element, namespace: str) -> int:
    text = (root.findtext(f"{namespace}FrameHeight") or "").strip()
    # Long numbers are cut before they are read: their conversion costs time.
    return min(int(text[:6]), _HIGHEST) if text.isascii() and text.isdigit() else 0
