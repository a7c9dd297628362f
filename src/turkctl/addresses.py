"""Show addresses of databases, markets and queues without the secrets in them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote

MASK = "***"
SECRET_WORDS = ("pass", "pwd", "secret", "token", "api_key", "apikey", "access_key", "signature", "credential")
"""Parts of parameter names whose values are secrets."""
SHORTEST_SECRET = 4
"""Minimum length of a secret that is searched for in texts; a shorter one would match parts of ordinary words."""
_SECRET_NAME = rf"[?&;][^=&?#;\s]*(?:{'|'.join(SECRET_WORDS)})[^=&#;\s]*="
_PARAMETER_WITHIN = re.compile(rf"({_SECRET_NAME})[^&#\s'\"]*", re.IGNORECASE)
_VALUE = re.compile(rf"{_SECRET_NAME}([^&#]*)", re.IGNORECASE)
_LOGIN_WITHIN = re.compile(r"([\w+.-]+://[^:/@\s]*):\S*@")
_TOKEN_WITHIN = re.compile(r"(https?://)[^:/@\s'\"]+@")
"""Matches a user name without a password in a web address, as tokens are written."""
_PARAMETER = re.compile(rf"([?&;][^=&?#;]*(?:{'|'.join(SECRET_WORDS)})[^=&#;]*=)[^&#]*", re.IGNORECASE)
_LOGIN = re.compile(r"^([\w+.-]+://[^:/@]*|(?![\w+.-]+://)(?:[\w+.-]+:)?[^:/@]*):(?P<login>.*)@", re.DOTALL)


def mask_url(address: str) -> str:
    """Return the address with its password and the secrets in its query masked; in doubt it masks too much."""
    return _LOGIN.sub(rf"\1:{MASK}@", _PARAMETER.sub(rf"\1{MASK}", address))


def mask_text(text: str, secrets: Iterable[str] = ()) -> str:
    """Return a text with stars for the secrets in its addresses, and for the given ones wherever they occur."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    text = _TOKEN_WITHIN.sub(rf"\1{MASK}@", text)
    text = _LOGIN_WITHIN.sub(rf"\1:{MASK}@", text)
    return _PARAMETER_WITHIN.sub(rf"\1{MASK}", text)


def secrets_in(address: str) -> set[str]:
    """Return the secrets in an address, both as written and decoded; without those too short to search for."""
    found = [match["login"] for match in [_LOGIN.match(address)] if match] + _VALUE.findall(address)
    return {each for secret in found for each in (secret, unquote(secret)) if len(each) >= SHORTEST_SECRET}


def is_secret_name(name: str) -> bool:
    """Return whether the value of a parameter of this name is a secret."""
    return any(word in name.lower() for word in SECRET_WORDS)
