"""Neutron events (NXevent_data): exact histograms, read straight from the compressed file."""

from __future__ import annotations

from panosc_analysis.reduction.events.accumulating import EventAccumulator, reduce_events

__all__ = ["EventAccumulator", "reduce_events"]
