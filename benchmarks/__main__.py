"""Run all measurements, one after another."""

from __future__ import annotations

from benchmarks import (
    bench_archive,
    bench_batch,
    bench_bonus,
    bench_content,
    bench_copy,
    bench_dashboard,
    bench_dashboard_memory,
    bench_export,
    bench_labels,
    bench_market,
    bench_methods,
    bench_participants,
    bench_site,
    bench_site_memory,
    bench_startup,
    bench_team,
    bench_watch,
)

for bench in (
    bench_startup,
    bench_market,
    bench_batch,
    bench_bonus,
    bench_watch,
    bench_content,
    bench_export,
    bench_labels,
    bench_methods,
    bench_team,
    bench_participants,
    bench_site_memory,
    bench_dashboard,
    bench_dashboard_memory,
    bench_site,
    bench_archive,
    bench_copy,
):
    bench.main()
    print()
