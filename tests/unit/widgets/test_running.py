"""Reductions that run beside the notebook."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import panosc_analysis as pan
from panosc_analysis.errors import ReductionError
from panosc_analysis.nexus import ArrayHandle
from panosc_analysis.reduction import CancelToken, reduce
from panosc_analysis.widgets import RunningReduction

VALUES = np.random.default_rng(0).poisson(5, (20, 6, 9)).astype("u2")


def write(path: Path, frames: int) -> None:
    """Write so many frames, in the oldest format, whose writer nobody sees."""
    with h5py.File(path, "a") as file:
        if "entry" not in file:
            file.create_group("entry/data").attrs.update({"NX_class": "NXdata", "signal": "data"})
            file["entry"].attrs["NX_class"] = "NXentry"
            file["entry/data"].create_dataset("data", (0, 6, 9), "u2", chunks=(1, 6, 9), maxshape=(None, 6, 9))
        data = file["entry/data/data"]
        begin = len(data)
        data.resize((frames, 6, 9))
        data[begin:] = VALUES[begin:frames]


def test_a_file_is_followed_beside_the_notebook(tmp_path: Path) -> None:
    path, seen = tmp_path / "live.h5", threading.Event()
    write(path, 0)
    live = pan.open(path).follow("statistics", patience=4)
    assert live.latest is None
    with pytest.raises(TimeoutError, match="still runs"):
        live.wait(0.01)
    write(path, 12)
    while live.viewer is None and live.is_running:
        seen.wait(0.02)
    assert live.viewer is not None
    viewer = live.viewer
    viewer.colormap = "magma"
    write(path, 20)
    result = live.wait(120)
    assert live.viewer is viewer
    assert viewer.colormap == "magma"
    np.testing.assert_array_equal(result["sum"].values, VALUES.sum(axis=0))
    np.testing.assert_array_equal(np.asarray(viewer.content.source), result["mean"].values)
    assert live.progress.state == "done"
    result.save(tmp_path / "result.nxs")


def test_what_is_stopped_gives_what_it_has(tmp_path: Path) -> None:
    write(tmp_path / "live.h5", 12)
    live = pan.open(tmp_path / "live.h5").follow("statistics", patience=60)
    waiting = threading.Event()
    while live.latest is None and live.is_running:
        waiting.wait(0.02)
    live.cancel()
    result = live.wait(60)
    assert result.reduction.is_partial
    assert int(result["count"].values.max()) == 12
    assert live.progress.state == "stopped"
    assert "Ended after 12 frames" in live.progress.text or "ended after 12 frames" in live.progress.text


def test_errors_are_said_and_raised(tmp_path: Path) -> None:
    write(tmp_path / "live.h5", 12)
    handle = ArrayHandle(tmp_path / "live.h5", "entry/data/data")

    def run(*, update: Callable[..., None], progress: Callable[..., None], cancel: CancelToken) -> Any:
        return reduce(handle, ["azimuthal"], progress=progress, cancel=cancel)

    running = RunningReduction(run, lambda result: result)
    with pytest.raises(ReductionError, match="where its detector is"):
        running.wait(60)
    assert "where its detector is" in running.progress.text
