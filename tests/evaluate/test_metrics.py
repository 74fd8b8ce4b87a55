"""Figures against examples computed by hand, and what must hold for any answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.evaluate.metrics import (
    expected_calibration_error,
    micro_average_precision,
    precision_recall,
    recall_at_precision,
    recall_at_zero_false,
    reliability,
    wilson_interval,
)

ANSWERS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0]), st.booleans()), max_size=40
)


def split(answers: list[tuple[float, bool]]) -> tuple[list[float], list[bool]]:
    return [score for score, _ in answers], [right for _, right in answers]


def test_average_precision_by_hand() -> None:
    # Ranked: right, false, right; four originals. Precision 1, 1/2, 2/3; recall gains 1/4, 0, 1/4.
    confidence, right = [0.7, 0.9, 0.8], [True, True, False]
    assert micro_average_precision(confidence, right, 4) == pytest.approx((1 + 2 / 3) / 4)
    precision, recall = precision_recall(confidence, right, 4)
    assert precision.tolist() == pytest.approx([1, 1 / 2, 2 / 3])
    assert recall.tolist() == [0.25, 0.25, 0.5]


def test_equal_confidence_counts_together() -> None:
    # At 0.9 one right and one false come together: precision 1/2 for all the recall they bring.
    assert micro_average_precision([0.9, 0.9], [True, False], 1) == 0.5
    assert recall_at_zero_false([0.9, 0.9], [True, False], 1) == 0.0


def test_recall_at_precision_by_hand() -> None:
    confidence = np.linspace(0.99, 0.5, 12)
    right = [True] * 5 + [False] + [True] * 4 + [False] * 2
    # After ten answers nine are right, precision 0.9 exactly; later it falls.
    assert recall_at_precision(confidence, right, 10) == 0.9
    assert recall_at_precision(confidence, right, 10, precision=0.95) == 0.5
    assert recall_at_precision([0.9], [False], 10) == 0.0


def test_recall_at_zero_false_by_hand() -> None:
    confidence, right = [0.99, 0.8, 0.7, 0.6], [True, True, False, True]
    assert recall_at_zero_false(confidence, right, 5) == 0.4
    assert recall_at_zero_false(confidence, right, 5, surest_false=0.9) == 0.2
    assert recall_at_zero_false(confidence[:2], right[:2], 5) == 0.4


def test_calibration_by_hand() -> None:
    # Two answers at 0.9, one right: 0.4 off. Two at 0.05, none right: 0.05 off.
    table = reliability([0.9, 0.05, 0.9, 0.05], [True, False, False, False])
    assert [(one.low, one.high, one.count) for one in table] == [(0.0, 0.1, 2), (0.9, 1.0, 2)]
    assert [one.accuracy for one in table] == [0.0, 0.5]
    assert expected_calibration_error(table) == pytest.approx(0.225)


def test_full_confidence_belongs_to_the_last_bin() -> None:
    (only,) = reliability([1.0, 0.95], [True, True])
    assert (only.low, only.high, only.count) == (0.9, 1.0, 2)
    assert only.confidence == pytest.approx(0.975)


def test_without_answers_nothing_is_found_and_nothing_is_wrong() -> None:
    assert micro_average_precision([], [], 3) == recall_at_precision([], [], 3) == 0.0
    assert recall_at_zero_false([], [], 3) == 0.0
    assert expected_calibration_error(reliability([], [])) == 0.0


@pytest.mark.parametrize("confidence", [[0.5], [0.5, 1.5], [0.5, float("nan")], [[0.5, 0.5]]])
def test_answers_that_make_no_sense_are_refused(confidence: list[float]) -> None:
    with pytest.raises(ValueError, match="confidence"):
        precision_recall(confidence, [True, False], 2)


def test_the_interval_of_a_rate_by_the_textbook() -> None:
    # Newcombe 1998, table I, method 3 (Wilson without continuity correction).
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson_interval(15, 148) == pytest.approx((0.0624, 0.1605), abs=1e-4)
    assert wilson_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert wilson_interval(0, 0) == (0.0, 1.0)


@given(ANSWERS, st.randoms(use_true_random=False), st.integers(0, 10))
def test_no_figure_depends_on_the_order_and_all_lie_in_their_bounds(
    answers: list[tuple[float, bool]], random: np.random.Generator, missed: int
) -> None:
    originals = sum(right for _, right in answers) + missed
    shuffled = list(answers)
    random.shuffle(shuffled)
    recall = sum(right for _, right in answers) / max(originals, 1)
    for figure in (micro_average_precision, recall_at_precision, recall_at_zero_false):
        value = figure(*split(answers), originals)
        assert value == pytest.approx(figure(*split(shuffled), originals))
        assert 0 <= value <= recall + 1e-12
    assert recall_at_zero_false(*split(answers), originals) <= recall_at_precision(*split(answers), originals)


@given(ANSWERS)
def test_the_reliability_table_holds_every_answer_once(answers: list[tuple[float, bool]]) -> None:
    table = reliability(*split(answers))
    assert sum(one.count for one in table) == len(answers)
    assert sum(one.count * one.accuracy for one in table) == pytest.approx(sum(r for _, r in answers))
    for one in table:
        assert one.low - 1e-9 <= one.confidence <= one.high + 1e-9
    assert 0 <= expected_calibration_error(table) <= 1
