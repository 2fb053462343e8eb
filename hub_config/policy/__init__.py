"""``panosc.yaml``: one file that says who gets which data, in which session, with which limits."""

from hub_config.policy.document import PolicyError, policy_schema
from hub_config.policy.model import Accounts, Docker, Homes, Hub, Limits, Policy, Profile, Sessions
from hub_config.policy.reading import read_policy

__all__ = [
    "Accounts",
    "Docker",
    "Homes",
    "Hub",
    "Limits",
    "Policy",
    "PolicyError",
    "Profile",
    "Sessions",
    "policy_schema",
    "read_policy",
]
