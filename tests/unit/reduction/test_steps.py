"""Each step against plain NumPy, with gaps, masks, selections and any number of tasks."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from panosc_analysis.errors import ReductionError
from panosc_analysis.nexus import ArrayHandle
from panosc_analysis.reduction import STEPS, reduce

Write = Callable[..., ArrayHandle]
KINDS = ("u2", "i4", "u4", "f4")


@pytest.fixture
def stack(random: Callable[..., Any]) -> Callable[..., Any]:
    """Random frames with gaps in the first one, and nothing just below the number that stands for them."""

    def made(shape: tuple[int, ...], dtype: str) -> Any:
        values = random(shape, dtype, seed=3)
        if dtype == "u2":
            values[(values > 50_000) & (values < 65_535)] = 50_000
            values[0, 0, 0] = 65_535
        return values

    return made


@pytest.fixture(params=KINDS)
def frames(request: pytest.FixtureRequest, stack: Callable[..., Any]) -> Any:
    return stack((11, 13, 17), request.param)


def split(values: Any, mask: Any = None) -> tuple[Any, Any]:
    """Values, zero where there is none, and where there is one."""
    if values.dtype.kind == "f":
        valid = np.isfinite(values)
    elif values.dtype.kind == "u":
        valid = values != np.iinfo(values.dtype).max
    else:
        valid = np.ones(values.shape, bool)
    if mask is not None:
        valid = valid & (mask == 0)
    wide = values.astype("f8" if values.dtype.kind == "f" else "i8")
    return np.where(valid, wide, 0), valid


def close(array: Any, expected: Any, masked: Any = None) -> None:
    """Integers are exact, also in their type; floating-point sums to the last digits."""
    expected = np.asarray(expected)
    masked = np.zeros(expected.shape, bool) if masked is None else np.broadcast_to(masked, expected.shape)
    assert array.values.shape == expected.shape == tuple(len(axis.values) for axis in array.axes)
    assert (np.zeros(expected.shape, bool) if array.masked is None else array.masked).tolist() == masked.tolist()
    if array.values.dtype.kind in "iu":
        assert array.values[~masked].tolist() == expected[~masked].tolist()
    else:
        np.testing.assert_allclose(array.values[~masked], expected[~masked], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("tasks", [1, 4])
def test_regions(write: Write, frames: Any, tasks: int) -> None:
    values, valid = split(frames)
    result = reduce(write(frames), ["roi"], parameters={"regions": "a=2:9, 3:12; b=0:1,0:2"}, tasks=tasks, threads=2)
    regions = [(slice(None), slice(2, 9), slice(3, 12)), (slice(None), slice(0, 1), slice(0, 2))]
    total = np.stack([values[r].sum(axis=(1, 2)) for r in regions], axis=1)
    count = np.stack([valid[r].sum(axis=(1, 2)) for r in regions], axis=1)
    close(result["roi_count"], count)
    close(result["roi_sum"], total, count == 0)
    close(result["roi_mean"], total / np.maximum(count, 1), count == 0)
    lowest = -np.inf if frames.dtype.kind == "f" else int(np.iinfo(frames.dtype).min)
    highest = [np.where(valid[r], frames[r], lowest).max(axis=(1, 2)) for r in regions]
    close(result["roi_max"], np.stack(highest, axis=1), count == 0)
    assert result.record.steps[0].parameters["regions"] == "a=2:9, 3:12; b=0:1,0:2"


def test_regions_with_a_mask_and_a_selection(write: Write, stack: Callable[..., Any]) -> None:
    frames, mask = stack((9, 13, 17), "u2"), np.zeros((10, 17), "u1")
    mask[4:6, 5] = 1
    handle = write(frames)[1:8:2, 2:12]
    values, _ = split(frames[1:8:2, 2:12], mask)
    result = reduce(handle, ["roi"], parameters={"regions": "3:8, 4:9"}, mask=mask)
    close(result["roi_sum"], values[:, 3:8, 4:9].sum(axis=(1, 2))[:, None])
    joint = reduce(handle, ["statistics", "roi"], parameters={"regions": "3:8, 4:9"}, mask=mask)
    assert joint["roi_sum"].values.tolist() == result["roi_sum"].values.tolist()
    close(joint["totals"], values.sum(axis=(1, 2)))


def test_regions_are_normalised_to_a_monitor(write: Write, stack: Callable[..., Any]) -> None:
    frames = stack((6, 5, 5), "u2")
    monitor = np.array([1.0, 2.0, 0.0, 4.0, np.nan, 1.0])
    handle = write(frames)
    with h5py.File(handle.file, "a") as file:
        file["/entry/monitor"] = monitor
    parameters = {"regions": "1:3, 1:3", "monitor": "/entry/monitor"}
    result = reduce(handle, ["roi"], parameters=parameters)
    values, _ = split(frames)
    bad = ~(monitor > 0)
    expected = values[:, 1:3, 1:3].sum(axis=(1, 2)) / np.where(bad, 1, monitor / 2.0)
    close(result["roi_sum"], expected[:, None], bad[:, None])
    assert any("2 of its 6 values" in note for note in result.notes)
    part = reduce(handle[3:], ["roi"], parameters=parameters)
    assert part["roi_sum"].values[0, 0] == pytest.approx(values[3, 1:3, 1:3].sum() / (4.0 / 2.5))
    with pytest.raises(ReductionError, match="values for"):
        reduce(handle, ["roi"], parameters=parameters | {"monitor": "/entry/data/data"})


def test_line_along_a_row_and_across(write: Write, stack: Callable[..., Any]) -> None:
    frames = stack((4, 12, 15), "u2")
    frames[:, :, 0:2] = 7
    values, valid = split(frames)
    ends = {"row1": 5, "column1": 0, "row2": 5, "column2": 14}
    total, count = values[:, 4:7].sum(axis=1), valid[:, 4:7].sum(axis=1)
    result = reduce(write(frames), ["line"], parameters=ends | {"width": 3})
    close(result["line"], total / np.maximum(count, 1), count == 0)
    np.testing.assert_allclose(result["line"].errors[count > 0], (np.sqrt(total) / np.maximum(count, 1))[count > 0])
    assert result["line"].axes[1].values[-1] == 14
    smooth = np.add.outer(np.arange(12.0), 3 * np.arange(15.0))[None].repeat(2, axis=0)
    slanted = reduce(write(smooth), ["line"], parameters={"row1": 1, "column1": 2, "row2": 9, "column2": 8})
    along = np.linspace(0, 1, 11)
    close(slanted["line"], np.tile((1 + 8 * along) + 3 * (2 + 6 * along), (2, 1)))


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_projections(write: Write, frames: Any, axis: int) -> None:
    values, valid = split(frames)
    result = reduce(write(frames), ["project"], parameters={"axis": axis}, tasks=3, threads=2)
    count = valid.sum(axis=axis)
    close(result["projection_count"], count)
    close(result["projection_sum"], values.sum(axis=axis), count == 0)
    close(result["projection_mean"], values.sum(axis=axis) / np.maximum(count, 1), count == 0)


@pytest.mark.parametrize("lag", [1, 3])
@pytest.mark.parametrize("tasks", [1, 5])
def test_differences(write: Write, frames: Any, lag: int, tasks: int) -> None:
    values, valid = split(frames)
    result = reduce(write(frames), ["difference"], parameters={"lag": lag}, tasks=tasks, threads=2)
    both = valid[lag:] & valid[:-lag]
    change = np.where(both, values[lag:] - values[:-lag], 0)
    close(result["difference"], change.sum(axis=(1, 2)))
    close(result["difference_absolute"], np.abs(change).sum(axis=(1, 2)))
    rms = np.sqrt((change.astype("f8") ** 2).sum(axis=(1, 2)) / both.sum(axis=(1, 2)))
    close(result["difference_rms"], rms)
    pairs = both.sum(axis=0)
    close(result["change"], np.abs(change).sum(axis=0) / np.maximum(pairs, 1), pairs == 0)


@pytest.mark.parametrize("blocks", [(1, 2, 3), (4, 1, 1), (5, 4, 17)])
def test_rebinning(write: Write, frames: Any, blocks: tuple[int, int, int]) -> None:
    values, valid = split(frames)
    names = dict(zip(("frames", "rows", "columns"), blocks, strict=True))
    result = reduce(write(frames), ["rebin"], parameters=names, tasks=4, threads=2)
    for axis, block in enumerate(blocks):
        starts = np.arange(0, values.shape[axis], block)
        values = np.add.reduceat(values, starts, axis=axis)
        valid = np.add.reduceat(valid.astype("i8"), starts, axis=axis)
    close(result["binned_count"], valid)
    close(result["binned"], values, valid == 0)
    assert result["binned"].axes[0].values[0] == pytest.approx((min(blocks[0], 11) - 1) / 2)


def test_sparse_frames_give_the_stack_back(write: Write, frames: Any) -> None:
    values, valid = split(frames)
    result = reduce(write(frames), ["sparse"], parameters={"threshold": 2}, tasks=3, threads=2)
    back = np.zeros(values.shape, values.dtype).reshape(len(values), -1)
    back[result["sparse_frame"].values, result["sparse_pixel"].values] = result["sparse_value"].values
    assert back.reshape(values.shape).tolist() == np.where(valid & (values >= 2), values, 0).tolist()
    close(result["sparse_count"], (valid & (values >= 2)).sum(axis=(1, 2)))


def test_peaks(write: Write) -> None:
    frames = np.zeros((5, 20, 20), "u2")
    frames[1, 3, 4:6] = 10, 30
    frames[1, 4, 6] = 20  # touches by a corner
    frames[1, 15, 15] = 99
    frames[4, 10:12, 10:12] = 50
    result = reduce(write(frames), ["peaks"], parameters={"threshold": 5, "smallest": 2}, tasks=2, threads=2)
    assert result["peak_count"].values.tolist() == [0, 1, 0, 0, 1]
    assert result["peak_frame"].values.tolist() == [1, 4]
    np.testing.assert_allclose(result["peak_y"].values, [(3 * 40 + 4 * 20) / 60, 10.5])
    np.testing.assert_allclose(result["peak_x"].values, [(4 * 10 + 5 * 30 + 6 * 20) / 60, 10.5])
    assert [result[name].values.tolist() for name in ("peak_sum", "peak_max", "peak_pixels")] == [
        [60, 200],
        [30, 50],
        [3, 4],
    ]
    nothing = reduce(write(frames), ["peaks"], parameters={"threshold": 1000})
    assert nothing["peak_x"].values.shape == (0,)


@pytest.mark.parametrize("shape", [(6, 7, 40), (42, 40)])
def test_fluorescence_maps(write: Write, tmp_path: Path, shape: tuple[int, ...]) -> None:
    counts = np.random.default_rng(1).poisson(4, shape).astype("u2")
    energies = 1.0 + 0.1 * np.arange(40)
    path = tmp_path / "map.h5"
    with h5py.File(path, "w") as file:
        data = file.create_group("entry/data")
        file["entry"].attrs["NX_class"] = "NXentry"
        data.attrs.update(
            {
                "NX_class": "NXdata",
                "signal": "data",
                "axes": [".", "energy"] if len(shape) == 2 else [".", ".", "energy"],
            }
        )
        data["data"] = counts
        data["energy"] = energies
        data["energy"].attrs["units"] = "keV"
    handle = ArrayHandle(path, "/entry/data/data")
    parameters = {"windows": "Fe=1.95:2.45; all = 0:9"}
    result = reduce(handle, ["fluorescence"], parameters=parameters, threads=2, tasks=2)
    expected = counts[..., 10:15].astype("i8").sum(axis=-1)
    got = result["map_Fe"].values.reshape(shape[:-1])
    assert got.tolist() == expected.tolist()
    assert result["map_all"].values.ravel().tolist() == counts.astype("i8").sum(axis=-1).ravel().tolist()
    assert result["spectrum"].values.tolist() == counts.astype("i8").reshape(-1, 40).sum(axis=0).tolist()
    assert result["spectrum"].axes[0].units == "keV"
    clean = reduce(handle, ["fluorescence"], parameters=parameters | {"background": True})
    beside = np.concatenate([counts[..., 7:10], counts[..., 15:18]], axis=-1).astype("i8").sum(axis=-1)
    np.testing.assert_allclose(clean["map_Fe"].values.reshape(shape[:-1]), expected - 5 / 6 * beside)
    with pytest.raises(ReductionError, match="holds no channel"):
        reduce(handle, ["fluorescence"], parameters={"windows": "Fe=6.2:6.6"})


def test_spectrum_of_a_region(write: Write) -> None:
    counts = np.random.default_rng(1).poisson(4, (6, 7, 40)).astype("u2")
    parameters = {"windows": "a=3:5", "region": "1:3, 2:6"}
    result = reduce(write(counts), ["fluorescence"], parameters=parameters, tasks=3, threads=2)
    assert result["spectrum"].values.tolist() == counts[1:3, 2:6].astype("i8").sum(axis=(0, 1)).tolist()


@pytest.mark.parametrize(
    ("step", "parameters"),
    [
        ("roi", {}),
        ("roi", {"regions": "0:5, 0:99"}),
        ("roi", {"regions": "3:3, 0:2"}),
        ("roi", {"regions": "a=0:1,0:1; a=0:1,0:1"}),
        ("line", {"row2": 50}),
        ("line", {"row2": 0, "column2": 0}),
        ("line", {"width": 0}),
        ("project", {"axis": 3}),
        ("project", {"axis": True}),
        ("difference", {"lag": 11}),
        ("difference", {"lag": 1.5}),
        ("rebin", {"rows": 0}),
        ("peaks", {"threshold": 0}),
        ("sparse", {"threshold": float("nan")}),
        ("sparse", {"threshold": "much"}),
        ("fluorescence", {"windows": "Fe"}),
        ("fluorescence", {"windows": "Fe=2:1"}),
        ("fluorescence", {"windows": "Fe=1:2", "region": "0:1"}),
    ],
)
def test_bad_parameters_are_refused_with_a_hint(write: Write, step: str, parameters: dict[str, Any]) -> None:
    handle = write(np.ones((11, 13, 17), "u2"))
    with pytest.raises(ReductionError) as caught:
        reduce(handle, [step], parameters=parameters)
    assert caught.value.hint


def test_every_step_declares_all_its_parameters() -> None:
    for name, kind in STEPS.items():
        assert kind.name == name
        assert {field.name for field in dataclasses.fields(kind)} == {parameter.name for parameter in kind.parameters}
        step = kind()
        for parameter in kind.parameters:
            assert getattr(step, parameter.name) == parameter.default
            assert parameter.description[0].isupper()
            assert not parameter.description.endswith(".")
        assert kind.__doc__


def test_damaged_frames_are_masked_in_series(write: Write, stack: Callable[..., Any]) -> None:
    frames = stack((8, 10, 12), "u2")
    handle = write(frames, "gzip", chunks=(1, 10, 12))
    with h5py.File(handle.file) as file:
        place = file["/entry/data/data"].id.get_chunk_info(3).byte_offset
    with handle.file.open("r+b") as file:
        file.seek(place)
        file.write(b"\xff" * 16)
    result = reduce(handle, ["project"], parameters={"axis": 1}, errors="skip")
    assert result["projection_sum"].masked[3].all()
    values, _ = split(np.delete(frames, 3, axis=0))
    assert np.delete(result["projection_sum"].values, 3, axis=0).tolist() == values.sum(axis=1).tolist()
    assert any("damaged" in note for note in result.notes)
