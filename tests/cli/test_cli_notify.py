"""notify test, and that no command shows an address of [notify]."""

from __future__ import annotations

import json
import logging
import shlex
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cli_support import last_error

from turkctl.context import Context
from turkctl.settings import load

Run = Callable[..., Any]
ADDRESS = "slack://T0KENA/T0KENB/T0KENC"
APPEND = shlex.join([sys.executable, "-c", "import sys; open('told', 'a').write(sys.stdin.read())"])
FAIL = shlex.join([sys.executable, "-c", "import sys; sys.exit('no mail server')"])


def configure(study: Path, **values: Any) -> None:
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    text = (study / "turkctl.toml").read_text(encoding="utf-8")
    (study / "turkctl.toml").write_text("\n".join(["[notify]", *lines, text]), encoding="utf-8")
    (study / "turkctl.toml").chmod(0o600)


def test_a_test_is_sent_and_told(study: Path, turkctl: Run) -> None:
    configure(study, command=APPEND)
    finished = turkctl("notify", "test", "--json")
    assert (finished.code, finished.err) == (0, "")
    assert json.loads(finished.out) == [{"to": "command", "status": "sent", "error": None, "fix": None}]
    sent = json.loads((study / "told").read_text(encoding="utf-8"))
    assert (sent["event"], sent["mode"]) == ("test", "local")
    assert list(sent) == ["event", "message", "mode", "experiment", "campaign", "task", "time", "id"]
    quiet = turkctl("notify", "test", "-q")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")
    assert not (study / "turkctl.db").exists(), "it needs no database"


def test_what_did_not_get_it_is_exit_1_with_why_and_what_to_do(study: Path, turkctl: Run) -> None:
    configure(study, command=FAIL, urls=["nonsense://T0KENA/x"])
    finished = turkctl("notify", "test", "--json")
    assert finished.code == 1
    address, command = json.loads(finished.out)
    assert (address["to"], address["status"]) == ("address 1 (nonsense)", "failed")
    assert address["fix"] == "check notify.urls, then run: turkctl notify test"
    assert command["error"].endswith("failed with exit code 1: no mail server")
    assert "no mail server" in turkctl("notify", "test", "-q").out
    assert "T0KEN" not in finished.out + finished.err


def test_nothing_to_notify_is_exit_2_and_names_the_settings(study: Path, turkctl: Run) -> None:
    finished = turkctl("notify", "test", "--json")
    assert (finished.code, finished.out) == (2, "")
    assert "under [notify] in turkctl.toml" in last_error(finished.err)["hint"]


@pytest.mark.parametrize("argv", [["config", "show"], ["config", "get", "notify.urls"], ["notify", "test"], ["doctor"]])
@pytest.mark.parametrize("verbose", [(), ("-vv",)])
def test_no_command_shows_an_address(argv: list[str], verbose: tuple[str, ...], study: Path, turkctl: Run) -> None:
    configure(study, urls=["nonsense://T0KENA/T0KENB", ADDRESS.replace("slack", "noslack")])
    finished = turkctl(*argv, *verbose)
    assert "T0KEN" not in finished.out + finished.err
    assert "T0KEN" not in turkctl(*argv, "--json", *verbose).out


def test_no_log_shows_an_address_with_or_without_its_neighbours(
    study: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = Context.now

    def look(context: Context) -> datetime:
        logging.getLogger("turkctl.market").warning("cannot send to %s", ADDRESS)
        return now(context)

    monkeypatch.setattr(Context, "now", look)
    monkeypatch.setenv("TURKCTL_NOTIFY_URLS", f"{ADDRESS} json://127.0.0.1/")
    assert "cannot send to ***" in turkctl("doctor", "-vv").err


def test_addresses_are_a_list_or_a_text_with_blanks(study: Path) -> None:
    configure(study, urls=[ADDRESS, "json://127.0.0.1"])
    assert load({}, {}, study)["notify.urls"] == f"{ADDRESS} json://127.0.0.1"
    assert load({}, {"TURKCTL_NOTIFY_URLS": f" {ADDRESS}\n ntfy://topic "}, study)["notify.urls"] == (
        f"{ADDRESS} ntfy://topic"
    )


@pytest.mark.parametrize("value", [[], ["T0KEN"], "T0KEN", 7, ["slack://a b"], [7]])
def test_what_is_no_list_of_addresses_is_refused_without_being_shown(value: Any, study: Path, turkctl: Run) -> None:
    configure(study, urls=value)
    finished = turkctl("config", "show")
    assert finished.code == 2
    assert "notify.urls: the value is not a list of addresses such as" in finished.err
    assert "T0KEN" not in finished.err


def test_addresses_are_not_written_by_a_command_and_a_file_with_them_is_private(study: Path, turkctl: Run) -> None:
    refused = turkctl("config", "set", "notify.urls", ADDRESS)
    assert (refused.code, "TURKCTL_NOTIFY_URLS" in refused.err, "T0KEN" in refused.err) == (2, True, False)
    configure(study, urls=[ADDRESS])
    (study / "turkctl.toml").chmod(0o644)
    assert "run: chmod 600" in turkctl("hits", "list").err
