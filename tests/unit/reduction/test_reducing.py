from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from panosc_analysis.errors import FileCorrupt, ReductionError
from panosc_analysis.nexus import ArrayHandle
from panosc_analysis.provenance import Source
from panosc_analysis.reduction import (
    Azimuthal,
    CancelToken,
    Progress,
    ReductionResult,
    Stack,
    Statistics,
    default_steps,
    local_cluster,
    make_steps,
    reduce,
)
from panosc_analysis.reduction.clusters import dashboard_link
from panosc_analysis.reduction.frames import find_route
from panosc_analysis.reduction.plan import divide, number_of_tasks

Random = Callable[..., np.ndarray[Any, Any]]
Write = Callable[..., ArrayHandle]


@pytest.mark.parametrize("dtype", ["u1", "u2", ">u2", "u4", "i2", "i4", "f4", "f8"])
def test_statistics_are_numpys(random: Random, write: Write, check: Callable[..., None], dtype: str) -> None:
    values = random((30, 17, 19), dtype)
    handle = write(values, "bitshuffle-lz4", chunks=(1, 17, 19))
    mask = np.zeros((17, 19), int)
    mask[4:6, 3:9] = 2
    result = reduce(handle, ["statistics"], mask=mask, tasks=4)
    kind = np.dtype(dtype)
    masked_value = int(np.iinfo(kind).max) if kind.kind == "u" and kind.itemsize > 1 else None
    if dtype.endswith("u2") and not any("65535" in note for note in result.notes):
        masked_value = None  # the file's rules decide whether a 16-bit camera is saturated or has gaps
    check(result, values, mask=mask, masked_value=masked_value, exact=kind.kind in "ui")
    assert result.default == "mean"
    assert any("a mask of 12 pixels was given" in note for note in result.notes)


def test_any_number_of_tasks_and_threads_gives_the_same_bits(random: Random, write: Write) -> None:
    values = random((41, 16, 24), "u4")
    handle = write(values, "bitshuffle-lz4", chunks=(3, 16, 24))
    results = [
        reduce(handle, ["statistics"], tasks=tasks, threads=threads, buffer=buffer)
        for tasks, threads, buffer in [(1, 1, 10**7), (2, 2, 2000), (7, 2, 5000), (41, 7, 1)]
    ]
    with local_cluster(2, threads=1) as client:
        assert client.cluster.scheduler_address.startswith("tcp://127.0.0.1:")
        seen: list[Progress] = []
        results.append(reduce(handle, ["statistics"], tasks=5, progress=seen.append))
        assert seen[-1].done == seen[-1].total == 41
        check_addresses(client)
        check_cancel(client, handle)
    for result in results[1:]:
        for name in result:
            assert result[name].values.tobytes() == results[0][name].values.tobytes(), name


def check_addresses(client: Any) -> None:
    """Everything listens on the loopback address, the dashboard too."""

    def listening() -> list[str]:
        import psutil

        return [c.laddr.ip for c in psutil.Process().net_connections("inet") if c.status == psutil.CONN_LISTEN]

    here = client.run_on_scheduler(listening)
    there = [address for addresses in client.run(listening).values() for address in addresses]
    assert here
    assert set(here + there) == {"127.0.0.1"}


def check_cancel(client: Any, handle: ArrayHandle) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(ReductionError, match="cancelled"):
        reduce(handle, ["statistics"], tasks=5, cancel=token)


def test_progress_is_told_from_the_calling_thread(random: Random, write: Write) -> None:
    handle = write(random((20, 10, 10), "u2"), "gzip", chunks=(1, 10, 10))
    seen: list[Progress] = []
    threads: set[int] = set()

    def report(progress: Progress) -> None:
        seen.append(progress)
        threads.add(threading.get_ident())

    reduce(handle, ["statistics"], progress=report)
    assert (seen[-1].done, seen[-1].total, seen[-1].unit) == (20, 20, "frames")
    assert threads == {threading.get_ident()}
    assert [p.done for p in seen] == sorted(p.done for p in seen)


def test_cancel_stops_between_batches(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "long.h5", "w") as file:  # 20 GB of frames that were never written
        file.create_dataset("data", (10_000, 1000, 1000), "u2", chunks=(1, 1000, 1000))
    token = CancelToken()
    threads = threading.active_count()

    def stop(progress: Progress) -> None:
        assert progress.done < progress.total
        token.cancel()

    with pytest.raises(ReductionError, match="was cancelled"):
        reduce(ArrayHandle(tmp_path / "long.h5", "data"), ["statistics"], progress=stop, cancel=token)
    for _ in range(100):
        if threading.active_count() <= threads:
            break
        time.sleep(0.02)
    assert threading.active_count() <= threads


def test_error_of_the_callback_stops_the_work(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "long.h5", "w") as file:
        file.create_dataset("data", (10_000, 1000, 1000), "u2", chunks=(1, 1000, 1000))

    def interrupt(_: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reduce(ArrayHandle(tmp_path / "long.h5", "data"), ["statistics"], progress=interrupt)


def test_other_shapes(write: Write) -> None:
    image = write(np.arange(12.0).reshape(3, 4))
    result = reduce(image)
    assert "totals" not in result
    np.testing.assert_array_equal(result["mean"].values, np.arange(12.0).reshape(3, 4))
    assert result["count"].values.max() == 1
    curve = write(np.array([1, 2, 6], "i4"))
    result = reduce(curve)
    assert (float(result["mean"].values), int(result["sum"].values), int(result["max"].values)) == (3.0, 9, 6)
    four = np.arange(48, dtype="i8").reshape(2, 2, 3, 4)
    np.testing.assert_array_equal(reduce(write(four))["sum"].values, four.sum(axis=0))
    row = reduce(write(four)[1, 0])
    np.testing.assert_array_equal(row["mean"].values, four[1, 0])


def test_what_cannot_be_reduced(tmp_path: Path, write: Write) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["text"] = "abc"
        file["empty"] = np.zeros((0, 3, 3))
        file["complex"] = np.zeros((2, 3, 3), complex)
    for name in ("text", "empty", "complex"):
        with pytest.raises(ReductionError):
            reduce(ArrayHandle(tmp_path / "a.h5", name))
    handle = write(np.zeros((2, 3, 3)))
    with pytest.raises(ReductionError, match="shape"):
        reduce(handle, mask=np.zeros((2, 2)))
    with pytest.raises(ReductionError, match="no step 'magic'"):
        reduce(handle, ["magic"])
    with pytest.raises(ReductionError, match="There are no steps"):
        reduce(handle, [])


def test_parameters_go_to_the_steps_that_declare_them(write: Write) -> None:
    statistics, azimuthal = make_steps(("statistics", Azimuthal(unit="2th_deg")), {"npt": 7})
    assert statistics == Statistics()
    assert azimuthal == Azimuthal(npt=7, unit="2th_deg")
    with pytest.raises(ReductionError, match="has a parameter 'nptt'"):
        make_steps(("azimuthal",), {"nptt": 7})
    for wrong in ({"npt": 0}, {"npt": "many"}, {"unit": "furlong"}, {"polarization_factor": 2}):
        with pytest.raises(ReductionError):
            make_steps(("azimuthal",), wrong)
    for step in (Statistics, Azimuthal):
        for parameter in step.parameters:
            assert getattr(step(), parameter.name) == parameter.default
            assert parameter.description
            assert not parameter.description.endswith(".")


def test_default_steps_say_what_does_not_apply(write: Write) -> None:
    handle = write(np.zeros((3, 4, 5), "u2"))
    steps, notes = default_steps(handle)
    assert steps == (Statistics(),)
    assert "no radial profile" in notes[0]
    assert notes[0] in reduce(handle).notes
    with pytest.raises(ReductionError, match="where its detector is"):
        reduce(handle, parameters={"npt": 100})
    with pytest.raises(ReductionError, match="where its detector is"):
        reduce(handle, ["azimuthal"])


def test_result_is_a_mapping(write: Write) -> None:
    result = reduce(write(np.ones((3, 4, 5))), ["statistics"])
    assert isinstance(result, ReductionResult)
    mean, total = result["mean", "sum"]
    assert (mean.name, total.name, len(result)) == ("mean", "sum", len(list(result)))
    with pytest.raises(KeyError, match="no 'nothing'"):
        result["nothing"]
    np.testing.assert_array_equal(np.asarray(mean), np.ones((4, 5)))
    assert result["mean"].errors is not None


def test_axes_units_and_masks_come_from_the_file(tmp_path: Path) -> None:
    values = np.arange(3 * 4 * 5, dtype="u4").reshape(3, 4, 5)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        data = entry.create_group("data")
        data.attrs.update({"NX_class": "NXdata", "signal": "frames", "axes": ["time", "dy", "dx"]})
        data["frames"] = values
        data["frames"].attrs["units"] = "counts"
        data["time"] = [0.5, 1.5, 2.5]
        data["time"].attrs["units"] = "s"
        data["dy"] = np.arange(4) * 0.1
        data["dx"] = np.arange(6) * 0.2 - 0.1
        data["dx"].attrs["units"] = "mm"
        data["pixel_mask"] = np.pad(np.ones((1, 1), int), ((0, 3), (0, 4)))
    handle = ArrayHandle(tmp_path / "a.h5", "/entry/data/frames")
    result = reduce(handle)
    assert [axis.name for axis in result["mean"].axes] == ["dy", "dx"]
    assert [axis.units for axis in result["mean"].axes] == [None, "mm"]
    np.testing.assert_allclose(result["mean"].axes[1].values, np.arange(5) * 0.2)
    assert (result["totals"].axes[0].name, result["totals"].axes[0].units) == ("time", "s")
    assert result["sum"].units == "counts"
    masked = result["mean"].masked
    assert masked is not None
    assert np.argwhere(masked).tolist() == [[0, 0]]
    part = reduce(handle[1:, :2, 1:4])
    np.testing.assert_allclose(part["mean"].axes[1].values, [0.2, 0.4, 0.6])
    np.testing.assert_array_equal(part["totals"].axes[0].values, [1.5, 2.5])
    np.testing.assert_array_equal(part["sum"].values, values[1:, :2, 1:4].sum(axis=0))
    assert part["sum"].masked is None


def test_record_says_what_was_done(write: Write) -> None:
    handle = write(np.zeros((9, 4, 5), "u2"), "gzip", chunks=(1, 4, 5))
    record = reduce(handle[2:8:3, :, ::-1], sources=[Source("10.5072/x", (handle.file,))]).record
    (source,) = record.sources
    assert (source.pid, source.dataset, source.selection) == ("10.5072/x", "/entry/data/data", "2:8:3, :, 4::-1")
    assert source.states[0].size == handle.file.stat().st_size
    assert [step.name for step in record.steps] == ["statistics"]
    assert {"panosc-analysis", "numpy", "h5py", "hdf5plugin", "silx", "dask"} <= {s.name for s in record.software}


def test_frames_are_divided_between_chunks(write: Write) -> None:
    handle = write(np.zeros((20, 4, 5), "u2"), "gzip", chunks=(6, 4, 5))
    stack, table = Stack.of(handle), handle.chunk_table()
    assert divide(table, (0, 20), 100) == [(0, 6), (6, 12), (12, 18), (18, 20)]
    assert divide(table, (0, 20), 2) == [(0, 12), (12, 20)]
    assert divide(None, (0, 20), 3) == [(0, 6), (6, 13), (13, 20)]
    assert number_of_tasks(stack, 16) == 1


def test_number_of_tasks_is_bounded(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "long.h5", "w") as file:
        file.create_dataset("data", (1_000_000, 1000, 1000), "u2", chunks=(1, 1000, 1000))
    stack = Stack.of(ArrayHandle(tmp_path / "long.h5", "data"))
    assert number_of_tasks(stack, 8) == 32


def test_dashboard_goes_through_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JUPYTERHUB_SERVICE_PREFIX", raising=False)
    monkeypatch.delenv("DASK_DISTRIBUTED__DASHBOARD__LINK", raising=False)
    assert dashboard_link("usual") == "usual"
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/alice/")
    assert dashboard_link("usual") == "{JUPYTERHUB_SERVICE_PREFIX}proxy/{port}/status"
    monkeypatch.setenv("DASK_DISTRIBUTED__DASHBOARD__LINK", "mine")
    assert dashboard_link("mine") == "mine"


@pytest.mark.parametrize("within", [False, True])
def test_a_checkpoint_counts_every_frame_once(random: Random, write: Write, tmp_path: Path, within: bool) -> None:
    """A chunk is unreadable for a while: found before its batch is begun, or in the middle of adding the batch.

    The second run goes on from what is sure, and gives every bit of an undisturbed one.
    """
    handle = write(random((240, 16, 33), "u2"), "bitshuffle-lz4", chunks=(1, 16, 33))
    whole = reduce(handle, ["statistics"])
    stored, times = handle.file.read_bytes(), os.stat(handle.file)
    table = find_route(Stack.of(handle)).table
    assert table is not None
    begin = int(table.offset.flat[133]) + (16 if within else 12)
    end = int(table.offset.flat[133] + table.size.flat[133])

    def put(content: bytes) -> None:
        with handle.file.open("r+b") as file:
            file.write(content)
        os.utime(handle.file, ns=(times.st_atime_ns, times.st_mtime_ns))

    kept, totals = tmp_path / "kept", list[int]()
    put(stored[:begin] + b"\xff" * (end - begin) + stored[end:])
    with pytest.raises(FileCorrupt):
        reduce(handle, ["statistics"], checkpoint=kept, buffer=8 * 16 * 33 * 2)
    put(stored)
    again = reduce(handle, ["statistics"], checkpoint=kept, progress=lambda told: totals.append(told.total))
    assert within or max(totals) < 240
    assert not kept.exists()
    for name in whole:
        np.testing.assert_array_equal(again[name].values, whole[name].values)
