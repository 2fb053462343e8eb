"""Which cluster there is, and what is said where there is none. That they work: tests/contract/clusters."""

from __future__ import annotations

import gc
import time
from pathlib import Path

import dask.config
import pytest

from panosc_analysis.errors import ReductionError
from panosc_analysis.reduction.clusters import kind_that_is_there, start_cluster
from panosc_analysis.reduction.deploying import gateway_dashboard


def test_what_there_is(tmp_path: Path) -> None:
    sbatch = tmp_path / "sbatch"
    sbatch.write_text("#!/bin/sh\n")
    sbatch.chmod(0o755)
    submit = {"PATH": str(tmp_path)}
    assert kind_that_is_there({"DASK_GATEWAY__ADDRESS": "http://traefik", **submit}) == "gateway"
    assert kind_that_is_there(submit) == "slurm"
    assert kind_that_is_there({**submit, "SLURM_JOB_ID": "7"}) in ("local", "threads")
    assert kind_that_is_there({"PATH": ""}) in ("local", "threads")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"kind": "cloud"}, "no kind of cluster 'cloud'"),
        ({"kind": "threads", "workers": 0}, "counted from one"),
        ({"kind": "local", "threads": 0}, "counted from one"),
        ({"kind": "local", "queue": "short"}, "no option queue"),
        ({"kind": "slurm", "quue": "short"}, "no option quue"),
        ({"kind": "gateway", "memory": "much"}, "no amount of memory"),
        ({"kind": "gateway"}, "gave no workers"),
        ({"kind": "slurm"}, "SLURM does not answer"),
    ],
)
def test_what_cannot_be_started_is_said(
    given: dict[str, object], says: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("DASK_GATEWAY__ADDRESS", raising=False)
    dask.config.refresh()
    with pytest.raises(ReductionError, match=says):
        start_cluster(**given)  # type: ignore[arg-type]
    gc.collect()  # what was half made complains, if at all, when it is collected


def test_a_dashboard_is_inside_lab_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/alice/")
    assert gateway_dashboard("sessions.0a1b", "http://x/") == "/user/alice/proxy/dask-0a1b.sessions:8787/status"
    assert gateway_dashboard("0a1b", "http://x/") == "http://x/"
    monkeypatch.delenv("JUPYTERHUB_SERVICE_PREFIX")
    assert gateway_dashboard("sessions.0a1b", None) == ""


def test_threads_work_however_much_their_process_holds() -> None:
    """The worker's limit is less than any Python process needs; a worker that paused for it would never go on."""
    with start_cluster("threads", threads=1, memory="32MB") as cluster:
        cluster.wait(1)
        time.sleep(1)  # by then it has looked at its memory
        assert cluster.client.submit(sum, [1, 2]).result(timeout=60) == 3
        assert cluster.state().workers[0].memory_limit
