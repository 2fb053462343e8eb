"""What a group says about its plottable data: signal, errors, title, scale, mask.

Reads attributes and small text only, never the data.
"""

from __future__ import annotations

import json
import posixpath
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from panosc_analysis.nexus.attributes import (
    Node,
    child,
    child_names,
    children,
    is_dataset,
    is_group,
    is_numeric,
    nx_class,
    read_attribute,
    read_text,
    split_names,
    text,
)
from panosc_analysis.nexus.coordinates import is_coordinate, is_geometry
from panosc_analysis.nexus.guard import missing_sources

__all__ = [
    "Plottable",
    "Refusal",
    "auxiliary_names",
    "axis_scales",
    "default_slice",
    "error_name",
    "find_signal",
    "interpretation",
    "signal_scale",
    "title",
    "why_incomplete",
]

Scale: TypeAlias = Literal["linear", "log"]

_LIKELY_NAMES = ("data", "signal", "counts", "intensity", "I", "value", "image", "data_000001")
_NEVER_SIGNALS = ("errors", "pixel_mask", "mask", "flatfield", "Idev", "scaling_factor", "offset")
_COMPANIONS = ("_errors", "_error", "_set", "_end", "_weights", "_scaling_factor", "_offset")
_INTERPRETATIONS = ("scalar", "spectrum", "image", "rgb-image", "rgba-image", "hsla-image", "cmyk-image", "vertex")


@dataclass(frozen=True, slots=True, eq=False)
class Plottable:
    """A dataset that can be drawn and the group that explains it, while the file is open.

    Parameters
    ----------
    rule
        Which rule chose it.
    path
        What is plotted: the path of the NXdata group, or of the dataset.
    group
        The group whose attributes explain the signal; ``None`` for a lone dataset.
    group_path
        The group's path.
    signal, signal_name
        The dataset and its name below the group.
    likely_axes
        Names to try where the file names no axes.
    """

    rule: str
    path: str
    group: Node
    group_path: str
    signal: Node
    signal_name: str
    likely_axes: tuple[str, ...] = ()

    @property
    def signal_path(self) -> str:
        """Path of the signal inside the file."""
        return posixpath.join(self.group_path, self.signal_name)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a group cannot be plotted, and whether that is because something it names is missing."""

    reason: str
    source_missing: bool = False


def find_signal(group: Node, group_path: str) -> tuple[str, Node, str] | Refusal:
    """Return the name of the signal, the dataset and a remark; or why there is none.

    In this order: ``@signal`` of the group, a dataset with ``@signal=1``, a likely name among the numeric datasets that
    are no axes, errors or masks, the one of these with most dimensions.
    """
    if name := text(group, "signal"):
        node = child(group, name)
        if is_numeric(node):
            return why_incomplete(name, node) or (name, node, "")
    nodes = {n: node for n, node in children(group) if is_numeric(node)}
    marked = [n for n, node in nodes.items() if text(node, "signal") in ("1", n)]
    if marked:
        remark = f"@signal of {group_path} names {name!r}, which is not there" if name else ""
        return why_incomplete(marked[0], nodes[marked[0]]) or (marked[0], nodes[marked[0]], remark)
    if name:
        is_broken_link = child(group, name) is None and name in child_names(group)
        return Refusal(f"{group_path}: the signal {name!r} is {_why_not(group, name)}", source_missing=is_broken_link)
    return _guessed(group, group_path, {n: node for n, node in nodes.items() if not _is_companion(group, n, node)})


def _guessed(group: Node, group_path: str, remaining: dict[str, Node]) -> tuple[str, Node, str] | Refusal:
    """Choose among datasets of which none is named; single numbers beside groups are facts about what these hold."""
    if not remaining:
        return Refusal(f"{group_path}: it holds no numeric dataset that could be the signal")
    chosen = next((n for n in (*_LIKELY_NAMES, posixpath.basename(group_path)) if n in remaining), None)
    measured = {n: node for n, node in remaining.items() if not is_coordinate(n)} or remaining
    chosen = chosen or max(measured, key=lambda n: (len(measured[n].shape), measured[n].size))
    if remaining[chosen].size == 1 and any(is_group(node) for _, node in children(group)):
        return Refusal(f"{group_path}: it names no signal and holds single numbers only")
    if chosen == "data" and nx_class(group) == "NXdetector":
        remark = ""  # NeXus gives this name to what a detector measured
    else:
        remark = f"{group_path} names no signal; {chosen!r} was taken as the likeliest"
    return why_incomplete(chosen, remaining[chosen]) or (chosen, remaining[chosen], remark)


def why_incomplete(name: str, node: Node) -> Refusal | None:
    """Say which sources of a virtual dataset are missing; ``None`` if none is."""
    missing = missing_sources(node)
    if not missing:
        return None
    return Refusal(
        f"{name!r} is put together from other files, of which {len(missing)} are not there (first: {missing[0]})",
        source_missing=True,
    )


def _why_not(group: Node, name: str) -> str:
    node = child(group, name)
    if node is None:
        return "not there, or a link that leads nowhere"
    if is_group(node):
        return "a group"
    return "empty" if is_dataset(node) and (node.shape is None or 0 in node.shape) else "not numeric"


def _is_companion(group: Node, name: str, node: Node) -> bool:
    """Whether the dataset belongs to another one: an axis, errors, a mask."""
    if name in _NEVER_SIGNALS or name.endswith(_COMPANIONS) or text(node, "axis"):
        return True
    if nx_class(group) in ("NXdetector", "SASdetector") and is_geometry(name):
        return True
    named = {*split_names(read_attribute(group, "axes")), *split_names(read_attribute(group, "I_axes"))}
    return name in named or text(group, f"{name}_indices") != ""


def error_name(group: Node, signal: Node, signal_name: str) -> str | None:
    """Return the name of the signal's errors: ``NAME_errors``, ``@uncertainties``, ``errors``, canSAS ``Idev``."""
    named = (
        f"{signal_name}_errors",
        text(signal, "uncertainties"),
        text(signal, "errors"),
        text(group, f"{signal_name}_uncertainties"),
        "errors",
        f"{signal_name}_error",
    )
    for name in (*named, "Idev" if signal_name == "I" else ""):
        node: Node = child(group, name) if name and group is not None else None
        if is_numeric(node) and node.dtype.kind in "iuf" and tuple(node.shape) == tuple(signal.shape):
            return name
    return None


def interpretation(group: Node, signal: Node) -> str:
    """Return the interpretation that the signal, else its group, gives; empty if none or not a known one."""
    for owner in (signal, group):
        value = text(owner, "interpretation").lower().replace("scaler", "scalar") if owner is not None else ""
        if value in _INTERPRETATIONS:
            return value
    return ""


def title(group: Node, entry: Node) -> str:
    """Return the title of the data, else that of the entry."""
    for owner in (group, entry):
        if owner is not None and (found := read_text(owner, "title") or text(owner, "title")):
            return found
    return ""


def signal_scale(group: Node) -> Scale:
    """Return ``"log"`` if silx's style attribute asks for it, else ``"linear"``."""
    return "log" if _style(group).get("signal_scale_type") == "log" else "linear"


def axis_scales(group: Node) -> tuple[Scale, ...]:
    """Return the scales that silx's style attribute gives to the axes, in silx's or in h5web's spelling."""
    style = _style(group)
    given = style.get("axes_scale_types", style.get("axes_scale_type", ()))
    given = [given] if isinstance(given, str) else given if isinstance(given, list) else []
    return tuple("log" if scale == "log" else "linear" for scale in given)


def auxiliary_names(group: Node, signal: Node) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the signals to draw over the first one, and the named ones that cannot be.

    ``@auxiliary_signals``, formerly ``@signal=2`` and so on of the datasets themselves.
    """
    if group is None:
        return (), ()
    names = split_names(read_attribute(group, "auxiliary_signals"))
    if not names:
        ranks = {name: text(node, "signal") for name, node in children(group) if is_dataset(node)}
        numbered = {name: int(rank) for name, rank in ranks.items() if rank.isdigit() and int(rank) > 1}
        names = tuple(sorted(numbered, key=lambda name: numbered[name]))
    nodes = {name: child(group, name) for name in names}
    usable = tuple(n for n, node in nodes.items() if is_numeric(node) and tuple(node.shape) == tuple(signal.shape))
    return usable, tuple(name for name in nodes if name not in usable)


def default_slice(group: Node, signal: Node) -> tuple[int | None, ...]:
    """Return the index that ``@default_slice`` gives for each dimension of the signal, ``None`` for all of it."""
    free: tuple[int | None, ...] = (None,) * len(signal.shape)
    said = read_attribute(group, "default_slice") if group is not None else None
    given = said if isinstance(said, list) else [] if said is None else [said]
    if len(given) != len(free):
        return free
    numbers = [int(part) if str(part).strip().lstrip("-").isdigit() else None for part in given]
    return tuple(
        None if number is None or not -length <= number < length else number % length
        for number, length in zip(numbers, signal.shape, strict=True)
    )


def _style(group: Node) -> dict[str, Any]:
    style = text(group, "SILX_style") if group is not None else ""
    try:
        values: Any = json.loads(style) if style else {}
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}
