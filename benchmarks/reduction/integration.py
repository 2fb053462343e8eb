"""Azimuthal integration of each frame: ours, the usual loop, pyFAI's tutorial recipe, bslz4_to_sparse.

Ours is the whole call of `reduce`, a look at the file and the division included; the peers have their matrix and their
chunk table before the clock starts.
"""

from __future__ import annotations

import logging
import os
import threading
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin  # noqa: F401
import numpy as np

from benchmarks.reduction.case import OURS, THREADS, Case, Run, Values
from benchmarks.reduction.data import DATA, poni
from benchmarks.reduction.decoding import LIMITS, stored_chunks, threaded

__all__ = ["BINS", "integration_cases"]

BINS = 1000
BATCH = 25  # frames, as the examples of bslz4_to_sparse have it
OPTIONS: dict[str, Any] = {"correctSolidAngle": False, "unit": "q_nm^-1"}


def integration_cases(split: str) -> tuple[Case, ...]:
    return (
        Case("h5py + pyFAI, the usual loop", partial(_usual, split=split), share=0.25),
        Case(OURS, partial(_ours, split=split)),
        Case("pyFAI's tutorial, threads", partial(_tutorial, split=split)),
        Case("bslz4_to_sparse, threads", partial(_sparse, split=split)),
        *LIMITS,
    )


def parameters(path: Path, split: str) -> dict[str, Any]:
    with h5py.File(path) as file:
        geometry = poni(file[DATA].shape[1:])
    common = {"npt": BINS, "split": split, "per_frame": True, "poni": geometry}
    return {**common, "error_model": "none", "solid_angle": False, "unit": "q_nm^-1"}


def _ours(path: Path, split: str) -> Run:
    from panosc_analysis.nexus import ArrayHandle
    from panosc_analysis.reduction import reduce

    handle, given = ArrayHandle(path, DATA), parameters(path, split)

    def run(frames: int) -> Values:
        result = reduce(handle[:frames], ["azimuthal"], parameters=given, threads=THREADS)
        return {"profile": result["profile"].values}

    return run


def _integrator(path: Path) -> tuple[Any, np.ndarray[Any, Any]]:
    os.environ["OMP_NUM_THREADS"] = str(THREADS)
    from pyFAI.integrator.azimuthal import AzimuthalIntegrator
    from pyFAI.io.ponifile import PoniFile

    logging.disable(logging.WARNING)
    with h5py.File(path) as file:
        mask, shape = file["gap"][()].astype("i1"), file[DATA].shape[1:]
    pairs = (line.split(":", 1) for line in poni(shape).splitlines())
    integrator = AzimuthalIntegrator()
    integrator.load(PoniFile(data={name.strip().lower(): value.strip() for name, value in pairs}))
    return integrator, mask


def _usual(path: Path, split: str) -> Run:
    integrator, mask = _integrator(path)

    def run(frames: int) -> Values:
        with h5py.File(path) as file:
            data = file[DATA]
            each = [
                integrator.integrate1d(data[i], BINS, mask=mask, method=(split, "csr", "cython"), **OPTIONS).intensity
                for i in range(frames)
            ]
        return {"profile": np.array(each)}

    return run


def _engine(path: Path, split: str) -> tuple[Any, np.ndarray[Any, Any]]:
    integrator, mask = _integrator(path)
    nothing = np.zeros(mask.shape, "f4")
    integrator.integrate1d(nothing, BINS, mask=mask, method=(split, "csc", "cython"), **OPTIONS)
    return next(engine.engine for engine in integrator.engines.values() if engine.engine is not None), mask


def _tutorial(path: Path, split: str) -> Run:
    """Direct chunk reads, bitshuffle and one engine in threads, as in pyFAI's tutorial "Parallelization"."""
    import bitshuffle

    engine, mask = _engine(path, split)
    (offsets, sizes), file = stored_chunks(path), path.open("rb")
    with h5py.File(path) as opened:
        dtype = opened[DATA].dtype

    def run(frames: int) -> Values:
        out = np.empty((frames, BINS))

        def work(first: int, end: int) -> None:
            for number in range(first, end):
                raw = np.frombuffer(os.pread(file.fileno(), int(sizes[number]), int(offsets[number])), np.uint8)
                frame = bitshuffle.decompress_lz4(raw[12:], mask.shape, dtype, 8192 // dtype.itemsize)
                out[number] = engine.integrate_ng(frame).intensity

        threaded(work, frames)(frames)
        return {"profile": out}

    return run


def _sparse(path: Path, split: str) -> Run:
    """Their plan of mask and matrix, and their batches, in threads."""
    import bslz4_to_sparse as b2s
    from scipy.sparse import csc_matrix

    engine, mask = _engine(path, split)
    (offsets, sizes), stored = stored_chunks(path), np.memmap(path, np.uint8, "r")
    with h5py.File(path) as opened:
        dtype = opened[DATA].dtype
    good = (mask == 0).astype("u1")
    arrays = np.array(engine.data), np.array(engine.indices), np.array(engine.indptr)
    matrix = csc_matrix(arrays, shape=(BINS, mask.size))
    plan, norm, memory = b2s.plan(good, matrix, dtype), matrix @ good.ravel().astype("f8"), threading.local()

    def run(frames: int) -> Values:
        out = np.empty((frames, BINS))

        def work(first: int, end: int) -> None:
            if not hasattr(memory, "context"):
                memory.context = plan.context()
            for begin in range(first, end, BATCH):
                some = slice(begin, min(begin + BATCH, end))
                out[some] = memory.context.from_buffer(stored, offsets[some], sizes[some], 65_000)[2]

        threaded(work, max(THREADS, frames // BATCH))(frames)
        with np.errstate(invalid="ignore", divide="ignore"):
            return {"profile": out / norm}

    return run
