"""Statistics of a stack straight from its compressed blocks: decoded, added and forgotten while they are in the cache.

The order is block by block: all frames of the batch for one block of pixels, then the next. The sums of one block fit
in the cache, and blocks are independent of each other, so that threads share one set of sums.

Most pixels of most detectors are small. A block of a frame in which few of them need more than 8 bits is added with
8-bit values and the few are added one by one; where many do, the same happens with 16 bits; what is left goes through
the plain loop. Pixels with all bits set are found in the planes: detectors mark gaps and dead pixels so.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from panosc_analysis.reduction.kernels import SLACK
from panosc_analysis.reduction.kernels.accumulate import add_values, borrowed, part
from panosc_analysis.reduction.kernels.bitshuffle import (
    block_count,
    block_elements,
    decode_block,
    read_plain,
    unshuffle,
)
from panosc_analysis.reduction.kernels.lanes import (
    AT_ONCE,
    GROUPS,
    add_high,
    add_low,
    classify_high,
    classify_low,
    count_bits,
)
from panosc_analysis.reduction.kernels.memory import ADDRESS, address_of, borrow, trailing_zeros

__all__ = ["Workspace", "add_blocks", "workspace"]

_FEW = 16  # one in so many pixels may be added one by one
_LOW, _HIGH, _PLAIN = 0, 1, 2
_SLOTS = 2 * AT_ONCE
_HALF = (1 << 32) - 1


class _Block(NamedTuple):
    """The frames of one block that wait to be added together. First index: the slot that a frame was decoded into."""

    words: Any  # planes, with SLACK behind each
    keep: Any  # pixels to add as vectors, one bit each
    found: Any  # pixels to add one by one
    gone: Any  # pixels without a value
    bits: Any  # pixels that count, for all frames
    pixels: Any  # scratch, in the type of the data
    kept: Any  # scratch, int64
    missing: Any  # how many frames have no value here


class _Narrow(NamedTuple):
    """Sums of a block over the frames of a batch, as narrow as they can be, and the frames that wait for them."""

    total: Any
    squares: Any
    low: Any
    high: Any
    seen: Any  # a bit for each pixel that was added at all
    planes: Any  # addresses of the frames that wait
    keep: Any  # and of their pixels to add
    frames: Any  # their numbers
    sums: Any  # scratch for their sums


class Workspace(NamedTuple):
    """Memory of one thread for blocks of one size; see `workspace`."""

    block: _Block
    low: _Narrow
    high: _Narrow
    nowhere: Any  # no pixel of a frame that is not there is kept


def workspace(per_block: int, dtype: np.dtype[Any]) -> Workspace:
    """Make the memory of one thread for blocks of `per_block` elements: some 200 kB at the usual 8 kB a block."""
    words = -(-per_block // 512) * 8  # they are read eight at a time
    pixels = 64 * words

    def narrow(total: str, squares: str, extremes: str) -> _Narrow:
        return _Narrow(
            total=np.zeros(pixels, total),
            squares=np.zeros(pixels, squares),
            low=np.zeros(pixels, extremes),
            high=np.zeros(pixels, extremes),
            seen=np.zeros(words, np.uint64),
            planes=np.zeros(AT_ONCE, np.uintp),
            keep=np.zeros(AT_ONCE, np.uintp),
            frames=np.zeros(AT_ONCE, np.int64),
            sums=np.zeros(AT_ONCE, np.int64),
        )

    block = _Block(
        words=np.zeros((_SLOTS, (pixels * dtype.itemsize + SLACK) // 8), np.uint64),
        keep=np.zeros((_SLOTS, words), np.uint64),
        found=np.zeros((_SLOTS, words), np.uint64),
        gone=np.zeros((_SLOTS, words), np.uint64),
        bits=np.zeros(words, np.uint64),
        pixels=np.zeros(pixels, dtype),
        kept=np.zeros(pixels, np.int64),
        missing=np.zeros(pixels, np.uint16),
    )
    high = "i2" if dtype == np.int16 else "u2"
    return Workspace(block, narrow("u2", "u4", "u1"), narrow("i4", "u8", high), np.zeros(words, np.uint64))


@njit(nogil=True, inline="always")
def _borrowed_block(block: Any) -> Any:
    return _Block(
        borrow(block.words),
        borrow(block.keep),
        borrow(block.found),
        borrow(block.gone),
        borrow(block.bits),
        borrow(block.pixels),
        borrow(block.kept),
        borrow(block.missing),
    )


@njit(nogil=True, inline="always")
def _borrowed_narrow(narrow: Any) -> Any:
    return _Narrow(
        borrow(narrow.total),
        borrow(narrow.squares),
        borrow(narrow.low),
        borrow(narrow.high),
        borrow(narrow.seen),
        borrow(narrow.planes),
        borrow(narrow.keep),
        borrow(narrow.frames),
        borrow(narrow.sums),
    )


@njit(nogil=True, error_model="numpy")
def _mask_bits(valid: Any, bits: Any) -> Any:
    """Turn bytes (255 or 0) into the bits of 64-bit words and count them; what does not fill a word is only counted."""
    count = np.int64(0)
    for pixel in range(len(valid)):
        count += np.int64(valid[pixel] != 0)
    for word in range(len(valid) // 64):
        value = np.uint64(0)
        for bit in range(64):
            value |= np.uint64(valid[64 * word + bit] & np.uint8(1)) << np.uint64(bit)
        bits[word] = value
    for word in range(len(valid) // 64, len(bits)):
        bits[word] = np.uint64(0)
    return count


@njit(nogil=True, error_model="numpy")
def _level(block: Any, slot: Any, groups: Any, marked: Any, limit: Any) -> Any:
    """Choose how to add a decoded frame, and find which pixels are added how.

    Returns
    -------
    :
        The level; how many pixels are to be added one by one; and how many have no value.
    """
    planes, words = 8 * block.pixels.itemsize, address_of(block.words[slot], 0)
    keep, found, gone = (
        address_of(block.keep[slot], 0),
        address_of(block.found[slot], 0),
        address_of(block.gone[slot], 0),
    )
    inside, length = address_of(block.bits, 0), ADDRESS(groups)
    counts = classify_low(words, length, inside, marked, keep, found, gone, block.pixels)
    few, none = counts & _HALF, counts >> 32
    if few * _FEW <= 64 * groups:
        return _LOW, few, none
    counts = classify_high(words, length, inside, marked, keep, found, gone, block.pixels)
    few, none = counts & _HALF, counts >> 32
    if few * _FEW > 64 * groups:
        return _PLAIN, few, none
    # Saturated pixels are counted in the plain loop.
    above = 0
    while limit >> (above + 1) > 0:
        above += 1
    some = np.uint64(0)
    for word in range(min(above, planes) * groups, min(16, planes) * groups):
        some |= block.words[slot, word]
    return (_HIGH if some == np.uint64(0) else _PLAIN), few, none


@njit(nogil=True, error_model="numpy")
def _add_found(block: Any, slot: Any, groups: Any, limit: Any, sums: Any) -> Any:
    """Add the pixels that were found one by one; returns their sum."""
    planes, words, pixels = 8 * block.pixels.itemsize, block.words[slot], block.pixels
    frame = np.int64(0)
    for group in range(groups):
        word = block.found[slot, group]
        while word != np.uint64(0):
            bit = trailing_zeros(word)
            word &= word - np.uint64(1)
            raw = np.uint64(0)
            for plane in range(planes):
                raw |= ((words[plane * groups + group] >> bit) & np.uint64(1)) << np.uint64(plane)
            pixels[0] = raw  # now it has the type of the data
            pixel, value = 64 * group + np.int64(bit), np.int64(pixels[0])
            frame += value
            square = np.uint64(value) * np.uint64(value)
            sums.total[pixel] += np.uint64(value)
            sums.squares[pixel] += square
            if len(sums.wraps) > 0:
                sums.wraps[pixel] += np.uint32(sums.squares[pixel] < square)
            sums.low[pixel] = min(sums.low[pixel], pixels[0])
            sums.high[pixel] = max(sums.high[pixel], pixels[0])
            sums.full[pixel] += np.uint32(value >= limit)
    return frame


@njit(nogil=True, error_model="numpy")
def _clear(narrow: Any, count: Any, least: Any, most: Any) -> None:
    """Begin a block with nothing in the narrow sums."""
    for pixel in range(count):
        narrow.total[pixel] = 0
        narrow.squares[pixel] = 0
    for pixel in range(count):
        narrow.low[pixel] = least
        narrow.high[pixel] = most
    for group in range(count // 64):
        narrow.seen[group] = np.uint64(0)


@njit(nogil=True, error_model="numpy")
def _flush(narrow: Any, count: Any, sums: Any) -> None:
    """Add the narrow sums of a block to the wide ones; extremes only of pixels that were added at all."""
    for pixel in range(count):
        sums.total[pixel] += np.uint64(np.int64(narrow.total[pixel]))
    for pixel in range(count):
        sums.squares[pixel] += np.uint64(narrow.squares[pixel])
    if len(sums.wraps) > 0:
        for pixel in range(count):
            sums.wraps[pixel] += np.uint32(sums.squares[pixel] < np.uint64(narrow.squares[pixel]))
    low, high = sums.low, sums.high
    for group in range(count // 64):
        if narrow.seen[group] == ~np.uint64(0):
            for pixel in range(64 * group, 64 * group + 64):
                low[pixel] = min(low[pixel], narrow.low[pixel])
                high[pixel] = max(high[pixel], narrow.high[pixel])
            continue
        for pixel in range(64 * group, 64 * group + 64):
            if (narrow.seen[group] >> np.uint64(pixel % 64)) & np.uint64(1):
                low[pixel] = min(low[pixel], narrow.low[pixel])
                high[pixel] = max(high[pixel], narrow.high[pixel])


@njit(nogil=True, error_model="numpy")
def _wait(narrow: Any, waiting: Any, block: Any, slot: Any, frame: Any, groups: Any) -> Any:
    """Let a frame wait until there are enough to add; returns how many wait."""
    narrow.planes[waiting] = address_of(block.words[slot], 0)
    narrow.keep[waiting] = address_of(block.keep[slot], 0)
    narrow.frames[waiting] = frame
    for group in range(groups):
        narrow.seen[group] |= block.keep[slot, group]
    return waiting + 1


@njit(nogil=True, error_model="numpy")
def _fill(narrow: Any, waiting: Any, nowhere: Any) -> None:
    """Put frames without pixels in the places of those that are not there."""
    for place in range(waiting, AT_ONCE):
        narrow.planes[place] = narrow.planes[0]
        narrow.keep[place] = address_of(nowhere, 0)


@njit(nogil=True, error_model="numpy")
def _count_frames(narrow: Any, waiting: Any, totals: Any) -> None:
    """Add the sums of the frames to their totals, and go on to the next groups."""
    for place in range(AT_ONCE):
        if place < waiting:
            totals[narrow.frames[place]] += narrow.sums[place]
        narrow.planes[place] += ADDRESS(8 * GROUPS)
        narrow.keep[place] += ADDRESS(8 * GROUPS)


def _adder(add: Any) -> Any:
    """Make the function that adds the frames that wait, with the bits of `add`."""

    @njit(nogil=True, error_model="numpy")
    def add_waiting(narrow: Any, waiting: Any, groups: Any, nowhere: Any, totals: Any) -> None:
        if waiting > 0:
            _fill(narrow, waiting, nowhere)
            for begin in range(0, groups, GROUPS):
                add(
                    address_of(narrow.planes, 0),
                    address_of(narrow.keep, 0),
                    ADDRESS(8 * groups),
                    ADDRESS(min(GROUPS, groups - begin)),
                    address_of(narrow.total, 64 * begin),
                    address_of(narrow.squares, 64 * begin),
                    address_of(narrow.low, 64 * begin),
                    address_of(narrow.high, 64 * begin),
                    address_of(narrow.sums, 0),
                    narrow.low,
                )
                _count_frames(narrow, waiting, totals)

    return add_waiting


_add_low, _add_high = _adder(add_low), _adder(add_high)


@njit(nogil=True, error_model="numpy", cache=True)
def add_blocks(
    base: Any,
    starts: Any,
    first: Any,
    last: Any,
    per_block: Any,
    elements: Any,
    valid: Any,
    marker: Any,
    limit: Any,
    sums: Any,
    totals: Any,
    work: Any,
) -> Any:
    """Decode some blocks of all chunks of a batch and add them; blocks without a pixel that counts are not decoded.

    Parameters
    ----------
    base
        Address of the compressed bytes.
    starts
        From `find_blocks`, for all chunks of a frame one after the other: shape (frames, chunks · (blocks + 1)); at
        most `BATCH` frames.
    first, last
        The columns of `starts` to work on.
    per_block, elements
        Elements per block and per chunk.
    valid
        255 where a pixel counts, else 0, uint8, chunk after chunk: shape (chunks · elements,).
    marker
        The number that stands for "no value": that with all bits set, or one that no pixel can have; int64.
    limit
        From where on a value counts as saturated, int64; at least 256.
    sums
        `PixelSums`, chunk after chunk.
    totals
        Takes the sum of each frame over these blocks, shape (frames,), int64.
    work
        A `workspace` for these blocks that no other thread uses.

    Returns
    -------
    :
        -1, or the number of a frame that is damaged; then the sums are of no use any more.
    """
    itemsize, frames = sums.low.itemsize, len(starts)
    columns = block_count(elements, per_block) + 1
    block, low, high = _borrowed_block(work.block), _borrowed_narrow(work.low), _borrowed_narrow(work.high)
    nowhere, every, counting = borrow(work.nowhere), borrowed(sums), borrow(valid)
    least, most = np.iinfo(work.high.low.dtype).max, np.iinfo(work.high.low.dtype).min
    all_bits = (np.int64(1) << np.int64(8 * itemsize)) - np.int64(1)
    marked = ~np.uint64(0) if marker == np.int64(-1) or marker == all_bits else np.uint64(0)
    for column in range(first, last):
        number = column % columns
        begin = column // columns * elements + min(number * per_block, elements - elements % 8)
        count = block_elements(number, elements, per_block)
        if count == 0:
            continue
        inside = counting[begin : begin + count]
        if _mask_bits(inside, block.bits) == 0:
            continue
        here = part(every, begin, begin + count)
        groups = count // 64
        is_whole = number < columns - 1 and count % 64 == 0
        any_missing, any_low, any_high = False, False, False
        if is_whole:
            _clear(low, count, 255, 0)
            _clear(high, count, least, most)
            for pixel in range(count):
                block.missing[pixel] = np.uint16(0)
        waiting_low, waiting_high = np.int64(0), np.int64(0)
        used, used_low, used_high = np.uint64(0), np.uint64(0), np.uint64(0)
        for frame in range(frames):
            slot, level, few, none = np.int64(trailing_zeros(~used)), _PLAIN, np.int64(0), np.int64(0)
            if number == columns - 1:
                read_plain(base + ADDRESS(starts[frame, column]), count, block.pixels)
            else:
                if not decode_block(base, starts[frame, column], block.words[slot], count * itemsize):
                    return np.int64(frame)
                if is_whole:
                    level, few, none = _level(block, slot, groups, marked, limit)
                if level == _PLAIN:
                    unshuffle(block.words[slot], count, itemsize, block.pixels)
            if level == _PLAIN:
                totals[frame] += add_values(block.pixels[:count], inside, marker, limit, here, block.kept)
                continue
            if few > 0:
                totals[frame] += _add_found(block, slot, groups, limit, here)
            if none > 0:
                any_missing = True
                for group in range(groups):
                    count_bits(block.gone[slot, group], address_of(block.missing, 64 * group))
            used |= np.uint64(1) << np.uint64(slot)
            if level == _LOW:
                any_low = True
                used_low |= np.uint64(1) << np.uint64(slot)
                waiting_low = _wait(low, waiting_low, block, slot, frame, groups)
                if waiting_low == AT_ONCE:
                    _add_low(low, waiting_low, groups, nowhere, totals)
                    used, used_low, waiting_low = used & ~used_low, np.uint64(0), np.int64(0)
            else:
                any_high = True
                used_high |= np.uint64(1) << np.uint64(slot)
                waiting_high = _wait(high, waiting_high, block, slot, frame, groups)
                if waiting_high == AT_ONCE:
                    _add_high(high, waiting_high, groups, nowhere, totals)
                    used, used_high, waiting_high = used & ~used_high, np.uint64(0), np.int64(0)
        if any_low:
            _add_low(low, waiting_low, groups, nowhere, totals)
            _flush(low, count, here)
        if any_high:
            _add_high(high, waiting_high, groups, nowhere, totals)
            _flush(high, count, here)
        if any_missing:
            for pixel in range(count):
                here.gone[pixel] += np.uint32(block.missing[pixel])
    return np.int64(-1)
