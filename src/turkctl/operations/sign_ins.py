"""Remember failed sign-ins and ended sessions."""

from __future__ import annotations

from datetime import datetime, timedelta

from turkctl.operations.engine.world import World


class SignIns:
    """Sign-ins of the dashboard."""

    def __init__(self, world: World) -> None:
        self._ended: set[str] = set()

    def wait(self, name: str, address: str, now: datetime) -> timedelta | None:
        """Return how long to wait."""
        return None

    def failed(self, name: str, address: str, now: datetime) -> None:
        """Remember."""

    def succeeded(self, name: str, address: str, now: datetime) -> None:
        """Forget."""

    def end_session(self, token: str, until: datetime) -> None:
        """End."""
        self._ended.add(token)

    def is_ended(self, token: str, now: datetime) -> bool:
        """Return whether ended."""
        return token in self._ended
