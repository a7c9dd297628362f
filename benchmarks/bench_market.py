"""Measure the speed of the built-in market: in one process, over HTTP, and with a hundred thousand HITs.

``make bench`` runs this; the tests never do. It prints each figure with its target.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from turkctl.accounts import market_account
from turkctl.market.doors.http import serve
from turkctl.market.doors.inprocess import attach
from turkctl.market.protocol.endpoint import Endpoint
from turkctl.market.requester import Requester
from turkctl.market.service import Market

KEY = "AKIDBENCH"
THREADS = 16
HTTP_CALLS = 1_500
SMALL, LARGE = 1_000, 100_000
QUESTION = (
    '<ExternalQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/'
    'ExternalQuestion.xsd"><ExternalURL>https://lab.example.org/task</ExternalURL>'
    "<FrameHeight>0</FrameHeight></ExternalQuestion>"
)
HIT: dict[str, Any] = {
    "Title": "Name the colour of a word",
    "Description": "A ten-minute reading task.",
    "Keywords": "psychology, reading",
    "Reward": "0.01",
    "AssignmentDurationInSeconds": 1800,
    "LifetimeInSeconds": 86_400,
    "Question": QUESTION,
}


def main(argv: Sequence[str] = ()) -> None:
    """Run all measurements, or serve the market for the measurement over HTTP."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", metavar="URL", help="serve the market at this SQLAlchemy URL and print the port")
    url = parser.parse_args(argv).serve
    if url:
        serve_market(url)
        return
    with tempfile.TemporaryDirectory() as folder:
        rows = [in_process(Path(folder)), over_http(Path(folder)), *with_many_hits(Path(folder))]
    print(f"{'what':<52} {'measured':>14} {'target':>14}")
    for what, measured, target, reached in rows:
        print(f"{what:<52} {measured:>14} {target:>14}  {'' if reached else 'NOT REACHED'}")


Row = tuple[str, str, str, bool]


def make_client(endpoint_url: str) -> Any:
    return boto3.Session().client(
        "mturk",
        region_name="us-east-1",
        endpoint_url=endpoint_url,
        aws_access_key_id=KEY,
        aws_secret_access_key="secret",
        config=Config(retries={"mode": "standard", "total_max_attempts": 1}, max_pool_connections=THREADS),
    )


def in_process(folder: Path) -> Row:
    with closing(Market(f"sqlite:///{folder / 'in-process.db'}")) as market:
        client = make_client("http://market.invalid")
        attach(client.meta.events, Endpoint(market))
        client.create_hit(**HIT)
        start = time.perf_counter()
        for number in range(1_000):
            client.create_hit(**HIT, RequesterAnnotation=f"bench {number}")
        seconds = time.perf_counter() - start
    return "1,000 CreateHIT in process, one HIT type", f"{seconds:.2f} s", "<= 5 s", seconds <= 5


def over_http(folder: Path) -> Row:
    with served(f"sqlite:///{folder / 'http.db'}") as port:
        client = make_client(f"http://127.0.0.1:{port}")
        client.create_hit(**HIT)
        with ThreadPoolExecutor(THREADS) as pool:
            start = time.perf_counter()
            list(pool.map(lambda number: client.create_hit(**HIT, UniqueRequestToken=str(number)), range(HTTP_CALLS)))
            rate = HTTP_CALLS / (time.perf_counter() - start)
    return f"CreateHIT over HTTP, one client, {THREADS} threads", f"{rate:.0f} /s", ">= 150 /s", rate >= 150


def serve_market(url: str) -> None:
    with closing(Market(url)) as market:
        server = serve(Endpoint(market), port=0)
        print(server.port, flush=True)
        server.run()


@contextmanager
def served(url: str) -> Iterator[int]:
    process = subprocess.Popen([sys.executable, __file__, "--serve", url], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(timeout=10)
        process.stdout.close()


def with_many_hits(folder: Path) -> list[Row]:
    with market_of(folder, SMALL) as small, market_of(folder, LARGE) as large:
        return [compare(what, call, small, large) for what, call in CALLS.items()]


@contextmanager
def market_of(folder: Path, hits: int) -> Iterator[tuple[Any, list[str]]]:
    """Yield a client of a market with this number of HITs, and their ids."""
    with closing(Market(f"sqlite:///{folder / f'hits-{hits}.db'}")) as market:
        ids = market.bulk_hits(Requester(market_account(KEY), "production"), HIT, hits)
        client = make_client("http://market.invalid")
        attach(client.meta.events, Endpoint(market))
        yield client, ids


def compare(what: str, call: Callable[[Any, str], object], *markets: tuple[Any, list[str]]) -> Row:
    """Compare the medians of calls that alternate between both markets, so that both run under the same load."""
    times: list[list[float]] = [[], []]
    for number in range(210):
        for seen, (client, ids) in zip(times, markets, strict=True):
            hit_id = ids[(number * 7919) % len(ids)]
            start = time.perf_counter()
            call(client, hit_id)
            if number >= 10:
                seen.append(time.perf_counter() - start)
    few, many = (statistics.median(seen) for seen in times)
    ratio = many / few
    label = f"{what}: {LARGE:,} HITs against {SMALL:,} ({few * 1000:.2f} ms)"
    return label, f"{ratio:.2f} x", "<= 1.5 x", ratio <= 1.5


CALLS: dict[str, Callable[[Any, str], object]] = {
    "GetHIT": lambda client, hit_id: client.get_hit(HITId=hit_id),
    "ListHITs page": lambda client, _hit_id: client.list_hits(MaxResults=100),
    "CreateHIT": lambda client, _hit_id: client.create_hit(**HIT),
}


if __name__ == "__main__":
    main(sys.argv[1:])
