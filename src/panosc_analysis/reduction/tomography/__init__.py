"""Tomography: what a scan is made of, attenuation from counts, and reconstruction by algotom."""

from __future__ import annotations

__all__: list[str] = []
