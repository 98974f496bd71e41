"""The command ``flyte-dask``: what a task will get, who said so, and what changes."""
