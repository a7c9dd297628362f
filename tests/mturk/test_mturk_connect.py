"""Connections: what is refused before a request, what a silent or senseless server is called, what is kept secret."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.session import Session

from turkctl.errors import CredentialsError, MarketUnreachableError, UsageError
from turkctl.mturk.connect import LOCAL_ENDPOINT, PRODUCTION_ENDPOINT, connect
from turkctl.mturk.errors import AnswerLostError, MarketFaultError

HTML = {"Content-Type": "text/html"}
JSON = {"Content-Type": "application/x-amz-json-1.1"}
BALANCE = b'{"AvailableBalance": "12.50"}'


class Server(ThreadingHTTPServer):
    """Answers every POST in one way, on a port of its own."""

    daemon_threads = True
    answer: tuple[int, dict[str, str], bytes] | None = (200, JSON, b"{}")

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.seen: list[dict[str, str]] = []
        self.over = threading.Event()


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append(dict(self.headers) | {"path": self.path})
        if self.server.answer is None:
            self.server.over.wait(10)  # until the test is done: never an answer
            return
        status, headers, body = self.server.answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join(5)


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret-nobody-sees")


@pytest.mark.parametrize("url", ["", "market.test", "ftp://market.test", "http://", "http://x:port", "http://[::1"])
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="not the address of a market"):
        connect(endpoint_url=url)


def test_a_market_of_this_process_has_an_address_that_no_network_knows(server: Server) -> None:
    with pytest.raises(ValueError, match="over a network"):
        connect(endpoint_url=server.url, local=lambda _events: None)
    left_open = connect(endpoint_url=LOCAL_ENDPOINT, local=lambda _events: None)
    with pytest.raises(MarketUnreachableError):
        left_open.balance()
    assert server.seen == []


def test_local_mode_looks_at_no_profile_and_no_proxy(
    monkeypatch: pytest.MonkeyPatch, server: Server, tmp_path: Path, line
) -> None:
    broken = tmp_path / "config"
    broken.write_text("this is [no configuration")
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(broken))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(broken))
    monkeypatch.setenv("HTTP_PROXY", server.url)
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    line.say({"AvailableBalance": "7.00"})
    market = connect(endpoint_url=LOCAL_ENDPOINT, local=line.attach)
    assert str(market.balance().available) == "7.00"
    with pytest.raises(MarketUnreachableError):
        connect(endpoint_url=LOCAL_ENDPOINT, local=lambda _events: None).balance()
    assert server.seen == []


@pytest.mark.usefixtures("keys")
def test_the_endpoint_keeps_its_path_and_requests_are_signed_for_the_services_region(server: Server) -> None:
    server.answer = (200, JSON, BALANCE)
    market = connect(endpoint_url=f"{server.url}/sandbox")
    assert str(market.balance().available) == "12.50"
    assert server.seen[0]["path"].rstrip("/") == "/sandbox"
    assert "AKIDEXAMPLE/" in server.seen[0]["Authorization"]
    assert "/us-east-1/mturk-requester/aws4_request" in server.seen[0]["Authorization"]


@pytest.mark.usefixtures("keys")
def test_variables_for_other_services_do_not_bend_the_endpoint(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.answer = (200, JSON, BALANCE)
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_MTURK"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"):
        monkeypatch.setenv(name, "true")
    connect(endpoint_url=server.url).balance()
    assert len(server.seen) == 1


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(
    ("typed", "identity"),
    [
        ("https://Market.Test", "https://market.test"),
        ("https://market.test:443/", "https://market.test"),
        ("HTTP://market.test:80/sandbox/", "http://market.test/sandbox"),
        ("http://127.0.0.1:8800", "http://127.0.0.1:8800"),
        ("http://[::1]:8800/", "http://[::1]:8800"),
        ("https://user:secret@market.test/?x=1", "https://market.test"),
    ],
)
def test_a_market_is_the_same_however_its_address_is_typed(typed: str, identity: str) -> None:
    found = connect(endpoint_url=typed).identity
    assert found.partition("#")[0] == identity


def test_two_accounts_at_one_address_are_two_markets(monkeypatch: pytest.MonkeyPatch) -> None:
    found = set()
    for key_id in ("LAB1", "LAB2", "LAB1"):
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key_id)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        found.add(connect(endpoint_url="http://127.0.0.1:8800").identity)
    assert len(found) == 2


def test_a_new_key_that_stands_beside_its_account_is_the_same_market(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "LAB1")
    before = connect(endpoint_url="http://127.0.0.1:8800").identity
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "LAB2")
    monkeypatch.setenv("AWS_ACCOUNT_ID", before.partition("#")[2])
    assert connect(endpoint_url="http://127.0.0.1:8800").identity == before
    monkeypatch.setenv("AWS_ACCOUNT_ID", "mine")
    assert connect(endpoint_url="http://127.0.0.1:8800").identity != before


@pytest.mark.usefixtures("keys")
def test_an_account_beside_an_aws_key_counts_where_the_key_tells_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCOUNT_ID", "123456789012")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    assert connect(endpoint_url=PRODUCTION_ENDPOINT).identity == f"{PRODUCTION_ENDPOINT}#123456789012"


@pytest.mark.usefixtures("keys")
def test_an_aws_key_that_does_not_tell_its_account_leaves_the_address_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    assert "#" not in connect(endpoint_url=PRODUCTION_ENDPOINT).identity


def test_without_credentials_no_market_can_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CredentialsError):
        connect(endpoint_url="http://127.0.0.1:8800").identity  # noqa: B018  # the look is what raises


@pytest.mark.usefixtures("keys")
def test_a_failing_request_is_made_once(server: Server) -> None:
    server.answer = (503, HTML, b"<h1>no</h1>")
    market = connect(endpoint_url=server.url)
    with pytest.raises(MarketFaultError):
        market.balance()
    assert len(server.seen) == market.requests["GetAccountBalance"] == 1


SENSELESS = {
    "a page": (200, HTML, b"<html>hello</html>"),
    "a page that says it is JSON": (200, JSON, b"<html>hello</html>"),
    "nothing": (200, {}, b""),
    "an empty object": (200, JSON, b"{}"),
    "a list": (200, JSON, b"[1]"),
    "a text": (200, JSON, b'"hello"'),
    "no text at all": (200, JSON, b"\xff\xfe\x00"),
    "wrong money": (200, JSON, b'{"AvailableBalance": "lots"}'),
    "infinite money": (200, JSON, b'{"AvailableBalance": "Infinity"}'),
    "money and a line end": (200, JSON, b'{"AvailableBalance": "1\\n"}'),
    "a number for money": (200, JSON, b'{"AvailableBalance": 5}'),
    "an error that is a list": (400, JSON, b"[]"),
}
ELSEWHERE = {
    "a page that is missing": (404, HTML, b"<html>no</html>"),
    "a missing page in JSON": (404, {"Content-Type": "application/json"}, b'{"detail": "Not Found"}'),
    "a refusal of the method": (405, HTML, b""),
    "a redirection": (302, {"Location": "http://127.0.0.1:1/"}, b""),
}


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize("answer", SENSELESS.values(), ids=SENSELESS.keys())
def test_an_answer_that_makes_no_sense_is_lost(server: Server, answer: Any) -> None:
    server.answer = answer
    with pytest.raises(AnswerLostError, match=r"cannot be used: it |not an answer of the API") as caught:
        connect(endpoint_url=server.url).balance()
    assert server.url in caught.value.message


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize("answer", ELSEWHERE.values(), ids=ELSEWHERE.keys())
def test_a_refusal_that_is_none_of_the_api_is_no_market(server: Server, answer: Any) -> None:
    server.answer = answer
    with pytest.raises(MarketUnreachableError, match="not an answer of the Mechanical Turk API") as caught:
        connect(endpoint_url=server.url).balance()
    assert server.url in caught.value.message
    assert not isinstance(caught.value, AnswerLostError)


@pytest.mark.usefixtures("keys")
def test_a_web_page_does_not_pass_for_an_approval(server: Server) -> None:
    server.answer = (200, HTML, b"<html>please sign in</html>")
    with pytest.raises(MarketUnreachableError, match="ApproveAssignment"):
        connect(endpoint_url=server.url).approve("3A")


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(
    "body",
    [
        b'{"NumResults": 1, "HITs": [{"HITId": "3"}]}',
        b'{"NumResults": 1, "HITs": [5]}',
        b'{"NumResults": 1, "HITs": 5}',
        b'{"NumResults": 1, "HITs": [{"HITId": "3", "HITStatus": "Assignable", "MaxAssignments": 1, "Reward": "x"}]}',
        b'{"NumResults": 1, "HITs": [{"HITId": 3, "HITStatus": "Assignable", "MaxAssignments": 1, "Reward": "1"}]}',
        b'{"NumResults": 1, "HITs": [], "NextToken": {"a": 1}}',
    ],
)
def test_a_list_that_makes_no_sense_is_lost(server: Server, body: bytes) -> None:
    server.answer = (200, JSON, body)
    with pytest.raises(MarketUnreachableError, match="not an answer"):
        list(connect(endpoint_url=server.url).list_hits())


@pytest.mark.usefixtures("keys")
def test_a_refused_connection_names_the_endpoint() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else gets the port
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(MarketUnreachableError, match="the connection was refused") as caught:
            connect(endpoint_url=url).balance()
    assert url in caught.value.message
    assert not isinstance(caught.value, AnswerLostError)


@pytest.mark.usefixtures("keys")
def test_a_server_that_never_answers_is_given_up_and_the_answer_counts_as_lost(server: Server) -> None:
    server.answer = None
    with pytest.raises(AnswerLostError, match="no answer came in time") as caught:
        connect(endpoint_url=server.url, read_timeout=0.2).balance()
    assert caught.value.retryable
    assert caught.value.operation == "GetAccountBalance"


@pytest.mark.usefixtures("keys")
def test_a_connection_that_breaks_is_a_lost_answer() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.settimeout(5)

        def hang_up() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(100)

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(AnswerLostError, match="closed before an answer"):
            connect(endpoint_url=f"http://127.0.0.1:{listening.getsockname()[1]}").balance()
        thread.join(5)


@pytest.mark.usefixtures("keys")
def test_a_server_without_tls_behind_https_is_unreachable(server: Server) -> None:
    with pytest.raises(MarketUnreachableError, match="no secure connection"):
        connect(endpoint_url=server.url.replace("http:", "https:")).balance()


def test_missing_credentials_are_told_at_once_and_nothing_is_sent(server: Server) -> None:
    market = connect(endpoint_url=server.url)
    with pytest.raises(CredentialsError, match="Unable to locate credentials"):
        market.balance()
    assert server.seen == []


def test_half_a_pair_of_keys_is_a_credentials_error(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    with pytest.raises(CredentialsError):
        connect(endpoint_url=server.url).balance()
    assert server.seen == []


def test_an_unknown_profile_is_a_credentials_error(server: Server) -> None:
    with pytest.raises(CredentialsError, match="nobody"):
        connect(endpoint_url=server.url, profile="nobody").balance()


def test_a_profile_gives_the_keys(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "credentials"
    file.write_text("[lab]\naws_access_key_id = AKIDLAB\naws_secret_access_key = x\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    server.answer = (200, JSON, BALANCE)
    connect(endpoint_url=server.url, profile="lab").balance()
    assert "AKIDLAB/" in server.seen[0]["Authorization"]


@pytest.mark.usefixtures("keys")
def test_a_profile_that_assumes_a_role_finds_the_service_for_it(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config"
    file.write_text(
        "[profile lab]\nrole_arn = arn:aws:iam::123456789012:role/lab\ncredential_source = Environment\n"
        "region = us-east-1\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.url)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    server.answer = (
        403,
        {"Content-Type": "text/xml"},
        b"<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>",
    )
    with pytest.raises(CredentialsError, match="AccessDenied"):
        connect(endpoint_url="http://127.0.0.1:1", profile="lab").balance()
    assert len(server.seen) == 1  # the token service was asked: the loader knows it, too


@pytest.mark.usefixtures("keys")
def test_the_log_has_operation_duration_and_outcome_and_no_secret(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.answer = (200, JSON, BALANCE)
    market = connect(endpoint_url=server.url)
    with caplog.at_level(logging.DEBUG, logger="turkctl"):
        market.balance()
        server.answer = (400, JSON, b'{"__type": "ThrottlingException", "message": "Rate exceeded"}')
        with pytest.raises(Exception, match="Rate exceeded"):
            market.balance()
    ours = [record.getMessage() for record in caplog.records if record.name == "turkctl.mturk"]
    assert len(ours) == 2
    assert ours[0].startswith("GetAccountBalance ok in ")
    assert ours[1].startswith("GetAccountBalance ThrottlingException in ")
    assert "a-secret-nobody-sees" not in caplog.text
    assert "AKIDEXAMPLE" not in caplog.text


def test_a_client_is_made_when_botocore_has_dropped_mturk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line
) -> None:
    data = tmp_path / "botocore-data"
    data.mkdir()
    for entry in Path(Loader.BUILTIN_DATA_PATH).iterdir():
        if entry.name != "mturk":
            (data / entry.name).symlink_to(entry)
    monkeypatch.setattr(Loader, "BUILTIN_DATA_PATH", str(data))
    line.say({"AvailableBalance": "7.00"})
    assert str(connect(endpoint_url=LOCAL_ENDPOINT, local=line.attach).balance().available) == "7.00"


@pytest.mark.parametrize(("before", "after"), [(None, "true"), ("false", "false")])
def test_the_metadata_service_is_not_waited_for_unless_the_user_says_so(
    monkeypatch: pytest.MonkeyPatch, before: str | None, after: str, line
) -> None:
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    if before is not None:
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", before)
    connect(endpoint_url=LOCAL_ENDPOINT, local=line.attach)
    assert os.environ["AWS_EC2_METADATA_DISABLED"] == after


def test_importing_the_client_imports_no_boto3() -> None:
    code = (
        "import sys, turkctl.mturk.connect, turkctl.mturk.questions, turkctl.mturk.requirements;"
        "print([name for name in ('boto3', 'botocore', 'xml.etree', 'defusedxml') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_clients_of_markets_in_this_process_share_a_session_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, line
) -> None:
    connect(endpoint_url=LOCAL_ENDPOINT, local=line.attach)
    made = []
    monkeypatch.setattr(Session, "__init__", lambda *_args, **_options: made.append(1))
    line.say({"AvailableBalance": "7.00"})
    first = connect(endpoint_url=LOCAL_ENDPOINT, local=line.attach)
    second = connect(endpoint_url=LOCAL_ENDPOINT, local=lambda _events: None)
    assert made == []
    assert str(first.balance().available) == "7.00"
    with pytest.raises(MarketUnreachableError):
        second.balance()


@pytest.mark.usefixtures("keys")
def test_threads_share_one_client_and_every_request_is_counted(server: Server) -> None:
    server.answer = (200, JSON, BALANCE)
    market = connect(endpoint_url=server.url)
    threads = [threading.Thread(target=_repeat(market.balance, 5)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    market.close()
    assert market.requests["GetAccountBalance"] == len(server.seen) == 40


def _repeat(call: Callable[[], object], times: int) -> Callable[[], None]:
    def run() -> None:
        for _ in range(times):
            call()

    return run
