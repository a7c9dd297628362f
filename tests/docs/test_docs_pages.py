"""The guide is whole and true: links resolve, commands exist, and what it shows is what happens."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from databases import POSTGRES_VARIABLE, new_database
from docs_support import (
    Block,
    Command,
    anchors,
    blocks,
    guide,
    links,
    load,
    name,
    pages,
    plain,
    shown,
    unknown_flags,
)

from turkctl.cli import run
from turkctl.cli.top import ALIASES, COMMANDS

IDS = re.compile(r"\b3[A-Z0-9]{29}\b")


def runs(page: Path) -> bool:
    return any(block.kind == "console" or block.kind == "python" for block in blocks(page))


# --- what the pages point at


@pytest.mark.parametrize("page", pages(), ids=name)
def test_every_link_leads_somewhere(page: Path):
    for link in links(page):
        if re.match(r"https?://|mailto:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} leads nowhere"
        assert not anchor or anchor in anchors(target), f"{link}: no such heading"


def test_every_page_can_be_reached_from_the_readme():
    reached: set[Path] = set()
    waiting = [page for page in pages() if page.name == "README.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        found = ((page.parent / link.partition("#")[0]).resolve() for link in links(page) if "://" not in link)
        waiting += [each for each in found if each.suffix == ".md" and each not in reached]
    assert {name(page) for page in pages()} <= {name(page) for page in reached}


def names() -> Iterator[str]:
    for group in COMMANDS:
        children = getattr(load(group), "commands", {})
        yield from [f"{group} {child}" for child in children] or [group]


@cache
def whole_guide() -> str:
    return "\n".join(page.read_text(encoding="utf-8") for page in guide())


@pytest.mark.parametrize("command", list(names()))
def test_every_command_occurs_in_the_guide(command: str):
    text = whole_guide()
    spoken = [command] + [
        command.replace(group, alias, 1) for alias, group in ALIASES.items() if command.startswith(group)
    ]
    assert any(re.search(rf"\b{re.escape(each)}\b", text) for each in spoken), f"no page tells of `turkctl {command}`"


# --- what the pages show


SAID = [
    (name(page), line.strip())
    for page in guide()
    for block in blocks(page)
    if block.kind in ("sh", "console")
    for line in block.text.replace("\\\n", " ").splitlines()
    for line in [line.removeprefix("$ ")]
    if line.startswith("turkctl ") and "COMMAND" not in line
]


@pytest.mark.parametrize(("page", "line"), SAID)
def test_every_flag_that_a_page_uses_exists(page: str, line: str):
    assert unknown_flags(line) == set()


Run = Callable[[str], tuple[int, str]]
ADDRESS = re.compile(r"postgresql(?:\+psycopg)?://lab@db\.example\.org/(\w+)")
"""An address of PostgreSQL on a page, which stands for a new database."""


class Databases:
    """New databases for those that pages name: on PostgreSQL where there is one, else on SQLite."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kind = "postgres" if os.environ.get(POSTGRES_VARIABLE) else "sqlite"
        self._urls: dict[str, str] = {}
        self.open = ExitStack()

    def real(self, line: str) -> str:
        """Return a command line with the addresses of databases that exist."""
        return ADDRESS.sub(lambda match: self._url(match[1]), line)

    def shown(self, printed: str) -> str:
        """Return what was printed with the addresses of the page."""
        for named, url in self._urls.items():
            printed = printed.replace(url, f"postgresql+psycopg://lab@db.example.org/{named}")
        return printed

    def _url(self, name: str) -> str:
        if name not in self._urls:
            folder = self._folder / name
            folder.mkdir()
            self._urls[name] = self.open.enter_context(new_database(self._kind, folder))
        return self._urls[name]


@pytest.fixture
def databases(tmp_path: Path) -> Iterator[Databases]:
    made = Databases(tmp_path)
    with made.open:
        yield made


@pytest.fixture
def terminal(outside: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line in this process, where the last ``cd`` went; its exit code and everything it printed."""

    def call(line: str) -> tuple[int, str]:
        words = shlex.split(line, comments=True)
        if words[0] == "cd":
            monkeypatch.chdir(Path.cwd() / words[1])
            return 0, ""
        assert words[0] == "turkctl", f"the tests cannot run `{line}`; mark its block `sh`"
        capsys.readouterr()
        code = run(words[1:])
        sys.stdout.flush()
        out, err = capsys.readouterr()
        return code, err + out

    return call


def follow(terminal: Run, command: Command, ids: dict[str, str], databases: Databases) -> None:
    """Run the command, and hold its output against the page's, if that shows any.

    ``ids`` are those of this run by those of the page.
    """
    expected = [line for line in command.output if line.strip()]
    line = databases.real(IDS.sub(lambda match: ids.get(match[0], match[0]), command.line))
    code, printed = terminal(line)
    printed = databases.shown(printed)
    wanted = 0
    if expected and (said := re.fullmatch(r"\(exit code (\d+)\)", expected[-1])):
        wanted = int(said[1])
        expected = expected[:-1]
    assert code == wanted, printed
    if expected in ([], ["…"]):
        return
    assert plain(printed.splitlines()) == plain(expected), command.line
    ids.update(zip(IDS.findall("\n".join(expected)), IDS.findall(printed), strict=True))


def write(block: Block, ids: dict[str, str]) -> None:
    """Write the file that the page shows, with the ids of this run."""
    assert block.file is not None
    path = Path(block.file)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(IDS.sub(lambda match: ids.get(match[0], match[0]), block.text), encoding="utf-8")


def execute(block: Block) -> None:
    """Run a Python block, and the tests that it defines."""
    names: dict[str, Any] = {"__name__": "shown"}
    exec(compile(block.text, "shown", "exec", dont_inherit=True), names)
    for each, value in list(names.items()):
        if each.startswith("test_"):
            value()


@pytest.mark.parametrize("page", [page for page in guide() if runs(page)], ids=name)
def test_what_a_page_shows_is_what_happens(
    page: Path, terminal: Run, databases: Databases, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    ids: dict[str, str] = {}
    for block in blocks(page):
        if block.file:
            write(block, ids)
        elif block.kind == "console":
            for command in shown(block.text):
                follow(terminal, command, ids, databases)
        elif block.kind == "python":
            execute(block)
