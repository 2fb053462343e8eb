"""Implementations of the search API over records in memory, each with the habits of one that is in use.

They are written from what was observed on running servers and read in sources, not from the client: conditions are
evaluated on plain JSON, by rules of their own. `Implementation.shown` gives the records as that implementation shows
them, which is what a client can know.
"""

from __future__ import annotations

from panosc_analysis.testing.implementations.datagateway import DataGateway
from panosc_analysis.testing.implementations.ill import Ill
from panosc_analysis.testing.implementations.implementation import Implementation, Refusal
from panosc_analysis.testing.implementations.reference import Reference
from panosc_analysis.testing.implementations.scicat import SciCat

__all__ = ["DataGateway", "Ill", "Implementation", "Reference", "Refusal", "SciCat"]
