"""SAVE: results as NeXus files that say where they came from."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from panosc_analysis.output.reading import read_record
    from panosc_analysis.output.saving import save

__all__ = ["read_record", "save"]

_HOMES = {"read_record": "reading", "save": "saving"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
