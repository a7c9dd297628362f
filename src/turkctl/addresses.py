"""Addresses as they may be shown: of databases, markets and queues, without the secrets in them."""

from __future__ import annotations

import re

MASK = "***"
SECRET_WORDS = ("pass", "pwd", "secret", "token", "api_key", "apikey", "access_key", "signature", "credential")
"""What the name of a parameter contains whose value is a secret."""
_PARAMETER = re.compile(rf"([?&;][^=&?#;]*(?:{'|'.join(SECRET_WORDS)})[^=&#;]*=)[^&#]*", re.IGNORECASE)
_LOGIN = re.compile(r"^([\w+.-]+://[^:/@]*|(?![\w+.-]+://)(?:[\w+.-]+:)?[^:/@]*):.*@", re.DOTALL)


def mask_url(address: str) -> str:
    """Return the address with stars for its password and for the secrets in its query; rather more than too little."""
    return _LOGIN.sub(rf"\1:{MASK}@", _PARAMETER.sub(rf"\1{MASK}", address))


def is_secret_name(name: str) -> bool:
    """Return whether the value of a parameter of this name is a secret."""
    return any(word in name.lower() for word in SECRET_WORDS)
