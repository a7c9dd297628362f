"""Make the service known to moto."""

from __future__ import annotations

import importlib
import re
import sys

import moto.backend_index as backend_index

from turkctl.market.doors.moto.urls import url_bases

SERVICE = "mturk"


def register() -> None:
    """Register the mturk service with moto, also while a mock is active. May be called repeatedly.

    A client that was created before moto was imported is not intercepted; ``moto.core.patch_client`` fixes it.
    """
    sys.modules.setdefault(f"moto.{SERVICE}", importlib.import_module("turkctl.market.doors.moto"))
    if not any(service == SERVICE for service, _ in backend_index.backend_url_patterns):
        backend_index.backend_url_patterns.extend((SERVICE, re.compile(base)) for base in url_bases)
