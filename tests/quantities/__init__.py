"""Kubernetes quantities."""
