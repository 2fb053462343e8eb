"""Find, open, show and reduce the data of photon and neutron facilities.

In a notebook::

    import panosc_analysis as pan

    hits = pan.search(technique="powder diffraction")
    ds = pan.open(hits[0])
    ds.show()
    result = ds.reduce()
    result.save("profile.nxs")

The functions are those of `panosc_analysis.workbench`; the rooms behind them are packages of their own, for example
``from panosc_analysis.search import SearchClient``. Importing this package loads none of h5py, NumPy, Dask or
ipywidgets.
"""

from __future__ import annotations

# The room `search` and the function `search` share a name. Python binds a sub-package to its parent when it is first
# imported, so the room must be loaded (it is a list of names, nothing more) before the function takes the name.
import panosc_analysis.search  # noqa: F401
from panosc_analysis.nexus.computing import Computing, provide
from panosc_analysis.workbench import browse, cluster, form, open, search, show

__all__ = ["browse", "cluster", "form", "open", "search", "show"]
__version__ = "0.1.0"


def _handles() -> Computing:
    from panosc_analysis.reduction import handles

    return handles


# The room that opens files is below the one that reduces; here, above both, the one is told of the other.
provide(_handles)
