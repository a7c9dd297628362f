"""Channels to people: a program, and addresses of Apprise on a server of the test's own."""

from __future__ import annotations

import json
import shlex
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from turkctl.notify import channels
from turkctl.notify.channels import AppriseChannel, CommandChannel, NotSentError, channels_of

EVENT = {
    "event": "campaign_met",
    "message": "campaign 1 of Größe has met its goal",
    "mode": "live",
    "experiment": "size",
    "campaign": 1,
    "task": None,
    "time": "2026-11-22T09:00:00Z",
    "id": "campaign 1 met 2026-11-22T09:00:00Z",
}


def python(code: str, *arguments: str) -> str:
    return shlex.join([sys.executable, "-c", code, *arguments])


APPEND = "import sys; open(sys.argv[1], 'ab').write(sys.stdin.buffer.read())"


def test_a_program_gets_one_json_object_and_no_shell_reads_its_line(tmp_path: Path) -> None:
    channel = CommandChannel(python(APPEND, "it is $HOME; told"), tmp_path)
    channel.send(EVENT)
    channel.send(EVENT)
    lines = (tmp_path / "it is $HOME; told").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [EVENT, EVENT]


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("no-such-program --now", "cannot run no-such-program: No such file or directory"),
        ("/dev/null", "cannot run /dev/null: Permission denied"),
        ("tell 'me", "notify.command is not a command line: No closing quotation"),
        ('""', "cannot run "),
        (" ", "notify.command is empty"),
        (python("import sys; sys.exit('x\\nthe mail server is away')"), "exit code 1: the mail server is away"),
        (python("import os; os.kill(os.getpid(), 9)"), "it was ended by signal 9"),
    ],
)
def test_a_program_that_fails_is_told_with_its_own_words(command: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(NotSentError) as failed:
        CommandChannel(command, tmp_path).send(EVENT)
    assert says in failed.value.message
    assert failed.value.hint == "check notify.command, then run: turkctl notify test"


def test_a_program_that_does_not_read_may_succeed(tmp_path: Path) -> None:
    CommandChannel(python("pass"), tmp_path).send({**EVENT, "message": "x" * 1_000_000})


def test_a_program_that_takes_too_long_is_ended_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "LIMIT", 1)
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    with pytest.raises(NotSentError, match="took longer than 1 second and was ended"):
        CommandChannel(python(child), tmp_path).send(EVENT)


class Server:
    """A web server on this computer that keeps what it gets."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append(json.loads(body))
                self.send_response(outer.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Print nothing."""

        self.http = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"json://lab:hush-hush@127.0.0.1:{self.http.server_port}/s3cret-path"


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.http.shutdown()
    thread.join()
    made.http.server_close()


def test_an_address_of_apprise_gets_the_sentence_with_the_mode_in_the_title(server: Server) -> None:
    AppriseChannel(server.address, 1).send(EVENT)
    (got,) = server.got
    assert (got["title"], got["message"]) == ("turkctl, mode live: campaign met", EVENT["message"])


def test_a_server_that_refuses_is_told_without_the_address(server: Server) -> None:
    server.status = 500
    channel = AppriseChannel(server.address, 2)
    with pytest.raises(NotSentError) as failed:
        channel.send(EVENT)
    assert failed.value.message.startswith("it was not delivered: ")
    assert "500" in failed.value.message
    assert failed.value.hint == "check notify.urls, then run: turkctl notify test"
    shown = f"{channel.name} {failed.value.message}"
    assert channel.name == "address 2 (json)"
    assert [part for part in ("hush", "s3cret", "lab:") if part in shown] == []


@pytest.mark.parametrize(
    "address",
    ["nonsense://s3cret-token/x", "slack://s3cret-token", "mailtos://s3cret-token", "json://:s3cret-token:::"],
)
def test_an_address_that_apprise_does_not_understand_is_told_without_it(address: str) -> None:
    with pytest.raises(NotSentError, match="Apprise does not understand the address") as failed:
        AppriseChannel(address, 1).send(EVENT)
    assert "s3cret" not in failed.value.message


def test_without_apprise_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(NotSentError, match="needs Apprise, which is not installed") as failed:
        AppriseChannel("json://127.0.0.1", 1).send(EVENT)
    assert failed.value.hint == "run: pip install 'turkctl[notify]'"


def test_the_settings_name_any_number_of_channels(tmp_path: Path) -> None:
    found = channels_of("json://127.0.0.1/a slack://a/b/c", "tell", tmp_path)
    assert [channel.name for channel in found] == ["address 1 (json)", "address 2 (slack)", "command"]
    assert list(channels_of(None, None, tmp_path)) == []
