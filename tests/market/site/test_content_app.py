"""The content origin: what it serves, under which policy, and what it tells of HITs that are not there."""

from __future__ import annotations

from pathlib import Path
from wsgiref.types import WSGIApplication

import pytest
from werkzeug.test import Client

import turkctl.market.site.content_app
from turkctl.market import questions
from turkctl.market.site.content_app import content_app
from turkctl.market.site.html_tasks import script

MARKET = "https://market.example"
HIT = "3" + "H" * 29
TASKS = {
    HIT: questions.html_question("<p>Hello é</p>"),
    "3FORM": "<QuestionForm/>",
    "3BROKEN": "<HTMLQuestion",
}


def served(content: str = "https://content.example") -> WSGIApplication:
    return content_app(TASKS.get, MARKET, content)


def test_a_task_is_shown_to_the_market_alone_and_in_a_sandbox() -> None:
    answer = Client(served()).get(f"/content/{HIT}?assignmentId=X")
    assert answer.status_code == 200
    assert answer.content_type == "text/html; charset=utf-8"
    assert "Hello é" in answer.text
    flags, frames = answer.headers["Content-Security-Policy"].split("; ")
    assert flags == (
        "sandbox allow-scripts allow-forms allow-popups allow-popups-to-escape-sandbox allow-modals allow-downloads "
        "allow-same-origin"
    )
    assert frames == f"frame-ancestors {MARKET}"


@pytest.mark.parametrize("content", [MARKET, "https://market.example:8443"])
def test_a_task_on_the_markets_host_has_no_origin(content: str) -> None:
    answer = Client(served(content)).get(f"/content/{HIT}")
    assert "allow-same-origin" not in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/content/",
        "/content/3FORM",
        "/content/3BROKEN",
        "/content/3NONE",
        "/content/3H%2F..",
        f"/content/{HIT}/",
        "/content/" + "A" * 65,
        "/content/static/../frames.py",
        "/content/static/%2e%2e/html_tasks.py",
        "/content/static/missing.js",
        "/content/static/abc/task-shim.js",
        "/content/static//task-shim.js",
    ],
)
def test_what_is_not_there_tells_nothing(path: str) -> None:
    unknown = Client(served()).get("/content/3UNKNOWN")
    answer = Client(served()).get(path)
    assert (answer.status_code, answer.data, list(answer.headers)) == (404, unknown.data, list(unknown.headers))


def test_only_reading_is_answered() -> None:
    answer = Client(served()).post(f"/content/{HIT}")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
    head = Client(served()).head(f"/content/{HIT}")
    assert (head.status_code, head.data) == (200, b"")
    assert int(head.headers["Content-Length"]) > 100


def test_a_script_is_kept_long_at_the_address_of_its_present_text_only() -> None:
    path = script("", "externalHIT_v1.js")
    present = Client(served()).get(path)
    assert present.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert present.headers["Access-Control-Allow-Origin"] == "*"
    assert present.content_type.startswith("text/javascript")
    for other in ("/content/static/externalHIT_v1.js", "/content/static/0123456789ab/externalHIT_v1.js"):
        answer = Client(served()).get(other)
        assert answer.data == present.data
        assert answer.headers["Cache-Control"] == "public, max-age=300"


def test_scripts_load_others_from_folders_beside_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "crowd").mkdir()
    (tmp_path / "crowd" / "elements.js").write_text("export {};", encoding="utf-8")
    monkeypatch.setattr(turkctl.market.site.content_app, "STATIC", tmp_path)
    present = Client(served()).get(script("", "crowd/elements.js"))
    assert (present.text, present.headers["Cache-Control"]) == ("export {};", "public, max-age=31536000, immutable")


def test_below_a_mount_the_addresses_are_the_same() -> None:
    environ = {"SCRIPT_NAME": "/content", "PATH_INFO": f"/{HIT}"}
    assert Client(served()).get(environ_overrides=environ).status_code == 200


def test_no_answer_sets_a_cookie_or_lets_its_kind_be_guessed() -> None:
    for path in (f"/content/{HIT}", "/content/static/task-shim.js", "/content/3NONE"):
        headers = Client(served()).get(path).headers
        assert "Set-Cookie" not in headers
        assert headers["X-Content-Type-Options"] == "nosniff"
