"""Scripts and style sheets of other projects: unchanged, licensed, and loading nothing from elsewhere."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

import turkctl

VENDOR = Path(turkctl.__file__).parent / "web" / "static" / "vendor"
TABLE = VENDOR / "README.md"
_ROW = re.compile(
    r"^\| `(?P<name>[^`]+)` \| (?P<library>[^|]+) \| (?P<version>[\d.]+) \| \[[^]]+\]\((?P<licence>[^)]+)\) "
    r"\| (?P<project>https://[^ |]+) \| (?P<size>\d+) \| `(?P<digest>[0-9a-f]{64})` \|$",
    re.MULTILINE,
)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_NAMESPACE = re.compile(r"http://www\.w3\.org/\d{4}/\w+")
_ADDRESS = re.compile(r"""\b(?:https?|wss?)://|["'(]//[a-z0-9]""", re.IGNORECASE)
_LOADS = re.compile(r"@import|@font-face|sourceMappingURL|importScripts|\bimport\s*\(", re.IGNORECASE)
_URL = re.compile(r"""(?<!new )\burl\((?!\s*["']?data:image/)[^)]{0,60}""", re.IGNORECASE)


@dataclass(frozen=True)
class Vendored:
    """One row of the table."""

    name: str
    licence: str
    project: str
    size: int
    digest: str


def rows() -> list[Vendored]:
    """Read the table of the files."""
    found = _ROW.finditer(TABLE.read_text(encoding="utf-8"))
    return [Vendored(row["name"], row["licence"], row["project"], int(row["size"]), row["digest"]) for row in found]


def outside(text: str) -> list[str]:
    """List what in the text of a script or style sheet loads something that is not in the text."""
    code = _NAMESPACE.sub("", _COMMENT.sub("", text))
    return [found.group() for pattern in (_ADDRESS, _LOADS, _URL) for found in pattern.finditer(code)]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
def test_a_vendored_file_is_the_one_in_the_table(row: Vendored) -> None:
    content = (VENDOR / row.name).read_bytes()
    assert (len(content), hashlib.sha256(content).hexdigest()) == (row.size, row.digest)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
def test_a_vendored_file_has_its_licence_beside_it(row: Vendored) -> None:
    assert "THE SOFTWARE IS PROVIDED" in (VENDOR / row.licence).read_text(encoding="utf-8")


def test_the_table_lists_all_vendored_files_and_licences() -> None:
    listed = {TABLE.name} | {row.name for row in rows()} | {row.licence for row in rows()}
    assert {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*") if path.is_file()} == listed


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
def test_a_vendored_file_loads_nothing(row: Vendored) -> None:
    assert outside((VENDOR / row.name).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "text",
    [
        '@import "other.css";',
        "@font-face{font-family:x}",
        "p{background:url(//other.example/a.png)}",
        "p{background:url('a.png')}",
        'fetch("https://other.example")',
        'new WebSocket("wss://other.example")',
        'load("//other.example/x.js")',
        "//# sourceMappingURL=x.map",
        'import("./x.js")',
    ],
)
def test_what_a_file_loads_is_found(text: str) -> None:
    assert outside(text)


def test_a_picture_inside_a_style_sheet_is_no_load() -> None:
    text = """/* https://a.example */p{x:url("data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'")}"""
    assert outside(text) == []
