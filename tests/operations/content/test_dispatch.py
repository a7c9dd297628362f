from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from dispatch_support import SETTINGS, ContentStudy
from study_support import worker

from turkctl.errors import FundsError, NotFoundError, UsageError
from turkctl.fees import MTURK
from turkctl.operations.content.dispatch import prepare_dispatch
from turkctl.operations.content.posting import SHORT
from turkctl.operations.experiments.stored import find_active_experiment
from turkctl.operations.intents.posts import Post
from turkctl.operations.selection.hits import Selection
from turkctl.operations.workers.reject import prepare_reject


@pytest.fixture
def study(tmp_path: Path) -> Iterator[ContentStudy]:
    """One item a HIT, one output of each."""
    made = ContentStudy(tmp_path)
    yield made
    made.world.close()


@pytest.fixture
def made(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[ContentStudy]:
    """A study with the settings that the test names."""
    lab = ContentStudy(tmp_path, request.param)
    yield lab
    lab.world.close()


def settings(*lines: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("made", ["\n".join(lines) + "\n"], indirect=True)


def test_items_go_out_by_priority_and_then_by_age(study: ContentStudy) -> None:
    study.add("key,p\nold,1\nlate,1\nfirst,2.5\nlast,-3\n", priority="p")
    assert study.pending() == ["first", "old", "late", "last"]
    assert study.dispatch(hits=1).succeeded == 1
    assert study.dispatch(hits=2).succeeded == 2
    assert list(study.shown().values()) == [["first"], ["old"], ["late"]]
    assert study.pending() == ["last"]


@settings("outputs = 3")
def test_the_item_with_most_outputs_goes_first_whatever_its_priority(made: ContentStudy) -> None:
    made.add_numbered(3)
    made.dispatch()
    first, second, _third = made.shown()
    made.answer(second, 1)
    made.answer(second, 2)
    made.answer(first, 1)
    made.pass_time(hours=25)
    made.sync()
    assert made.rows() == {"i0": (1, 0), "i1": (2, 0), "i2": (0, 0)}
    assert made.pending() == ["i1", "i0", "i2"]
    made.dispatch()
    again = list(made.shown().items())[3:]
    assert [(keys, made.size(hit)) for hit, keys in again] == [(["i1"], 1), (["i0"], 2), (["i2"], 3)]
    assert made.pending() == []


@settings("contents_per_hit = 4")
def test_the_last_group_goes_out_though_it_is_not_full(made: ContentStudy) -> None:
    made.add_numbered(10)
    assert made.dispatch().succeeded == 3
    assert [len(keys) for keys in made.shown().values()] == [4, 4, 2]


@settings("contents_per_hit = 3", "outputs_per_assignment = 2")
def test_items_share_a_hit_only_where_they_need_the_same_number_of_assignments(made: ContentStudy) -> None:
    made.add("key,p\na,9\nb,8\nc,7\n", priority="p", outputs=5)
    made.add("key,p\nd,10\ne,6\n", priority="p", outputs=1)
    made.add("key,p\nf,5\n", priority="p", outputs=6)
    made.dispatch()
    found = [(keys, made.size(hit)) for hit, keys in made.shown().items()]
    assert found == [(["d", "e"], 1), (["a", "b", "c"], 3), (["f"], 3)]
    assert made.rows() == {"a": (0, 6), "b": (0, 6), "c": (0, 6), "d": (0, 2), "e": (0, 2), "f": (0, 6)}


@settings("outputs = 23")
def test_no_hit_has_more_than_nine_assignments(made: ContentStudy) -> None:
    made.add_numbered(2)
    result = made.dispatch()
    assert sorted(made.size(hit) for hit in made.shown()) == [5, 5, 9, 9, 9, 9]
    assert made.rows() == {"i0": (0, 23), "i1": (0, 23)}
    assert str(result.cost) == "5.52"  # 46 times $0.10 and 20 %


@settings("outputs = 2", "contents_per_hit = 2")
def test_rejected_work_and_expired_slots_make_items_pending_again(made: ContentStudy) -> None:
    made.add_numbered(2)
    made.dispatch()
    (hit,) = made.shown()
    rejected = made.answer(hit, 1)
    made.sync()
    assert made.rows() == {"i0": (1, 1), "i1": (1, 1)}
    made.apply(prepare_reject(made.world, [rejected], "no answer"))
    assert made.rows() == {"i0": (0, 1), "i1": (0, 1)}
    made.dispatch()
    assert [made.size(each) for each in made.shown()] == [2, 1]
    made.pass_time(hours=25)
    assert made.dispatch().succeeded == 1, "it reads the expired HITs first"
    assert [made.size(each) for each in made.shown()] == [2, 1, 2]


def test_work_in_hand_when_a_hit_expires_still_counts_as_scheduled(study: ContentStudy) -> None:
    study.add_numbered(1)
    study.dispatch()
    (hit,) = study.shown()
    study.pass_time(hours=23, minutes=50)
    study.accept(hit, worker(1))
    study.pass_time(minutes=20)
    assert study.dispatch().succeeded == 0
    assert study.rows() == {"i0": (0, 1)}


def test_dispatching_again_posts_nothing(study: ContentStudy) -> None:
    study.add_numbered(5)
    assert study.dispatch().succeeded == 5
    assert study.dispatch().succeeded == 0
    assert study.posted() == 5


def test_outputs_count_by_the_settings_that_their_hit_was_made_with(tmp_path: Path) -> None:
    first = ContentStudy(tmp_path, "outputs_per_assignment = 2\noutputs = 4\n")
    first.add_numbered(1)
    first.dispatch()
    (hit,) = first.shown()
    first.answer(hit, 1)
    first.world.close()
    later = ContentStudy(tmp_path, "outputs_per_assignment = 1\noutputs = 4\n")
    later.sync()
    assert later.rows() == {"i0": (2, 2)}
    later.world.close()


@settings("[experiments.photos.limits]", "max_active_hits = 3")
def test_limits_on_hits_stop_it_with_a_note(made: ContentStudy) -> None:
    made.add_numbered(5)
    plan, act = prepare_dispatch(made.world, Selection())
    assert plan.notes == ("photos: limits.max_active_hits = 3 is reached; more is pending",)
    assert made.apply((plan, act)).succeeded == 3
    made.submit(next(iter(made.shown())), worker(1))
    made.sync()
    assert made.dispatch().succeeded == 1


@settings("[experiments.photos.limits]", "max_total_hits = 3")
def test_no_more_hits_are_ever_posted_than_the_settings_allow(made: ContentStudy) -> None:
    made.add_numbered(5)
    made.dispatch(hits=2)
    assert made.dispatch().succeeded == 1
    plan, _act = prepare_dispatch(made.world, Selection())
    assert (plan.steps, len(plan.notes)) == ((), 1)


@settings("[experiments.photos.limits]", 'budget = "0.40"')
def test_the_budget_is_used_up_and_never_passed(made: ContentStudy) -> None:
    made.add_numbered(5)
    plan, act = prepare_dispatch(made.world, Selection())
    assert plan.notes == ("photos: limits.budget leaves $0.04, but the next HIT costs $0.12; more is pending",)
    assert str(made.apply((plan, act)).cost) == "0.36"
    with pytest.raises(FundsError, match=r"nothing was dispatched: photos: limits.budget leaves \$0.04"):
        made.dispatch()


@settings("[experiments.photos.limits]", 'min_balance = "9999.50"')
def test_the_minimum_balance_stays_on_the_account(made: ContentStudy) -> None:
    made.add_numbered(9)
    plan, act = prepare_dispatch(made.world, Selection())
    assert "less limits.min_balance = $9999.50 leaves $0.02" in plan.notes[0]
    assert made.apply((plan, act)).succeeded == 4


def test_a_balance_that_others_use_up_meanwhile_ends_it_without_a_failure(tmp_path: Path) -> None:
    study = ContentStudy(tmp_path, more='[market]\nopening_balance = "1.20"\n')
    study.add_numbered(10)
    planned = prepare_dispatch(study.world, Selection())
    with study.world.database.read() as session:
        somebodys = Post.of(find_active_experiment(session, None, study.world.settings), 5, MTURK)
    study.world.mturk.create_hit(somebodys.request("somebody else's", "local"), "another program's")
    result = study.apply(planned, workers=1)
    assert (result.succeeded, result.skipped, result.failed, int(result.exit_code)) == (5, 5, 0, 0)
    assert str(result.cost) == "0.60"
    assert {item.detail for item in result.results[5:]} == {SHORT}
    assert len(study.pending()) == 5
    with pytest.raises(FundsError, match=r"the balance leaves \$0.00"):
        study.dispatch()
    study.world.close()


def test_the_balance_is_read_once_and_again_every_two_hundred_hits(study: ContentStudy) -> None:
    study.add_numbered(210)
    plan, act = prepare_dispatch(study.world, Selection())
    assert study.requests()["GetAccountBalance"] == 1
    study.apply((plan, act), workers=8)
    assert study.requests() == {"CreateHIT": 210, "GetAccountBalance": 1}


@settings("contents_per_hit = 10")
def test_a_dry_run_shows_the_plan_and_posts_nothing(made: ContentStudy) -> None:
    made.add_numbered(15)
    plan, _act = prepare_dispatch(made.world, Selection())
    assert [step.detail for step in plan.steps] == [
        "10 items, 1 assignment at $0.10",
        "5 items, 1 assignment at $0.10",
    ]
    assert (made.posted(), len(made.pending())) == (0, 15)


def test_of_two_dispatches_planned_at_once_each_item_is_posted_once(study: ContentStudy) -> None:
    study.add_numbered(6)
    one, two = (prepare_dispatch(study.world, Selection()) for _ in range(2))
    assert study.apply(one).succeeded == 6
    late = study.apply(two)
    assert (late.succeeded, late.skipped, late.failed) == (0, 6, 0)
    assert study.posted() == 6


@settings("[experiments.photos.limits]", "max_active_hits = 4", 'budget = "1.00"')
def test_two_dispatches_planned_at_once_keep_the_limits_together(made: ContentStudy) -> None:
    made.add_numbered(4)
    one = prepare_dispatch(made.world, Selection(), hits=3)
    made.add("key,url,urgency\nnew1,x,100\nnew2,x,100\nnew3,x,100\n", priority="urgency")
    two = prepare_dispatch(made.world, Selection(), hits=3)
    assert made.apply(one).succeeded == 3
    late = made.apply(two)
    assert (late.succeeded, late.skipped) == (1, 2)
    assert late.results[1].detail == "not posted: limits.max_active_hits = 4 is reached"


def test_content_removed_after_planning_is_not_posted(study: ContentStudy) -> None:
    study.add_numbered(2)
    planned = prepare_dispatch(study.world, Selection())
    study.write("UPDATE turkctl_content SET removed = added WHERE key = 'i0'")
    assert [item.status for item in study.apply(planned).results] == ["skipped", "created"]


def test_an_item_posted_again_after_its_hit_has_expired_gets_a_hit_of_its_own(study: ContentStudy) -> None:
    study.add_numbered(1)
    for turn in range(3):
        assert study.dispatch().succeeded == 1
        assert len(study.shown()) == turn + 1
        study.pass_time(hours=25)


def test_an_answer_that_was_lost_is_asked_for_again_with_its_token(study: ContentStudy) -> None:
    study.add_numbered(3)
    planned = prepare_dispatch(study.world, Selection())
    study.switch(answer_lost=1.0)
    first = study.apply(planned, workers=1, patience=0.0, sleep=lambda _seconds: None)
    study.switch()
    assert (first.failed, study.pending()) == (3, [])
    assert study.dispatch(workers=1).failed == 0
    assert (study.posted(), len(study.shown())) == (3, 3)


def test_experiments_are_chosen_by_slug_and_only_configured_ones_are_dispatched(tmp_path: Path) -> None:
    other = SETTINGS.replace("photos", "words")
    both = ContentStudy(tmp_path, more=other)
    both.add("key\na\n")
    both.add("key\nb\n", experiment="words")
    assert both.dispatch(Selection(regex="^wo")).succeeded == 1
    with pytest.raises(NotFoundError, match="'word'"):
        both.dispatch(Selection(experiment="word"))
    with pytest.raises(UsageError, match="regular expression"):
        both.dispatch(Selection(regex="("))
    both.world.close()
    left = ContentStudy(tmp_path)  # which configures photos alone
    assert left.dispatch().succeeded == 1
    left.add("key\nc\n")
    left.write(
        "INSERT INTO turkctl_content SELECT 99, 2, key, data, 0, 1, NULL, added, updated, NULL "
        "FROM turkctl_content WHERE key = 'c'"
    )
    assert left.dispatch().succeeded == 1
    with pytest.raises(NotFoundError, match="no longer in any file"):
        left.dispatch(Selection(experiment="words"))
    left.world.close()


@pytest.mark.parametrize("hits", [0, -1, 10_001])
def test_a_number_of_hits_that_cannot_be_meant_is_refused(study: ContentStudy, hits: int) -> None:
    with pytest.raises(UsageError, match="--hits"):
        study.dispatch(hits=hits)


LINKS = """
[experiments.links]
code_version = "1.0"
title = "Where do the links lead?"
description = "Two links."
reward = "0.10"
html_template = "links.html"
contents_per_hit = 2
"""


@pytest.fixture
def links(tmp_path: Path) -> Iterator[ContentStudy]:
    """A study, and a second one whose item 'c' cannot be shown."""
    (tmp_path / "links.html").write_text('<html><body><a href="${url_1}">1</a> <a href="${url_2}">2</a></body></html>')
    lab = ContentStudy(tmp_path, more=LINKS)
    rows = ("a,https://x/1", "b,https://x/2", "c,x", "d,https://x/4", "e,https://x/5")
    lab.add("\n".join(["key,url", *rows]), experiment="links")
    lab.write("UPDATE turkctl_content SET data = :data WHERE key = 'c'", data='{"key": "c", "url": "javascript:go()"}')
    yield lab
    lab.world.close()


def test_an_item_that_cannot_be_shown_is_named_and_holds_up_no_other_hit(links: ContentStudy) -> None:
    result = links.dispatch()
    assert list(links.shown().values()) == [["a", "b"], ["e"]]
    (failed,) = [item for item in result.results if item.error is not None]
    assert failed.error is not None
    assert failed.error.message.startswith("links, content 'c': 'url_1' would put a script where an address belongs")


def test_an_item_that_cannot_be_shown_holds_up_no_other_experiment(links: ContentStudy) -> None:
    links.dispatch()
    links.add("key,url\np,u\n")
    assert links.dispatch().succeeded == 1
    assert "p" not in links.pending()


def test_with_nothing_else_to_do_an_item_that_cannot_be_shown_is_an_error(links: ContentStudy) -> None:
    links.dispatch()
    with pytest.raises(UsageError, match="links, content 'c': 'url_1' would put a script"):
        links.dispatch()
