"""Dialects: what each implementation of the search API evaluates correctly, and what a filter becomes for it.

`dialect_named` gives one by its name in the settings. None of this asks a server; `panosc_analysis.search.detection`
does.
"""

from __future__ import annotations

from panosc_analysis.search.dialects.dialect import Dialect
from panosc_analysis.search.dialects.known import COMMON, DIALECTS, dialect_named

__all__ = ["COMMON", "DIALECTS", "Dialect", "dialect_named"]
