"""LZ4 blocks (format: lz4_Block_format.md of the LZ4 project), decoded with every length checked."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from panosc_analysis.reduction.kernels.memory import (
    ADDRESS,
    copy_1,
    copy_16,
    copy_32,
    fill_32,
    load_8,
    load_16,
    load_32,
    load_64,
)

__all__ = ["decode_lz4"]


@njit(nogil=True, inline="always")
def _repeat(to: Any, period: Any, length: Any) -> None:
    """Continue what lies `period` < 16 bytes before `to` over `length` bytes, and up to 31 more."""
    source = to - period
    done = ADDRESS(0)
    if period in (1, 2, 4, 8):
        if period == ADDRESS(8):
            pattern = load_64(source)
        elif period == ADDRESS(4):
            pattern = np.uint64(load_32(source)) * np.uint64(0x0000000100000001)
        elif period == ADDRESS(2):
            pattern = np.uint64(load_16(source)) * np.uint64(0x0001000100010001)
        else:
            pattern = np.uint64(load_8(source)) * np.uint64(0x0101010101010101)
        while done < length:
            fill_32(to + done, pattern)
            done += ADDRESS(32)
        return
    # Byte by byte until a multiple of the period lies 16 bytes back, then 16 bytes at a time.
    single = min(length, ADDRESS(32))
    while done < single:
        copy_1(to + done, source + done)
        done += ADDRESS(1)
    back = period * ((ADDRESS(15) + period) // period)
    while done < length:
        copy_16(to + done, to + done - back)
        done += ADDRESS(16)


@njit(nogil=True, inline="always")
def _copy_match(to: Any, distance: Any, length: Any) -> None:
    """Copy `length` bytes, and up to 31 more, from `distance` bytes back."""
    source = to - distance
    done = ADDRESS(0)
    if distance >= ADDRESS(32):
        while done < length:
            copy_32(to + done, source + done)
            done += ADDRESS(32)
    elif distance >= ADDRESS(16):
        while done < length:
            copy_16(to + done, source + done)
            done += ADDRESS(16)
    else:
        _repeat(to, distance, length)


@njit(nogil=True, inline="never", error_model="numpy", cache=True)
def decode_lz4(source: Any, stored: Any, to: Any, size: Any) -> Any:
    """Decode one block.

    Parameters
    ----------
    source, stored
        Address and number of its bytes; `SLACK` more can be read.
    to, size
        Where to write and how many bytes at most; `SLACK` more may be overwritten.

    Returns
    -------
    :
        The bytes it has when decoded, or -1 if it is damaged.
    """
    at, end = source, source + ADDRESS(stored)
    out, out_end = to, to + ADDRESS(size)
    while True:
        if at >= end:
            return np.int64(-1)
        token = load_8(at)
        at += ADDRESS(1)
        literals = ADDRESS(token >> 4)
        if literals == ADDRESS(15):
            more = np.uint8(255)
            while more == np.uint8(255):
                if at >= end:
                    return np.int64(-1)
                more = load_8(at)
                at += ADDRESS(1)
                literals += ADDRESS(more)
        if literals > out_end - out or literals > end - at:
            return np.int64(-1)
        if literals <= ADDRESS(16):
            copy_16(out, at)
        else:
            done = ADDRESS(0)
            while done < literals:
                copy_32(out + done, at + done)
                done += ADDRESS(32)
        out += literals
        at += literals
        if at >= end:
            return np.int64(out - to)
        if end - at < ADDRESS(2):
            return np.int64(-1)
        distance = ADDRESS(load_16(at))
        at += ADDRESS(2)
        length = ADDRESS(token & 15)
        if length == ADDRESS(15):
            more = np.uint8(255)
            while more == np.uint8(255):
                if at >= end:
                    return np.int64(-1)
                more = load_8(at)
                at += ADDRESS(1)
                length += ADDRESS(more)
        length += ADDRESS(4)
        if distance == ADDRESS(0) or distance > out - to or length > out_end - out:
            return np.int64(-1)
        if distance >= ADDRESS(16) and length <= ADDRESS(16):
            copy_16(out, out - distance)
        else:
            _copy_match(out, distance, length)
        out += length
