"""Deliver notification documents to SQS queues and SNS topics through botocore.

The destination determines the endpoint, as :mod:`turkctl.market.destinations` describes, and only permitted ones are
used: a queue URL on an Amazon host is on Amazon's SQS of that host's region, any other queue URL is on the host it
names (a moto server, ElasticMQ); a topic's ARN names its region. Under moto's ``mock_aws`` both reach moto.
"""

from __future__ import annotations

import logging
import random
import threading
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from turkctl.market.destinations import Destinations, Route
from turkctl.market.requester import Notifier as Deliver

logger = logging.getLogger(__name__)

_UNCHECKED_KEY = "turkctl"
"""Signs requests to hosts that are not trusted, and to hosts other than Amazon's if no credentials are configured."""
_CONFIG = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 1})


class DeliveryError(Exception):
    """The document could not be delivered; trying again later may help."""


class DestinationError(DeliveryError):
    """The destination is not permitted, or is not a destination."""


class Notifier:
    """Sends each document once. Clients are created on first use, one per endpoint; safe for many threads."""

    def __init__(self, destinations: Destinations) -> None:
        """Prepare without connecting.

        Args:
            destinations: where documents may go.
        """
        self._destinations = destinations
        self._clients: dict[Route, Any] = {}
        self._lock = threading.Lock()

    def __call__(self, destination: dict[str, Any], body: str) -> None:
        """Deliver one document. Mail is dropped with a warning in the log, as Amazon stopped sending it long ago.

        Args:
            destination: its members ``Transport`` (SQS or SNS) and ``Destination`` (a queue's URL or a topic's ARN)
                are read.
            body: the document as JSON text.

        Raises:
            DeliveryError: the service refused or could not be reached.
            DestinationError: the destination is not permitted.
        """
        transport, address = destination["Transport"], destination["Destination"]
        if transport not in {"SQS", "SNS"}:
            # Nothing will ever deliver it, so it must not wait to be retried.
            logger.warning("a notification by %s to %s is not delivered", transport, address)
            return
        route = self._destinations.route(transport, address)
        if route is None:
            raise DestinationError(f"'{address}' is not a permitted destination (market.notify_hosts)")
        try:
            if transport == "SQS":
                self._client(route).send_message(QueueUrl=address, MessageBody=body)
            else:
                self._client(route).publish(TopicArn=address, Message=body)
        except (BotoCoreError, ClientError) as error:
            raise DeliveryError(f"{transport} {address}: {error}") from error

    def _client(self, route: Route) -> Any:
        with self._lock:
            if route not in self._clients:
                self._clients[route] = _make_client(route)
            return self._clients[route]


def _make_client(route: Route) -> Any:
    session = Session()
    keys: dict[str, str] = {}
    if not route.trusted or (route.endpoint_url is not None and session.get_credentials() is None):
        keys = {"aws_access_key_id": _UNCHECKED_KEY, "aws_secret_access_key": _UNCHECKED_KEY}
    return session.create_client(
        route.service, region_name=route.region, endpoint_url=route.endpoint_url, config=_CONFIG, **keys
    )


class LossyNotify:
    """Drops some documents, as Amazon sometimes did: the switch ``notification_loss``. At first it drops none."""

    def __init__(self, notify: Deliver) -> None:
        """Wrap ``notify``.

        Args:
            notify: delivers the others.
        """
        self._notify = notify
        self._lock = threading.Lock()
        self.lose(0, 0)

    def lose(self, loss: float, seed: int) -> None:
        """Set how many documents are lost from now on.

        Args:
            loss: probability of a loss, 0 to 1.
            seed: seed of the random source.
        """
        with self._lock:
            self._loss = loss
            self._random = random.Random(seed)  # noqa: S311  a simulation, nothing secret

    def __call__(self, destination: dict[str, Any], body: str) -> None:
        """Deliver ``body``, or drop it silently."""
        with self._lock:
            lost = self._random.random() < self._loss
        if not lost:
            self._notify(destination, body)
