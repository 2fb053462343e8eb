"""REDUCE: stored chunks decoded in parallel, summed while they are in the cache, spread over workers by Dask.

Importing the room loads nothing heavy; NumPy, h5py, Dask and pyFAI come with the first name that needs them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from panosc_analysis.reduction.clusters import Cluster, local_cluster, start_cluster
    from panosc_analysis.reduction.events import EventAccumulator, reduce_events
    from panosc_analysis.reduction.following import follow
    from panosc_analysis.reduction.geometry import Geometry, find_geometry
    from panosc_analysis.reduction.growing import StackAccumulator
    from panosc_analysis.reduction.progress import CancelToken, Progress
    from panosc_analysis.reduction.reducing import default_steps, reduce
    from panosc_analysis.reduction.result import ReductionResult, ResultArray, ResultAxis
    from panosc_analysis.reduction.stack import Stack
    from panosc_analysis.reduction.steps import (
        STEPS,
        Azimuthal,
        Cake,
        Difference,
        Events,
        Fluorescence,
        Line,
        Parameter,
        Peaks,
        Project,
        Radial,
        Rebin,
        Roi,
        Sparse,
        Statistics,
        Step,
        Tomography,
        counts_events,
        make_steps,
        read_parameters,
    )

__all__ = [
    "STEPS",
    "Azimuthal",
    "Cake",
    "CancelToken",
    "Cluster",
    "Difference",
    "EventAccumulator",
    "Events",
    "Fluorescence",
    "Geometry",
    "Line",
    "Parameter",
    "Peaks",
    "Progress",
    "Project",
    "Radial",
    "Rebin",
    "ReductionResult",
    "ResultArray",
    "ResultAxis",
    "Roi",
    "Sparse",
    "Stack",
    "StackAccumulator",
    "Statistics",
    "Step",
    "Tomography",
    "counts_events",
    "default_steps",
    "find_geometry",
    "follow",
    "local_cluster",
    "make_steps",
    "read_parameters",
    "reduce",
    "reduce_events",
    "start_cluster",
]

_HOMES = {
    "CancelToken": "progress",
    "EventAccumulator": "events",
    "Cluster": "clusters",
    "Geometry": "geometry",
    "Progress": "progress",
    "ReductionResult": "result",
    "ResultArray": "result",
    "ResultAxis": "result",
    "Stack": "stack",
    "StackAccumulator": "growing",
    "default_steps": "reducing",
    "find_geometry": "geometry",
    "follow": "following",
    "local_cluster": "clusters",
    "reduce": "reducing",
    "reduce_events": "events",
    "start_cluster": "clusters",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'steps')}"), name)


def __dir__() -> list[str]:
    return __all__
