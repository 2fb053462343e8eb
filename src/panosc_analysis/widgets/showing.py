"""`show`: one call for whatever there is to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from panosc_analysis.widgets.sources import content_of

if TYPE_CHECKING:
    from panosc_analysis.widgets.viewer import Viewer

__all__ = ["show"]


def show(x: Any, *, path: str | None = None, name: str | None = None, overlay: Any = (), **options: Any) -> Viewer:
    """Show a file, an array or a result in the notebook.

    Reads metadata only; frames are read as they are looked at, one at a time. What cannot be read then is said in the
    widget.

    Parameters
    ----------
    x
        A path to a file (``~`` is the home directory), a file, group or dataset of h5py, a `Plot`, an `ArrayHandle`, an
        array of NumPy, Dask or xarray, a `ResultArray` or a `ReductionResult` (its default array).
    path
        Group or array inside the file.
    name
        Array of the result.
    overlay
        Curves to draw over it: a list of what `x` may be, of paths inside the same file, or a mapping of names to them.
    **options
        ``frame=``, ``colormap=``, ``scale=`` ("linear", "log", "sqrt", "arcsinh", "gamma"), ``limits=`` ("auto",
        "minmax", "stddev3" or a pair of values), ``order=``, ``roi=``, ``title=`` …: see `Viewer`.

    Returns
    -------
    :
        The widget. Its traits can be read and set: ``viewer.frame = 12``.

    Raises
    ------
    OpenError, NodeNotFound
        The file cannot be read.
    NothingToPlot
        It holds nothing that can be drawn.
    ValueError
        An option that does not exist or has no such value.
    """
    from panosc_analysis.widgets.viewer import Viewer  # ipywidgets takes 0.2 s

    return Viewer(content_of(x, path=path, name=name, overlay=overlay), **options)
