"""Find experiments: ``[experiments.*]`` of the project file and every ``*/experiment.toml`` beside it.

Each ``[experiments.SLUG.variants.NAME]`` makes an experiment of its own, named ``SLUG:NAME``, with the keys of the
whole table except those that the variant replaces.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from turkctl.errors import ConfigError, MistakesError
from turkctl.mturk.requirements import own_names
from turkctl.operations.project.experiments import (
    NAME_MAY_CONTAIN,
    QUESTIONS,
    SLUG,
    VARIANT,
    ExperimentSettings,
    check_experiment,
)
from turkctl.operations.project.qualifications import read_qualifications
from turkctl.operations.project.questions import read_consent, read_question, version_of
from turkctl.operations.project.tables import LineOf
from turkctl.paths import is_file, is_folder
from turkctl.settings_file import read_toml
from turkctl.words import meant

EXPERIMENT_FILE = "experiment.toml"
VARIANTS = "variants"


@dataclass(frozen=True)
class Configured:
    """An experiment as described in its file, checked."""

    slug: str
    source: Path
    settings: ExperimentSettings
    template: str | None
    """Text of its HTML template or question file, if any."""
    locate: LineOf
    """Returns ``file:line`` of a key."""
    qualification_types: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    """The project's own qualification types that it requires, by name, as described in the project file."""
    consent_page: str | None = None
    """The text of its consent, if it has one."""

    @property
    def own_keys(self) -> tuple[str, ...]:
        """Return the keys that only turkctl's own market understands."""
        return self.settings.own_keys

    def stored(self) -> dict[str, Any]:
        """Return the data to store: the settings together with the template's text, so that a version is complete."""
        whole = {**self.settings.stored(), "template": self.template}
        if self.qualification_types:
            whole["qualification_types"] = dict(self.qualification_types)
        if self.consent_page is not None:
            whole |= {"consent_page": self.consent_page, "consent_version": version_of(self.consent_page)}
        return whole


@dataclass(frozen=True)
class ProjectFiles:
    """The experiments and qualifications that the files describe."""

    experiments: list[Configured]
    qualifications: Mapping[str, dict[str, Any]]
    """``[qualifications.*]`` of the project file, by name, as they are stored."""


@dataclass(frozen=True)
class _SettingsSource:
    slug: str
    table: Any
    path: Path
    locate: LineOf


def find(project_file: Path | None, folder: Path, paths: Iterable[Path] = ()) -> list[Configured]:
    """Return the experiments of :func:`read_project`."""
    return read_project(project_file, folder, paths).experiments


def read_project(project_file: Path | None, folder: Path, paths: Iterable[Path] = ()) -> ProjectFiles:
    """Return all experiments of the project, or only those of the given files and folders; checked, sorted by slug.

    Raises:
        ConfigError: a file cannot be read, or there is one mistake.
        MistakesError: there are several mistakes, such as unknown keys, a repeated name or a template without HTML.
    """
    mistakes: list[ConfigError] = []
    named = [_named(path) for path in paths]
    files = [project_file] if project_file else []
    files += sorted(folder.glob(f"*/{EXPERIMENT_FILE}"))
    described: dict[str, tuple[dict[str, Any], LineOf]] = {}
    if project_file is not None:
        document, text = read_toml(project_file)
        described = read_qualifications(document.get("qualifications", {}), project_file, text, mistakes)
    sources = [source for path in named or files for source in _read(path, mistakes)]
    types = {name: stored for name, (stored, _locate) in described.items()}
    checked = [_check(source, types, mistakes) for source in _distinct(sources, mistakes)]
    _same_names(described, mistakes)
    if len(mistakes) == 1:
        raise mistakes[0]
    if mistakes:
        raise MistakesError(mistakes)
    return ProjectFiles([each for each in checked if each is not None], types)


def _distinct(sources: list[_SettingsSource], mistakes: list[ConfigError]) -> list[_SettingsSource]:
    seen: dict[str, _SettingsSource] = {}
    for source in sources:
        if source.slug in seen:
            first = seen[source.slug].locate("")
            mistakes.append(
                ConfigError(
                    f"{source.locate('')}: experiment '{source.slug}' is already described at {first}",
                    hint="rename one of them",
                )
            )
        else:
            seen[source.slug] = source
    return [seen[slug] for slug in sorted(seen)]


def _same_names(described: Mapping[str, tuple[dict[str, Any], LineOf]], mistakes: list[ConfigError]) -> None:
    """Note qualifications with the same name on the market, where they would be one type."""
    first: dict[str, str] = {}
    for name, (stored, locate) in described.items():
        shown = stored.get("name", name)
        if shown in first:
            message = f"{locate('name')}: qualifications '{first[shown]}' and '{name}' have the same name, {shown!r}"
            mistakes.append(ConfigError(message, hint="give each its own name"))
        first.setdefault(shown, name)


def _named(path: Path) -> Path:
    file = path / EXPERIMENT_FILE if is_folder(path) else path
    if not is_file(file):
        raise ConfigError(f"there is no file {file}", hint=f"give a TOML file, or a folder with an {EXPERIMENT_FILE}")
    return file


def _read(path: Path, mistakes: list[ConfigError]) -> Iterator[_SettingsSource]:
    """Yield the experiments of one file: an experiment file is one, the project file has a table for each."""
    document, text = read_toml(path)
    if path.name == EXPERIMENT_FILE:
        yield from _variants(path.parent.resolve().name, document, path, text, "", mistakes)
        return
    for slug, table in document.get("experiments", {}).items():
        yield from _variants(slug, table, path, text, f"experiments.{slug}", mistakes)


def _variants(
    slug: str, table: Any, path: Path, text: str, prefix: str, mistakes: list[ConfigError]
) -> Iterator[_SettingsSource]:
    """Yield the experiment, or one for each of its variants."""
    locate = LineOf(path, text, prefix)
    variants = table.get(VARIANTS) if isinstance(table, dict) else None
    if variants is None:
        yield _SettingsSource(slug, table, path, locate)
        return
    if not isinstance(variants, dict) or not variants or not all(isinstance(own, dict) for own in variants.values()):
        message = f"{locate(VARIANTS)}: experiment '{slug}': 'variants' must have a table for each variant"
        head = f"{prefix}.{VARIANTS}".removeprefix(".")
        mistakes.append(ConfigError(message, hint=f"write [{head}.NAME] and below it the keys that differ"))
        return
    common = {key: value for key, value in table.items() if key != VARIANTS}
    for name, own in variants.items():
        where = LineOf(path, text, f"{prefix}.{VARIANTS}.{name}".removeprefix("."), otherwise=prefix)
        if not SLUG.fullmatch(name):
            message = f"{where('')}: '{name}' is not a valid name of a variant"
            mistakes.append(ConfigError(message, hint=NAME_MAY_CONTAIN))
            continue
        yield _SettingsSource(f"{slug}{VARIANT}{name}", _merged(common, own), path, where)


def _merged(common: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Return the common keys with the variant's in their place, tables merged key by key.

    If the variant has a question, the common question is left out, whatever its kind.
    """
    if any(key in own for key in QUESTIONS):
        common = {key: value for key, value in common.items() if key not in QUESTIONS}
    merged = {**common, **own}
    for key in ("limits", "qualifications"):
        if isinstance(common.get(key), dict) and isinstance(own.get(key), dict):
            merged[key] = {**common[key], **own[key]}
    return merged


def _check(
    source: _SettingsSource, types: Mapping[str, dict[str, Any]], mistakes: list[ConfigError]
) -> Configured | None:
    settings = check_experiment(source.slug, source.table, source.locate, mistakes)
    if settings is None:
        return None
    try:
        template = read_question(settings, source.path.parent, source.locate)
        page = read_consent(settings, source.path.parent, source.locate)
    except ConfigError as error:
        mistakes.append(error)
        return None
    asked = own_names(settings.qualifications)
    for name in sorted(asked - types.keys()):
        message = f"{source.locate('qualifications')}: experiment '{source.slug}': there is no qualification '{name}'"
        mistakes.append(
            ConfigError(
                message + meant(name, types),
                hint=f"describe it in turkctl.toml under [qualifications.{name}]",
            )
        )
    used = {name: types[name] for name in sorted(asked & types.keys())}
    return Configured(source.slug, source.path, settings, template, source.locate, used, page)
