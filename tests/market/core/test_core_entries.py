"""Entries on both databases: one panel id is one worker, also if it comes twice at the same moment."""

from __future__ import annotations

import threading

from market_support import Bench

from turkctl.newcomers import NewEntry


def test_an_id_that_comes_several_times_at_once_is_one_worker_and_its_work_has_one_code(url: str) -> None:
    bench = Bench(url)
    entry = bench.market.add_entry(
        "production", NewEntry("sona", ("id", "ref"), done_url="https://a.example/?i={id}&r={ref}")
    )
    came: list[str] = []

    def come(number: int) -> None:
        given = {"id": "Ω 4711", "ref": str(number)}
        came.append(bench.market.enter("production", entry.panel, entry.key, given))

    threads = [threading.Thread(target=come, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (len(came), len({*came})) == (6, 1)
    assert [each.worker_id for each in bench.market.people("production")] == came[:1]
    assert bench.market.entry("production", "sona").people == 1
    bench.clock.seconds += 1
    _, assignment = bench.submitted(bench.hit(), came[0])
    back = bench.market.way_back("production", assignment)
    (row,) = bench.market.entry_codes("production", "sona")
    assert back is not None
    assert (row.code, row.panel_id) == (back.code, "Ω 4711")
    assert back.url is not None
    assert back.url.startswith("https://a.example/?i=%CE%A9%204711&r=")
    assert bench.market.is_made_by_panel("production", came[0])
    bench.market.close()
