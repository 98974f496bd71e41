"""A cluster as plain values, each with how it came about, and their text."""

from flyte_dask.explanation.summary import UNITS, Facts, facts_of, footprint_facts
from flyte_dask.explanation.text import FIELDS, HEADERS, Row, fields_of, rows, story

__all__ = [
    "FIELDS",
    "HEADERS",
    "UNITS",
    "Facts",
    "Row",
    "facts_of",
    "fields_of",
    "footprint_facts",
    "rows",
    "story",
]
