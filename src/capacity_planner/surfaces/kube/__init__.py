"""The Kubernetes operator: custom resources in, plans and their reasons out.

What the resources say becomes the service's configuration; the service plans and scales as ever. Nothing here decides
about workers.
"""
