"""Put pseudonyms into a report in place of the ids of people and their work: those of ``participants export``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from turkctl.operations.participants.anonymize import Participant, PseudonymKey, Pseudonyms

LETTERS = {"worker_id": "W", "assignment_id": "A", "hit_id": "H"}


def anonymized(report: Mapping[str, Any], key: PseudonymKey) -> dict[str, Any]:
    """Return the report with pseudonyms, also where a reason names somebody."""
    pseudonyms = Pseudonyms(key.secret)
    names = {identity: pseudonyms.of(letter, identity) for identity, letter in _ids(report["exclusions"])}
    cleaned: dict[str, Any] = Participant(pseudonyms, names).clean(dict(report))
    return cleaned


def _ids(exclusions: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the ids in the lists of exclusions, each with the letter of its kind."""
    for rows in exclusions.values():
        for row in rows if isinstance(rows, list) else ():
            yield from ((row[name], letter) for name, letter in LETTERS.items() if row.get(name))
