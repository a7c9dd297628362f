"""The settings of an experiment are validated once for each version, and nobody changes what was validated."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from turkctl.operations.experiments import stored
from turkctl.operations.project.experiments import ExperimentSettings

Run = Callable[..., Any]

FULL = """
[experiments.full]
code_version = "1"
title = "Colours"
description = "d"
keywords = ["a", "b"]
reward = "0.10"
external_url = "https://example.org/?colour=${colour}"
qualifications = { locale = ["US", "CA"], percent_approved = 95, hits_approved = 9 }
answer_field = "colour"
limits = { max_active_hits = 1000, budget = "1000.00" }

[experiments.full.labels]
classes = ["red", "blue"]
skip = ["unsure"]
"""


@pytest.fixture
def validated(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ExperimentSettings]]:
    """Every table of an experiment that is validated from now on, as it was then, and what was made of it."""
    seen: list[tuple[object, ExperimentSettings]] = []
    validate = ExperimentSettings.model_validate

    def counting(table: object, **options: Any) -> ExperimentSettings:
        before = copy.deepcopy(table)
        seen.append((before, validate(table, **options)))
        return seen[-1][1]

    stored._validated.cache_clear()
    monkeypatch.setattr(ExperimentSettings, "model_validate", counting)
    return seen


@pytest.mark.parametrize("argv", [("--dry-run",), ()])
def test_fifty_hits_need_one_look_at_the_settings(
    configured: Path, turkctl: Run, validated: list[tuple[object, ExperimentSettings]], argv: tuple[str, ...]
) -> None:
    finished = turkctl("hits", "create", "--assignments", "9", "--hits", "50", "--json", "-q", *argv)
    assert finished.code == 0, finished.err
    assert json.loads(finished.out)["matched"] == 50
    assert len(validated) == 1


def test_another_version_is_validated_by_itself(
    configured: Path, turkctl: Run, validated: list[tuple[object, ExperimentSettings]]
) -> None:
    assert turkctl("hits", "create", "--assignments", "1", "-q").code == 0
    path = configured / "turkctl.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('reward = "0.50"', 'reward = "0.75"'), encoding="utf-8")
    assert turkctl("experiments", "configure").code == 0
    finished = turkctl("hits", "create", "--assignments", "1", "-q", "--json")
    assert json.loads(finished.out)["results"][0]["detail"] == "1 assignment at $0.75"


def test_nobody_changes_the_settings_that_all_share(
    configured: Path, turkctl: Run, validated: list[tuple[object, ExperimentSettings]]
) -> None:
    with (configured / "turkctl.toml").open("a", encoding="utf-8") as file:
        file.write(FULL)
    (configured / "items.csv").write_text("key,colour\n1,red\n2,blue\n", encoding="utf-8")
    for argv in (
        ("experiments", "configure"),
        ("experiments", "show", "full"),
        ("experiments", "preview", "full", "--file", "page.html"),
        ("content", "add", "items.csv", "--experiment", "full"),
        ("content", "dispatch", "--experiment", "full"),
        ("hits", "create", "--experiment", "stroop", "--assignments", "1"),
        ("campaigns", "create", "--experiment", "stroop", "--goal", "3"),
        ("campaigns", "run", "1"),
    ):
        finished = turkctl(*argv, "-q")
        assert finished.code == 0, (argv, finished.err)
    assert len(validated) >= 2
    for table, made in list(validated):
        assert made == ExperimentSettings.model_validate(table)


def test_only_so_many_versions_are_kept() -> None:
    assert stored._validated.cache_info().maxsize == stored.VERSIONS_KEPT
