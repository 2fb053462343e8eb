"""The search API's filter: the client writes it, the catalogue evaluates it.

`parse_filter` and `filter_from_text` read it, `Filter.to_json` and `Filter.to_text` write it; `matches` evaluates a
condition on one record, `accepts` a filter with its joins on one record, `apply` a filter on many.
"""

from __future__ import annotations

from panosc_analysis.filters.brackets import bracketed
from panosc_analysis.filters.evaluation import (
    RELATIONS,
    TEXT_FIELDS,
    accepts,
    apply,
    in_order,
    included,
    matches,
    related,
)
from panosc_analysis.filters.parsing import filter_from_text, parse_filter, parse_where, where_from_text
from panosc_analysis.filters.strict_json import strict_json
from panosc_analysis.filters.tree import And, Comparison, Fields, Filter, Include, Or, Order, Text, Where

__all__ = [
    "RELATIONS",
    "TEXT_FIELDS",
    "And",
    "Comparison",
    "Fields",
    "Filter",
    "Include",
    "Or",
    "Order",
    "Text",
    "Where",
    "accepts",
    "apply",
    "bracketed",
    "filter_from_text",
    "in_order",
    "included",
    "matches",
    "parse_filter",
    "parse_where",
    "related",
    "strict_json",
    "where_from_text",
]
