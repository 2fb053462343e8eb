"""Makes ``panet.tsv`` from the table that the PaNET ontology is written in. Run once per PaNET release.

Run ``python -m panosc_analysis.search.panet_table PaNET.csv panet.tsv``.

A class is defined by its parents or by an equivalence: several expressions that together mean the class. Hence the
class is below each of them, and every other class that is below all of them is below the class. ``definedbyprobe
some x`` is below ``definedbyprobe some y`` when x is below y.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

HEADER = """\
# PaNET 1.3.0, the experimental techniques ontology of ExPaNDS for photon and neutron science.
# Source: https://github.com/ExPaNDS-eu/ExPaNDS-experimental-techniques-ontology (source/PaNET.csv), licence CC-BY-4.0.
# Changed: reduced to these columns; parents that follow from equivalences are added. Made by panet_table.py.
code\tlabel\tsynonyms\tparents
"""
_CODE = re.compile(r"PaNET(\d{5,})$")
_SYNONYMS, _PARENTS, _EQUIVALENTS = slice(3, 5), slice(8, 15), slice(15, 18)
_FIRST_RELATION = 1_000_000  # codes from here on name relations, probes, purposes …, not techniques


@dataclass
class Term:
    """One class while the table is made; expressions are codes or whatever stands in the source."""

    code: str
    label: str
    synonyms: tuple[str, ...] = ()
    parents: set[str] = field(default_factory=set)
    definition: set[str] = field(default_factory=set)


def make_table(source: Path) -> str:
    """Give the whole text of ``panet.tsv`` for a ``PaNET.csv``."""
    terms = _read(source)
    above = _closure(terms)
    techniques = [term for code, term in sorted(terms.items()) if _is_technique(code)]
    rows = ["\t".join((t.code, t.label, "|".join(t.synonyms), " ".join(_nearest(t.code, above)))) for t in techniques]
    return HEADER + "\n".join(rows) + "\n"


def _read(source: Path) -> dict[str, Term]:
    with source.open(encoding="utf-8-sig", newline="") as stream:
        rows = [row for row in csv.reader(stream) if len(row) > 17 and _CODE.search(row[1].strip())]
    labels = {_code(row[1]): " ".join(row[2].split()) for row in rows}
    terms: dict[str, Term] = {}
    for row in rows:  # some classes stand in two rows
        code = _code(row[1])
        term = terms.setdefault(code, Term(code, labels[code]))
        term.synonyms += tuple(" ".join(cell.split()) for cell in row[_SYNONYMS] if cell.strip())
        term.parents |= {part for cell in row[_PARENTS] for part in _atoms(cell, labels)}
        term.definition |= {part for cell in row[_EQUIVALENTS] for part in _atoms(cell, labels)}
    return terms


def _atoms(cell: str, labels: dict[str, str]) -> Iterator[str]:
    """Parts that must all hold: split at ``and``, names replaced by codes."""
    text = cell.strip()
    if not text or text.startswith("http"):
        return
    expression = text.startswith("(") and text.endswith(")")  # only there; a plain name may itself hold "and"
    for part in text[1:-1].split(" and ") if expression else (text,):
        relation, some, name = part.strip().rpartition(" some ")
        yield relation.strip("'") + some + _named(name.strip("'"), labels, specifier=bool(some))


def _named(name: str, labels: dict[str, str], *, specifier: bool) -> str:
    """Give the code of a name; where a technique and a specifier share it, the place says which is meant."""
    if _CODE.search(name):
        return _code(name)
    codes = [code for code, label in labels.items() if label.lower() == " ".join(name.split()).lower()]
    return next((code for code in codes if _is_technique(code) is not specifier), codes[0] if codes else name)


def _is_technique(code: str) -> bool:
    return int(code.removeprefix("PaNET")) < _FIRST_RELATION


def _code(text: str) -> str:
    found = _CODE.search(text.strip())
    if found is None:
        raise ValueError(f"{text!r} holds no PaNET code")
    return found.group()


def _closure(terms: dict[str, Term]) -> dict[str, set[str]]:
    """Everything each class is below, itself included, until nothing new follows."""
    above = {code: {code} | term.parents | term.definition for code, term in terms.items()}
    changed = True
    while changed:
        changed = False
        for code, known in above.items():
            new = set().union(*(_above_one(one, above) for one in known))
            new |= {term.code for term in terms.values() if term.definition and term.definition <= new}
            if not new <= known:
                above[code] = known | new
                changed = True
    return above


def _nearest(code: str, above: dict[str, set[str]]) -> list[str]:
    """Parents from which all other ancestors follow. Classes that mean the same are parents of each other."""
    ancestors = {one for one in above[code] if _CODE.fullmatch(one) and _is_technique(one) and one != code}
    same = {one for one in ancestors if code in above[one]}
    higher = ancestors - same
    return sorted(
        same | {one for one in higher if not any(one in above[low] for low in higher if low not in above[one])}
    )


def _above_one(atom: str, above: dict[str, set[str]]) -> set[str]:
    relation, some, filler = atom.rpartition(" some ")
    return {relation + some + one for one in above.get(filler, {filler})}


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(make_table(Path(sys.argv[1])), encoding="utf-8")
