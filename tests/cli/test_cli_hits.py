"""hits list, show, create, cost, extend, expire, delete on the market in the program's own process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_support import last_error

from turkctl.market.service import Market

Run = Callable[..., Any]

ROW = ["hit_id", "experiment", "title", "status", "reward", "max_assignments", "available", "pending", "completed",
       "submitted", "created", "expires", "expired", "campaign", "mode"]  # fmt: skip
BATCH = ["action", "mode", "dry_run", "matched", "succeeded", "skipped", "failed", "cost", "results"]


def create(turkctl: Run, *argv: str) -> list[str]:
    """Posts HITs; their ids."""
    finished = turkctl("hits", "create", *argv, "--json", "-q")
    assert finished.code == 0, finished.err
    return [item["id"] for item in json.loads(finished.out)["results"]]


def rows(turkctl: Run, *argv: str) -> list[dict[str, Any]]:
    """What hits list shows."""
    finished = turkctl("hits", "list", "--json", *argv)
    assert finished.code == 0, finished.err
    found: list[dict[str, Any]] = json.loads(finished.out)
    return found


def add_experiment(study: Path, turkctl: Run, slug: str, **changed: str) -> None:
    """Another experiment, like the first but for what is given."""
    values = {"code_version": "1.0", "title": slug, "description": "d", "reward": "0.50"} | changed
    lines = [f'{key} = "{value}"' for key, value in values.items()]
    with (study / "turkctl.toml").open("a", encoding="utf-8") as file:
        file.write("\n".join(["", f"[experiments.{slug}]", *lines, 'external_url = "https://example.org/"', ""]))
    assert turkctl("experiments", "configure").code == 0


def limit(study: Path, turkctl: Run, **limits: str | int) -> None:
    """Sets limits of the study's experiment."""
    with (study / "turkctl.toml").open("a", encoding="utf-8") as file:
        file.write("\n[experiments.stroop.limits]\n")
        file.writelines(f"{key} = {json.dumps(value)}\n" for key, value in limits.items())
    assert turkctl("experiments", "configure").code == 0


def test_a_posted_hit_is_listed_and_shown_with_the_keys_of_the_contract(configured: Path, turkctl: Run) -> None:
    finished = turkctl("hits", "create", "--assignments", "3", "--json")
    batch = json.loads(finished.out)
    assert (finished.code, finished.err) == (0, "")
    assert list(batch) == BATCH
    assert batch["results"] == [
        {"id": batch["results"][0]["id"], "status": "created", "detail": "3 assignments at $0.50", "error": None}
    ]
    assert {key: batch[key] for key in BATCH[:-1]} == {
        "action": "create", "mode": "local", "dry_run": False, "matched": 1, "succeeded": 1, "skipped": 0,
        "failed": 0, "cost": "1.80",
    }  # fmt: skip
    [row] = rows(turkctl)
    assert set(ROW) <= set(row)
    assert row["hit_id"] == batch["results"][0]["id"]
    assert (row["experiment"], row["status"], row["reward"], row["available"]) == ("stroop", "Assignable", "0.50", 3)
    assert row["created"].endswith("Z")
    assert (row["expired"], row["campaign"], row["mode"]) == (False, None, "local")
    shown = json.loads(turkctl("hit", "show", row["hit_id"], "--json").out)
    assert {key: shown[key] for key in ROW if key != "synced"} == {key: row[key] for key in ROW}
    assert shown["assignments"] == []


def test_a_hit_is_shown_with_its_assignments(configured: Path, turkctl: Run) -> None:
    [hit_id] = create(turkctl, "--assignments", "2")
    crowd = turkctl("market", "crowd", "--workers", "5", "--seed", "3", "--drop-out", "0", "--abandon", "0")
    assert crowd.code == 0
    shown = json.loads(turkctl("hits", "show", hit_id, "--json").out)
    assert [each["status"] for each in shown["assignments"]] == ["Submitted", "Submitted"]
    assert {"assignment_id", "worker_id", "accepted", "submitted", "answer"} <= set(shown["assignments"][0])
    assert (shown["status"], shown["submitted"], shown["available"]) == ("Reviewable", 2, 0)


@pytest.mark.parametrize(("assignments", "sizes"), [(1, [1]), (9, [9]), (10, [1, 9]), (20, [2, 9, 9]), (27, [9, 9, 9])])
def test_more_than_nine_assignments_become_hits_of_at_most_nine(
    assignments: int, sizes: list[int], configured: Path, turkctl: Run
) -> None:
    finished = turkctl("hits", "create", "--assignments", str(assignments), "--json")
    assert sorted(row["max_assignments"] for row in rows(turkctl)) == sizes
    assert json.loads(finished.out)["cost"] == f"{assignments * 0.6:.2f}"
    assert ("split" in finished.err) == (len(sizes) > 1)


def test_ten_in_one_hit_cost_the_higher_commission_and_have_to_be_asked_for(configured: Path, turkctl: Run) -> None:
    finished = turkctl("hits", "create", "--assignments", "10", "--allow-high-commission", "--json")
    assert json.loads(finished.out)["cost"] == "7.00"
    assert [row["max_assignments"] for row in rows(turkctl)] == [10]


def test_hits_is_so_many_times_and_flags_beat_the_experiment(configured: Path, turkctl: Run) -> None:
    create(turkctl, "--assignments", "2", "--hits", "3", "--reward", "$1.25", "--lifetime", "2d", "--duration", "90s")
    found = rows(turkctl)
    assert [(row["reward"], row["max_assignments"]) for row in found] == [("1.25", 2)] * 3
    shown = json.loads(turkctl("hits", "show", found[0]["hit_id"], "--json").out)
    assert (shown["duration"], shown["expires"][:10] > shown["created"][:10]) == ("90s", True)


def test_a_dry_run_shows_the_plan_in_the_same_shape_and_changes_nothing(
    configured: Path, turkctl: Run, asked: Any, posted: Callable[[], list[str]]
) -> None:
    ids = create(turkctl, "--assignments", "4", "--hits", "2")
    before = rows(turkctl), json.loads(turkctl("balance", "--json").out)
    asked.forget()
    for argv, count in (
        (["create", "--assignments", "12"], 2),
        (["extend", *ids, "--assignments", "2", "--lifetime", "1h"], 2),
        (["expire", "--all"], 2),
        (["delete", "--all", "--force"], 2),
    ):
        finished = turkctl("hits", *argv, "--dry-run", "--json")
        batch = json.loads(finished.out)
        assert finished.code == 0
        assert list(batch) == BATCH
        assert (batch["dry_run"], batch["matched"], batch["succeeded"]) == (True, count, 0)
        assert [item["status"] for item in batch["results"]] == ["planned"] * count
    assert asked.changes == set()
    assert len(posted()) == 2
    assert [{**row, "synced": None} for row in rows(turkctl)] == [{**row, "synced": None} for row in before[0]]
    assert json.loads(turkctl("balance", "--json").out) == before[1]


BAD_VALUES = [
    (["--assignments", "0"], "must be at least 1"),
    (["--assignments", "-3"], "must be at least 1"),
    (["--assignments", "9999999999999999999999"], "must be at most 1,000,000"),
    (["--assignments", "5", "--hits", "0"], "must be at least 1"),
    (["--assignments", "5", "--hits", "99999"], "posts at most 10,000 HITs"),
    (["--assignments", "999999"], "posts at most 10,000 HITs"),
    (["--assignments", "1", "--reward", "0"], "too low"),
    (["--assignments", "1", "--reward", "half"], "'half' is not an amount of money"),
    (["--assignments", "1", "--reward", "0.005"], "is not an amount of money"),
    (["--assignments", "1", "--reward=-1"], "is not an amount of money"),
    (["--assignments", "1", "--reward", "1,50"], "is not an amount of money"),
    (["--assignments", "1", "--reward", ""], "is not an amount of money"),
    (["--assignments", "1", "--reward", "９"], "is not an amount of money"),
    (["--assignments", "1", "--duration", "soon"], "'soon' is not a duration"),
    (["--assignments", "1", "--duration", "5s"], "--duration must be between 30 seconds and 365 days"),
    (["--assignments", "1", "--lifetime", "400d"], "--lifetime must be between 30 seconds and 365 days"),
    (["--assignments", "1", "--lifetime", "1.5s"], "is not a whole number of seconds"),
    (["--assignments", "1", "--experiment", "nope"], "there is no experiment 'nope'"),
    (["--assignments", "1", "--experiment", ""], "there is no experiment ''"),
]


def test_a_bad_value_is_refused_before_anything_is_posted(configured: Path, turkctl: Run, asked: Any) -> None:
    for argv, says in BAD_VALUES:
        finished = turkctl("hits", "create", *argv)
        assert (finished.code, finished.out) == (2, ""), argv
        assert says in finished.err, argv
    assert asked.changes == set()


def test_an_experiment_in_the_file_that_was_not_configured_is_told_apart(study: Path, turkctl: Run) -> None:
    for argv in ([], ["--experiment", "stroop"]):
        finished = turkctl("hits", "create", "--assignments", "1", *argv)
        assert finished.code == 2
        assert "'stroop' is in the file but not configured; run: turkctl experiments configure" in finished.err
    assert (
        "there is no experiment 'other'" in turkctl("hits", "create", "--assignments", "1", "--experiment", "other").err
    )


def test_without_any_experiment_it_says_where_to_describe_one(turkctl: Run) -> None:
    finished = turkctl("hits", "create", "--assignments", "1")
    assert finished.code == 2
    assert "no experiment is configured; describe one in turkctl.toml" in finished.err


def test_with_several_experiments_one_has_to_be_named(configured: Path, turkctl: Run) -> None:
    add_experiment(configured, turkctl, "other")
    finished = turkctl("hits", "create", "--assignments", "1")
    assert finished.code == 2
    assert "other, stroop" in finished.err
    create(turkctl, "--assignments", "1", "--experiment", "other")
    assert [row["experiment"] for row in rows(turkctl)] == ["other"]


def test_an_experiment_that_left_the_files_is_no_longer_posted(configured: Path, turkctl: Run) -> None:
    create(turkctl, "--assignments", "1")
    (configured / "turkctl.toml").write_text("", encoding="utf-8")
    assert turkctl("experiments", "configure").code == 0
    finished = turkctl("hits", "create", "--assignments", "1", "--experiment", "stroop")
    assert finished.code == 2
    assert "no longer in any file" in finished.err
    assert len(rows(turkctl, "--experiment", "stroop")) == 1


@pytest.mark.parametrize(
    ("limits", "argv", "says"),
    [
        ({"budget": "1.19"}, ["--assignments", "2"], "budget of $1.19"),
        ({"max_active_hits": 1}, ["--assignments", "10"], "limits.max_active_hits = 1"),
        ({"max_total_hits": 2}, ["--assignments", "1", "--hits", "3"], "limits.max_total_hits = 2"),
        ({"min_balance": "9999.00"}, ["--assignments", "2"], "the balance leaves $1.00"),
    ],
)
def test_limits_refuse_with_exit_3_and_nothing_is_posted(
    limits: dict[str, Any], argv: list[str], says: str, study: Path, turkctl: Run, asked: Any
) -> None:
    limit(study, turkctl, **limits)
    for more in ([], ["--dry-run"]):
        finished = turkctl("hits", "create", *argv, *more, "--json")
        assert (finished.code, finished.out) == (3, "")
        assert says in last_error(finished.err)["message"]
    assert asked.changes == set()


def test_what_is_open_counts_against_the_budget_and_expired_slots_do_not(study: Path, turkctl: Run) -> None:
    limit(study, turkctl, budget="2.40")
    create(turkctl, "--assignments", "3")
    assert turkctl("hits", "create", "--assignments", "2").code == 3
    assert turkctl("hits", "extend", rows(turkctl)[0]["hit_id"], "--assignments", "2").code == 3
    assert turkctl("hits", "expire", "--all").code == 0
    assert turkctl("hits", "create", "--assignments", "4").code == 0


def test_more_than_the_balance_is_refused(configured: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURKCTL_MARKET_OPENING_BALANCE", "5.00")
    finished = turkctl("hits", "create", "--assignments", "9", "--json")
    assert finished.code == 3
    assert last_error(finished.err)["code"] == "funds"


def test_cost_says_what_splitting_saves_and_needs_no_database(outside: Path, turkctl: Run) -> None:
    finished = turkctl("hits", "cost", "--assignments", "20", "--reward", "1.00", "--json")
    assert json.loads(finished.out) == {
        "assignments": 20, "reward": "1.00", "rewards": "20.00", "hits": 3, "fee_per_assignment": "0.20",
        "cost": "24.00", "cost_in_one_hit": "28.00", "saved_by_splitting": "4.00",
    }  # fmt: skip
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize(
    "argv",
    [
        ["--assignments", "0", "--reward", "1"],
        ["--assignments", "9", "--reward", "0"],
        ["--assignments", "9", "--reward", "x"],
        ["--assignments", "10000000000", "--reward", "1"],
    ],
)
def test_cost_of_nothing_or_of_nonsense_is_wrong_usage(argv: list[str], turkctl: Run) -> None:
    finished = turkctl("hits", "cost", *argv)
    assert (finished.code, finished.out) == (2, "")


def test_extend_adds_assignments_and_time(configured: Path, turkctl: Run) -> None:
    [hit_id] = create(turkctl, "--assignments", "3")
    before = rows(turkctl)[0]
    finished = turkctl("hits", "extend", hit_id, "--assignments", "6", "--lifetime", "1d", "--json")
    batch = json.loads(finished.out)
    assert (finished.code, batch["cost"], batch["results"][0]["status"]) == (0, "3.60", "extended")
    after = rows(turkctl)[0]
    assert (after["max_assignments"], after["available"]) == (9, 9)
    assert after["expires"][11:19] == before["expires"][11:19], "to the second, as the market keeps it"
    assert after["expires"] > before["expires"]


def test_extend_never_takes_a_small_hit_to_ten(configured: Path, turkctl: Run, asked: Any) -> None:
    small, other = create(turkctl, "--assignments", "9", "--hits", "2")
    asked.forget()
    finished = turkctl("hits", "extend", other, small, "--assignments", "1", "--json")
    assert (finished.code, finished.out) == (2, "")
    assert "from 9 to 10" in last_error(finished.err)["message"]
    assert asked.changes == set()
    [large] = create(turkctl, "--assignments", "10", "--allow-high-commission")
    assert turkctl("hits", "extend", large, "--assignments", "1").code == 0


BAD_EXTENSIONS = [
    ([], "nothing to add"),
    (["--assignments", "0"], "nothing to add"),
    (["--assignments", "-1"], "nothing to add"),
    (["--lifetime", "x"], "is not a duration"),
    (["--assignments", "99999999999999999999"], "from 1 to"),
]


def test_extend_by_nothing_or_nonsense_is_wrong_usage(configured: Path, turkctl: Run) -> None:
    [hit_id] = create(turkctl, "--assignments", "1")
    for argv, says in BAD_EXTENSIONS:
        finished = turkctl("hits", "extend", hit_id, *argv)
        assert finished.code == 2, argv
        assert says in finished.err, argv


def test_an_expired_hit_shows_the_moment_at_which_it_ended(configured: Path, turkctl: Run) -> None:
    assert turkctl("hits", "create", "--assignments", "2").code == 0
    assert turkctl("hits", "expire", "--all").code == 0
    (row,) = json.loads(turkctl("hits", "list", "--refresh", "--json").out)
    assert row["created"][:4] == row["expires"][:4]


def test_an_expired_hit_is_not_extended_without_more_time(configured: Path, turkctl: Run) -> None:
    [hit_id] = create(turkctl, "--assignments", "1")
    assert turkctl("hits", "expire", hit_id).code == 0
    batch = json.loads(turkctl("hits", "extend", hit_id, "--assignments", "1", "--json").out)
    assert (batch["skipped"], batch["results"][0]["status"]) == (1, "skipped")
    assert "add --lifetime too" in batch["results"][0]["detail"]
    assert turkctl("hits", "extend", hit_id, "--assignments", "1", "--lifetime", "1h").code == 0
    assert rows(turkctl, "--active")[0]["max_assignments"] == 2


def test_expire_takes_the_dearest_first(configured: Path, turkctl: Run, asked: Any) -> None:
    cheap = create(turkctl, "--assignments", "9", "--reward", "0.50")
    dear = create(turkctl, "--assignments", "3", "--reward", "1.00")
    middle = create(turkctl, "--assignments", "2", "--reward", "0.80")
    planned = json.loads(turkctl("hits", "expire", "--all", "--dry-run", "--json").out)
    assert [item["id"] for item in planned["results"]] == [*dear, *middle, *cheap]
    done = json.loads(turkctl("hits", "expire", "--all", "--json").out)
    assert (done["succeeded"], done["cost"]) == (3, "0.00")
    assert {item["status"] for item in done["results"]} == {"expired"}
    assert [row["expired"] for row in rows(turkctl)] == [True] * 3
    again = json.loads(turkctl("hits", "expire", "--all", "--json").out)
    assert (again["matched"], again["skipped"]) == (3, 3)
    assert asked.count("UpdateExpirationForHIT") == 3


def test_delete_skips_what_is_open_and_says_why_until_forced(configured: Path, turkctl: Run) -> None:
    [hit_id] = create(turkctl, "--assignments", "1")
    skipped = json.loads(turkctl("hits", "delete", hit_id, "--json").out)
    assert (skipped["skipped"], skipped["results"][0]["status"]) == (1, "skipped")
    assert "expire it first, or add --force" in skipped["results"][0]["detail"]
    deleted = json.loads(turkctl("hits", "delete", hit_id, "--force", "--json").out)
    assert deleted["results"][0]["status"] == "deleted"
    assert rows(turkctl)[0]["status"] == "Disposed"
    again = json.loads(turkctl("hits", "delete", hit_id, "--json").out)
    assert again["results"][0] == {"id": hit_id, "status": "skipped", "detail": "already deleted", "error": None}
    assert json.loads(turkctl("hits", "delete", "--all", "--json").out)["matched"] == 0


def test_delete_never_takes_a_submission_that_waits(configured: Path, turkctl: Run) -> None:
    [hit_id] = create(turkctl, "--assignments", "1")
    turkctl("market", "crowd", "--workers", "3", "--drop-out", "0", "--abandon", "0")
    for argv in ([], ["--force"]):
        batch = json.loads(turkctl("hits", "delete", hit_id, "--json", *argv).out)
        assert "1 submitted assignment waits for approval" in batch["results"][0]["detail"]
    assert rows(turkctl, "--refresh")[0]["status"] == "Reviewable"


def test_filters_of_the_list_narrow_it(configured: Path, turkctl: Run) -> None:
    add_experiment(configured, turkctl, "other", code_version="2.0")
    first = create(turkctl, "--assignments", "1", "--experiment", "stroop")
    second = create(turkctl, "--assignments", "1", "--experiment", "other")
    turkctl("hits", "expire", *first)

    def ids(*argv: str) -> list[str]:
        return [row["hit_id"] for row in rows(turkctl, *argv)]

    assert ids() == ids("--all") == [*first, *second]
    assert ids("--experiment", "other") == ids("--regex", "^oth") == ids("--codeversion", "2.0") == second
    assert ids("--active") == second
    assert ids("--expired") == first
    assert ids("--unexpired") == second
    assert ids("--status", "Assignable") == ids("--status", "Assignable", "--status", "Disposed")
    assert ids("--regex", "r", "--codeversion", "1.0") == first
    assert ids(*second) == second
    assert ids("--regex", "nothing") == []
    turkctl("hits", "delete", *first)
    assert ids("--status", "Disposed") == first


NOWHERE = [
    (["--regex", "a("], "missing ), unterminated subpattern at position 1"),
    (["--regex", "[z-a]"], "bad character range z-a at position 1"),
    (["--experiment", "nope"], "no experiment 'nope' is configured"),
    (["--campaign", "7"], "there is no campaign 7"),
    (["--campaign", "-1"], "there is no campaign -1"),
    (["--campaign", "99999999999999999999999"], "there is no campaign"),
    (["NOSUCHHIT"], "NOSUCHHIT"),
    (["not an id"], "not an id"),
    ([""], "HIT"),
]


def test_what_does_not_exist_is_exit_2_before_anything_is_done(configured: Path, turkctl: Run, asked: Any) -> None:
    [real] = create(turkctl, "--assignments", "1")
    asked.forget()
    for command in ("list", "expire", "delete"):
        for argv, says in NOWHERE:
            if command != "list" and not argv[0].startswith("--"):
                continue  # an id that stands for nothing is a failed item of a batch
            named = argv if argv[0].startswith("--") else [real, *argv]
            finished = turkctl("hits", command, *named, "--json")
            assert (finished.code, finished.out) == (2, ""), (command, argv)
            assert says in last_error(finished.err)["message"], (command, argv)
    assert asked.changes == set()


def test_an_id_that_does_not_exist_is_a_failed_item_and_the_others_are_done(configured: Path, turkctl: Run) -> None:
    real, other = create(turkctl, "--assignments", "1", "--hits", "2")
    finished = turkctl("hits", "expire", real, "NOSUCHHIT", "no id", other, "--json")
    done = json.loads(finished.out)
    assert (finished.code, done["matched"], done["succeeded"], done["failed"]) == (1, 4, 2, 2)
    said = {item["id"]: item["error"]["message"] for item in done["results"] if item["error"]}
    assert said == {"NOSUCHHIT": "HIT NOSUCHHIT does not exist", "no id": "'no id' is not a HIT id"}


@pytest.mark.parametrize("command", ["expire", "delete"])
def test_an_act_on_nothing_in_particular_is_refused(command: str, configured: Path, turkctl: Run) -> None:
    finished = turkctl("hits", command)
    assert finished.code == 2
    assert "nothing is selected" in finished.err


@pytest.mark.parametrize("command", ["expire", "delete"])
def test_a_filter_that_matches_nothing_is_no_failure(command: str, configured: Path, turkctl: Run) -> None:
    for argv in (["--all"], ["--regex", "zzz"], ["--experiment", "stroop"], ["--codeversion", "9"], ["--all-studies"]):
        finished = turkctl("hits", command, *argv, "--json")
        assert finished.code == 0
        assert json.loads(finished.out)["matched"] == 0


def test_a_bad_status_is_wrong_usage(turkctl: Run) -> None:
    finished = turkctl("hits", "list", "--status", "Done")
    assert finished.code == 2
    assert "Assignable, Unassignable, Reviewable, Reviewing, Disposed" in finished.err


def test_ids_given_twice_are_acted_on_once(configured: Path, turkctl: Run, asked: Any) -> None:
    [hit_id] = create(turkctl, "--assignments", "1")
    batch = json.loads(turkctl("hits", "expire", hit_id, hit_id, "--json").out)
    assert batch["matched"] == asked.count("UpdateExpirationForHIT") == 1


def test_what_only_the_market_knows_takes_part_by_id_or_with_all_studies(configured: Path, turkctl: Run) -> None:
    mine = create(turkctl, "--assignments", "1")
    other = ["--database-url", "sqlite:///other.db", "--market-url", "sqlite:///turkctl-market.db"]
    turkctl("experiments", "configure", *other)
    theirs = [json.loads(turkctl("hits", "create", "--assignments", "1", "--json", *other).out)["results"][0]["id"]]

    assert [row["hit_id"] for row in rows(turkctl)] == mine
    widened = rows(turkctl, "--all-studies")
    assert [row["hit_id"] for row in widened] == mine + theirs
    assert (widened[1]["experiment"], list(widened[1])) == (None, list(widened[0]))
    for narrowing in (["--experiment", "stroop"], ["--regex", "."], ["--codeversion", "1.0"]):
        assert [row["hit_id"] for row in rows(turkctl, "--all-studies", *narrowing)] == mine
        batch = json.loads(turkctl("hits", "expire", "--all-studies", *narrowing, "--dry-run", "--json").out)
        assert [item["id"] for item in batch["results"]] == mine

    def planned(*argv: str) -> list[str]:
        batch = json.loads(turkctl("hits", "expire", *argv, "--dry-run", "--json").out)
        return sorted(item["id"] for item in batch["results"])

    assert planned("--all") == mine
    assert planned("--all-studies") == theirs
    assert planned("--all", "--all-studies") == sorted(mine + theirs)
    assert planned(*theirs) == theirs
    assert json.loads(turkctl("hits", "show", *theirs, "--json").out)["experiment"] is None
    assert turkctl("hits", "expire", "--all-studies").code == 0
    assert [row["expired"] for row in rows(turkctl, "--all-studies")] == [False, True]


def test_hits_of_another_market_of_the_same_mode_are_not_touched(configured: Path, turkctl: Run) -> None:
    [hit_id] = create(turkctl, "--assignments", "1")
    elsewhere = ["--market-url", "sqlite:///second.db"]
    assert rows(turkctl, *elsewhere) == []
    for command in (["show"], ["expire"], ["delete"], ["extend", "--assignments", "1"], ["list"]):
        finished = turkctl("hits", command[0], hit_id, *command[1:], *elsewhere, "--json")
        assert (finished.code, finished.out) == (3, "")
        error = last_error(finished.err)
        assert error["code"] == "wrong_market"
        assert "belongs to the market local:" in error["message"]


def test_the_market_s_clock_decides_what_is_expired(configured: Path, turkctl: Run) -> None:
    create(turkctl, "--assignments", "1")
    assert turkctl("market", "clock", "--advance", "2d").code == 0
    assert [row["expired"] for row in rows(turkctl)] == [True]
    assert rows(turkctl, "--active") == []


def test_a_batch_goes_on_past_an_item_that_the_market_refuses(
    configured: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from turkctl.market.errors import RequestError

    first, second = create(turkctl, "--assignments", "1", "--hits", "2")
    update = Market.update_expiration_for_hit

    def refusing(self: Market, requester: Any, request: Any) -> Any:
        if request["HITId"] == first:
            raise RequestError("SomethingNew", "Not this one.")
        return update(self, requester, request)

    monkeypatch.setattr(Market, "update_expiration_for_hit", refusing)
    finished = turkctl("hits", "expire", "--all", "--json")
    batch = json.loads(finished.out)
    assert finished.code == 1
    assert (batch["matched"], batch["succeeded"], batch["failed"]) == (2, 1, 1)
    by_id = {item["id"]: item for item in batch["results"]}
    assert by_id[first]["status"] == "failed"
    assert by_id[first]["error"] == {"code": "AWS.MechanicalTurk.SomethingNew", "message": "Not this one."}
    assert by_id[second] == {**by_id[second], "status": "expired", "error": None}
    as_table = turkctl("hits", "expire", "--all")
    assert as_table.code == 1
    assert "1 failed" in as_table.out.splitlines()[0]
    assert "AWS.MechanicalTurk.SomethingNew" in as_table.out
