"""The key file of a served market: who may sign requests, and for which account.

A line reads ``ACCESS_KEY_ID = "secret"``, or ``ACCESS_KEY_ID = { secret = "…", account = "…" }`` to name the account:
its twelve digits, or an access key id with that account. So requesters can get a new key and keep their account.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from turkctl.accounts import market_account
from turkctl.errors import ConfigError

HOW = 'write lines of the form ACCESS_KEY_ID = "secret", or ACCESS_KEY_ID = { secret = "…", account = "…" }'
_DIGITS = re.compile(r"\d{12}")
_KEY_ID = re.compile(r"[A-Za-z0-9]{1,128}")
_SIGNER = re.compile(r"[A-Za-z0-9._+@:-]{1,128}")
"""What a signature can name: slashes, commas and blanks end the name there."""


@dataclass(frozen=True)
class Keys:
    """Who may sign. If there are no secrets, everybody may, and signatures are not checked."""

    secrets: Mapping[str, str] = field(default_factory=dict)
    """By access key id."""
    accounts: Mapping[str, str] = field(default_factory=dict)
    """Account number by access key id, for lines that name the account."""


def read_keys(document: Mapping[str, Any], where: str) -> Keys:
    """Return the keys of a parsed file.

    Args:
        document: the parsed file.
        where: the file's name, for the error.

    Raises:
        ConfigError: there are no keys in it, or a line has another form.
    """
    if not document:
        raise ConfigError(f"{where} contains no keys", hint=HOW)
    secrets, named = {}, {}
    for key_id, value in document.items():
        line = value if isinstance(value, dict) else {"secret": value}
        secret, account = line.get("secret"), line.get("account")
        if not _SIGNER.fullmatch(key_id):
            raise ConfigError(
                f"{where}: '{key_id}' cannot be an access key id",
                hint="use letters, digits and . _ + @ : -, at most 128; " + HOW,
            )
        if not isinstance(secret, str) or not secret or set(line) - {"secret", "account"}:
            raise ConfigError(f"{where}: the line of {key_id} is not a key", hint=HOW)
        secrets[key_id] = secret
        if account is not None:
            named[key_id] = _checked(account, key_id, where)
    return Keys(secrets, {key_id: _number(account, named) for key_id, account in named.items()})


def _checked(account: Any, key_id: str, where: str) -> str:
    if isinstance(account, str) and _KEY_ID.fullmatch(account):
        return account
    raise ConfigError(
        f"{where}: the account of {key_id} is invalid",
        hint='write its twelve digits in quotes, or the access key id that it belongs to, as in account = "LABKEYONE"',
    )


def _number(account: str, named: Mapping[str, str]) -> str:
    """Return the account number for ``account``: its digits, or a key id, whose own line may name another account."""
    seen: set[str] = set()
    while account in named and account not in seen:
        seen.add(account)
        account = named[account]
    return account if _DIGITS.fullmatch(account) else market_account(account)
