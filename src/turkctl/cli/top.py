"""The names of all commands, and the page of ``turkctl --help``, from tables alone: showing it imports no parser."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence

HELP = "Run crowdsourcing studies: post HITs in rounds, pay once, recruit to a goal."

COMMANDS: dict[str, str] = {
    "init": "Write a commented turkctl.toml and create the database.",
    "doctor": "Check configuration, database, credentials, market, clock and scheduler.",
    "demo": "Play a whole study on the built-in market with simulated workers.",
    "help": "Show what a command does, its options and examples.",
    "status": "Show where the study stands: people, money, what waits for you and what is next.",
    "archive": "Save everything that an account still lists; check, show, serve and import it.",
    "balance": "Show how much money the account can spend.",
    "campaigns": "Recruit a number of people, in rounds, within a budget.",
    "content": "Manage an experiment's items; post HITs for them by priority.",
    "config": "Show and change settings; say where each value comes from.",
    "dashboard": "Serve the study as web pages; hash a password for it.",
    "db": "Upgrade, check, speed up and move the database; take over a psiTurk study.",
    "experiments": "Read experiments from files; list, show, preview and check them.",
    "hits": "Post, list, show, extend, expire, approve and delete HITs.",
    "labels": "Combine several workers' labels into one per item; rate the workers.",
    "log": "Show what was done, when, by whom, by which command, at what cost.",
    "market": "Serve the built-in market, invite people to it, simulate workers on it, turn its clock.",
    "notify": "Have events sent to you: to a program of yours, or to mail and chat.",
    "participants": "List, count, show and export participants, psiTurk's too.",
    "qualifications": "Create, grant and revoke qualification types of your own.",
    "report": "Write an experiment's closing report: people, dates, wages, money, exclusions.",
    "scheduler": "Run recurring tasks when they are due.",
    "sync": "Bring HITs, assignments and participants up to date with the market.",
    "tasks": "Create, list, change, pause, run and delete recurring tasks.",
    "workers": "List workers; approve, reject, pay, message, block and exclude them.",
}
"""Each command is the module of its name in ``turkctl.cli.commands``, imported when it is named."""

ALIASES = {
    "campaign": "campaigns",
    "task": "tasks",
    "hit": "hits",
    "participant": "participants",
    "worker": "workers",
    "experiment": "experiments",
    "qualification": "qualifications",
    "label": "labels",
}

COMMON = (
    *("--mode", "--config", "--database-url", "--market-url", "--endpoint-url", "--profile", "--output", "--json"),
    *("--spreadsheet", "--quiet", "--verbose", "--no-color", "--help"),
)
"""The options that every command accepts."""

ROOT_OPTIONS = {
    "--version": "Show the version.",
    "--install-completion": "Install completion for the current shell.",
    "--show-completion": "Print the current shell's completion script.",
}

WIDEST = 100
"""Columns of a help page at most: longer lines are hard to read."""
_NARROW = 60
"""Below this width, explanations go below the names instead of beside them."""

Rows = Sequence[tuple[str, str]]


def page() -> str:
    """Return the page of ``turkctl --help``."""
    width = columns()
    return compose(
        fold("Usage: turkctl [OPTIONS] COMMAND [ARGS]...", width, hang="    "),
        fold(HELP, width, indent="  "),
        section("Commands", list(COMMANDS.items()), width),
        section("Options", list(ROOT_OPTIONS.items()), width),
        common_line(COMMON, "turkctl help --full", width),
        fold("A command's options and examples: turkctl help COMMAND", width),
    )


def columns() -> int:
    """Return the width of help pages: the terminal's, 80 where there is none, never more than :data:`WIDEST`."""
    asked = os.environ.get("COLUMNS", "")
    if asked.isdecimal() and int(asked) > 0:
        return min(int(asked), WIDEST)
    try:
        found = os.get_terminal_size(sys.__stdout__.fileno()).columns if sys.__stdout__ is not None else 0
    except (OSError, ValueError):
        found = 0
    return min(found or 80, WIDEST)


def compose(*parts: Sequence[str]) -> str:
    """Return a page: its parts with an empty line between them, those without a line left out."""
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def common_line(names: Sequence[str], more: str, width: int) -> list[str]:
    """Name the common options; ``more`` is the command that explains them."""
    return fold(f"Common options: {', '.join(names)}; see: {more}", width, hang="    ")


def section(title: str, rows: Rows, width: int) -> list[str]:
    """Return names with their explanations beside them, or below them where the page is narrow or a name is long."""
    if not rows:
        return []
    column = 0 if width < _NARROW else min(max(len(name) for name, _ in rows), width // 3) + 4
    lines = [f"{title}:"]
    for name, text in rows:
        lines += _below(name, text, width) if column == 0 else _beside(name, text, width, column)
    return lines


def _below(name: str, text: str, width: int) -> Iterator[str]:
    yield from fold(name, width, indent="  ", hang="    ")
    yield from fold(text, width, indent="      ")


def _beside(name: str, text: str, width: int, column: int) -> Iterator[str]:
    first, *others = fold(text, width, indent=" " * column)
    start = f"  {name}"
    if len(start) + 2 > column:
        yield from fold(name, width, indent="  ", hang="    ")
        yield first
    else:
        yield start + first[len(start) :]
    yield from others


def fold(text: str, width: int, *, indent: str = "", hang: str = "") -> list[str]:
    """Break a text into lines between words, never inside one.

    Args:
        text: one paragraph; line ends in it are spaces.
        width: characters of a line, the indent included; a longer word gets a longer line.
        indent: what each line begins with.
        hang: what all lines but the first have besides.
    """
    return fold_words(text.split(), width, indent=indent, hang=hang)


def fold_words(words: Sequence[str], width: int, *, indent: str = "", hang: str = "", end: str = "") -> list[str]:
    """Lay words out in lines, as :func:`fold` does; ``end`` marks a line that goes on, as a shell's backslash does."""
    lines = [indent]
    for word in words:
        fresh = not lines[-1].strip()
        if not fresh and len(lines[-1]) + 1 + len(word) + len(end) > width:
            lines[-1] += end
            lines.append(indent + hang)
            fresh = True
        lines[-1] += word if fresh else f" {word}"
    return lines
