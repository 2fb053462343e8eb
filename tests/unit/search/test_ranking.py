"""The order of hits over providers, and how it compares with the scoring service's own."""

import json
from datetime import UTC, datetime
from itertools import combinations

import pytest

from panosc_analysis.model import Dataset, Instrument, Sample
from panosc_analysis.search.ranking import ranked, scores


def hit(pid, title, day=1, **more):
    return Dataset(f"10.5072/{pid}", title, creation_date=datetime(2026, 3, day, tzinfo=UTC), **more)


def test_a_word_in_the_title_counts_more_than_elsewhere_and_rare_words_more_than_common_ones():
    title = hit("title", "LaB6 scan")
    sample = hit("sample", "Calibration scan", samples=(Sample("s", "LaB6"),))
    instrument = hit("instrument", "Calibration scan", instrument=Instrument("i", "LaB6 bench"))
    neither = hit("neither", "Calibration scan")
    order = ranked([neither, instrument, sample, title], ["LaB6"])
    assert [one.pid[8:] for one in order] == ["title", "sample", "instrument", "neither"]
    rare, common = hit("rare", "strain scan"), hit("common", "scan scan")
    order = ranked([common, hit("x", "scan a"), hit("y", "scan b"), rare], ["scan", "strain"])
    assert order[0] is rare


def test_a_short_title_that_says_it_goes_before_a_long_one():
    short, long = hit("short", "LaB6"), hit("long", "LaB6 and " + "many other things " * 10)
    assert ranked([long, short], ["lab6"])[0] is short


def test_without_words_the_newest_is_first_then_the_pid_decides():
    found = [hit("b", "x", 1), hit("c", "x", 2), hit("a", "x", 1), Dataset("10.5072/undated", "x")]
    assert [one.pid[8:] for one in ranked(found, ())] == ["c", "a", "b", "undated"]
    assert ranked(reversed(found), ()) == ranked(found, ())
    assert scores(found, ()) == [0.0] * 4
    assert ranked([], ["x"]) == []


def test_words_are_compared_without_case_hyphens_and_plural_s():
    one = hit("a", "X-ray phantoms")
    assert scores([one], ["x-RAY", "phantom"])[0] > scores([one], ["phantom"])[0] > 0


def tau_b(one, other):
    """Kendall's rank correlation, ties counted."""
    pairs = list(combinations(range(len(one)), 2))
    sign = lambda x: (x > 1e-9) - (x < -1e-9)  # noqa: E731
    left, right = ([sign(values[a] - values[b]) for a, b in pairs] for values in (one, other))
    both = sum(a * b for a, b in zip(left, right, strict=True))
    return both / (sum(map(abs, left)) * sum(map(abs, right))) ** 0.5


@pytest.mark.shared_data
def test_it_agrees_with_the_recorded_scores(shared_data):
    """What the scoring service gave to the SciCat provider's twelve datasets that hold a word.

    Measured: tau-b 0.62. Both put the same four first. The service gives the other eight one score, and so no order.
    """
    folder = shared_data / "search-api"
    recorded = json.loads((folder / "searchapi-scores.json").read_text(encoding="utf-8"))
    (of_datasets,) = [one for one in recorded if one["note"] == "datasets"]
    pairs = map(json.loads, (folder / "pairs.jsonl").read_text(encoding="utf-8").splitlines())
    known: dict[str, Dataset] = {}
    for pair in pairs:
        if pair["server"] == "scicat" and pair["path"] == "/Datasets" and pair["status"] == 200:
            for record in map(Dataset.from_json, pair["response"]):
                if record.techniques or record.pid not in known:
                    known[record.pid] = record
    theirs = {one["itemId"]: one["score"] for one in of_datasets["response"]["scores"]}
    assert len(theirs) == 12
    everything = list(known.values())
    ours = dict(zip(known, scores(everything, of_datasets["request"]["query"].split()), strict=True))
    assert set(theirs) <= set(ours)
    best = sorted(theirs, key=lambda one: ours[one], reverse=True)[:4]
    assert {round(theirs[one], 2) for one in best} == {1.0, 0.96}  # the four that hold all words; the others have 0.58
    assert tau_b([theirs[one] for one in theirs], [ours[one] for one in theirs]) >= 0.6
