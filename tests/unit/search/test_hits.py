import json
import re
from datetime import UTC, datetime

import pytest

from panosc_analysis.model import Dataset, Instrument, Technique
from panosc_analysis.search import Hits, Outcome
from panosc_analysis.search.table import as_text, human_size

OK = Outcome("demo", "ok", 2, seconds=0.1)
DOWN = Outcome("ILL", "timed out", seconds=5, reason="ILL gave no answer within 5 s", hint="Try again later")
DATASETS = [
    Dataset(
        "10.1000/demo/set-1",
        "LaB6 calibration of the detector at a rather long distance from the sample",
        is_public=True,
        creation_date=datetime(2026, 3, 1, 12, tzinfo=UTC),
        size=1_500_000_000,
        instrument=Instrument("i", "ID31", "ESRF"),
        techniques=(Technique("t", "x-ray powder diffraction"),),
    ),
    Dataset("local/1", is_public=False, provider="demo"),
]


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200])
def test_the_table_fits(width):
    lines = as_text(DATASETS, [OK], "", width).splitlines()
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    for said in ("10.1000/demo/set-1", "local/1", "2026-03-01", "1.5 GB", "ESRF", "demo: 2 datasets"):
        assert said in text
    if width > 60:
        assert "embargoed" in text


def test_a_wide_table_has_everything():
    text = as_text(DATASETS, [OK], "", 200)
    assert text.splitlines()[0].split() == ["Facility", "Title", "Technique", "Date", "Size", "Access", "PID"]
    assert "x-ray powder diffraction" in text
    assert "(no title)" in text


def test_a_long_pid_is_cut_in_the_middle():
    text = as_text([Dataset("10.1000/" + "a" * 80 + "END")], [OK], "", 200)
    assert "…" in text
    assert "aEND" in text


def test_an_empty_list_says_why_and_what_to_do():
    nothing = str(Hits([], [OK], "technique SAXS"))
    assert "No dataset for technique SAXS" in nothing
    assert "Widen" in nothing
    some = str(Hits([], [OK, DOWN]))
    assert "not the whole picture" in some
    assert "ILL: timed out" in some
    none = str(Hits([], [DOWN]))
    assert "nothing can be said" in none
    assert "No dataset" not in none


def test_hits_are_a_sequence():
    hits = Hits(DATASETS, [OK, DOWN])
    assert hits[0] is DATASETS[0]
    assert list(hits) == DATASETS
    assert isinstance(hits[:1], Hits)
    assert hits[:1].outcomes == (OK, DOWN)
    assert DATASETS[1] in hits
    assert repr(hits) == str(hits)


def test_for_programs():
    written = json.loads(json.dumps(Hits(DATASETS, [OK, DOWN]).to_json(), allow_nan=False))
    assert written["datasets"][0]["pid"] == "10.1000/demo/set-1"
    assert [one["state"] for one in written["outcomes"]] == ["ok", "timed out"]
    assert written["complete"] is False


NASTY = "<script>alert(1)</script>\x1b[31m\u202eevil\n"


def test_a_title_cannot_steer_the_terminal_or_the_page():
    nasty = [Dataset("javascript:alert(1)", NASTY, provider=NASTY), Dataset("10.1000/<b>'\"", NASTY)]
    outcome = Outcome(NASTY, "malformed", reason=NASTY, hint=NASTY)
    text = as_text(nasty, [outcome], NASTY, 300)
    assert not set("\x1b\u202e") & set(text)
    page = Hits(nasty, [outcome], NASTY)._repr_html_() + Hits([], [outcome], NASTY)._repr_html_()
    assert not set("\x1b\u202e") & set(page)
    assert "<script" not in page
    assert re.findall(r'href="([^"]*)"', page) == ["https://doi.org/10.1000/%3Cb%3E%27%22"]


def test_the_page_uses_the_theme_only():
    page = Hits(DATASETS, [OK, DOWN])._repr_html_()
    assert "var(--jp-" in page
    assert not re.search(r"#[0-9a-fA-F]{3,8}\b|rgb\(|style=", page)
    assert 'scope="col"' in page
    assert '<time datetime="2026-03-01T12:00:00+00:00"' in page


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (None, ""),
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (999_600, "1 MB"),
        (1_234_567_890, "1.23 GB"),
        (10**16, "10 PB"),
    ],
)
def test_sizes(size, text):
    assert human_size(size) == text


LONG = "20.500.12269/f66dc4b8-ab0b-42bf-8dcc-31b07ae8bd9f"


@pytest.mark.parametrize("width", [80, 100, 120])
def test_a_long_pid_stands_under_its_row(width):
    found = [Dataset(LONG, "LaB6 transmission", is_public=True, instrument=Instrument("i", "LoKI", "ESS")), *DATASETS]
    lines = as_text(found, [OK], "", width).splitlines()
    assert lines[0].split() == ["Facility", "Title", "Technique", "Date", "Size", "Access"]
    assert lines[2].strip() == LONG
    assert lines[4].strip() == "10.1000/demo/set-1"
    assert max(map(len, lines)) <= width
    assert all(line.startswith(" ") for line in lines[2:8:2])


def test_wide_letters_take_two_columns():
    found = [Dataset("10.1000/a", "六硼化镧 校准"), Dataset("10.1000/b", "LaB6"), Dataset("10.1000/c", "cafe\u0301")]
    rows = as_text(found, [OK], "", 120).splitlines()[1:4]
    places = [row.index("not stated") for row in rows]
    assert places == [places[1] - 6, places[1], places[1] + 1]


def test_long_lines_about_providers_are_wrapped():
    lines = as_text([], [DOWN], "", 40).splitlines()
    assert max(map(len, lines)) <= 40
    assert "  longer timeout." not in lines[0]


def test_that_there_are_more_is_said_with_how_to_get_them():
    some = Hits(DATASETS, [Outcome("demo", "ok", 2, more=True)])
    assert some.has_more
    assert "hits.more()" in str(some)
    assert "hits.more()" in some._repr_html_()
    assert "hits.more()" in str(Hits(DATASETS, [OK], cut=True))
    assert "more" not in str(Hits(DATASETS, [OK]))
