"""A form for the parameters of a step, made from what the step declares; it runs the reduction and gives its code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import anywidget
import ipywidgets
import traitlets as t

from panosc_analysis.errors import ReductionError
from panosc_analysis.reduction import make_steps
from panosc_analysis.widgets import assets
from panosc_analysis.widgets.running import RunningReduction

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from panosc_analysis.reduction import Parameter, Step

__all__ = ["ReductionForm", "StepForm"]

Result = TypeVar("Result")
Message = dict[str, Any]


class StepForm(anywidget.AnyWidget):  # type: ignore[misc]  # its base class has no types
    """The fields of one step: label, unit, default, and what is wrong with a value beside it.

    Every field is checked by the step's own declaration when it is left. What the fields say together is `values`.

    Parameters
    ----------
    step
        Name of the step.
    start
        Called with the values when somebody presses the button.
    write
        Gives the lines of code that do the same, for values and whether the file is followed.
    values
        What is filled in at first, besides the defaults.

    Raises
    ------
    ReductionError
        No such step, or a value that it cannot have.
    """

    _esm = assets.module("controls.js", "form.js")
    _css = assets.style()

    title = t.Unicode().tag(sync=True)
    fields = t.List(t.Dict()).tag(sync=True)
    texts = t.Dict().tag(sync=True)
    errors = t.Dict().tag(sync=True)
    problem = t.Unicode("").tag(sync=True)
    code = t.Unicode("").tag(sync=True)
    follow = t.Bool(default_value=False).tag(sync=True)
    running = t.Bool(default_value=False).tag(sync=True)

    def __init__(
        self,
        step: str,
        start: Callable[[StepForm], None],
        write: Callable[[Mapping[str, Any], bool], str],
        values: Mapping[str, Any] | None = None,
    ) -> None:
        given = values or {}
        (made,) = make_steps((step,), given)
        self.step: type[Step] = type(made)
        self._start, self._write = start, write
        self._declared = {parameter.name: parameter for parameter in self.step.parameters}
        self._values = {name: getattr(made, name) for name in self._declared}
        texts = {name: _text(value) for name, value in self._values.items()}
        super().__init__(title=self.step.title, fields=[_field(p) for p in self.step.parameters], texts=texts)
        self._renew()
        self.on_msg(self._on_message)
        self.observe(self._renew, "follow")

    @property
    def values(self) -> dict[str, Any]:
        """What differs from the defaults."""
        return {name: value for name, value in self._values.items() if value != self._declared[name].default}

    @property
    def is_right(self) -> bool:
        """Whether nothing is wrong."""
        return not self.errors and not self.problem

    def fill(self, name: str, text: str) -> None:
        """Fill in a field as somebody who types; what is wrong is said beside it."""
        parameter = self._declared[name]
        errors = {other: message for other, message in self.errors.items() if other != name}
        self.texts = self.texts | {name: text}
        try:
            self._values[name] = parameter.read(text)
        except ReductionError as error:
            errors[name] = f"{error.hint}."
        self.errors = errors
        self._renew()

    def run(self) -> None:
        """Begin, if nothing is wrong and nothing runs."""
        if self.is_right and not self.running:
            self.running = True
            self._start(self)

    def _renew(self, _change: Any = None) -> None:
        """Look whether the values go together, and write the code."""
        self.problem = ""
        if not self.errors:
            try:
                make_steps((self.step.name,), self._values)
            except ReductionError as error:
                self.problem = str(error)
        self.code = self._write(self.values, self.follow) if self.is_right else ""

    def _on_message(self, _widget: Any, message: Message, _buffers: Any) -> None:
        if message.get("kind") == "fill" and message.get("name") in self._declared:
            self.fill(message["name"], str(message.get("text", "")))
        elif message.get("kind") == "run":
            self.run()

    def __repr__(self) -> str:
        return f"<StepForm {self.title}: {', '.join(f'{n}={v!r}' for n, v in self.values.items()) or 'defaults'}>"


class Begin(Protocol):
    """Begins a reduction beside the notebook."""

    def __call__(self, values: Mapping[str, Any], *, follow: bool) -> RunningReduction[Any]:
        """Begin."""


class ReductionForm(ipywidgets.VBox, Generic[Result]):  # type: ignore[misc]  # its base class has no types
    """A form, and below it the reduction that it has begun: progress, a button that stops it, the result.

    Parameters
    ----------
    step, write, values
        As `StepForm`.
    begin
        Begins the reduction.
    """

    def __init__(
        self,
        step: str,
        begin: Begin,
        write: Callable[[Mapping[str, Any], bool], str],
        values: Mapping[str, Any] | None = None,
    ) -> None:
        self._begin = begin
        self.form = StepForm(step, self._run, write, values)
        self.running: RunningReduction[Result] | None = None
        super().__init__([self.form])

    @property
    def result(self) -> Result | None:
        """The latest result; ``None`` before there is one."""
        return None if self.running is None else self.running.latest

    @property
    def code(self) -> str:
        """The lines that do the same without a form."""
        return str(self.form.code)

    def _run(self, form: StepForm) -> None:
        self.running = self._begin(form.values, follow=form.follow)
        self.running.progress.observe(self._ended, "state")
        self.children = (form, self.running)
        if not self.running.is_running:
            form.running = False

    def _ended(self, change: Any) -> None:
        if change["new"] in ("done", "stopped"):
            self.form.running = False


def _field(parameter: Parameter) -> dict[str, Any]:
    """Say what the browser needs: the sentence of a parameter is its label, what follows a semicolon its hint."""
    label, _, hint = parameter.description.partition("; ")
    unit = "" if parameter.unit and f"in {parameter.unit}" in label else parameter.unit
    return {
        "name": parameter.name,
        "label": label,
        "hint": hint,
        "unit": unit,
        "kind": "choice" if parameter.choices else parameter.type.__name__,
        "choices": [str(choice) for choice in parameter.choices],
        "default": _text(parameter.default),
    }


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and float(f"{value:g}") == value:
        return f"{value:g}"
    return str(value).lower() if isinstance(value, bool) else str(value)
