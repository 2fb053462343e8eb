"""Reductions that follow a file while a real writer, in a process of its own, writes it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import h5py
import numpy as np
import pytest

from panosc_analysis.errors import FileBeingWritten, FileNotHere, ReductionCancelled, ReductionError
from panosc_analysis.nexus import ArrayHandle, look_at_growth
from panosc_analysis.reduction import CancelToken, Progress, ReductionResult, StackAccumulator, follow, reduce

PROGRAM = Path(__file__).with_name("writing.py")
QUICK: dict[str, Any] = {"interval": 0.02, "threads": 2}


class Writer:
    """The program of `writing.py`."""

    def __init__(self, path: Path, **options: Any) -> None:
        asked = {"mode": "swmr", "count": 60, "dtype": "u2", "codec": "bitshuffle-lz4", "per_chunk": 1}
        asked |= {"presized": False, **options}
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM), str(path), json.dumps(asked)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.handle = ArrayHandle(path, "/entry/data/data")
        self.asked, self.done = asked, 0
        self._answer()

    def write(self, frames: int) -> None:
        """Write frames and make them visible."""
        self._order(frames)
        self._answer()

    def close(self) -> None:
        self._order("close")
        assert self.process.wait(60) == 0

    def die(self) -> None:
        self._order("die")
        assert self.process.wait(60) == 9

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def _order(self, order: object) -> None:
        self._pipe(self.process.stdin).write(json.dumps(order) + "\n")
        self._pipe(self.process.stdin).flush()

    def _answer(self) -> None:
        self.done = int(self._pipe(self.process.stdout).readline())

    @staticmethod
    def _pipe(pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None
        return pipe


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Callable[..., Writer]]:
    """Start writers; those that are left are ended."""
    started: list[Writer] = []

    def start(**options: Any) -> Writer:
        started.append(Writer(tmp_path / f"live{len(started)}.h5", **options))
        return started[-1]

    yield start
    for one in started:
        one.end()


def count(result: ReductionResult) -> int:
    return int(result["count"].values.max())


def same(one: ReductionResult, other: ReductionResult) -> None:
    """Every bit of every array."""
    assert list(one) == list(other)
    for name in one:
        a, b = one[name], other[name]
        assert a.values.dtype == b.values.dtype, name
        assert a.values.tobytes() == b.values.tobytes(), name
        assert (a.errors is None) == (b.errors is None)
        assert a.errors is None or b.errors is None or a.errors.tobytes() == b.errors.tobytes(), name
        assert (a.masked is None) == (b.masked is None), name
        assert [axis.values.tolist() for axis in a.axes] == [axis.values.tolist() for axis in b.axes]


@pytest.mark.parametrize(
    "options",
    [
        {"mode": "swmr"},
        {"mode": "swmr", "dtype": "f4", "codec": "none"},
        {"mode": "swmr", "codec": "gzip", "per_chunk": 7},
        {"mode": "swmr", "presized": True},
        {"mode": "plain"},
        {"mode": "plain", "codec": "gzip", "per_chunk": 4, "dtype": "f4"},
        {"mode": "latest"},
    ],
    ids=lambda options: "-".join(map(str, options.values())),
)
def test_the_last_result_is_that_of_the_finished_file(writer: Callable[..., Writer], options: dict[str, Any]) -> None:
    live = writer(**options)
    found: list[int] = []
    steps = ["statistics", "rebin"]

    def write(result: ReductionResult | None = None) -> None:
        """Goes on whenever what was written has been seen; the last frames come with the end."""
        if result is not None:
            found.append(count(result))
            assert any("more may come" in note for note in result.notes)
        if live.process.poll() is not None:
            return
        if live.done < 60:
            live.write(12)
        if live.done == 60:
            live.close()

    write()
    if options["mode"] == "latest":
        with pytest.raises(FileBeingWritten):
            look_at_growth(live.handle)
        timer = threading.Timer(0.3, lambda: [write() for _ in range(4)])
        timer.start()
    parameters = {"frames": 5}
    arguments: dict[str, Any] = {"parameters": parameters, "buffer": 12 * 17 * 8 * 4, "threads": 2}
    result = follow(live.handle, steps, update=write, interval=0.02, patience=5, **arguments)
    if options["mode"] == "latest":
        timer.join()
    expected = reduce(live.handle, steps, **arguments)
    same(result, expected)
    assert count(result) == 60
    assert not result.is_partial
    assert result.record.sources[0].selection == ""
    assert found == sorted(found)
    if options["mode"] != "latest":
        assert 0 < found[0] < 60


def test_a_writer_that_dies_leaves_what_it_wrote(writer: Callable[..., Writer]) -> None:
    live = writer(per_chunk=4)
    live.write(22)
    live.die()
    told: list[Progress] = []
    result = follow(live.handle, ["statistics"], patience=0.4, progress=told.append, **QUICK)
    assert result.is_partial
    assert any("the writer stopped after 22 frames" in note for note in result.notes)
    assert any("still marked as open for writing" in note for note in result.notes)
    same(result, reduce(live.handle[:22], ["statistics"], threads=2))
    assert told[-1].done == 22
    assert any(progress.waiting == "waiting for frames" for progress in told)


def test_a_writer_that_stalls_in_a_file_made_for_more(writer: Callable[..., Writer]) -> None:
    live = writer(mode="plain", presized=True)
    live.write(22)
    result = follow(live.handle, ["statistics"], patience=0.4, **QUICK)
    assert result.is_partial
    assert any("the writer stopped after 22 frames of 60" in note for note in result.notes)
    same(result, reduce(live.handle[:22], ["statistics"], threads=2))


def test_a_file_that_does_not_tell_is_taken_as_it_rests(writer: Callable[..., Writer]) -> None:
    live = writer(mode="plain", per_chunk=8, codec="gzip")
    live.write(60)
    live.close()
    result = follow(live.handle, ["statistics"], patience=0.3, **QUICK)
    assert not result.is_partial
    assert any("does not say whether its writer has finished" in note for note in result.notes)
    same(result, reduce(live.handle, ["statistics"], threads=2))


def test_cancelling_keeps_what_was_done(writer: Callable[..., Writer]) -> None:
    live, token = writer(), CancelToken()
    live.write(22)
    result = follow(live.handle, ["statistics"], cancel=token, update=lambda _: token.cancel(), **QUICK)
    assert result.is_partial
    assert any("ended after 22 frames, before the writer had finished" in note for note in result.notes)
    same(result, reduce(live.handle[:22], ["statistics"], threads=2))
    with pytest.raises(ReductionCancelled, match="before frames came"):
        follow(ArrayHandle(live.handle.file.with_name("none.h5"), "x"), cancel=token, **QUICK)


def test_an_interrupt_keeps_what_was_done(writer: Callable[..., Writer]) -> None:
    live = writer()
    live.write(22)

    def interrupt(_: ReductionResult) -> None:
        raise KeyboardInterrupt

    result = follow(live.handle, ["statistics"], update=interrupt, **QUICK)
    assert result.is_partial
    assert any("ended after 22 frames" in note for note in result.notes)
    assert count(result) == 22


def test_a_file_that_comes_later_and_one_that_never_does(tmp_path: Path) -> None:
    path = tmp_path / "later.h5"

    def write() -> None:
        with h5py.File(tmp_path / "hidden.h5", "w", libver="latest") as file:
            file["data"] = np.arange(24, dtype="u2").reshape(4, 2, 3)
        os.replace(tmp_path / "hidden.h5", path)

    timer = threading.Timer(0.2, write)
    timer.start()
    result = follow(ArrayHandle(path, "data"), ["statistics"], patience=20, **QUICK)
    assert int(result["sum"].values.sum()) == 276
    timer.join()
    with pytest.raises(FileNotHere):
        follow(ArrayHandle(tmp_path / "never.h5", "data"), ["statistics"], patience=0.1, **QUICK)
    with pytest.raises(ReductionError, match="whole scan"):
        follow(ArrayHandle(path, "data"), ["tomography"], patience=20, **QUICK)
    with pytest.raises(ReductionError, match="where its detector is"):
        follow(ArrayHandle(path, "data"), ["azimuthal"], patience=20, **QUICK)


def test_parts_of_a_virtual_dataset_that_come_one_by_one(tmp_path: Path) -> None:
    values = np.random.default_rng(1).poisson(4, (30, 5, 7)).astype("u2")
    layout = h5py.VirtualLayout((30, 5, 7), "u2")
    for part in range(3):
        source = h5py.VirtualSource(f"part{part}.h5", "data", (10, 5, 7))
        layout[10 * part : 10 * part + 10] = source
    with h5py.File(tmp_path / "master.h5", "w", libver="latest") as file:
        file.create_virtual_dataset("data", layout)

    def write(part: int) -> None:
        with h5py.File(tmp_path / "hidden.h5", "w", libver="latest") as file:
            file.create_dataset("data", data=values[10 * part : 10 * part + 10], chunks=(1, 5, 7), compression="gzip")
        os.replace(tmp_path / "hidden.h5", tmp_path / f"part{part}.h5")

    seen: list[int] = []

    def update(result: ReductionResult) -> None:
        seen.append(count(result))
        write(len(seen))

    write(0)
    handle = ArrayHandle(tmp_path / "master.h5", "data")
    result = follow(handle, ["statistics"], update=update, patience=20, **QUICK)
    assert seen == [10, 20]
    assert not result.is_partial
    same(result, reduce(handle, ["statistics"], threads=2))
    np.testing.assert_array_equal(result["sum"].values, values.sum(axis=0))


def test_a_master_file_that_links_to_what_is_written(tmp_path: Path, writer: Callable[..., Writer]) -> None:
    live = writer()
    live.write(20)
    with h5py.File(tmp_path / "master.h5", "w", libver="latest") as file:
        file["entry/data"] = h5py.ExternalLink(live.handle.file.name, "/entry/data/data")
    handle = ArrayHandle(tmp_path / "master.h5", "entry/data")
    timer = threading.Timer(0.3, lambda: (live.write(40), live.close()))
    timer.start()
    result = follow(handle, ["statistics"], patience=20, **QUICK)
    timer.join()
    assert count(result) == 60
    same(result, reduce(live.handle, ["statistics"], threads=2))


def test_a_linked_file_that_grows_is_seen_to_grow(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "target.h5", "w") as file:
        file.create_dataset("data", data=np.zeros((3, 2, 2)), maxshape=(None, 2, 2))
    with h5py.File(tmp_path / "master.h5", "w") as file:
        file["data"] = h5py.ExternalLink("target.h5", "data")
    handle = ArrayHandle(tmp_path / "master.h5", "data")
    time.sleep(0.2)  # until the handle remembers the shape
    assert handle.shape == (3, 2, 2)
    with h5py.File(tmp_path / "target.h5", "a") as file:
        file["data"].resize((5, 2, 2))
    assert handle.shape == (5, 2, 2)


def test_frames_that_are_written_again_are_counted_again(tmp_path: Path) -> None:
    values = np.random.default_rng(3).poisson(9, (40, 6, 8)).astype("u2")
    path = tmp_path / "again.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("data", data=values[:30], chunks=(1, 6, 8), maxshape=(None, 6, 8), compression="gzip")
    accumulator = StackAccumulator(ArrayHandle(path, "data"), ["statistics"], threads=1, buffer=500)
    assert accumulator.update(accumulator.look())
    values[3] = np.random.default_rng(4).integers(0, 60_000, (6, 8))
    with h5py.File(path, "a") as file:
        file["data"].resize((40, 6, 8))
        file["data"][:] = values
    assert accumulator.update(accumulator.look(), last=True)
    result = accumulator.result()
    np.testing.assert_array_equal(result["sum"].values, values.sum(axis=0))
    assert any("were written again" in note for note in result.notes)


STEPS: dict[str, dict[str, Any]] = {
    "statistics": {},
    "azimuthal": {"npt": 20, "unit": "r_mm", "poni": "here.poni"},
    "cake": {"npt": 10, "npt_azimuth": 6, "unit": "r_mm", "poni": "here.poni", "per_frame": True},
    "radial": {"npt": 8, "unit": "r_mm", "poni": "here.poni", "monitor": "monitor", "error_model": "none"},
    "roi": {"regions": "a=2:5, 3:9", "monitor": "monitor"},
    "line": {"row1": 0, "column1": 0, "row2": 11, "column2": 16},
    "project": {"axis": 1},
    "difference": {"lag": 2},
    "rebin": {"frames": 7, "rows": 2},
    "sparse": {"threshold": 6.0},
    "peaks": {"threshold": 6.0},
    "fluorescence": {"windows": "a=3:6"},
}
PONI = """\
poni_version: 2.1
Detector: Detector
Detector_config: {"pixel1": 1e-4, "pixel2": 1e-4, "max_shape": [12, 17], "orientation": 3}
Distance: 0.1
Poni1: 0.0006
Poni2: 0.0008
Rot1: 0.0
Rot2: 0.0
Rot3: 0.0
Wavelength: 1e-10
"""


@pytest.mark.parametrize("dtype", ["u2", "f4"])
@pytest.mark.parametrize("step", STEPS)
def test_every_step_gives_the_same_bits_however_the_frames_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, dtype: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("here.poni").write_text(PONI)
    rng = np.random.default_rng(7)
    values = (rng.normal(3, 2, (45, 12, 17)) if dtype == "f4" else rng.poisson(3, (45, 12, 17))).astype(dtype)
    handle = ArrayHandle(tmp_path / "growing.h5", "data")
    with h5py.File(handle.file, "w") as file:
        file.create_dataset("data", data=values[:8], chunks=(1, 12, 17), maxshape=(None, 12, 17), compression="gzip")
        file.create_dataset("monitor", data=1.0 + np.arange(8) % 3, maxshape=(None,))
    options: dict[str, Any] = {"parameters": STEPS[step], "threads": 2, "buffer": 5 * 12 * 17 * 4}
    accumulator = StackAccumulator(handle, [step], **options)
    for end in (9, 10, 23, 24, 45):
        assert accumulator.update(accumulator.look())
        assert accumulator.done < end
        with h5py.File(handle.file, "a") as file:
            begin = file["data"].shape[0]
            file["data"].resize((end, 12, 17))
            file["data"][begin:] = values[begin:end]
            file["monitor"].resize((end,))
            file["monitor"][...] = 1.0 + np.arange(end) % 3
    assert accumulator.update(accumulator.look(), last=True)
    same(accumulator.result(), reduce(handle, [step], **options))
