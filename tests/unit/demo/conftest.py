"""One tiny facility for all tests of the room, and its files by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from panosc_analysis.demo import Facility, make_facility


@pytest.fixture(scope="session")
def facility(tmp_path_factory: pytest.TempPathFactory) -> Facility:
    return make_facility(tmp_path_factory.mktemp("demo") / "facility", size="tiny")


class Files:
    """Finds a file of the facility by the beginning of its name."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def raw(self, stem: str) -> Path:
        found = [p for p in self.root.glob(f"*/*/*/RAW_DATA/{stem}*") if "_data_0" not in p.name]
        assert len(found) == 1, found
        return found[0]

    def masters(self) -> list[Path]:
        found = [*self.root.glob("*/*/*/RAW_DATA/*.h5"), *self.root.glob("*/*/*/RAW_DATA/*.nxs")]
        return sorted(p for p in found if "_data_0" not in p.name and "600K" not in p.name)

    def answer(self, stem: str) -> dict[str, Any]:
        (path,) = self.root.glob(f"*/*/*/PROCESSED_DATA/{stem}*_known_answer.json")
        return json.loads(path.read_text())

    def poni(self, stem: str) -> Path:
        (path,) = self.root.glob(f"*/*/*/PROCESSED_DATA/{stem}*.poni")
        return path


@pytest.fixture(scope="session")
def files(facility: Facility) -> Files:
    return Files(facility.directory)
