"""VIEW: pictures and progress, in the notebook and as files.

Importing the room imports nothing heavy; ipywidgets, Matplotlib and NumPy are loaded with the first name that needs
them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from panosc_analysis.widgets.browsing import FileBrowser, browse
    from panosc_analysis.widgets.cluster import ClusterWidget
    from panosc_analysis.widgets.export import figure, save_png
    from panosc_analysis.widgets.file_tree import FileTree
    from panosc_analysis.widgets.form import ReductionForm, StepForm
    from panosc_analysis.widgets.progress import ReductionProgress
    from panosc_analysis.widgets.regions import Region
    from panosc_analysis.widgets.reporting import reduction_progress
    from panosc_analysis.widgets.running import RunningReduction
    from panosc_analysis.widgets.showing import show
    from panosc_analysis.widgets.terminal import counting_progress, text_progress
    from panosc_analysis.widgets.viewer import Viewer

__all__ = [
    "ClusterWidget",
    "FileBrowser",
    "FileTree",
    "ReductionForm",
    "ReductionProgress",
    "Region",
    "RunningReduction",
    "StepForm",
    "Viewer",
    "browse",
    "counting_progress",
    "figure",
    "reduction_progress",
    "save_png",
    "show",
    "text_progress",
]

_HOMES = {
    "ClusterWidget": "cluster",
    "FileBrowser": "browsing",
    "FileTree": "file_tree",
    "ReductionForm": "form",
    "ReductionProgress": "progress",
    "Region": "regions",
    "RunningReduction": "running",
    "StepForm": "form",
    "Viewer": "viewer",
    "browse": "browsing",
    "counting_progress": "terminal",
    "figure": "export",
    "reduction_progress": "reporting",
    "save_png": "export",
    "show": "showing",
    "text_progress": "terminal",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
