"""Files with stacks of every layout, and the plain NumPy answer to compare with."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pytest

from panosc_analysis.nexus import ArrayHandle

CODECS: dict[str, Any] = {
    "none": {},
    "gzip": {"compression": "gzip", "compression_opts": 1},
    "shuffle+gzip": {"compression": "gzip", "compression_opts": 1, "shuffle": True},
    "bitshuffle-lz4": hdf5plugin.Bitshuffle(cname="lz4"),
    "bitshuffle-zstd": hdf5plugin.Bitshuffle(cname="zstd"),
    "bitshuffle-64": hdf5plugin.Bitshuffle(nelems=64, cname="lz4"),
    "bitshuffle": hdf5plugin.Bitshuffle(cname="none"),
    "blosc": hdf5plugin.Blosc(),
    "blosc2": hdf5plugin.Blosc2(),
    "lz4": hdf5plugin.LZ4(),
    "zstd": hdf5plugin.Zstd(),
    "lzf": {"compression": "lzf"},
    "fletcher32+gzip": {"compression": "gzip", "fletcher32": True},
}

Write = Callable[..., ArrayHandle]


def random_stack(shape: tuple[int, ...], dtype: str, seed: int = 0) -> np.ndarray[Any, Any]:
    """Counts with a gap and pixels that come and go, or normal numbers with holes; full range in some pixels."""
    rng = np.random.default_rng(seed)
    kind = np.dtype(dtype)
    if kind.kind == "f":
        values = rng.normal(size=shape)
        values[rng.random(shape) < 0.02] = np.nan
        return values.astype(kind)
    limits = np.iinfo(kind)
    values = rng.poisson(3, shape).astype(np.int64)
    full = rng.random(shape[1:]) < 0.1
    values[:, full] = rng.integers(limits.min, limits.max, (shape[0], int(full.sum())), endpoint=True)
    values[..., : max(1, shape[-1] // 8)] = limits.max
    values[rng.random(shape) < 0.01] = limits.max
    return values.astype(kind)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a stack as the image of a detector and give its handle."""
    numbers = count()

    def write_stack(values: np.ndarray[Any, Any], codec: str = "none", **options: Any) -> ArrayHandle:
        path = tmp_path / f"stack{next(numbers)}.h5"
        write_file(path, values, codec, **options)
        return ArrayHandle(path, "/entry/data/data")

    return write_stack


def write_file(path: Path, values: np.ndarray[Any, Any], codec: str = "none", **options: Any) -> None:
    with h5py.File(path, "w") as file:
        data = file.create_group("entry/data")
        file["entry"].attrs["NX_class"] = "NXentry"
        data.attrs["NX_class"] = "NXdata"
        data.attrs["signal"] = "data"
        data.create_dataset("data", data=values, **options, **CODECS[codec])


@pytest.fixture
def random() -> Callable[..., np.ndarray[Any, Any]]:
    return random_stack


@pytest.fixture
def check() -> Callable[..., None]:
    """Compare a result with the statistics of plain NumPy."""

    def compare(result: Any, values: np.ndarray[Any, Any], *, exact: bool = True, **options: Any) -> None:
        check_statistics(result, plain_statistics(values, **options), exact=exact)

    return compare


def plain_statistics(
    values: np.ndarray[Any, Any], mask: np.ndarray[Any, Any] | None = None, masked_value: int | None = None
) -> dict[str, Any]:
    """The same statistics in plain, wide NumPy."""
    kind = values.dtype.kind
    valid = np.isfinite(values) if kind == "f" else np.ones(values.shape, bool)
    if masked_value is not None:
        valid &= values != masked_value
    if mask is not None:
        valid &= mask == 0
    exact = values.astype(object) if kind in "iu" else values.astype(np.float64)
    kept = np.where(valid, exact, 0)
    count = valid.sum(axis=0)
    number = np.maximum(count, 1)
    wide = kept.astype(np.longdouble)
    mean = wide.sum(axis=0) / number
    return {
        "count": count,
        "sum": kept.sum(axis=0),
        "mean": mean.astype(np.float64),
        "std": np.sqrt((np.where(valid, wide - mean, 0) ** 2).sum(axis=0) / number).astype(np.float64),
        "min": np.where(valid, values.astype(np.float64), np.inf).min(axis=0),
        "max": np.where(valid, values.astype(np.float64), -np.inf).max(axis=0),
        "totals": kept.reshape(len(values), -1).sum(axis=1),
    }


def check_statistics(result: Any, plain: dict[str, Any], *, exact: bool) -> None:
    some = plain["count"] > 0
    np.testing.assert_array_equal(result["count"].values, plain["count"])
    if exact:
        assert result["sum"].values.dtype.kind in "iu"
        assert (result["sum"].values == plain["sum"]).all()
        assert (result["totals"].values == plain["totals"]).all()
    else:
        np.testing.assert_allclose(result["sum"].values[some], plain["sum"][some].astype(float), rtol=1e-12, atol=1e-9)
        np.testing.assert_allclose(result["totals"].values, plain["totals"].astype(float), rtol=1e-12, atol=1e-9)
    for name, tolerance in (("mean", 1e-14), ("std", 1e-9)):
        np.testing.assert_allclose(result[name].values[some], plain[name][some], rtol=tolerance, atol=1e-12)
        assert np.isnan(result[name].values[~some]).all()
    for name in ("min", "max"):
        np.testing.assert_array_equal(result[name].values[some].astype(np.float64), plain[name][some])
    if not some.all():
        np.testing.assert_array_equal(result["mean"].masked, ~some)
