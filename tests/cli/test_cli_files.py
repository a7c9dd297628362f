"""No command writes over a database, a settings file, a key, or what it reads."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from devices import device

Run = Callable[..., Any]

LABELS = "item,worker,label\na,w1,1\na,w2,1\nb,w1,0\nb,w2,0\nc,w1,1\nc,w2,0\n"

WRITERS = {
    "preview": ["experiments", "preview", "stroop", "--file"],
    "payments": ["workers", "payments", "export", "--file"],
    "labels": ["labels", "export", "--format", "csv", "--file"],
    "participants": ["participants", "export", "--data", "trial", "--format", "csv", "--file"],
    "report": ["labels", "aggregate", "labels.csv", "--min-votes", "1", "--report"],
}
"""Every command that writes a file which the user names, up to the name."""
WORKERS = ["labels", "aggregate", "labels.csv", "--min-votes", "1", "--workers"]


@pytest.fixture
def precious(configured: Path) -> Path:
    """A study with everything in it that no output may replace."""
    (configured / "labels.csv").write_text(LABELS, encoding="utf-8")
    (configured / "keys.toml").write_text('AKIAONE = "secret"\n', encoding="utf-8")
    (configured / "people.key").write_text("0a" * 32 + "\n", encoding="utf-8")
    (configured / "later").mkdir()
    (configured / "later" / "experiment.toml").write_text("# later\n", encoding="utf-8")
    with (configured / "turkctl.toml").open("a", encoding="utf-8") as file:
        file.write('\n[market]\nkeys = "keys.toml"\n')
    (configured / "link.csv").symlink_to("turkctl.db")
    return configured


def contents(folder: Path) -> dict[str, bytes]:
    """What is in each file, aside from turkctl's note and what SQLite keeps beside a database while it is open."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(("-wal", "-shm")))
    content = {str(path.relative_to(folder)): path.read_bytes() for path in files}
    return {name: data for name, data in content.items() if not name.startswith(".turkctl/")}


@pytest.mark.parametrize("command", WRITERS)
@pytest.mark.parametrize(
    "name",
    [
        "turkctl.db",
        "turkctl-market.db",
        "turkctl.db-wal",
        "link.csv",
        "turkctl.toml",
        "later/experiment.toml",
        "keys.toml",
        "people.key",
    ],
)
def test_no_command_replaces_what_a_study_lives_on(precious: Path, turkctl: Run, command: str, name: str) -> None:
    before = contents(precious)
    finished = turkctl(*WRITERS[command], name)
    assert finished.code == 2, finished.out
    assert "is not replaced; give another file with --" in finished.err
    assert contents(precious) == before


KEYS = {
    "one that turkctl made": b"0a" * 32 + b"\n",
    "a word that somebody chose": b"Z3Jvc3NlLWdlaGVpbW5pc3Nl+/==",
    "sixteen characters": b"k3y-of-the-study",
    "random bytes": bytes(range(200, 232)),
    "keys of a market": b'# ours\nAKIAONE = "secret"\nAKIATWO = { secret = "s", account = "AKIAONE" }\n',
    "credentials": b"[default]\naws_access_key_id = A\naws_secret_access_key = s\n",
    "settings under another name": b'mode = "live"\n[experiments.a]\ntitle = "t"\n',
}


@pytest.mark.parametrize("content", KEYS.values(), ids=KEYS.keys())
def test_a_key_that_no_setting_names_is_known_by_what_it_holds(configured: Path, turkctl: Run, content: bytes) -> None:
    (configured / "out.csv").write_bytes(content)
    finished = turkctl(*WRITERS["payments"], "out.csv")
    assert (finished.code, "is not replaced" in finished.err) == (2, True), finished.err
    assert (configured / "out.csv").read_bytes() == content


@pytest.mark.parametrize(
    "content",
    [b"", b"worker_id\nA1\n", b"participant_unique_id\n", b"a,b\n1,2\n", b'{"a": 1}\n', b"<p>x</p>", b"PAR1\x15"],
)
def test_an_earlier_result_is_replaced(configured: Path, turkctl: Run, content: bytes) -> None:
    (configured / "out.csv").write_bytes(content)
    assert turkctl(*WRITERS["payments"], "out.csv").code == 0


@pytest.mark.parametrize("name", ["workers.csv", "turkctl.csv"])
def test_a_table_of_workers_replaces_no_database_whatever_its_name(precious: Path, turkctl: Run, name: str) -> None:
    (precious / name).symlink_to("turkctl.db")
    before = contents(precious)
    finished = turkctl(*WORKERS, name)
    assert (finished.code, "not replaced; give another file with --workers" in finished.err) == (2, True)
    assert contents(precious) == before


@pytest.mark.parametrize("flag", ["--report", "--workers"])
def test_what_is_read_is_not_replaced(precious: Path, turkctl: Run, flag: str) -> None:
    (precious / "gold.csv").write_text("item,label\na,1\n", encoding="utf-8")
    for name, what in (("labels.csv", "what is aggregated"), ("gold.csv", "the known answers")):
        finished = turkctl("labels", "aggregate", "labels.csv", "--min-votes", "1", "--gold", "gold.csv", flag, name)
        assert (finished.code, f"{name} is {what} and is not replaced" in finished.err) == (2, True), finished.err
    assert (precious / "labels.csv").read_text(encoding="utf-8") == LABELS


def test_a_report_and_a_table_of_workers_do_not_share_a_file(precious: Path, turkctl: Run) -> None:
    finished = turkctl(*WORKERS, "x.csv", "--report", "./x.csv")
    assert (finished.code, (precious / "x.csv").exists()) == (2, False)


@pytest.mark.parametrize("place", ["task.html", "words/task.html"])
def test_a_preview_does_not_replace_the_template_it_is_made_of(study: Path, turkctl: Run, place: str) -> None:
    text = '<form action="/mturk/externalSubmit"><input name="assignmentId"><button>go</button></form>'
    (study / place).parent.mkdir(exist_ok=True)
    (study / place).write_text(text, encoding="utf-8")
    settings = (study / "turkctl.toml").read_text(encoding="utf-8")
    settings = settings.replace('external_url = "https://example.org/task"', 'html_template = "task.html"')
    if place == "task.html":
        (study / "turkctl.toml").write_text(settings, encoding="utf-8")
    else:
        (study / "turkctl.toml").write_text("", encoding="utf-8")
        (study / "words" / "experiment.toml").write_text(settings.partition("\n")[2], encoding="utf-8")
    assert turkctl("experiments", "configure").code == 0
    slug = "stroop" if place == "task.html" else "words"
    finished = turkctl("experiments", "preview", slug, "--file", place)
    what = f"the question of experiment {slug}" if place == "task.html" else "what the preview is made of"
    assert (finished.code, what in finished.err) == (2, True), finished.err
    if place == "task.html":
        other = turkctl("labels", "export", "--experiment", slug, "--format", "csv", "--file", place)
        assert (other.code, f"the question of experiment {slug}" in other.err) == (2, True), other.err
    assert (study / place).read_text(encoding="utf-8") == text
    assert turkctl("experiments", "preview", slug, "--file", "shown.html").code == 0
    assert "added by turkctl" in (study / "shown.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", [name for name in WRITERS if name != "report"])
@pytest.mark.parametrize("form", ["table", "json"])
def test_a_dash_is_standard_output_and_no_file(precious: Path, turkctl: Run, command: str, form: str) -> None:
    assert turkctl(*WRITERS[command], "out").code == 0
    finished = turkctl(*WRITERS[command], "-", "--output", form)
    assert (finished.code, finished.out) == (0, (precious / "out").read_text(encoding="utf-8")), finished.err
    assert not (precious / "-").exists()
    assert "- is standard output" in " ".join(turkctl(*WRITERS[command][:-1], "--help").out.split())


@pytest.mark.parametrize(
    "argv",
    [
        [*WRITERS["report"], "-"],
        [*WORKERS, "-"],
        [*WRITERS["preview"], "-", "--open"],
        [*WRITERS["participants"], "-", "--anonymize", "-"],
    ],
    ids=" ".join,
)
def test_a_dash_is_refused_where_standard_output_cannot_be(precious: Path, turkctl: Run, argv: list[str]) -> None:
    finished = turkctl(*argv)
    assert (finished.code, finished.out) == (2, "")
    assert "- is standard output, " in finished.err
    assert not (precious / "-").exists()


def test_an_export_does_not_replace_its_key_which_is_not_there_yet(precious: Path, turkctl: Run) -> None:
    finished = turkctl("participants", "export", "--data", "trial", "--file", "new.key", "--anonymize", "new.key")
    assert (finished.code, (precious / "new.key").exists()) == (2, False)


@pytest.mark.parametrize("command", [*WRITERS, "workers"])
def test_files_with_ids_are_for_their_owner_alone(precious: Path, turkctl: Run, command: str) -> None:
    argv = WRITERS.get(command, WORKERS)
    file = precious / "out.csv"
    file.touch(0o644)
    assert turkctl(*argv, "out.csv").code == 0
    assert stat.S_IMODE(file.stat().st_mode) == (0o644 if command == "preview" else 0o600)
    assert [path.name for path in precious.iterdir() if path.name.startswith(".turkctl-")] == []


@pytest.mark.parametrize("command", WRITERS)
def test_files_may_be_devices(precious: Path, turkctl: Run, command: str) -> None:
    null = device(precious, "null")
    assert turkctl(*WRITERS[command], str(null)).code == 0
    assert null.is_char_device()
