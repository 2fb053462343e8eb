"""From stored frames to a saved result, and the same again from what the result says about itself."""

from __future__ import annotations

from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pytest

from panosc_analysis.errors import PanoscError
from panosc_analysis.nexus import ArrayHandle, default_plot
from panosc_analysis.output import read_record, save
from panosc_analysis.provenance import Source
from panosc_analysis.reduction import reduce

PONI = """poni_version: 2.1
Detector: Detector
Detector_config: {"pixel1": 7.5e-05, "pixel2": 7.5e-05, "max_shape": [90, 80], "orientation": 3}
Distance: 0.02
Poni1: 0.0034
Poni2: 0.003
Rot1: 0.0
Rot2: 0.0
Rot3: 0.0
Wavelength: 1e-10
"""


@pytest.fixture
def master(tmp_path: Path) -> Path:
    """A master file over two data files, as a detector leaves them."""
    rng = np.random.default_rng(3)
    layout = h5py.VirtualLayout((20, 90, 80), "<u4")
    for number in range(2):
        values = rng.poisson(5, (10, 90, 80)).astype("<u4")
        values[:, 40:44] = 2**32 - 1
        with h5py.File(tmp_path / f"data_{number}.h5", "w") as file:
            file.create_dataset("data", data=values, chunks=(1, 90, 80), **hdf5plugin.Bitshuffle())
        layout[10 * number : 10 * number + 10] = h5py.VirtualSource(f"data_{number}.h5", "data", (10, 90, 80))
    with h5py.File(tmp_path / "master.h5", "w") as file:
        for path, nx_class in [
            ("entry", "NXentry"),
            ("entry/instrument", "NXinstrument"),
            ("entry/instrument/detector", "NXdetector"),
            ("entry/instrument/detector/poni", "NXnote"),
            ("entry/data", "NXdata"),
        ]:
            file.create_group(path).attrs["NX_class"] = nx_class
        file.attrs["default"] = "entry"
        file["entry"].attrs["default"] = "data"
        file["entry/data"].attrs["signal"] = "data"
        data = file["entry/instrument/detector"].create_virtual_dataset("data", layout)
        data.attrs["units"] = "counts"
        file["entry/data/data"] = h5py.SoftLink("/entry/instrument/detector/data")
        file["entry/instrument/detector/poni/data"] = PONI
    return tmp_path / "master.h5"


def test_reduce_save_and_run_again(master: Path, tmp_path: Path) -> None:
    handle = default_plot(master).signal[2:]
    result = reduce(handle, sources=[Source("10.5072/x", (master,))])
    assert {"mean", "sum", "max", "std", "totals", "profile"} <= set(result)
    path = save(result, tmp_path / "result.nxs")

    record = read_record(path)
    (source,) = record.sources
    assert source.pid == "10.5072/x"
    assert {state.path.name for state in source.states} == {"master.h5", "data_0.h5", "data_1.h5"}
    assert source.selection == "2:20, :, :"
    again = reduce(
        ArrayHandle(source.files[0], source.dataset)[2:],
        [step.name for step in record.steps],
        parameters={name: value for step in record.steps for name, value in step.parameters.items()},
    )
    for name, array in result.items():
        assert again[name].values.tobytes() == array.values.tobytes()

    plot = default_plot(path)
    assert plot.signal.path == "/entry/profile/profile"
    np.testing.assert_array_equal(plot.signal.numpy(), result["profile"].values)
    assert plot.errors is not None


@pytest.mark.shared_data
def test_real_files_are_reduced_or_refused_with_a_reason(shared_data: Path) -> None:
    reduced = 0
    for path in sorted((shared_data / "nexus").rglob("*")):
        if path.suffix not in (".h5", ".hdf5", ".nxs", ".hdf", ".nx5"):
            continue
        try:
            handle = default_plot(path).signal
            result = reduce(handle)
        except PanoscError:  # says why; anything else is a fault
            continue
        reduced += 1
        values = np.asarray(handle.numpy(), np.float64)
        frames = values[None] if values.ndim == 2 else values
        array = result["max"]
        valid = array.masked == 0 if array.masked is not None else np.ones(array.values.shape, bool)
        assert result["count"].values.shape == frames.shape[1:]
        with np.errstate(invalid="ignore"):
            top = np.where(np.isfinite(frames), frames, -np.inf).max(axis=0)
        assert (np.asarray(array.values, np.float64)[valid] <= top[valid]).all()
    assert reduced > 10
