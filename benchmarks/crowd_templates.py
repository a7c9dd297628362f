"""Fill in and submit every task template of a folder in Chromium; list those that fail, and why.

Placeholders of Liquid and of layouts get made-up values, pictures are ours, and the crowd elements are those of the
worker site. Nothing is loaded from elsewhere: scripts that templates need can be given in a folder. Run by hand, for
instance on clones of Amazon's sample templates: ``python benchmarks/crowd_templates.py FOLDER --libraries SCRIPTS``.
Exits 1 if any template fails.
"""

from __future__ import annotations

import argparse
import html
import os
import re
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import turkctl.market

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Route

STATIC = Path(turkctl.market.__file__).parent / "site" / "static"
PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="300"><circle r="99" fill="#9bd"/></svg>'
LOOP = re.compile(r"{%-?\s*for\s+(\w+)\s+in\s+([\w.-]+)[^%]*%}(.*?){%-?\s*endfor\s*-?%}", re.DOTALL)
CAPTURE = re.compile(r"{%-?\s*capture\s+\w+\s*-?%}.*?{%-?\s*endcapture\s*-?%}", re.DOTALL)
TAG = re.compile(r"{%.*?%}", re.DOTALL)
VALUE = re.compile(r"{{(.*?)}}", re.DOTALL)
LAYOUT = re.compile(r"\$\{(\w+)\}")
SCRIPT = re.compile(r"""src=(["'])[^"']*crowd-html-elements[^"']*\1""")
BLOCKS = [
    {
        "blockType": "KEY_VALUE_SET",
        "id": "k",
        "entityTypes": ["KEY"],
        "text": "Name",
        "relationships": [{"type": "VALUE", "ids": ["v"]}],
    },
    {"blockType": "KEY_VALUE_SET", "id": "v", "entityTypes": ["VALUE"], "text": "Ada"},
]
LISTS: dict[str, list[Any]] = {
    "labels": ["Cat", "Dog"],
    "highlightParts": ["text"],
    "responses": ["First", "Second"],
    "blocks": BLOCKS,
}
DRAWINGS = "crowd-bounding-box, crowd-keypoint, crowd-polygon, crowd-polyline, crowd-line"
FIRST_CHOICES = (
    "crowd-classifier, crowd-classifier-multi-select, crowd-image-classifier, crowd-image-classifier-multi-select, "
    "crowd-rekognition-detect-moderation-labels, "
    "crowd-radio-group"
)
WAIT_MS = 5_000
READY = (
    """document.addEventListener("all-crowd-elements-ready", () => { document.documentElement.dataset.ready = ""; });"""
)


def filled(template: str) -> str:
    """Return the template with made-up values, and with the worker site's crowd elements."""
    text = CAPTURE.sub("", template)
    text = LOOP.sub(lambda found: "".join(found[3].replace("forloop.index", str(turn)) for turn in (1, 2)), text)
    text = VALUE.sub(lambda found: _value(found[1]), TAG.sub("", text))
    if "<crowd-" in text and "<script>" not in text:
        text = LAYOUT.sub(lambda found: _value(found[1]), text)
    return SCRIPT.sub('src="/static/crowd-html-elements.js"', text)


def _value(expression: str) -> str:
    name, *filters = (part.strip() for part in expression.split("|"))
    last = name.rsplit(".", 1)[-1]
    if name.isdecimal():
        return name
    if last in LISTS:
        value = str(LISTS[last]).replace("'", '"')
        return html.escape(value) if "escape" in filters or last == "blocks" else value
    if "grant_read_access" in filters or "image" in last.lower():
        return "/picture.svg"
    return "Some text."


class _Handler(BaseHTTPRequestHandler):
    """Serves the elements, a picture and the present template; keeps what is posted."""

    document: ClassVar[str] = ""
    posted: ClassVar[list[list[tuple[str, str]]]] = []

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path.startswith("/static/"):
            self._reply("text/javascript", (STATIC / path.removeprefix("/static/")).read_text(encoding="utf-8"))
        elif path == "/task":
            self._reply("text/html", self.document)
        else:
            self._reply("image/svg+xml", PICTURE)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.posted.append(parse_qsl(body, keep_blank_values=True))
        self._reply("text/html", "<p id=submitted>Submitted</p>")

    def _reply(self, kind: str, text: str) -> None:
        data = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Say nothing."""


@contextmanager
def _serving() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _visible(scope: Page | Locator, selector: str) -> list[Locator]:
    return [each for each in scope.locator(selector).all() if each.is_visible()]


def fill(page: Page) -> None:
    """Answer everything on the page that a worker sees, with the first choice and some text."""
    _write(page)
    for button in _visible(page, "#addLabel, #addButton"):
        button.click()
    for each in _visible(page, FIRST_CHOICES):
        each.locator("input[type=radio], input[type=checkbox]").first.check()
    _choose(page)
    for each in _visible(page, "crowd-slider input[type=range]"):
        each.press("ArrowRight")
    for each in _visible(page, DRAWINGS):
        each.get_by_role("button", name=re.compile("^Add a ")).click()
    _drag(page)
    for each in _visible(page, "crowd-entity-annotation textarea[aria-label='Text to label']"):
        each.press("Control+A")
        each.press("1")


def _drag(page: Page) -> None:
    """Sort pictures into columns, as one of Amazon's templates asks."""
    for target in _visible(page, ".right .StackedList"):
        source, place = page.locator("#unclassified .draggable").first.bounding_box(), target.bounding_box()
        assert source is not None
        assert place is not None
        page.mouse.move(source["x"] + 20, source["y"] + 20)
        page.mouse.down()
        page.wait_for_timeout(200)
        page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2, steps=10)
        page.wait_for_timeout(200)
        page.mouse.up()
        page.wait_for_timeout(200)


def _write(page: Page) -> None:
    for each in _visible(page, "input, textarea"):
        kind = each.get_attribute("type") or "text"
        if kind in ("text", "search", "email", "url", "tel", "number", "date") and each.is_editable():
            made_up = {
                "email": "a@example.org",
                "url": "http://example.org",
                "number": "1",
                "date": each.get_attribute("min") or "2026-01-01",
            }
            if not each.input_value():
                each.fill(made_up.get(kind, "Some text"))
    for each in _visible(page, "textarea"):
        if each.is_editable() and not each.input_value():
            each.fill("Some text")


def _choose(page: Page) -> None:
    """Choose in native selects and radio buttons, and in crowd check boxes, twice: choices open others."""
    for _ in range(2):
        for each in _visible(page, "select"):
            values = each.locator("option:not([disabled])").evaluate_all("all => all.map(e => e.value).filter(Boolean)")
            if values:
                each.select_option(values[0])
        done: set[str | None] = set()
        for each in _visible(page, "input[type=radio]"):
            name = each.get_attribute("name")
            if name not in done and each.is_enabled():
                done.add(name)
                each.check()
        for each in _visible(page, "crowd-checkbox input, input[type=checkbox][required]"):
            if each.is_enabled():
                each.check()


def submit(page: Page) -> None:
    """Press the task's own button."""
    buttons = _visible(page, "crowd-button[form-action=submit], input[type=submit], button[type=submit]")
    buttons[-1].click(timeout=WAIT_MS)
    page.locator("#submitted").wait_for(timeout=WAIT_MS)


def _elsewhere(route: Route, libraries: Mapping[str, Path]) -> None:
    """Answer a request to another host with the file of that name, if there is one."""
    path = libraries.get(urlsplit(route.request.url).path.rsplit("/", 1)[-1].replace(".min.", "."))
    if path is None:
        route.abort()
    else:
        route.fulfill(path=path)


def try_template(page: Page, address: str, template: str, libraries: Mapping[str, Path]) -> str:
    """Return why the template cannot be submitted; empty if it can."""
    from playwright.sync_api import Error

    _Handler.document = filled(template)
    _Handler.posted.clear()
    errors: list[str] = []
    page.route(lambda url: not url.startswith(address), lambda route: _elsewhere(route, libraries))
    page.on("pageerror", lambda error: errors.append(str(error).splitlines()[0]))
    page.on("dialog", lambda dialog: dialog.accept())
    try:
        page.goto(
            f"{address}/task?assignmentId=A1&hitId=H1&workerId=W1&turkSubmitTo={address}", wait_until="domcontentloaded"
        )
        page.locator("html[data-ready]").wait_for()
        fill(page)
        submit(page)
    except (Error, IndexError) as error:
        return _why(page, errors, error)
    asked = "name=" in re.sub(r"<meta[^>]*>", "", template)
    return "it was submitted without an answer" if asked and ("taskAnswers", "[{}]") in _Handler.posted[0] else ""


def _why(page: Page, errors: list[str], error: Exception) -> str:
    alerts = [each.inner_text() for each in _visible(page, "[role=alert], crowd-alert, .error")]
    invalid = page.locator(":invalid:not(form):not(fieldset)").evaluate_all(
        "all => all.map(e => e.outerHTML.slice(0, 80))"
    )
    reasons = [*alerts, *errors, *(f"unanswered: {each}" for each in invalid), " ".join(str(error).split())[:200]]
    return "; ".join(reasons[:3]) or "nothing was submitted"


def run(folder: Path, libraries: Path | None = None) -> int:
    """Try them all; print a line for each that fails, and the numbers."""
    from playwright.sync_api import sync_playwright

    templates = sorted(folder.rglob("*.html"))
    scripts = {each.name.replace(".min.", "."): each for each in (libraries.rglob("*.js") if libraries else ())}
    failed = 0
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as home, _serving() as address, sync_playwright() as playwright:
        path = os.environ.get("TURKCTL_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
        rules = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
        flags = ["--no-sandbox", "--disable-dev-shm-usage", "--no-proxy-server", rules]
        browser = playwright.chromium.launch(executable_path=path, args=flags, env={**os.environ, "HOME": home})
        for template in templates:
            page = browser.new_page()
            page.set_default_timeout(WAIT_MS)
            page.add_init_script(READY)
            why = try_template(page, address, template.read_text(encoding="utf-8"), scripts)
            page.close()
            if why:
                failed += 1
                print(f"{template.relative_to(folder)}: {why}", flush=True)
        browser.close()
    seconds = time.perf_counter() - started
    print(f"{len(templates) - failed} of {len(templates)} templates submitted in {seconds:.0f} s")
    return failed


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the folder from the command line and try its templates."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path, help="Folder of templates; every *.html below it is tried.")
    parser.add_argument("--libraries", type=Path, help="Folder of scripts that templates load from other hosts.")
    options = parser.parse_args(arguments)
    sys.exit(1 if run(options.folder, options.libraries) else 0)


if __name__ == "__main__":
    main()
