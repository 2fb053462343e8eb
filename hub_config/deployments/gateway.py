"""dask-gateway on Kubernetes: `dask-gateway-server --config` this file, or `configure(c)` in the server of its chart.

There the one line of `gateway.extraConfig` is
`from hub_config.deployments.gateway import configure; configure(c)`.
"""

from typing import Any

from hub_config.gateway.configuring import configure_gateway

__all__ = ["configure"]


def configure(c: Any) -> None:
    """Fill the configuration `c` from the policy, which the environment names."""
    configure_gateway(c)


if "get_config" in globals():  # traitlets provides it to the file that a server was told to load.
    configure(globals()["get_config"]())
