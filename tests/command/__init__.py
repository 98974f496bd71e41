"""The command `flyte-dask`."""
