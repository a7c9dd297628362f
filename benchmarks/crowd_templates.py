"""Fill in and submit every task template of a folder in Chromium; list those that fail, and why.

Templates are filled in as ``html_template_language = "liquid"`` does it, with made-up items, and served as the content
origin serves HTML tasks, with the crowd elements of the worker site. Nothing is loaded from elsewhere: scripts that
templates need can be given in a folder. Run by hand, for instance on clones of Amazon's sample templates:
``python benchmarks/crowd_templates.py FOLDER --libraries SCRIPTS``. Exits 1 if any template fails.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from waitress import create_server

from turkctl.errors import TurkctlError
from turkctl.market.site.content_app import content_app
from turkctl.mturk.questions import check_size, html_question
from turkctl.operations.project import liquid_pages

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    from playwright.sync_api import Locator, Page, Route

PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="300"><circle r="99" fill="#9bd"/></svg>'
VALUE = re.compile(r"{{-?\s*([\w.-]+)\s*((?:\|[^}]*)?)-?}}")
LOOP = re.compile(r"{%-?\s*for\s+(\w+)\s+in\s+task\.input\.([\w.-]+)")
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
    "importantFormKeys": [{"importantFormKey": "Name"}],
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


def made_up(template: str) -> dict[str, Any]:
    """Return an item with a value for everything that the template asks for; lists have two parts."""
    item: dict[str, Any] = {}
    parts: dict[str, list[Any]] = {
        name: [{}, {}] if re.search(rf"{{{{-?\s*{name}\.", template) else ["First", "Second"]
        for name, _path in LOOP.findall(template)
    }
    for name, path in LOOP.findall(template):
        _put(item, path, parts[name])
    for path, filters in VALUE.findall(template):
        first, _, rest = path.partition(".")
        if first == "task":
            _put(item, rest.removeprefix("input."), _value(path, filters))
        elif rest:
            for each in parts.get(first, ()):
                _put(each, rest, _value(path, filters))
    return item


def _put(item: dict[str, Any], path: str, value: Any) -> None:
    *folders, last = path.split(".")
    for folder in folders:
        item = item.setdefault(folder, {})
    item.setdefault(last, value)


def _value(path: str, filters: str) -> Any:
    last = path.rpartition(".")[2]
    if last in LISTS:
        return LISTS[last]
    picture = "grant_read_access" in filters or "image" in last.lower()
    return "s3://bucket/picture.svg" if picture else "Some text."


class Server:
    """The content origin with one task, and pictures; keeps what is posted."""

    def __init__(self) -> None:
        self.question = ""
        self.posted: list[list[tuple[str, str]]] = []
        self.address = ""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        path = environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] == "POST":
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode()
            self.posted.append(parse_qsl(body, keep_blank_values=True))
            return self._reply(start_response, "text/html", "<p id=submitted>Submitted</p>")
        if path.startswith("/content/static/") or path == "/content/TASK":
            content = content_app(lambda _hit_id: self.question, self.address, self.address)
            return content(environ, start_response)
        return self._reply(start_response, "image/svg+xml", PICTURE)

    def _reply(self, start_response: StartResponse, kind: str, text: str) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", f"{kind}; charset=utf-8")])
        return [text.encode()]


@contextmanager
def _serving() -> Iterator[Server]:
    site = Server()
    logging.getLogger("waitress").setLevel(logging.ERROR)  # that many requests wait is no news here
    server = create_server(site, host="127.0.0.1", port=0)
    site.address = f"http://127.0.0.1:{server.effective_port}"
    threading.Thread(target=server.run, daemon=True).start()
    yield site
    server.close()


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


def try_template(page: Page, site: Server, template: str, libraries: Mapping[str, Path]) -> str:
    """Return why the template cannot be submitted; empty if it can."""
    from playwright.sync_api import Error

    try:
        filled = liquid_pages.fill(template, [made_up(template)], 1)
        site.question = check_size(html_question(filled))
    except TurkctlError as error:
        return f"{error.message}; {error.hint}"
    site.posted.clear()
    errors: list[str] = []
    page.route(lambda url: not url.startswith(site.address), lambda route: _elsewhere(route, libraries))
    page.on("pageerror", lambda error: errors.append(str(error).splitlines()[0]))
    page.on("dialog", lambda dialog: dialog.accept())
    try:
        asked = f"assignmentId=A1&hitId=H1&workerId=W1&turkSubmitTo={site.address}"
        page.goto(f"{site.address}/content/TASK?{asked}", wait_until="domcontentloaded")
        page.locator("html[data-ready]").wait_for()
        fill(page)
        submit(page)
    except (Error, IndexError) as error:
        return _why(page, errors, error)
    has_fields = "name=" in re.sub(r"<meta[^>]*>", "", template)
    return "it was submitted without an answer" if has_fields and ("taskAnswers", "[{}]") in site.posted[0] else ""


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
    with tempfile.TemporaryDirectory() as home, _serving() as site, sync_playwright() as playwright:
        path = os.environ.get("TURKCTL_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
        rules = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
        flags = ["--no-sandbox", "--disable-dev-shm-usage", "--no-proxy-server", rules]
        browser = playwright.chromium.launch(executable_path=path, args=flags, env={**os.environ, "HOME": home})
        for template in templates:
            page = browser.new_page()
            page.set_default_timeout(WAIT_MS)
            page.add_init_script(READY)
            why = try_template(page, site, template.read_text(encoding="utf-8"), scripts)
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
