"""Sums of 64 neighbouring pixels at a time, taken from bit planes without ever writing the pixels to memory.

Each intrinsic adds a block of several frames to accumulators that are narrow enough to stay in the cache and wide
enough for `BATCH` frames. Which pixels of a frame count is told by one bit each.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from panosc_analysis.reduction.kernels.bitshuffle import plane_bytes
from panosc_analysis.reduction.kernels.memory import load, store

__all__ = ["AT_ONCE", "BATCH", "GROUPS", "add_high", "add_low", "classify_high", "classify_low", "count_bits"]

AT_ONCE = 4
"""Frames that are added with one reading and writing of the accumulators."""
BATCH = 256
"""The most frames that the narrow accumulators hold: 256 · 255 fits in 16 bits."""
GROUPS = 256
"""The most groups of 64 pixels in one call: 256 · 255 fits in 16 bits."""

_LANES = 64
_WORD = ir.IntType(64)


def _vector(bits: int) -> Any:
    return ir.VectorType(ir.IntType(bits), _LANES)


def _splat(bits: int, value: int) -> Any:
    return ir.Constant(_vector(bits), [value] * _LANES)


def _scaled(builder: Any, base: Any, index: Any, step: int) -> Any:
    return builder.add(base, builder.mul(index, ir.Constant(_WORD, step)))


def _bytes(builder: Any, planes: Any, stride: Any) -> Any:
    return plane_bytes(builder, planes, stride, 0)


def _shorts(builder: Any, planes: Any, stride: Any) -> Any:
    first, second = (builder.zext(plane_bytes(builder, planes, stride, plane), _vector(16)) for plane in (0, 8))
    return builder.or_(first, builder.shl(second, _splat(16, 8)))


def _adder(bits: int, narrow: int, squared: int) -> Any:
    """Make the intrinsic for values of `bits`, with sums of `narrow` and sums of squares of `squared` bits."""

    @intrinsic
    def add(
        _: Any,
        planes: Any,
        keep: Any,
        stride: Any,
        groups: Any,
        total: Any,
        squares: Any,
        low: Any,
        high: Any,
        frames: Any,
        like: Any,
    ) -> Any:
        """Add blocks of pixels.

        Parameters
        ----------
        planes, keep
            Addresses of `AT_ONCE` addresses: of the planes, and of one word per group that tells which pixels count.
        stride, groups
            Bytes from plane to plane; groups of 64 pixels.
        total, squares, low, high
            Addresses of the accumulators.
        frames
            Address of `AT_ONCE` numbers of 64 bits that take the sum of each frame.
        like
            An array whose type tells whether the values have a sign.
        """
        signed = like.dtype.signed and bits == like.dtype.bitwidth
        least, most = ((1 << (bits - 1)) - 1, 1 << (bits - 1)) if signed else ((1 << bits) - 1, 0)
        signature = types.void(*[types.uintp] * 9, like)

        def code(context: Any, builder: Any, _: Any, args: Any) -> Any:
            planes, keep, stride, groups, total, squares, low, high, frames, _ = args
            numbers = [ir.Constant(_WORD, number) for number in range(AT_ONCE)]
            sources = [load(builder, _scaled(builder, planes, number, 8), _WORD) for number in numbers]
            kept = [load(builder, _scaled(builder, keep, number, 8), _WORD) for number in numbers]
            lanes = [cgutils.alloca_once_value(builder, _splat(narrow, 0)) for _ in numbers]
            wider = builder.sext if signed else builder.zext
            compare = builder.icmp_signed if signed else builder.icmp_unsigned
            with cgutils.for_range(builder, groups) as loop:
                at = builder.mul(loop.index, ir.Constant(_WORD, _LANES))
                places = [
                    _scaled(builder, base, at, step // 8)
                    for base, step in ((total, narrow), (squares, squared), (low, bits), (high, bits))
                ]
                sums, sums_of_squares, smallest, largest = (
                    load(builder, place, _vector(kind))
                    for place, kind in zip(places, (narrow, squared, bits, bits), strict=True)
                )
                for source, words, lane in zip(sources, kept, lanes, strict=True):
                    values = (_bytes if bits == 8 else _shorts)(
                        builder, _scaled(builder, source, loop.index, 8), stride
                    )
                    counts = builder.bitcast(load(builder, _scaled(builder, words, loop.index, 8), _WORD), _vector(1))
                    for_low, for_high = (builder.select(counts, values, _splat(bits, v)) for v in (least, most))
                    smallest = builder.select(compare("<", for_low, smallest), for_low, smallest)
                    largest = builder.select(compare(">", for_high, largest), for_high, largest)
                    wide = wider(builder.select(counts, values, _splat(bits, 0)), _vector(narrow))
                    sums = builder.add(sums, wide)
                    builder.store(builder.add(builder.load(lane), wide), lane)
                    sums_of_squares = builder.add(
                        sums_of_squares, builder.zext(builder.mul(wide, wide), _vector(squared))
                    )
                for value, place in zip((sums, sums_of_squares, smallest, largest), places, strict=True):
                    store(builder, value, place)
            for number, lane in zip(numbers, lanes, strict=True):
                every = wider(builder.load(lane), _vector(32)) if narrow < 32 else builder.load(lane)
                kind = ir.FunctionType(ir.IntType(32), [_vector(32)])
                name = f"llvm.vector.reduce.add.v{_LANES}i32"
                total_of = cgutils.get_or_insert_function(builder.module, kind, name)
                frame = builder.call(total_of, [every])
                store(builder, builder.sext(frame, _WORD), _scaled(builder, frames, number, 8))
            return context.get_dummy_value()

        return signature, code

    return add


add_low = _adder(8, 16, 32)
"""Add pixels below 256."""
add_high = _adder(16, 32, 64)
"""Add pixels of 16 bits."""


@intrinsic
def count_bits(_: Any, word: Any, counts: Any) -> Any:
    """Add the bits of a word to 64 numbers of 16 bits."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        known = load(builder, args[1], _vector(16))
        bits = builder.zext(builder.bitcast(args[0], _vector(1)), _vector(16))
        store(builder, builder.add(known, bits), args[1])
        return context.get_dummy_value()

    return types.void(types.uint64, types.uintp), code


def _classifier(bits: int) -> Any:
    """Make the intrinsic that tells which pixels of a block fit in `bits`."""

    @intrinsic
    def classify(
        _: Any, planes: Any, groups: Any, inside: Any, marked: Any, keep: Any, found: Any, gone: Any, like: Any
    ) -> Any:
        """Divide the pixels that count into those that fit, those that do not, and those without a value.

        All words are read and written eight at a time, beyond the last group too.

        Parameters
        ----------
        planes
            Address of the planes.
        groups
            Groups of 64 pixels, one word in each plane.
        inside
            Address of a word per group that tells which pixels count.
        marked
            Whether pixels with all bits set have no value: all bits or none.
        keep, found, gone
            Addresses of a word per group for each kind.
        like
            An array in the type of the data.

        Returns
        -------
        :
            How many do not fit, and 2^32 times how many have no value.
        """
        width = like.dtype.bitwidth
        eight = ir.VectorType(_WORD, 8)

        def code(context: Any, builder: Any, _: Any, args: Any) -> Any:
            planes, groups, inside, marked, keep, found, gone, _ = args
            stride = builder.mul(groups, ir.Constant(_WORD, 8))
            count = cgutils.alloca_once_value(builder, ir.Constant(eight, [0] * 8))
            every = builder.insert_element(ir.Constant(eight, ir.Undefined), marked, ir.Constant(ir.IntType(32), 0))
            zeros = ir.Constant(ir.VectorType(ir.IntType(32), 8), [0] * 8)
            every = builder.shuffle_vector(every, ir.Constant(eight, ir.Undefined), zeros)
            steps = builder.udiv(builder.add(groups, ir.Constant(_WORD, 7)), ir.Constant(_WORD, 8))
            with cgutils.for_range(builder, steps) as loop:
                at = builder.mul(loop.index, ir.Constant(_WORD, 64))
                words = [
                    load(builder, builder.add(_scaled(builder, planes, stride, plane), at), eight)
                    for plane in range(width)
                ]
                above, full = ir.Constant(eight, [0] * 8), every
                for plane, word in enumerate(words):
                    full = builder.and_(full, word)
                    above = builder.or_(above, word) if plane >= bits else above
                counts = load(builder, builder.add(inside, at), eight)
                none = builder.and_(full, counts)
                present = builder.and_(counts, builder.not_(none))
                over = builder.and_(present, above)
                store(builder, builder.and_(present, builder.not_(above)), builder.add(keep, at))
                store(builder, over, builder.add(found, at))
                store(builder, none, builder.add(gone, at))
                kind = ir.FunctionType(eight, [eight])
                ones = cgutils.get_or_insert_function(builder.module, kind, "llvm.ctpop.v8i64")
                high = builder.shl(builder.call(ones, [none]), ir.Constant(eight, [32] * 8))
                both = builder.add(builder.call(ones, [over]), high)
                builder.store(builder.add(builder.load(count), both), count)
            kind = ir.FunctionType(_WORD, [eight])
            total_of = cgutils.get_or_insert_function(builder.module, kind, "llvm.vector.reduce.add.v8i64")
            return builder.call(total_of, [builder.load(count)])

        return types.int64(*[types.uintp] * 3, types.uint64, *[types.uintp] * 3, like), code

    return classify


classify_low, classify_high = _classifier(8), _classifier(16)
"""Pixels below 256, and below 65536."""
