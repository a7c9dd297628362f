"""Show addresses of databases, markets and queues without the secrets in them."""

from __future__ import annotations

import re

MASK = "***"
SECRET_WORDS = ("pass", "pwd", "secret", "token", "api_key", "apikey", "access_key", "signature", "credential")
"""Parts of parameter names whose values are secrets."""
_PARAMETER = re.compile(rf"([?&;][^=&?#;]*(?:{'|'.join(SECRET_WORDS)})[^=&#;]*=)[^&#]*", re.IGNORECASE)
_LOGIN = re.compile(r"^([\w+.-]+://[^:/@]*|(?![\w+.-]+://)(?:[\w+.-]+:)?[^:/@]*):.*@", re.DOTALL)


def mask_url(address: str) -> str:
    """Return the address with its password and the secrets in its query masked; rather too much than too little."""
    return _LOGIN.sub(rf"\1:{MASK}@", _PARAMETER.sub(rf"\1{MASK}", address))


def is_secret_name(name: str) -> bool:
    """Return whether the value of a parameter of this name is a secret."""
    return any(word in name.lower() for word in SECRET_WORDS)
