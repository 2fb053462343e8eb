"""Ports are found, and a hub that cannot start says why and leaves nothing behind."""

from __future__ import annotations

import socket
from pathlib import Path

import psutil
import pytest

from hub_config.errors import HubConfigError
from hub_config.launcher import free_ports, next_free_port, running_hub


def test_a_taken_port_is_passed_over() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert next_free_port("127.0.0.1", port) > port


def test_free_ports_differ() -> None:
    assert len(set(free_ports(8))) == 8


def test_no_free_port_says_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(HubConfigError, match="--port"):
            next_free_port("127.0.0.1", taken.getsockname()[1], tries=1)


def test_a_hub_that_dies_shows_the_end_of_its_log(tmp_path: Path) -> None:
    before = {p.pid for p in psutil.Process().children(recursive=True)}
    with (
        pytest.raises(HubConfigError, match="did not start") as failure,
        running_hub({"PANOSC_HUB_SETTINGS": str(tmp_path / "none")}, tmp_path / "hub.log", ("127.0.0.1", 1), 60),
    ):
        raise AssertionError("a hub without settings must not start")
    assert "make demo" in str(failure.value)
    assert {p.pid for p in psutil.Process().children(recursive=True)} <= before
