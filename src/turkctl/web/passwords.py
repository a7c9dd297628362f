"""Hash passwords, and compare what somebody typed with a hash.

The algorithm is Argon2id, with the memory that OWASP's Password Storage Cheat Sheet names and one pass more: about
60 ms and 19 MiB for each try, so that several people can sign in at once on a small server. A hash names its own
parameters; hashes that other programs made with other ones work as well.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from turkctl.errors import UsageError
from turkctl.ids import is_text

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST = 8
"""Characters that a new password has at least."""
LONGEST = 1024
"""Characters that a password has at most: hashing takes time for each."""
_PASSES, _KIBIBYTES, _LANES = 3, 19456, 1
_DUMMY = "$argon2id$v=19$m=19456,t=3,p=1$Fhif+/bOnH6A8RHP+KcbZQ$2aQ6O24cFUk0jKPkZULhLXawc01CWVltlNcYas72xwI"
"""A hash with our parameters and of no password: it is made of random bytes."""
_LEAST_SALT, _LEAST_HASH = 8, 16
"""Bytes below which a hash is a cut one."""


def hash_password(password: str) -> str:
    """Return the Argon2id hash of a new password, as a text that a settings file can hold.

    A plain password from the settings is hashed once at start too, so that it is compared in the same way as others.

    Raises:
        UsageError: it is too short, too long or no text; or the extra ``web`` is not installed.
    """
    hasher = _hasher()
    if len(password) < SHORTEST:
        raise UsageError(f"the password has fewer than {SHORTEST} characters", hint="choose a longer one")
    if len(password) > LONGEST:
        raise UsageError(f"the password has more than {LONGEST:,} characters", hint="choose a shorter one")
    if not is_text(password):
        raise UsageError("the password is not text", hint="type it in UTF-8")
    return hasher.hash(_bytes(password))


def matches(hashed: str | None, password: str) -> bool:
    """Return whether a password is that of a hash; False for a hash that is malformed.

    Without a hash it takes the same time and the result is False, so that nobody learns which names exist.

    Raises:
        UsageError: the extra ``web`` is not installed.
    """
    within = len(password) <= LONGEST
    typed = _bytes(password[:LONGEST])
    found = _verified(hashed or _DUMMY, typed)
    if found is None:  # malformed, which may have taken no time
        _verified(_DUMMY, typed)
    return found is True and hashed is not None and within


def is_hash(text: str) -> bool:
    """Return whether a text is an Argon2 hash that is whole and that this machine can compute; it takes one try.

    Raises:
        UsageError: the extra ``web`` is not installed.
    """
    if _verified(text, b"") is None:
        return False
    from argon2 import extract_parameters

    found = extract_parameters(text)
    return found.salt_len >= _LEAST_SALT and found.hash_len >= _LEAST_HASH


def require_extra() -> None:
    """Raise UsageError if the extra ``web`` is not installed, so that nobody types a password in vain."""
    _hasher()


def _hasher() -> PasswordHasher:
    try:
        from argon2 import PasswordHasher
    except ImportError:
        raise UsageError(
            "passwords need argon2-cffi, which is not installed", hint="run: pip install 'turkctl[web]'"
        ) from None
    return PasswordHasher(time_cost=_PASSES, memory_cost=_KIBIBYTES, parallelism=_LANES)


def _verified(hashed: str, password: bytes) -> bool | None:
    """Return whether a hash is that of a password; None if it is malformed."""
    hasher = _hasher()
    from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

    try:
        return hasher.verify(hashed, password)
    except VerifyMismatchError:
        return False
    except (InvalidHashError, VerificationError, UnicodeError, ValueError):
        return None


def _bytes(password: str) -> bytes:
    """Return the password's bytes, the same for all ways in which keyboards compose a letter."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
