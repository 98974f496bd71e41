"""Kubernetes quantities: exact values, canonical spelling, and text for people."""

from flyte_dask.quantities.quantity import ZERO, Quantity

__all__ = ["ZERO", "Quantity"]
