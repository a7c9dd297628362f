"""Addresses are shown without their secrets."""

from __future__ import annotations

import pytest
from sqlalchemy import make_url

from turkctl.addresses import mask_url
from turkctl.mturk.errors import shown
from turkctl.store import failures

SHOWN = [
    ("postgresql://lab:hush@db/study", "postgresql://lab:***@db/study"),
    ("postgresql://lab:h@us:h/hush@db:5432/study", "postgresql://lab:***@db:5432/study"),
    ("postgresql://db/study?user=lab&password=hush", "postgresql://db/study?user=lab&password=***"),
    ("postgresql://db/study?PASSWORD=hush&sslmode=require", "postgresql://db/study?PASSWORD=***&sslmode=require"),
    ("postgresql://db/study?sslpassword=hush#x", "postgresql://db/study?sslpassword=***#x"),
    ("postgresql://lab@db/study?password=h%40us@h", "postgresql://lab@db/study?password=***"),
    ("postgresql://db:5432/study?password=h@ush", "postgresql://db:5432/study?password=***"),
    ("https://lab.example.org/?api_key=hush", "https://lab.example.org/?api_key=***"),
    ("https://lab.example.org/?X-Amz-Signature=hush&x=1", "https://lab.example.org/?X-Amz-Signature=***&x=1"),
    ("https://lab.example.org/?access_token=hush;x=1", "https://lab.example.org/?access_token=***"),
    ("postgresql:lab:hush@db", "postgresql:lab:***@db"),
    ("lab:hush@db", "lab:***@db"),
    ("sqlite:///study.db", "sqlite:///study.db"),
    ("sqlite:////home/a:b@c/study.db", "sqlite:////home/a:b@c/study.db"),
    ("postgresql+psycopg://lab@127.0.0.1:5432/study", "postgresql+psycopg://lab@127.0.0.1:5432/study"),
    ("http://127.0.0.1:8800/sandbox", "http://127.0.0.1:8800/sandbox"),
]


@pytest.mark.parametrize(("address", "masked"), SHOWN)
def test_an_address_is_shown_without_its_secrets(address: str, masked: str) -> None:
    assert mask_url(address) == masked
    assert "hush" not in mask_url(address)


@pytest.mark.parametrize(
    "address",
    ["postgresql+psycopg://lab:hush@db/study?sslpassword=hush", "mysql+pymysql://db/x?ssl_key_passphrase=hush"],
)
def test_errors_of_a_database_show_it_so_too(address: str) -> None:
    assert failures.masked(make_url(address)) == mask_url(address)


def test_errors_of_a_market_name_no_user_either() -> None:
    assert shown("https://lab:hush@market.example.org/x?token=hush") == "https://market.example.org/x?token=***"
