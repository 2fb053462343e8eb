"""Sums over bins of pixels, frame by frame, straight from compressed blocks: 16 frames are the lanes of a vector.

One block of 16 frames is decoded; tiles of 16 pixels by 16 frames are transposed in registers, and one vector operation
adds a pixel of all 16 frames to its bin. Bytes of the pixels are added apart: higher bytes that are rarely in use cost
a look at their bit planes and a few single additions.

Where a pixel has no value is exact in every frame. Pixels that the first frame shows without a value are expected to
have none (``GAP``); the bit planes tell, 64 pixels at a time, where that is different. Such pixels are handed back.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from panosc_analysis.reduction.kernels import SLACK
from panosc_analysis.reduction.kernels.bitshuffle import (
    block_elements,
    decode_block,
    plane_bytes,
    read_plain,
    unshuffle,
)
from panosc_analysis.reduction.kernels.memory import ADDRESS, address_of, load, store, trailing_zeros

__all__ = ["CHANGED", "DAMAGED", "DONE", "GAP", "KEEP", "LANES", "LEAVE", "add_split", "add_whole"]

LANES = 16
LEAVE, KEEP, GAP = 0, 1, 2
"""What is done with a pixel: nothing, it is added, or it is expected to have no value."""
DONE, CHANGED, DAMAGED = 0, 1, 2
"""How it ended: well, with more changes than there is room for, or at a damaged frame."""

_RARE = 24  # a byte that fewer than one in so many pixels (of all lanes together) uses is added pixel by pixel
_RARE_SPLIT = 4

_BYTES, _INTS = ir.VectorType(ir.IntType(8), LANES), ir.VectorType(ir.IntType(32), LANES)
_DOUBLES = ir.VectorType(ir.DoubleType(), LANES)
_WORD = ir.IntType(64)


def _shuffle(indices: list[int]) -> Any:
    return ir.Constant(ir.VectorType(ir.IntType(32), len(indices)), indices)


_LOW = _shuffle([x for k in range(8) for x in (k, 16 + k)])
_HIGH = _shuffle([x for k in range(8, 16) for x in (k, 16 + k)])


def _moved(builder: Any, address: Any, nbytes: int) -> Any:
    return builder.add(address, ir.Constant(_WORD, nbytes))


def _transposed(builder: Any, first: Any, stride: Any) -> list[Any]:
    """Turn 16 bytes of 16 frames into 16 vectors, one per pixel, whose lanes are the frames."""
    rows = [
        load(builder, builder.add(first, builder.mul(stride, ir.Constant(_WORD, frame))), _BYTES)
        for frame in range(LANES)
    ]
    for _ in range(4):
        pairs = []
        for row in range(8):
            pairs.append(builder.shuffle_vector(rows[row], rows[row + 8], _LOW))
            pairs.append(builder.shuffle_vector(rows[row], rows[row + 8], _HIGH))
        rows = pairs
    return rows


def _byte_store(byte: int) -> Any:
    @intrinsic
    def store_bytes(_: Any, planes: Any, stride: Any, to: Any) -> Any:
        """Write one byte of each of 64 elements."""

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            store(builder, plane_bytes(builder, args[0], args[1], 8 * byte), args[2])
            return context.get_dummy_value()

        return types.void(types.uintp, types.uintp, types.uintp), code

    return store_bytes


_byte_0, _byte_1, _byte_2, _byte_3 = (_byte_store(byte) for byte in range(4))


@intrinsic
def _add_tile(_: Any, first: Any, stride: Any, bins: Any, sums: Any) -> Any:
    """Add 16 pixels of 16 frames to their bins: ``sums[bins[pixel]]`` of 16 uint32."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        for pixel, values in enumerate(_transposed(builder, args[0], args[1])):
            place = builder.zext(load(builder, _moved(builder, args[2], 4 * pixel), ir.IntType(32)), _WORD)
            where = builder.add(args[3], builder.mul(place, ir.Constant(_WORD, 4 * LANES)))
            store(builder, builder.add(load(builder, where, _INTS), builder.zext(values, _INTS)), where)
        return context.get_dummy_value()

    return types.void(types.uintp, types.uintp, types.uintp, types.uintp), code


@intrinsic
def _store_tile(_: Any, first: Any, stride: Any, to: Any) -> Any:
    """Write 16 pixels of 16 frames as 16 rows of 16 bytes, one per pixel."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        for pixel, values in enumerate(_transposed(builder, args[0], args[1])):
            store(builder, values, _moved(builder, args[2], LANES * pixel))
        return context.get_dummy_value()

    return types.void(types.uintp, types.uintp, types.uintp), code


@intrinsic
def _add_weighted(_: Any, values: Any, weight: Any, sums: Any) -> Any:
    """Add 16 bytes times a weight to 16 float64."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        wide = builder.uitofp(builder.zext(load(builder, args[0], _BYTES), _INTS), _DOUBLES)
        weights = ir.Constant(_DOUBLES, ir.Undefined)
        for lane in range(LANES):
            weights = builder.insert_element(weights, args[1], ir.Constant(ir.IntType(32), lane))
        added = builder.fadd(load(builder, args[2], _DOUBLES), builder.fmul(wide, weights))
        store(builder, added, args[2])
        return context.get_dummy_value()

    return types.void(types.uintp, types.float64, types.uintp), code


@intrinsic
def _ones(_: Any, word: Any) -> Any:
    """Count the bits that are set."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.uint64(types.uint64), code


@njit(nogil=True, error_model="numpy")
def _any(keep: Any, gap: Any) -> Any:
    some = np.uint64(0)
    for word in range(len(keep)):
        some |= keep[word] | gap[word]
    return some != np.uint64(0)


@njit(nogil=True, error_model="numpy")
def _expected(words: Any, planes: Any, groups: Any, keep: Any, gap: Any, gone: Any) -> Any:
    """Find the pixels with all bits set; says whether they are just those that are expected."""
    wrong = np.uint64(0)
    for group in range(groups):
        gone[group] = keep[group] | gap[group]
    for plane in range(planes):
        for group in range(groups):
            gone[group] &= words[plane * groups + group]
    for group in range(groups):
        wrong |= gone[group] ^ gap[group]
    return wrong == np.uint64(0)


@njit(nogil=True, error_model="numpy")
def _note(
    words: Any, planes: Any, groups: Any, gone: Any, gap: Any, frame: Any, begin: Any, changes: Any, used: Any
) -> Any:
    """Note where a frame is not as expected, and take lost pixels out of it; returns the notes used, -1 for full.

    A note is (frame, pixel, value), the value -1 for a pixel that was lost.
    """
    for group in range(groups):
        word = gone[group] ^ gap[group]
        while word != np.uint64(0):
            bit = trailing_zeros(word)
            word &= word - np.uint64(1)
            if used == len(changes):
                return np.int64(-1)
            changes[used, 0], changes[used, 1] = frame, begin + 64 * group + np.int64(bit)
            changes[used, 2] = -1
            if (gap[group] >> bit) & np.uint64(1):
                changes[used, 2] = _value(words, 0, planes, groups, group, bit)
            used += 1
        lost = gone[group] & ~gap[group]
        if lost != np.uint64(0):
            for plane in range(planes):
                words[plane * groups + group] &= ~lost
    return used


@njit(nogil=True, error_model="numpy", inline="always")
def _value(words: Any, first: Any, last: Any, groups: Any, group: Any, bit: Any) -> Any:
    """Put a pixel's bits of some planes together."""
    value = np.uint64(0)
    for plane in range(first, last):
        value |= ((words[plane * groups + group] >> bit) & np.uint64(1)) << np.uint64(plane)
    return np.int64(value)


@njit(nogil=True, error_model="numpy")
def _find_byte(words: Any, byte: Any, groups: Any, keep: Any, found: Any) -> Any:
    """Find the pixels that use a byte; returns how many."""
    found[:groups] = 0
    for plane in range(8 * byte, 8 * byte + 8):
        for group in range(groups):
            found[group] |= words[plane * groups + group]
    count = np.uint64(0)
    for group in range(groups):
        found[group] &= keep[group]
        count += _ones(found[group])
    return np.int64(count)


@njit(nogil=True, error_model="numpy")
def _write_byte(raw: Any, byte: Any, groups: Any, to: Any) -> None:
    """Write one byte of all elements of a block."""
    planes, stride = address_of(raw, 0), ADDRESS(8 * groups)
    for group in range(groups):
        at, where = planes + ADDRESS(8 * group), address_of(to, 64 * group)
        if byte == 0:
            _byte_0(at, stride, where)
        elif byte == 1:
            _byte_1(at, stride, where)
        elif byte == 2:
            _byte_2(at, stride, where)
        else:
            _byte_3(at, stride, where)


class _Scratch(NamedTuple):
    """What one block of 16 frames is decoded into. First index of arrays of bytes of pixels: which byte."""

    raw: Any  # decoded planes of each frame, with SLACK behind each
    words: Any  # the same as 64-bit words
    found: Any  # pixels of each frame that use a byte, one bit each
    tiles: Any  # one byte of all pixels of each frame
    often: Any  # whether a byte is in use so often that tiles of it are added
    gone: Any  # pixels of one frame without a value, one bit each
    pixels: Any  # whole pixels of one frame


@njit(nogil=True, error_model="numpy")
def _scratch(per_block: Any, like: Any) -> Any:
    itemsize, words_of_block = like.itemsize, (per_block + 63) // 64
    raw = np.zeros((LANES, (per_block * itemsize + SLACK + 7) // 8 * 8), np.uint8)
    return _Scratch(
        raw,
        raw.view(np.uint64),
        np.zeros((itemsize, LANES, words_of_block), np.uint64),
        np.zeros((itemsize, LANES, per_block), np.uint8),
        np.zeros(itemsize, np.bool_),
        np.zeros(words_of_block, np.uint64),
        np.zeros(max(per_block, 8), like.dtype),
    )


@njit(nogil=True, error_model="numpy")
def _decode(
    base: Any,
    starts: Any,
    first: Any,
    lanes: Any,
    block: Any,
    begin: Any,
    count: Any,
    marked: Any,
    rare: Any,
    keep: Any,
    gap: Any,
    scratch: Any,
    changes: Any,
    used: Any,
) -> Any:
    """Decode a block of some frames, and find which bytes are in use; returns the notes used, -1 or -2 - frame."""
    groups, itemsize = count // 64, scratch.pixels.itemsize
    words, found = scratch.words, scratch.found
    for lane in range(lanes):
        if not decode_block(base, starts[first + lane, block], scratch.raw[lane], count * itemsize):
            return np.int64(-2 - first - lane)
        if marked and not _expected(words[lane], 8 * itemsize, groups, keep, gap, scratch.gone):
            used = _note(words[lane], 8 * itemsize, groups, scratch.gone, gap, first + lane, begin, changes, used)
            if used < 0:
                return np.int64(-1)
    for byte in range(itemsize):
        total = np.int64(0)
        for lane in range(lanes):
            total += _find_byte(words[lane], byte, groups, keep, found[byte, lane])
        scratch.often[byte] = total * rare > count
        if scratch.often[byte]:
            for lane in range(lanes):
                _write_byte(scratch.raw[lane], byte, groups, scratch.tiles[byte, lane])
            for lane in range(lanes, LANES):
                scratch.tiles[byte, lane, :count] = 0
    return used


@njit(nogil=True, error_model="numpy")
def _decode_edge(
    base: Any,
    start: Any,
    count: Any,
    is_tail: Any,
    kinds: Any,
    marker: Any,
    frame: Any,
    begin: Any,
    scratch: Any,
    changes: Any,
    used: Any,
) -> Any:
    """Decode the last elements of a chunk, which fill no vector; returns the notes used, -1 or -2 - frame.

    The pixels that are not to be added are zero.
    """
    pixels, raw = scratch.pixels, scratch.raw[0]
    if is_tail:
        read_plain(base + ADDRESS(start), count, pixels)
    elif decode_block(base, start, raw, count * pixels.itemsize):
        unshuffle(raw, count, pixels.itemsize, pixels)
    else:
        return np.int64(-2 - frame)
    for pixel in range(count):
        value = np.int64(pixels[pixel])
        is_gone = value == marker
        is_expected = kinds[pixel] == LEAVE or is_gone == (kinds[pixel] == GAP)
        if is_expected and kinds[pixel] == KEEP:
            continue
        pixels[pixel] = 0
        if is_expected:
            continue
        if used == len(changes):
            return np.int64(-1)
        changes[used, 0], changes[used, 1] = frame, begin + pixel
        changes[used, 2] = np.int64(-1) if is_gone else value
        used += 1
    return used


@njit(nogil=True, inline="always")
def _ended(used: Any) -> Any:
    """Say how it ended when there are no notes: there is no room for them, or a frame is damaged."""
    return (CHANGED, np.int64(0)) if used == -1 else (DAMAGED, np.int64(-2 - used))


@njit(nogil=True, error_model="numpy", cache=True)
def add_whole(
    base: Any,
    starts: Any,
    per_block: Any,
    kinds: Any,
    kept: Any,
    gaps: Any,
    bins: Any,
    like: Any,
    marker: Any,
    changes: Any,
    out: Any,
) -> Any:
    """Add whole pixels to their bins; exact.

    Parameters
    ----------
    base
        Address of the compressed bytes.
    starts
        From `find_blocks`, shape (frames, blocks + 1); a chunk is a frame.
    per_block
        Elements per block, a multiple of 64.
    kinds
        `LEAVE`, `KEEP` or `GAP` for each pixel, uint8.
    kept, gaps
        The same as bits of 64-bit words, for the two of them.
    bins
        Bin of each pixel, int32; the number of bins for one that is not kept.
    like
        An array of the unsigned type of the data.
    marker
        The largest number of this type where it stands for "no value", else -1.
    changes
        Takes (frame, pixel, value) where a frame is not as expected, value -1 for a pixel that was lost; int64. Such
        pixels are in no sum.
    out
        Takes the sums, shape (frames, bins), int64.

    Returns
    -------
    :
        `DONE` and the number of changes, `CHANGED` and 0, or `DAMAGED` and the frame.
    """
    itemsize, elements, frames, nbins = like.itemsize, len(kinds), len(starts), out.shape[1]
    blocks, scratch = starts.shape[1] - 1, _scratch(per_block, like)
    words, found, tiles, often, pixels = scratch.words, scratch.found, scratch.tiles, scratch.often, scratch.pixels
    ever = np.zeros(itemsize, np.bool_)
    sums = np.zeros((itemsize, nbins + 1, LANES), np.uint32)
    used = np.int64(0)
    marked = marker >= 0
    for first in range(0, frames, LANES):
        lanes = min(LANES, frames - first)
        for byte in range(itemsize):
            if ever[byte]:
                sums[byte] = 0
            ever[byte] = False
        for block in range(blocks + 1):
            begin = min(block * per_block, elements - elements % 8)
            count = block_elements(block, elements, per_block)
            if count == 0:
                continue
            here = kinds[begin : begin + count]
            if block == blocks or count % 64 != 0:
                for lane in range(lanes):
                    used = _decode_edge(
                        base,
                        starts[first + lane, block],
                        count,
                        block == blocks,
                        here,
                        marker,
                        first + lane,
                        begin,
                        scratch,
                        changes,
                        used,
                    )
                    if used < 0:
                        return _ended(used)
                    for pixel in range(count):
                        if pixels[pixel] != 0:
                            out[first + lane, bins[begin + pixel]] += np.int64(pixels[pixel])
                continue
            keep, gap = kept[begin // 64 : (begin + count) // 64], gaps[begin // 64 : (begin + count) // 64]
            if not _any(keep, gap):
                continue
            used = _decode(
                base, starts, first, lanes, block, begin, count, marked, _RARE, keep, gap, scratch, changes, used
            )
            if used < 0:
                return _ended(used)
            for byte in range(itemsize):
                if often[byte]:
                    ever[byte] = True
                    at, where = address_of(tiles[byte], 0), address_of(bins, begin)
                    to = address_of(sums[byte], 0)
                    for _tile in range(count // 16):
                        _add_tile(at, ADDRESS(per_block), where, to)
                        at, where = at + ADDRESS(16), where + ADDRESS(64)
                    continue
                for lane in range(lanes):
                    for group in range(count // 64):
                        word = found[byte, lane, group]
                        while word != np.uint64(0):
                            bit = trailing_zeros(word)
                            word &= word - np.uint64(1)
                            value = _value(words[lane], 8 * byte, 8 * byte + 8, count // 64, group, bit)
                            out[first + lane, bins[begin + 64 * group + np.int64(bit)]] += value
        for byte in range(itemsize):
            if ever[byte]:
                for place in range(nbins):
                    for lane in range(lanes):
                        out[first + lane, place] += np.int64(sums[byte, place, lane]) << np.int64(8 * byte)
    return DONE, used


@njit(nogil=True, error_model="numpy", cache=True)
def add_split(
    base: Any,
    starts: Any,
    per_block: Any,
    kinds: Any,
    kept: Any,
    gaps: Any,
    indptr: Any,
    indices: Any,
    weights: Any,
    like: Any,
    marker: Any,
    changes: Any,
    out: Any,
) -> Any:
    """Add pixels that are split over bins, in float64.

    Parameters
    ----------
    indptr, indices, weights
        The bins of each pixel and its share in them, a matrix by columns (CSC): int32, int32, float32.
    out
        Takes the sums, shape (frames, bins), float64.
    base, starts, per_block, kinds, kept, gaps, like, marker, changes
        As `add_whole`.

    Returns
    -------
    :
        As `add_whole`.
    """
    itemsize, elements, frames, nbins = like.itemsize, len(kinds), len(starts), out.shape[1]
    blocks, scratch = starts.shape[1] - 1, _scratch(per_block, like)
    words, found, tiles, often, pixels = scratch.words, scratch.found, scratch.tiles, scratch.often, scratch.pixels
    sums = np.zeros((nbins, LANES), np.float64)
    tile_bytes = np.zeros(LANES * 16, np.uint8)
    used = np.int64(0)
    marked = marker >= 0
    for first in range(0, frames, LANES):
        lanes = min(LANES, frames - first)
        sums[:] = 0.0
        for block in range(blocks + 1):
            begin = min(block * per_block, elements - elements % 8)
            count = block_elements(block, elements, per_block)
            if count == 0:
                continue
            here = kinds[begin : begin + count]
            if block == blocks or count % 64 != 0:
                for lane in range(lanes):
                    used = _decode_edge(
                        base,
                        starts[first + lane, block],
                        count,
                        block == blocks,
                        here,
                        marker,
                        first + lane,
                        begin,
                        scratch,
                        changes,
                        used,
                    )
                    if used < 0:
                        return _ended(used)
                    for pixel in range(count):
                        if pixels[pixel] != 0:
                            value = np.int64(pixels[pixel])
                            for entry in range(indptr[begin + pixel], indptr[begin + pixel + 1]):
                                out[first + lane, indices[entry]] += np.float64(weights[entry]) * value
                continue
            keep, gap = kept[begin // 64 : (begin + count) // 64], gaps[begin // 64 : (begin + count) // 64]
            if not _any(keep, gap):
                continue
            used = _decode(
                base, starts, first, lanes, block, begin, count, marked, _RARE_SPLIT, keep, gap, scratch, changes, used
            )
            if used < 0:
                return _ended(used)
            for byte in range(itemsize):
                scale = np.float64(np.int64(1) << np.int64(8 * byte))
                if often[byte]:
                    source, row, to = address_of(tiles[byte], 0), address_of(tile_bytes, 0), address_of(sums, 0)
                    for pixel in range(begin, begin + count):
                        if (pixel - begin) % 16 == 0 and indptr[pixel] != indptr[pixel + 16]:
                            _store_tile(source + ADDRESS(pixel - begin), ADDRESS(per_block), row)
                        if kinds[pixel] != KEEP:
                            continue
                        values = row + ADDRESS(LANES * ((pixel - begin) % 16))
                        for entry in range(indptr[pixel], indptr[pixel + 1]):
                            _add_weighted(
                                values,
                                scale * np.float64(weights[entry]),
                                to + ADDRESS(8 * LANES * np.int64(indices[entry])),
                            )
                    continue
                for lane in range(lanes):
                    for group in range(count // 64):
                        word = found[byte, lane, group]
                        while word != np.uint64(0):
                            bit = trailing_zeros(word)
                            word &= word - np.uint64(1)
                            value = _value(words[lane], 8 * byte, 8 * byte + 8, count // 64, group, bit)
                            pixel = begin + 64 * group + np.int64(bit)
                            for entry in range(indptr[pixel], indptr[pixel + 1]):
                                out[first + lane, indices[entry]] += np.float64(weights[entry]) * value
        for place in range(nbins):
            for lane in range(lanes):
                out[first + lane, place] += sums[place, lane]
    return DONE, used
