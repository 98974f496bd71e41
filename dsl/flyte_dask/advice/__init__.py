"""Traps in a config and its task: what is legal, and probably not what was meant.

Each piece of advice has a code, a severity, the path that it is about, what will happen, in
numbers, and the remedy, as code. What is meant is silenced: ``config.without_advice(code)``.
"""

from flyte_dask.advice.advise import advise, unsilenced, wanted
from flyte_dask.advice.job import Advice, Job
from flyte_dask.rules import RULES, SEVERITIES, Rule, Severity

__all__ = [
    "RULES",
    "SEVERITIES",
    "Advice",
    "Job",
    "Rule",
    "Severity",
    "advise",
    "unsilenced",
    "wanted",
]
