"""Collecting an archive: it can be ended at any request, and what the market refuses is listed."""

from __future__ import annotations

import json
import shutil
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from archive_support import HIT, REQUESTER, Account, ArchiveWorld, KilledError, contents, make_account

from turkctl.archive.files import write_files
from turkctl.archive.folder import DATABASE, LOCK, held, opened_archive
from turkctl.errors import (
    CredentialsError,
    ExitCode,
    InterruptedByUserError,
    MarketUnreachableError,
    NotFoundError,
    OutputError,
    RefusedError,
    SchemaError,
    UsageError,
    WrongMarketError,
)
from turkctl.market.errors import MarketError, RequestError
from turkctl.market.service import Market
from turkctl.operations.archive.reading import check, show


class AccessDeniedException(MarketError):
    type = "AccessDeniedException"
    capital = False


def refuse(world: ArchiveWorld, operation: str, error: Callable[[], MarketError]) -> None:
    """Let the market refuse an operation from now on."""

    def before(asked: str) -> None:
        if asked == operation:
            raise error()

    world.endpoint.before = before


def killed_at_each_request(market: Market, folder: Path, *, workers: int, before: bool) -> int:
    """Archive with a process that ends in the second request of each run; return the number of runs."""
    for run in count(1):
        world = ArchiveWorld(market, workers=workers)
        asked = count(1)

        def kill(_operation: str, asked: Any = asked) -> None:
            if next(asked) > 1:
                raise KilledError

        world.endpoint.before, world.endpoint.after = (kill, None) if before else (None, kill)
        try:
            report = world.collect(folder)
        except KilledError:
            continue
        assert report.exit_code == ExitCode.OK
        return run
    raise AssertionError


@pytest.mark.parametrize("before", [True, False])
def test_an_archive_killed_at_every_request_is_that_of_an_undisturbed_run(
    market: Market, account: Account, tmp_path: Path, before: bool
) -> None:
    runs = killed_at_each_request(market, tmp_path / "killed", workers=1, before=before)
    world = ArchiveWorld(market)
    world.collect(tmp_path / "whole")
    assert runs == sum(world.endpoint.requests.values())
    assert check(tmp_path / "killed").problems == []
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")
    assert show(tmp_path / "killed").items["assignments"] == len(account.assignments)


@pytest.mark.slow
def test_a_hundredth_of_a_large_account_survives_the_same(tmp_path: Path) -> None:
    market = Market(f"sqlite:///{tmp_path / 'source.db'}")
    account = make_account(market, 100, 9)
    runs = killed_at_each_request(market, tmp_path / "killed", workers=1, before=True)
    ArchiveWorld(market).collect(tmp_path / "whole")
    assert runs > 500
    assert check(tmp_path / "killed").problems == []
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")
    assert show(tmp_path / "killed").items["assignments"] == len(account.assignments)
    market.close()


def test_files_are_written_the_same_again(world: ArchiveWorld, tmp_path: Path) -> None:
    world.collect(tmp_path / "saved")
    for path in (tmp_path / "saved" / "raw").iterdir():
        assert path.read_bytes()[4:8] == bytes(4), "no time is in a compressed file"
    files = {path: path.read_bytes() for path in (tmp_path / "saved").rglob("*") if path.is_file()}
    with opened_archive(tmp_path / "saved", writable=True) as database:
        write_files(database)
    assert {path: path.read_bytes() for path in (tmp_path / "saved").rglob("*") if path.is_file()} == files


def test_the_folder_is_for_its_owner_only(world: ArchiveWorld, tmp_path: Path) -> None:
    (tmp_path / "saved").mkdir(mode=0o755)
    world.collect(tmp_path / "saved")
    for path in [tmp_path / "saved", *(tmp_path / "saved").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_raw_answers_are_kept_as_they_came(world: ArchiveWorld, tmp_path: Path) -> None:
    body = world.mturk.raw("ListHITs", {})
    world.collect(tmp_path / "saved")
    line = contents(tmp_path / "saved")["ListHITs.jsonl.gz"][0]
    assert json.dumps(line["answer"], separators=(",", ":"), ensure_ascii=False).encode() == body
    with pytest.raises(ValueError, match="more than read"):
        world.mturk.raw("DeleteHIT", {"HITId": "3A"})


@pytest.mark.parametrize("error", [AccessDeniedException, RequestError], ids=["credentials", "request"])
def test_what_the_market_refuses_is_listed_and_the_rest_is_saved(
    error: Any, market: Market, world: ArchiveWorld, account: Account, tmp_path: Path
) -> None:
    args = ("NotAuthorized", "no bonuses for you") if error is RequestError else ("no bonuses for you",)
    refuse(world, "ListBonusPayments", lambda: error(*args))
    report = world.collect(tmp_path / "saved")
    assert report.exit_code == ExitCode.FAILED
    (missing,) = report.facts.missing
    assert (missing["operation"], missing["calls"]) == ("ListBonusPayments", len(account.hits))
    assert "no bonuses for you" in missing["message"]
    assert (report.facts.items["assignments"], report.facts.items["bonuses"]) == (len(account.assignments), 0)
    assert check(tmp_path / "saved").problems == []
    manifest = json.loads((tmp_path / "saved" / "manifest.json").read_text())
    assert manifest["missing"] == [dict(missing)]
    again = world.collect(tmp_path / "saved")
    assert again.facts.missing == report.facts.missing, "it is missing still, and no reason to fail as a whole"
    world.endpoint.before = None
    world.endpoint.requests.clear()
    again = world.collect(tmp_path / "saved")
    assert (again.resumed, again.exit_code) == (True, ExitCode.OK)
    assert set(world.endpoint.requests) == {"ListBonusPayments"}, "only what was missing is asked again"
    assert again.facts.items["bonuses"] > 0
    ArchiveWorld(market).collect(tmp_path / "whole")
    assert contents(tmp_path / "saved") == contents(tmp_path / "whole")


def test_an_operation_that_is_always_denied_is_not_asked_for_every_hit(tmp_path: Path) -> None:
    market = Market(f"sqlite:///{tmp_path / 'source.db'}")
    account = make_account(market, 60, 1)
    world = ArchiveWorld(market, workers=2)
    refuse(world, "ListReviewPolicyResultsForHIT", lambda: AccessDeniedException("not you"))
    report = world.collect(tmp_path / "saved")
    assert [each["calls"] for each in report.facts.missing] == [len(account.hits)]
    assert world.endpoint.requests["ListReviewPolicyResultsForHIT"] < 30
    assert check(tmp_path / "saved").problems == []
    market.close()


def test_if_all_calls_are_denied_the_credentials_are_wrong(world: ArchiveWorld, tmp_path: Path) -> None:
    def before(_operation: str) -> None:
        raise AccessDeniedException("who are you")

    world.endpoint.before = before
    with pytest.raises(CredentialsError, match="who are you"):
        world.collect(tmp_path / "saved")
    world.endpoint.before = None
    assert world.collect(tmp_path / "saved").exit_code == ExitCode.OK


def test_a_hit_that_was_deleted_meanwhile_is_gone_and_not_missing(
    world: ArchiveWorld, account: Account, tmp_path: Path
) -> None:
    def before(operation: str) -> None:
        if operation == "ListAssignmentsForHIT" and world.endpoint.requests[operation] == 1:
            raise RequestError("HITDoesNotExist", "Hit 3A does not exist.")

    world.endpoint.before = before
    report = world.collect(tmp_path / "saved")
    assert (report.exit_code, report.facts.gone, report.facts.missing) == (ExitCode.OK, 1, [])
    assert check(tmp_path / "saved").problems == []


def test_a_listing_whose_page_tokens_are_no_longer_accepted_begins_again(tmp_path: Path) -> None:
    market = Market(f"sqlite:///{tmp_path / 'source.db'}")
    posted = market.bulk_hits(REQUESTER, HIT, 101)
    world = ArchiveWorld(market)

    def after(operation: str) -> None:
        if operation == "ListHITs":
            raise KilledError

    world.endpoint.before = lambda operation: after(operation) if world.endpoint.requests["ListHITs"] > 1 else None
    with pytest.raises(KilledError):
        world.collect(tmp_path / "saved")
    with closing(sqlite3.connect(tmp_path / "saved" / DATABASE)) as connection:
        assert connection.execute("SELECT count(*) FROM hits").fetchone() == (100,)
        connection.execute("UPDATE call SET token = 'b2xk' WHERE operation = 'ListHITs' AND page = 1")
        connection.commit()
    world.endpoint.before = None
    report = world.collect(tmp_path / "saved")
    assert (report.exit_code, report.facts.items["hits"]) == (ExitCode.OK, len(posted))
    assert check(tmp_path / "saved").problems == []
    ArchiveWorld(market).collect(tmp_path / "whole")
    rows = {name: rows for name, rows in contents(tmp_path / "whole").items() if name.startswith("csv/")}
    assert rows == {name: rows for name, rows in contents(tmp_path / "saved").items() if name.startswith("csv/")}
    market.close()


def test_running_it_again_adds_what_is_new_and_keeps_what_is_gone(
    market: Market, world: ArchiveWorld, account: Account, tmp_path: Path
) -> None:
    first = world.collect(tmp_path / "saved").facts
    market.delete_worker_block(REQUESTER, {"WorkerId": account.workers[0]})
    market.create_worker_block(REQUESTER, {"WorkerId": account.workers[5], "Reason": "new"})
    undecided = next(
        each["AssignmentId"]
        for each in market.list_assignments_for_hit(
            REQUESTER, {"HITId": account.hits[0], "AssignmentStatuses": ["Submitted"]}
        )["Assignments"]
    )
    market.approve_assignment(REQUESTER, {"AssignmentId": undecided})
    report = world.collect(tmp_path / "saved")
    assert not report.resumed
    assert [run["number"] for run in report.facts.runs] == [1, 2]
    assert report.facts.items["blocks"] == first.items["blocks"] + 1
    assert report.facts.vanished == {"blocks": 1}
    assert report.facts.items["assignments"] == first.items["assignments"]
    with opened_archive(tmp_path / "saved") as database:
        status = database.one("SELECT status FROM assignments WHERE assignment_id = ?", (undecided,))
    assert status == "Approved"
    raw = contents(tmp_path / "saved")["ListWorkerBlocks.jsonl.gz"]
    assert {each["run"] for each in raw} == {1, 2}
    assert check(tmp_path / "saved").problems == []


def test_bonuses_that_are_the_same_in_all_their_parts_are_kept_apart(
    market: Market, world: ArchiveWorld, account: Account, tmp_path: Path
) -> None:
    worker = market.worker_assignments("production", account.workers[0])[0]
    bonus = {"AssignmentId": worker["AssignmentId"], "WorkerId": account.workers[0], "BonusAmount": "0.10"}
    for _ in range(3):
        market.send_bonus(REQUESTER, {**bonus, "Reason": "thanks"})
    with closing(sqlite3.connect(str(tmp_path / "source.db"))) as connection:
        connection.execute("UPDATE market_bonus SET at = 1700000000000 WHERE reason = 'thanks'")
        connection.commit()
    for _ in range(2):
        world.collect(tmp_path / "saved")
        with opened_archive(tmp_path / "saved") as database:
            assert database.one("SELECT count(*) FROM bonuses WHERE reason = 'thanks'") == 3


def test_an_endpoint_that_does_not_answer_points_to_the_way_out(world: ArchiveWorld, tmp_path: Path) -> None:
    world.collect(tmp_path / "saved")
    written = (tmp_path / "saved" / "manifest.json").read_bytes()

    def before(_operation: str) -> None:
        raise MarketUnreachableError("nobody is there")

    world.mturk._client.meta.events.register_first("before-send.mturk", lambda **_: before(""))
    with pytest.raises(MarketUnreachableError, match="nobody") as caught:
        world.collect(tmp_path / "saved")
    assert "archive add-csv" in str(caught.value.hint)
    assert "before-28-january-2027" in str(caught.value.hint)
    assert (tmp_path / "saved" / "manifest.json").read_bytes() != written, "the files are those of what there is"


def test_an_interrupt_keeps_what_was_read(world: ArchiveWorld, tmp_path: Path) -> None:
    from threading import Event

    from turkctl.operations.archive.collect import collect

    stop = Event()
    anything: Any = world
    with pytest.raises(InterruptedByUserError):
        collect(anything, tmp_path / "saved", anew=False, stop=stop, tell=lambda told: told.done > 20 and stop.set())
    assert "calls are still to be made: run turkctl archive create again" in check(tmp_path / "saved").problems[0]
    asked = sum(world.endpoint.requests.values())
    report = world.collect(tmp_path / "saved")
    assert report.resumed
    world.endpoint.requests.clear()
    ArchiveWorld(world.endpoint.market).collect(tmp_path / "whole")
    assert asked >= 20
    assert contents(tmp_path / "saved") == contents(tmp_path / "whole")


def test_a_full_disk_loses_nothing(market: Market, world: ArchiveWorld, tmp_path: Path) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (250_000, before[1]))
    try:
        with pytest.raises(OutputError, match=r"archive\.db"):
            world.collect(tmp_path / "saved")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert world.collect(tmp_path / "saved").resumed
    ArchiveWorld(market).collect(tmp_path / "whole")
    assert contents(tmp_path / "saved") == contents(tmp_path / "whole")


def test_one_command_at_a_time_works_on_a_folder(world: ArchiveWorld, tmp_path: Path) -> None:
    world.collect(tmp_path / "saved")
    world.endpoint.requests.clear()
    with held(tmp_path / "saved"), pytest.raises(RefusedError, match="another command"):
        world.collect(tmp_path / "saved")
    assert not world.endpoint.requests
    assert world.collect(tmp_path / "saved").exit_code == ExitCode.OK


def test_folders_that_are_no_archive_of_this_market_are_refused(world: ArchiveWorld, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        world.collect(tmp_path / "full")
    assert [each.name for each in (tmp_path / "full").iterdir()] == ["thesis.txt"]
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match="cannot make the folder"):
        world.collect(tmp_path / "file")
    for missing in ("full", "nowhere"):
        with pytest.raises(NotFoundError, match="archive create"):
            _hinted(tmp_path / missing)
    (tmp_path / "other").mkdir()
    with closing(sqlite3.connect(tmp_path / "other" / DATABASE)) as connection:
        connection.execute("CREATE TABLE mine (x)")
    with pytest.raises(NotFoundError, match="another database"):
        world.collect(tmp_path / "other")
    (tmp_path / "rubbish").mkdir()
    (tmp_path / "rubbish" / DATABASE).write_bytes(b"not a database" * 100)
    with pytest.raises(UsageError, match="cannot be read"):
        world.collect(tmp_path / "rubbish")


def _hinted(folder: Path) -> None:
    try:
        check(folder)
    except NotFoundError as error:
        raise NotFoundError(f"{error.message}; {error.hint}") from None


def test_the_archive_of_another_account_or_of_a_newer_turkctl_is_refused(world: ArchiveWorld, tmp_path: Path) -> None:
    world.collect(tmp_path / "saved")
    shutil.copytree(tmp_path / "saved", tmp_path / "newer")
    with closing(sqlite3.connect(tmp_path / "saved" / DATABASE)) as connection:
        connection.execute("UPDATE archive SET market = 'http://other.invalid#1'")
        connection.commit()
    world.endpoint.requests.clear()
    with pytest.raises(WrongMarketError, match=r"other\.invalid"):
        world.collect(tmp_path / "saved")
    with closing(sqlite3.connect(tmp_path / "newer" / DATABASE)) as connection:
        connection.execute("UPDATE archive SET format = 99")
        connection.commit()
    with pytest.raises(SchemaError, match="format 99"):
        world.collect(tmp_path / "newer")
    with pytest.raises(SchemaError, match="format 99"):
        check(tmp_path / "newer")
    assert not world.endpoint.requests


def test_verify_sees_what_changed(world: ArchiveWorld, tmp_path: Path) -> None:
    home = tmp_path / "saved"
    world.collect(home)
    for number, (name, told) in enumerate(
        {
            "csv/bonuses.csv": "csv/bonuses.csv has changed",
            "raw/ListHITs.jsonl.gz": "raw/ListHITs.jsonl.gz has changed",
            "archive.db": "archive.db has changed",
            "manifest.json": "manifest.json cannot be read",
        }.items()
    ):
        copy = tmp_path / f"copy{number}"
        shutil.copytree(home, copy)
        data = (copy / name).read_bytes()
        (copy / name).write_bytes(data + b"\n" if name != "manifest.json" else b"{")
        assert any(told in each for each in check(copy).problems), name
    told = json.loads((home / "manifest.json").read_text(encoding="utf-8"))
    told["files"]["raw/ListHITs.jsonl.gz"]["rows"] += 1
    copied = tmp_path / "counted"
    shutil.copytree(home, copied)
    (copied / "manifest.json").write_text(json.dumps(told), encoding="utf-8")
    assert check(copied).problems == ["raw/ListHITs.jsonl.gz has 2 answers, not 3"]
    (home / "csv" / "blocks.csv").unlink()
    assert check(home).problems == ["csv/blocks.csv is missing"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("DELETE FROM call WHERE operation = 'ListHITs' AND page = 0", "follow a page that is not there"),
        ("DELETE FROM call WHERE operation = 'ListBonusPayments'", "ListBonusPayments was not asked for"),
        ("DELETE FROM assignments WHERE rowid = 1", "numbers of items"),
    ],
)
def test_verify_sees_gaps(world: ArchiveWorld, tmp_path: Path, change: str, told: str) -> None:
    world.collect(tmp_path / "saved")
    with closing(sqlite3.connect(tmp_path / "saved" / DATABASE)) as connection:
        connection.execute(change)
        connection.commit()
    assert any(told in each for each in check(tmp_path / "saved").problems)


def test_odd_answers_are_refused_and_no_path_leaves_the_folder(
    market: Market, world: ArchiveWorld, tmp_path: Path
) -> None:
    list_hits = market.list_hits

    def odd(*args: Any) -> Any:
        answer = list_hits(*args)
        for each in answer["HITs"]:
            each["HITTypeId"] = "../../../escaped"
        return answer

    market.list_hits = odd  # type: ignore[method-assign]  # a market that lies
    market.list_worker_blocks = lambda *_: {"WorkerBlocks": [{"Reason": "whose?"}], "NumResults": 1}  # type: ignore[method-assign]  # as above
    report = world.collect(tmp_path / "saved")
    assert [(each["operation"], each["code"]) for each in report.facts.missing] == [("ListWorkerBlocks", "malformed")]
    assert len(list((tmp_path / "saved" / "csv" / "results").iterdir())) == 1
    assert not list(tmp_path.rglob("escaped*"))
    assert LOCK in {each.name for each in (tmp_path / "saved").iterdir()}


@pytest.mark.parametrize("same", [True, False], ids=["the same token", "another token"])
def test_pages_that_do_not_end_are_given_up(market: Market, world: ArchiveWorld, tmp_path: Path, same: bool) -> None:
    pages = count(1)

    def endless(*_args: Any) -> Any:
        return {"WorkerBlocks": [], "NumResults": 0, "NextToken": "same" if same else f"page{next(pages)}"}

    market.list_worker_blocks = endless  # type: ignore[method-assign]  # a market that goes round in circles
    report = world.collect(tmp_path / "saved")
    (missing,) = report.facts.missing
    assert (missing["operation"], missing["message"]) == ("ListWorkerBlocks", "its pages do not end")
    assert world.endpoint.requests["ListWorkerBlocks"] == (2 if same else 51)


def test_a_hit_that_is_listed_without_its_question_is_asked_for(
    market: Market, world: ArchiveWorld, account: Account, tmp_path: Path
) -> None:
    list_hits = market.list_hits

    def without(*args: Any) -> Any:
        answer = list_hits(*args)
        for each in answer["HITs"]:
            each.pop("Question")
        return answer

    market.list_hits = without  # type: ignore[method-assign]  # a listing that leaves something out
    assert world.collect(tmp_path / "saved").exit_code == ExitCode.OK
    assert world.endpoint.requests["GetHIT"] == len(account.hits)
    with opened_archive(tmp_path / "saved") as database:
        assert database.one("SELECT count(*) FROM hits WHERE json_extract(body, '$.Question') IS NULL") == 0
    assert check(tmp_path / "saved").problems == []
