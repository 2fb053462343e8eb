"""Chunks of bitshuffle with LZ4: where their blocks lie, and from bit planes back to numbers.

A chunk of n elements begins with its decoded size (8 bytes) and its block size (4), both with the highest byte first.
Then come, for each block, its stored size (4 bytes) and an LZ4 block, and last the n mod 8 elements that fill no byte.
A decoded block of m elements is one plane of m/8 bytes for each bit, the lowest first.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from panosc_analysis.reduction.kernels import SLACK
from panosc_analysis.reduction.kernels.lz4 import decode_lz4
from panosc_analysis.reduction.kernels.memory import ADDRESS, big_endian_32, load, load_8, store

__all__ = [
    "HEADER",
    "block_count",
    "block_elements",
    "decode_block",
    "decode_chunks",
    "find_blocks",
    "plane_bytes",
    "read_plain",
    "unshuffle",
]

HEADER = 12
"""Bytes before the first block."""

_WORD = ir.IntType(64)
_EIGHT_BYTES, _EIGHT_WORDS = ir.VectorType(ir.IntType(8), 8), ir.VectorType(_WORD, 8)


def plane_bytes(builder: Any, planes: Any, stride: Any, first: int) -> Any:
    """Emit the way from 8 bit planes to bytes: the eight bits of each of 64 neighbouring elements.

    Parameters
    ----------
    builder
        Of the kernel.
    planes
        Address of the elements' 8 bytes in the lowest plane.
    stride
        Bytes from plane to plane.
    first
        The lowest of the eight planes.

    Returns
    -------
    :
        ``<64 x i8>``.
    """
    words = None
    for plane in range(8):
        address = builder.add(planes, builder.mul(stride, ir.Constant(_WORD, first + plane)))
        part = builder.zext(load(builder, address, _EIGHT_BYTES), _EIGHT_WORDS)
        if plane:
            part = builder.shl(part, _words(8 * plane))
        words = part if words is None else builder.or_(words, part)
    # The transpose of a matrix of 8 by 8 bits in three exchanges (H. S. Warren, Hacker's Delight, 7-3).
    for shift, mask in ((7, 0x00AA00AA00AA00AA), (14, 0x0000CCCC0000CCCC), (28, 0x00000000F0F0F0F0)):
        moved = builder.and_(builder.xor(words, builder.lshr(words, _words(shift))), _words(mask))
        words = builder.xor(words, builder.xor(moved, builder.shl(moved, _words(shift))))
    return builder.bitcast(words, ir.VectorType(ir.IntType(8), 64))


def _words(value: int) -> Any:
    return ir.Constant(_EIGHT_WORDS, [value] * 8)


def _unshuffler(nbytes: int) -> Any:
    @intrinsic
    def unshuffle_64(_: Any, planes: Any, stride: Any, to: Any, like: Any) -> Any:
        width = like.dtype.bitwidth
        vector = ir.VectorType(ir.IntType(width), 64)

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            elements = None
            for number in range(min(nbytes, width // 8)):
                part = plane_bytes(builder, args[0], args[1], 8 * number)
                if width > 8:
                    part = builder.zext(part, vector)
                if number:
                    part = builder.shl(part, ir.Constant(vector, [8 * number] * 64))
                elements = part if elements is None else builder.or_(elements, part)
            store(builder, elements, args[2])
            return context.get_dummy_value()

        return types.void(types.uintp, types.uintp, types.uintp, like), code

    return unshuffle_64


# 64 elements of which only the lowest bytes are in use.
_unshuffle_1, _unshuffle_2, _unshuffle_all = _unshuffler(1), _unshuffler(2), _unshuffler(8)


@njit(nogil=True, error_model="numpy")
def _unshuffle_few(planes: Any, in_plane: Any, out: Any) -> None:
    """Turn planes of less than 8 bytes into elements, bit by bit."""
    for byte in range(in_plane):
        for bit in range(8):
            value, at = np.uint64(0), planes + ADDRESS(byte)
            for plane in range(8 * out.itemsize):
                value |= ((np.uint64(load_8(at)) >> np.uint64(bit)) & np.uint64(1)) << np.uint64(plane)
                at += ADDRESS(in_plane)
            out[8 * byte + bit] = value


@njit(nogil=True, error_model="numpy")
def unshuffle(raw: Any, count: Any, nbytes: Any, out: Any) -> None:
    """Turn the planes of a block into elements.

    Parameters
    ----------
    raw
        The planes, uint8.
    count
        Elements of the block, a multiple of 8.
    nbytes
        How many low bytes of the elements are not zero: 1, 2 or all.
    out
        The elements, an array of unsigned integers.
    """
    planes, to = ADDRESS(raw.ctypes.data), ADDRESS(out.ctypes.data)
    in_plane = count // 8
    stride = ADDRESS(in_plane)
    step = ADDRESS(8 * out.itemsize)
    at = 0
    while at < in_plane:
        if at + 8 > in_plane:
            if in_plane < 8:
                _unshuffle_few(planes, in_plane, out)
                return
            at = in_plane - 8  # some elements twice, so that the last group is full
        source, where = planes + ADDRESS(at), to + ADDRESS(at) * step
        if nbytes == 1:
            _unshuffle_1(source, stride, where, out)
        elif nbytes == 2:
            _unshuffle_2(source, stride, where, out)
        else:
            _unshuffle_all(source, stride, where, out)
        at += 8


@njit(nogil=True, inline="always")
def block_count(elements: Any, per_block: Any) -> Any:
    """Count the blocks of a chunk, without the elements that follow them as they are."""
    return (elements - elements % 8 + per_block - 1) // per_block


@njit(nogil=True, inline="always")
def block_elements(block: Any, elements: Any, per_block: Any) -> Any:
    """Count the elements of a block; those behind the last block are block number `block_count`."""
    if block == block_count(elements, per_block):
        return elements % 8
    return min(per_block, elements - elements % 8 - block * per_block)


@njit(nogil=True, error_model="numpy", cache=True)
def find_blocks(base: Any, offsets: Any, sizes: Any, per_block: Any, itemsize: Any, elements: Any, starts: Any) -> Any:
    """Walk along the chunks of a buffer and note where each block begins.

    Parameters
    ----------
    base
        Address of the buffer.
    offsets, sizes
        Where the chunks are in it, and their bytes, int64; an offset of -1 for a chunk that is not there.
    per_block
        Elements per block. A chunk with other blocks counts as damaged here.
    itemsize, elements
        Bytes per element, elements per chunk.
    starts
        For each chunk and block, the offset of its stored size in the buffer; and in a last column that of the
        elements behind the blocks. Shape (chunks, blocks + 1), int64. A walk ends with the column it has no room for,
        so fewer columns find the first blocks only.

    Returns
    -------
    :
        -1, or the number of the first chunk whose lengths cannot be.
    """
    blocks = block_count(elements, per_block)
    columns = min(starts.shape[1], blocks)
    for chunk in range(len(offsets)):
        if offsets[chunk] < 0:
            starts[chunk, :] = -1
            continue
        if sizes[chunk] < HEADER:
            return chunk
        at = np.int64(offsets[chunk])
        end = at + sizes[chunk] - (elements % 8) * itemsize
        total = np.uint64(0)
        for byte in range(8):
            total = (total << np.uint64(8)) | np.uint64(load_8(base + ADDRESS(at + byte)))
        if total != np.uint64(elements * itemsize) or big_endian_32(base + ADDRESS(at + 8)) != per_block * itemsize:
            return chunk
        at += HEADER
        for block in range(columns):
            if at + 4 > end:
                return chunk
            starts[chunk, block] = at
            at += 4 + big_endian_32(base + ADDRESS(at))
            if at > end:
                return chunk
        if starts.shape[1] > blocks:
            if at != end:
                return chunk
            starts[chunk, blocks] = at
    return -1


@njit(nogil=True, inline="always")
def decode_block(base: Any, start: Any, raw: Any, nbytes: Any) -> Any:
    """Undo the LZ4 of a block that `find_blocks` found; its planes go to the start of `raw`, with `SLACK` to spare.

    Returns
    -------
    :
        Whether it gave `nbytes`.
    """
    at = base + ADDRESS(start)
    return decode_lz4(at + ADDRESS(4), big_endian_32(at), ADDRESS(raw.ctypes.data), nbytes) == nbytes


@njit(nogil=True, error_model="numpy")
def read_plain(at: Any, count: Any, out: Any) -> None:
    """Read elements that are stored as they are, the lowest byte first, into an array of whole numbers."""
    for number in range(count):
        value = np.uint64(0)
        for byte in range(out.itemsize):
            value |= np.uint64(load_8(at)) << np.uint64(8 * byte)
            at += ADDRESS(1)
        out[number] = value


@njit(nogil=True, inline="always")
def bytes_in_use(words: Any, count: Any, itemsize: Any) -> Any:
    """Say how many low bytes of a block's elements are not zero: 1, 2 or all.

    Parameters
    ----------
    words
        The planes as 64-bit words.
    count
        Elements of the block, a multiple of 64.
    itemsize
        Bytes per element.
    """
    in_plane = count // 64
    top = np.uint64(0)
    for word in range(16 * in_plane, 8 * itemsize * in_plane):
        top |= words[word]
    if top != 0:
        return itemsize
    for word in range(8 * in_plane, min(16, 8 * itemsize) * in_plane):
        top |= words[word]
    return 2 if top != 0 else 1


@njit(nogil=True, error_model="numpy", cache=True)
def decode_chunks(base: Any, starts: Any, per_block: Any, out: Any) -> Any:
    """Decode chunks whose blocks were found into an array of unsigned integers.

    Parameters
    ----------
    base
        Address of the buffer.
    starts
        From `find_blocks`. Chunks that are not there are passed over.
    per_block
        Elements per block.
    out
        Shape (chunks, elements), contiguous.

    Returns
    -------
    :
        -1, or the number of the first chunk that is damaged.
    """
    elements, itemsize = out.shape[1], out.itemsize
    words = np.zeros((per_block * itemsize + SLACK) // 8, np.uint64)
    raw = words.view(np.uint8)
    blocks = block_count(elements, per_block)
    for chunk in range(len(starts)):
        if starts[chunk, 0] < 0:
            continue
        for block in range(blocks):
            first, count = block * per_block, block_elements(block, elements, per_block)
            if not decode_block(base, starts[chunk, block], raw, count * itemsize):
                return chunk
            used = bytes_in_use(words, count, itemsize) if count % 64 == 0 else itemsize
            unshuffle(raw, count, used, out[chunk, first : first + count])
        read_plain(base + ADDRESS(starts[chunk, blocks]), elements % 8, out[chunk, elements - elements % 8 :])
    return -1


@njit(nogil=True, error_model="numpy", cache=True)
def first_damaged(base: Any, starts: Any, per_block: Any, itemsize: Any, elements: Any) -> Any:
    """Undo the LZ4 of every block and forget it: -1, or the number of the first chunk that is damaged."""
    raw = np.zeros(per_block * itemsize + SLACK, np.uint8)
    for chunk in range(len(starts)):
        if starts[chunk, 0] < 0:
            continue
        for block in range(block_count(elements, per_block)):
            if not decode_block(base, starts[chunk, block], raw, block_elements(block, elements, per_block) * itemsize):
                return chunk
    return -1
