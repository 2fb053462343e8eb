"""The small demo facility, as a newcomer gets it, seen through the package's own doors."""

from __future__ import annotations

import json

import numpy as np
import pytest

from panosc_analysis.demo import Facility, make_facility
from panosc_analysis.errors import FileTruncated
from panosc_analysis.nexus import ArrayHandle, check_links, default_plot, open_file
from panosc_analysis.reduction import reduce


@pytest.fixture(scope="module")
def facility(tmp_path_factory: pytest.TempPathFactory) -> Facility:
    return make_facility(tmp_path_factory.mktemp("demo") / "facility", size="small")


def test_small_is_small(facility):
    assert 50e6 < facility.size < 150e6


def test_every_file_opens_with_its_plot_or_is_the_crashed_one(facility):
    kinds = {"ID31": "stack", "ID02": "stack", "BM18": "stack", "ID21": "image", "BM23": "curve", "TOFDIFF": "curve"}
    refused = []
    for path in sorted(facility.directory.glob("*/*/*/RAW_DATA/*")):
        if path.suffix == ".log":
            continue
        try:
            plot = default_plot(path)
        except FileTruncated:
            refused.append(path.name)
            continue
        assert plot.kind == kinds[path.relative_to(facility.directory).parts[1]], path
        assert not plot.remarks, (path, plot.remarks)
    assert refused == ["LaB6_600K_0004.h5"]


def test_the_stack_is_a_table_of_chunks_in_three_files(facility):
    master = next(facility.directory.glob("hc-5001/*/*/RAW_DATA/LaB6_300K_0002.h5"))
    table = ArrayHandle(master, "/entry/data/data").chunk_table()
    assert table is not None
    assert table.shape == (100, 1062, 1028)
    names, chunks = np.unique([table.files[index].name for index in table.file_index[:, 0]], return_counts=True)
    assert list(names) == [f"LaB6_300K_0002_data_{number:06d}.h5" for number in (1, 2, 3)]
    assert list(chunks) == [40, 40, 20]
    plot = default_plot(master)
    assert plot.masked_value == np.iinfo(np.uint32).max
    assert plot.scale == "log"


def test_no_link_leaves_the_facility(facility):
    for path in facility.directory.glob("*/*/*/RAW_DATA/*_000[123]*.h5"):
        with open_file(path) as file:
            check_links(file, [facility.directory])


def test_every_public_file_is_open_data(facility):
    for path in facility.directory.glob("open/*/*/RAW_DATA/*"):
        if "_data_0" not in path.name:
            with open_file(path) as file:
                assert file["entry/proposal/is_public"][()]


def test_the_reduction_gives_the_known_answer(facility):
    """Rings where the calibrant puts them, with the intensities that were drawn: by this package's own reduction."""
    folder = facility.directory / "hc-5001" / "ID31" / "20260512"
    answer = json.loads((folder / "PROCESSED_DATA" / "LaB6_300K_0002_known_answer.json").read_text())
    handle = default_plot(folder / "RAW_DATA" / "LaB6_300K_0002.h5").signal
    result = reduce(handle, ["statistics", "azimuthal"], parameters={"npt": 3000, "unit": "q_nm^-1"})
    # Counting noise of the sum over all frames and pixels.
    total = float(result["sum"].values.sum(dtype=np.float64))
    assert total == pytest.approx(answer["expected_total_counts"], abs=6 * answer["expected_total_counts"] ** 0.5)
    profile = result["profile"]
    q, intensity = profile.axes[0].values, profile.values
    background = answer["background"]
    level = background["constant"] + background["amplitude"] * np.exp(-q / background["decay"])
    inner = [ring for ring in answer["rings"] if ring["q"] < 45]
    assert len(inner) >= 6
    for ring in inner:
        near = np.abs(q - ring["q"]) < 0.6
        net = (intensity - level)[near]
        assert np.average(q[near], weights=net) == pytest.approx(ring["q"], abs=0.01)
        # The profile is a mean over frames, the answer a sum weighted by the monitor.
        measured = np.trapezoid(net, q[near]) * answer["frames"]
        assert measured == pytest.approx(ring["integrated_intensity"], rel=0.02)
