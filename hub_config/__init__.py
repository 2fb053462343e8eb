"""JupyterHub configuration as an importable, tested package.

`configurer.configure(c, settings)` calls one function per concern; the files in `deployments` are what JupyterHub
loads. Who may see which data is decided in one place, `access`, for every backend.
"""
