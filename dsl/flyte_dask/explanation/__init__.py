"""The values of a cluster as JSON, each with its provenance, and their text."""

from flyte_dask.explanation.summary import UNITS, Json, summarize, summarize_footprint
from flyte_dask.explanation.text import FIELDS, HEADERS, Row, fields_of, rows, story

__all__ = [
    "FIELDS",
    "HEADERS",
    "UNITS",
    "Json",
    "Row",
    "fields_of",
    "rows",
    "story",
    "summarize",
    "summarize_footprint",
]
