"""JupyterLab in a container: what only a container needs. What every session has comes from hub_config/lab."""

import warnings

from hub_config.lab.dashboards import may_be_shown

c = get_config()  # type: ignore[name-defined]  # noqa: F821 - Jupyter provides get_config

# What an extension does not protect itself is protected for it; the server would warn of each such address.
c.ServerApp.allow_unauthenticated_access = False
warnings.filterwarnings("ignore", message="Extension endpoints without")
# The proxy reaches this container, and the dashboards of the session's own Dask clusters.
c.ServerProxy.host_allowlist = may_be_shown
# Kernels talk over sockets in the session's own /tmp: no port that another process could find.
c.KernelManager.transport = "ipc"

try:
    from jupyter_remote_desktop_proxy.setup_websockify import setup_websockify
except ImportError:
    pass
else:
    # The desktop's picture is traffic, and nobody's work: hub_config.lab.activity counts keyboard and mouse. This
    # entry goes before the package's own, whose tile in the launcher stays.
    launcher = {"enabled": False, "title": "Desktop"}
    c.ServerProxy.servers = {
        "desktop-websockify": setup_websockify() | {"update_last_activity": False, "launcher_entry": launcher}
    }
