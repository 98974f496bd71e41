"""Tests of `flyte_dask_records`."""
