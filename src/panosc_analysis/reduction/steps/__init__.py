"""The steps by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from panosc_analysis.errors import ReductionError
from panosc_analysis.reduction.steps.azimuthal import Azimuthal, Cake, Radial
from panosc_analysis.reduction.steps.difference import Difference
from panosc_analysis.reduction.steps.events import Events, counts_events
from panosc_analysis.reduction.steps.fluorescence import Fluorescence
from panosc_analysis.reduction.steps.line import Line
from panosc_analysis.reduction.steps.project import Project
from panosc_analysis.reduction.steps.rebin import Rebin
from panosc_analysis.reduction.steps.roi import Roi
from panosc_analysis.reduction.steps.sparse import Peaks, Sparse
from panosc_analysis.reduction.steps.statistics import Statistics
from panosc_analysis.reduction.steps.step import Parameter, PreparedStep, Step
from panosc_analysis.reduction.steps.tomography import Tomography

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from panosc_analysis.provenance import Value

__all__ = [
    "STEPS",
    "Azimuthal",
    "Cake",
    "Difference",
    "Events",
    "Fluorescence",
    "Line",
    "Parameter",
    "Peaks",
    "PreparedStep",
    "Project",
    "Radial",
    "Rebin",
    "Roi",
    "Sparse",
    "Statistics",
    "Step",
    "Tomography",
    "counts_events",
    "make_steps",
    "read_parameters",
]

_KINDS: tuple[type[Step], ...] = (
    Statistics,
    Azimuthal,
    Radial,
    Cake,
    Roi,
    Line,
    Project,
    Difference,
    Rebin,
    Sparse,
    Peaks,
    Fluorescence,
    Events,
    Tomography,
)
STEPS: dict[str, type[Step]] = {step.name: step for step in _KINDS}
"""Every step by its name."""


def make_steps(steps: Sequence[Step | str], parameters: Mapping[str, Any]) -> tuple[Step, ...]:
    """Turn names into steps and set parameters; each goes to the steps that declare it.

    Steps that are given made keep what `parameters` does not name.

    Raises
    ------
    ReductionError
        No such step, no such parameter, or a value that it cannot have.
    """
    made = []
    used: set[str] = set()
    for step in steps:
        kind = _kind(step) if isinstance(step, str) else type(step)
        names = {p.name for p in kind.parameters}
        values = {} if isinstance(step, str) else {p.name: getattr(step, p.name) for p in kind.parameters}
        given = {name: value for name, value in parameters.items() if name in names}
        used |= given.keys()
        made.append(kind(**(values | given)))
    unknown = [name for name in parameters if name not in used]
    if unknown:
        known = sorted({p.name for step in made for p in step.parameters})
        raise ReductionError(
            f"None of the steps {', '.join(step.name for step in made)} has a parameter {unknown[0]!r}",
            hint=f"Use one of {', '.join(known)}" if known else "Leave it out, or name a step that has it",
        )
    return tuple(made)


def read_parameters(texts: Mapping[str, str], steps: Sequence[str] = ()) -> dict[str, Value]:
    """Read parameters that somebody has typed, as the types that the steps declare.

    Parameters
    ----------
    texts
        What was typed, by name.
    steps
        Names of the steps they are for; all steps without.

    Raises
    ------
    ReductionError
        No such step or parameter, or a value that it cannot have.
    """
    declared = {p.name: p for name in reversed(steps or tuple(STEPS)) for p in _kind(name).parameters}
    unknown = [name for name in texts if name not in declared]
    if unknown:
        raise ReductionError(
            f"None of the steps {', '.join(steps or STEPS)} has a parameter {unknown[0]!r}",
            hint=f"Use one of {', '.join(sorted(declared))}"
            if declared
            else "Leave it out, or name a step that has it",
        )
    return {name: declared[name].read(text) for name, text in texts.items()}


def _kind(name: str) -> type[Step]:
    if name not in STEPS:
        raise ReductionError(f"There is no step {name!r}", hint=f"Use one of {', '.join(STEPS)}")
    return STEPS[name]
