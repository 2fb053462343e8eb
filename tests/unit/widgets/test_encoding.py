"""Codes: exact for counts, and everywhere fine enough that no colour is more than a level off silx's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from silx.math.colormap import normalize

from panosc_analysis.widgets import limits
from panosc_analysis.widgets.encoding import encode

RANDOM = np.random.default_rng(8)


@pytest.mark.parametrize(
    ("values", "bits", "offset"),
    [
        (np.array([[0, 254]], "u4"), 8, 0),
        (np.array([[0, 255]], "u4"), 16, 0),
        (np.array([[0, 65534]], "u8"), 16, 0),
        (np.array([[-3, 200]], "i2"), 8, -3),
        (np.array([[2**40, 2**40 + 7]], "u8"), 8, 2**40),
        (np.array([[-(2**15), 2**15 - 2]], "i4"), 16, -(2**15)),
    ],
)
def test_whole_numbers_are_exact(values: np.ndarray, bits: int, offset: int) -> None:
    codes = encode(values, None)
    assert (codes.codes.itemsize * 8, codes.offset, codes.exact) == (bits, offset, True)
    np.testing.assert_array_equal(codes.values(), values)


def test_masked_values_have_a_code_of_their_own() -> None:
    values = np.array([[1, 2**32 - 1, 3]], "u4")
    codes = encode(values, values == 2**32 - 1)
    assert codes.codes.tolist() == [[1, 255, 3]]
    assert np.isnan(codes.values()).tolist() == [[False, True, False]]
    everything = encode(np.full((2, 2), np.nan), np.ones((2, 2), bool))
    assert (everything.codes == everything.masked_code).all()


CASES: dict[str, Any] = {
    "wide counts": RANDOM.pareto(0.4, (60, 60)).astype("u8"),
    "lognormal": RANDOM.lognormal(0, 4, (60, 60)),
    "noise about zero": RANDOM.normal(0, 1, (60, 60)),
    "narrow": RANDOM.normal(1000, 1, (60, 60)),
    "tiny": RANDOM.random((60, 60)).astype("f4") * 1e-30,
    "huge": RANDOM.lognormal(300, 10, (60, 60)),
    "whole": RANDOM.poisson(5, (60, 60)).astype("i4"),
}


@pytest.mark.parametrize("scale", limits.SCALES)
@pytest.mark.parametrize("case", CASES)
def test_no_colour_is_more_than_a_level_off(case: str, scale: limits.Scale) -> None:
    values = CASES[case]
    statistics = limits.find_statistics(values, None)
    for how in ("minmax", "auto"):
        low, high = statistics.limits(scale, how)
        if scale == "arcsinh" and high > 1e300:
            continue  # silx's own overflows
        expected, _, _ = normalize(values.astype("f8"), norm=scale, vmin=low, vmax=high, gamma=0.5)
        seen, _, _ = normalize(encode(values, None).values(), norm=scale, vmin=low, vmax=high, gamma=0.5)
        focused, _, _ = normalize(encode(values, None, (low, high)).values(), norm="linear", vmin=low, vmax=high)
        exact, _, _ = normalize(values.astype("f8"), norm="linear", vmin=low, vmax=high)
        assert np.abs(expected.astype(int) - seen).max() <= 1
        assert np.abs(exact.astype(int) - focused).max() <= 1
