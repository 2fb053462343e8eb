"""Who may see what, and from when."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from panosc_analysis.catalogue.embargo import Facility, Proposal, open_from, read_facility
from panosc_analysis.catalogue.harvest import ProposalNote
from panosc_analysis.catalogue.visibility import Viewer
from panosc_analysis.errors import CatalogueError

NOW = datetime.now(UTC)
DATES = [
    ((NOW - timedelta(seconds=1)).isoformat(), True),
    ((NOW + timedelta(seconds=1)).isoformat(), False),
    ((NOW - timedelta(minutes=5)).astimezone(timezone(timedelta(hours=14))).isoformat(), True),
    ((NOW + timedelta(minutes=5)).astimezone(timezone(timedelta(hours=-12))).isoformat(), False),
    ("2024-09-22", True),
    (None, False),
    ("", False),
    ("9999-12-31", False),
    ("2026-02-30", False),
    ("soon", False),
    ("0000-00-00", False),
    ("2020", False),
]


def is_open(found: float | None) -> bool:
    return Viewer(NOW.timestamp()).is_public(found)


@pytest.mark.parametrize(("date", "expected"), DATES)
def test_a_proposal_opens_on_a_readable_date_that_is_past(date: str | None, expected: bool) -> None:
    assert is_open(Proposal("p", release_date=date).open_from) is expected
    if date is not None:
        assert is_open(open_from(ProposalNote("p", release_date=date), None, None)) is expected
        # Whoever makes the index cannot lift an embargo, nor one that cannot be read.
        assert is_open(open_from(ProposalNote("p", release_date=date), None, True)) is expected


@pytest.mark.parametrize(
    ("note", "public", "expected"),
    [
        (ProposalNote(), None, False),
        (ProposalNote(), True, True),
        (ProposalNote(), False, False),
        (ProposalNote(is_public=True), None, True),
        (ProposalNote(is_public=True), False, False),
        (ProposalNote(is_public=False), True, False),
        (ProposalNote("p", is_public=True), None, False),  # of a proposal, and without a date
        (ProposalNote("p"), None, False),
        (ProposalNote("p"), True, True),  # a run number in the wrong place says nothing about access
        (ProposalNote(is_public=True, release_date="9999-12-31"), None, False),
    ],
)
def test_what_is_not_said_is_closed(note: ProposalNote, public: bool | None, expected: bool) -> None:
    assert is_open(open_from(note, None, public)) is expected


def test_the_table_goes_before_the_file() -> None:
    open_file = ProposalNote("p", is_public=True, release_date="2020-01-01")
    assert not is_open(open_from(open_file, Proposal("p", release_date="9999-12-31"), None))
    assert is_open(open_from(ProposalNote("p", release_date="9999-12-31"), Proposal("p", public=True), None))
    assert not is_open(open_from(open_file, Proposal("p", public=True), False))


def test_the_directory_goes_before_the_claim(tmp_path: Path) -> None:
    rows = [
        {"id": "HC-1", "directory": "hc-1"},
        {"id": "hc-1-part", "directory": "./hc-1/part/"},
        {"id": "open", "directory": "open", "public": True},
    ]
    (tmp_path / "facility.json").write_text(json.dumps({"facility": "Here", "proposals": rows}))
    table = read_facility(tmp_path)
    assert table.name == "Here"

    def owner(path: str, claim: str | None) -> str | None:
        found = table.proposal_of(path, claim)
        return found and found.id

    assert owner("hc-1/a.h5", "open") == "HC-1"
    assert owner("hc-1/part/a.h5", None) == "hc-1-part"
    assert owner("hc-10/a.h5", None) is None
    assert owner("elsewhere/a.h5", "hc-1") == "HC-1"
    assert owner("elsewhere/a.h5", "unknown") is None


def test_no_table_is_no_table(tmp_path: Path) -> None:
    assert read_facility(tmp_path, "Here") == Facility("Here")


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{", '{"proposals": [{}]}', '{"proposals": [{"id": ""}]}', '{"proposals": 3}',
        '{"proposals": [{"id": "a"}, {"id": "A"}]}', '{"facility": "x", "facility": "y"}', "\udc80",
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_used_stops_the_indexing(tmp_path: Path, text: str) -> None:
    (tmp_path / "facility.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(CatalogueError, match="cannot be used"):
        read_facility(tmp_path)
