"""Functions of the user's own, called for each frame or each chunk."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from panosc_analysis.errors import OpenError, ReductionCancelled, ReductionError
from panosc_analysis.nexus import ArrayHandle
from panosc_analysis.reduction import CancelToken, Progress
from panosc_analysis.reduction.mapping import collected

Random = Callable[..., np.ndarray[Any, Any]]
Write = Callable[..., ArrayHandle]


@pytest.fixture
def stack(write: Write, random: Random) -> tuple[ArrayHandle, np.ndarray[Any, Any]]:
    values = random((25, 12, 16), ">u2")
    return write(values, "gzip", chunks=(4, 12, 16)), values


def test_numbers_arrays_dictionaries_and_tuples(stack: tuple[ArrayHandle, np.ndarray[Any, Any]]) -> None:
    handle, values = stack
    totals = handle.map_frames(lambda frame: frame.sum())
    assert totals.tolist() == values.sum(axis=(1, 2)).tolist()
    rows = handle.map_frames(lambda frame: frame.mean(axis=0))
    np.testing.assert_array_equal(rows, values.mean(axis=1))
    found = handle.map_frames(lambda frame: {"max": frame.max(), "at": np.unravel_index(frame.argmax(), frame.shape)})
    assert found["max"].tolist() == values.max(axis=(1, 2)).tolist()
    assert [len(found["at"]), found["at"][0].shape] == [2, (25,)]
    assert handle.map_frames(lambda frame: str(frame.shape)) == ["(12, 16)"] * 25
    ragged = handle[:3].map_frames(lambda frame: frame[frame > 3])
    assert [len(piece) for piece in ragged] == [int((frame > 3).sum()) for frame in values[:3]]
    assert handle[0:0].map_frames(lambda frame: frame) == []


def test_a_frame_is_the_functions_own(stack: tuple[ArrayHandle, np.ndarray[Any, Any]]) -> None:
    handle, values = stack
    kept: list[np.ndarray[Any, Any]] = []

    def change(frame: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        assert frame.dtype.isnative
        kept.append(frame)
        frame[:, 0] = 7
        return frame

    changed = handle.map_frames(change, threads=1)
    expected = values.copy()
    expected[..., 0] = 7
    np.testing.assert_array_equal(changed, expected)
    np.testing.assert_array_equal(np.stack(kept), expected)


def test_a_part_of_a_frame_does_not_keep_the_others(stack: tuple[ArrayHandle, np.ndarray[Any, Any]]) -> None:
    handle, _ = stack
    corners: list[Any] = handle.map_frames(lambda frame: [frame[:2, :2]])
    assert all(corner.base is None for (corner,) in corners)


def test_chunks(stack: tuple[ArrayHandle, np.ndarray[Any, Any]]) -> None:
    handle, values = stack
    assert handle.map_frames(len, per="chunk").tolist() == [4, 4, 4, 4, 4, 4, 1]
    assert handle[2:11:3].map_frames(len, per="chunk").tolist() == [1, 1, 1]
    joined = np.concatenate(handle.map_frames(lambda frames: frames[:, 0], per="chunk"))
    np.testing.assert_array_equal(joined, values[:, 0])
    with pytest.raises(ReductionError, match="per='row'"):
        handle.map_frames(len, per="row")  # type: ignore[arg-type]


def test_curves_single_frames_and_scalars(write: Write, random: Random) -> None:
    values = random((40, 6), "f4")
    handle = write(values, "gzip", chunks=(7, 6))
    np.testing.assert_array_equal(handle.map_frames(lambda row: row[::-1]), values[:, ::-1])
    np.testing.assert_array_equal(handle[:, 2].map_frames(lambda value: value + 1), values[:, 2] + 1)
    np.testing.assert_array_equal(handle[3].map_frames(lambda value: value * 2), values[3] * 2)
    with pytest.raises(ReductionError, match="has no frames"):
        handle[3, 4].map_frames(lambda value: value)


def test_an_error_names_the_frame_and_keeps_what_was_done(stack: tuple[ArrayHandle, np.ndarray[Any, Any]]) -> None:
    handle, values = stack
    there = int(values[21, 5, 5]), values[21].tobytes()

    def refuse(frame: np.ndarray[Any, Any]) -> int:
        if frame.astype(">u2").tobytes() == there[1]:
            raise ValueError("too bright")
        return int(frame[0, -1])

    with pytest.raises(ReductionError, match="refuse failed on frame 21 of .*: ValueError: too bright") as caught:
        handle.map_frames(refuse)
    assert type(caught.value.__cause__) is ValueError
    error: Any = caught.value
    assert error.frame == 21
    assert error.frames == list(range(21))
    assert error.partial.tolist() == values[:21, 0, -1].tolist()
    with pytest.raises(ReductionError, match="the chunk of frames 20 to 23"):
        handle.map_frames(lambda frames: [refuse(frame) for frame in frames], per="chunk")


def test_cancelling_keeps_what_was_done(stack: tuple[ArrayHandle, np.ndarray[Any, Any]]) -> None:
    handle, values = stack
    cancel, lock, seen = CancelToken(), threading.Lock(), [0]

    def count(frame: np.ndarray[Any, Any]) -> int:
        with lock:
            seen[0] += 1
            if seen[0] == 9:
                cancel.cancel()
        return int(frame[3, 9])

    with pytest.raises(ReductionCancelled, match=r"after \d+ of 25 frames") as caught:
        handle.map_frames(count, cancel=cancel, threads=2)
    error: Any = caught.value
    assert 0 < len(error.frames) < 25
    assert error.partial.tolist() == values[error.frames, 3, 9].tolist()
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(ReductionCancelled, match="after 0 of 25") as caught:
        handle.map_frames(count, cancel=cancel)
    assert caught.value.partial is None  # type: ignore[attr-defined]


def test_progress_ends_with_all_of_it(stack: tuple[ArrayHandle, np.ndarray[Any, Any]]) -> None:
    told: list[Progress] = []
    caller = threading.get_ident()

    def report(progress: Progress) -> None:
        assert threading.get_ident() == caller
        told.append(progress)

    stack[0].map_frames(lambda frame: 1, progress=report)
    assert (told[-1].done, told[-1].total) == (25, 25)


def test_interrupting_ends_the_threads(stack: tuple[ArrayHandle, np.ndarray[Any, Any]]) -> None:
    def interrupt(frame: np.ndarray[Any, Any]) -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stack[0].map_frames(interrupt)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("blocks")]


def test_data_that_cannot_be_read(stack: tuple[ArrayHandle, np.ndarray[Any, Any]]) -> None:
    handle, _ = stack
    table = handle.chunk_table()
    assert table is not None
    with handle.file.open("r+b") as file:
        file.seek(int(table.offset[3, 0]) + 10)
        file.write(b"\xff" * 40)
    with pytest.raises(OpenError, match="frames 12 to 15"):
        handle.map_frames(lambda frame: 1)


def test_what_is_put_together() -> None:
    assert collected([1, 2.5]).dtype == np.float64
    assert collected([None, 3]) == [None, 3]
    assert collected([{"a": 1}, {"b": 1}]) == [{"a": 1}, {"b": 1}]
    assert collected([np.float32(1), np.float32(2)]).dtype == np.float32
    assert collected([np.zeros(2), np.zeros(3)])[1].shape == (3,)
