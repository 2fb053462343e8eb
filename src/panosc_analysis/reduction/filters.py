"""Decompression of single chunks outside HDF5: in any thread, without its lock and without Python's.

Bitshuffle with LZ4 is decoded by `kernels.bitshuffle`. Bitshuffle with Zstandard, LZ4, Zstandard and Blosc are
hdf5plugin's own libraries, called through the function that HDF5 would call; deflate is libdeflate. Any other filter
has no decoder here, and its data are read through HDF5.
"""

from __future__ import annotations

import ctypes
import struct
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import deflate
import hdf5plugin
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from panosc_analysis.nexus.chunks import Filter

__all__ = ["BITSHUFFLE", "BitshuffleDecoder", "Bytes", "Decoder", "check_header", "decoder", "lz4_block"]

Bytes: TypeAlias = "NDArray[np.uint8]"

DEFLATE, SHUFFLE, BLOSC, LZ4, BITSHUFFLE, ZSTD, BLOSC2 = 1, 2, 32001, 32004, 32008, 32015, 32026
# Those that end with an error on damaged data; bzip2's plugin, for one, may never end.
_CALLABLE = (BLOSC, LZ4, BITSHUFFLE, ZSTD, BLOSC2)
_REVERSE = 0x0100  # H5Z_FLAG_REVERSE
_HEADER = struct.Struct(">QI")  # of bitshuffle and LZ4 chunks: bytes when decoded, bytes per block
_LARGEST_BLOCK = 1 << 26  # bytes; memory for one is made on the word of the header
_LENGTH = struct.Struct(">I")  # before each block: its bytes as stored

_libc = ctypes.CDLL(None)
_malloc, _free = _libc.malloc, _libc.free
_malloc.restype, _malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
_free.restype, _free.argtypes = None, [ctypes.c_void_p]


class Decoder(Protocol):
    """Undoes one filter."""

    # `data` may be followed by SLACK bytes of anything, see `ChunkReader`.
    def __call__(self, data: Bytes, size: int) -> Bytes:
        """Decode; `size` is the number of bytes of the chunk when all filters are undone.

        Raises
        ------
        ValueError
            The data are damaged.
        """


def decoder(step: Filter) -> Decoder | None:
    """Find the decoder of a filter; ``None`` where only HDF5 knows it."""
    if step.id == DEFLATE:
        return _inflated
    if step.id == SHUFFLE and step.client_data:
        return _Unshuffle(step.client_data[0])
    if step.id == BITSHUFFLE and (found := bitshuffle_decoder(step)) is not None:
        return found
    function = _plugin_function(step.id)
    return None if function is None else _PluginDecoder(step, function)


def _inflated(data: Bytes, size: int) -> Bytes:
    try:
        return np.frombuffer(deflate.zlib_decompress(data.data, size), np.uint8)
    except deflate.DeflateError as error:
        raise ValueError(str(error)) from error


class _Unshuffle:
    """Puts the bytes of each element together again; what does not fill an element stays at the end."""

    def __init__(self, width: int) -> None:
        self.width = width

    def __call__(self, data: Bytes, size: int) -> Bytes:
        count = data.size // self.width
        whole = count * self.width
        result = np.empty_like(data)
        result[:whole].reshape(count, self.width)[...] = data[:whole].reshape(self.width, count).T
        result[whole:] = data[whole:]
        return result


class _PluginDecoder:
    """Calls the filter function of a plugin as HDF5 does: it takes a buffer of `malloc` and gives one back."""

    def __init__(self, step: Filter, function: Any) -> None:
        self.id, self.function = step.id, function
        self.parameters = (ctypes.c_uint * len(step.client_data))(*step.client_data)

    def __call__(self, data: Bytes, size: int) -> Bytes:
        if self.id == LZ4:
            check_blocks(data, size, size, 1)
        buffer, length = ctypes.c_void_p(_malloc(max(1, data.size))), ctypes.c_size_t(data.size)
        if not buffer.value:
            raise MemoryError(f"no memory for a chunk of {data.size} bytes")
        try:
            ctypes.memmove(buffer.value, data.ctypes.data, data.size)
            found = self.function(
                _REVERSE, len(self.parameters), self.parameters, data.size, ctypes.byref(length), ctypes.byref(buffer)
            )
            if found == 0 or not buffer.value:
                raise ValueError(f"the filter {self.id} does not decode it")
            result = np.empty(found, np.uint8)
            ctypes.memmove(result.ctypes.data, buffer.value, found)
            return result
        finally:
            _free(buffer.value)


class BitshuffleDecoder:
    """Calls bitshuffle without the copies that its filter function makes."""

    def __init__(self, function: Any, itemsize: int) -> None:
        self.function, self.itemsize = function, itemsize

    def __call__(self, data: Bytes, size: int) -> Bytes:
        """Decode into new memory."""
        result = np.empty(size, np.uint8)
        self.decode_into(data, result)
        return result

    def decode_into(self, data: Bytes, out: Bytes) -> None:
        """Decode into an array of the right size.

        Raises
        ------
        ValueError
            The data are damaged.
        """
        elements = out.size // self.itemsize
        block = check_blocks(data, out.size, elements // 8 * 8 * self.itemsize, 8 * self.itemsize)
        tail = elements % 8 * self.itemsize
        found = self.function(
            data.ctypes.data + _HEADER.size, out.ctypes.data, elements, self.itemsize, block // self.itemsize
        )
        if found != data.size - _HEADER.size or found < tail:
            raise ValueError("bitshuffle does not decode it")


class _Lz4Decoder(BitshuffleDecoder):
    """Decodes bitshuffle with LZ4 in compiled code of ours, for the usual sizes of elements."""

    def __call__(self, data: Bytes, size: int) -> Bytes:
        """Decode into new memory; what another filter gave ends where its memory ends, so it is copied first."""
        from panosc_analysis.reduction.kernels import SLACK

        roomy = np.empty(data.size + SLACK, np.uint8)
        roomy[: data.size] = data
        return super().__call__(roomy[: data.size], size)

    def decode_into(self, data: Bytes, out: Bytes) -> None:
        """Decode into an array of the right size; `data` is followed by `SLACK` bytes that can be read.

        Raises
        ------
        ValueError
            The data are damaged.
        """
        from panosc_analysis.reduction.kernels.bitshuffle import block_count, decode_chunks, find_blocks

        elements = out.size // self.itemsize
        block = check_header(data, out.size, 8 * self.itemsize) // self.itemsize
        base, starts = np.uintp(data.ctypes.data), np.empty((1, block_count(elements, block) + 1), np.int64)
        places = np.zeros(1, np.int64), np.array([data.size], np.int64)
        values = out.view(f"u{self.itemsize}").reshape(1, elements)
        if (
            find_blocks(base, *places, block, self.itemsize, elements, starts) >= 0
            or decode_chunks(base, starts, block, values) >= 0
        ):
            raise ValueError("bitshuffle does not decode it")


def lz4_block(step: Filter, dtype: np.dtype[Any]) -> bool:
    """Whether a filter is bitshuffle with LZ4 on whole elements of a type, whose blocks can be decoded one by one."""
    data = step.client_data
    return step.id == BITSHUFFLE and len(data) > 4 and data[4] == 2 and data[2] == dtype.itemsize


def check_header(data: Bytes, size: int, unit: int) -> int:
    """Read the bytes per block from the beginning of a chunk; a block is never larger than the chunk needs.

    Raises
    ------
    ValueError
        It does not fit the chunk.
    """
    if data.size < _HEADER.size:
        raise ValueError("it is shorter than its header")
    told, block = _HEADER.unpack_from(data.data, 0)
    if told != size or block == 0 or block % unit or block > max(size, _LARGEST_BLOCK):
        raise ValueError(f"its header tells {told} bytes in blocks of {block} for a chunk of {size} bytes")
    return int(block)


def check_blocks(data: Bytes, size: int, in_blocks: int, unit: int) -> int:
    """Walk along the blocks of a chunk and return the bytes per block.

    The libraries believe the lengths that stand in the data; wrong ones would make them read beyond its end.

    Parameters
    ----------
    data
        The chunk as stored.
    size
        Its bytes when decoded.
    in_blocks
        How many of these come in blocks; the others follow as they are.
    unit
        What the block length is a multiple of.

    Raises
    ------
    ValueError
        A length that cannot be.
    """
    block = check_header(data, size, unit)
    view, position, last = data.data, _HEADER.size, data.size - (size - in_blocks)
    for _ in range(-(-in_blocks // block)):
        if position + 4 > last:
            raise ValueError("it ends before its last block")
        position += 4 + _LENGTH.unpack_from(view, position)[0]
    if position > last:
        raise ValueError("its last block is longer than it")
    return block


def bitshuffle_decoder(step: Filter) -> BitshuffleDecoder | None:
    """Find bitshuffle's own function for this compression; ``None`` where there is none."""
    names = {2: "bshuf_decompress_lz4", 3: "bshuf_decompress_zstd"}
    if len(step.client_data) < 5 or step.client_data[4] not in names or step.client_data[2] == 0:
        return None
    library = _library(BITSHUFFLE)
    function = getattr(library, names[step.client_data[4]], None) if library else None
    if function is None:
        return None
    function.restype = ctypes.c_int64
    function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_size_t]
    kind = _Lz4Decoder if step.client_data[4] == 2 and step.client_data[2] in (1, 2, 4, 8) else BitshuffleDecoder
    return kind(function, step.client_data[2])


class _FilterClass(ctypes.Structure):
    """HDF5's ``H5Z_class2_t``."""

    _fields_ = (
        ("version", ctypes.c_int),
        ("id", ctypes.c_int),
        ("encoder_present", ctypes.c_uint),
        ("decoder_present", ctypes.c_uint),
        ("name", ctypes.c_char_p),
        ("can_apply", ctypes.c_void_p),
        ("set_local", ctypes.c_void_p),
        ("filter", ctypes.c_void_p),
    )


_FilterFunction = ctypes.CFUNCTYPE(
    ctypes.c_size_t,
    ctypes.c_uint,
    ctypes.c_size_t,
    ctypes.POINTER(ctypes.c_uint),
    ctypes.c_size_t,
    ctypes.POINTER(ctypes.c_size_t),
    ctypes.POINTER(ctypes.c_void_p),
)


@cache
def _library(number: int) -> ctypes.CDLL | None:
    names = {code: name for name, code in hdf5plugin.FILTERS.items()}
    file = hdf5plugin.get_config().registered_filters.get(names.get(number, ""))
    return ctypes.CDLL(file) if file else None


@cache
def _plugin_function(number: int) -> Any:
    library = _library(number) if number in _CALLABLE else None
    if library is None:
        return None
    library.H5PLget_plugin_info.restype = ctypes.POINTER(_FilterClass)
    found = library.H5PLget_plugin_info().contents
    return _FilterFunction(found.filter) if found.id == number and found.filter else None
