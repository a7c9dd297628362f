from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws
from waitress import create_server

from turkctl.market.notifier import DeliveryError, DestinationError, LossyNotify, Notifier


def to(transport: str, destination: str) -> dict[str, str]:
    return {"Transport": transport, "Destination": destination, "Account": "000000000000", "Environment": "production"}


def test_a_document_reaches_the_queue_that_the_url_names():
    with mock_aws():
        queues = boto3.client("sqs", region_name="eu-west-1")
        url = queues.create_queue(QueueName="events")["QueueUrl"]
        Notifier()(to("SQS", url), '{"Events": []}')
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
        Notifier()(to("SNS", arn), '{"Events": []}')
        [message] = queues.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"])["Message"] == '{"Events": []}'


@pytest.fixture
def queue_host() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A host that takes messages as SQS does, and what it was sent."""
    sent: list[dict[str, str]] = []

    def app(environ, start_response):
        request = json.loads(environ["wsgi.input"].read())
        sent.append({**request, "Target": environ["HTTP_X_AMZ_TARGET"]})
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


def test_a_queue_elsewhere_is_on_the_host_of_its_url_and_needs_no_credentials(
    queue_host: tuple[str, list[dict[str, str]]],
):
    base, sent = queue_host
    Notifier()(to("SQS", f"{base}/000000000000/events"), "hello")
    assert sent == [
        {"QueueUrl": f"{base}/000000000000/events", "MessageBody": "hello", "Target": "AmazonSQS.SendMessage"}
    ]


def test_an_endpoint_can_be_given_for_every_queue(
    queue_host: tuple[str, list[dict[str, str]]],
):
    base, sent = queue_host
    Notifier(sqs_endpoint_url=base)(to("SQS", "https://sqs.us-east-1.amazonaws.com/1/events"), "hello")
    assert len(sent) == 1


def test_a_queue_that_is_not_there_is_a_failed_delivery():
    with mock_aws(), pytest.raises(DeliveryError, match="events"):
        Notifier()(to("SQS", "https://sqs.us-east-1.amazonaws.com/123456789012/events"), "hello")


def test_a_host_that_does_not_listen_is_a_failed_delivery():
    with pytest.raises(DeliveryError):
        Notifier()(to("SQS", "http://127.0.0.1:9/000000000000/events"), "hello")


@pytest.mark.parametrize(
    "destination", [to("SQS", "events"), to("SQS", "ftp://host/q"), to("SNS", "arn:aws:sqs:x:1:q"), to("SNS", "topic")]
)
def test_what_is_no_destination_is_refused(destination: dict[str, str]):
    with pytest.raises(DestinationError):
        Notifier()(destination, "hello")


def test_mail_is_dropped_with_a_warning(caplog: pytest.LogCaptureFixture):
    Notifier()(to("Email", "someone@example.org"), "hello")
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
