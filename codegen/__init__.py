"""Generates ``generated/flyte_dask_idl`` from the installed flyteidl: ``python -m codegen``."""
