"""Columns that are brought up to date equal those made anew, whatever came and went."""

from __future__ import annotations

import sqlite3
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from panosc_analysis.catalogue.columns import Columns, Postings
from panosc_analysis.catalogue.ordering import in_order, window
from panosc_analysis.catalogue.ranks import ranked
from panosc_analysis.filters import Order

PAIRS = st.lists(st.tuples(st.integers(0, 6), st.integers(1, 20)), max_size=30)
VALUED = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 20), st.sampled_from([-1.5, 0.0, 2.0, 7.0])), max_size=20)
STEPS = st.lists(st.tuples(PAIRS, st.sets(st.integers(1, 20), max_size=6)), max_size=5)


def marked(numbers: set[int], size: int = 21) -> np.ndarray:
    mask = np.zeros(size, bool)
    mask[list(numbers)] = True
    return mask


@given(STEPS)
def test_postings_are_sets_of_pairs(steps) -> None:
    postings, expected = Postings(), set()
    for pairs, touched in steps:
        terms, ids = (np.array([one[n] for one in pairs], "i8") for n in (0, 1))
        touched = touched | {number for _, number in pairs}
        postings = postings.merged(marked(touched), terms, ids)
        expected = {one for one in expected if one[1] not in touched} | set(pairs)
        for term in range(8):
            assert postings.of(term).tolist() == sorted(number for one, number in expected if one == term)
        some = [term for term in range(len(postings)) if term % 2]
        assert set(np.flatnonzero(postings.mask(some, 21))) == {n for t, n in expected if t in some}
        assert set(np.flatnonzero(postings.terms_of(marked(touched)))) == {t for t, n in expected if n in touched}


@given(st.lists(st.tuples(VALUED, st.sets(st.integers(1, 20), max_size=6)), max_size=5))
def test_postings_with_values_ascend_for_each_term(steps) -> None:
    postings, expected = Postings(), []
    for rows, touched in steps:
        terms, ids, values = (np.array([one[n] for one in rows], kind) for n, kind in ((0, "i8"), (1, "i8"), (2, "f8")))
        postings = postings.merged(marked(touched), terms, ids, values)
        expected = [one for one in expected if one[1] not in touched] + rows
        for term in range(5):
            found = postings.values[postings.starts[term] : postings.starts[term + 1]] if term < len(postings) else []
            assert list(found) == sorted(value for one, _, value in expected if one == term)
            assert sorted(postings.of(term)) == sorted(number for one, number, _ in expected if one == term)


def test_ranks_sort_as_texts_do_even_where_there_is_no_room_left() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE dataset (id INTEGER PRIMARY KEY, title TEXT)")
    ranks, number = np.zeros(1, "i8"), 0
    for round_ in range(60):  # always between the same two: room is used up and made anew
        titles = ["a", "z"] if not round_ else [f"m{'0' * round_}{n % 3}" for n in range(5)]
        new = []
        for title in titles:
            number += 1
            connection.execute("INSERT INTO dataset VALUES (?, ?)", (number, title))
            new.append(number)
        if round_ % 7 == 3:
            connection.execute("DELETE FROM dataset WHERE id = ?", (number - 1,))
        ranks = ranked(connection, "title", ranks, new)
        rows = connection.execute("SELECT id, title FROM dataset ORDER BY title").fetchall()
        for (one, text), (other, further) in pairwise(rows):
            assert (ranks[one] < ranks[other]) == (text < further)
            assert (ranks[one] == ranks[other]) == (text == further)


@given(st.lists(st.integers(0, 5), max_size=40), st.integers(0, 45), st.integers(1, 10))
def test_a_window_is_a_part_of_the_sorted_whole(keys, first, count) -> None:
    numbers = np.arange(len(keys))
    whole = sorted(range(len(keys)), key=lambda n: keys[n])
    assert window(numbers, [np.array(keys)], first, count).tolist() == whole[first : first + count]
    assert window(numbers, [], first, None).tolist() == list(range(len(keys)))[first:]


def test_what_has_no_date_comes_last_either_way() -> None:
    columns = Columns(created=np.array([np.nan, 5.0, np.nan, 3.0]), natural=np.array([1, 3, 2], "i4"))
    mask = np.array([False, True, True, True])
    for descending, expected in ((False, [3, 1, 2]), (True, [1, 3, 2])):
        found = in_order(columns, mask, [Order("creationDate", descending)], 0.0, 0, None)
        assert found.tolist() == expected
