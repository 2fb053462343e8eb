"""Saved results: read back by the field's readers, whole or not at all, and with their origin."""

from __future__ import annotations

import resource
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from silx.io.nxdata import NXdata, get_default

from panosc_analysis.errors import NodeNotFound, SaveError
from panosc_analysis.nexus import create_file, open_file
from panosc_analysis.output import read_record, save
from panosc_analysis.provenance import Record, Software, Source, StepRecord
from panosc_analysis.reduction import ReductionResult, ResultArray, ResultAxis


def made_result(size: int = 40) -> ReductionResult:
    y, x = ResultAxis("y", "y", "pixel", np.arange(size)), ResultAxis("x", "x", "mm", np.linspace(0, 1, size + 3))
    masked = np.zeros((size, size + 3), bool)
    masked[3:5] = True
    total = np.arange(masked.size, dtype=np.uint64).reshape(masked.shape) * 2**40
    total[masked] = 0
    mean = np.where(masked, np.nan, total / 7)
    q = ResultAxis("q", "Scattering vector", "1/angstrom", np.linspace(0.1, 5, 200))
    values = np.exp(-q.values)
    arrays = (
        ResultArray("sum", "Sum of all frames", total, (y, x), "counts", masked=masked),
        ResultArray("mean", "Mean of all frames", mean, (y, x), "counts", masked=masked, scale="log"),
        ResultArray("profile", "Radial profile", values, (q,), None, errors=np.sqrt(values)),
    )
    record = Record(
        sources=(Source("10.5072/demo/x-1", (Path("/data/x.h5"),), "/entry/data/data"),),
        steps=(StepRecord("statistics", {}), StepRecord("azimuthal", {"npt": 200, "poni": None})),
        software=(Software("numpy", "2.4"), Software("panosc-analysis", "0.1.0")),
        created=datetime(2026, 11, 23, tzinfo=UTC),
    )
    return ReductionResult(arrays, record, "profile", ("2 chunks were left out",))


def test_readers_find_the_right_first_plot(tmp_path: Path) -> None:
    with open_file(save(made_result(), tmp_path / "r.nxs")) as file:
        plot = get_default(file)
        assert plot is not None
        assert plot.is_valid
        assert plot.signal_dataset_name == "profile"
        assert plot.axes_dataset_names == ["q"]
        np.testing.assert_allclose(plot.errors[()], np.sqrt(plot.signal[()]))
        image = NXdata(file["entry/mean"])
        assert image.is_valid
        assert image.interpretation == "image"
        assert image.axes_dataset_names == ["y", "x"]
        assert image.plot_style.signal_scale_type == "log"


def test_the_numbers_are_kept_exactly(tmp_path: Path) -> None:
    result = made_result()
    with open_file(save(result, tmp_path / "r.nxs")) as file:
        for name, array in result.items():
            stored = file[f"entry/{name}/{name}"]
            assert stored.dtype == array.values.dtype
            np.testing.assert_array_equal(stored[()], array.values)
        np.testing.assert_array_equal(file["entry/sum/pixel_mask"][()] != 0, result["sum"].masked)
        assert file["entry/profile/q"].attrs["units"] == "1/angstrom"


def test_the_file_says_where_it_comes_from(tmp_path: Path) -> None:
    result = made_result()
    path = save(result, tmp_path / "r.nxs")
    assert read_record(path) == result.record
    with open_file(path) as file:
        process = file["entry/process"]
        assert process.attrs["NX_class"] == "NXprocess"
        assert process["sources/pids"].asstr()[0] == "10.5072/demo/x-1"
        assert process["2_azimuthal/parameters/npt"][()] == 200


def test_missing_directories_are_made(tmp_path: Path) -> None:
    assert save(made_result(), tmp_path / "a" / "b" / "r.nxs").is_file()


def test_an_existing_file_is_kept_and_a_free_name_proposed(tmp_path: Path) -> None:
    path = tmp_path / "r.nxs"
    path.write_text("mine")
    with pytest.raises(SaveError, match=r"r-2\.nxs"):
        save(made_result(), path)
    assert path.read_text() == "mine"
    assert save(made_result(), path, overwrite=True) == path
    assert read_record(path).program == "panosc-analysis"
    assert [p.name for p in tmp_path.iterdir()] == ["r.nxs"]


FULL_DISK = """
import resource, signal, sys
sys.path.insert(0, sys.argv[2])
from test_save import made_result
from panosc_analysis.errors import SaveError
from panosc_analysis.output import save
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
try:
    save(made_result(300), sys.argv[1], overwrite=True)
except SaveError as error:
    print(error)
"""


def test_a_full_disk_leaves_the_old_result_and_no_rubbish(tmp_path: Path) -> None:
    """A limit on the size of files stands for a full disk: writing fails in the middle, in a process of its own."""
    path = save(made_result(), tmp_path / "r.nxs")
    before = path.read_bytes()
    here = str(Path(__file__).parent)
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path), here], capture_output=True, text=True, check=True
    )
    assert "cannot be written (File too large)" in done.stdout
    assert "larger files" in done.stdout
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["r.nxs"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SaveError, match="cannot be written"):
        save(made_result(), tmp_path / "file" / "r.nxs")


def test_another_file_has_no_record(tmp_path: Path) -> None:
    with create_file(tmp_path / "x.h5") as file:
        file["a"] = 1
    with pytest.raises(NodeNotFound, match="no record"):
        read_record(tmp_path / "x.h5")
