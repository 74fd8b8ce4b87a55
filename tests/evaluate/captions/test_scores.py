"""Sums, intervals and paired tests."""

from __future__ import annotations

import math

import numpy as np
import pytest

from provenance.evaluate.captions.scores import Draws, compare, intervals, ratio_score

FOUR = np.arange(4)


def test_a_ratio_of_sums_by_hand() -> None:
    score = ratio_score("Direction", [2, 0, 1], [2, 0, 3])
    assert score.value() == pytest.approx(3 / 5)
    assert score.value([0]) == 1.0
    assert score.value(np.array([True, False, True])) == pytest.approx(3 / 5)
    assert math.isnan(score.value([1]))


def test_the_interval_of_a_share_is_that_of_the_normal_distribution() -> None:
    right = np.arange(400) % 4 == 0
    ((low, high),) = intervals([ratio_score("share", right)], np.arange(400), Draws(2000, seed=1))
    margin = 1.96 * math.sqrt(0.25 * 0.75 / 400)
    assert low == pytest.approx(0.25 - margin, abs=0.01)
    assert high == pytest.approx(0.25 + margin, abs=0.01)
    assert intervals([ratio_score("share", right)], np.arange(400), Draws(2000, seed=1)) == [(low, high)]


def test_without_draws_or_pairs_there_is_no_interval() -> None:
    score = ratio_score("share", [0.0, 1.0])
    assert np.isnan(intervals([score], [0, 1], Draws(0))).all()
    assert np.isnan(intervals([score], [False, False], Draws(10))).all()
    assert math.isnan(compare([score], [score], [0, 1], Draws(0))[0].p)


def test_equal_systems_do_not_differ() -> None:
    score = ratio_score("mean", np.random.default_rng(0).random(50))
    (same,) = compare([score], [score], np.arange(50), Draws(200))
    assert (same.value, same.low, same.high, same.p) == (0, 0, 0, 1)


def test_the_chance_of_a_difference_by_hand() -> None:
    # Four pairs, each 1 better: of the 16 ways to exchange answers 2 part the systems as far. p = 1/8.
    (found,) = compare([ratio_score("m", [1.0] * 4)], [ratio_score("m", [0.0] * 4)], FOUR, Draws(4000))
    assert found.value == 1.0
    assert found.p == pytest.approx(2 / 16, abs=0.02)


def test_noise_is_seldom_taken_for_a_difference() -> None:
    random = np.random.default_rng(3)
    chances = []
    for seed in range(60):
        first, second = (ratio_score("m", random.normal(size=80)) for _ in range(2))
        chances.append(compare([first], [second], np.arange(80), Draws(200, seed))[0].p)
    assert sum(p < 0.05 for p in chances) <= 8
    assert 0.35 < np.mean(chances) < 0.65


def test_a_real_difference_is_found() -> None:
    random = np.random.default_rng(4)
    base = random.normal(size=200)
    (found,) = compare(
        [ratio_score("m", base + 0.3 + random.normal(scale=0.3, size=200))],
        [ratio_score("m", base)],
        np.arange(200),
        Draws(),
    )
    assert found.p < 0.01
    assert found.low > 0.2 and found.high < 0.4
