"""Messages on the page's socket: a JSON object and any number of binary parts in one binary frame.

A count of parts, their lengths (both little-endian, 32 bits), then the parts; the first is the JSON in UTF-8. The
browser's side is ``extensions/viewer/src/page/wire.ts``.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from typing import Any

__all__ = ["pack", "unpack"]


def pack(note: dict[str, Any], buffers: Sequence[Any] = ()) -> bytes:
    """Return one frame.

    Raises
    ------
    ValueError
        NaN or infinity in the JSON; numbers of that kind belong into a buffer.
    """
    parts: list[Any] = [json.dumps(note, allow_nan=False).encode(), *(memoryview(one).cast("B") for one in buffers)]
    return b"".join([struct.pack(f"<{1 + len(parts)}I", len(parts), *(len(part) for part in parts)), *parts])


def unpack(frame: bytes) -> tuple[dict[str, Any], list[memoryview]]:
    """Return the JSON object and the binary parts of a frame.

    Raises
    ------
    ValueError
        Not such a frame.
    """
    try:
        (count,) = struct.unpack_from("<I", frame)
        lengths = struct.unpack_from(f"<{count}I", frame, 4)
    except struct.error:
        raise ValueError("a frame that ends early") from None
    at = 4 * (1 + count)
    if count == 0 or at + sum(lengths) != len(frame):
        raise ValueError("a frame whose parts do not fill it")
    parts = []
    for length in lengths:
        parts.append(memoryview(frame)[at : at + length])
        at += length
    note = json.loads(bytes(parts[0]))
    if not isinstance(note, dict):
        raise ValueError("a frame without an object")
    return note, parts[1:]
