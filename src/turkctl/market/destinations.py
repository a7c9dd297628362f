"""Where notifications may go. Pure.

The market signs what it sends with the credentials of the person who runs it, but a requester names the destination;
so the person who runs the market has to permit it.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from turkctl.errors import ConfigError

_TOPIC = re.compile(r"arn:aws(?P<partition>-[a-z-]+)?:sns:(?P<region>[a-z0-9-]+):\d{12}:[\w-]+(?:\.fifo)?")
_AMAZON_QUEUES = re.compile(
    r"(?:sqs(?:-fips)?\.(?P<region>[a-z0-9-]+)|(?P<legacy>[a-z0-9-]+)\.queue|queue)\.amazonaws\.com(?:\.cn)?"
)
_ENTRY = re.compile(r"(?:https?://\S+|arn:\S+|\[[0-9a-f:]+\](?::\d+)?|[a-z0-9._-]+(?::\d+)?)", re.IGNORECASE)
_DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True)
class Route:
    """How a destination is reached.

    Attributes:
        service: ``sqs`` or ``sns``.
        region: the region of the endpoint.
        endpoint_url: the endpoint, or None for Amazon's own.
        trusted: whether requests may be signed with the credentials of the person who runs the market.
    """

    service: str
    region: str
    endpoint_url: str | None
    trusted: bool


@dataclass(frozen=True)
class Destinations:
    """The permitted destinations; by default none.

    Attributes:
        named: hosts (``HOST`` or ``HOST:PORT``), queues by their URL and topics by their ARN.
        loopback: whether queues on this computer are permitted without being named. They are not trusted.
        everywhere: whether any destination is permitted, for example when moto answers for all of them.
        sqs_endpoint_url: the endpoint for every queue, whatever host its URL names.
        sns_endpoint_url: the endpoint for every topic.
    """

    named: frozenset[str] = field(default_factory=frozenset)
    loopback: bool = False
    everywhere: bool = False
    sqs_endpoint_url: str | None = None
    sns_endpoint_url: str | None = None

    def permit(self, transport: str, address: str) -> bool:
        """Return whether the destination is permitted. Mail is never sent, so it needs no permission."""
        return transport == "Email" or self.route(transport, address) is not None

    def route(self, transport: str, address: str) -> Route | None:
        """Return how to reach a queue (``SQS``, by URL) or a topic (``SNS``, by ARN); None if it is not permitted."""
        if transport == "SQS":
            return self._queue(address)
        return self._topic(address) if transport == "SNS" else None

    def _queue(self, url: str) -> Route | None:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            return None
        if parts.scheme not in {"http", "https"} or not host:
            return None
        amazon = _AMAZON_QUEUES.fullmatch(host) if parts.scheme == "https" and port is None else None
        region = (amazon and (amazon["region"] or amazon["legacy"])) or _DEFAULT_REGION
        if self.sqs_endpoint_url is not None:
            return Route("sqs", region, self.sqs_endpoint_url, trusted=True)
        shown = f"[{host}]" if ":" in host else host
        place = shown if port is None else f"{shown}:{port}"
        trusted = self.everywhere or not self.named.isdisjoint({url, place, shown})
        if not trusted and not (self.loopback and is_loopback(host)):
            return None
        return Route("sqs", region, None if amazon else f"{parts.scheme}://{place}", trusted=trusted)

    def _topic(self, arn: str) -> Route | None:
        topic = _TOPIC.fullmatch(arn)
        if topic is None:
            return None
        host = f"sns.{topic['region']}.amazonaws.com" + (".cn" if topic["partition"] == "-cn" else "")
        permitted = self.everywhere or self.sns_endpoint_url is not None or not self.named.isdisjoint({arn, host})
        return Route("sns", topic["region"], self.sns_endpoint_url, trusted=True) if permitted else None


def read_named(text: str | None) -> frozenset[str]:
    """Return the destinations in a setting: hosts, queue URLs and topic ARNs, separated by commas or blanks.

    Raises:
        ConfigError: an entry is none of these.
    """
    entries = (text or "").replace(",", " ").split()
    for entry in entries:
        if not _ENTRY.fullmatch(entry):
            raise ConfigError(
                f"market.notify_hosts: '{entry}' is not a destination of notifications",
                hint="write a host (sqs.eu-west-1.amazonaws.com, localhost:9324), a queue's URL or a topic's ARN",
            )
    return frozenset(entry if "/" in entry or entry.startswith("arn:") else entry.lower() for entry in entries)


def is_loopback(host: str) -> bool:
    """Return whether ``host`` is this computer, by a name or address that no other computer can use to reach it."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
