"""The market as moto keeps its services: a backend that is emptied whenever a mock starts or ends."""

from __future__ import annotations

from typing import Any

from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.models import DEFAULT_ACCOUNT_ID

from turkctl.market.destinations import Destinations
from turkctl.market.notifier import LossyNotify, Notifier
from turkctl.market.protocol.endpoint import Endpoint
from turkctl.market.protocol.switches import Switches
from turkctl.market.service import Market

REGION = "us-east-1"


class MturkBackend(BaseBackend):
    """One market for all accounts and both environments, which the market keeps apart itself."""

    def __init__(self, region_name: str, account_id: str) -> None:
        """Start without a market: it is created on first use."""
        super().__init__(region_name, account_id)
        self._endpoint: Endpoint | None = None

    @property
    def endpoint(self) -> Endpoint:
        """Return what answers; create it on first use."""
        if self._endpoint is None:
            self.open()
        assert self._endpoint is not None
        return self._endpoint

    def open(self, *, switches: Switches | None = None, **options: Any) -> Endpoint:
        """Start with an empty market in memory.

        Args:
            switches: how the market misbehaves.
            options: of :class:`~turkctl.market.service.Market`: clock, rng, opening_balance, notify (by default to
                SQS and SNS through botocore, so to moto's).
        """
        self._close()
        notifications = LossyNotify(options.pop("notify", None) or Notifier(Destinations(everywhere=True)))
        market = Market("sqlite://", notify=notifications, **options)
        self._endpoint = Endpoint(market, switches=switches, notifications=notifications)
        return self._endpoint

    def reset(self) -> None:
        """Forget everything, as moto asks at the start and the end of each mock."""
        self._close()
        super().reset()

    def _close(self) -> None:
        if self._endpoint is not None:
            self._endpoint.market.close()
            self._endpoint = None


mturk_backends: BackendDict[MturkBackend] = BackendDict(
    MturkBackend, "mturk", use_boto3_regions=False, additional_regions=[REGION, "sandbox"]
)


def current_backend() -> MturkBackend:
    """Return the backend of the active mock."""
    backend: MturkBackend = mturk_backends[DEFAULT_ACCOUNT_ID][REGION]
    return backend
