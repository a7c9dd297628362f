"""Every command and every option says what it is for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from turkctl.cli.common import accept_everywhere, common_params
from turkctl.cli.help_pages import FULL
from turkctl.cli.root import make_root
from turkctl.cli.top import ALIASES, COMMANDS, page
from turkctl.cli.top import COMMON as NAMES

# The commands of the ground floor; what later comes beside them is held to the same rules below.
COMMAND_LINES = [
    "balance",
    "config get",
    "config path",
    "config set",
    "config show",
    "db check",
    "db current",
    "db upgrade",
    "doctor",
    "experiments configure",
    "experiments list",
    "experiments show",
    "hits cost",
    "hits create",
    "hits delete",
    "hits expire",
    "hits extend",
    "hits list",
    "hits show",
    "init",
    "market clock",
    "market crowd",
    "market reset",
    "market serve",
]
OPTIONS = {
    "hits list": {"--status", "--active", "--expired", "--all", "--regex", "--experiment", "--campaign",
                  "--codeversion", "--all-studies"},
    "hits create": {"--experiment", "--assignments", "--reward", "--duration", "--lifetime", "--hits",
                    "--allow-high-commission", "--dry-run", "--yes", "-y", "--new"},
    "hits cost": {"--assignments", "--reward", "--masters"},
    "hits extend": {"--assignments", "--lifetime", "--dry-run", "--yes", "-y"},
    "hits expire": {"--all", "--regex", "--experiment", "--campaign", "--codeversion", "--all-studies", "--dry-run"},
    "hits delete": {"--all", "--regex", "--experiment", "--campaign", "--codeversion", "--all-studies", "--dry-run",
                    "--yes", "-y", "--force"},
    "experiments configure": {"--prune", "--dry-run"},
    "market serve": {"--host", "--port"},
    "market crowd": {"--workers", "--seed", "--accuracy"},
    "market reset": {"--yes", "-y"},
    "market clock": {"--advance"},
    "balance": {"--all-modes"},
}  # fmt: skip
COMMON = {
    "--mode", "-m", "--config", "--database-url", "--market-url", "--endpoint-url", "--profile", "--output", "-o",
    "--json", "--quiet", "-q", "--verbose", "-v", "--no-color",
}  # fmt: skip


def walk() -> Iterator[tuple[str, Any]]:
    """Every command and group that there is a module for, by its words."""
    for name in COMMANDS:
        try:
            module = import_module(f"turkctl.cli.commands.{name}")
        except ModuleNotFoundError:
            continue  # announced, and not there yet
        yield from _below(name, accept_everywhere(get_command(module.app)))


def _below(words: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield words, command
    for name, child in getattr(command, "commands", {}).items():
        yield from _below(f"{words} {name}", child)


TREE = dict(walk())


def test_the_commands_of_the_ground_floor_are_there() -> None:
    assert set(COMMAND_LINES) <= set(TREE)


@pytest.mark.parametrize("words", TREE)
def test_a_command_has_help_and_so_has_each_of_its_options(words: str) -> None:
    command = TREE[words]
    assert command.help
    assert command.help.strip().splitlines()[0].rstrip().endswith((".", ";", ":"))
    unexplained = [param.opts for param in command.params if not getattr(param, "help", None)]
    assert unexplained == []


@pytest.mark.parametrize("words", TREE)
def test_a_command_takes_the_common_options(words: str) -> None:
    taken = {opt for param in TREE[words].params for opt in (*param.opts, *param.secondary_opts)}
    assert taken >= COMMON


@pytest.mark.parametrize(("words", "options"), OPTIONS.items())
def test_a_command_takes_the_options_of_the_contract(words: str, options: set[str]) -> None:
    assert {opt for param in TREE[words].params for opt in param.opts} >= options


@pytest.mark.parametrize("words", TREE)
def test_help_works_everywhere_and_is_the_result(words: str, turkctl: Callable[..., Any]) -> None:
    finished = turkctl(*words.split(), "--help")
    assert (finished.code, finished.err) == (0, "")
    assert finished.out.startswith(f"Usage: turkctl {words} ")


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_the_program_says_what_commands_there_are(flag: str, turkctl: Callable[..., Any]) -> None:
    finished = turkctl(flag)
    assert (finished.code, finished.err) == (0, "")
    for name in COMMANDS:
        assert f"\n  {name} " in finished.out


def test_every_alias_stands_for_a_command() -> None:
    assert set(ALIASES.values()) <= set(COMMANDS)


@pytest.mark.parametrize("alias", ALIASES)
def test_an_alias_is_the_command(alias: str, turkctl: Callable[..., Any]) -> None:
    if ALIASES[alias] not in TREE:
        pytest.skip(f"there is no {ALIASES[alias]} yet")
    assert turkctl(alias, "--help").out == turkctl(ALIASES[alias], "--help").out


def test_an_alias_can_be_completed_by_the_shell_under_the_names_listed() -> None:
    root = make_root()
    assert set(root.commands) == set(COMMANDS)


@pytest.mark.parametrize("words", [["hits"], ["config"], ["market"]])
def test_a_group_without_a_command_shows_its_help_on_standard_error_and_exits_2(
    words: list[str], turkctl: Callable[..., Any]
) -> None:
    finished = turkctl(*words)
    assert finished.code == 2
    assert finished.out == ""
    assert finished.err.startswith(" ".join(["Usage: turkctl", *words]))


def test_the_common_options_name_their_environment_variables() -> None:
    by_name = {param.opts[0]: param.help for param in common_params()}
    for flag, variable in {
        "--mode": "TURKCTL_MODE",
        "--config": "TURKCTL_CONFIG",
        "--database-url": "TURKCTL_DATABASE_URL",
        "--market-url": "TURKCTL_MARKET_URL",
        "--endpoint-url": "AWS_ENDPOINT_URL_MTURK",
        "--profile": "AWS_PROFILE",
        "--output": "TURKCTL_OUTPUT",
        "--no-color": "NO_COLOR",
    }.items():
        assert variable in by_name[flag]


@pytest.mark.parametrize("group", ["hits", "campaigns", "tasks", "scheduler"])
def test_a_groups_help_names_its_commands_and_cuts_none(group: str, turkctl: Callable[..., Any]) -> None:
    text = turkctl(group, "--help").out
    assert text.index("\nCommands:") < text.index("\nCommon options: ")
    assert text.count("Commands:") == 1
    assert "..." not in text.partition("\n")[2]


@pytest.mark.parametrize("words", ["", *TREE])
def test_help_of_a_command_is_what_its_help_option_shows(words: str, turkctl: Callable[..., Any]) -> None:
    shown = turkctl("help", *words.split())
    assert (shown.code, shown.out, shown.err) == (0, turkctl(*words.split(), "--help").out, "")


def test_help_needs_no_settings_that_can_be_read(folder: Path, turkctl: Callable[..., Any]) -> None:
    (folder / "turkctl.toml").write_text("mode = 'nowhere'\nthis is no TOML", encoding="utf-8")
    assert turkctl("help", "hits", "create").code == 0
    assert [each.name for each in folder.iterdir()] == ["turkctl.toml"]


def test_common_options_are_named_in_one_line_and_explained_when_all_is_asked_for(turkctl: Callable[..., Any]) -> None:
    short, full = turkctl("help", "hits", "create").out, turkctl("help", "hits", "create", "--full").out
    line = " ".join(short[short.index("Common options: ") :].split("\n\n")[0].split())
    assert line == f"Common options: {', '.join(NAMES)}; see: turkctl help hits create --full"
    assert "TURKCTL_MODE" not in short
    assert all(f"{flag} " in full for flag in NAMES)
    assert "TURKCTL_MODE" in full


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["hitz"], "there is no command 'hitz'", "did you mean 'hits'?"),
        (["hit", "crate"], "there is no hit command 'crate'", "did you mean 'create'?"),
        (["hits", "create", "more"], "'hits create' has no command 'more' below it", "see: turkctl help hits create"),
    ],
)
def test_help_of_an_unknown_name_exits_2_and_names_the_nearest(
    words: list[str], message: str, hint: str, turkctl: Callable[..., Any]
) -> None:
    finished = turkctl("help", *words)
    assert (finished.code, finished.out) == (2, "")
    assert finished.err == f"turkctl: error: {message}; {hint}\n"


def test_the_page_that_needs_no_parser_is_the_parsers(turkctl: Callable[..., Any]) -> None:
    assert turkctl("--help").out == turkctl("help").out == page()
    assert turkctl("--version").out == turkctl("--mode", "local", "--version").out


@pytest.mark.parametrize("width", [50, 70, 100])
def test_help_breaks_no_word_and_no_line_is_too_long(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    root = make_root()
    for words, command in {"": root, **TREE}.items():
        for full in (False, True):
            text = rendered(command, f"turkctl {words}".strip(), full=full)
            long = [line for line in text.splitlines() if len(line) > width and len(line.split()) > 1]
            assert long == []
            assert said(command) <= bare(text), words


def rendered(command: Any, path: str, *, full: bool) -> str:
    context = command.context_class(command, info_name=path, help_option_names=["--help", "-h"])
    context.meta[FULL] = full
    text: str = command.get_help(context)
    return text


def said(command: Any) -> set[str]:
    """The words that a command's own help is made of."""
    own = [param.help for param in command.params if not getattr(param, "is_common", False)]
    return bare(" ".join([command.help, *own]).replace("Examples:", ""))


def bare(text: str) -> set[str]:
    """The words of a text, without what stands before and after them."""
    return {word.strip("(.,):;\\") for word in text.split()} - {""}


def test_defaults_and_needs_are_shown_in_one_style(turkctl: Callable[..., Any]) -> None:
    text = turkctl("help", "hits", "create").out
    assert "Number of assignments, which different workers do (required)." in " ".join(text.split())
    assert "Number of copies to post, each with all its assignments (default 1)." in " ".join(text.split())
    told = "\n".join(param.help or "" for command in TREE.values() for param in command.params)
    assert "[" not in told.replace("[FILE]", "")
    assert not re.search(r"\((?!default|environment|or )[^)]*\bdefault", told)


def test_defaults_that_help_tells_are_those_of_the_code() -> None:
    from turkctl.cli.commands.labels import DEFAULT_MIN_VOTES
    from turkctl.fees import MTURK
    from turkctl.labels.options import MethodOptions
    from turkctl.operations.campaigns.requests import EVERY, usual_round
    from turkctl.units import format_duration

    shown = {param.opts[0]: param.show_default for param in TREE["campaigns create"].params}
    assert (shown["--every"], shown["--per-round"]) == (
        format_duration(EVERY),
        f"{usual_round(60, MTURK)}; the goal where there is no commission",
    )
    shown = {param.opts[0]: param.show_default for param in TREE["labels aggregate"].params}
    assert shown["--min-votes"] == f"the experiment's, else {DEFAULT_MIN_VOTES}"
    for name in ("beta", "sigx", "rounds", "dimensions"):
        assert shown[f"--{name}"] == str(getattr(MethodOptions(), name))


def test_a_shell_completes_the_values_of_mode(
    turkctl: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_TURKCTL_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "turkctl --mode l")
    monkeypatch.setenv("COMP_CWORD", "2")
    with pytest.raises(SystemExit):  # the parser leaves by itself after completing
        turkctl()
    assert capsys.readouterr().out.split() == ["local", "live"]
