"""The registry of proposals: what it accepts and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hub_config.errors import HubConfigError
from hub_config.registry import read_registry


def write(path: Path, *proposals: dict[str, object]) -> Path:
    file = path / "facility.json"
    file.write_text(json.dumps({"facility": "F", "proposals": list(proposals)}))
    return file


def test_directories_are_relative_to_the_file(tmp_path: Path) -> None:
    [proposal] = read_registry(write(tmp_path, {"id": "hc-1", "directory": "raw/hc-1"})).proposals
    assert proposal.directory == tmp_path.resolve() / "raw" / "hc-1"
    assert proposal.group == "proposal-hc-1"


@pytest.mark.parametrize("directory", ["..", "../elsewhere", "/etc", ".", "a/../.."])
def test_a_directory_outside_the_facility_is_refused(tmp_path: Path, directory: str) -> None:
    with pytest.raises(HubConfigError, match="not below"):
        read_registry(write(tmp_path, {"id": "hc-1", "directory": directory}))


def test_a_link_that_leaves_the_facility_is_refused(tmp_path: Path) -> None:
    (tmp_path / "facility").mkdir()
    (tmp_path / "facility" / "hc-1").symlink_to(tmp_path)
    with pytest.raises(HubConfigError, match="not below"):
        read_registry(write(tmp_path / "facility", {"id": "hc-1", "directory": "hc-1"}))


@pytest.mark.parametrize("identifier", ["", "a/b", "..", "a b", "ä1", "a,b", "x\n"])
def test_an_identifier_that_is_not_a_plain_name_is_refused(tmp_path: Path, identifier: str) -> None:
    with pytest.raises(HubConfigError, match="identifier"):
        read_registry(write(tmp_path, {"id": identifier, "directory": "x"}))


@pytest.mark.parametrize("date", ["", "soon", "2026-02-30", 0, [], None])
def test_an_unreadable_release_date_keeps_the_data_closed(tmp_path: Path, date: object) -> None:
    [proposal] = read_registry(write(tmp_path, {"id": "a", "directory": "a", "release_date": date})).proposals
    assert proposal.release_date is None
    assert not proposal.public


@pytest.mark.parametrize("public", ["yes", 1, "true", None])
def test_only_true_is_public(tmp_path: Path, public: object) -> None:
    [proposal] = read_registry(write(tmp_path, {"id": "a", "directory": "a", "public": public})).proposals
    assert not proposal.public


def test_the_same_proposal_twice_is_refused(tmp_path: Path) -> None:
    row: dict[str, object] = {"id": "a", "directory": "a"}
    with pytest.raises(HubConfigError, match="twice"):
        read_registry(write(tmp_path, row, row))


@pytest.mark.parametrize("text", ["", "[]", "{", "facility: x", "proposals: 3\nfacility: x"])
def test_a_malformed_file_is_refused_with_what_to_do(tmp_path: Path, text: str) -> None:
    file = tmp_path / "facility.yaml"
    file.write_text(text)
    with pytest.raises(HubConfigError, match="Correct the file"):
        read_registry(file)
