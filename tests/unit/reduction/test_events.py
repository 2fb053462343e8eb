"""Histograms of events are numpy.histogram's, to the last event."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panosc_analysis.errors import FileCorrupt, ReductionCancelled, ReductionError
from panosc_analysis.nexus import ArrayHandle
from panosc_analysis.reduction import (
    CancelToken,
    EventAccumulator,
    Events,
    ReductionResult,
    follow,
    reduce,
    reduce_events,
)
from panosc_analysis.reduction.events.counting import TimeCounter

H_OVER_M = 6.62607015e-34 / 1.67492750056e-27
PIXELS = np.arange(100, 124).reshape(4, 6)
L1, L2, ANGLE = 12.0, np.linspace(1.0, 1.5, 24).reshape(4, 6), np.linspace(60.0, 90.0, 24).reshape(4, 6)
CODECS: dict[str, dict[str, Any]] = {
    "gzip": {"compression": "gzip", "compression_opts": 1, "chunks": (1000,)},
    "shuffle": {"compression": "gzip", "shuffle": True, "chunks": (1 << 19,), "maxshape": (None,)},
    "lzf": {"compression": "lzf", "chunks": (3000,)},
    "contiguous": {},
}

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def write(events: int = 40_000, codec: str = "gzip", dtype: str = "u4", unit: str = "ns") -> Path:
        rng = np.random.default_rng(4)
        path = tmp_path / f"{codec}-{dtype}.nxs"
        with h5py.File(path, "w") as file:
            for name, kind in (
                ("entry", "NXentry"),
                ("entry/instrument", "NXinstrument"),
                ("entry/instrument/bank", "NXdetector"),
                ("entry/instrument/moderator", "NXmoderator"),
                ("entry/instrument/bank/events", "NXevent_data"),
            ):
                file.create_group(name).attrs["NX_class"] = kind
            bank, group = file["entry/instrument/bank"], file["entry/instrument/bank/events"]
            bank["detector_number"] = PIXELS
            for name, values, units in (("distance", L2 * 100, "cm"), ("polar_angle", ANGLE, "deg")):
                bank[name] = values
                bank[name].attrs["units"] = units
            file["entry/instrument/moderator/distance"] = -L1
            file["entry/instrument/moderator/distance"].attrs["units"] = "m"
            times = rng.gamma(4.0, 5e6, events).astype(dtype)
            group.create_dataset("event_time_offset", data=times, **CODECS[codec])
            group["event_time_offset"].attrs["units"] = unit
            group.create_dataset("event_id", data=rng.integers(98, 124, events).astype("i4"), **CODECS[codec])
            pulses = np.sort(rng.integers(0, events, 50))
            pulses[0] = 0
            group["event_index"] = pulses.astype("u8")
            group["event_time_zero"] = np.arange(50) * 0.1
            group["event_time_zero"].attrs["units"] = "s"
        return path

    return write


def arrays(path: Path) -> dict[str, Any]:
    with h5py.File(path) as file:
        return {name: node[()] for name, node in file["entry/instrument/bank/events"].items()}


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("dtype", ["u4", "u8", "f4", "f8", "i4"])
def test_times(make: Make, codec: str, dtype: str) -> None:
    path = make(codec=codec, dtype=dtype)
    result = reduce_events(path, Events(bins=1000, high=71_000.0), threads=2)
    expected, edges = np.histogram(arrays(path)["event_time_offset"].astype("f8"), bins=1000, range=(0, 71e6))
    assert result["histogram"].values.tolist() == expected.tolist()
    np.testing.assert_allclose(result["histogram"].axes[0].values, (edges[1:] + edges[:-1]) / 2000)
    np.testing.assert_array_equal(result["histogram"].errors, np.sqrt(expected))
    assert result.record.steps[0].parameters["high"] == 71_000.0


@given(
    st.lists(st.integers(0, 2**32 - 1), max_size=60),
    st.integers(1, 3000),
    st.tuples(st.integers(0, 2**31), st.integers(1, 2**32 - 1)),
    st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_every_edge(values: list[int], bins: int, ends: tuple[int, int], scaled: bool) -> None:
    low, high = ends[0], ends[0] + ends[1]
    edges = np.linspace(low, high, bins + 1) * (0.001 if scaled else 1)
    near = np.concatenate([np.floor(edges), np.ceil(edges), np.ceil(edges) - 1, np.floor(edges) + 1])
    times = np.concatenate([np.array(values, "u4"), np.clip(near, 0, 2**32 - 1).astype("u4")])
    expected, _ = np.histogram(times.astype("f8"), edges)
    for kind in ("u4", "f8"):
        counter = TimeCounter(edges, even=True)
        counter.add(times.astype(kind), None)
        assert counter.counts()[0].tolist() == expected.tolist()


def test_logarithmic_bins_end_at_the_last_event(make: Make) -> None:
    path = make()
    times = arrays(path)["event_time_offset"]
    result = reduce_events(path, Events(bins=50, low=100.0, spacing="log"), threads=2)
    edges = np.geomspace(100.0, times.max() / 1000, 51) * 1000
    assert result["histogram"].values.tolist() == np.histogram(times, edges)[0].tolist()


@pytest.mark.parametrize("axis", ["wavelength", "d_spacing"])
@pytest.mark.parametrize("by_pixel", [False, True])
def test_wavelengths_and_spacings(make: Make, axis: str, by_pixel: bool) -> None:
    path = make()
    stored = arrays(path)
    result = reduce_events(path, Events(axis=axis, bins=200, low=0.5, high=6.0, by_pixel=by_pixel), threads=2)
    factor = 1e-9 * H_OVER_M / (L1 + L2.ravel()) * 1e10
    if axis == "d_spacing":
        factor = factor / (2 * np.sin(np.deg2rad(ANGLE.ravel()) / 2))
    known = stored["event_id"] >= 100
    rows = stored["event_id"][known] - 100
    position = stored["event_time_offset"][known] * factor[rows]
    edges = np.linspace(0.5, 6.0, 201)
    expected = np.stack([np.histogram(position[rows == row], edges)[0] for row in range(24)])
    got = result["histogram"].values
    # The factors are the same to the last digits, so an event may lie on the other side of an edge once in a while.
    assert np.abs(got - (expected if by_pixel else expected.sum(axis=0))).sum() <= 2
    assert any(f"{int((~known).sum())} events are of pixels" in note for note in result.notes)
    assert result["histogram"].axes[-1].units == "angstrom"


def test_pixels(make: Make) -> None:
    path = make()
    result = reduce(ArrayHandle(path, "/entry/instrument/bank/events"), ["events"], parameters={"axis": "pixel"})
    expected = np.bincount(arrays(path)["event_id"], minlength=124)[100:]
    assert result["histogram"].values.tolist() == expected.tolist()
    assert result["histogram"].axes[0].values.tolist() == list(range(100, 124))


def test_pulses(make: Make) -> None:
    path = make()
    stored = arrays(path)
    index = np.append(stored["event_index"], 40_000).astype(int)
    keep = np.arange(50) % 3 == 0
    chosen = keep & (stored["event_time_zero"] >= 0.65) & (stored["event_time_zero"] <= 4.05)
    kept = np.concatenate([np.arange(index[i], index[i + 1]) for i in np.flatnonzero(chosen)])
    step = Events(bins=100, high=71_000.0, pulses_from=0.65, pulses_to=4.05)
    result = reduce_events(path, step, keep=keep, threads=2)
    expected = np.histogram(stored["event_time_offset"][kept], bins=100, range=(0, 71e6))[0]
    assert result["histogram"].values.tolist() == expected.tolist()
    with pytest.raises(ReductionError, match="50 pulses"):
        reduce_events(path, Events(), keep=keep[:7])


def test_events_that_arrive_are_taken_in(make: Make) -> None:
    path = make(codec="shuffle")
    accumulator = EventAccumulator(path, Events(bins=100, high=71_000.0), threads=2)
    assert accumulator.update() == 40_000
    assert accumulator.update() == 0
    more = np.random.default_rng(8).integers(0, 60_000_000, 25_000).astype("u4")
    with h5py.File(path, "a") as file:
        for name, values in (("event_time_offset", more), ("event_id", np.full(25_000, 105, "i4"))):
            node = file["entry/instrument/bank/events"][name]
            node.resize((65_000,))
            node[40_000:] = values
    assert accumulator.update() == 25_000
    expected = np.histogram(arrays(path)["event_time_offset"], bins=100, range=(0, 71e6))[0]
    assert accumulator.result()["histogram"].values.tolist() == expected.tolist()


def test_damage_and_nonsense_are_refused(make: Make, tmp_path: Path) -> None:
    path = make()
    with pytest.raises(ReductionError, match="holds no events"):
        reduce_events(path, Events(), "/entry/instrument/bank")
    with pytest.raises(ReductionError, match="no group of events|no groups of events"):
        empty = tmp_path / "empty.nxs"
        h5py.File(empty, "w").close()
        reduce_events(empty, Events())
    for wrong in ({"bins": 0}, {"axis": "energy"}, {"low": 5.0, "high": 5.0}, {"spacing": "log"}):
        with pytest.raises(ReductionError):
            Events(**wrong)
    with h5py.File(path, "a") as file:
        del file["entry/instrument/moderator/distance"]
        place = file["entry/instrument/bank/events/event_time_offset"].id.get_chunk_info(7).byte_offset
    with pytest.raises(ReductionError, match="how far the neutrons flew"):
        reduce_events(path, Events(axis="wavelength", high=5.0))
    with path.open("r+b") as raw:
        raw.seek(place)
        raw.write(b"\xff" * 32)
    with pytest.raises(FileCorrupt, match="event_time_offset"):
        reduce_events(path, Events(high=71_000.0), threads=2)


def test_many_events_without_chunks(make: Make) -> None:
    path = make(events=3_000_001, codec="contiguous")
    result = reduce_events(path, Events(bins=100, high=71_000.0), threads=2)
    expected = np.histogram(arrays(path)["event_time_offset"], bins=100, range=(0, 71e6))[0]
    assert result["histogram"].values.tolist() == expected.tolist()


def grow(path: Path, times: np.ndarray[Any, Any], pixel: int, pulses: int = 0) -> None:
    """Add events, and pulses that begin with them."""
    with h5py.File(path, "a") as file:
        group = file["entry/instrument/bank/events"]
        begin = len(group["event_id"])
        for name, values in (("event_time_offset", times), ("event_id", np.full(len(times), pixel, "i4"))):
            group[name].resize((begin + len(times),))
            group[name][begin:] = values
        for name, values in (
            ("event_index", begin + np.arange(pulses, dtype="u8")),
            ("event_time_zero", group["event_time_zero"][-1] + 0.1 * np.arange(1, pulses + 1)),
        ):
            stored = np.append(group[name][()], values.astype(group[name].dtype))
            units = dict(group[name].attrs)
            del group[name]
            group[name] = stored
            group[name].attrs.update(units)


def test_pulses_may_be_chosen_before_they_come(make: Make) -> None:
    """The choice was cut to the pulses of the first look, and those that came later counted as chosen by nobody."""
    path = make(codec="shuffle")
    keep = np.arange(53) % 2 == 0
    step = Events(bins=100, high=71_000.0)
    accumulator = EventAccumulator(path, step, keep=keep, threads=2)
    accumulator.update()
    assert len(keep) == len(accumulator.keep if accumulator.keep is not None else ())
    grow(path, np.full(3000, 5_000_000, "u4"), 105, pulses=3)
    assert accumulator.update() == 3000
    expected = reduce_events(path, step, keep=keep, threads=2)["histogram"].values
    assert accumulator.result()["histogram"].values.tolist() == expected.tolist()


@pytest.mark.parametrize("step", [Events(bins=50), Events(bins=50, by_pixel=True), Events(axis="pixel")])
@pytest.mark.parametrize("named", [True, False])
def test_later_events_may_move_the_ends(make: Make, step: Events, named: bool) -> None:
    path = make(codec="shuffle")
    if not named:
        with h5py.File(path, "a") as file:
            del file["entry/instrument/bank/detector_number"]
    accumulator = EventAccumulator(path, step, threads=2)
    accumulator.update()
    grow(path, np.full(500, 2**31, "u4"), 140)
    accumulator.update()
    expected, found = reduce_events(path, step, threads=2)["histogram"], accumulator.result()["histogram"]
    assert found.values.tolist() == expected.values.tolist()
    assert [axis.values.tolist() for axis in found.axes] == [axis.values.tolist() for axis in expected.axes]


def test_events_are_followed(make: Make) -> None:
    path = make(codec="shuffle")
    handle, step = ArrayHandle(path, "/entry/instrument/bank/events"), Events(bins=100, pulses_from=0.5, pulses_to=9.0)
    seen: list[int] = []

    def update(result: ReductionResult) -> None:
        seen.append(int(result["histogram"].values.sum()))
        if len(seen) == 1:
            grow(path, np.full(3000, 2**30, "u4"), 105, pulses=3)

    result = follow(handle, [step], update=update, interval=0.02, patience=0.5, threads=2)
    expected = reduce(handle, [step], threads=2)
    assert result["histogram"].values.tolist() == expected["histogram"].values.tolist()
    assert seen[0] < seen[-1] <= int(expected["histogram"].values.sum())
    assert not result.is_partial


def test_a_cancelled_histogram_is_that_of_the_first_events(make: Make) -> None:
    class Second(CancelToken):
        """Stops before the second piece."""

        asked = 0

        def is_set(self) -> bool:
            self.asked += 1
            return self.asked > 1

    path = make(events=900_000)
    accumulator = EventAccumulator(path, Events(bins=100, high=71_000.0), threads=1)
    with pytest.raises(ReductionCancelled, match="of 900000 events"):
        accumulator.update(cancel=Second())
    times = arrays(path)["event_time_offset"][: accumulator.done]
    assert 0 < len(times) < 900_000
    expected = np.histogram(times, bins=100, range=(0, 71e6))[0]
    assert accumulator.result()["histogram"].values.tolist() == expected.tolist()
    with pytest.raises(ReductionCancelled) as caught:
        reduce_events(path, Events(bins=100, high=71_000.0), threads=1, cancel=Second())
    partial = caught.value.partial
    assert isinstance(partial, ReductionResult)
    assert partial.is_partial
    assert partial["histogram"].values.tolist() == expected.tolist()
    assert accumulator.update() == 900_000 - len(times)
    whole = np.histogram(arrays(path)["event_time_offset"], bins=100, range=(0, 71e6))[0]
    assert accumulator.result()["histogram"].values.tolist() == whole.tolist()
