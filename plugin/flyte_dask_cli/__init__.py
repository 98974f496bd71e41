"""The command ``flyte-dask``: inspect and check Dask clusters of Flyte tasks before they run."""
