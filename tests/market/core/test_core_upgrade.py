"""A market that an older turkctl made gets what it lacks, on both databases, and keeps what it has."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from market_support import REQUESTER, hit_request
from sqlalchemy import Engine, create_engine, inspect, text

from turkctl.market import tables
from turkctl.market.service import Market
from turkctl.market.state import VERSION

LACKED_TABLES = (
    "market_arrival",
    "market_entry_visit",
    "market_entry",
    "market_erased",
    "market_panel_member",
    "market_password_reset",
    "market_payout_part",
    "market_payout",
    "market_work_time",
    "market_submission",
)
"""What version 3 did not have yet, those that others refer to last."""
LACKED_COLUMNS = {
    "market_invitation": ("ask", "pattern", "known_only"),
    "market_meta": ("fee", "unit", "erasure_key"),
    "market_person": ("full_name", "terms_version", "terms_at"),
    "market_hit": ("opened",),
    "market_assignment": ("told_at", "reopened_at"),
}
LACKED_INDEXES = (
    "market_hit_by_state",
    "market_hit_by_opening",
    "market_assignment_by_approval",
    "market_bonus_by_worker",
)


def make_older(engine: Engine) -> None:
    """Take away what version 3 lacked, and add the index that it had."""
    sure = "" if engine.dialect.name == "sqlite" else " CASCADE"
    with engine.begin() as connection:
        for name in LACKED_INDEXES:
            connection.execute(text(f"DROP INDEX {name}"))
        for name in LACKED_TABLES:
            connection.execute(text(f"DROP TABLE {name}{sure}"))
        for table, columns in LACKED_COLUMNS.items():
            for column in columns:
                connection.execute(text(f"ALTER TABLE {table} DROP COLUMN {column}"))
        connection.execute(text("CREATE INDEX market_hit_by_type ON market_hit (hit_type_id)"))
        connection.execute(text("UPDATE market_meta SET version = 3"))


def shape(engine: Engine) -> dict[str, tuple[set[str], set[str | None]]]:
    """Return the columns and indexes of each of the market's tables."""
    seen = inspect(engine)
    return {
        name: (
            {column["name"] for column in seen.get_columns(name)},
            {index["name"] for index in seen.get_indexes(name)},
        )
        for name in set(seen.get_table_names()) & set(tables.metadata.tables)
    }


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = create_engine(url)
    yield engine
    engine.dispose()


def test_a_market_of_version_three_becomes_what_a_new_one_is_and_goes_on(url: str, engine: Engine) -> None:
    market = Market(url, opening_balance=Decimal("100.00"))
    new = shape(engine)
    hit_id = market.create_hit(REQUESTER, hit_request(MaxAssignments=2))["HIT"]["HITId"]
    first = market.register_worker("production")
    done = market.accept("production", first, hit_id)["AssignmentId"]
    market.close()
    make_older(engine)
    assert shape(engine) != new

    market = Market(url)

    assert shape(engine) == new
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version FROM market_meta")).scalar_one() == VERSION
    market.submit("production", first, done, {"a": "1"})
    market.approve_assignment(REQUESTER, {"AssignmentId": done})
    second = market.register_worker("production")
    market.accept("production", second, hit_id)
    counts = market.get_hit(REQUESTER, {"HITId": hit_id})["HIT"]
    assert (counts["NumberOfAssignmentsAvailable"], counts["NumberOfAssignmentsPending"]) == (0, 1)
    assert market.get_hit(REQUESTER, {"HITId": hit_id})["HIT"]["NumberOfAssignmentsCompleted"] == 1
    market.close()
