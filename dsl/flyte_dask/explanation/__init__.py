"""A cluster as plain values, each with how it came about, and their text."""

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
