from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from panosc_analysis.widgets import frames, limits

UINT32_MAX = 2**32 - 1


def detector_frame(rows: int = 60, columns: int = 90) -> np.ndarray:
    frame = np.random.default_rng(1).poisson(4.0, (rows, columns)).astype(np.uint32)
    frame[20:26] = UINT32_MAX
    return frame


@given(rows=st.integers(1, 40), columns=st.integers(1, 40), by_rows=st.integers(1, 9), by_columns=st.integers(1, 9))
def test_pooling_is_the_maximum_of_each_block(rows: int, columns: int, by_rows: int, by_columns: int) -> None:
    values = np.random.default_rng(rows * 41 + columns).integers(0, 1000, (rows, columns), dtype=np.uint16)
    pooled = frames.pool(values, np.zeros(values.shape, bool), (by_rows, by_columns))
    expected = [
        [values[r : r + by_rows, c : c + by_columns].max() for c in range(0, columns, by_columns)]
        for r in range(0, rows, by_rows)
    ]
    np.testing.assert_array_equal(pooled.values, expected)
    assert not pooled.masked.any()


def test_a_peak_of_one_pixel_survives_and_a_masked_one_does_not() -> None:
    values = np.zeros((100, 100), np.uint32)
    values[51, 37] = 777
    values[3, 3] = UINT32_MAX
    masked = frames.masked_pixels(values, masked_value=UINT32_MAX)
    pooled = frames.pool(values, masked, (10, 10))
    assert pooled.values[5, 3] == 777
    assert pooled.values.max() == 777
    assert pooled.masked_fraction == pytest.approx(1e-4)


def test_a_gap_narrower_than_two_blocks_stays_visible() -> None:
    values = np.ones((90, 90), np.uint32)
    values[:, 42:52] = UINT32_MAX
    pooled = frames.pool(values, frames.masked_pixels(values, masked_value=UINT32_MAX), (6, 6))
    assert pooled.masked.all(axis=0).any()


def test_a_sparse_map_is_not_masked_away() -> None:
    values = np.arange(1.0, 101.0).reshape(10, 10)
    values[::2] = np.nan
    values[1::4] = np.nan
    pooled = frames.pool(values, frames.masked_pixels(values), (4, 4))
    assert not pooled.masked[:2].any()
    assert pooled.values[0, 0] == 34.0


def test_every_kind_of_mask_counts() -> None:
    values = np.array([[1.0, np.nan, np.inf, 4.0]])
    mask = np.array([[0, 0, 0, 2]], np.uint8)
    assert frames.masked_pixels(values, mask=mask).tolist() == [[False, True, True, True]]


def limits_of(values: np.ndarray, scale: limits.Scale, how: limits.Limits, **masks: Any) -> tuple[float, float]:
    return limits.find_statistics(values, frames.masked_pixels(values, **masks)).limits(scale, how)


@pytest.mark.parametrize("how", ["auto", "minmax", "stddev3"])
@pytest.mark.parametrize("scale", limits.SCALES)
def test_limits_do_not_see_masked_pixels(how: limits.Limits, scale: limits.Scale) -> None:
    frame = detector_frame()
    low, high = limits_of(frame, scale, how, masked_value=UINT32_MAX)
    assert (0 if scale != "log" else 1) <= low < high <= frame[frame < UINT32_MAX].max()


def test_mean_and_deviation_are_those_of_numpy() -> None:
    values = np.random.default_rng(5).normal(100, 7, (200, 200))
    low, high = limits_of(values, "linear", "stddev3")
    assert low == pytest.approx(values.mean() - 3 * values.std(), rel=1e-6)
    assert high == pytest.approx(values.mean() + 3 * values.std(), rel=1e-6)


def test_percentiles_are_those_of_numpy() -> None:
    values = np.random.default_rng(5).lognormal(0, 2, (150, 150))
    low, high = limits_of(values, "linear", "auto")
    assert (low, high) == pytest.approx(np.percentile(values, [1, 99.5]), rel=1e-12)


@pytest.mark.parametrize("scale", limits.SCALES)
def test_the_table_has_what_each_question_gives(scale: limits.Scale) -> None:
    statistics = limits.find_statistics(np.random.default_rng(5).normal(0, 2, (90, 90)), None)
    for how in ("auto", "minmax", "stddev3"):
        assert statistics.table()[scale][how] == statistics.limits(scale, how)


def test_automatic_limits_pass_over_a_few_hot_pixels_on_a_linear_scale() -> None:
    frame = detector_frame()
    frame[0, :5] = 1_000_000
    assert limits_of(frame, "linear", "auto", masked_value=UINT32_MAX)[1] < 20
    assert limits_of(frame, "linear", "minmax", masked_value=UINT32_MAX)[1] == 1_000_000


def test_a_lone_peak_on_zero_is_seen() -> None:
    frame = np.zeros((50, 50), np.uint16)
    frame[7, 7] = 90
    assert limits_of(frame, "linear", "auto") == (0.0, 90.0)


def test_the_ends_are_exact_however_large_the_frame() -> None:
    frame = np.full((2000, 2000), 50, np.uint32)
    frame[1234, 567], frame[3, 3], frame[700, 701] = 3, 99, UINT32_MAX
    masked = frames.masked_pixels(frame, masked_value=UINT32_MAX)
    pooled = frames.pool(frame, masked, (4, 4))
    assert limits.find_statistics(frame, masked, pooled.values).ends == (3.0, 99.0)
    assert limits.find_statistics(frame, masked).ends == (3.0, 99.0)


@pytest.mark.parametrize("scale", limits.SCALES)
@pytest.mark.parametrize("value", [-3.0, 0.0, 5.0, np.nan])
def test_limits_are_a_range_whatever_the_values(scale: limits.Scale, value: float) -> None:
    for how in ("auto", "minmax", "stddev3"):
        low, high = limits_of(np.full((4, 4), value), scale, how)
        assert low < high
        assert scale != "log" or low > 0


def test_values_outside_of_what_is_valid_are_masked() -> None:
    values = np.array([[-2, -1, 0, 5, 9]])
    assert frames.masked_pixels(values, valid=(0, 8)).tolist() == [[True, True, False, False, True]]
    assert frames.masked_pixels(values, valid=(None, 100)) is None


def test_text_is_no_number() -> None:
    with pytest.raises(TypeError, match="no numbers"):
        frames.plain_numbers(np.array(["a"]))


def test_the_picture_never_has_more_pixels_than_the_window() -> None:
    for pixels in (1, 99, 100, 101, 4096):
        assert -(-pixels // frames.pool_factor(pixels, 100)) <= 100
