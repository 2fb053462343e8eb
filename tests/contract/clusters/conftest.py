"""Each kind of cluster, on a real server."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import dask.config
import pytest

from panosc_analysis.reduction.clusters import Cluster, Kind, start_cluster
from tests.contract.clusters.servers import dask_gateway, slurm, slurm_missing

KINDS: tuple[Kind, ...] = ("threads", "local", "gateway", "slurm")
Start = Callable[..., Cluster]


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    """One kind after the other."""
    return request.param


@pytest.fixture(scope="module")
def environment(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """What this kind's environment says, with its server running."""
    with ExitStack() as servers, pytest.MonkeyPatch.context() as patch:
        told: dict[str, str] = {}
        if kind == "gateway":
            told = servers.enter_context(dask_gateway(tmp_path_factory.mktemp("gateway")))
        elif kind == "slurm":
            if reason := slurm_missing():
                if "slurm" in os.environ.get("PANOSC_REQUIRE", ""):
                    pytest.fail(reason)
                pytest.skip(reason)
            told = servers.enter_context(slurm(tmp_path_factory.mktemp("slurm")))
            patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        for name, value in told.items():
            patch.setenv(name, value)
        dask.config.refresh()
        yield told
    dask.config.refresh()


@pytest.fixture
def start(kind: Kind, environment: Mapping[str, str]) -> Iterator[Start]:
    """Start a cluster of the kind with small workers; it is closed after the test."""
    with ExitStack() as opened:

        def begin(**more: object) -> Cluster:
            # Without a host Dask would ask the network for the machine's address, and tests stay on loopback.
            here = {"scheduler_options": {"host": "127.0.0.1"}, "worker_extra_args": ["--host", "127.0.0.1"]}
            small = {"threads": 1, "memory": "512MB", **(here if kind == "slurm" else {}), **more}
            return opened.enter_context(start_cluster(kind, **small))  # type: ignore[arg-type]

        yield begin


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a stack of images, large enough that somebody can be killed meanwhile."""
    import h5py
    import hdf5plugin
    import numpy as np

    file = tmp_path_factory.mktemp("stack") / "stack.h5"
    values = np.random.default_rng(5).poisson(3, (64, 256, 256)).astype("u2")
    with h5py.File(file, "w") as out:
        data = out.create_dataset("data", (640, 256, 256), "u2", chunks=(1, 256, 256), **hdf5plugin.Bitshuffle())
        for first in range(0, 640, 64):
            data[first : first + 64] = values
    return file
