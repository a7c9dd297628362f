"""Rules of the source that no linter has."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from pathlib import Path

from source_trees import MODULES, SOURCE, tree, trees

from turkctl.errors import ExitCode, TurkctlError
from turkctl.settings_keys import KEYS

DOCS = Path(__file__).parents[2] / "docs"
CONTRACT_CODES = {0, 1, 2, 3, 4, 130}


def all_errors() -> list[type[TurkctlError]]:
    """Every error of the package, wherever it is defined."""
    for module in pkgutil.walk_packages([str(SOURCE)], "turkctl."):
        if not module.name.startswith(("turkctl.store.migrations", "turkctl.__main__", "turkctl.market.doors.moto")):
            importlib.import_module(module.name)
    found: list[type[TurkctlError]] = []
    waiting = [TurkctlError]
    while waiting:
        kind = waiting.pop()
        found.append(kind)
        waiting += kind.__subclasses__()
    return [kind for kind in found if kind.__module__.startswith("turkctl")]


def test_every_error_has_a_code_and_an_exit_code_of_the_contract() -> None:
    kinds = all_errors()
    assert len(kinds) > 15
    for kind in kinds:
        assert re.fullmatch(r"[a-z][a-z_]*", kind.code), kind
        assert isinstance(kind.exit_code, ExitCode), kind
        assert kind.exit_code in CONTRACT_CODES - {0}, kind
        assert (kind.__doc__ or "").strip(), kind


def test_exit_codes_are_those_of_the_contract() -> None:
    assert {int(code) for code in ExitCode} == CONTRACT_CODES


def _prints(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = ast.unparse(node.func)
    return name in ("print", "typer.echo", "typer.secho", "click.echo") or name.startswith(
        ("sys.stdout.write", "rich.print")
    )


def test_only_the_printer_prints() -> None:
    prints = [(path, node.lineno) for path, module in trees() for node in ast.walk(module) if _prints(node)]
    assert [path for path, _ in prints].count("outputs.py") == 1, "standard output as the file - of a command"
    # the printer itself; the version; the help, which needs no settings
    may = ("cli/output.py", "cli/common.py", "cli/root.py", "cli/__init__.py", "cli/commands/help.py", "outputs.py")
    assert [(path, line) for path, line in prints if path not in may] == []


def _catches_all(node: ast.AST) -> bool:
    if not isinstance(node, ast.ExceptHandler):
        return False
    caught = [] if node.type is None else [ast.unparse(each) for each in getattr(node.type, "elts", [node.type])]
    return node.type is None or bool({"Exception", "BaseException"} & set(caught))


def _raises_again(handler: ast.ExceptHandler) -> bool:
    return any(isinstance(node, ast.Raise) for node in ast.walk(handler))


CATCH_ALL = {
    "cli/completion.py": "a shell shows whatever is printed there in the middle of the line",
    "context.py": "a sum can be done without the database, whatever is wrong with it",
    "dashboard/jobs.py": "an act that fails is told of on its page, and the server goes on",
    "web/app.py": "an error whose own page fails is still told of, under the headers that every answer has",
    "dashboard/service.py": "a scheduler that ends is told of on every page, and the server goes on",
    "cli/root.py": "the one place where errors become words",
    "operations/engine/batch.py": "what is in hand is recorded before it is raised again",
    "scheduler/runner.py": "the loop outlives whatever a tick meets",
    "scheduler/due.py": "one task never stops the others",
    "market/protocol/wire.py": "a server answers whatever happens",
    "market/notifications.py": "a stranger's transport never breaks the market",
    "market/timekeeper.py": "time goes on whatever the database or a transport meets",
}
"""Modules that may catch everything without raising it on the spot, and why."""


def test_what_is_caught_is_named_or_raised_again() -> None:
    silent = [
        (path, node.lineno)
        for path, module in trees()
        for node in ast.walk(module)
        if isinstance(node, ast.ExceptHandler) and _catches_all(node) and not _raises_again(node)
    ]
    assert [(path, line) for path, line in silent if path not in CATCH_ALL] == []


def test_every_module_says_what_it_is_for_and_imports_absolutely() -> None:
    assert [path for path, module in trees() if not ast.get_docstring(module)] == []
    imports = (
        (path, node) for path, module in trees() for node in ast.walk(module) if isinstance(node, ast.ImportFrom)
    )
    assert [(path, node.lineno) for path, node in imports if node.level] == []


CLOCKS = {
    "store/leases.py": "a lease is held by the wall clock of the database, or of the host that has the file",
    "store/engine.py": "other programs hold a file for real seconds",
}
"""Modules that ask the wall clock themselves, and why."""


LOGIC = [path for path in MODULES if path.startswith(("operations/", "store/", "market/")) and path not in CLOCKS]


def test_logic_asks_no_wall_clock() -> None:
    asks = ("time.time", "datetime.now", "datetime.utcnow", "time.sleep")
    calls = ((path, node) for path in LOGIC for node in ast.walk(tree(path)) if isinstance(node, ast.Call))
    assert [(path, node.lineno) for path, node in calls if ast.unparse(node.func) in asks] == []


def modules_that_name(word: str) -> set[str]:
    """The modules that use, import or define a name."""
    kinds = ("id", "attr", "name")
    return {
        path
        for path, tree in trees()
        for node in ast.walk(tree)
        if word in [getattr(node, kind, None) for kind in kinds]
    }


def test_hits_that_count_against_limits_are_counted_in_one_place() -> None:
    assert modules_that_name("count_hits") == {"store/hits.py", "operations/limits/room.py"}


def test_only_one_module_asks_what_is_at_a_path() -> None:
    """The looks of ``pathlib`` raise where a folder may not be searched, which ends in a fault of turkctl."""
    looks = ("exists", "is_file", "is_dir", "is_symlink", "stat", "lstat")
    found = {
        (path, node.func.attr)
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if node.func.attr in looks and not node.args
    }
    found = {each for each in found if not (each[0].startswith("store/") and each[1] == "exists")}  # SQL's EXISTS
    assert found == {("paths.py", "stat"), ("rows.py", "stat")}, "rows asks about a file that it has opened"


FEE_ALONE = {
    "archive/facts.py": "sums up rewards and fees of each year apart",
    "fees.py": "where the rule is",
    "operations/hits/cost.py": "shows the fee of one assignment beside its reward",
}
"""Modules that may name the commission without the reward, and why; all others ask for `assignment_cost`."""


def test_reward_and_commission_are_added_in_one_place() -> None:
    assert modules_that_name("reward_fee") == set(FEE_ALONE)


def test_every_setting_says_what_it_is_and_its_default_is_of_its_kind() -> None:
    for key in KEYS:
        assert len(key.prose) > 10, key.name
        if key.default is not None:
            assert key.parse(key.default, where=key.name) == key.default


def test_every_setting_is_on_the_page_of_settings() -> None:
    page = (DOCS / "reference" / "settings.md").read_text(encoding="utf-8")
    assert [key.name for key in KEYS if f"`{key.name}`" not in page] == []
    assert [key.variables[0] for key in KEYS if key.variables[0] not in page] == []
