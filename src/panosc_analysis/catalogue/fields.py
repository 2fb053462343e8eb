"""Reading single fields of NeXus files as they really are.

Values come as bytes or strings, as scalars or arrays of one, in UTF-8 or Latin-1, empty, not a number, or as the braces
of a template that nobody filled in. All of that is read here into a plain value or ``None``; what is stored in a
file is never changed.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.model import reading as json_reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["Part", "attribute", "child", "date", "flag", "quantity", "text", "texts", "units"]

LARGEST_FIELD = 1_000_000  # elements of a field that is read for its mean; detector data are never read
_LONGEST_TEXT = 4000
_FEW = 10_000
_OWN_NAMES = {
    "SASroot": "NXroot",
    "SASentry": "NXentry",
    "SASdata": "NXdata",
    "SASinstrument": "NXinstrument",
    "SASsample": "NXsample",
    "SASsource": "NXsource",
    "SASdetector": "NXdetector",
}
_DATE_FORMATS = ("%d-%b-%Y %H:%M:%S", "%a %b %d %H:%M:%S %Y", "%d/%m/%Y %H:%M:%S", "%Y/%m/%d %H:%M:%S")


class Part:
    """A group with its NeXus class; the groups in it are listed once, when they are first asked for.

    Parameters
    ----------
    node
        The open group.
    name
        Its name in its parent.
    """

    def __init__(self, node: Any, name: str = "") -> None:
        self.node = node
        self.name = name

    @cached_property
    def nx_class(self) -> str:
        """The NeXus class, canSAS names translated; ``""`` for none."""
        found = attribute(self.node, "NX_class") or attribute(self.node, "canSAS_class") or ""
        return _OWN_NAMES.get(found, found)

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The groups in this one that are stored in the same file."""
        nodes = ((name, child(self.node, name)) for name in self.node)
        return tuple(Part(node, name) for name, node in nodes if hasattr(node, "keys"))

    def of(self, *classes: str) -> Iterator[Part]:
        """List the groups of the given classes, in the order of the file."""
        return (part for part in self.parts if part.nx_class in classes)


def attribute(node: Any, name: str) -> str | None:
    """Read an attribute as text; of several the first."""
    return _first_text(node.attrs.get(name))


def child(group: Any, name: str) -> Any | None:
    """Find one member of a group; ``None`` if it is missing, broken or in another file."""
    try:
        link = group.get(name, getlink=True)
        if link is None or type(link).__name__ == "ExternalLink":
            return None
        node = group.get(name)
    except (KeyError, OSError, RuntimeError, ValueError):
        return None
    # A soft link may lead through an external one.
    return node if node is None or node.file.filename == group.file.filename else None


def text(group: Any, *names: str) -> str | None:
    """Read the first of the named fields that holds a text, whitespace made single spaces."""
    for name in names:
        found = texts(group, name)
        if found:
            return found[0]
    return None


def texts(group: Any, name: str) -> tuple[str, ...]:
    """Read all texts of one field; numbers become their digits."""
    values = _values(child(group, name), largest=1000)
    found = (_one_text(value) for value in ([] if values is None else values.ravel().tolist()))
    return tuple(one for one in found if one)


def flag(group: Any, name: str) -> bool | None:
    """Read a boolean field; numbers 0 and 1 and the words count."""
    found = text(group, name)
    return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get((found or "").lower())


def date(value: str | None) -> datetime | None:
    """Read what acquisition programs write as a time, in UTC; a time without a zone is taken as UTC."""
    found = json_reading.date(value)
    for form in _DATE_FORMATS if found is None and value else ():
        try:
            found = datetime.strptime(value or "", form).replace(tzinfo=UTC)
        except ValueError:
            continue
        break
    return found


def quantity(node: Any) -> tuple[NDArray[np.float64], str] | None:
    """Read finite values and the unit of a field, or of the average or values of a log or sensor.

    Returns a flat array; ``None`` where there are no numbers. Reads at most a million elements.
    """
    if node is None:
        return None
    if hasattr(node, "keys"):
        for name in ("average_value", "value", "data"):
            found = quantity(child(node, name))
            if found is not None:
                return found
        return None
    values = _values(node, largest=LARGEST_FIELD)
    if values is None:
        return None
    if values.dtype == np.float32 and values.size <= _FEW:
        values = values.astype(str)  # 8.3 in single precision means 8.3 and not 8.30000019
    try:
        numbers = np.asarray(values, dtype=np.float64).ravel()
    except (TypeError, ValueError):
        return None
    numbers = numbers[np.isfinite(numbers)]
    return (numbers, units(node)) if numbers.size else None


def units(node: Any) -> str:
    """Read the unit as the file writes it; ``""`` for none."""
    return attribute(node, "units") or ""


def _values(node: Any, largest: int) -> NDArray[Any] | None:
    if node is None or not hasattr(node, "shape") or node.shape is None:
        return None
    if not 0 < int(np.prod(node.shape, dtype=np.int64)) <= largest:
        return None
    if node.is_virtual or node.external:  # its bytes lie in other files, perhaps in ones that are nobody's to publish
        return None
    return np.asarray(node[()])


def _first_text(value: object) -> str | None:
    if value is None or type(value).__name__ == "Empty":
        return None
    for one in np.asarray(value).ravel()[:1].tolist():
        return _one_text(one)
    return None


def _one_text(value: object) -> str | None:
    if isinstance(value, bytes):
        value = _decoded(value)
    if not isinstance(value, str | int | float) or value != value:
        return None
    found = " ".join(str(value).replace("\0", " ").split())[:_LONGEST_TEXT]
    found = found.encode("utf-8", "replace").decode("utf-8")  # HDF5 may hand out lone surrogates
    return None if not found or (found[0] == "{" and found[-1] == "}") else found


def _decoded(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
