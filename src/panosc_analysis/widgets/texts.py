"""What is shown as text: strings, single numbers, records, and elements that nothing can be drawn of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.widgets.content import Content, read_array
from panosc_analysis.widgets.quantities import number, quantity

if TYPE_CHECKING:
    from panosc_analysis.widgets.content import Readable

__all__ = ["described", "text_content"]

_MOST_WORDS = 100  # elements that are written out


def described(said: dict[str, Any]) -> dict[str, Any]:
    """Return what of a content's facts has a meaning without axes and colours."""
    return {name: said[name] for name in ("title", "label", "units", "reopen", "file", "code") if said.get(name)}


def text_content(source: Readable, **said: Any) -> Content:
    """Write out the first hundred elements of an array of whatever type; reads all of it."""
    values = read_array(source, (Ellipsis,))
    flat = values.reshape(-1)[:_MOST_WORDS]
    lines = [_words(value, flat.dtype, said.get("units", "")) for value in flat]
    if values.size > _MOST_WORDS:
        lines.append(f"… {number(values.size - _MOST_WORDS)} more")
    return Content("text", text="\n".join(lines), **described(said))


def _words(value: Any, dtype: Any, units: str) -> str:
    """Write one element of whatever type: text, a number, a record, a list, a reference, bytes."""
    if dtype.names:
        return "\n".join(f"{name}: {_words(value[name], dtype[name], '')}" for name in dtype.names)
    if isinstance(value, bytes) and dtype.kind != "V":
        return value.decode("utf-8", "replace")
    if isinstance(value, str):
        return str(value)
    if isinstance(value, np.ndarray):
        shown = ", ".join(str(one) for one in value.reshape(-1)[:_MOST_WORDS].tolist())
        return f"[{shown}{', …' if value.size > _MOST_WORDS else ''}]"
    if isinstance(value, np.number | np.bool_ | int | float | complex):
        return quantity(value, units)
    return value.tobytes().hex(" ") if dtype.kind == "V" and isinstance(value, np.void) else str(value)
