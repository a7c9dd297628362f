"""Delivers notification documents to SQS queues and SNS topics, through botocore.

The destination decides the endpoint: a queue URL on an Amazon host is on Amazon's SQS of that host's region, any
other queue URL is on the host it names (a moto server, ElasticMQ); a topic's ARN names its region. Under moto's
``mock_aws`` both reach moto.
"""

from __future__ import annotations

import logging
import random
import re
import threading
from typing import Any
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from turkctl.market.requester import Notifier as Deliver

logger = logging.getLogger(__name__)

_AMAZON = re.compile(r"(?:^|\.)amazonaws\.com(?:\.cn)?$")
_REGION = re.compile(r"^(?:sqs\.)?([a-z]{2}(?:-[a-z]+)+-\d)\.")
_ARN = re.compile(r"arn:aws[a-z-]*:sns:([a-z0-9-]+):\d{12}:[\w-]+(?:\.fifo)?")
_DEFAULT_REGION = "us-east-1"
_UNCHECKED_KEY = "turkctl"
"""Signs requests to hosts that are not Amazon's where no credentials are configured; such hosts check none."""
_CONFIG = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 1})


class DeliveryError(Exception):
    """The document could not be delivered; trying again later may help."""


class DestinationError(DeliveryError):
    """The destination can never be delivered to."""


class Notifier:
    """Sends each document once. Clients are made when first needed, one per endpoint; safe for many threads."""

    def __init__(self, *, sqs_endpoint_url: str | None = None, sns_endpoint_url: str | None = None) -> None:
        """Prepare without connecting.

        Args:
            sqs_endpoint_url: where every queue is, whatever host its URL names.
            sns_endpoint_url: where every topic is; by default Amazon's SNS.
        """
        self._sqs_endpoint_url = sqs_endpoint_url
        self._sns_endpoint_url = sns_endpoint_url
        self._clients: dict[tuple[str, str, str | None], Any] = {}
        self._lock = threading.Lock()

    def __call__(self, destination: dict[str, Any], body: str) -> None:
        """Deliver one document. Mail is dropped with a warning in the log; it was dead at Amazon long since.

        Args:
            destination: of its members, ``Transport`` (SQS or SNS) and ``Destination`` (a queue's URL or a topic's
                ARN) are read.
            body: the document as JSON text.

        Raises:
            DeliveryError: the service refused or could not be reached.
            DestinationError: no queue URL or no topic ARN.
        """
        transport, address = destination["Transport"], destination["Destination"]
        try:
            if transport == "SQS":
                self._queue_client(address).send_message(QueueUrl=address, MessageBody=body)
            elif transport == "SNS":
                self._topic_client(address).publish(TopicArn=address, Message=body)
            else:
                # Nothing will ever take it, so it must not wait to be tried again.
                logger.warning("a notification by %s to %s is not delivered", transport, address)
        except (BotoCoreError, ClientError) as error:
            raise DeliveryError(f"{transport} {address}: {error}") from error

    def _queue_client(self, url: str) -> Any:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise DestinationError(f"'{url}' is not the URL of a queue")
        region = _REGION.match(parts.hostname)
        amazon = _AMAZON.search(parts.hostname)
        endpoint = self._sqs_endpoint_url or (None if amazon else f"{parts.scheme}://{parts.netloc}")
        return self._client("sqs", region[1] if amazon and region else _DEFAULT_REGION, endpoint)

    def _topic_client(self, arn: str) -> Any:
        match = _ARN.fullmatch(arn)
        if match is None:
            raise DestinationError(f"'{arn}' is not the ARN of a topic")
        return self._client("sns", match[1], self._sns_endpoint_url)

    def _client(self, service: str, region: str, endpoint_url: str | None) -> Any:
        with self._lock:
            key = (service, region, endpoint_url)
            if key not in self._clients:
                self._clients[key] = _make_client(service, region, endpoint_url)
            return self._clients[key]


def _make_client(service: str, region: str, endpoint_url: str | None) -> Any:
    session = Session()
    keys: dict[str, str] = {}
    if endpoint_url is not None and session.get_credentials() is None:
        keys = {"aws_access_key_id": _UNCHECKED_KEY, "aws_secret_access_key": _UNCHECKED_KEY}
    return session.create_client(service, region_name=region, endpoint_url=endpoint_url, config=_CONFIG, **keys)


class LossyNotify:
    """Drops some documents on the way, as Amazon was seen to: the switch ``notification_loss``. None at first."""

    def __init__(self, notify: Deliver) -> None:
        """Wrap ``notify``.

        Args:
            notify: what delivers the others.
        """
        self._notify = notify
        self._lock = threading.Lock()
        self.lose(0, 0)

    def lose(self, loss: float, seed: int) -> None:
        """Lose so many from now on.

        Args:
            loss: probability of a loss, 0 to 1.
            seed: where the dice start.
        """
        with self._lock:
            self._loss = loss
            self._random = random.Random(seed)  # noqa: S311  a simulation, nothing secret

    def __call__(self, destination: dict[str, Any], body: str) -> None:
        """Deliver ``body``, or lose it without a word."""
        with self._lock:
            lost = self._random.random() < self._loss
        if not lost:
            self._notify(destination, body)
