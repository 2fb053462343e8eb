"""The search API's records: one frozen class per entity, read tolerantly, written in the search API's own words."""

from __future__ import annotations

from panosc_analysis.model.dataset import Dataset
from panosc_analysis.model.document import Document
from panosc_analysis.model.file import File
from panosc_analysis.model.instrument import Instrument
from panosc_analysis.model.parameter import Parameter
from panosc_analysis.model.person import Affiliation, Member, Person
from panosc_analysis.model.pid import landing_page, normal_pid, pid_key, quote_pid, same_pid
from panosc_analysis.model.quantity import convert, normal_unit, parse_quantity
from panosc_analysis.model.sample import Sample
from panosc_analysis.model.technique import Technique

__all__ = [
    "Affiliation",
    "Dataset",
    "Document",
    "File",
    "Instrument",
    "Member",
    "Parameter",
    "Person",
    "Sample",
    "Technique",
    "convert",
    "landing_page",
    "normal_pid",
    "normal_unit",
    "parse_quantity",
    "pid_key",
    "quote_pid",
    "same_pid",
]
