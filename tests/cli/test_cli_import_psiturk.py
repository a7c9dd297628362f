from __future__ import annotations

import json
import sqlite3
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cli_support import last_error, listening
from databases import KINDS, new_database
from psiturk_study import CAMPAIGNS, CONFIG, JOBS, dump, fill, job_state, write_config

from turkctl.market.protocol.endpoint import Endpoint
from turkctl.market.service import Market
from turkctl.store.engine import parse_url
from turkctl.store.participants import participants_table

Run = Callable[..., Any]
IMPORT = ("db", "import-psiturk")

pytestmark = pytest.mark.usefixtures("outside")  # the import writes the project file


@pytest.fixture
def old(folder: Path) -> str:
    """The current folder holds a psiTurk study on SQLite; the address of its database."""
    url = f"sqlite:///{folder / 'participants.db'}"
    fill(url)
    write_config(folder)
    return url


@pytest.fixture(params=KINDS)
def anywhere(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """A psiTurk study on either database; its address, which the configuration has too."""
    with new_database(request.param, folder) as url:
        fill(url)
        write_config(folder, url.replace("postgresql+psycopg", "postgresql"))
        yield url


@pytest.fixture
def postgres(folder: Path) -> Iterator[str]:
    """The address of an empty PostgreSQL database."""
    with new_database("postgres", folder) as url:
        yield url


def rows(finished: Any) -> list[dict[str, Any]]:
    assert finished.code == 0, finished.err
    found: list[dict[str, Any]] = json.loads(finished.out)
    return found


def status(report: list[dict[str, Any]], what: str, source: str | None) -> str:
    found = [row for row in report if row["what"] == what and row["from"] == source]
    assert len(found) == 1, found
    assert list(found[0]) == ["what", "from", "to", "status", "detail"]
    return str(found[0]["status"])


def change(url: str, statement: Any) -> None:
    from sqlalchemy import create_engine

    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(statement)
    engine.dispose()


def test_a_psiturk_study_becomes_a_project_and_its_tables_stay_as_they_were(
    anywhere: str, turkctl: Run, folder: Path
) -> None:
    before = dump(anywhere)
    report = rows(turkctl(*IMPORT, "--config", "config.txt", "--json"))
    assert dump(anywhere) == before
    assert status(report, "experiment", None) == "taken"
    assert [status(report, "campaign", number) for number in "12"] == ["taken", "taken"]
    assert status(report, "task", "approve_all") == "taken"
    assert status(report, "task", "campaign-2") == "skipped"
    assert status(report, "setting", "num_conds") == "skipped"
    campaigns = rows(turkctl("campaigns", "list", "--json"))
    assert [(each["status"], each["goal"], each["mode"], each["created"]) for each in campaigns] == [
        ("met", 4, "live", "2026-08-01T10:00:00.000005Z"),
        ("cancelled", 40, "live", "2026-09-01T10:00:00Z"),
    ]
    (task,) = rows(turkctl("tasks", "list", "--json"))
    assert (task["name"], task["kind"], task["every"], task["paused"]) == ("approve-all", "approve-all", "1h", True)
    assert len(rows(turkctl("participants", "list", "--json"))) == 6
    experiment = tomllib.loads((folder / "turkctl.toml").read_text())["experiments"]["stroop-task"]
    assert experiment == {
        "code_version": "1.0",
        "title": "Stroop task",
        "description": "Judge the colour of words; 100% fun.",
        "keywords": ["Perception", "Psychology"],
        "lifetime": "24h",
        "qualifications": {"locale": ["US"], "percent_approved": 95},
        "external_url": "https://stroop.example.org/pub",
        "reward": "0.75",
        "duration": "30m",
    }
    assert dump(anywhere) == before


def test_past_campaigns_keep_what_psiturk_counted(anywhere: str, turkctl: Run) -> None:
    rows(turkctl(*IMPORT, "--json"))

    def told() -> list[tuple[Any, ...]]:
        found = rows(turkctl("campaigns", "list", "--json"))
        return [(each["completed"], each["goal"], each["outstanding"], each["spent"]) for each in found]

    assert told() == [(4, 4, 0, None), (4, 40, 0, None)]
    change(anywhere, participants_table("people").update().values(status=4))
    assert told() == [(4, 4, 0, None), (4, 40, 0, None)]


def test_a_campaign_that_met_its_goal_leaves_later_people_to_later_campaigns(old: str, turkctl: Run) -> None:
    change(old, CAMPAIGNS.update().where(CAMPAIGNS.c.id == 1).values(goal=3))
    rows(turkctl(*IMPORT, "--json"))
    found = rows(turkctl("campaigns", "list", "--json"))
    assert [(each["status"], each["completed"], each["goal"]) for each in found] == [
        ("met", 3, 3),
        ("cancelled", 4, 40),
    ]


def test_a_bonus_that_is_set_changes_that_one_value_of_psiturks_tables(anywhere: str, turkctl: Run) -> None:
    rows(turkctl(*IMPORT, "--json"))
    before = dump(anywhere)
    assert turkctl("participants", "set", "3A1", "--bonus", "1.50").code == 0
    after = dump(anywhere)
    changed = [
        (name, was, now)
        for name in before
        for old_row, new_row in zip(before[name], after[name], strict=True)
        for was, now in zip(old_row, new_row, strict=True)
        if was != now
    ]
    assert changed == [("people", 0.25, 1.5)]


def test_mysql_gets_a_project_file_and_no_tables(turkctl: Run, folder: Path) -> None:
    write_config(folder, "mysql+pymysql://lab:hush@127.0.0.1:1/study")
    report = rows(turkctl(*IMPORT, "--json"))
    assert status(report, "database", "mysql+pymysql://lab:***@127.0.0.1:1/study") == "skipped"
    assert {row["what"] for row in report} == {"setting", "database"}
    assert (
        tomllib.loads((folder / "turkctl.toml").read_text())["database_url"] == "mysql+pymysql://lab@127.0.0.1:1/study"
    )


def test_importing_again_changes_nothing_more(anywhere: str, turkctl: Run, folder: Path) -> None:
    rows(turkctl(*IMPORT, "--json"))
    file = (folder / "turkctl.toml").read_bytes()
    turkctl("tasks", "delete", "approve-all")
    before = [turkctl(*command, "--json").out for command in (("campaigns", "list"), ("tasks", "list"))]
    again = rows(turkctl(*IMPORT, "--json"))
    assert {row["status"] for row in again} <= {"kept", "skipped"}
    assert (folder / "turkctl.toml").read_bytes() == file
    assert [turkctl(*command, "--json").out for command in (("campaigns", "list"), ("tasks", "list"))] == before


def test_a_dry_run_says_the_same_and_writes_nothing(old: str, turkctl: Run, folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    planned = rows(turkctl(*IMPORT, "--dry-run", "--json"))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    done = rows(turkctl(*IMPORT, "--json"))
    assert [row for row in planned if row["what"] == "setting"] == [row for row in done if row["what"] == "setting"]
    key = ("what", "from", "status")
    without_hits = [[[row[name] for name in key] for row in each if row["what"] != "hit"] for each in (planned, done)]
    assert without_hits[0] == without_hits[1]
    assert {row["status"] for row in rows(turkctl(*IMPORT, "--dry-run", "--json"))} == {"kept", "skipped", "taken"}


def test_no_password_or_key_is_copied_or_shown(old: str, turkctl: Run, folder: Path) -> None:
    write_config(folder, "postgresql://lab:hush-db@127.0.0.1:1/study")
    shown = [turkctl(*IMPORT, *flags, "--json") for flags in ((), ("--database-url", old))]
    written = (folder / "turkctl.toml").read_text()
    for text in (written, *(finished.out + finished.err for finished in shown)):
        assert "hush" not in text
        assert "AKIAHUSH" not in text
    assert 'database_url = "sqlite:///participants.db"' in written


DASHBOARD = "host = 0.0.0.0\nenable_dashboard = {}\nlogin_username = {}\n"


def with_dashboard(folder: Path, enabled: str, name: str) -> None:
    path = folder / "config.txt"
    path.write_text(path.read_text().replace("host = 0.0.0.0\n", DASHBOARD.format(enabled, name)), encoding="utf-8")


@pytest.mark.parametrize(("enabled", "value"), [("true", True), ("On", True), ("0", False)])
def test_the_dashboard_is_taken_over_without_its_password_and_key_and_the_report_says_what_is_left(
    enabled: str, value: bool, old: str, turkctl: Run, folder: Path
) -> None:
    with_dashboard(folder, enabled, "Prof. Lab")
    report = rows(turkctl(*IMPORT, "--json"))
    assert tomllib.loads((folder / "turkctl.toml").read_text())["dashboard"] == {
        "enable": value,
        "login_username": "Prof. Lab",
    }
    assert turkctl("config", "get", "dashboard.login_username").out == "Prof. Lab\n"
    told = {row["from"]: row for row in report}
    assert (told["enable_dashboard"]["status"], told["enable_dashboard"]["to"]) == ("taken", "dashboard.enable")
    assert ("turkctl dashboard hash-password" in told["enable_dashboard"]["detail"]) is value
    assert told["login_username"]["to"] == "dashboard.login_username"
    for key in ("login_username", "login_pw"):
        assert "turkctl dashboard hash-password" in told[key]["detail"]
    assert "dashboard.secret_key" in told["secret_key"]["detail"]
    assert [told[key]["status"] for key in ("login_username", "login_pw", "secret_key")] == ["taken", *["skipped"] * 2]
    assert "hush" not in (folder / "turkctl.toml").read_text() + json.dumps(report)


def test_a_dashboard_that_cannot_be_taken_over_is_skipped_with_the_reason(old: str, turkctl: Run, folder: Path) -> None:
    with_dashboard(folder, "perhaps", "a:b")
    report = {row["from"]: row for row in rows(turkctl(*IMPORT, "--json"))}
    assert (report["enable_dashboard"]["status"], report["enable_dashboard"]["detail"]) == (
        "skipped",
        "'perhaps' is invalid",
    )
    assert (report["login_username"]["status"], report["login_username"]["detail"]) == (
        "skipped",
        "a login name has no colon and no slash",
    )
    assert "dashboard" not in tomllib.loads((folder / "turkctl.toml").read_text())


def test_a_login_name_and_people_of_turkctl_s_own_are_kept(old: str, turkctl: Run, folder: Path) -> None:
    with_dashboard(folder, "true", "lab")
    hashed = "$argon2id$v=19$m=19456,t=3,p=1$c29tZSByYW5kb20gc2E$c29tZSByYW5kb20gc29tZSByYW5kb20gc29tZSE"
    mine = '[dashboard]\nlogin_username = "me"  # mine\n\n[dashboard.users.anna]\nrole = "view"\n'
    mine += f'password_hash = "{hashed}"\n'
    (folder / "turkctl.toml").write_text(mine)
    report = {row["from"]: row for row in rows(turkctl(*IMPORT, "--json"))}
    assert report["login_username"]["detail"] == "kept yours, 'me'; psiTurk has 'lab'"
    assert tomllib.loads((folder / "turkctl.toml").read_text())["dashboard"] == {
        "login_username": "me",
        "enable": True,
        "users": {"anna": {"role": "view", "password_hash": hashed}},
    }
    assert 'login_username = "me"  # mine' in (folder / "turkctl.toml").read_text()


def test_the_address_of_a_server_is_written_without_its_password_and_used_with_it(
    postgres: str, turkctl: Run, folder: Path
) -> None:
    url = parse_url(postgres).set(password="hush")  # a server that trusts this host does not look at it
    fill(postgres)
    write_config(folder, url.render_as_string(hide_password=False))
    for _ in range(2):
        finished = turkctl(*IMPORT, "--json")
        assert finished.code == 0, finished.err
        assert "hush" not in finished.out
    written = tomllib.loads((folder / "turkctl.toml").read_text())["database_url"]
    assert written == url.render_as_string(hide_password=False).replace(":hush@", "@")
    assert turkctl("participants", "count").out == "6\n"


def test_the_journal_of_psiturks_file_stays_as_it_is(old: str, turkctl: Run, folder: Path) -> None:
    rows(turkctl(*IMPORT, "--json"))
    connection = sqlite3.connect(folder / "participants.db")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    connection.close()


def test_what_the_project_file_says_is_kept_with_its_comments(old: str, turkctl: Run, folder: Path) -> None:
    mine = '# mine\nmode = "sandbox"  # for now\n\n[experiments.stroop-task]\nreward = "2.00" # fair\n'
    (folder / "turkctl.toml").write_text(mine)
    report = rows(turkctl(*IMPORT, "--json"))
    kept = {row["to"]: row["detail"] for row in report if row["status"] == "kept" and row["what"] == "setting"}
    assert kept == {
        "mode": "kept yours, 'sandbox'; psiTurk has 'live'",
        "experiments.stroop-task.reward": "kept yours, '2.00'; psiTurk has '0.75'",
    }
    text = (folder / "turkctl.toml").read_text()
    assert all(line in text for line in mine.splitlines())
    assert tomllib.loads(text)["participants_source"] == "psiturk"


def test_an_import_that_was_cut_short_is_completed_by_the_next(
    old: str, turkctl: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from turkctl.store import psiturk

    remembered: list[str] = []
    remember = psiturk.remember

    def dying(session: Any, theirs: str, ours: str) -> None:
        remember(session, theirs, ours)
        remembered.append(theirs)
        if len(remembered) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(psiturk, "remember", dying)
    assert turkctl(*IMPORT).code == 130
    report = rows(turkctl(*IMPORT, "--json"))
    assert [status(report, "campaign", number) for number in "12"] == ["taken", "taken"]
    assert len(rows(turkctl("campaigns", "list", "--json"))) == 2


def test_campaigns_wait_until_the_experiment_is_whole(old: str, turkctl: Run, folder: Path) -> None:
    path = folder / "config.txt"
    path.write_text(path.read_text().replace("ad_url_domain = stroop.example.org\n", ""))
    report = rows(turkctl(*IMPORT, "--json"))
    assert [status(report, "experiment", None), status(report, "campaign", "1")] == ["skipped", "skipped"]
    with (folder / "turkctl.toml").open("a") as file:
        file.write('external_url = "https://stroop.example.org/pub"\n')
    report = rows(turkctl(*IMPORT, "--json"))
    assert [status(report, "experiment", None), status(report, "campaign", "1")] == ["taken", "taken"]


def test_rows_that_cannot_be_meant_are_reported_and_left(old: str, turkctl: Run, folder: Path) -> None:
    change(old, CAMPAIGNS.update().where(CAMPAIGNS.c.id == 1).values(mode="debug"))
    change(old, CAMPAIGNS.update().where(CAMPAIGNS.c.id == 2).values(goal=-1))
    states = {"hostile": b"cos\nsystem\n(S'touch owned'\ntR.", "own": job_state("mine:run", ()), "none": b""}
    for name, state in states.items():
        change(old, JOBS.insert().values(id=name, job_state=state))
    report = rows(turkctl(*IMPORT, "--json"))
    details = {row["from"]: row["detail"] for row in report if row["status"] == "skipped"}
    assert details["1"] == "its mode is 'debug'"
    assert details["2"] == "its goal is -1"
    assert "it asks for os.system, which was not run" in details["hostile"]
    assert "mine:run" in details["own"]
    assert "cannot be read" in details["none"]
    assert not (folder / "owned").exists()


def test_a_participants_table_that_is_not_there_or_lacks_columns_is_exit_2(
    old: str, turkctl: Run, folder: Path
) -> None:
    path = folder / "config.txt"
    path.write_text(path.read_text().replace("table_name = people", "table_name = nobody"))
    missing = turkctl(*IMPORT, "--json")
    assert (missing.code, "no participants table 'nobody'" in missing.err) == (2, True)
    path.write_text(path.read_text().replace("table_name = nobody", "table_name = amt_hit"))
    lacking = turkctl(*IMPORT, "--json")
    assert (lacking.code, "lacks psiTurk's column uniqueid" in lacking.err) == (2, True)
    assert not (folder / "turkctl.toml").exists()


def test_each_value_that_an_experiment_cannot_have_is_skipped_alone(turkctl: Run, folder: Path) -> None:
    fill(f"sqlite:///{folder / 'participants.db'}")
    (folder / "config.txt").write_text(
        "PSITURK_TITLE = 'Half of %(nothing)s, 50% off'\nPSITURK_US_ONLY = false\nTABLE_NAME = people\n"
        "approve_requirement = 200\nrequire_quals = 3ABC, 3DEF\nlifetime = soon\nquestion_url = http://x.example.org\n"
        "using_sandbox = False\nodd_key = 1\n"
    )
    report = rows(turkctl(*IMPORT, "--experiment", "half", "--json"))
    skipped = {row["from"]: row["detail"] for row in report if row["status"] == "skipped" and row["from"]}
    assert "200" in skipped["approve_requirement"]
    assert skipped["lifetime"] == "'soon' is invalid"
    assert "https://" in skipped["ad_url"]
    assert skipped["odd_key"] == "turkctl has nothing like it"
    document = tomllib.loads((folder / "turkctl.toml").read_text())
    assert document["mode"] == "live"
    assert document["experiments"]["half"] == {
        "title": "Half of %(nothing)s, 50% off",
        "qualifications": {"custom": [{"type": word, "comparator": "Exists"} for word in ("3ABC", "3DEF")]},
        "reward": "0.75",
        "duration": "30m",
        "code_version": "1.0",  # of the participants: the file names none
    }


def row_on(url: str, hit_id: str, mode: str | None) -> None:
    """A HIT with a participant who has neither a code version nor, perhaps, a mode."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as plain:
        plain.execute("INSERT OR IGNORE INTO amt_hit (hitid) VALUES (?)", [hit_id])
        row = (f"X{hit_id}:Y", "Y", f"X{hit_id}", hit_id, mode)
        names = "uniqueid, assignmentid, workerid, hitid, mode"
        plain.execute(f"INSERT INTO people ({names}) VALUES (?, ?, ?, ?, ?)", row)
        plain.commit()


def test_hits_that_the_market_still_knows_become_ours(
    folder: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    market = Market(f"sqlite:///{tmp_path / 'served.db'}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATESTONE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with listening(Endpoint(market)) as url:
        (folder / "turkctl.toml").write_text(f'[endpoints]\nsandbox = "{url}/sandbox"\n')
        other = folder / "other"
        other.mkdir()
        experiment = 'code_version = "9"\ntitle = "t"\ndescription = "d"\nreward = "0.50"\n'
        experiment += 'external_url = "https://lab.example.org/pub"\n'
        (other / "turkctl.toml").write_text(f'[endpoints]\nsandbox = "{url}/sandbox"\n[experiments.t]\n{experiment}')
        elsewhere = ("--config", "other/turkctl.toml", "--mode", "sandbox")
        assert turkctl("experiments", "configure", *elsewhere).code == 0
        posted = json.loads(turkctl("hits", "create", "--assignments", "3", *elsewhere, "--json").out)
        hit_id = posted["results"][0]["id"]
        address = f"sqlite:///{folder / 'participants.db'}"
        fill(address, (hit_id, "3GONE"), mode="sandbox")
        row_on(address, hit_id, mode=None)
        row_on(address, "3TRIED", mode="debug")
        write_config(folder).write_text(CONFIG.format(url="sqlite:///participants.db").replace("= live", "= sandbox"))
        before = dump(address)
        report = rows(turkctl(*IMPORT, "--json"))
        assert status(report, "hit", hit_id) == "taken"
        assert status(report, "hit", "3GONE") == "skipped"
        assert "never on the market" in next(row["detail"] for row in report if row["from"] == "3TRIED")
        (listed,) = rows(turkctl("hits", "list", "--json"))
        assert (listed["hit_id"], listed["experiment"], listed["codeversion"]) == (hit_id, "stroop-task", "1.0")
        assert listed["available"] == 3
        assert status(rows(turkctl(*IMPORT, "--json")), "hit", hit_id) == "kept"
        assert dump(address) == before
    market.close()


@pytest.mark.parametrize("where", ["after", "before", "own name"])
def test_the_file_may_be_named_in_any_of_these_ways(where: str, old: str, turkctl: Run, folder: Path) -> None:
    (folder / "config.txt").rename(folder / "study.ini")
    argv = {
        "after": (*IMPORT, "--config", "study.ini"),
        "before": ("--config", "study.ini", *IMPORT),
        "own name": (*IMPORT, "--psiturk-config", "study.ini"),
    }[where]
    assert status(rows(turkctl(*argv, "--json")), "experiment", None) == "taken"


def test_a_toml_file_is_the_project_file_as_everywhere(old: str, turkctl: Run, folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "turkctl.toml").write_text("# here\n")
    finished = turkctl(*IMPORT, "--config", "sub/turkctl.toml", "--config", "config.txt", "--json")
    assert status(rows(finished), "experiment", None) == "taken"
    assert tomllib.loads((folder / "sub" / "turkctl.toml").read_text())["database_url"] == old
    assert not (folder / "turkctl.toml").exists()


@pytest.mark.parametrize(
    ("config", "code", "says"),
    [
        (None, 2, "there is no psiTurk configuration"),
        ("nothing of the kind", 2, "has no settings of psiTurk's"),
        ("[Other]\na = 1\n", 2, "has no settings of psiTurk's"),
        ("title = x\ndatabase_url = sqlite:///nowhere.db\n", 4, "there is no database"),
        ("title = x\ndatabase_url = nonsense\n", 2, "address"),
        ("title = x\ndatabase_url = postgresql://lab:hush@127.0.0.1:1/x\n", 4, "cannot be reached"),
    ],
)
def test_bad_files_and_databases_out_of_reach_leave_nothing_behind(
    config: str | None, code: int, says: str, turkctl: Run, folder: Path
) -> None:
    if config is not None:
        (folder / "config.txt").write_text(config)
    before = sorted(folder.iterdir())
    finished = turkctl(*IMPORT, "--json")
    assert finished.code == code, finished.err
    assert says in last_error(finished.err)["message"]
    assert "hush" not in finished.err
    assert sorted(folder.iterdir()) == before


def test_a_database_of_a_newer_turkctl_is_refused_before_anything_is_written(
    old: str, turkctl: Run, folder: Path
) -> None:
    assert turkctl("db", "upgrade", "--database-url", old).code == 0
    connection = sqlite3.connect(folder / "participants.db")
    connection.execute("UPDATE turkctl_alembic_version SET version_num = '0999'")
    connection.commit()
    connection.close()
    finished = turkctl(*IMPORT)
    assert finished.code == 2
    assert "newer turkctl" in finished.err
    assert not (folder / "turkctl.toml").exists()


def test_an_import_leaves_a_line_in_the_log_and_one_that_finds_nothing_new_leaves_none(old: str, turkctl: Run) -> None:
    for _ in range(2):
        assert turkctl(*IMPORT).code == 0
        (line,) = rows(turkctl("log", "--all-modes", "--json"))
        assert (line["act"], line["command"], line["experiments"]) == (
            "db import-psiturk",
            "turkctl db import-psiturk",
            ["stroop-task"],
        )
        assert line["outcome"].startswith("taken over from psiTurk: 1 experiment, 2 campaigns, 1 task")
