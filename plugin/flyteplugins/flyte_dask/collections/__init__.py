"""Dask DataFrames as inputs and outputs of Flyte 2 tasks."""
