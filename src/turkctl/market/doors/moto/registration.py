"""How moto learns of the service."""

from __future__ import annotations

import importlib
import re
import sys

import moto.backend_index as backend_index

from turkctl.market.doors.moto.urls import url_bases

SERVICE = "mturk"


def register() -> None:
    """Teach moto the mturk service, also while one of its mocks is active. As often as you like.

    A client that was made before moto was imported is not intercepted; ``moto.core.patch_client`` mends it.
    """
    sys.modules.setdefault(f"moto.{SERVICE}", importlib.import_module("turkctl.market.doors.moto"))
    if not any(service == SERVICE for service, _ in backend_index.backend_url_patterns):
        backend_index.backend_url_patterns.extend((SERVICE, re.compile(base)) for base in url_bases)
