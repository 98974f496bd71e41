"""Advice on pitfalls in a config and its task: what is valid, but probably not intended.

Each piece of advice has a code, a severity, a path, its consequence in numbers, and a remedy as
code. ``config.without_advice(code)`` suppresses what is intended.
"""

from flyte_dask.advice.advise import OF_NUMBER, advise, applies, by_rule, unsilenced, wanted
from flyte_dask.advice.job import Advice, Job
from flyte_dask.rules import RULES, SEVERITIES, Rule, Severity

__all__ = [
    "OF_NUMBER",
    "RULES",
    "SEVERITIES",
    "Advice",
    "Job",
    "Rule",
    "Severity",
    "advise",
    "applies",
    "by_rule",
    "unsilenced",
    "wanted",
]
