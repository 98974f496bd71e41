"""Kubernetes quantities: their exact value, their canonical spelling, and their text for people."""

from flyte_dask.quantities.quantity import ZERO, Quantity

__all__ = ["ZERO", "Quantity"]
