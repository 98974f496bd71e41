"""Dask clusters of Flyte tasks, from registration to report, without any SDK of Flyte.

`registration` builds the message and reviews it, `session` runs the function with its cluster, and
`host` is what an SDK supplies.
"""
