"""Reading the guide: its pages, their links, and the blocks that show the program at work.

A block marked ``console`` is run: lines that begin with ``$ `` are commands, what follows is their output; a command
without any has only to succeed. A block marked ``toml``, ``html``, ``csv`` or ``python`` is written to the file that
the comment before it names (``<!-- file: turkctl.toml -->``); ``python`` without one is executed, its tests too. A
page's blocks run in order, in one new folder. Blocks marked ``sh`` are not run, because they need a server, a terminal
or time; their commands and flags are checked against the program.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from command_tree import load as load  # for the tests here

from turkctl.cli.root import make_root
from turkctl.cli.top import ALIASES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"

_FENCE = re.compile(
    r"^(?:<!-- file: (?P<file>\S+) -->\n)?```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def pages() -> list[Path]:
    """All pages that people read, the generated ones included."""
    top = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")]
    return top + sorted(DOCS.rglob("*.md")) + sorted((ROOT / "examples").glob("*/README.md"))


def guide() -> list[Path]:
    """All pages that somebody wrote."""
    return [page for page in pages() if REFERENCE not in page.parents]


def name(page: Path) -> str:
    """The page as a test's id."""
    return page.relative_to(ROOT).as_posix()


@dataclass(frozen=True)
class Block:
    """A fenced block: what it is, the file it is meant for, its text."""

    kind: str
    file: str | None
    text: str


def blocks(page: Path) -> list[Block]:
    """The page's fenced blocks, in order."""
    found = _FENCE.finditer(page.read_text(encoding="utf-8"))
    return [Block(match["kind"], match["file"], match["text"]) for match in found]


@dataclass(frozen=True)
class Command:
    """A command line as the page shows it, and what the page says it prints."""

    line: str
    output: tuple[str, ...]


def shown(text: str) -> Iterator[Command]:
    """The commands of a ``console`` block."""
    line, output = "", []
    for each in text.splitlines():
        if each.startswith("$ "):
            if line:
                yield Command(line, tuple(output))
            line, output = each[2:], []
        else:
            output.append(each)
    if line:
        yield Command(line, tuple(output))


_CHANGING = (
    (
        re.compile(
            r"\b(today|tomorrow|yesterday|\d{1,2} [A-Z][a-z]{2}( \d{4})?) \d\d:\d\d( UTC[+-]\d{4}| [A-Z]{2,5}\b)?"
            r"( \((in \d+ \w+|\d+ \w+ ago|now)\))?"
        ),
        "TIME",
    ),
    (re.compile(r"\b3[A-Z0-9]{29}\b"), "ID"),
    (re.compile(r"\b\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?(\.\d+)?( UTC|Z)?)?"), "TIME"),
    (re.compile(r"\b(local:)?[0-9a-f]{32}\b"), "IDENTITY"),
    (re.compile(r"(sqlite:////|/)\S*/(?=\S)"), "FOLDER/"),
    (re.compile(r"\s+"), " "),
)


def plain(lines: Iterator[str] | tuple[str, ...] | list[str]) -> list[str]:
    """Lines without what differs between two runs: ids, times, folders, column widths and the order of lines."""
    return sorted(text for text in map(_plain, lines) if text)


def _plain(line: str) -> str:
    for pattern, word in _CHANGING:
        line = pattern.sub(word, line)
    return line.strip()


def links(page: Path) -> list[str]:
    """The page's links, those in code blocks left out."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    return _LINK.findall(text)


def anchors(page: Path) -> set[str]:
    """The anchors of the page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.+)$", _FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def find(words: list[str]) -> tuple[Any, list[str]]:
    """The command that a line names, and the rest of the line."""
    rest = [word for word in words if word not in ("--json", "-v", "-vv", "-q", "--quiet")]
    while rest and rest[0].startswith("-"):
        rest = rest[2:]  # a common option with its value
    if not rest:
        return make_root(), words
    command = load(ALIASES.get(rest[0], rest[0]))
    rest = rest[1:]
    while rest and rest[0] in getattr(command, "commands", {}):
        command, rest = command.commands[rest[0]], rest[1:]
    return command, rest


def unknown_flags(line: str) -> set[str]:
    """Return the flags on a command line that its command does not have."""
    words = shlex.split(line.partition(" | ")[0].partition(" > ")[0].removesuffix(" &"), comments=True)[1:]
    command, rest = find(words)
    known = {opt for param in command.params for opt in (*param.opts, *param.secondary_opts)} | {"--help", "-h"}
    return {word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word)} - known
