"""The SQS queue that a market sends its events to: receive messages, and delete those that are done.

Event documents: "Notification message elements" of the Mechanical Turk API, 2014-08-15; SNS wraps them once more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from turkctl.addresses import mask_url
from turkctl.errors import UsageError
from turkctl.mturk.bounds import Bounds, bound
from turkctl.mturk.errors import translate

SUBMITTED = "AssignmentSubmitted"
_AMAZON = re.compile(r"^(?:sqs\.)?([a-z]{2}(?:-[a-z]+)+-\d)\.(?:.*\.)?amazonaws\.com(?:\.cn)?$")
_MOST = 10
"""Maximum number of messages that SQS returns at once."""


@dataclass(frozen=True)
class QueueEvent:
    """One event of a market."""

    kind: str
    hit_id: str
    assignment_id: str | None


@dataclass(frozen=True)
class QueueMessage:
    """One message: its events (none if it is not an event document), and the receipt that deletes it from the queue."""

    events: tuple[QueueEvent, ...]
    receipt: str


class Queue:
    """A queue, for use in one thread."""

    def __init__(self, client: Any, url: str) -> None:
        self._client = client
        self.url = url

    def receive(self, wait: int) -> list[QueueMessage]:
        """Return the next messages, up to ten; wait up to ``wait`` whole seconds (at most 20) for the first.

        Raises:
            TurkctlError: the queue cannot be reached, does not exist, or the credentials may not read it.
        """
        answer = self._ask("receive_message", QueueUrl=self.url, MaxNumberOfMessages=_MOST, WaitTimeSeconds=wait)
        return [QueueMessage(tuple(events(each["Body"])), each["ReceiptHandle"]) for each in answer.get("Messages", ())]

    def done(self, messages: Sequence[QueueMessage]) -> None:
        """Delete messages from the queue; the others return after its visibility timeout.

        Raises:
            TurkctlError: see :meth:`receive`.
        """
        if messages:
            entries = [{"Id": str(n), "ReceiptHandle": each.receipt} for n, each in enumerate(messages)]
            self._ask("delete_message_batch", QueueUrl=self.url, Entries=entries)

    def _ask(self, operation: str, **members: Any) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**members)
        except (BotoCoreError, ClientError) as error:
            raise translate(error, operation=operation, endpoint=self.url) from error
        return answer


def events(body: str) -> Iterator[QueueEvent]:
    """Yield the events of a message's body; nothing if it is not an event document."""
    document = _json(body)
    if isinstance(document.get("Message"), str):  # by way of an SNS topic
        document = _json(document["Message"])
    listed = document.get("Events")
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict) and isinstance(each.get("EventType"), str) and isinstance(each.get("HITId"), str):
            assignment = each.get("AssignmentId")
            yield QueueEvent(each["EventType"], each["HITId"], assignment if isinstance(assignment, str) else None)


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def open_queue(url: str, profile: str | None = None) -> Queue:
    """Return the queue at that URL, with credentials found in boto3's own order; no request is made.

    A URL on an Amazon host is on the SQS of its region, any other on the host it names (a moto server, ElasticMQ).

    Raises:
        UsageError: it is not the URL of a queue.
        CredentialsError: the profile cannot be read.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or not parts.path.strip("/"):
        raise UsageError(
            f"'{mask_url(url)}' is not the URL of a queue",
            hint="write it as in https://sqs.us-east-1.amazonaws.com/123456789012/events",
        )
    import boto3  # type: ignore[import-untyped]  # boto3 has no types
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    region = _AMAZON.match(parts.hostname)
    limits = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 1})
    try:
        session = boto3.Session(profile_name=profile)
        keys = {}
        if region is None and session.get_credentials() is None:  # such hosts do not check keys
            keys = {"aws_access_key_id": "turkctl", "aws_secret_access_key": "turkctl"}
        client = session.client(
            "sqs",
            region_name=region[1] if region else "us-east-1",
            endpoint_url=None if region else f"{parts.scheme}://{parts.netloc}",
            config=limits,
            **keys,
        )
    except BotoCoreError as error:
        raise translate(error, operation="connect", endpoint=url) from error
    bound(client, Bounds())
    return Queue(client, url)
