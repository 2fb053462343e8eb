"""Ends the hub when what it reads only at its start has changed, so that the cluster starts it anew; sessions go on.

``python -m hub_config.renewing --policy panosc.yaml --cluster cluster.yaml`` is run by a hub in a pod as a service. Who
gets which data is read anew without it. A change that the hub would not start with is logged, and nothing ends.
"""

from __future__ import annotations

import argparse
import logging
import os
import time
from pathlib import Path
from typing import Any

import httpx

from hub_config.cluster.reading import CLUSTER, POLICY, check_against_policy, cluster_schema, read_cluster
from hub_config.errors import HubConfigError
from hub_config.policy import policy_schema, read_policy
from hub_config.policy.document import read_document

__all__ = ["SCOPES", "at_the_start"]

SCOPES = ("shutdown",)
# Of the policy; the others are read for every start of a session.
SECTIONS = ("facility", "roots", "identity", "sessions", "hub")
log = logging.getLogger("renewing")


def at_the_start(policy: Path, cluster: Path) -> dict[str, Any]:
    """Return what a hub that starts now would read once and for all.

    Raises
    ------
    PolicyError
        It would not start with this.
    """
    known = {CLUSTER: str(cluster), POLICY: str(policy)}
    check_against_policy(read_cluster(known), read_policy(policy))
    content = read_document(policy, schema=policy_schema()).content
    sections = {name: content.get(name) for name in SECTIONS}
    return {**sections, "cluster": read_document(cluster, schema=cluster_schema()).content}


def watch(policy: Path, cluster: Path, interval: float) -> None:
    """Return once something has changed, has stayed so until the next look, and is fit for a start."""
    first, seen = at_the_start(policy, cluster), _stamp(policy, cluster)
    log.info("Watching %s and %s", policy, cluster)
    while True:
        time.sleep(interval)
        now = _stamp(policy, cluster)
        if now == seen:
            continue
        time.sleep(interval)
        if now != _stamp(policy, cluster):
            continue
        seen = now
        try:
            if at_the_start(policy, cluster) != first:
                return
        except HubConfigError as error:
            log.error("The hub goes on with what it was started with: %s", error)


def _stamp(*files: Path) -> tuple[tuple[int, int, int], ...]:
    found = [file.stat() if file.exists() else None for file in files]
    return tuple((one.st_ino, one.st_mtime_ns, one.st_size) if one else (0, 0, 0) for one in found)


def main(arguments: list[str] | None = None) -> None:
    """Watch, then ask the hub to end; its proxy and its sessions stay."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policy", type=Path, required=True, help="panosc.yaml")
    parser.add_argument("--cluster", type=Path, required=True, help="cluster.yaml")
    parser.add_argument("--interval", type=float, default=10, help="seconds between two looks")
    options = parser.parse_args(arguments)
    logging.basicConfig(format="[%(levelname)s renewing] %(message)s", level=logging.WARNING)
    log.setLevel(logging.INFO)
    watch(options.policy, options.cluster, options.interval)
    log.warning("The settings have changed; the hub ends, to be started with the new ones. Sessions go on.")
    headers = {"Authorization": f"token {os.environ['JUPYTERHUB_API_TOKEN']}"}
    address = f"{os.environ['JUPYTERHUB_API_URL']}/shutdown"
    httpx.post(address, headers=headers, json={"proxy": False, "servers": False}, timeout=30).raise_for_status()


if __name__ == "__main__":
    main()
