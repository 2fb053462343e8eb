"""Azimuthal integration of each frame: ours, the usual loop, pyFAI's tutorial recipe, bslz4_to_sparse.

    python benchmarks/reduction/integration.py [--frames 256] [--repeats 5]

Sparse, dense and bright frames of 1.09 Mpx, 16 bits, bitshuffle-LZ4, 1000 bins, without and with pixel splitting. All
cases of a data set run in one process in random order, are checked against the usual loop, and are reported as the
median wall time per frame. Ours is the whole call of `reduce`: geometry, matrix and a look at the file included, which
the peers have done before the clock starts; with few frames that is most of it.

Peers that are not installed are left out and named. The data are drawn from a seed.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

THREADS = 2
os.environ.setdefault("OMP_NUM_THREADS", str(THREADS))

import h5py  # noqa: E402
import hdf5plugin  # noqa: E402
import numpy as np  # noqa: E402

from panosc_analysis.nexus import ArrayHandle  # noqa: E402
from panosc_analysis.reduction import reduce  # noqa: E402

ROWS, COLUMNS, BINS = 1062, 1028, 1000
LEVELS = {"sparse": 0.15, "dense": 15.0, "bright": 1500.0}
DISTINCT = 32
PONI = f"""poni_version: 2.1
Detector: Detector
Detector_config: {{"pixel1": 75e-6, "pixel2": 75e-6, "max_shape": [{ROWS}, {COLUMNS}], "orientation": 3}}
Distance: 0.2
Poni1: {ROWS * 0.52 * 75e-6}
Poni2: {COLUMNS * 0.47 * 75e-6}
Rot1: 0.0
Rot2: 0.0
Rot3: 0.0
Wavelength: 1e-10
"""
Case = Callable[[], np.ndarray[Any, Any]]


def write(path: Path, level: float, frames: int) -> np.ndarray[Any, Any]:
    """A falling background with a ring, some peaks, a module gap; returns the mask."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[:ROWS, :COLUMNS]
    r = np.hypot(y - ROWS * 0.52, x - COLUMNS * 0.47)
    mean = level * (np.exp(-r / (0.45 * ROWS)) + 0.6 * np.exp(-0.5 * ((r - 0.33 * ROWS) / (0.06 * ROWS)) ** 2))
    gap = np.zeros((ROWS, COLUMNS), bool)
    gap[ROWS // 2 - 17 : ROWS // 2 + 17] = True
    gap[rng.integers(0, ROWS, 200), rng.integers(0, COLUMNS, 200)] = True
    with h5py.File(path, "w", libver="v110") as file:
        group = file.create_group("entry/data")
        file["entry"].attrs["NX_class"] = "NXentry"
        group.attrs.update({"NX_class": "NXdata", "signal": "data"})
        options = hdf5plugin.Bitshuffle(nelems=0, cname="lz4")
        data = group.create_dataset("data", (frames, ROWS, COLUMNS), "u2", chunks=(1, ROWS, COLUMNS), **options)
        for number in range(min(frames, DISTINCT)):
            frame = rng.poisson(mean)
            for _ in range(100):
                row, column = rng.integers(4, ROWS - 4), rng.integers(4, COLUMNS - 4)
                frame[row - 1 : row + 2, column - 1 : column + 2] += rng.poisson(rng.exponential(400), (3, 3))
            frame[gap] = 65_535
            data[number] = np.minimum(frame, 65_535).astype("u2")
        for number in range(DISTINCT, frames):
            mask, raw = data.id.read_direct_chunk((number % DISTINCT, 0, 0))
            data.id.write_direct_chunk((number, 0, 0), raw, mask)
    return gap


def integrator() -> Any:
    from pyFAI.detectors import Detector
    from pyFAI.integrator.azimuthal import AzimuthalIntegrator

    logging.disable(logging.WARNING)
    return AzimuthalIntegrator(
        dist=0.2,
        poni1=ROWS * 0.52 * 75e-6,
        poni2=COLUMNS * 0.47 * 75e-6,
        wavelength=1e-10,
        detector=Detector(75e-6, 75e-6, max_shape=(ROWS, COLUMNS)),
    )


def cases(path: Path, mask: np.ndarray[Any, Any], frames: int, split: str) -> dict[str, tuple[Case, int]]:
    """What is compared: a function that gives the profiles, and for how many frames."""
    some = min(frames, 32)
    found = {"ours": (_ours(path, split), frames), "h5py + pyFAI loop": (_usual(path, mask, some, split), some)}
    for name, make in (("pyFAI tutorial, threads", _tutorial), ("bslz4_to_sparse, threads", _sparse)):
        try:
            found[name] = (make(path, mask, frames, split), frames)
        except (ImportError, AttributeError) as error:
            print(f"  left out: {name} ({error})")
    return found


def _ours(path: Path, split: str) -> Case:
    parameters = {
        "npt": BINS,
        "split": split,
        "per_frame": True,
        "poni": PONI,
        "error_model": "none",
        "solid_angle": False,
        "unit": "q_nm^-1",
    }
    handle = ArrayHandle(path, "/entry/data/data")
    return lambda: reduce(handle, ["azimuthal"], parameters=parameters, threads=THREADS)["profile"].values


def _usual(path: Path, mask: np.ndarray[Any, Any], frames: int, split: str) -> Case:
    ai = integrator()
    options = {
        "mask": mask.astype("i1"),
        "method": (split, "csr", "cython"),
        "correctSolidAngle": False,
        "unit": "q_nm^-1",
    }

    def run() -> np.ndarray[Any, Any]:
        with h5py.File(path) as file:
            data = file["/entry/data/data"]
            return np.array([ai.integrate1d(data[i], BINS, **options).intensity for i in range(frames)])

    return run


def _engine(mask: np.ndarray[Any, Any], split: str) -> Any:
    ai = integrator()
    nothing = np.zeros((ROWS, COLUMNS), "f4")
    ai.integrate1d(
        nothing, BINS, mask=mask.astype("i1"), method=(split, "csc", "cython"), correctSolidAngle=False, unit="q_nm^-1"
    )
    return next(engine.engine for engine in ai.engines.values() if engine.engine is not None)


def _chunks(path: Path, frames: int) -> list[tuple[int, int]]:
    chunks = []
    with h5py.File(path) as file:
        file["/entry/data/data"].id.chunk_iter(lambda c: chunks.append((c.byte_offset, c.size)))
    return chunks[:frames]


def _tutorial(path: Path, mask: np.ndarray[Any, Any], frames: int, split: str) -> Case:
    """Direct chunk reads, bitshuffle and one engine in threads, as in pyFAI's tutorial "Parallelization"."""
    import bitshuffle

    engine, chunks = _engine(mask, split), _chunks(path, frames)

    def run() -> np.ndarray[Any, Any]:
        out = np.empty((frames, BINS))
        with path.open("rb") as file, ThreadPoolExecutor(THREADS) as pool:

            def work(number: int) -> None:
                offset, size = chunks[number]
                raw = np.frombuffer(os.pread(file.fileno(), size, offset), np.uint8)
                frame = bitshuffle.decompress_lz4(raw[12:], (ROWS * COLUMNS,), np.dtype("u2"), 4096)
                out[number] = engine.integrate_ng(frame.reshape(ROWS, COLUMNS)).intensity

            list(pool.map(work, range(frames)))
        return out

    return run


def _sparse(path: Path, mask: np.ndarray[Any, Any], frames: int, split: str) -> Case:
    import bslz4_to_sparse as b2s
    from scipy.sparse import csc_matrix

    engine, chunks = _engine(mask, split), _chunks(path, frames)
    matrix = csc_matrix(
        (np.array(engine.data), np.array(engine.indices), np.array(engine.indptr)), shape=(BINS, mask.size)
    )
    plan = b2s.plan((~mask).astype("u1"), matrix, np.dtype("u2"))
    norm = matrix @ (~mask).ravel().astype("f8")

    offsets, sizes = (np.array(column) for column in zip(*chunks, strict=True))
    batch = 25  # as its own examples have it

    def run() -> np.ndarray[Any, Any]:
        out, stored = np.empty((frames, BINS)), np.memmap(path, np.uint8, "r")

        def work(part: int) -> None:
            context = plan.context()
            for first in range(part * batch, frames, batch * THREADS):
                some = slice(first, min(first + batch, frames))
                out[some] = context.from_buffer(stored, offsets[some], sizes[some], 65_000)[2]

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(work, range(THREADS)))
        with np.errstate(invalid="ignore"):
            return out / norm

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--levels", nargs="*", default=list(LEVELS))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.levels:
            path = Path(folder) / f"{name}.h5"
            mask = write(path, LEVELS[name], arguments.frames)
            for split in ("no", "bbox"):
                print(f"{name} frames, split {split}, {arguments.frames} frames, {THREADS} threads")
                report(cases(path, mask, arguments.frames, split), arguments.repeats)
            path.unlink()


def report(found: dict[str, tuple[Case, int]], repeats: int) -> None:
    times: dict[str, list[float]] = {name: [] for name in found}
    values = {name: case() for name, (case, _) in found.items()}  # compiles, and warms the page cache
    for _ in range(repeats):
        for name in random.sample(list(found), len(found)):
            case, frames = found[name]
            start = time.perf_counter()
            case()
            times[name].append((time.perf_counter() - start) / frames)
    usual = values["h5py + pyFAI loop"]
    ours = statistics.median(times["ours"])
    for name, seconds in times.items():
        median = statistics.median(seconds)
        got = values[name][: len(usual)]
        some = np.isfinite(got) & np.isfinite(usual)
        error = float((np.abs(got - usual)[some] / np.abs(usual[some]).max()).max())
        print(
            f"  {name:28s} {median * 1e3:8.3f} ms/frame (least {min(seconds) * 1e3:7.3f})  ours is "
            f"{median / ours:6.2f} times as fast  largest deviation {error:.0e}",
            flush=True,
        )
        if error > 1e-4:
            raise SystemExit(f"{name} gives other numbers")


if __name__ == "__main__":
    main()
