import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panosc_analysis.errors import FilterError
from panosc_analysis.filters import (
    And,
    Comparison,
    Fields,
    Filter,
    Include,
    Or,
    Order,
    Text,
    filter_from_text,
    parse_filter,
    parse_where,
    where_from_text,
)

NAMES = st.sampled_from(["title", "size", "pid", "keywords", "value"])
SCALARS = st.one_of(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=12),
    st.integers(-(10**12), 10**12),
    st.booleans(),
    st.floats(allow_nan=False, allow_infinity=False),
)
PATTERNS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
COMPARISONS = st.one_of(
    st.builds(Comparison, NAMES, st.sampled_from(["eq", "neq"]), st.one_of(SCALARS, st.none())),
    st.builds(Comparison, NAMES, st.sampled_from(["gt", "gte", "lt", "lte"]), SCALARS),
    st.builds(Comparison, NAMES, st.sampled_from(["inq", "nin"]), st.lists(SCALARS, max_size=3).map(tuple)),
    st.builds(Comparison, NAMES, st.just("between"), st.tuples(SCALARS, SCALARS)),
    st.builds(Comparison, NAMES, st.sampled_from(["like", "nlike", "ilike", "nilike"]), PATTERNS),
)
WHERES = st.recursive(
    st.one_of(COMPARISONS, st.builds(Text, PATTERNS)),
    lambda inner: st.one_of(
        st.builds(And, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=1, max_size=3).map(tuple)),
    ),
    max_leaves=6,
)
RELATIONS = st.sampled_from(["techniques", "parameters", "instrument", "documents"])


def filters(includes):
    return st.builds(
        Filter,
        where=st.none() | WHERES,
        include=st.lists(includes, max_size=2).map(tuple),
        limit=st.none() | st.integers(0, 1000),
        skip=st.integers(0, 1000),
        order=st.lists(st.builds(Order, NAMES, st.booleans()), max_size=2).map(tuple),
        fields=st.none()
        | st.builds(Fields, st.lists(NAMES, min_size=1, max_size=3, unique=True).map(tuple), st.booleans()),
        query=st.none() | PATTERNS,
    )


BARE = st.builds(Include, RELATIONS)
NESTED = st.builds(Include, RELATIONS, filters(BARE).filter(lambda one: one != Filter()))


@given(filters(st.one_of(BARE, NESTED)))
def test_what_is_written_is_read_back(filter):
    assert parse_filter(filter.to_json()) == filter
    assert filter_from_text(filter.to_text()) == filter


@given(WHERES)
def test_a_condition_alone_too(where):
    assert parse_where(where.to_json()) == where


def test_the_forms_that_servers_accept():
    assert parse_where({"title": "x"}) == Comparison("title", "eq", "x")
    assert parse_where({"title": {"eq": "x"}}) == Comparison("title", "eq", "x")
    assert parse_where({"a": 1, "b": 2}) == And((Comparison("a", "eq", 1), Comparison("b", "eq", 2)))
    assert parse_where({"a": {"gt": 1, "lt": 2}}) == And((Comparison("a", "gt", 1), Comparison("a", "lt", 2)))
    assert parse_where({}) is parse_where(None) is where_from_text("") is None
    assert filter_from_text("") == Filter()
    assert parse_filter({"include": ["files"]}) == parse_filter({"include": [{"relation": "files"}]})
    assert parse_filter({"include": "files"}) == parse_filter({"include": {"relation": "files", "scope": {}}})
    assert parse_filter({"order": "pid DESC"}).order == (Order("pid", descending=True),)
    assert parse_filter({"order": ["title", "pid asc"]}).order == (Order("title"), Order("pid"))
    assert parse_filter({"fields": {"size": False}}).fields == Fields(("size",), keep=False)
    assert parse_filter({"fields": {"size": True, "pid": False}}).fields == Fields(("size",))
    assert parse_filter({"offset": 3}).skip == 3
    assert parse_filter({"limit": "10"}).limit == 10


DEEP = {"title": "x"}
for _ in range(12):
    DEEP = {"and": [DEEP]}
DEEP_INCLUDE: dict = {}
for _ in range(7):
    DEEP_INCLUDE = {"include": [{"relation": "datasets", "scope": DEEP_INCLUDE}]}


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("x", "object"),
        ([{"title": "x"}], "object"),
        ({"and": "x"}, "list"),
        ({"or": []}, "empty"),
        ({"nor": [{"title": "x"}]}, "nor"),
        ({"title": {}}, "operator"),
        ({"title": ["a"]}, "single value"),
        ({"title": {"$ne": "x"}}, "operator"),
        ({"$where": "sleep(9)"}, "field"),
        ({"a.b": 1}, "field"),
        ({"title": {"regexp": "("}}, "expression"),
        ({"title": {"regexp": r"(a)\1"}}, "expression"),
        ({"title": {"regexp": "(((a{100}){100}){100})"}}, "expression"),
        ({"title": {"regexp": 3}}, "text"),
        ({"title": {"like": 5}}, "text"),
        ({"title": {"like": ""}}, "text"),
        ({"text": ""}, "text"),
        ({"text": "x" * 1001}, "1000"),
        ({"size": {"gt": None}}, "null"),
        ({"size": {"between": [1]}}, "two"),
        ({"size": {"between": [1, None]}}, "two"),
        ({"size": {"between": 1}}, "list"),
        ({"pid": {"inq": "x"}}, "list"),
        ({"pid": {"inq": ["x"] * 1001}}, "1000"),
        ({"size": math.nan}, "finite"),
        ({"size": -math.inf}, "finite"),
        ({"size": 10**5000}, "finite"),
        ({"title": "\ud800"}, "character"),
        ({"creationDate": {"gt": "2026-02-30"}}, "date"),
        ({"releaseDate": "soon"}, "date"),
        (DEEP, "deep"),
        ({"and": [{"title": "x"}] * 501}, "500"),
        ({"title": {"inq": [{"a": 1}]}}, "single value"),
        ({1: "x"}, "object"),
    ],
)
def test_refused_with_a_reason_and_a_hint(where, said):
    with pytest.raises(FilterError, match=said) as caught:
        parse_where(where)
    assert caught.value.hint
    assert len(caught.value.message) < 200


@pytest.mark.parametrize(
    "obj",
    [
        [],
        "x",
        {"where": 3},
        {"limit": -1},
        {"limit": 1.5},
        {"limit": True},
        {"limit": "abc"},
        {"limit": 10**30},
        {"skip": -1},
        {"order": "pid SIDEWAYS"},
        {"order": [3]},
        {"order": "pid; drop"},
        {"fields": 3},
        {"fields": {"pid": 1}},
        {"include": [3]},
        {"include": [{"scope": {}}]},
        {"include": [{"relation": "files", "where": {}}]},
        {"include": [{"relation": "../files"}]},
        {"nonsense": 1},
        {"query": 3},
        DEEP_INCLUDE,
    ],
)
def test_filters_refused(obj):
    with pytest.raises(FilterError):
        parse_filter(obj)


@pytest.mark.parametrize(
    "text",
    [
        '{"where":',
        "[" * 100_000,
        '{"limit": NaN}',
        '{"limit": 1e999}',
        '{"limit": 1, "limit": 2}',
        '{"limit": ' + "9" * 5000 + "}",
        '{"where": {"title": "' + "x" * 300_000 + '"}}',
        "[1]",
        '"abc"',
    ],
)
def test_hostile_json_is_refused(text):
    with pytest.raises(FilterError):
        filter_from_text(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda x: (
            st.lists(x)
            | st.dictionaries(
                st.sampled_from(
                    ["where", "include", "and", "or", "title", "text", "relation", "scope", "gt", "limit", "order"]
                ),
                x,
            )
        ),
    )
)
def test_any_json_is_a_filter_or_refused(obj):
    try:
        found = parse_filter(obj)
    except FilterError:
        return
    json.loads(found.to_text())


@pytest.mark.shared_data
def test_what_the_portal_sends_is_read(shared_data):
    sent = json.loads((shared_data / "search-api" / "searchapi-portal-filters.json").read_text(encoding="utf-8"))
    for one in sent:
        found = parse_filter(one["filter"])
        assert parse_filter(found.to_json()) == found
