"""What the pages say to put into files of servers is taken by turkctl, nginx and Caddy, and does what they say."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from databases import POSTGRES_VARIABLE, new_database
from docs_support import Block, blocks, guide, name, unknown_flags

from turkctl.market.service import Market
from turkctl.newcomers import NewInvitation
from turkctl.settings_file import read_file

KEY = "0000000000000000000000000000000000000000000000000000000000000000"
SETTINGS = [
    (name(page), block.text)
    for page in guide()
    for block in blocks(page)
    if block.kind == "toml"
    and re.search(r"^(\[market|\[dashboard|\[notify|market_url|database_url)", block.text, re.MULTILINE)
]


@pytest.mark.parametrize(("page", "text"), SETTINGS)
def test_settings_on_a_page_are_turkctl_s(page: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / "turkctl.toml"
    file.write_text(text, encoding="utf-8")
    assert read_file(file, allow_experiments=True).values


def test_the_settings_of_servers_are_among_them() -> None:
    pages = {page for page, _ in SETTINGS}
    assert {each for each in pages if each.startswith("docs/how-to/")} >= {
        "docs/how-to/put-it-behind-a-proxy.md",
        "docs/how-to/rent-a-server.md",
        "docs/how-to/run-several-processes.md",
    }


UNITS = [
    (name(page), number, block.text)
    for page in guide()
    for number, block in enumerate(blocks(page))
    if block.kind == "ini"
]


@pytest.mark.parametrize(("page", "number", "text"), UNITS)
def test_a_unit_runs_commands_that_exist(page: str, number: int, text: str) -> None:
    said = [
        line.split("turkctl ", 1)[1]
        for line in text.splitlines()
        if line.startswith("ExecStart=") and "turkctl " in line
    ]
    for each in said:
        line = "turkctl " + each.replace('"backups/market-$$(date +%%F-%%H%%M%%S).db"', "copy.db").rstrip("'")
        assert unknown_flags(line) == set()
    assert all(line.startswith(("[", "#")) or "=" in line for line in text.splitlines() if line.strip())


# The proxies


def shown(page: str, kind: str) -> str:
    """The one block of this kind on a page."""
    (text,) = [each.text for each in of(page) if each.kind == kind]
    return text


def of(page: str) -> list[Block]:
    return next(blocks(each) for each in guide() if each.name == page)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate for this computer, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        taken = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in taken]


@contextlib.contextmanager
def running(command: list[str], port: int, **more: Any) -> Iterator[None]:
    """Run a server until the block ends; it listens when the block begins."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **more) as process:
        try:
            for _ in range(600):
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                assert process.poll() is None, process.stderr and process.stderr.read()
                time.sleep(0.05)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)


def as_nginx(text: str, folder: Path, market: list[int], https: int, http: int, tls: Path) -> list[str]:
    """Write the page's configuration with ports and certificates of a test; return the command that runs it."""
    text = text.replace("listen 443", f"listen 127.0.0.1:{https}").replace("listen 80", f"listen 127.0.0.1:{http}")
    text = re.sub(r"(?m)^ *listen \[::\].*\n", "", text)
    text = re.sub(r"/etc/letsencrypt/\S*fullchain.pem", str(tls / "cert.pem"), text)
    text = re.sub(r"/etc/letsencrypt/\S*privkey.pem", str(tls / "key.pem"), text)
    for number, port in enumerate(market):
        text = text.replace(f"127.0.0.1:{8800 + number}", f"127.0.0.1:{port}")
    paths = "".join(
        f"{each}_temp_path {folder}/{each};\n" for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;\n" if os.geteuid() == 0 else ""  # else its workers may not write into the test's folder
    whole = f"{user}daemon off;\npid {folder}/nginx.pid;\nerror_log stderr;\nevents {{}}\n"
    whole += f"http {{\naccess_log off;\n{paths}{text}\n}}\n"
    (folder / "nginx.conf").write_text(whole, encoding="utf-8")
    command = [shutil.which("nginx") or "nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    return command


def as_caddy(text: str, folder: Path, market: list[int], https: int, tls: Path) -> list[str]:
    names, body = text.split("{", 1)
    assert names.strip() == "work.example.org, tasks.example.org"
    for number, port in enumerate(market):
        body = body.replace(f"127.0.0.1:{8800 + number}", f"127.0.0.1:{port}")
    options = "{\n    admin off\n    auto_https off\n}\n"
    keys = f"    tls {tls / 'cert.pem'} {tls / 'key.pem'}\n"
    (folder / "Caddyfile").write_text(f"{options}https://localhost:{https} {{\n{keys}{body}", encoding="utf-8")
    return [shutil.which("caddy") or "caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


class Browser:
    """A visitor who checks the certificate, keeps cookies and says where a form comes from."""

    def __init__(self, port: int, tls: Path) -> None:
        self.port = port
        self._trust = ssl.create_default_context(cafile=str(tls / "cert.pem"))
        self._cookie = ""
        self.set_cookie = ""
        self.text = ""

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> int:
        connection = http.client.HTTPSConnection("localhost", self.port, timeout=30, context=self._trust)
        site = f"https://localhost:{self.port}"
        own = {"Cookie": self._cookie, "Referer": f"{site}/worker", "Accept": "text/html"}
        if body is not None:
            own["Content-Type"] = "application/x-www-form-urlencoded"
        with contextlib.closing(connection):
            connection.request(method, path, body, own | headers)
            answer = connection.getresponse()
            self.text = answer.read().decode()
            self.set_cookie = answer.headers.get("Set-Cookie") or ""
            self._cookie = self.set_cookie.partition(";")[0] or self._cookie
            return answer.status

    def send(self, path: str, **fields: str) -> int:
        token = re.search(r'"X-CSRFToken": "([^"]+)"', self.text)
        assert token, self.text
        data = urllib.parse.urlencode(fields | {"csrf_token": unescape(token[1])}).encode()
        return self.ask("POST", path, data, **{"X-Forwarded-For": f"203.0.113.{len(self.text) % 200}"})


def signed(port: int, tls: Path, secret: str) -> Any:
    return boto3.client(
        "mturk",
        region_name="us-east-1",
        endpoint_url=f"https://localhost:{port}/",
        aws_access_key_id="LABKEYONE",
        aws_secret_access_key=secret,
        verify=str(tls / "cert.pem"),
        config=Config(retries={"total_max_attempts": 1}),
    )


def check(port: int, tls: Path, invitation: str) -> None:
    """Try all that the page promises."""
    visitor = Browser(port, tls)
    assert (visitor.ask("GET", "/healthz"), visitor.text.strip()) == (200, "ok")
    assert signed(port, tls, "a long random secret").get_account_balance()["AvailableBalance"] == "10000.00"
    with pytest.raises(Exception, match=r"(?i)signature"):
        signed(port, tls, "another secret").get_account_balance()
    assert visitor.ask("GET", f"/worker/join/{invitation}") == 200
    assert visitor.set_cookie.startswith("__Host-")
    assert "Secure" in visitor.set_cookie
    assert visitor.send(f"/worker/join/{invitation}", how="link") == 303
    assert (visitor.ask("GET", "/worker"), "Worker id" in visitor.text) == (200, True)
    assert visitor.ask("POST", "//mturk/externalSubmit", b"a=1") == 400
    assert "names no assignment" in visitor.text, "two slashes reach the site"
    assert visitor.ask("POST", "/mturk/externalSubmit", b"a=" + b"1" * 1_500_000) == 413
    stranger = Browser(port, tls)
    tried = []
    for number in range(6):
        stranger.ask("GET", "/worker/sign-in", **{"X-Forwarded-For": f"198.51.100.{number}"})
        tried.append(stranger.send("/worker/sign-in", name="nobody", password=f"wrong password {number}"))
    assert tried == [401] * 5 + [429], "whoever says to be another address is counted by their own"


@pytest.fixture
def stack() -> Iterator[contextlib.ExitStack]:
    """Ends what a test began, last first."""
    with contextlib.ExitStack() as made:
        yield made


@pytest.mark.slow
@pytest.mark.parametrize("page", ["put-it-behind-a-proxy.md", "run-several-processes.md"])
@pytest.mark.parametrize("proxy", ["nginx", "caddy"])
def test_a_proxy_with_the_page_s_configuration_does_what_the_page_says(
    proxy: str, page: str, certificate: Path, tmp_path: Path, stack: contextlib.ExitStack
) -> None:
    if shutil.which(proxy) is None:
        pytest.skip(f"{proxy} is not installed")
    https, http_, *market = free_ports(4)
    several = page.startswith("run")
    market = market if several else market[:1]
    study = tmp_path / "study"
    study.mkdir()
    text = next(text for at, text in SETTINGS if at.endswith("put-it-behind-a-proxy.md"))
    text = text.replace("https://work.example.org", f"https://localhost:{https}").replace(KEY, "k" * 64)
    (study / "turkctl.toml").write_text(text, encoding="utf-8")
    (study / "keys.toml").write_text('LABKEYONE = "a long random secret"\n', encoding="utf-8")
    kind = "postgres" if several and POSTGRES_VARIABLE in os.environ else "sqlite"
    url = stack.enter_context(new_database(kind, tmp_path))
    environment = {**os.environ, "TURKCTL_MARKET_URL": url}
    opened = Market(url)
    (invitation,) = opened.invite("production", NewInvitation(None, personal=False))
    opened.close()
    if proxy == "nginx":
        configuration = shown("put-it-behind-a-proxy.md", "nginx")
        if several:
            configuration = re.sub(r"upstream turkctl \{[^}]*\}\n", shown(page, "nginx"), configuration)
        command = as_nginx(configuration, tmp_path, market, https, http_, certificate)
    else:
        command = as_caddy(shown(page, "caddy"), tmp_path, market, https, certificate)
    serve = [sys.executable, "-m", "turkctl", "market", "serve", "--behind-proxy", "--port"]
    for port in market:
        stack.enter_context(running([*serve, str(port)], port, cwd=study, env=environment))
    stack.enter_context(running(command, https, cwd=tmp_path))
    check(https, certificate, invitation)
