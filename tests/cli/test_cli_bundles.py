"""Options that commands share are options of each, whatever stands beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from turkctl.cli.bundles import bundled

Name = Annotated[str | None, typer.Option("--name", help="A name.")]


@dataclass(frozen=True)
class Shared:
    """Two options."""

    ids: Annotated[list[str] | None, typer.Argument()] = None
    name: Name = None


@dataclass(frozen=True)
class More(Shared):
    """And a third."""

    every: Annotated[bool, typer.Option("--all")] = False


def program() -> typer.Typer:
    app = typer.Typer()

    @app.command()
    @bundled
    def one(ctx: typer.Context, goal: Annotated[int, typer.Option("--goal")], shared: More, last: int = 3) -> None:
        """Say what came."""
        typer.echo(f"{ctx.command.name} {goal} {shared.ids} {shared.name} {shared.every} {last}")

    return app


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--goal", "9"], "one 9 None None False 3"),
        (["a", "b", "--goal", "9", "--name", "x", "--all", "--last", "4"], "one 9 ['a', 'b'] x True 4"),
    ],
)
def test_the_fields_of_a_bundle_are_options_and_arguments_of_the_command(argv: list[str], said: str) -> None:
    assert CliRunner().invoke(program(), argv).output.strip() == said


def test_help_tells_of_them_and_a_required_option_stays_required() -> None:
    shown = CliRunner().invoke(program(), ["--help"]).output
    assert all(each in shown for each in ("--goal", "--name", "--all", "--last", "Say what came"))
    assert CliRunner().invoke(program(), []).exit_code == 2
