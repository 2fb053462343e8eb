"""Integration over bins of pixels: pyFAI's geometry and sparse matrices, own kernels for what is done in each frame."""

from __future__ import annotations

__all__: list[str] = []
