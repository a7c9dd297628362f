"""Many reads at once from the market, at one pace."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

from turkctl.errors import InterruptedByUserError
from turkctl.mturk.errors import MarketRefusedError
from turkctl.operations.engine.batch import Engine
from turkctl.operations.engine.pace import Pace

K = TypeVar("K")
V = TypeVar("V")


def read_each(engine: Engine, keys: Sequence[K], read: Callable[[K], V]) -> Iterator[tuple[K, V | MarketRefusedError]]:
    """Read every key in threads that share one pace; gives results as they come, in no order.

    What the market refuses for one key is that key's result.

    Raises:
        UnreachableError: the market is out of reach or turned the credentials down; the rest is not asked for.
        InterruptedByUserError: the engine was told to stop.
    """
    if not keys:
        return
    pace = Pace(engine.clock, engine.sleep)
    pool = ThreadPoolExecutor(min(engine.workers, len(keys)), thread_name_prefix="turkctl")
    try:
        under_way = {pool.submit(engine.attempt, _bound(read, key), pace): key for key in keys}
        for future in as_completed(under_way):
            error = future.exception()
            if error is not None and not isinstance(error, MarketRefusedError):
                raise error
            yield under_way[future], error if error is not None else future.result()
            if engine.stop.is_set():
                raise InterruptedByUserError("interrupted; what was read until then is kept")
    finally:
        pool.shutdown(cancel_futures=True)


def _bound(read: Callable[[K], V], key: K) -> Callable[[], V]:
    return lambda: read(key)
