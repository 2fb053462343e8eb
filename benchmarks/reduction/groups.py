"""Everything that is compared, and the goals."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from benchmarks.reduction.case import LIMIT, Goal, Group
from benchmarks.reduction.counting import FILE_CASES, MEMORY_CASES
from benchmarks.reduction.data import Stack, write_events, write_stack
from benchmarks.reduction.decoding import LIMITS
from benchmarks.reduction.integration import integration_cases
from benchmarks.reduction.stacks import BLOSC2_CASES, ROI_CASES, STATISTICS_CASES, STORED_CASES

__all__ = ["EVENTS_PER_FRAME", "GROUPS"]

LEVELS = {"sparse": 0.15, "dense": 15.0, "bright": 1500.0}
EVENTS_PER_FRAME = 100_000  # so that the length of a run is told in frames for all groups


def _stack(stack: Stack) -> partial[Path]:
    return partial(_written, stack=stack)


def _written(folder: Path, frames: int, stack: Stack) -> Path:
    return write_stack(folder, stack, frames)


def _events(folder: Path, frames: int) -> Path:
    return write_events(folder, frames * EVENTS_PER_FRAME)


_STATISTICS = (
    Goal("h5py + numpy", 8),
    Goal("dask.array, threads", 15),
    Goal("dask.array, LocalCluster", 20),
    Goal(LIMIT, 0.85),
)


def _integration(level: str, split: str) -> Group:
    usual = 20 if level == "sparse" and split == "no" else 14
    theirs = 1.0 if split == "no" else 0.95
    return Group(
        f"integration-{level}-{split}",
        f"Azimuthal integration of each frame, 1000 bins, {level} frames, split: {split}",
        _stack(Stack(LEVELS[level])),
        integration_cases(split),
        (
            Goal("h5py + pyFAI, the usual loop", usual),
            Goal("pyFAI's tutorial, threads", 7.5 if split == "no" else 7),
            Goal("bslz4_to_sparse, threads", theirs),
        ),
        tolerance=1e-4,
    )


_EVERY = (
    *(
        Group(
            f"statistics-{level}",
            f"Mean, deviation, maximum per pixel and total per frame, {level} frames of 1.09 Mpx, 16 bits",
            _stack(Stack(LEVELS[level])),
            (*STATISTICS_CASES, *LIMITS),
            _STATISTICS,
            tolerance=1e-6,
        )
        for level in ("sparse", "dense")
    ),
    Group(
        "statistics-4m",
        "The same, frames of 4.5 Mpx, 32 bits",
        _stack(Stack(0.8, "u4", (2162, 2068))),
        (*STATISTICS_CASES, *LIMITS),
        (Goal("h5py + numpy", 8), Goal(LIMIT, 0.80)),
        tolerance=1e-6,
    ),
    *(_integration(level, split) for level in LEVELS for split in ("no", "bbox")),
    Group(
        "gzip",
        "The same statistics from a deflated stack",
        _stack(Stack(LEVELS["sparse"], codec="gzip")),
        STORED_CASES,
        (Goal("h5py + numpy", 5), Goal("EXtra-data's way (zlib_into, threads)", 2.5)),
        tolerance=1e-6,
    ),
    *(
        Group(
            f"roi-{level}",
            f"Sum and maximum of 64 × 64 pixels in each frame, {level} frames",
            _stack(Stack(LEVELS[level])),
            ROI_CASES,
            (Goal("h5py slices", 8 if level == "sparse" else 4),),
        )
        for level in ("sparse", "dense")
    ),
    Group(
        "roi-blosc2",
        "The same from a stack in Blosc2",
        _stack(Stack(LEVELS["sparse"], codec="blosc2")),
        BLOSC2_CASES,
        (),
    ),
    Group(
        "events",
        "Events in memory into 1000 bins of time of flight",
        _events,
        MEMORY_CASES,
        (Goal("numpy.histogram", 10), Goal("scipp", 2.5)),
        "million events",
        10,
    ),
    Group(
        "events-gzip",
        "Events from a deflated file into 1000 bins of time of flight",
        _events,
        FILE_CASES,
        (Goal("h5py + numpy.histogram", 5),),
        "million events",
        10,
    ),
)
GROUPS = {group.name: group for group in _EVERY}
