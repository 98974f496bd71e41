"""Tests of `flyte_dask_sizing`."""
