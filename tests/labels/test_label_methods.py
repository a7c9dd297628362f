"""The methods give the numbers that the reference and the prototypes gave."""

from __future__ import annotations

import math

import numpy as np
import pytest
from labels_support import draw, run, small_table, table_rows, votes_of

from turkctl.errors import InterruptedByUserError, UsageError
from turkctl.labels.cubam import Alternation
from turkctl.labels.marginal import Model
from turkctl.labels.methods import METHODS, aggregate, options_for
from turkctl.labels.normal import hazard, log_phi
from turkctl.labels.options import MethodOptions
from turkctl.labels.votes import Votes

CLOSE = 2e-4


def near(found: object, wanted: list[float]) -> None:
    np.testing.assert_allclose(found, wanted, atol=CLOSE, rtol=0)


def test_the_tails_of_the_normal_distribution_are_right() -> None:
    assert log_phi(np.array([-40.0, -5.0]))[0] == pytest.approx(-804.608442013754, rel=1e-13)
    assert log_phi(np.array([-5.0]))[0] == pytest.approx(-15.0649983939887, rel=1e-13)
    assert log_phi(np.array([10.0]))[0] == pytest.approx(-7.6198530e-24, rel=1e-6, abs=0)
    lam = hazard(np.array([-40.0, -5.0, 0.0, 40.0, -1e6, 1e6]))
    assert lam[:3] == pytest.approx([40.0249688472073, 5.18650396712584, 0.797884560802865], rel=1e-13)
    assert lam[3] >= 0
    assert lam[4] == pytest.approx(1e6)
    assert lam[5] == 0


def test_the_objective_begins_where_the_reference_begins() -> None:
    state = Alternation.start(small_table(), MethodOptions(sigt=3.0))
    assert state.objective() == pytest.approx(83.49107, abs=1e-5)


def test_the_gradient_of_the_marginal_likelihood_is_that_of_its_value() -> None:
    rows = table_rows()
    votes = Votes.of(*zip(*rows, strict=True), gold={0: True, 5: False})
    model = Model(votes, MethodOptions(sigt=1.0))
    w, t = np.linspace(0.5, 1.5, 5), np.linspace(-0.5, 0.5, 5)

    def value(step: float, at: int) -> float:
        place = np.concatenate([w, t, [0.3]])
        place[at] += step
        beta = 1 / (1 + math.exp(-place[-1]))
        return model.sums(place[:5], place[5:10], beta).likelihood - model.penalty(place[:5], place[5:10], beta)

    sums = model.sums(w, t, 1 / (1 + math.exp(-0.3)))
    beta = 1 / (1 + math.exp(-0.3))
    slope = 10 * (sums.share - beta) + 1 - 2 * beta
    numeric = [(value(1e-5, at) - value(-1e-5, at)) / 2e-5 for at in range(11)]
    np.testing.assert_allclose([*sums.gw, *sums.gt, slope], numeric, atol=1e-6)


def test_cubam_after_one_round_is_where_the_reference_is() -> None:
    found = run(small_table(), "cubam", rounds=1)
    near(found.score, [0.8526] * 3 + [0.3257, -0.3257] + [-0.8526] * 5)
    near(found.worker["w"], [1.5039, 1.1284, 0.8456, 0.9191, 0.7626])
    near(found.worker["t"], [-0.3871, -0.2380, -0.1436, 0.1400, 0.4535])
    assert found.run.objective == pytest.approx(53.6054, abs=CLOSE)


def test_cubam_after_thirty_rounds_is_where_the_reference_is() -> None:
    found = run(small_table(), "cubam")
    near(found.score, [1.0980, 1.0671, 0.8393, 0.4677, -0.6477, -1.1041, -0.8789, -0.9322, -1.0688, -0.5045])
    near(found.worker["w"], [1.7556, 0.8918, 0.5915, 0.9290, 0.5860])
    near(found.worker["t"], [-0.5051, -0.1876, -0.1020, 0.1486, 0.4697])
    assert found.run.objective == pytest.approx(53.2319, abs=CLOSE)
    assert found.run.rounds == 30
    assert found.run.converged is None


def test_cubam_marginal_ends_where_the_prototype_ended() -> None:
    found = run(small_table(), "cubam-marginal")
    near(found.score, [1.1661, 1.1571, 0.9109, 0.6559, -0.7909, -1.2127, -0.9774, -1.1051, -1.1917, -0.3733])
    positive = [0.9188, 0.9187, 0.8602, 0.7753, 0.1535, 0.0541, 0.0971, 0.0723, 0.0562, 0.3057]
    near(found.item["p_positive"], positive)
    near(found.worker["w"], [1.1172, 0.4548, 0.3410, 0.5642, 0.3402])
    near(found.worker["t"], [-0.2181, -0.0780, -0.0538, 0.1674, 0.4242])
    assert found.run.parameters["beta"] == pytest.approx(0.4251, abs=CLOSE)
    assert found.run.parameters["sigt"] == 1
    assert found.run.converged


def test_dawid_skene_ends_where_the_prototype_ended() -> None:
    found = run(small_table(), "dawid-skene")
    near(found.p, [0.8040, 0.8025, 0.7464, 0.6462, 0.2955, 0.1574, 0.2050, 0.1895, 0.1562, 0.2914])
    near(found.worker["a1"], [0.6817, 0.6098, 0.5798, 0.5493, 0.4298])
    near(found.worker["a0"], [0.6484, 0.5897, 0.5652, 0.6701, 0.7022])
    assert found.run.parameters["balance"][1] == pytest.approx(0.4412, abs=CLOSE)


def test_majority_scores_the_mean_vote_and_a_tie_has_no_label() -> None:
    votes = Votes.of("aaabbcc", "xyzxyxy", [True, True, False, True, False, False, False])
    found = run(votes, "majority")
    assert found.labels() == [True, None, False]
    assert found.score.tolist() == pytest.approx([1 / 3, 0, -1])
    assert found.n_true.tolist() == [2, 1, 0]


@pytest.mark.parametrize(("value", "sign"), [(True, 1), (False, -1)])
def test_cubam_of_a_single_vote_is_what_the_reference_has(value: bool, sign: int) -> None:
    found = run(Votes.of(["a"], ["x"], [value]), "cubam")
    near([found.score[0], found.worker["w"][0], found.worker["t"][0]], [sign * 0.9638, 1.0803, sign * -0.7497])


def test_two_votes_that_differ_are_a_tie() -> None:
    found = run(Votes.of("aa", "xy", [False, True]), "cubam")
    assert abs(found.score[0]) < 1e-6
    assert found.labels() == [None]
    near(found.worker["t"], [1.4202, -1.4202])


def test_sensitivity_specificity_noise_and_cut_follow_from_w_and_t() -> None:
    worker = run(small_table(), "cubam").worker
    w, t = worker["w"][0], worker["t"][0]
    above = 0.5 * math.erfc(-(w - t) / math.sqrt(1 + 0.64 * w * w) / math.sqrt(2))
    below = 0.5 * math.erfc(-(w + t) / math.sqrt(1 + 0.64 * w * w) / math.sqrt(2))
    found = [worker[name][0] for name in ("noise", "cut", "sensitivity", "specificity")]
    assert found == pytest.approx([1 / w, t / w, above, below])


def test_p_of_both_cubams_is_the_logistic_of_the_score() -> None:
    for method in ("cubam", "cubam-marginal"):
        found = run(small_table(), method)
        np.testing.assert_allclose(found.p, 1 / (1 + np.exp(-2 * found.score / 0.64)))


def test_reversed_guessing_and_one_sided_workers_are_flagged() -> None:
    rng = np.random.default_rng(3)
    truth = rng.random(300) < 0.5
    rows = [(item, worker, bool(truth[item])) for item in range(300) for worker in range(4)]
    rows = [(i, w, v != (rng.random() < 0.1)) for i, w, v in rows]
    rows += [(item, 4, not truth[item]) for item in range(300)]
    rows += [(item, 5, bool(rng.random() < 0.5)) for item in range(300)]
    rows += [(item, 6, bool(rng.random() < 0.97)) for item in range(300)]
    for method in ("cubam", "cubam-marginal"):
        flags = {row["worker"]: row["flags"] for row in run(votes_of(rows), method).worker_rows()}
        assert flags[0] == []
        assert "reversed" in flags[4]
        assert "guessing" in flags[5]
        assert "one-sided" in flags[6]
    flags = {row["worker"]: row["flags"] for row in run(votes_of(rows), "dawid-skene").worker_rows()}
    assert (flags[0], flags[4], flags[5]) == ([], ["reversed"], ["guessing"])


@pytest.mark.parametrize(
    ("method", "least"),
    [("majority", 0.86), ("dawid-skene", 0.90), ("one-coin", 0.89), ("cubam", 0.90), ("cubam-marginal", 0.905)],
)
def test_accuracy_on_drawn_votes_is_what_it_was(method: str, least: float) -> None:
    drawn = draw(1500, 60, spammers=0.15)
    assert drawn.accuracy(run(drawn.votes, method)) >= least


def test_integrating_the_signal_out_copes_better_with_few_true_items() -> None:
    drawn = draw(1500, 60, positive=0.25, spammers=0.15)
    marginal, joint = (drawn.accuracy(run(drawn.votes, method)) for method in ("cubam-marginal", "cubam"))
    assert marginal > joint


def test_one_coin_says_when_it_runs_away() -> None:
    rng = np.random.default_rng(1)
    x = np.where(rng.random(400) < 0.5, 1.0, -1.0)
    w, t = rng.normal(1, 1, 40), rng.normal(0, 3, 40)
    pairs = [(item, worker) for item in range(400) for worker in rng.choice(40, 5, replace=False).tolist()]
    rows = [(i, j, bool(w[j] * x[i] - t[j] + rng.standard_normal() > 0)) for i, j in pairs]
    found = run(votes_of(rows), "one-coin")
    assert "one-coin failed" in found.run.warnings[0]
    assert not run(small_table(), "one-coin").run.warnings


def test_several_dimensions_tell_workers_apart_who_look_at_different_things() -> None:
    rng = np.random.default_rng(2)
    seen = rng.standard_normal((400, 2)) * 0.5 + np.where(rng.random(400) < 0.5, 1, -1)[:, None]
    rows = [
        (item, worker, bool(3 * seen[item, worker % 2] + rng.standard_normal() > 0))
        for item in range(400)
        for worker in range(12)
    ]
    found = run(votes_of(rows), "cubam-nd")
    w = found.worker["w"]
    turned = np.sign(w[:, 0] - w[:, 1])
    assert len(set(turned[::2])) == len(set(turned[1::2])) == 1
    assert turned[0] != turned[1]
    assert next(found.item_rows())["x"] == pytest.approx(found.item["x"][0], abs=1e-6)
    np.testing.assert_allclose(found.score, found.item["x"].mean(axis=1))


KINDS = ("cat", "dog", "bird")
CLASSES = [(item, worker, KINDS[item % 3]) for item in range(60) for worker in range(5)]


@pytest.mark.parametrize("method", [name for name, method in METHODS.items() if method.many])
def test_three_classes_are_found_among_wrong_votes(method: str) -> None:
    rng = np.random.default_rng(5)
    rows = [(i, w, v if rng.random() < 0.8 else str(rng.choice(["cat", "dog", "bird"]))) for i, w, v in CLASSES]
    votes = Votes.of(*zip(*rows, strict=True))
    assert votes.classes == ("bird", "cat", "dog")
    found = run(votes, method)
    right = [label == KINDS[item % 3] for item, label in zip(votes.items, found.labels(), strict=True)]
    assert np.mean(right) >= 0.95


def test_dawid_skene_of_classes_gives_each_worker_a_confusion_table() -> None:
    votes = Votes.of(*zip(*CLASSES, strict=True))
    confusion = next(run(votes, "dawid-skene").worker_rows())["confusion"]
    assert {tuple(shares) for shares in confusion.values()} == {votes.classes}
    assert [sum(shares.values()) for shares in confusion.values()] == pytest.approx([1, 1, 1], abs=1e-5)
    assert min(confusion[name][name] for name in KINDS) > 0.9


def test_a_best_class_under_the_threshold_gets_no_label() -> None:
    votes = Votes.of("aaabbb", "xyzxyz", ["p", "p", "p", "p", "q", "r"])
    assert run(votes, "majority", threshold=0.5).labels() == ["p", None]


def test_two_classes_with_as_many_votes_tie() -> None:
    votes = Votes.of("aabb", "xyxy", ["p", "q", "r", "r"])
    assert run(votes, "majority").labels() == [None, "r"]


@pytest.mark.parametrize("method", ["majority", "cubam-marginal"])
def test_gold_of_classes_is_no_reason_to_warn_whether_or_not_it_enters_the_fit(method: str) -> None:
    votes = Votes.of(*zip(*CLASSES, strict=True), gold={0: "cat", 1: "dog"})
    assert not run(votes, method).run.warnings


@pytest.mark.parametrize("options", [{"sigx": 0.001}, {"sigx": 1000}, {"sigt": 0.001}, {"beta": 1e-12}, {"sigt": 1000}])
@pytest.mark.parametrize("method", ["cubam", "cubam-marginal", "cubam-nd"])
def test_extreme_options_give_numbers_all_the_same(method: str, options: dict[str, float]) -> None:
    found = run(small_table(), method, **options)
    assert np.isfinite(found.score).all()
    assert np.isfinite(found.worker["w"]).all()


@pytest.mark.parametrize("method", ["one-coin", "cubam-nd"])
def test_a_method_for_two_classes_refuses_three(method: str) -> None:
    with pytest.raises(UsageError, match="true and false only"):
        run(Votes.of("aab", "xyx", ["p", "q", "r"]), method)


def test_items_with_too_few_votes_are_fitted_but_get_no_label() -> None:
    votes = votes_of([*[(0, worker, True) for worker in range(5)], (1, 0, False)])
    found = aggregate(votes, "cubam")
    assert found.labels() == [True, None]
    assert found.score[1] < 0
    assert aggregate(votes, "cubam", MethodOptions(min_votes=6)).run.warnings[0].startswith("no item has 6 votes")


def test_the_threshold_cuts_the_score_and_leaves_it_as_it_is() -> None:
    plain, cut = run(small_table(), "cubam"), run(small_table(), "cubam", threshold=1.0)
    assert cut.score.tolist() == plain.score.tolist()
    assert cut.labels() == [True, True] + [False] * 8
    assert (cut.run.threshold, cut.run.threshold_from) == (1.0, "given")


def test_gold_items_choose_the_cut() -> None:
    values = [True, True, True, True, True, False, True, False, False]
    votes = Votes.of("aaabbbccc", "xyzxyzxyz", values, gold={"a": True, "b": False, "nobody": True})
    found = run(votes, "majority")
    assert found.run.threshold_from == "gold"
    assert 1 / 3 < found.run.threshold < 1
    assert found.labels() == [True, False, False]
    assert run(votes, "majority", threshold=0).labels() == [True, True, False]


def test_gold_of_one_class_leaves_the_cut_alone_and_says_so() -> None:
    votes = Votes.of("aabb", "xyxy", [True, True, False, False], gold={"a": True})
    found = run(votes, "majority")
    assert found.run.threshold == 0
    assert "all of one class" in found.run.warnings[0]


def test_a_cut_that_has_all_gold_items_on_one_side_says_so() -> None:
    values = [True, True, True, True, True, False, False, False, False]
    votes = Votes.of("aaabbbccc", "xyzxyzxyz", values, gold={"a": False, "b": False, "c": True})
    found = run(votes, "majority")
    assert "all 3 on one side" in found.run.warnings[0]
    assert "2 of them right" in found.run.warnings[0]


def test_cubam_marginal_learns_from_gold_who_is_right() -> None:
    # Two camps of workers who contradict each other: without gold, nothing says which is right.
    rows = [(item, worker, (item % 2 == 0) == (worker < 3)) for item in range(40) for worker in range(5)]
    items, workers, values = zip(*rows, strict=True)
    gold = {item: item % 2 == 1 for item in range(30)}
    without = run(Votes.of(items, workers, values), "cubam-marginal", threshold=0)
    knowing = run(Votes.of(items, workers, values, gold=gold), "cubam-marginal", threshold=0)
    assert without.labels()[30:32] == [True, False]
    assert knowing.labels()[30:32] == [False, True]


def test_stopping_ends_the_run_at_its_next_round() -> None:
    rounds: list[tuple[int, int]] = []
    with pytest.raises(InterruptedByUserError):
        aggregate(small_table(), "cubam", progress=lambda *at: rounds.append(at), stop=lambda: len(rounds) == 3)
    assert rounds == [(1, 30), (2, 30), (3, 30)]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_tells_its_rounds_and_gives_facts_of_the_run(method: str) -> None:
    rounds: list[tuple[int, int]] = []
    found = aggregate(small_table(), method, progress=lambda *at: rounds.append(at))
    assert rounds
    assert all(done <= most for done, most in rounds)
    facts = found.run.as_dict()
    assert facts["method"] == method
    assert (facts["items"], facts["workers"], facts["labels"], facts["duplicates"]) == (10, 5, 50, 0)
    assert set(facts["versions"]) == {"turkctl", "numpy", "scipy"}
    assert found.worker["n"].tolist() == [10] * 5
    same = [
        label == value
        for (_, worker, value), label in zip(table_rows(), np.repeat(found.labels(), 5), strict=True)
        if worker == 0
    ]
    assert found.worker["agreement"][0] == pytest.approx(np.mean(same))


def test_votes_of_many_blocks_are_one_model() -> None:
    # Above 4,096 items the marginal model works in blocks, above 16,384 votes the joint one in chunks.
    drawn = draw(6000, 80, per_item=3)
    for method in ("cubam", "cubam-marginal"):
        assert drawn.accuracy(run(drawn.votes, method)) > 0.87


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"sigt": 0}, "sigt is 0"),
        ({"beta": 1}, "beta is 1"),
        ({"sigx": math.nan}, "sigx is nan"),
        ({"threshold": math.inf}, "threshold is inf"),
        ({"rounds": 0}, "rounds is 0"),
        ({"dimensions": 3}, "cubam does not use dimensions"),
    ],
)
def test_an_option_that_means_nothing_is_refused(given: dict[str, float], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        options_for("cubam", given)


def test_no_votes_and_an_unknown_method_are_refused() -> None:
    with pytest.raises(UsageError, match="no votes"):
        run(Votes.of([], [], []), "cubam")
    with pytest.raises(UsageError, match="no method 'kubam'"):
        run(small_table(), "kubam")
