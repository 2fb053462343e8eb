"""Who took part: people, their role and where they work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from panosc_analysis.model import reading
from panosc_analysis.model.writing import stated

__all__ = ["Affiliation", "Member", "Person"]


@dataclass(frozen=True, slots=True)
class Affiliation:
    """An institute."""

    id: str | None = None
    name: str | None = None
    address: str | None = None
    city: str | None = None
    country: str | None = None

    @classmethod
    def from_json(cls, obj: Mapping[str, Any], provider: str | None = None) -> Affiliation:
        """Read a record; null, empty and absent are the same, extra keys are passed over."""
        return cls(*(reading.text(obj.get(key)) for key in ("id", "name", "address", "city", "country")))

    def to_json(self) -> dict[str, Any]:
        """Write the record in the search API's words."""
        return stated(id=self.id, name=self.name, address=self.address, city=self.city, country=self.country)


@dataclass(frozen=True, slots=True)
class Person:
    """A person; every identifier beside the name is optional."""

    full_name: str
    id: str | None = None
    orcid: str | None = None
    researcher_id: str | None = None
    first_name: str | None = None
    last_name: str | None = None

    @classmethod
    def from_json(cls, obj: Mapping[str, Any], provider: str | None = None) -> Person:
        """Read a record; without a full name, first and last name make one."""
        first, last = reading.text(obj.get("firstName")), reading.text(obj.get("lastName"))
        return cls(
            full_name=reading.text(obj.get("fullName")) or " ".join(part for part in (first, last) if part),
            id=reading.text(obj.get("id")),
            orcid=reading.text(obj.get("orcid")),
            researcher_id=reading.text(obj.get("researcherId")),
            first_name=first,
            last_name=last,
        )

    def to_json(self) -> dict[str, Any]:
        """Write the record in the search API's words."""
        return stated(
            id=self.id,
            fullName=self.full_name,
            orcid=self.orcid,
            researcherId=self.researcher_id,
            firstName=self.first_name,
            lastName=self.last_name,
        )


@dataclass(frozen=True, slots=True)
class Member:
    """A person's part in a document."""

    id: str | None = None
    role: str | None = None
    person: Person | None = None
    affiliation: Affiliation | None = None

    @classmethod
    def from_json(cls, obj: Mapping[str, Any], provider: str | None = None) -> Member:
        """Read a record; null, empty and absent are the same, extra keys are passed over."""
        return cls(
            id=reading.text(obj.get("id")),
            role=reading.text(obj.get("role")),
            person=reading.row(obj.get("person"), Person.from_json),
            affiliation=reading.row(obj.get("affiliation"), Affiliation.from_json),
        )

    def to_json(self) -> dict[str, Any]:
        """Write the record in the search API's words."""
        return stated(id=self.id, role=self.role, person=self.person, affiliation=self.affiliation)
