"""`configure_gateway`: everything that the configuration of a dask-gateway server needs of this package."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from jsonschema import Draft202012Validator

from hub_config.errors import HubConfigError
from hub_config.gateway.authenticator import SessionAuthenticator
from hub_config.gateway.backend import SessionBackend
from hub_config.policy import Dask, policy_schema, read_dask, read_policy

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["bounds_from", "configure_gateway"]

POLICY, SECTION = "PANOSC_POLICY", "PANOSC_DASK"


def bounds_from(environment: Mapping[str, str]) -> Dask:
    """Read the policy's ``dask`` section: from the file ``$PANOSC_POLICY``, or as text in ``$PANOSC_DASK``.

    Raises
    ------
    HubConfigError
        It cannot be read, or says something that it must not.
    """
    if path := environment.get(POLICY):
        return read_policy(Path(path)).dask
    section = yaml.safe_load(environment.get(SECTION, "")) or {}
    schema = policy_schema()
    faults = [
        f"{'.'.join(map(str, fault.absolute_path)) or 'dask'}: {fault.message}"
        for fault in Draft202012Validator({"$ref": "#/$defs/dask", "$defs": schema["$defs"]}).iter_errors(section)
    ]
    if faults:
        raise HubConfigError(f"${SECTION} cannot be used: {'; '.join(faults)}. Correct the dask section of the policy.")
    return read_dask(section)


def configure_gateway(c: Any, environment: Mapping[str, str] | None = None) -> None:
    """Fill the traitlets configuration `c` of a dask-gateway server on Kubernetes.

    Parameters
    ----------
    c
        The configuration.
    environment
        ``PANOSC_POLICY`` or ``PANOSC_DASK``; ``PANOSC_NAMESPACE``, where this server runs, and
        ``PANOSC_SESSIONS_NAMESPACE``, where sessions do, if that is another one; ``PANOSC_DASK_PRIORITY_CLASS``, so
        that clusters give way to sessions. ``JUPYTERHUB_API_URL`` and ``JUPYTERHUB_API_TOKEN`` as dask-gateway itself
        reads them.

    Raises
    ------
    HubConfigError
        The policy must not be used.
    """
    known = os.environ if environment is None else environment
    own = known.get("PANOSC_NAMESPACE") or own_namespace()
    c.DaskGateway.authenticator_class = SessionAuthenticator
    # The hub is asked about every request: a token that has ended, or a group that was lost, counts at once.
    c.SessionAuthenticator.cache_max_age = 0
    c.DaskGateway.backend_class = SessionBackend
    c.SessionBackend.bounds = bounds_from(known)
    c.SessionBackend.gateway_namespace = own
    c.SessionBackend.priority_class = known.get("PANOSC_DASK_PRIORITY_CLASS", "")
    c.SessionBackend.sessions_namespace = known.get("PANOSC_SESSIONS_NAMESPACE") or own
    if name := known.get("PANOSC_DASK_PRIORITY_CLASS"):
        for kind in ("scheduler_extra_pod_config", "worker_extra_pod_config"):
            c.KubeClusterConfig[kind] = {**c.KubeClusterConfig.get(kind, {}), "priorityClassName": name}


def own_namespace() -> str:
    """Return the namespace of this pod."""
    file = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
    return file.read_text(encoding="utf-8").strip() if file.exists() else "default"
