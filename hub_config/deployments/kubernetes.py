"""A cluster, a pod for each session: `jupyterhub -f` this file, or `configure(c)` in the hub of Zero to JupyterHub.

There the one line of `hub.extraConfig` is
`from hub_config.deployments.kubernetes import configure; configure(c)`.
"""

from typing import Any

from hub_config.cluster import read_cluster
from hub_config.configurer import configure_kubernetes

__all__ = ["configure"]


def configure(c: Any) -> None:
    """Fill the configuration `c` from the policy and from what is known about the cluster."""
    configure_kubernetes(c, read_cluster())


if "get_config" in globals():  # JupyterHub provides it to the file that it was told to load.
    configure(globals()["get_config"]())
