"""Techniques by name: the PaNET ontology as a table that ships with the package.

PaNET 1.3.0 by ExPaNDS, licence CC-BY-4.0; `panosc_analysis.search.panet_table` makes the table.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from panosc_analysis.errors import FilterError
from panosc_analysis.model import Technique

__all__ = ["PURL", "code_of", "descendants", "names", "resolve"]

PURL = "http://purl.org/pan-science/PaNET/"
_CODE = re.compile(r"(?:PaNET:|https?://purl\.org/pan-science/PaNET/)?(PaNET\d{5})", re.IGNORECASE)
_GAPS = re.compile(r"[\s_\-\u2010-\u2015]+")


def resolve(name: str) -> Technique:
    """Find a technique by label, synonym, code or PaNET address, without regard to case and hyphens.

    Looks up a table; the first call reads it (25 kB).

    Raises
    ------
    FilterError
        No such technique; the hint names the nearest ones.
    """
    code = code_of(name) or _table().codes.get(_key(name))
    if code is None:
        known = _table().codes
        near = difflib.get_close_matches(_key(name), known, n=3, cutoff=0.6)
        hint = f"Try {', '.join(_technique(known[one]).name for one in near)}" if near else "Try a PaNET name or code"
        raise FilterError(f"There is no technique {name[:60]!r} in PaNET", hint=hint, technique=name)
    return _technique(code)


def descendants(code: str) -> tuple[Technique, ...]:
    """Give a technique and all its kinds, itself first; empty for an unknown code."""
    known = code_of(code)
    if known is None:
        return ()
    found, todo = {known}, [known]
    while todo:
        new = _table().children.get(todo.pop(), set()) - found
        found |= new
        todo.extend(new)
    return tuple(_technique(one) for one in (known, *sorted(found - {known})))


def names(code: str) -> tuple[str, ...]:
    """Give the label and the synonyms of a technique; empty for an unknown code."""
    known = code_of(code)
    return _table().names[known] if known else ()


def code_of(pid: str) -> str | None:
    """Find the code in a code, a ``PaNET:`` name or an address; ``None`` for anything else and for unknown codes."""
    found = _CODE.fullmatch(pid.strip())
    code = f"PaNET{found.group(1)[5:]}" if found else None
    return code if code in _table().names else None


@dataclass(frozen=True, slots=True)
class _Table:
    names: dict[str, tuple[str, ...]]  # code -> label, synonyms
    codes: dict[str, str]  # any name -> code
    children: dict[str, set[str]]


@lru_cache(maxsize=1)
def _table() -> _Table:
    text = files("panosc_analysis.search").joinpath("panet.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines() if line.startswith("PaNET")]
    children: dict[str, set[str]] = {}
    for code, _, _, parents in rows:
        for parent in parents.split():
            children.setdefault(parent, set()).add(code)
    codes = {_key(synonym): code for code, _, synonyms, _ in rows for synonym in synonyms.split("|") if synonym}
    codes |= {_key(label): code for code, label, _, _ in rows}  # a label goes before another term's synonym
    return _Table({row[0]: (row[1], *filter(None, row[2].split("|"))) for row in rows}, codes, children)


def _technique(code: str) -> Technique:
    return Technique(PURL + code, _table().names[code][0])


def _key(name: str) -> str:
    return _GAPS.sub(" ", name).strip().lower()
