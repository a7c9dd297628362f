"""What the settings say of the worker site reaches it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from turkctl.context import Context
from turkctl.errors import ConfigError
from turkctl.market.site.app import SiteOptions
from turkctl.settings import load


def options(folder: Path, settings: str) -> SiteOptions:
    """The options of the site that ``market serve`` makes in a folder with these settings."""
    (folder / "turkctl.toml").write_text(settings)
    world = Context(load({}, {}, folder))
    try:
        return world._site_options(False, None, None, public=False)
    finally:
        world.close()


def test_terms_and_the_time_for_corrections(tmp_path: Path) -> None:
    (tmp_path / "terms.html").write_text("<p>Be kind.</p>")
    (tmp_path / "terms.txt").write_text("Be <kind>.")
    found = options(tmp_path, '[market.site]\nconsent = "terms.html"\ncorrect = "10m"\n')
    assert found.correct == timedelta(minutes=10)
    assert found.terms is not None
    assert found.terms.page == "<p>Be kind.</p>"
    plain = options(tmp_path, '[market.site]\nconsent = "terms.txt"\n')
    assert plain.terms is not None
    assert "Be &lt;kind&gt;." in plain.terms.page
    assert (plain.correct, plain.terms.version == found.terms.version) == (timedelta(), False)


@pytest.mark.parametrize("content", [None, b"  \n", b"\xff\xfe"])
def test_terms_that_cannot_be_read_stop_the_server(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "terms.html").write_bytes(content)
    with pytest.raises(ConfigError, match=r"market\.site\.consent"):
        options(tmp_path, '[market.site]\nconsent = "terms.html"\n')
