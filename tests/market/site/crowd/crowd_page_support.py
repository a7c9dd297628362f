"""A market of one page: it serves the crowd elements and a task, and keeps what is posted to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from browser import open_page
from wsgi_server import serve_wsgi

import turkctl.market

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

STATIC = Path(turkctl.market.__file__).parent / "site" / "static"
LOADER = "/static/crowd-html-elements.js"
POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'"
"""No inline script or style, no eval: the elements need none of them."""
PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="300"><rect width="400" height="300"/></svg>'
WAIT = """<script src="/wait.js"></script>"""
WAITING = """let times = 0;
document.addEventListener("all-crowd-elements-ready", () => { document.documentElement.dataset.ready = ++times; });
"""


class TaskSite:
    """A WSGI app with one task; ``posted`` holds the fields of each submission."""

    def __init__(self, body: str, script: str = "") -> None:
        self.posted: list[list[tuple[str, str]]] = []
        self.policy = POLICY
        self._pages: dict[str, tuple[str, str]] = {
            "/task": ("text/html", _document(body)),
            "/frame": ("text/html", _document("<p>Around the task</p>")),
            "/wait.js": ("text/javascript", WAITING + script),
            "/picture.svg": ("image/svg+xml", PICTURE),
            "/favicon.ico": ("image/svg+xml", PICTURE),
        }

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] == "POST" and path == "/mturk/externalSubmit":
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"] or 0)).decode()
            self.posted.append(parse_qsl(body, keep_blank_values=True))
            kind, text = "text/html", _document("<p>Submitted</p>", loader=False)
        elif path.startswith("/static/"):
            kind, text = "text/javascript", (STATIC / path.removeprefix("/static/")).read_text(encoding="utf-8")
        elif path in self._pages:
            kind, text = self._pages[path]
        else:
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"not found"]
        headers = [
            ("Content-Type", f"{kind}; charset=utf-8"),
            ("Content-Security-Policy", self.policy),
            # Modules are fetched with CORS, and a frame without `allow-same-origin` is an origin of its own.
            ("Access-Control-Allow-Origin", "*"),
        ]
        start_response("200 OK", headers)
        return [text.encode()]

    @property
    def fields(self) -> dict[str, str]:
        """Return the fields of the only submission."""
        (posted,) = self.posted
        fields = dict(posted)
        assert len(fields) == len(posted), f"a field is there twice: {posted}"
        return fields

    @property
    def answer(self) -> Any:
        """Return the answer of the only submission, in the format that nobody has to ask for."""
        fields = self.fields
        assert fields.keys() == {"assignmentId", "taskAnswers"}
        assert fields["assignmentId"] == "A1"
        (answer,) = json.loads(fields["taskAnswers"])
        return answer


def _document(body: str, *, loader: bool = True) -> str:
    script = f'{WAIT}<script src="{LOADER}"></script>' if loader else ""
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Task</title>'
        f'<meta name="viewport" content="width=device-width">{script}</head>'
        f"<body><main><h1>Task</h1>{body}</main></body></html>"
    )


@contextmanager
def task(
    browser: Browser,
    body: str,
    *,
    script: str = "",
    preview: bool = False,
    width: int = 1280,
    allowed: Sequence[str] = (),
) -> Iterator[tuple[Page, TaskSite]]:
    """Open a task when all its elements are ready; ``script`` runs before they are defined."""
    site = TaskSite(body, script)
    with serve_wsgi(site) as address, open_page(browser, address, width=width, allowed=allowed) as page:
        assignment = "ASSIGNMENT_ID_NOT_AVAILABLE" if preview else "A1"
        query = {"assignmentId": assignment, "hitId": "H1", "turkSubmitTo": address}
        page.goto(f"/task?{urlencode(query if preview else {**query, 'workerId': 'W1'})}")
        page.locator("html[data-ready]").wait_for()
        yield page, site


def submit(page: Page) -> None:
    """Press the form's button and wait for the market's reply."""
    page.get_by_role("button", name="Submit", exact=True).click()
    page.get_by_text("Submitted").wait_for()
