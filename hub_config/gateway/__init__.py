"""The dask-gateway server of a facility on Kubernetes: clusters belong to sessions and are what their session is."""
