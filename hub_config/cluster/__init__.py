"""``cluster.yaml``: what the hub must know of its Kubernetes cluster beside the policy; the chart writes it."""

from hub_config.cluster.model import Cluster, Demo, Network, Placement, RootVolume
from hub_config.cluster.reading import cluster_file, cluster_schema, read_cluster

__all__ = ["Cluster", "Demo", "Network", "Placement", "RootVolume", "cluster_file", "cluster_schema", "read_cluster"]
