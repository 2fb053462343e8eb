"""What a step is: a name, declared parameters, and what it makes of the sums."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias

from panosc_analysis.errors import ReductionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from panosc_analysis.provenance import Value
    from panosc_analysis.reduction.kernel import Kernel
    from panosc_analysis.reduction.labels import Labels
    from panosc_analysis.reduction.moments import MomentsKernel
    from panosc_analysis.reduction.result import ResultArray
    from panosc_analysis.reduction.stack import Stack

__all__ = ["Parameter", "PreparedStep", "Region", "Step", "WholeFrames", "check_parameters"]

Region: TypeAlias = tuple[slice, ...]
"""A part of each frame: one slice per dimension."""


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
    least, most
        Ends of the range of numbers, both allowed; ``None`` for no end.
    """

    name: str
    type: type
    unit: str
    default: Value
    description: str
    choices: tuple[Value, ...] = ()
    least: float | None = None
    most: float | None = None

    def check(self, value: Any) -> None:
        """Check a value.

        Raises
        ------
        ReductionError
            It cannot have this value.
        """
        if value is None and self.default is None:
            return
        allowed: tuple[type, ...] = (int, float) if self.type is float else (self.type,)
        is_wrong = not isinstance(value, allowed) or (isinstance(value, bool) and self.type is not bool)
        if self.choices and not is_wrong and value not in self.choices:
            raise ReductionError(f"{self.name} is {value!r}", hint=f"Use one of {', '.join(map(str, self.choices))}")
        if is_wrong or not self._is_in_range(value):
            raise ReductionError(f"{self.name} is {value!r}", hint=f"Use {self._wanted()}")

    def read(self, text: str) -> Value:
        """Read a value that somebody has typed; ``none`` stands for nothing where that is allowed.

        Raises
        ------
        ReductionError
            It cannot be read as the parameter's type.
        """
        if self.default is None and text.strip().lower() in ("", "none"):
            return None
        words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        try:
            value = words[text.strip().lower()] if self.type is bool else self.type(text)
        except (ValueError, KeyError):
            raise ReductionError(f"{self.name} is {text!r}", hint=f"Use {self._wanted()}") from None
        self.check(value)
        return value

    def _is_in_range(self, value: Any) -> bool:
        if self.type not in (int, float):
            return True
        low = -float("inf") if self.least is None else self.least
        return bool(low <= value <= (float("inf") if self.most is None else self.most))  # False for NaN

    def _wanted(self) -> str:
        kind = {int: "a whole number", float: "a number", str: "text", bool: "True or False"}[self.type]
        ends = [f"from {self.least:.12g}"] if self.least is not None else []
        ends += [f"up to {self.most:.12g}"] if self.most is not None else []
        return " ".join([kind, *ends]) + (", or None" if self.default is None else "")


def check_parameters(step: Step) -> None:
    """Check all parameters of a step against what it declares.

    Raises
    ------
    ReductionError
        A value that one of them cannot have.
    """
    for parameter in step.parameters:
        parameter.check(getattr(step, parameter.name))


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

    software: ClassVar[tuple[str, ...]]
    """Packages that do its work, for the record; those that every reduction uses are not among them."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the result should know."""

    def within(self) -> tuple[Region, PreparedStep] | None:
        """Tell the part of the frames that is enough, and the step for stacks cut to it; ``None`` for whole frames."""

    def kernel(self, shared: MomentsKernel) -> Kernel:
        """Say what to compute of the frames.

        Parameters
        ----------
        shared
            The sums over the frames that all steps share, with the pixels to leave out. A step that needs such sums
            gives it back with more of them turned on; another one gives a kernel of its own.
        """

    def recorded(self) -> Mapping[str, Value]:
        """Tell the parameters it runs with, so that it can be run again."""

    def arrays(self, found: Any, labels: Labels) -> list[ResultArray]:
        """Make the results of what its kernel found in all frames."""


class WholeFrames:
    """What most prepared steps answer: no other software, nothing to note, and no part of the frames is enough."""

    __slots__ = ()

    software: ClassVar[tuple[str, ...]] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """Note nothing."""
        return ()

    def within(self) -> tuple[Region, PreparedStep] | None:
        """Need whole frames."""
        return None
