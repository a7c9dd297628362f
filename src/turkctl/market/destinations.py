"""Where notifications may go. Pure.

The market signs what it sends with the credentials of whoever runs it, and a requester names the destination; so a
destination has to be one that whoever runs the market permits.
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
        region: whose endpoint it is.
        endpoint_url: the endpoint, or None for Amazon's own.
        trusted: whether requests may be signed with the credentials of whoever runs the market.
    """

    service: str
    region: str
    endpoint_url: str | None
    trusted: bool


@dataclass(frozen=True)
class Destinations:
    """The destinations that are permitted; by default none.

    Attributes:
        named: hosts (``HOST`` or ``HOST:PORT``), queues by their URL and topics by their ARN.
        loopback: whether queues on this computer are permitted without being named. They are trusted with nothing.
        everywhere: whether any destination is permitted, as where moto answers for all of them.
        sqs_endpoint_url: where every queue is, whatever host its URL names.
        sns_endpoint_url: where every topic is.
    """

    named: frozenset[str] = field(default_factory=frozenset)
    loopback: bool = False
    everywhere: bool = False
    sqs_endpoint_url: str | None = None
    sns_endpoint_url: str | None = None

    def permit(self, transport: str, address: str) -> bool:
        """Whether anything is sent there. Mail never is, and nobody has to permit that."""
        return transport == "Email" or self.route(transport, address) is not None

    def route(self, transport: str, address: str) -> Route | None:
        """How to reach a queue (``SQS``) by its URL or a topic (``SNS``) by its ARN; None where nothing may go."""
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
    """The destinations in a setting: hosts, URLs of queues and ARNs of topics, with commas or blanks between them.

    Raises:
        ConfigError: something else.
    """
    entries = (text or "").replace(",", " ").split()
    for entry in entries:
        if not _ENTRY.fullmatch(entry):
            raise ConfigError(
                f"market.notify_hosts: '{entry}' is not a destination for notifications",
                hint="write a host (sqs.eu-west-1.amazonaws.com, localhost:9324), a queue's URL or a topic's ARN",
            )
    return frozenset(entry if "/" in entry or entry.startswith("arn:") else entry.lower() for entry in entries)


def is_loopback(host: str) -> bool:
    """Whether a host is this computer, under a name or address that nobody else reaches it by."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
