"""The files of ``market serve --files``: who sees them, which, and what a browser makes of them."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from werkzeug.test import Client
from werkzeug.wsgi import ClosingIterator
from worker_site_support import site_bench

from turkctl.market.questions import html_question
from turkctl.market.site.app import mounts
from turkctl.market.site.content_app import content_app
from turkctl.market.site.folder import LASTS, PARAMETER, FilesFolder

HIT = "3" + "H" * 29
TASK = html_question(
    '<img src="/content/files/cats/a%20b.png"><script>const url = "\\u002fcontent\\u002ffiles\\u002fx.png";</script>'
)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(92))


class Now:
    """A clock that moves by hand."""

    seconds = 1_700_000_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def files(tmp_path: Path, now: Now) -> FilesFolder:
    """A folder with pictures, beside something that nobody shall see."""
    root = tmp_path / "pictures"
    (root / "cats").mkdir(parents=True)
    (root / "cats" / "a b.png").write_bytes(PNG)
    (root / "x.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")
    (root / "page.html").write_text("<script>alert(1)</script>")
    (root / "tool.exe").write_bytes(b"MZ")
    (root / ".hidden.png").write_bytes(PNG)
    (root / ".git").mkdir()
    (root / ".git" / "config.png").write_bytes(PNG)
    (root / "größe.png").write_bytes(PNG)
    (tmp_path / "secret.png").write_bytes(PNG)
    (root / "out.png").symlink_to(tmp_path / "secret.png")
    (root / "up").symlink_to(tmp_path)
    (root / "in.png").symlink_to(root / "cats" / "a b.png")
    return FilesFolder(root, "k" * 64, now)


class Browser(Client):
    """A client that closes what it has read."""

    def open(self, *asked: Any, **more: Any) -> Any:
        return super().open(*asked, **{**more, "buffered": True})


def client(files: FilesFolder | None) -> Browser:
    served = content_app({HIT: TASK}.get, "https://market.example", "https://content.example", files=files)
    return Browser(served)


def address(files: FilesFolder, name: str, worker: str = "AWORKER") -> str:
    return f"/content/files/{files.token(worker)}/{quote(name)}"


def test_a_file_is_shown_at_an_address_that_is_signed_and_for_a_day(files: FilesFolder, now: Now) -> None:
    browser, where = client(files), address(files, "cats/a b.png")
    answer = browser.get(where)
    assert (answer.status_code, answer.data, answer.content_type) == (200, PNG, "image/png")
    assert answer.headers["Cache-Control"] == "private, max-age=3600"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    now.seconds += LASTS
    assert browser.get(where).status_code == 200
    now.seconds += 3600
    assert browser.get(where).status_code == 404


def test_within_an_hour_a_worker_s_addresses_stay_so_that_browsers_can_keep_files(files: FilesFolder, now: Now) -> None:
    now.seconds = 3600 * 500_000 + 5
    first = files.token("AWORKER")
    now.seconds += 3000
    assert files.token("AWORKER") == first
    assert files.token("AOTHER") != first
    now.seconds += 1000
    assert files.token("AWORKER") != first


def test_without_our_signature_there_is_nothing(files: FilesFolder) -> None:
    token = files.token("AWORKER")
    other = FilesFolder(files.root, "other" * 20, files.seconds).token("AWORKER")
    longer = f"{int(token[:8], 16) + 1:08x}{token[8:]}"
    for wrong in ("", "0" * 72, other, longer, token[:-1] + ("0" if token[-1] != "0" else "1"), token.upper()):
        assert client(files).get(f"/content/files/{wrong}/cats/a%20b.png").status_code == 404
    assert client(files).get("/content/files/cats/a%20b.png").status_code == 404
    assert client(None).get(address(files, "cats/a b.png")).status_code == 404, "no folder is served"


@pytest.mark.parametrize(
    "name",
    [
        *("", "cats", "cats/", ".", "..", "../secret.png", "cats/../../secret.png", "/etc/passwd", "//etc/passwd"),
        *(".hidden.png", ".git/config.png", "cats/../.hidden.png", "out.png", "up/secret.png", "none.png", "a\0b"),
        *("cats\\a b.png", "x" * 5000, "cats/./a b.png", "cats//a b.png"),
    ],
)
def test_nothing_else_is_there(name: str, files: FilesFolder) -> None:
    unknown = client(files).get("/content/3UNKNOWN")
    for written in (quote(name), quote(name, safe="")):
        answer = client(files).get(f"/content/files/{files.token('A')}/{written}")
        assert (answer.status_code, answer.data) == (404, unknown.data)


def test_a_link_within_the_folder_and_any_name_in_any_script_can_be_shown(files: FilesFolder) -> None:
    for name in ("in.png", "größe.png"):
        assert client(files).get(address(files, name)).data == PNG


@pytest.mark.parametrize(("name", "kind"), [("x.svg", "image/svg+xml"), ("page.html", "text/html")])
def test_what_could_have_scripts_runs_none(name: str, kind: str, files: FilesFolder) -> None:
    answer = client(files).get(address(files, name))
    assert answer.content_type.partition(";")[0] == kind
    assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


def test_a_file_of_no_known_type_is_offered_to_be_saved(files: FilesFolder) -> None:
    answer = client(files).get(address(files, "tool.exe"))
    assert answer.content_type == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_a_part_can_be_asked_for(files: FilesFolder) -> None:
    where = address(files, "cats/a b.png")
    answer = client(files).get(where, headers={"Range": "bytes=10-19"})
    assert (answer.status_code, answer.data) == (206, PNG[10:20])
    assert answer.headers["Content-Range"] == "bytes 10-19/100"
    assert client(files).get(where, headers={"Range": "bytes=1000-"}).status_code == 416
    assert client(files).post(where).status_code == 405


def test_a_task_s_own_addresses_of_files_are_signed_when_it_is_shown_to_a_worker(files: FilesFolder) -> None:
    token = files.token("AWORKER")
    page = client(files).get(f"/content/{HIT}?assignmentId=X&{PARAMETER}={token}").text
    assert f'src="/content/files/{token}/cats/a%20b.png"' in page
    assert f'"\\u002fcontent\\u002ffiles\\u002f{token}\\u002fx.png"' in page
    many = "&".join(f"a{number}=1" for number in range(500))
    for query in ("", f"{PARAMETER}=<script>", f"{PARAMETER}={'0' * 72}", many, "%ff=%00&;&=="):
        assert 'src="/content/files/cats/a%20b.png"' in client(files).get(f"/content/{HIT}?{query}").text


def test_the_site_gives_people_who_signed_in_a_token_of_their_own(files: FilesFolder) -> None:
    with site_bench(files=files.root) as bench:
        hit = bench.post(Question=TASK)["HITId"]
        server: Any = mounts(bench.app)["/content"]
        tokens = []
        for _ in range(2):
            person = bench.person()
            person.get(f"/worker/hits/{hit}")
            frame = urlsplit(person.frame_address())
            tokens += parse_qs(frame.query)[PARAMETER]
        assert len(set(tokens)) == 2
        for path in (f"/content/files/{tokens[0]}/cats/a%20b.png", frame.path + "?" + frame.query):
            environ = bench.app.test_request_context(path).request.environ
            environ |= {"SCRIPT_NAME": "/content", "PATH_INFO": environ["PATH_INFO"].removeprefix("/content")}
            assert answered(server, environ) == "200 OK"


def answered(server: Any, environ: Any) -> str:
    """Read what is answered to the end; return its status."""
    seen: list[str] = []
    with closing(ClosingIterator(server(environ, lambda status, *_: seen.append(status)))) as body:
        assert b"".join(body)
    return seen[0]
