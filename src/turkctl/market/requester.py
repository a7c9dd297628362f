"""Who sends a request, and in which environment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Environment = Literal["production", "sandbox"]

ENVIRONMENTS: tuple[Environment, ...] = ("production", "sandbox")

Notifier = Callable[[dict[str, Any], str], None]
"""Delivers one notification: (destination, JSON body). The destination has the members ``Transport``,
``Destination``, ``Account`` and ``Environment``. May raise any exception if delivery fails."""

Permit = Callable[[str, str], bool]
"""Whether notifications may go to a destination: (transport, address)."""


@dataclass(frozen=True)
class Requester:
    """An account in one of the two environments, which share nothing."""

    account: str
    environment: Environment
