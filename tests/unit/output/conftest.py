from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from panosc_analysis.provenance import FileState, Record, Software, Source, StepRecord
from panosc_analysis.reduction import ReductionResult, ResultArray, ResultAxis


@pytest.fixture
def result(tmp_path: Path) -> ReductionResult:
    """A mean with a gap, an integer sum, a profile with errors, made by hand."""
    raw = tmp_path / "raw.h5"
    raw.write_bytes(b"raw")
    record = Record(
        (Source("10.5072/x", (raw,), "/entry/data/data", "", (FileState.of(raw),)),),
        (StepRecord("statistics"), StepRecord("azimuthal", {"npt": 3, "unit": "q_A^-1", "poni": None})),
        (Software("panosc-analysis", "0.1.0"), Software("numpy", "2.4.0")),
        datetime(2026, 5, 12, 9, 30, tzinfo=UTC),
    )
    rows = ResultAxis("y", "y", "pixel", np.arange(300))
    columns = ResultAxis("x", "x", "pixel", np.arange(200))
    radial = ResultAxis("q", "scattering vector q", "1/angstrom", np.array([0.1, 0.2, 0.3]))
    image = np.arange(60000, dtype=np.uint64).reshape(300, 200)
    gap = image % 7 == 0
    arrays = (
        ResultArray(
            "mean", "mean of data", np.where(gap, np.nan, image / 3), (rows, columns), "counts", None, "log", gap
        ),
        ResultArray("sum", "sum of data", np.where(gap, 0, image), (rows, columns), "counts", None, "log", gap),
        ResultArray("profile", "profile", np.array([1.0, 2, 3]), (radial,), "counts", np.array([0.1, 0.2, 0.3])),
        ResultArray("total", "total", np.array(7), (), None),
    )
    return ReductionResult(arrays, record, "profile", ("2 of 8 frames were left out",))
