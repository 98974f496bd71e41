"""Dask clusters of Flyte tasks, from registration to report, without any of Flyte's SDKs."""
