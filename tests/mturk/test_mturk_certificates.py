"""Markets behind TLS: a certificate that is not trusted is called that, with what is wrong and what to do."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from cut_support import read_request

from turkctl.errors import MarketUnreachableError
from turkctl.mturk.connect import connect
from turkctl.mturk.errors import AnswerLostError

BODY = b'{"AvailableBalance": "1.00"}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: %d\r\n\r\n%b" % (
    len(BODY),
    BODY,
)


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


def certificate(folder: Path, host: str = "127.0.0.1", first_day: int = -1) -> Path:
    """Make a certificate that signs itself, valid for two days; its file, which holds the key, too."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "market of a lab")])
    start = datetime.now(UTC) + timedelta(days=first_day)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "certificate.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return file


@contextlib.contextmanager
def serving(file: Path, answer: bytes = ANSWER) -> Iterator[str]:
    """Serve one connection with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)

    def serve() -> None:
        with contextlib.suppress(OSError):
            connection, _ = listening.accept()
            with context.wrap_socket(connection, server_side=True) as secure:
                read_request(secure)
                secure.sendall(answer)
                if answer != ANSWER:  # break the connection as a process that is killed does
                    socket.socket.close(secure)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"https://127.0.0.1:{listening.getsockname()[1]}"
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def test_a_certificate_of_ones_own_is_trusted_once_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = certificate(tmp_path)
    with serving(file) as url, pytest.raises(MarketUnreachableError) as caught:
        connect(endpoint_url=url).balance()
    assert caught.value.message == f"the certificate of {url} is not trusted: self-signed certificate"
    assert "AWS_CA_BUNDLE" in str(caught.value.hint)
    assert not isinstance(caught.value, AnswerLostError)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(file))
    with serving(file) as url:
        assert str(connect(endpoint_url=url).balance().available) == "1.00"


@pytest.mark.parametrize(
    ("host", "first_day", "what", "hint"),
    [
        ("127.0.0.1", -9, "has expired", "renewed"),
        ("127.0.0.1", 3, "not yet valid", "clock"),
        ("127.0.0.9", -1, "127.0.0.1", "as the certificate names it"),
    ],
)
def test_what_is_wrong_with_a_certificate_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, first_day: int, what: str, hint: str
) -> None:
    file = certificate(tmp_path, host, first_day)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(file))
    with serving(file) as url, pytest.raises(MarketUnreachableError, match=f"is not trusted: .*{what}") as caught:
        connect(endpoint_url=url).balance()
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize(("name", "content"), [("nowhere.pem", None), ("letter.pem", "hello")])
def test_a_bundle_that_holds_no_certificates_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str | None
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / name))
    with serving(certificate(tmp_path)) as url, pytest.raises(MarketUnreachableError, match=name) as caught:
        connect(endpoint_url=url).balance()
    assert "AWS_CA_BUNDLE" in str(caught.value.hint)


@pytest.mark.parametrize("kept", [0, 30, len(ANSWER) - 1])
def test_a_secure_connection_that_breaks_after_the_request_is_a_lost_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    file = certificate(tmp_path)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(file))
    with serving(file, ANSWER[:kept]) as url, pytest.raises(AnswerLostError):
        connect(endpoint_url=url).balance()


def test_plain_http_behind_https_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(100)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(MarketUnreachableError, match="no secure connection could be made") as caught:
            connect(endpoint_url=f"https://127.0.0.1:{listening.getsockname()[1]}").balance()
        thread.join(10)
    assert "write http://" in str(caught.value.hint)
