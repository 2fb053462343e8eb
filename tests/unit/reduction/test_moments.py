from __future__ import annotations

import pickle
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panosc_analysis.reduction.moments import Moments, MomentsKernel

DTYPES = ["u1", "u2", "u4", "i1", "i2", "i4", "?", "f4", "f8", "u8", "i8"]


def kernel(values: np.ndarray[Any, Any], masked_value: int | None, mask: np.ndarray[Any, Any]) -> MomentsKernel:
    return MomentsKernel(
        values.dtype,
        values.shape[1],
        np.packbits(mask).tobytes(),
        masked_value,
        variance=True,
        extremes=True,
        totals=True,
    )


def run(plan: MomentsKernel, values: np.ndarray[Any, Any], cuts: list[int]) -> Moments:
    """Sum in parts, merged from the last to the first, each after a journey to another process."""
    edges = sorted({0, *cuts, len(values)})
    parts = []
    for first, last in pairwise(edges):
        part = plan.start(first, last - first)
        for begin in range(first, last, 3):
            part.add(values[begin : min(begin + 3, last)], begin)
        parts.append(pickle.loads(pickle.dumps(part)))
    result = parts.pop()
    while parts:
        result.merge(parts.pop())
    moments = result.finish()
    assert isinstance(moments, Moments)
    return moments


@given(
    dtype=st.sampled_from(DTYPES),
    seed=st.integers(0, 999),
    largest=st.sampled_from([1, 300, 70_000, None]),
    cuts=st.lists(st.integers(1, 16), max_size=4),
    marked=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_moments_are_numpys(dtype: str, seed: int, largest: int | None, cuts: list[int], marked: bool) -> None:
    rng = np.random.default_rng(seed)
    kind = np.dtype(dtype)
    shape = (17, 1500)
    if kind.kind == "f":
        values = rng.normal(100, 10, shape).astype(kind)
        values[3, :40] = np.nan
    elif kind.kind == "b":
        values = rng.random(shape) < 0.5
    else:
        limits = np.iinfo(kind)
        high = min(limits.max, 1 << 40 if largest is None else largest)
        low = max(limits.min, -high) if kind.kind == "i" else 0
        values = rng.integers(low, high, shape, dtype=kind, endpoint=True)
    masked_value = int(np.iinfo(kind).max) if marked and kind.kind in "ui" else None
    if masked_value is not None:
        values[:, 100:200] = masked_value
        values[5, 50:300] = masked_value
    mask = np.zeros(shape[1], bool)
    mask[700:800] = True
    moments = run(kernel(values, masked_value, mask), values, cuts)

    valid = ~np.broadcast_to(mask, shape) & (np.isfinite(values) if kind.kind == "f" else True)
    valid = valid & (values != masked_value) if masked_value is not None else valid
    exact = values.astype(object) if kind.kind in "uib" else values.astype(np.longdouble)
    kept, count = np.where(valid, exact, 0), valid.sum(axis=0)
    some, number = count > 0, np.maximum(count, 1)
    np.testing.assert_array_equal(moments.count, count)
    if kind.kind in "uib" and kind.itemsize < 8 and (masked_value is None or kind.kind == "u"):
        assert moments.sum.dtype.kind == ("i" if kind.kind == "i" else "u")
        assert (moments.sum == kept.sum(axis=0)).all()
        assert (moments.totals == kept.sum(axis=1)).all()
        whole = run(kernel(values, masked_value, mask), values, [])
        for name in ("count", "sum", "variance", "min", "max", "totals"):
            assert getattr(moments, name).tobytes() == getattr(whole, name).tobytes(), name
    np.testing.assert_allclose(moments.sum.astype(float), kept.sum(axis=0).astype(float), rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(np.asarray(moments.totals, float), kept.sum(axis=1).astype(float), rtol=1e-12, atol=1e-9)
    wide = kept.astype(np.longdouble)
    distances = np.where(valid, wide - wide.sum(axis=0) / number, 0)
    variance = ((distances**2).sum(axis=0) / number).astype(float)
    np.testing.assert_allclose(np.asarray(moments.variance), variance, rtol=1e-9, atol=1e-9)
    low = np.where(valid, exact, np.inf).min(axis=0)[some].astype(float)
    high = np.where(valid, exact, -np.inf).max(axis=0)[some].astype(float)
    np.testing.assert_array_equal(np.asarray(moments.min)[some].astype(float), low)
    np.testing.assert_array_equal(np.asarray(moments.max)[some].astype(float), high)


def test_variance_of_large_numbers_that_differ_little() -> None:
    values = (np.uint32(4_000_000_000) + np.arange(16, dtype=np.uint32) % 2).reshape(16, 1)
    moments = run(MomentsKernel(values.dtype, 1, variance=True), values, [5])
    assert moments.variance is not None
    assert moments.variance[0] == 0.25


def test_squares_beyond_64_bits() -> None:
    values = np.zeros((64, 2), np.uint32)
    values[::2] = 2**32 - 2
    moments = run(MomentsKernel(values.dtype, 2, masked_value=2**32 - 1, variance=True), values, [7, 30])
    assert moments.variance is not None
    np.testing.assert_allclose(moments.variance, float(2**31 - 1) ** 2, rtol=1e-12)


def test_other_marks_than_the_maximum() -> None:
    values = np.array([[-1, 4], [3, -1], [5, -1]], np.int32)
    moments = run(MomentsKernel(values.dtype, 2, masked_value=-1, extremes=True), values, [])
    assert moments.count.tolist() == [2, 1]
    assert moments.sum.tolist() == [8, 4]
    assert moments.min is not None
    assert moments.min.tolist() == [3, 4]


@pytest.mark.parametrize("dtype", ["u2", "f8"])
def test_nothing_valid_at_all(dtype: str) -> None:
    values = np.full((3, 2), np.nan if dtype == "f8" else 65535).astype(dtype)
    masked = None if dtype == "f8" else 65535
    moments = run(MomentsKernel(values.dtype, 2, masked_value=masked, variance=True, totals=True), values, [1])
    assert moments.count.tolist() == [0, 0]
    assert moments.sum.tolist() == [0, 0]
    assert moments.totals is not None
    assert moments.totals.tolist() == [0, 0, 0]
