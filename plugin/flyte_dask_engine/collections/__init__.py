"""Dask collections as inputs and outputs of tasks: the workers write and read their partitions."""
