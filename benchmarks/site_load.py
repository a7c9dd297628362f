"""Put load on the worker site: browsers without scripts, their loop of work, and the processes around them.

The generator is a process of its own (``python -m benchmarks.site_load``), so that its processor time and that of the
servers are told apart. A browser here is one kept connection with a session's cookie and its CSRF token.
"""

from __future__ import annotations

import json
import os
import random
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, field
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

SECRET_KEY = "k" * 64
TICKS = os.sysconf("SC_CLK_TCK")
_START = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: "


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    location: str
    text: str


@dataclass
class Browser:
    """One connection that is kept, with what a signed-in browser sends along."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    token: str = ""
    _socket: socket.socket | None = None

    def get(self, path: str) -> Answer:
        """Open a page."""
        answer = self._ask("GET", path)
        found = re.search(r'"X-CSRFToken": "([^"]+)"', answer.text)
        if found:
            self.token = unescape(found[1])
        return answer

    def post(self, path: str, **fields: str) -> Answer:
        """Send a form with the token of the last page."""
        return self._ask("POST", path, urlencode({**fields, "csrf_token": self.token}))

    def submit(self, assignment_id: str, **fields: str) -> Answer:
        """Submit as a task from another site does, with whose form a browser sends no cookies of this one."""
        body = urlencode({"assignmentId": assignment_id, **fields})
        return self._ask("POST", "/mturk/externalSubmit", body, known=False)

    def join(self, invitation: str) -> None:
        """Come in by an invitation: open it, and press "Start"."""
        self.get(f"/worker/join/{invitation}")
        answer = self.post(f"/worker/join/{invitation}")
        assert answer.status == 303, answer

    def at(self, port: int) -> Browser:
        """Return the same browser at another server."""
        return Browser(port, self.cookies, self.token)

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _ask(self, method: str, path: str, body: str = "", *, known: bool = True) -> Answer:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self.port), timeout=60)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items()) if known else ""
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
        head += f"Cookie: {cookies}\r\n" if cookies else ""
        head += f"{_START}{len(body)}\r\n" if method == "POST" else ""
        self._socket.sendall(f"{head}\r\n{body}".encode())
        return self._read()

    def _read(self) -> Answer:
        seen = self._more(b"")
        while (end := seen.find(b"\r\n\r\n")) < 0:
            seen = self._more(seen)
        lines = seen[:end].decode("latin-1").split("\r\n")
        length, location = 0, ""
        for line in lines[1:]:
            name, _, value = line.partition(": ")
            match name.lower():
                case "content-length":
                    length = int(value)
                case "location":
                    location = value
                case "set-cookie":
                    key, _, rest = value.partition("=")
                    self.cookies[key] = rest.partition(";")[0]
        while len(seen) < end + 4 + length:
            seen = self._more(seen)
        return Answer(int(lines[0].split()[1]), location, seen[end + 4 :].decode())

    def _more(self, seen: bytes) -> bytes:
        assert self._socket is not None
        more = self._socket.recv(65_536)
        if not more:
            self.close()
            raise ConnectionError("the server closed the connection")
        return seen + more


@dataclass(frozen=True)
class Load:
    """What the generator does.

    Attributes:
        ports: of the servers; workers are spread over them.
        sessions: cookies and token of each worker.
        pause: seconds between two actions of one worker, on average; each differs by up to half of it.
        seconds: when they stop; they also stop when nothing is left.
        pairs: pairs that each worker does at most.
        like_browser: also load the page of the task in between, and look at the list before.
        bare: path that is asked in place of all, or none.
    """

    ports: Sequence[int]
    sessions: Sequence[tuple[Mapping[str, str], str]]
    pause: float = 0.0
    seconds: float = 3600.0
    pairs: int = 1_000_000
    like_browser: bool = False
    bare: str = ""


@dataclass
class Report:
    """What the generator saw.

    Attributes:
        took: milliseconds of each request by kind.
        pairs: assignment ids that were accepted and then submitted.
        seconds: from the first request to the last.
        cpu: seconds of the processor in the generator.
    """

    took: dict[str, list[float]]
    pairs: list[str]
    seconds: float
    cpu: float


class _Worker:
    """One worker at their browser."""

    def __init__(self, load: Load, number: int) -> None:
        cookies, token = load.sessions[number]
        self.load = load
        self.browser = Browser(load.ports[number % len(load.ports)], dict(cookies), token)
        self.number = number
        self.took: dict[str, list[float]] = {}
        self.done: list[str] = []
        self.dice = random.Random(number)

    def run(self, ends: float) -> None:
        with closing(self.browser):
            time.sleep(self._think(0))
            if self.load.bare:
                while time.perf_counter() < ends:
                    self._timed("bare", "get", self.load.bare)
                return
            self._work(ends)

    def _work(self, ends: float) -> None:
        last = None
        while time.perf_counter() < ends and len(self.done) < self.load.pairs:
            assignment_id = self._accept(last)
            if assignment_id is None:
                return
            time.sleep(self._think())
            answer = self._timed("submit", "submit", assignment_id, colour="red")
            assert answer.status == 200, answer
            self.done.append(assignment_id)
            last = None if self.load.like_browser else assignment_id
            time.sleep(self._think())

    def _think(self, least: float = 0.5) -> float:
        """Return the seconds until their next action: around the pause, as nobody keeps time with others."""
        return self.load.pause * self.dice.uniform(least, 1.5)

    def _accept(self, last: str | None) -> str | None:
        """Accept from the list, or the next one after the last; return None if nothing is left."""
        if last is None:
            listed = self._timed("list", "get", "/worker")
            found = re.search(r'action="(/worker/hits/[A-Z0-9]+/accept)"', listed.text)
            if not found:
                return None
            answer = self._timed("accept", "post", found[1])
        else:
            answer = self._timed("accept next", "post", f"/worker/assignments/{last}/next")
        accepted = re.fullmatch(r"/worker/assignments/([A-Z0-9]+)(?:\?auto=1)?", answer.location)
        if accepted is None:
            return None
        if self.load.like_browser:
            self._timed("page of the task", "get", answer.location)
        return accepted[1]

    def _timed(self, kind: str, method: str, *arguments: str, **fields: str) -> Answer:
        started = time.perf_counter()
        answer: Answer = getattr(self.browser, method)(*arguments, **fields)
        self.took.setdefault(kind, []).append((time.perf_counter() - started) * 1000)
        return answer


def generate(load: Load) -> Report:
    """Put the load on the servers, with a thread for each worker."""
    workers = [_Worker(load, number) for number in range(len(load.sessions))]
    started, cpu = time.perf_counter(), time.process_time()
    ends = started + load.seconds
    threads = [threading.Thread(target=worker.run, args=(ends,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took: dict[str, list[float]] = {}
    for worker in workers:
        for kind, times in worker.took.items():
            took.setdefault(kind, []).extend(times)
    pairs = [each for worker in workers for each in worker.done]
    return Report(took, pairs, time.perf_counter() - started, time.process_time() - cpu)


def generate_apart(load: Load) -> Report:
    """Put the load on the servers from a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.site_load"],
        input=json.dumps(asdict(load)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Report(**json.loads(done.stdout))


@contextmanager
def processes(commands: Sequence[tuple[Sequence[str], Mapping[str, str]]], folder: Path) -> Iterator[list[Served]]:
    """Start servers that print their address, and stop them afterwards."""
    with ExitStack() as stack:
        started = [Served(command, environment, folder) for command, environment in commands]
        for each in started:
            stack.callback(each.stop)
        for each in started:
            each.wait()
        yield started


@contextmanager
def market_serve(url: str, folder: Path, number: int = 1, *options: str) -> Iterator[list[Served]]:
    """Run ``turkctl market serve`` on a market, in one or several processes."""
    environment = {"TURKCTL_MARKET_URL": url, "TURKCTL_MARKET_SITE_SECRET_KEY": SECRET_KEY}
    command = [sys.executable, "-m", "turkctl", "market", "serve", "--port", "0", *options]
    with processes([(command, environment)] * number, folder) as served:
        yield served


class Served:
    """A process that serves on a port of 127.0.0.1."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.port = 0

    def wait(self) -> None:
        """Wait until it says where it listens."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
            if found:
                self.port = int(found[1])
                return
        raise RuntimeError(f"a server did not start: exit {self.process.wait()}")

    def stop(self) -> None:
        """Stop it as a service manager does."""
        self.process.terminate()
        self.process.wait(timeout=60)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def cpu(self) -> float:
        """Return the seconds of the processor that it has used."""
        return process_cpu(self.process.pid)

    def memory(self) -> float:
        """Return its resident megabytes."""
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{self.process.pid}/status").read_text())
        assert found
        return int(found[1]) / 1024


def process_cpu(pid: int) -> float:
    """Return the seconds of the processor that a process and its ended children have used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS


def sign_in(port: int, invitations: Sequence[str]) -> list[tuple[dict[str, str], str]]:
    """Let people in by invitations; return cookies and token of each."""
    found = []
    for invitation in invitations:
        browser = Browser(port)
        with closing(browser):
            browser.join(invitation)
            browser.get("/worker")
        found.append((browser.cookies, browser.token))
    return found


def main() -> None:
    """Read a load as JSON, and print the report."""
    report: Any = asdict(generate(Load(**json.load(sys.stdin))))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
