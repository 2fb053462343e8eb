"""JupyterLab in a container: what every session has, and what only a container needs."""

import warnings
from importlib.resources import files

c = get_config()  # type: ignore[name-defined]  # noqa: F821 - Jupyter provides get_config
load_subconfig(str(files("hub_config") / "lab" / "jupyter_server_config.py"))  # type: ignore[name-defined]  # noqa: F821

# What an extension does not protect itself is protected for it; the server would warn of each such address.
c.ServerApp.allow_unauthenticated_access = False
warnings.filterwarnings("ignore", message="Extension endpoints without")
# The proxy reaches this container and nothing else.
c.ServerProxy.host_allowlist = ["localhost", "127.0.0.1"]
# Kernels talk over sockets in the session's own /tmp: no port that another process could find.
c.KernelManager.transport = "ipc"
