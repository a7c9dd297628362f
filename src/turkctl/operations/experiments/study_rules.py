"""Say who an experiment is for: its audience, the experiments that it must not come after, its consent.

These rules travel as qualification requirements of its HITs, of which a HIT has at most ten.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from turkctl.errors import ConfigError
from turkctl.mturk.requirements import MAX_REQUIREMENTS, to_api
from turkctl.operations.experiments.stored import settings_of
from turkctl.operations.project.experiments import VARIANT
from turkctl.operations.project.files import Configured
from turkctl.store import experiments
from turkctl.store.experiments import Version
from turkctl.words import counted, meant


def expand(names: Sequence[str], own: str, slugs: Collection[str]) -> list[str]:
    """Return the slugs that the names of ``not_after`` mean: a name stands for all of its variants.

    The experiment itself is left out: HITs of its own are another matter.
    """
    found = [slug for name in names for slug in sorted(slugs) if slug == name or slug.startswith(f"{name}{VARIANT}")]
    return [slug for slug in dict.fromkeys(found) if slug != own]


def not_after(session: Session, version: Version) -> list[Version]:
    """Return the experiments whose participants this one keeps out, whether they are still in a file or not."""
    names = settings_of(version).not_after
    if not names:
        return []
    known = {each.slug: each for each in experiments.list_all(session)}
    return [known[slug] for slug in expand(names, version.slug, known)]


def named_slugs(session: Session) -> frozenset[str]:
    """Return the experiments whose participants an active experiment keeps out."""
    return frozenset(slug for named in _naming(session).values() for slug in named)


def naming(session: Session, slug: str) -> list[str]:
    """Return the active experiments that keep out the participants of this one."""
    return sorted(other for other, named in _naming(session).items() if slug in named)


def _naming(session: Session) -> dict[str, list[str]]:
    """Return the active experiments that have ``not_after``, each with those that it means."""
    every = experiments.list_all(session)
    slugs = [each.slug for each in every]
    # Most experiments have no such key: their settings need no look.
    having = [each for each in every if each.active and each.settings.get("not_after")]
    return {each.slug: expand(settings_of(each).not_after, each.slug, slugs) for each in having}


def count_rules(session: Session, version: Version) -> int:
    """Return how many requirements the rules of an experiment take."""
    return len(settings_of(version).own_keys) + len(not_after(session, version))


@dataclass(frozen=True)
class RulesMistake:
    """What is wrong with the rules of an experiment, as its file describes them."""

    slug: str
    where: str
    message: str
    fix: str

    def as_error(self) -> ConfigError:
        """Return the error to raise."""
        return ConfigError(f"{self.where}: experiment '{self.slug}': {self.message}", hint=self.fix)


def mistakes(configured: Sequence[Configured], others: Collection[str]) -> list[RulesMistake]:
    """Return what is wrong with the rules of these experiments: unknown names, or too many requirements.

    Args:
        configured: what files describe.
        others: slugs of experiments that other files describe, or that are stored already.
    """
    slugs = {*others, *(each.slug for each in configured)}
    return [mistake for each in configured for mistake in (*_wrong_names(each, slugs), *_too_many(each, slugs))]


def _wrong_names(each: Configured, slugs: Collection[str]) -> Iterator[RulesMistake]:
    for name in each.settings.not_after:
        if not any(slug == name or slug.startswith(f"{name}{VARIANT}") for slug in slugs):
            words = f"there is no experiment '{name}'{meant(name, slugs)}"
            fix = "name experiments of this project, as turkctl experiments list shows them"
            yield RulesMistake(each.slug, each.locate("not_after"), words, fix)
        elif name == each.slug:
            fix = "remove it: campaigns and workers exclude keep people from taking part twice"
            yield RulesMistake(each.slug, each.locate("not_after"), "it names itself in not_after", fix)


def _too_many(each: Configured, slugs: Collection[str]) -> Iterator[RulesMistake]:
    settings = each.settings
    rules = {
        "audience": int(bool(settings.audience)),
        "not_after": len(expand(settings.not_after, each.slug, slugs)),
        "consent": int(settings.consent is not None),
    }
    if not any(rules.values()):
        return
    parts = {"qualifications": len(to_api(settings.qualifications, "production")), **rules}
    total = sum(parts.values()) + 1
    if total > MAX_REQUIREMENTS:
        told = ", ".join(f"{number} of {name}" for name, number in parts.items() if number)
        words = (
            f"it needs {counted(total, 'qualification requirement')}: {told}, and 1 for those who took part;"
            f" a HIT can have at most {MAX_REQUIREMENTS}"
        )
        yield RulesMistake(each.slug, each.locate("qualifications"), words, "remove some of them")
