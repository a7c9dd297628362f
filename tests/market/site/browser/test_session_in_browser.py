"""A task whose script looks for the session of the worker who does it, from the second port and from another host."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser import open_page
from worker_site_support import REQUESTER, SiteBench, site_bench

from turkctl.market.answers import read
from turkctl.market.doors.http import Server, serve
from turkctl.market.protocol.endpoint import Endpoint
from turkctl.market.questions import html_question
from turkctl.market.site.app import content_door, know_content_port, mounts

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

SPY = """<!doctype html><html lang="en"><head><title>Spy</title><link rel="icon" href="data:,"></head><body>
<form method="post" action="https://www.mturk.com/mturk/externalSubmit"><input type="hidden" name="assignmentId">
<input id="seen" name="seen" aria-label="Seen"><button>Submit</button></form><script>
const seen = {}, site = new URLSearchParams(location.search).get("turkSubmitTo");
const tries = {
  cookie: () => document.cookie,
  stored: () => { localStorage.setItem("a", "kept"); return localStorage.getItem("a"); },
  page: () => parent.document.body.textContent,
  fetched: async () => (await fetch(site + "/worker", { credentials: "include" })).text(),
  posted: async () => (await fetch(site + "/worker/sign-out", { method: "POST", credentials: "include" })).text(),
};
(async () => {
  for (const [name, act] of Object.entries(tries)) {
    try { seen[name] = String(await act()); } catch (error) { seen[name] = error.name; }
  }
  document.getElementById("seen").value = JSON.stringify(seen);
  document.getElementById("seen").ariaLabel = "Looked";
})();
</script></body></html>"""


@contextmanager
def running(*, second: bool = True, **options: Any) -> Iterator[tuple[SiteBench, Server, int]]:
    """A market that listens on two ports, and shows tasks from the ``second`` or not; yield the second one, too."""
    with site_bench(**options) as bench:
        server = serve(Endpoint(bench.market), port=0, threads=4, mounts=mounts(bench.app))
        port = server.add(content_door(bench.app, server.port), "127.0.0.1", 0)
        if second:
            know_content_port(bench.app, port)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            yield bench, server, port
        finally:
            server.close()
            thread.join(20)
            assert not thread.is_alive()


def test_a_script_in_a_task_cannot_read_or_use_the_session_of_the_site(browser: Browser) -> None:
    allowed = ["CORS policy", "ERR_FAILED", "status of 400"]
    with running() as (bench, server, port):
        site, tasks = f"http://127.0.0.1:{server.port}", f"http://127.0.0.1:{port}"
        hit = bench.post(Question=html_question(SPY, 300))
        with open_page(browser, site, tasks, allowed=allowed) as page:
            page.goto(f"/worker/join/{bench.invite()}")
            page.get_by_role("button", name="Start", exact=True).click()
            page.get_by_role("button", name="Accept & work").click()
            page.wait_for_url("**/worker/assignments/*")
            frame = page.frame_locator("iframe")
            frame.locator("[aria-label=Looked]").wait_for()
            frame.get_by_role("button", name="Submit").click()
            page.wait_for_url("**/worker/done/*")
            page.goto("/worker")
            assert re.search("Worker id A", page.content()), "the task has signed nobody out"
        (done,) = bench.market.list_assignments_for_hit(REQUESTER, {"HITId": hit["HITId"]})["Assignments"]
        told = json.loads(read(done["Answer"])["seen"][0])
    assert told == {
        "cookie": "",
        "stored": "kept",
        "page": "SecurityError",
        "fetched": "TypeError",
        "posted": "TypeError",
    }


PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PICTURES = """<!doctype html><html lang="en"><head><title>Pictures</title><link rel="icon" href="data:,"></head><body>
<form method="post" action="https://www.mturk.com/mturk/externalSubmit"><input type="hidden" name="assignmentId">
<input name="seen" aria-label="Seen"><button>Submit</button></form>
<img alt="one" src="/content/files/cats/a%20b.png"><script>
const second = new Image();
second.alt = "two";
second.src = "/content/files/cats/a%20b.png";
document.body.append(second);
</script></body></html>"""


@pytest.mark.parametrize("second", [True, False], ids=["with an origin", "without an origin"])
def test_a_task_shows_pictures_of_the_folder_that_is_served(browser: Browser, tmp_path: Path, second: bool) -> None:
    (tmp_path / "cats").mkdir()
    (tmp_path / "cats" / "a b.png").write_bytes(base64.b64decode(PNG))
    with running(second=second, files=tmp_path) as (bench, server, port):
        site, tasks = f"http://127.0.0.1:{server.port}", f"http://127.0.0.1:{port}"
        bench.post(Question=html_question(PICTURES, 300))
        with open_page(browser, site, tasks) as page:
            page.goto(f"/worker/join/{bench.invite()}")
            page.get_by_role("button", name="Start", exact=True).click()
            page.get_by_role("button", name="Preview").click()
            for name in ("one", "two"):
                image = page.frame_locator("iframe").get_by_alt_text(name)
                image.wait_for()
                assert image.evaluate("each => each.decode().then(() => each.naturalWidth)") == 1
