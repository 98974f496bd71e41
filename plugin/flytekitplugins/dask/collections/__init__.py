"""Dask collections as flytekit's types."""
