"""Results become xarray and scipp objects without losing axes, units, uncertainties or masks."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from panosc_analysis.errors import ReductionError
from panosc_analysis.provenance import Record
from panosc_analysis.reduction import ReductionResult, ResultArray, ResultAxis


@pytest.fixture
def result() -> ReductionResult:
    axes = (
        ResultAxis("frame", "frame", None, np.arange(3)),
        ResultAxis("q", "scattering vector q", "1/nm", np.arange(4.0)),
    )
    values = np.arange(12.0).reshape(3, 4)
    masked = values == 5
    counts = np.arange(3, dtype=np.uint16)
    arrays = (
        ResultArray(
            "profile",
            "radial profile",
            np.where(masked, np.nan, values),
            axes,
            "counts",
            np.sqrt(values),
            "linear",
            masked,
        ),
        ResultArray("totals", "totals", counts, axes[:1], "no such unit"),
    )
    return ReductionResult(arrays, Record((), (), (), datetime.now(UTC)), "profile", ("something",))


def test_xarray(result: ReductionResult) -> None:
    tree = result.to_xarray()
    profile = tree["profile/profile"]
    assert profile.dims == ("frame", "q")
    assert profile.attrs == {"long_name": "radial profile", "units": "counts"}
    assert profile.q.attrs["units"] == "1/nm"
    assert profile.masked.values.sum() == 1
    np.testing.assert_array_equal(profile.errors, result["profile"].errors)
    np.testing.assert_array_equal(profile.sel(q=2.0), result["profile"].values[:, 2])
    assert tree["totals/totals"].dtype == np.uint16
    assert Record.from_json(tree.attrs["record"]) == result.record
    assert tree.attrs["notes"] == ["something"]


def test_scipp(result: ReductionResult) -> None:
    group = result.to_scipp()
    profile = group["profile"]
    assert profile.dims == ("frame", "q")
    assert str(profile.unit) == "counts"
    assert str(profile.coords["q"].unit) == "1/nm"
    np.testing.assert_allclose(profile.variances[0], np.arange(4.0))
    assert profile.masks["masked"].values.sum() == 1
    assert profile.sum().value == sum(range(12)) - 5
    assert group["totals"].values.tolist() == [0, 1, 2]
    assert group["totals"].unit is None


def test_numbers_too_large_for_scipp_are_refused() -> None:
    axis = ResultAxis("frame", "frame", None, np.arange(1))
    with pytest.raises(ReductionError, match="2⁶³"):
        ResultArray("sum", "sum", np.array([2**63], np.uint64), (axis,), None).to_scipp()
