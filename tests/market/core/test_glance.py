from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from turkctl.market.glance import glance, has_workers
from turkctl.market.service import Market


def test_a_glance_says_what_the_market_says(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'market.db'}"
    market = Market(url, clock=lambda: 1_000_000.5)
    market.advance(timedelta(days=2, seconds=1))
    seen = glance(url, clock=lambda: 1_000_000.5)
    assert seen is not None
    assert (seen.identity, seen.now) == (market.identity(), market.now())
    market.close()


def test_a_glance_at_nothing_makes_nothing(tmp_path: Path) -> None:
    assert glance(f"sqlite:///{tmp_path / 'none.db'}") is None
    assert not (tmp_path / "none.db").exists()
    other = tmp_path / "other.db"
    other.write_bytes(b"not a database, though long enough to be taken for one" * 40)
    assert glance(f"sqlite:///{other}") is None
    assert glance("sqlite://") is None


def test_a_glance_says_whether_there_are_workers(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'market.db'}"
    assert not has_workers(url)
    market = Market(url)
    assert not has_workers(url)
    market.register_worker("production", "A1")
    assert has_workers(url)
    market.close()
