"""Define the rules for task pages. Pure.

The rules follow the market's contract with task pages, as documented for ExternalQuestion and HTMLQuestion, and pages
in use (jsPsych, psiTurk, crowd elements, templates of the requesters' site).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from turkctl.operations.experiments import crowd_elements
from turkctl.operations.experiments.page_facts import LOCAL, PageFacts, Tag

ERROR = "error"
WARNING = "warning"
TALLEST = 2000
LOWEST = 200
ROOMY = 55_000
"""The highest number of bytes of a page that leaves room for the values of placeholders."""

_SUBMIT = re.compile(r"https?://[a-z0-9.-]*mturk\.com/+mturk/externalSubmit", re.IGNORECASE)
_TOP = re.compile(r"\b(?:window\.)?(?:top|parent)\.location\b")
_FIELDS = ("input", "select", "textarea")
_NO_ANSWER = ("submit", "button", "image", "reset", "hidden")
_RESERVED = ("hitid", "workerid", "turksubmitto")
_LOADED = ("script", "iframe", "link", "object", "embed", "form")
"""Elements whose http addresses browsers block on an https page; for pictures and sounds they may try https."""

Hit = tuple[int, str]
"""A line number and the problem there."""


@dataclass(frozen=True)
class Rule:
    """A problem to look for on a page."""

    name: str
    level: str
    fix: str
    look: Callable[[PageFacts], Iterator[Hit]]


def _hard_coded_submit(page: PageFacts) -> Iterator[Hit]:
    for tag in page.named("form", "crowd-form", "button", "input"):
        found = _SUBMIT.search(tag.attributes.get("action", "") + tag.attributes.get("formaction", ""))
        if found and not page.scripted("turkSetAssignmentID", "externalHIT_v1"):
            yield tag.line, f"the form always submits to {found[0]}, even if another market shows the page"
    for line, text in page.scripts:
        for found in _SUBMIT.finditer(text):
            yield (
                line + text.count("\n", 0, found.start()),
                f"a script always submits to {found[0]}, even if another market shows the page",
            )


def _no_assignment_id(page: PageFacts) -> Iterator[Hit]:
    has_field = any(tag.attributes.get("name", "").lower() == "assignmentid" for tag in page.named("input"))
    if page.crowd or has_field or page.scripted("assignmentId", "turkSetAssignmentID", "externalHIT_v1", "turkSubmit"):
        return
    yield 1, "the page does not submit the assignmentId, so that submissions fail"


def _no_form(page: PageFacts) -> Iterator[Hit]:
    if not (page.crowd or page.named("form") or page.scripted("externalSubmit", "turkSubmit", "createElement")):
        yield 1, "there is no form, so that nothing can be submitted"


def _no_submit(page: PageFacts) -> Iterator[Hit]:
    buttons = [tag for tag in page.named("button") if tag.attributes.get("type", "submit") == "submit"]
    inputs = [tag for tag in page.named("input") if tag.attributes.get("type") in ("submit", "image")]
    if page.named("form") and not (page.crowd or buttons or inputs or page.scripted("submit")):
        yield page.named("form")[0].line, "the form has no button that submits it"


def _form_method(page: PageFacts) -> Iterator[Hit]:
    for tag in page.named("form"):
        method = tag.attributes.get("method", "get").lower()
        if method != "post" and not page.scripted(".method", "turkSetAssignmentID", "externalHIT_v1"):
            yield tag.line, f"the form's method is {method}, not post"


def _addresses(page: PageFacts) -> Iterator[tuple[Tag, str]]:
    for tag in page.tags:
        names = ("src", "action", "formaction", "data", "poster") + (("href",) if tag.name == "link" else ())
        yield from ((tag, tag.attributes[name].strip()) for name in names if tag.attributes.get(name))


def _is_http(address: str) -> bool:
    host = re.match(r"http://(\[[^\]]*\]|[^/:?#]*)", address, re.IGNORECASE)
    return host is not None and host[1].lower() not in LOCAL


def _http_loaded(page: PageFacts) -> Iterator[Hit]:
    for tag, address in _addresses(page):
        if tag.name in _LOADED and _is_http(address):
            yield tag.line, f"<{tag.name}> has an http address, which browsers block: {address[:80]}"


def _http_shown(page: PageFacts) -> Iterator[Hit]:
    for tag, address in _addresses(page):
        if tag.name not in _LOADED and _is_http(address):
            yield tag.line, f"<{tag.name}> has an http address: {address[:80]}"


def _relative(page: PageFacts) -> Iterator[Hit]:
    for tag, address in _addresses(page):
        apart = re.match(r"[a-z][a-z0-9+.-]*:|//|#|\$\{|\{[{%]|\?|/content/files/", address, re.IGNORECASE)
        if tag.name not in ("form", "button", "input", "crowd-form") and not apart:
            yield (
                tag.line,
                f"<{tag.name}> has an address without a host, which the market does not serve: {address[:80]}",
            )


def _leaves_frame(page: PageFacts) -> Iterator[Hit]:
    for tag in page.tags:
        if tag.attributes.get("target", "").lower() in ("_top", "_parent"):
            yield tag.line, f"<{tag.name}> leaves the frame, which the market does not allow"
    for line, text in page.scripts:
        for found in _TOP.finditer(text):
            yield (
                line + text.count("\n", 0, found.start()),
                f"a script sets {found[0]}, which the market does not allow",
            )


def _unnamed_field(page: PageFacts) -> Iterator[Hit]:
    if page.crowd:
        return
    for tag in page.named(*_FIELDS):
        if not tag.attributes.get("name") and tag.attributes.get("type", "text") not in _NO_ANSWER:
            yield tag.line, f"<{tag.name}> has no name, so that the answer entered in it is lost"


def _reserved_name(page: PageFacts) -> Iterator[Hit]:
    for tag in page.named(*_FIELDS):
        if tag.attributes.get("name", "").lower() in _RESERVED and tag.attributes.get("type") != "hidden":
            yield tag.line, f"the field is named {tag.attributes['name']}, which the market reserves"


def _inside_own_frame(page: PageFacts) -> Iterator[Hit]:
    for tag in page.named("meta"):
        if tag.attributes.get("http-equiv", "").lower() == "content-security-policy":
            policy = tag.attributes.get("content", "")
            if (
                "script-src" in policy
                and "'unsafe-inline'" not in policy
                and any(text.strip() for _, text in page.scripts)
            ):
                yield tag.line, "the page's Content-Security-Policy blocks the page's own scripts"


def _roomy(page: PageFacts) -> Iterator[Hit]:
    size = len(page.text.encode())
    if size > ROOMY:
        yield 1, f"the page has {size:,} bytes; with the values of placeholders, at most 65,535 are allowed"


_TO_MARKET = (
    "set the form's action in a script instead: form.action = new URLSearchParams(location.search)"
    '.get("turkSubmitTo") + "/mturk/externalSubmit";'
)

RULES = (
    Rule("hard-coded-submit", ERROR, _TO_MARKET, _hard_coded_submit),
    Rule(
        "no-assignment-id",
        ERROR,
        'add <input type="hidden" name="assignmentId"> and fill it from the address, or use <crowd-form>',
        _no_assignment_id,
    ),
    Rule("no-form", ERROR, "put the answers into a <form method=post>, or into a <crowd-form>", _no_form),
    Rule("no-submit-button", WARNING, "add <button>Submit</button>", _no_submit),
    Rule("form-method", WARNING, 'write <form method="post">', _form_method),
    Rule("http-resource", ERROR, "load it over https", _http_loaded),
    Rule("http-picture", WARNING, "load it over https", _http_shown),
    Rule("relative-address", ERROR, "give the whole address, beginning with https://", _relative),
    Rule("leaves-frame", ERROR, "stay in the frame: remove the target, or open a new window", _leaves_frame),
    Rule("unnamed-field", WARNING, "give it a name, under which the answer is stored", _unnamed_field),
    Rule("reserved-name", WARNING, "give it another name", _reserved_name),
    Rule("script-blocked", ERROR, "add 'unsafe-inline' to script-src, or remove the policy", _inside_own_frame),
    Rule(
        "missing-element",
        ERROR,
        "use another element, or a page of your own on a server (external_url)",
        crowd_elements.missing_elements,
    ),
    Rule(
        "unknown-element",
        ERROR,
        "correct its name, or remove it: the task cannot be submitted with it",
        crowd_elements.unknown_elements,
    ),
    Rule("unnamed-element", WARNING, 'give it a name: name="label"', crowd_elements.unnamed_elements),
    Rule("large-page", WARNING, "load scripts, styles and pictures from an address", _roomy),
)
"""The rules for pages that are part of a HIT."""


def frame_problem(height: int) -> str | None:
    """Return the problem with the height of a frame in pixels, or None; a height of 0 fills the window."""
    if height > TALLEST:
        return f"the frame is {height:,} pixels high: workers must scroll both the window and the frame"
    return f"the frame is only {height} pixels high" if 0 < height < LOWEST else None
