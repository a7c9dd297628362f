from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st

from turkctl.accounts import aws_account, market_account


@given(st.integers(0, 10**12 - 1), st.binary(min_size=4, max_size=4))
def test_an_aws_key_id_tells_its_account(account: int, rest: bytes) -> None:
    body = ((1 << 47) | (account << 7)).to_bytes(6, "big") + rest
    key_id = "AKIA" + base64.b32encode(body).decode()
    assert aws_account(key_id) == f"{account:012d}"
    assert market_account(key_id) == f"{account:012d}"


def test_an_old_or_foreign_key_id_does_not() -> None:
    assert aws_account("AKIAIOSFODNN7EXAMPLE") is None
    assert aws_account("lab") is None


def test_the_market_gives_each_other_id_an_account_of_its_own() -> None:
    assert len({market_account(f"KEY{n}") for n in range(1000)}) == 1000
    assert all(len(market_account(f"KEY{n}")) == 12 for n in range(10))
