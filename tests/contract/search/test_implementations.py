"""The implementations of `panosc_analysis.testing` answer what the real ones were recorded to answer.

Otherwise the client would be tested against an invention. Where they do not, the difference is stated here.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from panosc_analysis.search import Query, panet
from panosc_analysis.testing import Request
from panosc_analysis.testing.implementations import Implementation, Reference, SciCat
from tests.contract.search.recorded import Pair, pairs_in, records_of

pytestmark = pytest.mark.shared_data

# Refusals of what the client never sends.
NOT_REFUSED = {
    "reference:ds-order-bad",
    "reference:w-between-1",
    "reference:w-between-scalar",
    "reference:w-bad-date",
    "reference:w-inq-scalar",
    "reference-variantdata:fields-nopid",
}
# Recorded over a stub with LoopBack's operators. Ours behaves as the backend that facilities run: `between` and `neq`
# are not translated and find nothing, "PaNOSC Test Dataset 1" is a date. It knows no degC, and no filter on files.
OTHER_BACKEND = {
    "scicat:ds-where-include",
    "scicat:ds-files-where",
    "scicat:p-eV",
    "scicat:p-keV",
    "scicat:p-angstrom",
    "scicat:p-degC",
    "scicat:t-pid-neq",
}


def about_datasets(pairs: list[Pair], server: str) -> list[Pair]:
    return [
        pair
        for pair in pairs
        if pair["server"] == server
        and pair["path"] == "/Datasets"
        and pair["method"] == "GET"
        and not isinstance(pair["filter"], str)
        and not (pair["other_params"] or pair["query"] or pair["where"])
    ]


def answered(implementation: Implementation, filter: Any) -> Any:
    target = "/Datasets" + ("" if filter is None else f"?filter={quote(json.dumps(filter))}")
    answer = implementation(Request(target, {}))
    return answer.status if answer.status != 200 else sorted(one["pid"] for one in json.loads(answer.body))


def differing(implementation: Implementation, pairs: list[Pair], stated: set[str]) -> list[str]:
    found = []
    for pair in pairs:
        recorded = pair["status"] if pair["status"] != 200 else sorted(one["pid"] for one in pair["response"])
        if pair["id"] not in stated and answered(implementation, pair["filter"]) != recorded:
            found.append(pair["id"])
    return found


@pytest.mark.parametrize("server", ["reference", "reference-variantdata"])
def test_the_reference(shared_data: Any, server: str) -> None:
    pairs = pairs_in(shared_data)
    records = records_of(pairs, "reference", "reference-variantdata", "reference-panet")
    own = {one["pid"] for one in records_of(pairs, server)}
    asked = about_datasets(pairs, server)
    assert len(asked) > 20
    assert differing(Reference([one for one in records if one["pid"] in own]), asked, NOT_REFUSED) == []


def test_the_reference_with_its_panet_service(shared_data: Any) -> None:
    pairs = pairs_in(shared_data)
    records = records_of(pairs, "reference", "reference-variantdata", "reference-panet")
    likeness = {"reference-panet:name-like", "reference-panet:neq-parent", "reference-panet:name-case"}  # not ours
    asked = about_datasets(pairs, "reference-panet")
    assert len(asked) > 10
    assert differing(Reference(records, panet=True), asked, likeness) == []


def test_the_scicat_provider(shared_data: Any) -> None:
    pairs = pairs_in(shared_data)
    (bare,) = [pair for pair in pairs if pair["id"] == "scicat:p-nowhere"]
    stored = {one["pid"]: one["parameters"] for one in bare["response"]}  # elsewhere in the unit that was asked for
    records = [{**one, "parameters": stored[one["pid"]]} for one in records_of(pairs, "scicat")]
    asked = about_datasets(pairs, "scicat")
    assert len(asked) > 35
    assert differing(SciCat(records), asked, OTHER_BACKEND) == []


def test_techniques_mean_what_the_ontology_service_took_them_for(shared_data: Any) -> None:
    """Recorded: the reference with its PaNET service, which turns a term into the list of its kinds."""
    pairs = pairs_in(shared_data)
    records = records_of(pairs, "reference", "reference-variantdata", "reference-panet")
    (everything,) = [pair for pair in pairs if pair["id"] == "reference-panet:no-where"]
    present = {one["pid"] for one in everything["response"]}
    compared = 0
    for pair in pairs:
        if pair["server"] != "reference-panet" or pair["path"] != "/Datasets" or pair["status"] != 200:
            continue
        terms = _terms(pair["filter"]["include"][0].get("scope", {}).get("where", {}))
        if not terms:
            continue
        questions = [Query(technique=term).question() for term in terms]
        ours = {one["pid"] for one in records if any(question.accepts(one) for question in questions)} & present
        assert ours == {one["pid"] for one in pair["response"]}, pair["id"]
        compared += 1
    assert compared == 6


def _terms(where: dict[str, Any]) -> list[str]:
    """Give the terms of which any is meant; none for what asks otherwise: likeness, negation, local identifiers."""
    values = [one.get("pid") or one.get("name") for one in where.get("or", [where])]
    flat = [term for one in values for term in (one.get("inq", [one]) if isinstance(one, dict) else [one])]
    return flat if all(isinstance(one, str) and _is_known(one) for one in flat) else []


def _is_known(term: str) -> bool:
    """Know the terms that the service found; it is strict about case, which we are not."""
    return term.startswith(panet.PURL) or term in {"SANS", "small angle scattering"}
