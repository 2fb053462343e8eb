"""One host, a container for each session: `jupyterhub -f` this file; `panosc-analysis up` does it."""

from hub_config.configurer import configure_docker
from hub_config.settings import read_settings

configure_docker(get_config(), read_settings())  # type: ignore[name-defined]  # noqa: F821 - JupyterHub provides get_config
