"""What a step is: a name, declared parameters, and what it makes of the sums."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from panosc_analysis.provenance import Value
    from panosc_analysis.reduction.labels import Labels
    from panosc_analysis.reduction.moments import Moments, MomentsKernel
    from panosc_analysis.reduction.result import ResultArray
    from panosc_analysis.reduction.stack import Stack

__all__ = ["Parameter", "PreparedStep", "Step"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A declared parameter of a step; forms and command lines are derived from it.

    Parameters
    ----------
    name
        Also the name of the step's attribute.
    type
        Of its values, besides ``None`` where that is the default.
    unit
        Of its values; empty for pure numbers and text.
    default
        What it is if nothing is said.
    description
        One sentence for a person who fills in a form, without a full stop.
    choices
        All values it may have; empty for any of its type.
    """

    name: str
    type: type
    unit: str
    default: Value
    description: str
    choices: tuple[Value, ...] = ()


class Step(Protocol):
    """Something that can be made of a stack. Small, frozen and picklable."""

    name: ClassVar[str]
    title: ClassVar[str]
    parameters: ClassVar[tuple[Parameter, ...]]

    def prepare(self, stack: Stack) -> PreparedStep:
        """Find what the step needs besides the frames; reads metadata only.

        Raises
        ------
        ReductionError
            The step cannot be run on this stack.
        """


class PreparedStep(Protocol):
    """A step that can be run on one stack."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the result should know."""

    def kernel(self, kernel: MomentsKernel) -> MomentsKernel:
        """Say which sums are needed, by turning on what `kernel` does not keep yet."""

    def recorded(self) -> Mapping[str, Value]:
        """Tell the parameters it runs with, so that it can be run again."""

    def arrays(self, moments: Moments, labels: Labels) -> list[ResultArray]:
        """Make the results of the sums over all frames."""
