from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from panosc_analysis.errors import ReductionError
from panosc_analysis.provenance import FileState, Record, Software, Source, StepRecord, installed


@pytest.fixture
def record(tmp_path: Path) -> Record:
    file = tmp_path / "scan é.h5"
    file.write_bytes(b"12345")
    source = Source("10.5072/demo/1", (file,), "/entry/data/data", "2:8", (FileState.of(file),))
    return Record(
        sources=(source, Source(None, (tmp_path / "other.h5",))),
        steps=(StepRecord("azimuthal", {"npt": 1000, "unit": "q_A^-1", "polarization_factor": None, "deep": True}),),
        software=(Software("panosc-analysis", "1.2"), Software("numpy", "2.0")),
        created=datetime(2026, 5, 12, 9, 30, tzinfo=UTC),
    )


def test_json_round_trip(record: Record) -> None:
    assert Record.from_json(record.to_json()) == record
    assert record.version == "1.2"


def test_json_is_for_other_programs_too(record: Record) -> None:
    content = json.loads(record.to_json())
    assert content["created"] == "2026-05-12T09:30:00+00:00"
    assert content["sources"][0]["pid"] == "10.5072/demo/1"
    assert content["sources"][0]["states"][0]["size"] == 5
    assert content["software"][0] == {"name": "panosc-analysis", "version": "1.2"}


def test_unknown_keys_are_ignored(record: Record) -> None:
    content = json.loads(record.to_json())
    content["later"] = 1
    content["sources"][0]["later"] = 2
    assert Record.from_json(json.dumps(content)) == record


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"sources": 3}', "null"])
def test_what_is_no_record(text: str) -> None:
    with pytest.raises(ReductionError, match="cannot be read"):
        Record.from_json(text)


def test_state_of_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert FileState.of(tmp_path / "no") == FileState(tmp_path / "no", None, None)


def test_installed_versions() -> None:
    found = installed(["numpy", "surely-not-installed", "h5py"])
    assert [software.name for software in found] == ["numpy", "h5py"]
    assert all(software.version for software in found)
