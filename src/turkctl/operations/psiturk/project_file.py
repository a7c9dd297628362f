"""Add psiTurk's settings to ``turkctl.toml``; keep what is there, comments included."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from turkctl.errors import ConfigError, UsageError
from turkctl.operations.project.experiments import SLUG, ExperimentSettings
from turkctl.operations.psiturk.config import Proposal, PsiturkConfig, propose
from turkctl.operations.psiturk.items import KEPT, SKIPPED, TAKEN, ImportItem
from turkctl.paths import is_file
from turkctl.settings_file import read_toml
from turkctl.settings_keys import KEYS_BY_NAME

_TITLE = "# turkctl's project file, from psiTurk's {name}. Where each value comes from: turkctl config show\n"
_UNNAMED = "# turkctl's project file for psiTurk's database. Where each value comes from: turkctl config show\n"
_EXAMPLES = {
    "title": "Name the colour of a word",
    "description": "A ten-minute reading task.",
    "reward": "0.50",
    "code_version": "1.0",
    "external_url": "https://lab.example.org/pub",
}
"""Example values for keys that psiTurk's file lacks, used while the others are checked."""


@dataclass(frozen=True)
class ProjectChange:
    """The planned project file.

    Attributes:
        path: where it is, or will be.
        slug: the experiment's name.
        text: the whole file; None if nothing changes.
        new: whether the file does not exist yet.
        document: ``text``, parsed.
        added: the top-level keys that are added, with their values.
        items: the outcome of each setting.
    """

    path: Path
    slug: str
    text: str | None
    new: bool
    document: dict[str, Any]
    added: dict[str, Any]
    items: tuple[ImportItem, ...]


def plan_project(
    config: PsiturkConfig, path: Path, *, slug: str | None, extra: Sequence[Proposal] = ()
) -> ProjectChange:
    """Return what psiTurk's file would add to the project file; write nothing.

    Args:
        config: psiTurk's file.
        path: the project file, which need not exist.
        slug: the experiment's name; None makes one from the title.
        extra: values that psiTurk's file lacks and its database has.

    Raises:
        UsageError: the slug is not a valid experiment name.
        ConfigError: the project file cannot be read.
    """
    import tomlkit

    name = _slug(config, slug)
    proposals, items = propose(config, path.parent)
    given = {each.to for each in proposals}
    proposals += [each for each in extra if each.to not in given]
    valid, refused = _checked([each for each in proposals if each.experiment])
    new = not is_file(path)
    if not new:
        read_toml(path)
    title = _TITLE.format(name=config.path.name) if config.given else _UNNAMED
    before = title if new else path.read_bytes().decode()
    document = tomlkit.parse(before)
    added: dict[str, Any] = {}
    for proposal in (*(each for each in proposals if not each.experiment), *valid):
        items.append(_add(document, name, proposal, added))
    items += [_named(item, name) for item in refused]
    after = tomlkit.dumps(document)
    parsed = tomllib.loads(after)
    items += _missing(parsed, name)
    ordered = sorted((_named(item, name) for item in items), key=lambda item: item.status == SKIPPED)
    return ProjectChange(path, name, after if after != before or new else None, new, parsed, added, tuple(ordered))


def lacks(config: PsiturkConfig, path: Path, slug: str | None, key: str) -> bool:
    """Return whether neither psiTurk's file nor the project file has this key of the experiment.

    Raises:
        UsageError, ConfigError: see :func:`plan_project`.
    """
    document = read_toml(path)[0] if is_file(path) else {}
    table = document.get("experiments", {}).get(_slug(config, slug), {})
    return config.get(key) is None and key not in table


def _named(item: ImportItem, slug: str) -> ImportItem:
    """Return the item with the experiment's name in its key."""
    to = None if item.to is None else item.to.replace("experiments.*", f"experiments.{slug}")
    return ImportItem(item.what, item.source, to, item.status, item.detail)


def _slug(config: PsiturkConfig, wanted: str | None) -> str:
    if wanted is not None:
        if not SLUG.fullmatch(wanted):
            raise UsageError(
                f"'{wanted}' cannot name an experiment", hint="use small letters, digits, - and _, at most 63"
            )
        return wanted
    for text in (config.values.get("title", ""), config.path.parent.resolve().name):
        made = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63].strip("-")
        if SLUG.fullmatch(made):
            return made
    return "psiturk"


def _checked(proposals: Sequence[Proposal]) -> tuple[list[Proposal], list[ImportItem]]:
    """Return the valid proposals, and the invalid ones with the reason."""
    good, bad = [], []
    for each in proposals:
        reason = _refusal(each)
        if reason is None:
            good.append(each)
        else:
            bad.append(ImportItem("setting", each.source, f"experiments.*.{each.to}", SKIPPED, reason))
    return good, bad


def _refusal(proposal: Proposal) -> str | None:
    """Return why a value is invalid for an experiment; None if it is valid."""
    head, _, leaf = proposal.to.partition(".")
    value = {leaf: proposal.value} if leaf else proposal.value
    try:
        ExperimentSettings.model_validate({**_EXAMPLES, head: value})
    except ValidationError as error:
        return str(error.errors()[0]["msg"]).removeprefix("Value error, ")
    return None


def _add(document: Any, slug: str, proposal: Proposal, added: dict[str, Any]) -> ImportItem:
    """Add one value unless its key is already set."""
    to = f"experiments.{slug}.{proposal.to}" if proposal.experiment else proposal.to
    table, leaf = _table_for(document, to)
    if leaf in table:
        same = _unwrapped(table[leaf]) == proposal.value
        detail = "the same" if same else f"kept yours, {_unwrapped(table[leaf])!r}; psiTurk has {proposal.value!r}"
        return ImportItem("setting", proposal.source, to, KEPT, detail)
    try:
        if not proposal.experiment:
            KEYS_BY_NAME[to].parse(proposal.value, where=to)
            added[to] = proposal.value
    except ConfigError as error:
        return ImportItem("setting", proposal.source, to, SKIPPED, error.message)
    table[leaf] = proposal.value
    shown = proposal.value if isinstance(proposal.value, str) else json.dumps(proposal.value, ensure_ascii=False)
    return ImportItem(
        "setting", proposal.source, to, TAKEN, shown if proposal.note is None else f"{shown}; {proposal.note}"
    )


def _unwrapped(value: Any) -> Any:
    return value.unwrap() if hasattr(value, "unwrap") else value


def _table_for(document: Any, dotted: str) -> tuple[Any, str]:
    """Return the table that a dotted key belongs in; add it if it is missing."""
    import tomlkit

    *tables, leaf = dotted.split(".")
    found = document
    for depth, name in enumerate(tables):
        if name not in found:
            short = tables[0] == "experiments" and depth == 2  # qualifications = { … }
            made: Any = tomlkit.inline_table() if short else tomlkit.table(is_super_table=depth == 0)
            found[name] = made
        found = found[name]
    return found, leaf


def _missing(document: dict[str, Any], slug: str) -> list[ImportItem]:
    """Return an item for each setting that the experiment still needs."""
    table = document.get("experiments", {}).get(slug, {})
    needed = [name for name in ("code_version", "title", "description", "reward") if name not in table]
    if "external_url" not in table and "html_template" not in table:
        needed.append("external_url")
    where = f"missing from psiTurk's settings: add it under [experiments.{slug}], as in"
    return [
        ImportItem("setting", None, f"experiments.{slug}.{name}", SKIPPED, f'{where} {name} = "{_EXAMPLES[name]}"')
        for name in needed
    ]
