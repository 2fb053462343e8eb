"""Random records and random questions, of the kinds over which implementations stumble."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from panosc_analysis.search import panet

WORDS = [
    "LaB6",
    "scan",
    "1",
    "NaCl",
    "a.b",
    "100%",
    "x_y",
    "straße",
    "cafe\u0301",
    "march",
    "(5)",
    "ID31",
    "*",
    "\u00e5",
    "SAXS",
]
TECHNIQUES = ["SAXS", "PaNET01162", "SANS", "XRF", "x-ray powder diffraction", "small angle scattering"]
UNITS = {
    "incident_photon_energy": ["keV", "eV", "J", "kev"],
    "sample_temperature": ["K", "celsius", "°C"],
    "other": ["", "m"],
}

text = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)
pids = st.sampled_from(
    [f"{prefix}{n}" for n in range(8) for prefix in ("10.5072/Demo/set-", "20.500.12269/a", "none/")]
)
dates = st.sampled_from(["2020-05-05T15:01:02.341Z", "2024-02-29T00:00:00.000Z", "2026-03-01T18:00:00.000Z"])


def proposal(pid: str) -> dict[str, Any]:
    return {
        "pid": pid,
        "title": f"Proposal on {pid[-4:]}",
        "type": "proposal",
        "isPublic": True,
        "summary": "Strain in steel",
    }


@st.composite
def technique(draw: Any) -> dict[str, Any]:
    term = panet.resolve(draw(st.sampled_from(TECHNIQUES)))
    how = draw(st.sampled_from(["address", "local", "name only"]))
    local = {"pid": f"local-{draw(st.integers(1, 3))}", "name": draw(st.sampled_from([term.name, "GISAXS"]))}
    return (
        {"pid": term.pid, "name": term.name}
        if how == "address"
        else {**local, "panetId": term.pid}
        if how == "local"
        else local
    )


@st.composite
def parameter(draw: Any) -> dict[str, Any]:
    name = draw(st.sampled_from(list(UNITS)))
    value = draw(
        st.one_of(
            st.sampled_from([0, 1, 8.0, 9.5, 12, 273.15, 8000, 9500, "9.5", "solid", 1e-15]), st.floats(-300, 20000)
        )
    )
    return {"name": name, "value": value, "unit": draw(st.sampled_from(UNITS[name]))}


@st.composite
def record(draw: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "pid": draw(pids),
        "title": draw(text),
        "isPublic": draw(st.booleans()),
        "creationDate": draw(dates),
        "size": draw(st.sampled_from([0, 1, 1000, 123456789012])),
        "techniques": draw(st.lists(technique(), max_size=2)),
        "parameters": draw(st.lists(parameter(), max_size=3)),
        "samples": [{"pid": f"s{n}", "name": draw(text), "description": "d"} for n in range(draw(st.integers(0, 2)))],
        "documents": draw(
            st.lists(st.sampled_from(["10.5072/hc-5001", "10.5072/HC-77", "20.500.1/p 1"]), max_size=2, unique=True)
        ),
    }
    found["documents"] = [
        {"pid": one, "title": "Proposal", "type": "proposal", "isPublic": True} for one in found["documents"]
    ]
    if draw(st.booleans()):
        name = draw(st.sampled_from(["ID31", "BM 18", "LoKI"]))
        found["instrument"] = {"pid": f"i-{name}", "name": name, "facility": draw(st.sampled_from(["ESRF", "ESS"]))}
    return found


records = st.lists(record(), max_size=12, unique_by=lambda one: one["pid"])

words = st.fixed_dictionaries(
    {},
    optional={
        "text": text,
        "technique": st.sampled_from(TECHNIQUES),
        "photon_energy": st.sampled_from([(8, 12), "9.5 keV", (None, 9), "8000-9600 eV", (0, None), 0]),
        "temperature": st.sampled_from([(0, 300), "0 °C", (None, 273.15)]),
        "parameters": st.sampled_from(
            [{"other": (0, 9)}, {"other": "solid"}, {"other": "0-9 m", "sample_temperature": 12}]
        ),
        "instrument": st.sampled_from(["ID31", "18", "loki"]),
        "facility": st.sampled_from(["ESRF", "ess"]),
        "sample": st.sampled_from(WORDS),
        "proposal": st.sampled_from(["hc-5001", "10.5072/hc-77", "77"]),
        "public": st.booleans(),
        "since": st.sampled_from(["2024-02-29", "2021-01-01"]),
        "until": st.sampled_from(["2024-02-29"]),
    },
)

comparisons = st.one_of(
    st.tuples(st.just("title"), st.sampled_from(["eq", "neq", "like", "ilike", "nlike", "nilike", "gt", "lte"]), text),
    st.tuples(st.just("title"), st.sampled_from(["inq", "nin"]), st.lists(text, max_size=3)),
    st.tuples(st.just("pid"), st.sampled_from(["eq", "neq", "ilike"]), pids.map(str.swapcase)),
    st.tuples(st.just("pid"), st.sampled_from(["inq", "nin"]), st.lists(pids, max_size=3)),
    st.tuples(
        st.just("size"),
        st.sampled_from(["eq", "neq", "gt", "gte", "lt", "lte"]),
        st.sampled_from([0, 1, 1000, 0.5, None]),
    ),
    st.tuples(st.just("size"), st.just("between"), st.just([0, 1000])),
    st.tuples(st.just("creationDate"), st.sampled_from(["eq", "gt", "gte", "lt", "lte"]), dates),
    st.tuples(st.just("creationDate"), st.sampled_from(["inq", "between"]), st.lists(dates, min_size=2, max_size=2)),
    st.tuples(st.just("size"), st.just("inq"), st.just([1, 1000])),
    st.tuples(st.just("isPublic"), st.sampled_from(["eq", "neq"]), st.booleans()),
    st.tuples(st.just("nothing"), st.sampled_from(["eq", "neq"]), st.just("x")),
)


def as_json(one: tuple[str, str, Any]) -> dict[str, Any]:
    field, operator, value = one
    if value is None and operator not in {"eq", "neq"}:
        value = 1
    return {field: value} if operator == "eq" else {field: {operator: value}}


def combined(inner: Any) -> Any:
    return st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, min_size=1, max_size=3)).map(
        lambda one: dict([one])
    )


wheres = st.recursive(st.one_of(comparisons.map(as_json), text.map(lambda one: {"text": one})), combined, max_leaves=5)
JOINS: dict[str, list[Any]] = {
    "techniques": [
        {"pid": panet.PURL + "PaNET01188"},
        {"pid": {"inq": [panet.PURL + "PaNET01188", "local-1"]}},
        {"name": {"nin": ["GISAXS"]}},
        {"or": [{"panetId": panet.PURL + "PaNET01189"}, {"name": {"ilike": "angle"}}]},
    ],
    "samples": [{"name": {"like": "LaB6"}}, {"text": "nacl"}, {"name": {"neq": "scan"}}],
    "instrument": [{"name": "ID31"}, {"or": [{"facility": "ESS"}, {"name": "BM 18"}]}, {"text": "id"}],
    "parameters": [
        {"and": [{"name": "incident_photon_energy"}, {"value": {"gt": 8}}, {"unit": "keV"}]},
        {"and": [{"name": "incident_photon_energy"}, {"value": {"lt": 10}}]},
        {"or": [{"and": [{"name": "other"}, {"value": 0}]}, {"name": "sample_temperature"}]},
        {"value": {"gte": 9.5}},
        {"and": [{"name": "other"}, {"value": "solid"}]},
    ],
    "documents": [{"pid": "10.5072/hc-5001"}, {"title": "Proposal on 5001"}],
}
joins = st.sampled_from([(name, where) for name, several in JOINS.items() for where in several])
filters = st.builds(
    lambda where, include: {
        **({"where": where} if where else {}),
        **({"include": [{"relation": name, "scope": {"where": one}} for name, one in include]} if include else {}),
    },
    st.one_of(st.none(), wheres),
    st.lists(joins, max_size=3),
)

document_words = st.fixed_dictionaries(
    {},
    optional={
        "text": st.sampled_from(["proposal", "strain", "PROP steel"]),
        "type": st.sampled_from(["Proposal", "publication"]),
        "public": st.booleans(),
        "technique": st.sampled_from(TECHNIQUES),
        "photon_energy": st.sampled_from([(8, 12), "8000-9600 eV", (None, 9)]),
        "instrument": st.sampled_from(["ID31", "18"]),
        "sample": st.sampled_from(WORDS),
    },
)
