"""Scattering vector and angle at a pixel, where the file tells where its detector is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from panosc_analysis.errors import NothingToPlot
from panosc_analysis.nexus import ArrayHandle
from panosc_analysis.widgets.quantities import number

if TYPE_CHECKING:
    from panosc_analysis.widgets.content import Content

__all__ = ["Hover", "find_hover"]


@dataclass(frozen=True, slots=True)
class Hover:
    """pyFAI's integrator, asked for one pixel at a time."""

    integrator: Any

    def text(self, row: float, column: float) -> str:
        """Say q and 2θ at the centre of a pixel."""
        import numpy as np

        place = np.array([row]), np.array([column])  # pyFAI, too, takes whole numbers as centres
        two_theta = float(self.integrator.tth(*place)[0])
        said = f"2θ {number(math.degrees(two_theta))}\u202f°"
        if self.integrator.wavelength:
            q = float(self.integrator.qFunction(*place)[0])
            said = f"q {number(q)}\u202fnm⁻¹ · {said}"
        return said


def find_hover(content: Content) -> Hover:
    """Find the geometry of the detector that took an image. Loads pyFAI, which takes a second the first time.

    Raises
    ------
    NothingToPlot
        The data are not from a file.
    ReductionError
        The file does not tell, or pyFAI is not installed.
    """
    if content.kind != "image" or not isinstance(content.source, ArrayHandle):
        raise NothingToPlot("q is only known for images of a detector in a file", hint="Open the file itself")
    from panosc_analysis.reduction.geometry import find_geometry
    from panosc_analysis.reduction.stack import Stack

    handle = content.source
    integrator = find_geometry(Stack.of(handle)).integrator()
    return Hover(integrator)
