"""One machine, plain processes: `jupyterhub -f` this file; `panosc-analysis demo` does it."""

from hub_config.configurer import configure_local
from hub_config.settings import read_settings

configure_local(get_config(), read_settings())  # type: ignore[name-defined]  # noqa: F821 - JupyterHub provides get_config
