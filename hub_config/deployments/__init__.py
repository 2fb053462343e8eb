"""The files that JupyterHub loads: they get settings and call `configure`, nothing else."""
