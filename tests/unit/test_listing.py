"""What all lists share: columns, order and number of rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from turkctl.cli.listing import Listing, in_order
from turkctl.errors import UsageError

ROWS: list[dict[str, Any]] = [
    {"item": "photo-10", "amount": Decimal("2.00"), "mend": "a", "seen": None},
    {"item": "photo-9", "amount": Decimal("10.00"), "mend": "b", "seen": datetime(2026, 5, 4, tzinfo=UTC)},
    {"item": "Photo-11", "amount": None, "mend": None, "seen": datetime(2026, 5, 3, tzinfo=UTC)},
]


def shown(listing: Listing, rows: Any = ROWS, **more: Any) -> tuple[list[str], list[Any]]:
    columns, found = listing.arrange(["item", "amount"], rows, **more)
    return list(columns), list(found)


def test_a_list_is_as_it_comes_unless_something_is_asked_for() -> None:
    assert shown(Listing()) == (["item", "amount"], ROWS)


def test_chosen_columns_are_the_keys_of_each_row_in_their_order_and_once() -> None:
    columns, rows = shown(Listing(columns="seen, item,seen"))
    assert columns == ["seen", "item"]
    assert [list(row) for row in rows] == [["seen", "item"]] * 3


def test_a_column_may_be_called_as_its_heading_is() -> None:
    for heading in ("fix", "FIX", "mend"):
        found = shown(Listing(columns=f"{heading},FIX", sort=heading, desc=True))[1]
        assert found == [{"mend": "b"}, {"mend": "a"}, {"mend": None}]


@pytest.mark.parametrize(
    ("column", "places"), [("item", [1, 0, 2]), ("amount", [0, 1, 2]), ("seen", [2, 1, 0]), ("mend", [0, 1, 2])]
)
def test_numbers_sort_by_size_even_in_texts_and_missing_values_are_last(column: str, places: list[int]) -> None:
    assert shown(Listing(sort=column))[1] == [ROWS[place] for place in places]


@pytest.mark.parametrize(("column", "places"), [("amount", [1, 0, 2]), ("seen", [1, 2, 0])])
def test_missing_values_are_last_in_descending_order_too(column: str, places: list[int]) -> None:
    assert shown(Listing(sort=column, desc=True))[1] == [ROWS[place] for place in places]


def test_values_of_all_kinds_can_be_sorted_together() -> None:
    values = [None, "b", 2, Decimal("1.5"), float("nan"), timedelta(seconds=1), datetime(2026, 1, 1, tzinfo=UTC)]
    values += [["x"], {"y": 1}, True, "9" * 5000]
    found = [row["value"] for row in in_order([{"value": each} for each in values], "value", descending=False)]
    assert found[:4] == [timedelta(seconds=1), True, Decimal("1.5"), 2]
    assert found[-2] is None


def test_descending_alone_turns_the_list_round() -> None:
    assert shown(Listing(desc=True))[1] == ROWS[::-1]


def test_the_limit_comes_after_the_order_and_after_what_is_skipped() -> None:
    assert shown(Listing(sort="amount", desc=True, limit=1))[1] == [ROWS[1]]
    assert shown(Listing(limit=1), skip=1)[1] == [ROWS[1]]
    assert shown(Listing(limit=0))[1] == []


def test_a_list_that_is_not_sorted_is_read_no_further_than_it_is_shown() -> None:
    read: list[int] = []

    def endless() -> Iterator[dict[str, int]]:
        for number in count():
            read.append(number)
            yield {"item": number}

    assert shown(Listing(limit=2), endless())[1] == [{"item": 0}, {"item": 1}]
    assert read == [0, 1]
    assert (Listing(limit=2).enough, Listing(limit=2, sort="item").enough) == (2, None)


@pytest.mark.parametrize("option", ["columns", "sort"])
def test_an_unknown_column_is_refused_with_the_nearest_and_all(option: str) -> None:
    with pytest.raises(UsageError, match="there is no column 'amuont'") as caught:
        shown(Listing(**{option: "amuont"}))
    assert caught.value.hint == "did you mean 'amount'? All columns: item, amount, mend, seen"
    with pytest.raises(UsageError) as caught:
        shown(Listing(**{option: "xyz"}))
    assert caught.value.hint == "the columns are item, amount, mend, seen"


def test_an_empty_list_knows_its_columns_too() -> None:
    assert shown(Listing(columns="seen", sort="item"), [], keys=["seen"]) == (["seen"], [])
    with pytest.raises(UsageError, match="there is no column 'seen'"):
        shown(Listing(columns="seen"), [])


@pytest.mark.parametrize("text", ["", ",", " , "])
def test_no_columns_at_all_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--columns is empty"):
        shown(Listing(columns=text))
