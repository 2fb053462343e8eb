"""What was done, to what, with which software: enough to do it again."""

from __future__ import annotations

from panosc_analysis.provenance.record import FileState, Record, Software, Source, StepRecord, Value, installed

__all__ = ["FileState", "Record", "Software", "Source", "StepRecord", "Value", "installed"]
