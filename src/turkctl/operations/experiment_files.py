"""Finding experiments: ``[experiments.*]`` of the project file and every ``*/experiment.toml`` beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from turkctl.errors import ConfigError
from turkctl.operations.experiment_settings import ExperimentSettings, LineOf, parse_experiment
from turkctl.settings_file import read_toml

EXPERIMENT_FILE = "experiment.toml"
TEMPLATE_LIMIT = 60_000
"""Bytes of a template: the market takes 65,535 for the whole question."""


@dataclass(frozen=True)
class Configured:
    """One experiment as its file has it, checked."""

    slug: str
    source: Path
    settings: ExperimentSettings
    template: str | None
    """The text of its HTML template."""

    def stored(self) -> dict[str, Any]:
        """What the store keeps: the settings with the template's text in them, so that a version is whole."""
        return {**self.settings.stored(), "template": self.template}


@dataclass(frozen=True)
class _Source:
    slug: str
    table: dict[str, Any]
    path: Path
    locate: LineOf


def find(project_file: Path | None, folder: Path, paths: Iterable[Path] = ()) -> list[Configured]:
    """All experiments of the project, or only those of the given files and folders; checked, by slug.

    Raises:
        ConfigError: a file that cannot be read, a key that does not belong, two experiments of one name.
    """
    named = [_named(path) for path in paths]
    if named:
        sources = [source for path in named for source in _read(path)]
    else:
        files = [project_file] if project_file else []
        files += sorted(folder.glob(f"*/{EXPERIMENT_FILE}"))
        sources = [source for path in files for source in _read(path)]
    seen: dict[str, _Source] = {}
    for source in sources:
        if source.slug in seen:
            first = seen[source.slug].locate("")
            raise ConfigError(
                f"{source.locate('')}: experiment '{source.slug}' is there twice, first at {first}",
                hint="rename one of them",
            )
        seen[source.slug] = source
    return [_check(seen[slug]) for slug in sorted(seen)]


def _named(path: Path) -> Path:
    file = path / EXPERIMENT_FILE if path.is_dir() else path
    if not file.is_file():
        raise ConfigError(f"there is no {file}", hint=f"name a TOML file, or a folder with an {EXPERIMENT_FILE}")
    return file


def _read(path: Path) -> Iterator[_Source]:
    """The experiments of one file: a whole file is one, the project file has tables of them."""
    document, text = read_toml(path)
    if path.name == EXPERIMENT_FILE:
        yield _Source(path.parent.resolve().name, document, path, LineOf(path, text, ""))
        return
    tables = document.get("experiments", {})
    for slug, table in tables.items():
        yield _Source(slug, table, path, LineOf(path, text, f"experiments.{slug}"))


def _check(source: _Source) -> Configured:
    settings = parse_experiment(source.slug, source.table, source.locate)
    template = None
    if settings.html_template is not None:
        template = _template(source.path.parent / settings.html_template, source.locate("html_template"))
    return Configured(source.slug, source.path, settings, template)


def _template(path: Path, where: str) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigError(f"{where}: {path} is not a UTF-8 text", hint="save it as UTF-8") from None
    except OSError as error:
        raise ConfigError(
            f"{where}: cannot read {path}: {error.strerror}", hint="paths start at the file that names them"
        ) from None
    if len(text.encode()) > TEMPLATE_LIMIT:
        raise ConfigError(
            f"{where}: {path} is longer than {TEMPLATE_LIMIT:,} bytes", hint="load scripts and pictures from an address"
        )
    return text
