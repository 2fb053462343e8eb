"""Compiled inner loops: decode a block of pixels and reduce it while it is in the cache.

Importing the room loads nothing; each of its modules loads numba (0.3 s) and compiles what it holds when it is first
called, once per user and kind of processor (``NUMBA_CACHE_DIR``). The loops are written for vectors of 64 pixels; LLVM
turns these into whatever the processor has, from SSE2 or NEON on.

What a kernel is given
----------------------
Addresses are `numpy.uintp`. Every buffer that is decoded *from* must have `SLACK` readable bytes behind its end, every
buffer that is decoded *into* `SLACK` writable ones: whole vectors are copied. No length that stands in the data is
believed; a kernel answers with the position of what does not decode and touches nothing outside these buffers.
"""

from __future__ import annotations

__all__ = ["SLACK"]

SLACK = 64
"""Bytes behind the end of each buffer that a kernel may read or overwrite."""
