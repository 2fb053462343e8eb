"""dask-gateway on Kubernetes: `dask-gateway-server -f` this file, or these two lines in a chart's extraConfig."""

from hub_config.gateway.configuring import configure_gateway

configure_gateway(get_config())  # type: ignore[name-defined]  # noqa: F821 - traitlets provides get_config
