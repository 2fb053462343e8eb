from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import silx.io
from silx.io import nxdata

from panosc_analysis.errors import NodeNotFound, SaveError
from panosc_analysis.nexus import default_plot
from panosc_analysis.output import read_record, save
from panosc_analysis.reduction import ReductionResult


def test_arrays_come_back_as_they_were(result: ReductionResult, tmp_path: Path) -> None:
    path = save(result, tmp_path / "out.nxs")
    with h5py.File(path) as file:
        for name, array in result.items():
            stored = file["entry"][name][name]
            assert stored.dtype == array.values.dtype
            np.testing.assert_array_equal(stored[()], array.values)
            assert stored.attrs.get("units") == array.units
        np.testing.assert_array_equal(file["entry/profile/profile_errors"], result["profile"].errors)
        np.testing.assert_array_equal(file["entry/sum/pixel_mask"], result["sum"].masked)
        assert file["entry/sum/sum"].compression == "gzip"


def test_silx_finds_the_right_first_plot(result: ReductionResult, tmp_path: Path) -> None:
    with silx.io.open(str(save(result, tmp_path / "out.nxs"))) as file:
        plot = nxdata.get_default(file)
        assert plot.is_valid
        assert (plot.signal_name, plot.axes_names) == ("profile (counts)", ["scattering vector q (1/angstrom)"])
        assert plot.axes[0].attrs["units"] == "1/angstrom"
        np.testing.assert_array_equal(plot.errors, [0.1, 0.2, 0.3])
        image = nxdata.NXdata(file["entry/mean"])
        assert image.is_valid
        assert image.interpretation == "image"
        assert image.plot_style.signal_scale_type == "log"
        assert [axis.attrs["units"] for axis in image.axes] == ["pixel", "pixel"]
        for name in result:
            assert nxdata.NXdata(file["entry"][name]).is_valid


def test_our_own_default_plot(result: ReductionResult, tmp_path: Path) -> None:
    path = save(result, tmp_path / "out.nxs")
    plot = default_plot(path)
    assert (plot.kind, plot.signal.path, plot.units) == ("curve", "/entry/profile/profile", "counts")
    image = default_plot(path, "/entry/sum")
    assert image.scale == "log"
    assert image.mask is not None
    np.testing.assert_array_equal(image.mask.numpy(), result["sum"].masked)


def test_structure_and_provenance(result: ReductionResult, tmp_path: Path) -> None:
    path = save(result, tmp_path / "out.nxs")
    with h5py.File(path) as file:
        assert file.attrs["default"] == "entry"
        entry = file["entry"]
        assert (entry.attrs["NX_class"], entry.attrs["default"]) == ("NXentry", "profile")
        assert entry["title"].asstr()[()] == "statistics and azimuthal of raw.h5"
        process = entry["process"]
        assert process.attrs["NX_class"] == "NXprocess"
        assert process["program"].asstr()[()] == "panosc-analysis"
        assert process["version"].asstr()[()] == "0.1.0"
        assert process["date"].asstr()[()] == "2026-05-12T09:30:00+00:00"
        assert json.loads(process["2_azimuthal/data"].asstr()[()]) == {"npt": 3, "unit": "q_A^-1", "poni": None}
        assert process["2_azimuthal/parameters/npt"][()] == 3
        assert process["sources/pids"].asstr()[()].tolist() == ["10.5072/x"]
        assert process["sources/files"].asstr()[()].tolist() == [str(tmp_path / "raw.h5")]
        assert process["notes"].asstr()[()].tolist() == ["2 of 8 frames were left out"]
    assert read_record(path) == result.record


def test_record_of_another_file(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(NodeNotFound, match="no record"):
        read_record(tmp_path / "a.h5")


def test_nothing_is_replaced_unasked(result: ReductionResult, tmp_path: Path) -> None:
    path = tmp_path / "out.nxs"
    path.write_bytes(b"older")
    (tmp_path / "out-2.nxs").write_bytes(b"other")
    with pytest.raises(SaveError, match=r"out\.nxs exists already\. Save as out-3\.nxs"):
        save(result, path)
    assert path.read_bytes() == b"older"
    assert save(result, path, overwrite=True) == path
    assert read_record(path) == result.record
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out-2.nxs", "out.nxs", "raw.h5"]


def test_inputs_are_never_replaced(result: ReductionResult, tmp_path: Path) -> None:
    (tmp_path / "link.h5").symlink_to(tmp_path / "raw.h5")
    for name in ("raw.h5", "link.h5"):
        with pytest.raises(SaveError, match="made from"):
            save(result, tmp_path / name, overwrite=True)
    assert (tmp_path / "raw.h5").read_bytes() == b"raw"


def test_places_that_cannot_be_written(result: ReductionResult, tmp_path: Path) -> None:
    with pytest.raises(SaveError, match="is a directory"):
        save(result, tmp_path)
    with pytest.raises(SaveError, match="cannot be written"):
        save(result, tmp_path / ("x" * 250))
    with pytest.raises(SaveError, match="cannot be written"):
        save(result, Path("/proc/out.nxs"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_directory_without_permission(result: ReductionResult, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir(mode=0o500)
    with pytest.raises(SaveError, match="Permission denied"):
        save(result, folder / "out.nxs")


LIMITED = """
import pickle, resource, sys
from panosc_analysis.errors import SaveError
from panosc_analysis.output import save
result = pickle.load(open(sys.argv[1], "rb"))
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    save(result, sys.argv[2], overwrite=True)
except SaveError as error:
    print(error)
"""


def test_disk_that_is_full(result: ReductionResult, tmp_path: Path) -> None:
    """A limit on file sizes makes the same write fail as a full disk does; the process must survive it."""
    import pickle

    (tmp_path / "result.pickle").write_bytes(pickle.dumps(result))
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "out.nxs").write_bytes(b"older")
    command = [sys.executable, "-c", LIMITED, str(tmp_path / "result.pickle"), str(folder / "out.nxs")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "cannot be written (File too large); nothing was changed" in done.stdout
    assert [p.name for p in folder.iterdir()] == ["out.nxs"]
    assert (folder / "out.nxs").read_bytes() == b"older"
