"""Write the reference pages in ``docs/reference`` from the code; without ``--update``, only check them.

Run ``python scripts/generate.py --update`` after you change commands, settings, errors or the market's operations.
Without ``--update``, the exit code is 1 if a page is out of date.
"""

from __future__ import annotations

import argparse
import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"
WIDTH = 100
"""Width of the help texts in columns, in every terminal."""
MADE = "<!-- Made by scripts/generate.py; do not edit. -->"
_NOT_IMPORTED = ("turkctl.__main__", "turkctl.store.migrations")
"""Modules that must not be imported, because importing them does something."""
EXIT_PROSE = {
    0: "all that was asked is done, or there was nothing to do",
    1: "a batch finished with failures, or the market refused the request",
    2: "wrong usage, bad value, bad configuration, unknown id or name",
    3: "refused for safety: a confirmation is missing, the budget or the balance is too low, "
    "an active campaign or a running scheduler is in the way",
    4: "the market or the database cannot be reached, or the credentials are missing or wrong",
    130: "interrupted; what was finished is reported and kept",
}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; escape bars inside cells."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def code(text: object) -> str:
    """Return the text as code, or an empty text if there is none."""
    return f"`{text}`" if text not in (None, "") else ""


def page(title: str, *parts: str) -> str:
    """Return a whole page."""
    return "\n\n".join([f"# {title}", MADE, *parts]) + "\n"


# --- commands


def command_help(command: Any, path: str, *, full: bool = False) -> str:
    """Return what ``--help`` prints, without the common options; ``full`` explains them."""
    from turkctl.cli.help_pages import FULL

    context = command.context_class(
        command,
        info_name=path,
        terminal_width=WIDTH,
        max_content_width=WIDTH,
        help_option_names=["--help", "-h"],
    )
    context.meta[FULL] = full
    text: str = command.get_help(context)
    return "\n".join(line.rstrip() for line in text.splitlines())


def commands() -> Iterator[tuple[str, Any]]:
    """Yield every command and group with its full name, in the order of ``turkctl --help``."""
    from typer.main import get_command

    from turkctl.cli.top import COMMANDS

    for name in COMMANDS:
        command = get_command(import_module(f"turkctl.cli.commands.{name}").app)
        command.name = name
        yield f"turkctl {name}", command
        yield from _below(f"turkctl {name}", command)


def _below(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    for child in getattr(command, "commands", {}).values():
        yield f"{path} {child.name}", child
        yield from _below(f"{path} {child.name}", child)


def cli_page() -> str:
    """Return the page with every command's help, as plain text."""
    from turkctl.cli.root import make_root
    from turkctl.cli.top import ALIASES

    parts = [
        "Every command, its options and examples, as `turkctl help COMMAND` shows them.",
        "The common options at the top go with every command, before or after it.",
        "Exit codes are in [errors](errors.md), the settings behind the options in [settings](settings.md).",
        "## turkctl",
        f"```text\n{command_help(make_root(), 'turkctl', full=True)}\n```",
        "Other names for the same: " + ", ".join(f"`{a}` for `{n}`" for a, n in sorted(ALIASES.items())) + ".",
    ]
    for path, command in commands():
        level = "##" if path.count(" ") == 1 else "###"
        parts.append(f"{level} {path}\n\n```text\n{command_help(command, path)}\n```")
    return page("Commands", *parts)


# --- settings


def settings_page() -> str:
    """Return the page with all settings and the keys of an experiment."""
    from turkctl.settings_keys import KEYS

    rows = [
        (
            code(key.name),
            ", ".join(key.choices) if key.choices else key.kind,
            code(str(key.default).lower() if isinstance(key.default, bool) else key.default),
            ", ".join(code(variable) for variable in key.variables),
            key.prose + _where(key),
        )
        for key in KEYS
    ]
    head = ("setting", "kind", "default", "environment", "meaning")
    return page(
        "Settings",
        "A flag beats an environment variable, which beats the project file `turkctl.toml` (the nearest one, looking "
        "upwards from the current folder), which beats the user's own file, which beats the default. "
        "`turkctl config show` says for each value where it came from.",
        "A name with a dot stands in a section: `market.lag` is the key `lag` under `[market]`.",
        table(head, rows),
        "## People who use the dashboard",
        "Keys of `[dashboard.users.NAME]`, a table in the project file for each of them. "
        "[Serve the dashboard](../how-to/serve-the-dashboard.md) tells how to set them up.",
        table(("key", "kind", "default", "meaning"), _user_keys()),
        "## Experiments",
        "Keys of `[experiments.SLUG]`, or of `experiment.toml` in a folder SLUG. "
        "What they mean is told in [Describe an experiment](../how-to/describe-an-experiment.md).",
        _experiment_keys(),
    )


def _user_keys() -> list[tuple[str, str, str, str]]:
    from turkctl.settings_users import USER_KEYS

    return [
        (
            code(key.name),
            ", ".join(key.choices) if key.choices else key.kind,
            "required" if key.default is None else code(str(key.default).lower()),
            key.prose + _where(key),
        )
        for key in USER_KEYS
    ]


def _where(key: Any) -> str:
    if key.secret:
        return " (secret: never shown, never in the database)"
    return "" if key.in_file else " (flag or environment only)"


def _experiment_keys() -> str:
    from turkctl.operations.project.experiments import ExperimentSettings

    rows = [row for name, field in ExperimentSettings.model_fields.items() for row in _field_rows(name, field)]
    return table(("key", "default"), rows)


def _field_rows(name: str, field: Any) -> Iterator[tuple[str, str]]:
    from pydantic import BaseModel

    from turkctl.cells import cell

    kinds = [each for each in (field.annotation, *get_args(field.annotation)) if inspect.isclass(each)]
    inner = next((each for each in kinds if issubclass(each, BaseModel)), None)
    if inner is not None:
        for child, each in inner.model_fields.items():
            yield from _field_rows(f"{name}.{child}", each)
        return
    if field.is_required():
        yield code(name), "required"
    else:
        yield code(name), code(cell(field.get_default(call_default_factory=True)))


# --- errors


def errors_page() -> str:
    """Return the page with the exit codes, and the codes of errors as ``--json`` prints them."""
    import turkctl.mturk.errors as market
    from turkctl import errors

    exits = [(str(int(each)), EXIT_PROSE[int(each)]) for each in errors.ExitCode]
    own = sorted({_error_row(each) for each in _coded(errors.TurkctlError)}, key=lambda row: (int(row[1]), row[0]))
    answers = [
        (_first_line(each), str(int(each.exit_code)))
        for each in _classes(market, errors.TurkctlError)
        if each.__module__ == market.__name__
    ]
    return page(
        "Exit codes and errors",
        "## Exit codes",
        table(("code", "when"), exits),
        "## Errors",
        "An error is one line on standard error: what went wrong with which thing, and what to do about it. "
        "With `--json` the last line of standard error is "
        '`{"error": {"code": "…", "message": "…", "hint": "…"}}`. These are the codes:',
        table(("code", "exit", "meaning"), own),
        "When the market refuses a request, the code is the market's own: `TurkErrorCode` where it gives one "
        "(`AWS.MechanicalTurk.HITDoesNotExist`), else the type of its error (`ThrottlingException`). "
        "turkctl tells these kinds apart:",
        table(("kind", "exit"), answers),
    )


def _classes(module: Any, base: type) -> list[Any]:
    found = [each for each in vars(module).values() if inspect.isclass(each) and issubclass(each, base)]
    return [each for each in found if each.__module__ == module.__name__]


def _coded(base: type) -> Iterator[Any]:
    """Yield all errors with a code of their own; the market's refusals have the market's codes."""
    import turkctl

    for module in pkgutil.walk_packages(turkctl.__path__, "turkctl."):
        if not module.name.startswith(("turkctl.market", "turkctl.mturk", "turkctl.cli", *_NOT_IMPORTED)):
            yield from (each for each in _classes(import_module(module.name), base) if "code" in vars(each))
    yield from (each for each in _classes(import_module("turkctl.mturk.errors"), base) if "code" in vars(each))


def _error_row(kind: Any) -> tuple[str, str, str]:
    return code(kind.code), str(int(kind.exit_code)), _first_line(kind)


def _first_line(thing: Any) -> str:
    first = (inspect.getdoc(thing) or "").split("\n\n")[0]
    return first.replace("\n", " ").replace("``", "`")


# --- the market


def market_page() -> str:
    """Return the page with the operations of the Requester API, and how the built-in market answers each."""
    from botocore import xform_name

    from turkctl.market.service import Market
    from turkctl.market.worker_side import WorkerSide
    from turkctl.model import own_parts, service_model

    own = own_parts()["operations"]
    operations = sorted(service_model()["operations"])
    rows = []
    for operation in operations:
        method = getattr(Market, xform_name(operation), None)
        prose = "not built" if method is None else _first_line(method)
        told = prose.removeprefix(f"Answer {operation}").lstrip(":;,. ")
        rows.append((code(operation), told or "as documented"))
    built = sum(hasattr(Market, xform_name(operation)) for operation in operations)
    actions = [
        (code(name), _first_line(method))
        for name, method in vars(WorkerSide).items()
        if inspect.isfunction(method) and not name.startswith("_")
    ]
    return page(
        "The market's operations",
        f"The built-in market answers {built - len(own)} of the {len(operations) - len(own)} operations of the "
        f"Requester API (2017-01-17), and of its own: {', '.join(map(code, sorted(own)))}. "
        "Where it had to choose, the choice is in [What the market imitates](../explanation/market.md).",
        table(("operation", "in the market"), rows),
        "## The workers' side",
        "What workers do is not part of the Requester API. In Python these are methods of "
        "`turkctl.market.service.Market`; `turkctl market crowd` uses them.",
        table(("method", "does"), actions),
    )


PAGES: dict[str, Callable[[], str]] = {
    "cli.md": cli_page,
    "settings.md": settings_page,
    "errors.md": errors_page,
    "market.md": market_page,
}


def stale() -> dict[Path, str]:
    """Return the pages that are out of date, with the text that they should have."""
    made = {REFERENCE / name: make() for name, make in PAGES.items()}
    return {path: text for path, text in made.items() if not path.is_file() or path.read_text(encoding="utf-8") != text}


def main(argv: Sequence[str] | None = None) -> int:
    """Check or update the pages, and return the exit code."""
    parser = argparse.ArgumentParser(description="Check the reference pages against the code.")
    parser.add_argument("--update", action="store_true", help="write the pages that are out of date")
    update = parser.parse_args(argv).update
    found = stale()
    for path, text in found.items():
        if update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        sys.stderr.write(f"{'wrote' if update else 'stale'}: {path.name}\n")
    if found and not update:
        sys.stderr.write("run: python scripts/generate.py --update\n")
    return int(bool(found) and not update)


if __name__ == "__main__":
    sys.exit(main())
