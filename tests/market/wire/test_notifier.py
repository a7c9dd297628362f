from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator

import boto3
import pytest
from botocore.session import Session
from moto import mock_aws
from waitress import create_server

from turkctl.errors import ConfigError
from turkctl.market.destinations import Destinations, Route, is_loopback, read_named
from turkctl.market.notifier import DeliveryError, DestinationError, LossyNotify, Notifier

EVERYWHERE = Destinations(everywhere=True)
LOOPBACK = Destinations(loopback=True)
TOPIC = "arn:aws:sns:eu-west-1:123456789012:events"


def to(transport: str, destination: str) -> dict[str, str]:
    return {"Transport": transport, "Destination": destination, "Account": "000000000000", "Environment": "production"}


def test_a_document_reaches_the_queue_that_the_url_names():
    with mock_aws():
        queues = boto3.client("sqs", region_name="eu-west-1")
        url = queues.create_queue(QueueName="events")["QueueUrl"]
        Notifier(EVERYWHERE)(to("SQS", url), '{"Events": []}')
        [message] = queues.receive_message(QueueUrl=url)["Messages"]
    assert message["Body"] == '{"Events": []}'


def test_a_document_reaches_the_topic_that_the_arn_names():
    with mock_aws():
        topics = boto3.client("sns", region_name="eu-west-1")
        queues = boto3.client("sqs", region_name="eu-west-1")
        arn = topics.create_topic(Name="events")["TopicArn"]
        url = queues.create_queue(QueueName="events")["QueueUrl"]
        queue_arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        topics.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn)
        Notifier(EVERYWHERE)(to("SNS", arn), '{"Events": []}')
        [message] = queues.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"])["Message"] == '{"Events": []}'


def key_of(authorization: str) -> str:
    return authorization.partition("Credential=")[2].partition("/")[0]


@pytest.fixture
def queue_host() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A host that takes messages as SQS does, and what it was sent."""
    sent: list[dict[str, str]] = []

    def app(environ, start_response):
        request = json.loads(environ["wsgi.input"].read())
        sent.append({**request, "Target": environ["HTTP_X_AMZ_TARGET"], "Key": key_of(environ["HTTP_AUTHORIZATION"])})
        start_response("200 OK", [("Content-Type", "application/x-amz-json-1.0")])
        digest = hashlib.md5(request["MessageBody"].encode(), usedforsecurity=False).hexdigest()
        return [json.dumps({"MessageId": "1", "MD5OfMessageBody": digest}).encode()]

    connections: dict[int, object] = {}
    server = create_server(app, map=connections, host="127.0.0.1", port=0, threads=1)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}", sent
    server.trigger.pull_trigger(lambda: [channel.close() for channel in list(connections.values())])  # type: ignore[attr-defined]
    thread.join(timeout=10)
    server.task_dispatcher.shutdown()


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> str:
    """Those of whoever runs the market."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDOFTHELAB")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    return "AKIDOFTHELAB"


@pytest.mark.usefixtures("credentials")
def test_a_queue_on_this_computer_is_on_the_host_of_its_url_and_is_trusted_with_no_credentials(
    queue_host: tuple[str, list[dict[str, str]]],
):
    base, sent = queue_host
    Notifier(LOOPBACK)(to("SQS", f"{base}/000000000000/events"), "hello")
    assert sent == [
        {
            "QueueUrl": f"{base}/000000000000/events",
            "MessageBody": "hello",
            "Target": "AmazonSQS.SendMessage",
            "Key": "turkctl",
        }
    ]


@pytest.mark.parametrize("named", ["host", "queue"])
def test_what_is_named_is_signed_with_the_credentials_of_whoever_runs_the_market(
    queue_host: tuple[str, list[dict[str, str]]], credentials: str, named: str
):
    base, sent = queue_host
    queue = f"{base}/000000000000/events"
    names = read_named(base.removeprefix("http://") if named == "host" else queue)
    Notifier(Destinations(names))(to("SQS", queue), "hello")
    assert [message["Key"] for message in sent] == [credentials]


def test_without_credentials_a_named_host_is_reached_all_the_same(
    queue_host: tuple[str, list[dict[str, str]]], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Session, "get_credentials", lambda _session: None)
    base, sent = queue_host
    Notifier(Destinations(read_named(base.removeprefix("http://"))))(to("SQS", f"{base}/1/q"), "hello")
    assert [message["Key"] for message in sent] == ["turkctl"]


@pytest.mark.parametrize("destinations", [Destinations(), Destinations(read_named("other.example.org, 127.0.0.1:1"))])
def test_nothing_is_sent_where_nothing_may_go(queue_host: tuple[str, list[dict[str, str]]], destinations: Destinations):
    base, sent = queue_host
    with pytest.raises(DestinationError, match=r"market\.notify_hosts"):
        Notifier(destinations)(to("SQS", f"{base}/1/q"), "hello")
    assert sent == []


@pytest.mark.parametrize(
    "address",
    [
        "http://queue.example.org/1/q", "https://sqs.eu-west-1.amazonaws.com/1/q", "http://169.254.169.254/latest",
        "http://127.0.0.1:80@queue.example.org/q", "http://127.0.0.1.example.org/q", "http://0.0.0.0/q", "http://[/q",
        "http://localhost.example.org/q", "http://127.0.0.1:99999999/q", "file:///etc/passwd", "http:///q", "q", "",
    ],
)  # fmt: skip
def test_this_computer_is_not_elsewhere(address: str):
    assert not LOOPBACK.permit("SQS", address)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "[::1]"])
def test_this_computer_goes_by_these_names(host: str):
    assert LOOPBACK.permit("SQS", f"http://{host}:9324/q")
    assert is_loopback(host.strip("[]"))
    assert not LOOPBACK.permit("SNS", TOPIC)


@pytest.mark.parametrize(
    ("named", "transport", "address", "permitted"),
    [
        ("sqs.eu-west-1.amazonaws.com", "SQS", "https://sqs.eu-west-1.amazonaws.com/1/q", True),
        ("sqs.eu-west-1.amazonaws.com", "SQS", "https://sqs.us-east-1.amazonaws.com/1/q", False),
        ("https://sqs.eu-west-1.amazonaws.com/1/q", "SQS", "https://sqs.eu-west-1.amazonaws.com/1/q", True),
        ("https://sqs.eu-west-1.amazonaws.com/1/q", "SQS", "https://sqs.eu-west-1.amazonaws.com/1/r", False),
        ("queue.example.org", "SQS", "https://queue.example.org:9324/1/q", True),
        ("Queue.example.org:9324", "SQS", "https://queue.example.org:9324/1/q", True),
        ("queue.example.org:9324", "SQS", "https://queue.example.org:9325/1/q", False),
        ("queue.example.org", "SQS", "https://queue.example.org.evil.example.com/1/q", False),
        ("sns.eu-west-1.amazonaws.com", "SNS", TOPIC, True),
        (TOPIC, "SNS", TOPIC, True),
        (TOPIC, "SNS", TOPIC + "2", False),
        ("sqs.eu-west-1.amazonaws.com", "SNS", TOPIC, False),
        ("", "Email", "someone@example.org", True),
    ],
)
def test_a_destination_is_named_by_its_host_or_itself(named: str, transport: str, address: str, permitted: bool):
    assert Destinations(read_named(named)).permit(transport, address) is permitted


def test_amazons_own_hosts_are_recognised_and_no_others():
    assert EVERYWHERE.route("SQS", "https://sqs.eu-west-1.amazonaws.com/1/q") == Route("sqs", "eu-west-1", None, True)
    assert EVERYWHERE.route("SQS", "https://eu-west-1.queue.amazonaws.com/1/q") == Route("sqs", "eu-west-1", None, True)
    for host in ("sqs.x.amazonaws.com.evil.example.com", "x.us-east-1.elb.amazonaws.com", "evilsqs.x.amazonaws.com"):
        route = EVERYWHERE.route("SQS", f"https://{host}/1/q")
        assert route is not None
        assert route.endpoint_url == f"https://{host}"


@pytest.mark.parametrize("text", ["*", "a b*", "http:/x", "user@host", "host/path", "[::1", "host:port"])
def test_what_names_no_destination_is_bad_configuration(text: str):
    with pytest.raises(ConfigError, match="is not a destination"):
        read_named(text)


def test_an_endpoint_can_be_given_for_every_queue(
    queue_host: tuple[str, list[dict[str, str]]],
):
    base, sent = queue_host
    Notifier(Destinations(sqs_endpoint_url=base))(to("SQS", "https://sqs.us-east-1.amazonaws.com/1/events"), "hello")
    assert len(sent) == 1


def test_a_queue_that_is_not_there_is_a_failed_delivery():
    with mock_aws(), pytest.raises(DeliveryError, match="events"):
        Notifier(EVERYWHERE)(to("SQS", "https://sqs.us-east-1.amazonaws.com/123456789012/events"), "hello")


def test_a_host_that_does_not_listen_is_a_failed_delivery():
    with pytest.raises(DeliveryError):
        Notifier(LOOPBACK)(to("SQS", "http://127.0.0.1:9/000000000000/events"), "hello")


@pytest.mark.parametrize(
    "destination", [to("SQS", "events"), to("SQS", "ftp://host/q"), to("SNS", "arn:aws:sqs:x:1:q"), to("SNS", "topic")]
)
def test_what_is_no_destination_is_refused(destination: dict[str, str]):
    with pytest.raises(DestinationError):
        Notifier(EVERYWHERE)(destination, "hello")


def test_mail_is_dropped_with_a_warning(caplog: pytest.LogCaptureFixture):
    Notifier(EVERYWHERE)(to("Email", "someone@example.org"), "hello")
    assert "someone@example.org is not delivered" in caplog.text


def test_lossy_delivery_loses_about_its_share_and_the_same_ones_for_the_same_seed():
    def delivered(seed: int, loss: float) -> list[str]:
        got: list[str] = []
        notify = LossyNotify(lambda _destination, body: got.append(body))
        notify.lose(loss, seed)
        for number in range(200):
            notify({}, str(number))
        return got

    assert delivered(1, 0.3) == delivered(1, 0.3) != delivered(2, 0.3)
    assert 110 < len(delivered(1, 0.3)) < 170
    assert (len(delivered(1, 0)), len(delivered(1, 1))) == (200, 0)
