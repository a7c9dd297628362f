"""The file of keys of a served market."""

from __future__ import annotations

from typing import Any

import pytest

from turkctl.accounts import market_account
from turkctl.errors import ConfigError
from turkctl.market.keys import read_keys

DIGITS = "123456789012"


@pytest.mark.parametrize(
    ("document", "accounts"),
    [
        ({"NEW": "s"}, {}),
        ({"NEW": {"secret": "s"}}, {}),
        ({"NEW": {"secret": "s", "account": DIGITS}}, {"NEW": DIGITS}),
        ({"NEW": {"secret": "s", "account": "OLD"}}, {"NEW": market_account("OLD")}),
        (
            {"NEW": {"secret": "s", "account": "OLD"}, "OLD": {"secret": "o", "account": DIGITS}},
            {"NEW": DIGITS, "OLD": DIGITS},
        ),
        (
            {"ONE": {"secret": "s", "account": "TWO"}, "TWO": {"secret": "o", "account": "ONE"}},
            {"ONE": market_account("TWO"), "TWO": market_account("ONE")},
        ),
    ],
)
def test_a_line_names_its_account_by_digits_or_by_another_key(document: dict[str, Any], accounts: Any) -> None:
    assert read_keys(document, "keys.toml").accounts == accounts


@pytest.mark.parametrize("line", [3, "", {}, {"secret": ""}, {"secret": "s", "account": 5}, {"secret": "s", "x": "y"}])
def test_a_line_of_another_form_is_named(line: Any) -> None:
    with pytest.raises(ConfigError, match=r"keys\.toml.* NEW "):
        read_keys({"OLD": "s", "NEW": line}, "keys.toml")


@pytest.mark.parametrize("key_id", ["", "A B", "A/B", "A,B", "A\n", "ä", "A" * 129])
def test_a_key_that_no_signature_can_name_is_refused(key_id: str) -> None:
    with pytest.raises(ConfigError, match="cannot be an access key id"):
        read_keys({key_id: "s"}, "keys.toml")


def test_an_empty_file_holds_no_keys() -> None:
    with pytest.raises(ConfigError, match="contains no keys"):
        read_keys({}, "keys.toml")
