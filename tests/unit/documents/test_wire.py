from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from panosc_analysis.documents.page.wire import pack, unpack

texts = st.dictionaries(st.text(), st.text() | st.integers() | st.none() | st.booleans())


@given(note=texts, buffers=st.lists(st.binary()))
def test_what_is_packed_comes_out_again(note: dict[str, object], buffers: list[bytes]) -> None:
    found, parts = unpack(pack(note, buffers))
    assert found == note
    assert [bytes(part) for part in parts] == buffers


def test_arrays_go_as_their_bytes() -> None:
    values = np.arange(6, dtype="<f8").reshape(2, 3)
    _, (part,) = unpack(pack({}, [values.data]))
    assert np.array_equal(np.frombuffer(part), values.ravel())


def test_numbers_that_json_does_not_know_are_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        pack({"low": math.nan})


@given(st.binary())
def test_frames_of_others_are_refused_or_read_and_nothing_else_happens(frame: bytes) -> None:
    try:
        note, _ = unpack(frame)
    except ValueError:
        return
    assert isinstance(note, dict)


@pytest.mark.parametrize(
    "frame",
    [b"", b"\1\0\0\0", struct.pack("<II", 1, 9) + b"{}", struct.pack("<II", 1, 2) + b"[]", struct.pack("<I", 2**31)],
    ids=["empty", "no length", "too short", "no object", "too many parts"],
)
def test_broken_frames_are_refused(frame: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json's own error is one as well
        unpack(frame)
