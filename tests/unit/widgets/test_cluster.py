"""The widget of a cluster, on a real one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from panosc_analysis import workbench
from panosc_analysis.reduction import Cluster
from panosc_analysis.widgets import ClusterWidget


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with workbench.cluster("threads", workers=1, threads=1) as started:
        yield started


def test_it_says_what_there_is_and_follows_what_is_asked(cluster: Cluster) -> None:
    widget = ClusterWidget(cluster)
    assert (widget.title, widget.summary, widget.state) == ("Threads in this process", "1 worker · 1 thread", "open")
    assert widget.dashboard.startswith("http://127.0.0.1:")
    assert widget.memory.endswith(" GB")
    widget._on_message(widget, {"kind": "adapt", "minimum": 1, "maximum": 1}, [])
    assert widget.adapting == [1, 1]
    widget._on_message(widget, {"kind": "scale", "workers": 2}, [])
    cluster.wait(2, timeout=60)
    held = cluster.client.map(str, range(4))
    cluster.client.gather(held)
    widget._on_message(widget, {"kind": "look"}, [])
    assert (widget.summary, widget.tasks, widget.tasks_part) == ("2 workers · 2 threads", "4 of 4 tasks", 1.0)
    assert widget.adapting == []


@pytest.mark.parametrize(
    "message",
    [{"kind": "scale", "workers": 0}, {"kind": "scale", "workers": None}, {"kind": "scale"}, {"kind": "adapt"},
     {"kind": "adapt", "minimum": 3, "maximum": 2}, {"kind": "scale", "workers": "many"}],
)  # fmt: skip
def test_what_cannot_be_is_said_in_the_widget(cluster: Cluster, message: dict[str, object]) -> None:
    widget = ClusterWidget(cluster)
    widget._on_message(widget, message, [])
    assert widget.notice
    widget._on_message(widget, {"kind": "look"}, [])
    assert widget.notice, "it stays until something else is asked"
    assert widget.state == "open"


def test_a_notebook_shows_a_cluster_by_its_widget(cluster: Cluster) -> None:
    data, _ = cluster._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data


def test_the_widget_closes_the_cluster() -> None:
    with workbench.cluster("threads", threads=1) as started:
        widget = ClusterWidget(started)
        widget._on_message(widget, {"kind": "close"}, [])
        assert (widget.state, widget.summary) == ("closed", "Closed")
        assert not started.is_open
        assert ClusterWidget(started).state == "closed"
