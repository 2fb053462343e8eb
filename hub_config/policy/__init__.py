"""``panosc.yaml``: one file that says who gets which data, in which session, with which limits."""

from hub_config.policy.document import PolicyError, policy_schema
from hub_config.policy.model import Accounts, Dask, Docker, Homes, Hub, Limits, Policy, Profile, Sessions, Share
from hub_config.policy.reading import read_dask, read_policy

__all__ = [
    "Accounts",
    "Dask",
    "Docker",
    "Homes",
    "Hub",
    "Limits",
    "Policy",
    "PolicyError",
    "Profile",
    "Sessions",
    "Share",
    "policy_schema",
    "read_dask",
    "read_policy",
]
