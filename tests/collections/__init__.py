"""Dask collections as inputs and outputs of tasks."""
