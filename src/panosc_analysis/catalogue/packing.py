"""A harvest as JSON text and back, so that a file that did not change need not be opened again."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import Any

from panosc_analysis.catalogue.harvest import Harvest, ProposalNote
from panosc_analysis.model import Member, Parameter, Sample, Technique, reading

__all__ = ["pack", "unpack"]

_DATES = ("start", "end")
_RECORDS = ("techniques", "parameters", "samples", "people")


def pack(harvest: Harvest) -> str:
    """Write a harvest as JSON; links are kept apart and not written."""
    table: dict[str, Any] = {one.name: getattr(harvest, one.name) for one in fields(harvest)}
    table |= {name: moment.isoformat() for name in _DATES if (moment := table[name])}
    table |= {name: [one.to_json() for one in table[name]] for name in _RECORDS}
    table["proposal"] = asdict(harvest.proposal)
    return json.dumps({name: value for name, value in table.items() if value and name != "links"})


def unpack(text: str) -> Harvest:
    """Read what `pack` wrote."""
    table = json.loads(text)
    note = table.get("proposal") or {}
    table |= {name: reading.date(table.get(name)) for name in _DATES}
    table["proposal"] = ProposalNote(**note | {"members": tuple(note.get("members") or ())})
    table["techniques"] = reading.rows(table.get("techniques"), Technique.from_json)
    table["parameters"] = tuple(Parameter(**one) for one in table.get("parameters", ()))
    table["samples"] = reading.rows(table.get("samples"), Sample.from_json)
    table["people"] = reading.rows(table.get("people"), Member.from_json)
    return Harvest(**table)
