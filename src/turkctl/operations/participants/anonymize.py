"""Replace the ids of people and their work by pseudonyms: the same for the same key, so that exports can be joined.

A pseudonym is a letter and the first 16 hexadecimal digits of HMAC-SHA256 (RFC 2104) of the id: without the key nobody
can test guessed ids, which a plain hash would allow.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from turkctl import outputs
from turkctl.errors import UsageError
from turkctl.paths import exists, is_file

DIGITS = 16
KEY_BYTES = 32
SHORTEST_KEY = 16
_LONG = 5
"""An id of at least this many characters is replaced anywhere; a shorter one only where it is a whole word."""
_SHAPE = r"(?<![A-Za-z0-9])(?:3[A-Z0-9]{29}|A(?=[A-Z]*[0-9])[A-Z0-9]{11,14})(?![A-Za-z0-9])"
"""Pattern of any id of Mechanical Turk: HITs, assignments and workers."""
_SHAPED = re.compile(_SHAPE)
_SHORTEST_SHAPE = 12


@dataclass(frozen=True)
class PseudonymKey:
    """The key of pseudonyms, and facts on its file."""

    file: Path
    secret: bytes
    created: bool
    exposed: bool
    """Whether users other than its owner may read the file."""


def load_key(file: Path) -> PseudonymKey:
    """Return the key in the file; create the file, readable by its owner only, if it is missing.

    Raises:
        UsageError: the file cannot be read or created, or is too short for a key.
    """
    try:
        return _read_key(file)
    except FileNotFoundError:
        return _make_key(file)
    except OSError as error:
        raise UsageError(f"cannot read the key file {file}: {error.strerror}", hint="name another file") from None


def _read_key(file: Path) -> PseudonymKey:
    if exists(file) and not is_file(file):
        raise UsageError(
            f"the key file {file} is not a file", hint="name a file that does not exist yet; it will be created"
        )
    with file.open("rb") as opened:
        secret = opened.read(1 << 16).strip()
    if secret.startswith(b"SQLite format 3") or file.suffix == ".toml":
        raise UsageError(
            f"{file} is a database or a settings file, not a key",
            hint="name a file that does not exist yet; it will be created",
        )
    if len(secret) < SHORTEST_KEY:
        raise UsageError(
            f"the key file {file} holds {len(secret)} bytes, too few for a key",
            hint=f"put {SHORTEST_KEY} random characters into it, or name a file that does not exist yet",
        )
    return PseudonymKey(file, secret, created=False, exposed=outputs.readable_by_others(file))


def _make_key(file: Path) -> PseudonymKey:
    secret = secrets.token_hex(KEY_BYTES).encode()
    try:
        outputs.create(file, secret + b"\n", private=True)
    except FileExistsError:  # another program has created it in the meantime
        return _read_key(file)
    except OSError as error:
        raise UsageError(f"cannot create the key file {file}: {error.strerror}", hint="name another file") from None
    return PseudonymKey(file, secret, created=True, exposed=False)


class Pseudonyms:
    """Makes pseudonyms with one key."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def of(self, letter: str, identity: str) -> str:
        """Return the pseudonym of an id; its digits do not depend on the letter."""
        digest = hmac.digest(self._secret, identity.encode("utf-8", "surrogatepass"), "sha256")
        return letter + digest.hex()[:DIGITS]

    def participant(self, keys: Mapping[str, Any], ip_address: str | None) -> Participant:
        """Return the pseudonyms of one participant's ids, by our names of the columns.

        A ``uniqueid`` of the form worker:assignment keeps that form.
        """
        letters = {"worker_id": "W", "assignment_id": "A", "hit_id": "H"}
        names = {keys[name]: self.of(letter, keys[name]) for name, letter in letters.items() if keys[name]}
        uniqueid = keys["uniqueid"]
        if uniqueid == f"{keys['worker_id']}:{keys['assignment_id']}":
            names[uniqueid] = ":".join(names.get(keys[name], "") for name in ("worker_id", "assignment_id"))
        else:
            names.setdefault(uniqueid, self.of("U", uniqueid))
        if ip_address:
            names.setdefault(ip_address, self.of("I", ip_address))
        return Participant(self, names)


class Participant:
    """Replaces one participant's ids in recorded data, and anything else that looks like an id of MTurk.

    The participant's own ids, unless they are short, are found in any case: experiments write them in either.
    """

    def __init__(self, pseudonyms: Pseudonyms, names: Mapping[str, str]) -> None:
        self.names = names
        self._pseudonyms = pseudonyms
        self._ids = [identity for identity in names if identity]
        self._small = {identity.lower(): names[identity] for identity in self._ids}
        self._shortest = min((*map(len, self._ids), _SHORTEST_SHAPE))
        self._numbers = {identity for identity in self._ids if identity.isdecimal() and len(identity) >= _LONG}
        self._pattern: re.Pattern[str] | None = None

    def clean(self, value: Any) -> Any:
        """Return the value with pseudonyms in all its texts, field names included."""
        kind = type(value)
        if kind is str:
            return self._clean_text(value) if len(value) >= self._shortest else value
        if kind is dict:
            return {self.clean(name): self.clean(inner) for name, inner in value.items()}
        if kind is list:
            return [self.clean(inner) for inner in value]
        if self._numbers and kind in (int, float):
            return self.names.get(format(value, ".0f") if value == int(value) else "", value)
        return value

    def _clean_text(self, text: str) -> str:
        small = text.lower()
        for identity in self._small:
            if identity in small:
                break
        else:
            if len(text) < _SHORTEST_SHAPE or not _SHAPED.search(text):
                return text
        if self._pattern is None:
            self._pattern = self._made_pattern()
        return self._pattern.sub(self._pseudonym, text)

    def _made_pattern(self) -> re.Pattern[str]:
        """Return the pattern of the ids, longest first: a uniqueid contains a worker's id."""
        words = [
            f"(?i:{re.escape(each)})" if len(each) >= _LONG else rf"(?<![^\W_]){re.escape(each)}(?![^\W_])"
            for each in sorted(self._ids, key=len, reverse=True)
        ]
        return re.compile("|".join((*words, _SHAPE)))

    def _pseudonym(self, match: re.Match[str]) -> str:
        found = match[0]
        known = self.names.get(found) or self._small.get(found.lower())
        return known or self._pseudonyms.of("W" if found[0] == "A" else "A", found)
