"""Histograms of neutron events in time of flight: from a deflated file, and of events that are in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from benchmarks.reduction.case import OURS, THREADS, Case, Run, Values
from benchmarks.reduction.data import EVENTS, LAST

__all__ = ["BINS", "FILE_CASES", "MEMORY_CASES"]

BINS = 1000
TIMES = f"{EVENTS}/event_time_offset"


def _ours(path: Path) -> Run:
    from panosc_analysis.nexus import ArrayHandle
    from panosc_analysis.reduction import reduce

    parameters = {"bins": BINS, "low": 0.0, "high": LAST / 1000}
    handle = ArrayHandle(path, EVENTS)

    def run(events: int) -> Values:
        result = reduce(handle, ["events"], parameters=parameters, threads=THREADS)
        return {"counts": result["histogram"].values}

    return run


def _h5py(path: Path) -> Run:
    def run(events: int) -> Values:
        with h5py.File(path) as file:
            return _numpy(file[TIMES][()])

    return run


def _numpy(times: np.ndarray[Any, Any]) -> Values:
    return {"counts": np.histogram(times, bins=BINS, range=(0, LAST))[0]}


def _scipp_file(path: Path) -> Run:
    import scipp

    def run(events: int) -> Values:
        with h5py.File(path) as file:
            return _scipp(scipp, file[TIMES][()])

    return run


def _boost_file(path: Path) -> Run:
    import boost_histogram

    def run(events: int) -> Values:
        with h5py.File(path) as file:
            return _boost(boost_histogram, file[TIMES][()])

    return run


def _scipp(scipp: Any, times: np.ndarray[Any, Any]) -> Values:
    table = scipp.DataArray(
        scipp.ones(dims=["event"], shape=times.shape, dtype="float32", unit="counts"),
        coords={"tof": scipp.array(dims=["event"], values=times.view("i4"), unit="ns")},
    )
    edges = scipp.linspace("tof", 0.0, float(LAST), BINS + 1, unit="ns")
    return {"counts": table.hist(tof=edges).values.astype("i8")}


def _boost(boost_histogram: Any, times: np.ndarray[Any, Any]) -> Values:
    axis = boost_histogram.axis.Regular(BINS, 0, LAST)
    found = boost_histogram.Histogram(axis, storage=boost_histogram.storage.Int64())
    found.fill(times, threads=THREADS)
    return {"counts": np.asarray(found.view())}


def _times(path: Path) -> np.ndarray[Any, Any]:
    """The events of the file, in memory."""
    with h5py.File(path) as file:
        return np.asarray(file[TIMES][()])


def _memory_numpy(path: Path) -> Run:
    times = _times(path)
    return lambda events: _numpy(times)


def _memory_ours(path: Path) -> Run:
    """The counters that go through a file, on what is in memory."""
    from panosc_analysis.reduction.events.counting import TimeCounter
    from panosc_analysis.reduction.team import Team

    times, edges = _times(path), np.linspace(0, LAST, BINS + 1)

    def run(events: int) -> Values:
        with Team(THREADS) as team:
            shares = team.shares(len(times))

            def work(share: tuple[int, int]) -> np.ndarray[Any, Any]:
                counter = TimeCounter(edges, even=True)
                counter.add(times[slice(*share)], None)
                return counter.counts()[0]

            return {"counts": np.sum(team.map(work, shares), axis=0)}

    return run


def _memory_scipp(path: Path) -> Run:
    import scipp

    times = _times(path)
    return lambda events: _scipp(scipp, times)


def _memory_boost(path: Path) -> Run:
    import boost_histogram

    times = _times(path)
    return lambda events: _boost(boost_histogram, times)


MEMORY_CASES = (
    Case("numpy.histogram", _memory_numpy),
    Case(OURS, _memory_ours),
    Case("boost-histogram, threads", _memory_boost),
    Case("scipp", _memory_scipp),
)
FILE_CASES = (
    Case("h5py + numpy.histogram", _h5py),
    Case(OURS, _ours),
    Case("h5py + boost-histogram, threads", _boost_file),
    Case("h5py + scipp", _scipp_file),
)
