"""Mean, standard deviation and maximum of each pixel, total of each frame, with a mask; and only a region of it."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin  # noqa: F401
import numpy as np

from benchmarks.reduction.case import OURS, THREADS, Case, Run, Values
from benchmarks.reduction.data import DATA
from benchmarks.reduction.decoding import stored_chunks, threaded

__all__ = ["BLOSC2_CASES", "REGION", "ROI_CASES", "STATISTICS_CASES", "STORED_CASES"]

REGION = (slice(300, 364), slice(300, 364))


def _valid(path: Path) -> np.ndarray[Any, Any]:
    with h5py.File(path) as file:
        return ~file["gap"][()]


def _finished(total: Any, squares: Any, largest: Any, totals: Any, frames: int) -> Values:
    mean = np.asarray(total, "f8") / frames
    deviation = np.sqrt(np.maximum(np.asarray(squares, "f8") / frames - mean**2, 0))
    return {"mean": mean, "std": deviation, "max": largest, "totals": np.asarray(totals, "f8")}


def _ours(path: Path) -> Run:
    from panosc_analysis.nexus import ArrayHandle
    from panosc_analysis.reduction import reduce

    handle = ArrayHandle(path, DATA)

    def run(frames: int) -> Values:
        result = reduce(handle[:frames], ["statistics"], threads=THREADS)
        return _named(result)

    return run


def _ours_on_cluster(path: Path) -> Run:
    from panosc_analysis.nexus import ArrayHandle
    from panosc_analysis.reduction import reduce

    client, handle = _client(), ArrayHandle(path, DATA)

    def run(frames: int) -> Values:
        assert client.status == "running"
        return _named(reduce(handle[:frames], ["statistics"]))

    return run


def _named(result: Any) -> Values:
    found = {name: np.nan_to_num(result[name].values) for name in ("mean", "std", "max", "totals")}
    return found | {"totals": np.asarray(found["totals"], "f8")}


def _client() -> Any:
    from distributed import Client, LocalCluster

    cluster = LocalCluster(n_workers=THREADS, threads_per_worker=1, memory_limit="4GB", dashboard_address=":0")
    client = Client(cluster)
    atexit.register(cluster.close)
    atexit.register(client.close)
    return client


def _part(data: Any, valid: np.ndarray[Any, Any], first: int, end: int) -> list[Any]:
    """The loop that everybody writes."""
    total, squares, largest = np.zeros(valid.shape), np.zeros(valid.shape), np.zeros(valid.shape, data.dtype)
    totals = np.zeros(end - first)
    for number in range(first, end):
        image = np.where(valid, data[number], 0)
        total += image
        squares += image.astype("f8") ** 2
        np.maximum(largest, image, out=largest)
        totals[number - first] = image.sum()
    return [total, squares, largest, totals]


def _shared(make: Callable[[], Any], valid: np.ndarray[Any, Any], frames: int) -> Values:
    """The loop in threads, each with frames of its own."""
    parts: list[Any] = []

    def work(first: int, end: int) -> None:
        parts.append((first, _part(make(), valid, first, end)))

    threaded(work, THREADS)(frames)
    every = [part for _, part in sorted(parts, key=lambda part: part[0])]
    total, squares, largest, totals = zip(*every, strict=True)
    return _finished(sum(total), sum(squares), np.maximum.reduce(largest), np.concatenate(totals), frames)


def _h5py(path: Path) -> Run:
    valid = _valid(path)

    def run(frames: int) -> Values:
        with h5py.File(path) as file:
            return _finished(*_part(file[DATA], valid, 0, frames), frames)

    return run


class _ByPath:
    """A dataset that travels as its path, with one open file per process."""

    _open: dict[str, Any] = {}  # noqa: RUF012

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        with h5py.File(path) as file:
            self.shape, self.dtype, self.ndim = file[DATA].shape, file[DATA].dtype, 3

    def __getitem__(self, key: Any) -> Any:
        if self.path not in self._open:
            self._open[self.path] = h5py.File(self.path)[DATA]
        return self._open[self.path][key]


def _dask(data: Any, valid: np.ndarray[Any, Any], frames: int) -> Values:
    import dask
    import dask.array as da

    x = da.from_array(data, chunks=(10, -1, -1))[:frames]
    y = da.where(valid[None], x, 0)
    found = dask.compute(y.mean(axis=0), y.std(axis=0), y.max(axis=0), y.sum(axis=(1, 2)))
    return dict(zip(("mean", "std", "max", "totals"), found, strict=True))


def _dask_threads(path: Path) -> Run:
    import dask

    valid, file = _valid(path), h5py.File(path)

    def run(frames: int) -> Values:
        with dask.config.set(scheduler="threads", num_workers=THREADS):
            return _dask(file[DATA], valid, frames)

    return run


def _dask_cluster(path: Path) -> Run:
    client, data, valid = _client(), _ByPath(path), _valid(path)

    def run(frames: int) -> Values:
        assert client.status == "running"
        return _dask(data, valid, frames)

    return run


def _libertem(path: Path) -> Run:
    from libertem.api import Context
    from libertem.udf.base import UDF
    from libertem.udf.stddev import StdDevUDF

    valid = _valid(path)
    context = Context.make_with("threads", cpus=THREADS)
    data = context.load("hdf5", path=str(path), ds_path=DATA)

    class Largest(UDF):  # type: ignore[misc]
        def get_result_buffers(self) -> Any:
            return {"largest": self.buffer(kind="sig", dtype="f8")}

        def process_tile(self, tile: Any) -> None:
            np.maximum(self.results.largest, tile.max(axis=0), out=self.results.largest)

        def merge(self, dest: Any, src: Any) -> None:
            np.maximum(dest.largest, src.largest, out=dest.largest)

    def run(frames: int) -> Values:
        some = np.zeros(tuple(data.shape.nav), bool)
        some[:frames] = True
        deviation, largest = context.run_udf(data, [StdDevUDF(), Largest()], roi=some)
        found = {"mean": deviation["mean"].data, "std": deviation["std"].data, "max": largest["largest"].data}
        return {name: np.where(valid, values, 0) for name, values in found.items()}

    return run


def _pasha(path: Path) -> Run:
    import pasha

    data, valid = _ByPath(path), _valid(path)

    def run(frames: int) -> Values:
        context = pasha.ProcessContext(num_workers=THREADS)
        each = (THREADS, *data.shape[1:])
        total, squares = context.alloc(shape=each, dtype="f8"), context.alloc(shape=each, dtype="f8")
        largest, totals = context.alloc(shape=each, dtype=data.dtype), context.alloc(shape=(frames,), dtype="f8")

        def work(worker: int, index: int, number: Any) -> None:
            image = np.where(valid, data[int(number)], 0)
            total[worker] += image
            squares[worker] += image.astype("f8") ** 2
            np.maximum(largest[worker], image, out=largest[worker])
            totals[index] = image.sum()

        context.map(work, np.arange(frames))
        return _finished(total.sum(0), squares.sum(0), largest.max(0), totals, frames)

    return run


def _b2s(path: Path) -> Run:
    """Their decoder in threads, and NumPy on each frame."""
    import bslz4_to_sparse as b2s

    (offsets, sizes), valid = stored_chunks(path), _valid(path)
    with h5py.File(path) as file:
        dtype = file[DATA].dtype
    stored = np.memmap(path, np.uint8, "r")

    class Frames:
        def __init__(self) -> None:
            self.dtype, self.out = dtype, np.empty((1, valid.size), dtype)

        def __getitem__(self, number: int) -> Any:
            some = slice(number, number + 1)
            b2s.decompress_from_buffer(stored, offsets[some], sizes[some], dtype, out=self.out)
            return self.out.reshape(valid.shape)

    return lambda frames: _shared(Frames, valid, frames)


def _extra_data(path: Path) -> Run:
    """As EXtra-data reads detector data: direct chunk reads, zlib_into in threads, then the loop in them."""
    from zlib_into import decompress_into

    (offsets, sizes), valid = stored_chunks(path), _valid(path)
    with h5py.File(path) as file:
        shape, dtype = file[DATA].shape, file[DATA].dtype

    def run(frames: int) -> Values:
        descriptor = os.open(path, os.O_RDONLY)

        class Frames:
            def __init__(self) -> None:
                self.dtype, self.out = dtype, np.empty(shape[1:], dtype)

            def __getitem__(self, number: int) -> Any:
                decompress_into(os.pread(descriptor, int(sizes[number]), int(offsets[number])), self.out)
                return self.out

        found = _shared(Frames, valid, frames)
        os.close(descriptor)
        return found

    return run


def _roi_ours(path: Path) -> Run:
    from panosc_analysis.nexus import ArrayHandle
    from panosc_analysis.reduction import reduce

    handle = ArrayHandle(path, DATA)
    rows, columns = REGION
    regions = f"spot={rows.start}:{rows.stop}, {columns.start}:{columns.stop}"

    def run(frames: int) -> Values:
        result = reduce(handle[:frames], ["roi"], parameters={"regions": regions}, threads=THREADS)
        return {"sum": result["roi_sum"].values[:, 0], "max": result["roi_max"].values[:, 0]}

    return run


def _roi_h5py(path: Path) -> Run:
    valid = _valid(path)[REGION]

    def run(frames: int) -> Values:
        with h5py.File(path) as file:
            return _roi_loop(file[DATA], valid, frames)

    return run


def _roi_b2h5py(path: Path) -> Run:
    import b2h5py.auto  # noqa: F401

    return _roi_h5py(path)


def _roi_loop(data: Any, valid: np.ndarray[Any, Any], frames: int) -> Values:
    total, largest = np.zeros(frames, "i8"), np.zeros(frames, data.dtype)
    for number in range(frames):
        part = data[(number, *REGION)] * valid
        total[number], largest[number] = part.sum(), part.max()
    return {"sum": total, "max": largest}


STATISTICS_CASES = (
    Case("h5py + numpy", _h5py, share=0.25),
    Case(OURS, _ours),
    Case("dask.array, threads", _dask_threads, share=0.25, slope=True),
    Case(f"{OURS} on a LocalCluster", _ours_on_cluster),
    Case("dask.array, LocalCluster", _dask_cluster, share=0.25, slope=True),
    Case("LiberTEM, threads", _libertem, share=0.25),
    Case("pasha, processes", _pasha, share=0.25),
    Case("bslz4_to_sparse + numpy, threads", _b2s, share=0.25),
)
STORED_CASES = (
    Case("h5py + numpy", _h5py, share=0.5),
    Case(OURS, _ours),
    Case("EXtra-data's way (zlib_into, threads)", _extra_data),
)
ROI_CASES = (Case("h5py slices", _roi_h5py), Case(OURS, _roi_ours))
BLOSC2_CASES = (*ROI_CASES, Case("b2h5py", _roi_b2h5py))
