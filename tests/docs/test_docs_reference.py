"""The reference pages are what the code says."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from docs_support import ROOT


def load_generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_docs", ROOT / "scripts" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATE = load_generator()


@pytest.mark.parametrize("page", GENERATE.PAGES)
def test_the_reference_page_is_current(page: str):
    text = (ROOT / "docs" / "reference" / page).read_text(encoding="utf-8")
    assert text == GENERATE.PAGES[page](), "run: python scripts/generate.py --update"


def test_the_generator_finds_a_stale_page_and_updates_it_only_when_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(GENERATE, "REFERENCE", tmp_path)
    monkeypatch.setattr(GENERATE, "PAGES", {"errors.md": GENERATE.errors_page})
    (tmp_path / "errors.md").write_text("old")
    assert GENERATE.main([]) == 1
    assert "python scripts/generate.py --update" in capsys.readouterr().err
    assert (tmp_path / "errors.md").read_text() == "old"
    assert GENERATE.main(["--update"]) == 0
    assert GENERATE.main([]) == 0


def test_the_reference_does_not_depend_on_the_terminal(monkeypatch: pytest.MonkeyPatch):
    wide = GENERATE.cli_page()
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(sys, "argv", ["something-else"])
    assert GENERATE.cli_page() == wide
