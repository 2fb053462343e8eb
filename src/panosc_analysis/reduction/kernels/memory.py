"""Loads, stores and copies by address, as single machine instructions."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = [
    "ADDRESS",
    "address_of",
    "big_endian_32",
    "borrow",
    "copy_1",
    "copy_16",
    "copy_32",
    "fill_32",
    "load",
    "load_8",
    "load_16",
    "load_32",
    "load_64",
    "store",
    "trailing_zeros",
]

ADDRESS = np.uintp
"""The type of an address in a kernel."""

_UNSIGNED = {8: types.uint8, 16: types.uint16, 32: types.uint32, 64: types.uint64}


def load(builder: Any, address: Any, kind: Any) -> Any:
    """Emit a load of a value or vector from wherever it lies."""
    return builder.load(builder.inttoptr(address, kind.as_pointer()), align=1)


def store(builder: Any, value: Any, address: Any) -> None:
    """Emit a store of a value or vector to wherever it should lie."""
    builder.store(value, builder.inttoptr(address, value.type.as_pointer()), align=1)


def _copier(nbytes: int) -> Any:
    @intrinsic
    def copy(_: Any, to: Any, source: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            store(builder, load(builder, args[1], ir.VectorType(ir.IntType(8), nbytes)), args[0])
            return context.get_dummy_value()

        return types.void(types.uintp, types.uintp), code

    return copy


def _loader(bits: int) -> Any:
    @intrinsic
    def load_bits(_: Any, source: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return load(builder, args[0], ir.IntType(bits))

        return _UNSIGNED[bits](types.uintp), code

    return load_bits


copy_1, copy_16, copy_32 = _copier(1), _copier(16), _copier(32)
load_8, load_16, load_32, load_64 = _loader(8), _loader(16), _loader(32), _loader(64)


@intrinsic
def fill_32(_: Any, to: Any, pattern: Any) -> Any:
    """Write 32 bytes of a repeated 64-bit pattern."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = ir.Constant(ir.VectorType(ir.IntType(64), 4), ir.Undefined)
        for lane in range(4):
            vector = builder.insert_element(vector, args[1], ir.Constant(ir.IntType(32), lane))
        store(builder, vector, args[0])
        return context.get_dummy_value()

    return types.void(types.uintp, types.uint64), code


@intrinsic
def trailing_zeros(_: Any, word: Any) -> Any:
    """Find the position of the lowest bit that is set."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), code


@njit(nogil=True, inline="always")
def big_endian_32(address: Any) -> Any:
    """Read a 32-bit number whose first byte is the highest."""
    first, second = np.int64(load_8(address)), np.int64(load_8(address + ADDRESS(1)))
    third, fourth = np.int64(load_8(address + ADDRESS(2))), np.int64(load_8(address + ADDRESS(3)))
    return (first << 24) | (second << 16) | (third << 8) | fourth


@intrinsic
def borrow(_: Any, array: Any) -> Any:
    """Look at an array without counting a reference: views of it cost nothing, and it must outlive them.

    Counting is an atomic operation, for each array of each call; in an inner loop they take longer than the work.
    """

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        view = context.make_array(array)(context, builder, args[0])
        view.meminfo = cgutils.get_null_value(view.meminfo.type)
        view.parent = cgutils.get_null_value(view.parent.type)
        return view._getvalue()

    return array(array), code


@njit(nogil=True, inline="always")
def address_of(array: Any, index: Any) -> Any:
    """Compute where an element of a contiguous array lies."""
    return ADDRESS(array.ctypes.data) + ADDRESS(index * array.itemsize)
