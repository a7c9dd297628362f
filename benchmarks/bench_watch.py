"""Measure how soon submitted work is approved if a queue (of a moto server) reports it to the running watch."""

from __future__ import annotations

import logging
import os
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.bench_batch import PROJECT, in_process
from turkctl.context import Context
from turkctl.mturk.queues import open_queue
from turkctl.operations.configure import apply_configure, plan_configure
from turkctl.operations.hits.create import CreateRequest, prepare_create
from turkctl.operations.project.files import find
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.workers.watch_approvals import Watch

SUBMISSIONS = 20
TARGET = 2.0
"""Seconds from the submission to its approval."""


def measure(folder: Path) -> list[float]:
    """Return the seconds from each submission to its approval."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        keys = {"aws_access_key_id": "bench", "aws_secret_access_key": "bench", "region_name": "us-east-1"}
        client = boto3.client("sqs", endpoint_url=f"http://{host}:{port}", **keys)
        url = client.create_queue(QueueName="events")["QueueUrl"]
        return _watch(folder, url)
    finally:
        server.stop()


def _watch(folder: Path, url: str) -> list[float]:
    (folder / "turkctl.toml").write_text(PROJECT, encoding="utf-8")
    with in_process(folder) as world:
        with world.database.read() as session:
            changes = plan_configure(session, find(folder / "turkctl.toml", folder), whole=True)
        apply_configure(world.database, changes, world.now())
        plan, act = prepare_create(world, CreateRequest(None, 9, hits=SUBMISSIONS // 9 + 1, new=True))
        hits = [item.id for item in world.engine().apply(plan, act).results]
        stop, approved, ready = threading.Event(), {}, threading.Event()

        def run() -> None:
            watch = Watch(world, WorkSelection(Selection(everything=True)), stop, queue=open_queue(url))
            for item in watch.run():
                if item.id == first:
                    ready.set()
                approved[item.id] = time.monotonic()

        first = _submit(world, hits[0], 0)
        thread = threading.Thread(target=run)
        thread.start()
        ready.wait(30)
        sent = {}
        for number in range(1, SUBMISSIONS + 1):
            time.sleep(0.3)
            name = _submit(world, hits[number % len(hits)], number)
            sent[name] = time.monotonic()
        deadline = time.monotonic() + 30
        while len(approved) <= SUBMISSIONS and time.monotonic() < deadline:
            time.sleep(0.05)
        stop.set()
        thread.join(30)
        return [approved[name] - moment for name, moment in sent.items()]


def _submit(world: Context, hit: str, number: int) -> str:
    market = world.market
    worker = f"AW{number:06d}"
    market.register_worker("production", worker)
    assignment = market.accept("production", worker, hit)["AssignmentId"]
    market.submit("production", worker, assignment, {"answer": "red"})
    return str(assignment)


def main() -> None:
    """Print the figures."""
    os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # otherwise the queue's server logs each request
    with tempfile.TemporaryDirectory() as folder:
        seconds = sorted(measure(Path(folder)))
    print(f"approved after its submission, by notification ({len(seconds)} of {SUBMISSIONS})")
    print(f"  median {seconds[len(seconds) // 2]:.2f} s, slowest {seconds[-1]:.2f} s (target {TARGET:.0f} s)")


if __name__ == "__main__":
    main()
