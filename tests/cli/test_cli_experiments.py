"""experiments configure, list, show: files of every kind, all stored or none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_support import last_error

Run = Callable[..., Any]

GOOD = {
    "code_version": '"1"',
    "title": '"A title"',
    "description": '"A text"',
    "reward": '"0.10"',
    "external_url": '"https://example.org/"',
}


def table(slug: str = "stroop", more: str = "", **changed: str | None) -> str:
    """The table of a good experiment, but for what is changed or (None) left out."""
    values = {**GOOD, **changed}
    lines = [f"{key} = {value}" for key, value in values.items() if value is not None]
    return "\n".join([f"[experiments.{slug}]", *lines, more, ""])


def write(folder: Path, text: str) -> Path:
    """Writes the project file."""
    path = folder / "turkctl.toml"
    path.write_text(text, encoding="utf-8")
    return path


def configure(turkctl: Run, *argv: str) -> list[dict[str, Any]]:
    """What experiments configure reports."""
    finished = turkctl("experiments", "configure", "--json", *argv)
    assert finished.code == 0, finished.err
    found: list[dict[str, Any]] = json.loads(finished.out)
    return found


def test_configuring_reports_what_it_made_changed_and_left(folder: Path, turkctl: Run) -> None:
    path = write(folder, table())
    assert configure(turkctl) == [
        {
            "experiment": "stroop",
            "variant": None,
            "qualification": None,
            "status": "created",
            "codeversion": "1",
            "changes": {},
            "source": str(path),
        }
    ]
    assert [row["status"] for row in configure(turkctl)] == ["unchanged"]
    write(folder, table(reward='"0.20"'))
    [row] = configure(turkctl)
    assert (row["status"], row["changes"]) == ("changed", {"reward": {"old": "0.10", "new": "0.20"}})
    write(folder, "")
    assert [(row["experiment"], row["status"]) for row in configure(turkctl)] == [("stroop", "removed")]
    assert configure(turkctl) == []


def test_a_dry_run_stores_nothing(folder: Path, turkctl: Run) -> None:
    write(folder, table())
    assert [row["status"] for row in configure(turkctl, "--dry-run")] == ["created"]
    assert turkctl("experiments", "list", "--json").out == "[]\n"


def test_one_bad_experiment_keeps_all_from_being_stored(folder: Path, turkctl: Run) -> None:
    write(folder, table("good") + table("bad", reward='"x"'))
    assert turkctl("experiments", "configure").code == 2
    assert turkctl("experiments", "list", "--json").out == "[]\n"


def test_experiments_are_found_in_folders_beside_the_project_file(folder: Path, turkctl: Run) -> None:
    write(folder, table("one"))
    (folder / "two").mkdir()
    (folder / "two" / "task.html").write_text("<p>Which colour?</p>", encoding="utf-8")
    text = table(external_url=None, html_template='"task.html"').split("\n", 1)[1]
    (folder / "two" / "experiment.toml").write_text(text, encoding="utf-8")
    assert [row["experiment"] for row in configure(turkctl)] == ["one", "two"]
    listed = json.loads(turkctl("experiments", "list", "--json").out)
    assert {"experiment", "codeversion", "title", "reward", "hits", "active", "version"} <= set(listed[0])
    assert turkctl("hits", "create", "--assignments", "1", "--experiment", "two").code == 0


def test_named_paths_leave_the_others_alone_unless_pruned(folder: Path, turkctl: Run) -> None:
    write(folder, table("one"))
    (folder / "two").mkdir()
    (folder / "two" / "experiment.toml").write_text(table().split("\n", 1)[1], encoding="utf-8")
    configure(turkctl)
    assert [(row["experiment"], row["status"]) for row in configure(turkctl, "two")] == [("two", "unchanged")]
    assert [(row["experiment"], row["status"]) for row in configure(turkctl, "two", "--prune")] == [
        ("two", "unchanged"),
        ("one", "removed"),
    ]


def test_the_same_name_twice_is_refused_and_both_places_are_named(folder: Path, turkctl: Run) -> None:
    write(folder, table("one"))
    (folder / "one").mkdir()
    (folder / "one" / "experiment.toml").write_text(table().split("\n", 1)[1], encoding="utf-8")
    finished = turkctl("experiments", "configure")
    assert finished.code == 2
    assert "turkctl.toml:1" in finished.err
    assert "one/experiment.toml:1" in finished.err


def test_show_tells_settings_history_and_numbers(folder: Path, turkctl: Run) -> None:
    write(folder, table())
    configure(turkctl)
    write(folder, table(code_version='"2"'))
    configure(turkctl)
    turkctl("hits", "create", "--assignments", "1", "--hits", "2")
    shown = json.loads(turkctl("experiment", "show", "stroop", "--json").out)
    assert [old["codeversion"] for old in shown["history"]] == ["2", "1"] or [
        old["codeversion"] for old in shown["history"]
    ] == ["1", "2"]
    assert (shown["hits"], shown["hits_by_status"], shown["codeversion"]) == (2, {"Assignable": 2}, "2")
    assert shown["settings"]["reward"] == "0.10"


def test_show_of_an_unknown_experiment_is_exit_2(folder: Path, turkctl: Run) -> None:
    finished = turkctl("experiments", "show", "nope")
    assert (finished.code, finished.out) == (2, "")


def test_words_in_any_script_and_long_texts_go_through(folder: Path, turkctl: Run) -> None:
    title = "Wörter färben 色 🎨"
    write(folder, table(title=f'"{title}"', description='"""Two\nlines"""', keywords='"farbe, 色 , ,x"'))
    configure(turkctl)
    created = json.loads(turkctl("hits", "create", "--assignments", "1", "--json").out)
    shown = json.loads(turkctl("hits", "show", created["results"][0]["id"], "--json").out)
    assert (shown["title"], shown["keywords"]) == (title, ["farbe", "色", "x"])
    assert title in turkctl("hits", "list", "-o", "jsonl").out


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("mode =", 1, "not valid TOML"),
        ("a = 1\na = 2", 2, "not valid TOML"),
        ("mod = 'local'", 1, "unknown key 'mod'; did you mean 'mode'?"),
        ("\n\nmode = 3", 3, "mode: 3 is not one of local, sandbox, live"),
        ("market = 3", 1, "'market' is a section"),
        ("[market]\nlatency = nan", 2, "market.latency: nan is not a number"),
        ("[market]\nlatncy = 1", 2, "did you mean 'market.latency'?"),
        ("experiments = 3", 1, "must have a table for each experiment"),
        ("[experiments]\nx = 3", 2, "must have a table for each experiment"),
        ("[[experiments.x]]\n", 1, "must have a table for each experiment"),
        (table("Big"), 1, "'Big' is not a valid name of an experiment"),
        (table('"a b"'), 1, "'a b' is not a valid name of an experiment"),
        (table('"../up"'), 1, "'../up' is not a valid name of an experiment"),
        (table('""'), 1, "'' is not a valid name of an experiment"),
        (table('"' + "x" * 64 + '"'), 1, "is not a valid name of an experiment"),
        (table(titel='"x"'), 7, "unknown key 'titel'; did you mean 'title'?"),
        (table(title=None), 1, "'title' is missing"),
        (table(title='""'), 3, "title: "),
        (table(title='" "'), 3, "title: is empty"),
        (table(title=r'"a\u0000b"'), 3, "title: contains a control character"),
        (table(title=r'"a\nb"'), 3, "title: contains a control character"),
        (table(title='"' + "x" * 129 + '"'), 3, "title: "),
        (table(code_version=r'"1\u202e0"'), 2, "code_version: contains a character that is invisible"),
        (table(code_version="1.0"), 2, "code_version: write a text, in quotes"),
        (table(reward="0.1"), 5, "reward: write money as a text"),
        (table(reward='"-1"'), 5, "reward: '-1' is not an amount of money"),
        (table(duration='"1s"'), 7, "duration: must be between 30s and 365d"),
        (table(duration="true"), 7, "duration: write a duration"),
        (table(lifetime="99999999999999999999"), 7, "lifetime: "),
        (table(auto_approval_delay='"31d"'), 7, "auto_approval_delay: must be between 0s and 30d"),
        (table(keywords="[1]"), 7, "keywords: write a text, in quotes"),
        (table(keywords='"' + "x" * 1001 + '"'), 7, "keywords: must have at most 1,000 characters"),
        (table(frame_height="-1"), 7, "frame_height: "),
        (table(frame_height='"x"'), 7, "frame_height: write a whole number"),
        (table(external_url='"http://example.org"'), 6, "external_url: must begin with https://"),
        (table(external_url='"https://example.org/a b"'), 6, "external_url: contains a blank"),
        (table(external_url='"https://"'), 6, "external_url: must begin"),
        (table(external_url='"https://[x"'), 6, "external_url: has no host"),
        (table(external_url='"https://:80/t"'), 6, "external_url: has no host"),
        (table(external_url='"https://example.org:99999/t"'), 6, "external_url: has no host"),
        (table(html_template='"t.html"'), 1, "give exactly one of external_url, html_template"),
        (table(external_url=None, html_template='"nope.html"'), 6, "cannot read"),
        (table(external_url=None, html_template='"."'), 6, "cannot read"),
        (table(qualifications="3"), 7, "qualifications: write a table"),
        (table(qualifications="{ local = ['US'] }"), 7, "qualifications: local is not a key"),
        (table(qualifications="{ percent_approved = 101 }"), 7, "percent_approved: 101"),
        (table(limits="3"), 7, "limits: write a table"),
        (table(more="[experiments.stroop.limits]\nbudgt = '1'"), 8, "did you mean 'budget'?"),
        (table(more="[experiments.stroop.limits]\nbudget = 1"), 8, "limits.budget: write money as a text"),
        (table(more="[experiments.stroop.limits]\nmax_active_hits = 0"), 8, "limits.max_active_hits: "),
    ],
)
def test_a_bad_file_is_one_line_with_file_line_and_key(
    text: str, line: int, says: str, folder: Path, turkctl: Run
) -> None:
    path = write(folder, text)
    finished = turkctl("experiments", "configure")
    assert (finished.code, finished.out) == (2, "")
    assert f"{path}:{line}: " in finished.err
    assert says in finished.err
    assert finished.err.count("\n") == 1


@pytest.mark.parametrize("content", [b"\xff\xfe", b'title = "\xe9"'])
def test_a_file_that_is_not_utf_8_is_one_line(content: bytes, folder: Path, turkctl: Run) -> None:
    (folder / "turkctl.toml").write_bytes(content)
    for argv in (["experiments", "configure"], ["hits", "list"], ["config", "show"]):
        finished = turkctl(*argv)
        assert finished.code == 2
        assert "is not UTF-8 text" in finished.err


def test_a_template_that_is_too_long_is_refused(folder: Path, turkctl: Run) -> None:
    write(folder, table(external_url=None, html_template='"t.html"'))
    (folder / "t.html").write_text("x" * 60_001, encoding="utf-8")
    finished = turkctl("experiments", "configure")
    assert finished.code == 2
    assert "longer than 60,000 bytes" in finished.err


@pytest.mark.parametrize("name", ["nope", "nope.toml", "empty"])
def test_a_path_that_leads_nowhere_is_exit_2(name: str, folder: Path, turkctl: Run) -> None:
    (folder / "empty").mkdir()
    finished = turkctl("experiments", "configure", name)
    assert (finished.code, finished.out) == (2, "")
    assert name in finished.err


MORE = "[experiments.stroop.qualifications]\n"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (table(duration="30"), "30 what? write 30m or 30s, in quotes"),
        (table(lifetime='"1.5"'), "1.5 what? write 1.5m or 1.5s"),
        (table(duration='"soon"'), "write a number and its unit: 90s, 30m, 12h or 3d"),
        (table(duration="30m"), 'are the quotes missing? write duration = "30m"'),
        (table(code_version="1.0"), 'are the quotes missing? write code_version = "1.0"'),
        (table(reward="0.1"), 'are the quotes missing? write reward = "0.1"'),
        (table(reward='"1,5"'), "write dollars with at most two decimals, as in 0.50 or $0.50"),
        (table(title="Hello  # the title"), 'are the quotes missing? write title = "Hello"'),
        (table(title=None), "add title = … there, then run: turkctl experiments configure"),
        (table(titel='"x"'), "valid keys here: code_version, title, "),
        (table(more=f"{MORE}local = ['US']"), "valid here: locale, percent_approved, "),
        (table(more=f"{MORE}locale = ['Germany']"), 'write countries as "CA", states of the US as "US-NY"'),
        (table(more=f"{MORE}at_least = 3"), "write { trained = 80 }"),
        (table(not_after='["Big"]'), "use small letters, digits, - and _, at most 63 in total"),
        (table("Big"), "use small letters, digits, - and _, at most 63 in total"),
        (table(frame_height="-1"), "fix that line, then run: turkctl experiments configure"),
        ('[qualifications.a]\ndescription = "x"\nretry_delay = 5\n', "5 what? write 5m or 5s, in quotes"),
        ("mode = sandbox\n", 'are the quotes missing? write mode = "sandbox"'),
        ("[market.site]\ncorrect = 30\n", "30 what? write 30m or 30s"),
        ("[market]\nopening_balance = 5\n", 'are the quotes missing? write opening_balance = "5"'),
    ],
)
def test_a_mistake_in_settings_keeps_its_hint_in_the_line_and_in_json(
    text: str, hint: str, folder: Path, turkctl: Run
) -> None:
    write(folder, text)
    assert f"; {hint}" in turkctl("experiments", "configure").err
    assert last_error(turkctl("experiments", "configure", "--json").err)["hint"].startswith(hint)


def test_what_changed_is_a_table_of_words(folder: Path, turkctl: Run) -> None:
    path = write(folder, table())
    configure(turkctl)
    path.write_text(table(reward='"0.20"', title='"Name the colours"'), encoding="utf-8")
    finished = turkctl("experiments", "configure")
    assert "title changed" in finished.out
    assert "reward 0.10 -> 0.20" in finished.out
    assert "reward 0.10 -> 0.20" in turkctl("experiments", "show", "stroop").out
