"""Measure the worker site: how soon it answers, how much one process and two do, racing workers, a million HITs.

The load comes from processes of its own on the same machine (``benchmarks.site_load``); beside the site stands a bare
Flask route on the same server. Seconds of the processor are told apart by process: on a machine with two cores, the
generator and a database take their share of them. It takes half an hour and 10 GB of disk, of which ``--hits`` takes
most; ``--parts`` runs some of it. Without ``--postgres`` it starts a PostgreSQL of its own where there is one.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, func, make_url, select, text

from benchmarks import site_scale
from benchmarks.bench_market import HIT
from benchmarks.site_load import (
    Load,
    Report,
    generate_apart,
    market_serve,
    process_cpu,
    processes,
    sign_in,
)
from turkctl.market import tables
from turkctl.market.errors import WorkError
from turkctl.market.requester import Requester
from turkctl.market.service import Market
from turkctl.newcomers import NewInvitation, NewPerson

LAB = Requester("123456789012", "production")
PEOPLE, PAUSE = 200, 2.0
"""Signed-in workers, and seconds between two actions of one."""
THREADS = 12
"""Workers without a pause, who keep the site busy."""
RACERS = 4
PARTS = ("load", "race", "scale")
PROMPT_MS, PAIRS, TWICE, GROWTH, MEMORY_MB = 150.0, 150.0, 1.5, 1.5, 90.0
_SHARE = 5
"""Assignments of each HIT that is raced for."""


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    seconds: float = 30.0
    people: int = PEOPLE
    threads: int = THREADS
    accepts: int = 100_000
    hits: int = 1_000_000
    calls: int = 100


def main(arguments: Sequence[str] = ()) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, usual in vars(Sizes()).items():
        parser.add_argument(f"--{name}", type=type(usual), default=usual)
    parser.add_argument("--postgres", metavar="URL", default=os.environ.get("TURKCTL_TEST_POSTGRES_URL"))
    parser.add_argument("--parts", default=",".join(PARTS), help="some of: load,race,scale")
    parser.add_argument("--bare", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--race", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.bare:
        serve_bare()
        return
    if options.race:
        json.dump(race(**json.load(sys.stdin)), sys.stdout)
        return
    sizes = Sizes(**{name: getattr(options, name) for name in vars(Sizes())})
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = options.postgres or stack.enter_context(own_postgres())
        parts = {"load": measure_load, "race": measure_races, "scale": measure_scale}
        print(f"load of the machine: {os.getloadavg()[0]:.1f}, cores: {os.cpu_count()}")
        print(f"{'':<72} {'measured':>12} {'target':>10}", flush=True)
        for part in options.parts.split(","):
            parts[part](sizes, folder, server)


def report(what: str, measured: str, target: str = "", *, reached: bool = True) -> None:
    """Print a line."""
    print(f"{what:<72} {measured:>12} {target:>10}  {'' if reached else 'NOT REACHED'}", flush=True)


# Databases


@contextmanager
def own_postgres() -> Iterator[str | None]:
    """Start a PostgreSQL that waits for its disk, and yield its address; None where there is none."""
    script = str(Path(__file__).parent.parent / ".ci" / "postgres.sh")
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "TURKCTL_TEST_POSTGRES_URL": "", "TURKCTL_POSTGRES_FSYNC": "on"}
        command = ["sh", script, "start", folder]
        url = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()
        try:
            yield url or None
        finally:
            subprocess.run(["sh", script, "stop", folder], env=environment, check=True)


@contextmanager
def databases(folder: Path, server: str | None) -> Iterator[dict[str, str]]:
    """Yield addresses of empty databases by kind."""
    name = f"turkctl_bench_{secrets.token_hex(6)}"
    found = {"SQLite": f"sqlite:///{folder / name}.db"}
    if server is not None:
        administer(server, f"CREATE DATABASE {name}")
        found["PostgreSQL"] = make_url(server).set(database=name).render_as_string(hide_password=False)
    try:
        yield found
    finally:
        for file in folder.glob(f"{name}.db*"):
            file.unlink()
        if server is not None:
            administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def administer(server: str, statement: str) -> None:
    """Run a statement on the server, outside of transactions."""
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def postgres_cpu(server: str) -> float:
    """Return the seconds of the processor that a server has used with all its processes; 0 if it is not here."""
    engine = create_engine(server)
    with engine.connect() as connection:
        postmaster = _parent(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())
    engine.dispose()
    if not postmaster:
        return 0.0
    everybody = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return process_cpu(postmaster) + sum(_cpu_if_running(pid) for pid in everybody if _parent(pid) == postmaster)


def _cpu_if_running(pid: int) -> float:
    try:
        return process_cpu(pid)
    except OSError:  # it ended meanwhile, and its parent counts it
        return 0.0


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


# Load


def measure_load(sizes: Sizes, folder: Path, server: str | None) -> None:
    """Print what the site does under load, on both databases."""
    bare = measure_bare(sizes, folder)
    with databases(folder, server) as urls:
        for kind, url in urls.items():
            invitations = fill(url, sizes)
            measure_paced(kind, url, folder, sizes, invitations)
            one = measure_busy(kind, url, folder, sizes, invitations, server)
            if kind == "SQLite":
                report("  requests of work for one of the bare route", f"{bare / (2 * one):.1f}")
                continue
            two = measure_busy(kind, url, folder, sizes, invitations, server, number=2)
            report(f"{kind}: two processes for one", f"{two / one:.2f} x", f">= {TWICE} x", reached=two >= TWICE * one)


def fill(url: str, sizes: Sizes) -> list[str]:
    """Post HITs enough for all that follows; return invitations."""
    with closing(Market(url, opening_balance=Decimal(10**8))) as market:
        market.bulk_hits(LAB, HIT, max(100, int(sizes.seconds * 2_000)))
        invitations = market.invite("production", NewInvitation(), max(sizes.people, sizes.threads))
    if not url.startswith("sqlite"):
        administer(url, "ANALYZE")  # PostgreSQL does so by itself within a minute; until then, a list takes 30 ms
    return invitations


def measure_bare(sizes: Sizes, folder: Path) -> float:
    """Print how many requests a bare route answers in a second, and return it."""
    command = [sys.executable, "-m", "benchmarks.bench_site", "--bare"]
    root = str(Path(__file__).parent.parent)
    with processes([(command, {"PYTHONPATH": f"{root}{os.pathsep}{root}/src"})], folder) as served:
        load = Load([served[0].port], [({}, "")] * sizes.threads, seconds=sizes.seconds, bare="/")
        before = served[0].cpu()
        found = generate_apart(load)
        cpu = served[0].cpu() - before
    count = len(found.took["bare"])
    report(f"bare Flask route, {sizes.threads} connections", f"{count / found.seconds:.0f} /s")
    report("  processor: server, generator", f"{cpu:.0f} + {found.cpu:.0f} s of {found.seconds:.0f} s")
    return count / found.seconds


def measure_paced(kind: str, url: str, folder: Path, sizes: Sizes, invitations: Sequence[str]) -> Report:
    """Print how soon the site answers people who take their time."""
    with market_serve(url, folder) as served:
        sessions = sign_in(served[0].port, invitations[: sizes.people])
        load = Load([served[0].port], sessions, PAUSE, sizes.seconds, like_browser=True)
        before = served[0].cpu()
        found = generate_apart(load)
        cpu, memory = served[0].cpu() - before, served[0].memory()
    for what in ("accept", "submit", "list", "page of the task"):
        took = p95(found.took[what])
        targets = (
            {"target": f"<= {PROMPT_MS:.0f} ms", "reached": took <= PROMPT_MS} if what in ("accept", "submit") else {}
        )
        title = f"{kind}, one process, {len(sessions)} workers, {PAUSE:.0f} s apart: {what}, p95"
        report(title, f"{took:.0f} ms", **targets)  # type: ignore[arg-type]  # as they are
    report("  processor: server, generator", f"{cpu:.0f} + {found.cpu:.0f} s of {found.seconds:.0f} s")
    report("  memory of the process", f"{memory:.0f} MB", f"<= {MEMORY_MB:.0f} MB", reached=memory <= MEMORY_MB)
    return found


def measure_busy(
    kind: str, url: str, folder: Path, sizes: Sizes, invitations: Sequence[str], server: str | None, number: int = 1
) -> float:
    """Print how many pairs of accept and submit the site does in a second, and return it."""
    with market_serve(url, folder, number) as served:
        sessions = sign_in(served[0].port, invitations[: sizes.threads])
        load = Load([each.port for each in served], sessions, seconds=sizes.seconds)
        before = [each.cpu() for each in served]
        base = postgres_cpu(server) if server and kind != "SQLite" else 0.0
        found = generate_apart(load)
        cpu = [each.cpu() - was for each, was in zip(served, before, strict=True)]
        database = postgres_cpu(server) - base if server and kind != "SQLite" else 0.0
    rate = len(found.pairs) / found.seconds
    several = "one process" if number == 1 else f"{number} processes"
    title = f"{kind}, {several}: accept and submit, {sizes.threads} workers without a pause"
    targets: dict[str, Any] = {"target": f">= {PAIRS:.0f} /s", "reached": rate >= PAIRS} if kind == "SQLite" else {}
    report(title, f"{rate:.0f} /s", **targets)
    shares = " + ".join(f"{each:.0f}" for each in [*cpu, *([database] if database else []), found.cpu])
    names = "servers, database, generator" if database else "server, generator"
    report(f"  processor: {names}", f"{shares} s of {found.seconds:.0f} s")
    report("  pairs for a second of the servers' processor", f"{len(found.pairs) / sum(cpu):.0f}")
    return rate


def serve_bare() -> None:
    """Serve one route that does nothing, on the server of the market."""
    from flask import Flask

    from turkctl.serving import HttpServer

    app = Flask("bare")
    app.add_url_rule("/", view_func=lambda: "ok")
    server = HttpServer(app, "127.0.0.1", 0, 16, connection_limit=1000)
    print(f"http://127.0.0.1:{server.port}", flush=True)
    server.run()


# Races


def measure_races(sizes: Sizes, folder: Path, server: str | None) -> None:
    """Let workers of several processes race for the same HITs, and count what they got."""
    with databases(folder, server) as urls:
        for kind, url in urls.items():
            wrong, seconds = run_race(url, sizes.accepts)
            right = not wrong
            report(
                f"{kind}: {sizes.accepts:,} accepts by {RACERS} racing processes",
                "right" if right else "WRONG",
                "right",
                reached=right,
            )
            report("  accepts a second", f"{sizes.accepts / seconds:.0f} /s")
            for line in wrong:
                print(f"  {line}")


def run_race(url: str, accepts: int) -> tuple[list[str], float]:
    """Run a race for this number of assignments; return what is wrong, and how long it took."""
    import time

    with closing(Market(url, opening_balance=Decimal(10**8))) as market:
        hits = market.bulk_hits(LAB, {**HIT, "MaxAssignments": _SHARE}, accepts // _SHARE)
        group_id = market.get_hit(LAB, {"HITId": hits[0]})["HIT"]["HITGroupId"]
        people = [market.add_person("production", NewPerson()) for _ in range(2 * max(RACERS, _SHARE))]
    started = time.perf_counter()
    asked = [{"url": url, "group_id": group_id, "workers": people[number::RACERS]} for number in range(RACERS)]
    with ThreadPoolExecutor(RACERS) as pool:
        told = [each for found in pool.map(_race_apart, asked) for each in found]
    return check_race(url, told, accepts), time.perf_counter() - started


def _race_apart(asked: dict[str, Any]) -> list[str]:
    command = [sys.executable, "-m", "benchmarks.bench_site", "--race"]
    done = subprocess.run(command, input=json.dumps(asked), stdout=subprocess.PIPE, text=True, check=True)
    found: list[str] = json.loads(done.stdout)
    return found


def race(url: str, group_id: str, workers: Sequence[str]) -> list[str]:
    """Look and accept as long as there is something, each worker in turn; return the ids of the assignments."""
    found, left = [], list(workers)
    with closing(Market(url)) as market:
        while left:
            for worker_id in list(left):
                hit_id = market.first_of_group("production", worker_id, group_id)
                if hit_id is None:
                    left.remove(worker_id)
                    continue
                try:
                    found.append(market.accept_like("production", worker_id, hit_id)["AssignmentId"])
                except WorkError:  # the others were quicker with the last ones
                    continue
    return found


def check_race(url: str, told: Sequence[str], accepts: int) -> list[str]:
    """Return what is wrong after a race: slots given twice, or lost."""
    taken, hit = tables.assignment.c, tables.hit.c
    engine = create_engine(url)
    with engine.connect() as connection:
        stored = set(connection.execute(select(taken.id)).scalars())
        pairs = connection.execute(select(taken.hit_id, taken.worker_id).distinct()).all()
        many = select(taken.hit_id).group_by(taken.hit_id).having(func.count() != _SHARE)
        uneven = connection.execute(many).scalars().all()
        left = connection.execute(select(func.sum(hit.available), func.sum(hit.pending))).one()
    engine.dispose()
    found = {
        f"{len(told)} acceptances were told of, not {accepts}": len(told) != accepts,
        "an assignment was told of twice": len(set(told)) != len(told),
        "what was told is not what is stored": set(told) != stored,
        "a worker has a HIT twice": len(pairs) != accepts,
        f"{len(uneven)} HITs do not have {_SHARE} assignments": bool(uneven),
        f"the HITs count {left[0]} open and {left[1]} taken slots": tuple(map(int, left)) != (0, accepts),
    }
    return [words for words, wrong in found.items() if wrong]


# Scale


def measure_scale(sizes: Sizes, folder: Path, server: str | None) -> None:
    """Compare the site's steps in a market of a thousand HITs with those in a large one."""
    with databases(folder, server) as small, databases(folder, server) as large:
        for kind, url in small.items():
            with (
                closing(site_scale.build(url, 1_000)) as few,
                closing(site_scale.build(large[kind], sizes.hits)) as many,
            ):
                for step in site_scale.compare(few, many, sizes.calls):
                    reached = step.ratio <= GROWTH or not step.bounded
                    target = f"<= {GROWTH} x" if step.bounded else ""
                    title = f"{kind}, {sizes.hits:,} HITs for 1,000: {step.what} ({step.few:.1f} ms)"
                    report(title, f"{step.ratio:.2f} x", target, reached=reached)


def p95(values: Sequence[float]) -> float:
    """Return what 95 of 100 do not exceed."""
    return statistics.quantiles(values, n=20)[-1] if len(values) > 1 else values[0]


if __name__ == "__main__":
    main(sys.argv[1:])
