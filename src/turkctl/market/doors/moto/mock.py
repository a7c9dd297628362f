"""``mock_mturk``: moto's ``mock_aws`` with Mechanical Turk in it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import TracebackType
from typing import Any, ParamSpec, TypeVar, overload

from moto import mock_aws

from turkctl.market.doors.moto.models import current_backend
from turkctl.market.doors.moto.registration import register
from turkctl.market.protocol.endpoint import Endpoint
from turkctl.market.service import Market

P = ParamSpec("P")
R = TypeVar("R")


class MockMturk:
    """A market that answers ``boto3.client("mturk")`` while the context lasts; it starts empty each time.

    It starts ``mock_aws`` too, so moto's other services (such as the queue for notifications) are there. Inside an
    active ``mock_aws`` it joins that one.
    """

    def __init__(self, **options: Any) -> None:
        """Prepare a mock.

        Args:
            options: ``switches``, and of :class:`~turkctl.market.service.Market` ``clock``, ``rng``,
                ``opening_balance``, ``fee``, ``unit`` and ``notify``.
        """
        self._options = options
        self._aws: Any = None

    @property
    def endpoint(self) -> Endpoint:
        """Return what answers, with its switches and its count of requests."""
        return current_backend().endpoint

    def start(self) -> Market:
        """Start, and return the market, whose methods move the clock and act for workers."""
        register()
        self._aws = mock_aws()
        self._aws.start()
        market = current_backend().open(**self._options).market
        assert isinstance(market, Market)
        return market

    def stop(self) -> None:
        """Stop, and forget the market."""
        current_backend().reset()
        self._aws.stop()

    def __enter__(self) -> Market:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Decorate a function: each call gets a market of its own.

        Raises:
            TypeError: ``function`` is a class. Call :func:`~turkctl.market.doors.moto.register` and decorate the class
                with ``mock_aws``.
        """
        if inspect.isclass(function):
            raise TypeError("mock_mturk decorates functions; for a class, call register() and use mock_aws")

        @functools.wraps(function)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
            with MockMturk(**self._options):
                return function(*args, **kwargs)

        return wrapper


@overload
def mock_mturk(function: Callable[P, R]) -> Callable[P, R]: ...
@overload
def mock_mturk(function: None = None, **options: Any) -> MockMturk: ...
def mock_mturk(function: Callable[P, R] | None = None, **options: Any) -> MockMturk | Callable[P, R]:
    """Return a :class:`MockMturk`: a context manager or a decorator, with or without parentheses.

    ``with mock_mturk() as market: …`` or ``@mock_mturk``; the options are those of :class:`MockMturk`.
    """
    return MockMturk(**options) if function is None else MockMturk()(function)
