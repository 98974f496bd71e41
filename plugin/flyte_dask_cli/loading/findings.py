"""What is wrong with a task or a module: one thing each, in plain values."""

from __future__ import annotations

import os
import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any

from flyte_dask.advice import Advice
from flyte_dask.errors import ConfigError, Problem
from flyte_dask.errors.call_site import CallSite, is_library
from flyte_dask.explanation.summary import Json, place
from flyte_dask.rules import RULES, SEVERITIES, page_of

__all__ = [
    "SEVERITIES",
    "finding",
    "is_installed",
    "of_advice",
    "of_error",
    "of_problem",
]

_LONGEST = 400
_LIBRARIES = [sysconfig.get_paths()[name] for name in ("stdlib", "purelib", "platlib")]


def finding(  # noqa: PLR0913  # one for each key
    severity: str,
    code: str,
    message: str,
    *,
    blocking: bool = True,
    site: CallSite | None = None,
    task: str | None = None,
    path: str | None = None,
    remedy: str | None = None,
    page: str | None = None,
    trace: str | None = None,
) -> Json:
    """One thing that is wrong.

    Args:
        severity: one of `SEVERITIES`.
        code: of advice, its own; else ``config``, ``policy``, ``import`` and the like.
        message: what is wrong, without the remedy.
        blocking: whether it prevents a registration, as advice does not.
        site: the line where it is.
        task: the name of the task.
        path: of what in its config, or in the team file.
        remedy: what to do.
        page: the page about it, in the documentation.
        trace: the traceback of what a module raised.
    """
    head = {"severity": severity, "code": code, "blocking": blocking}
    told = {**head, **place(site), "task": task, "path": path}
    return {**told, "message": message, "remedy": remedy, "page": page, "traceback": trace}


def of_advice(advice: Advice, site: CallSite | None, task: str) -> Json:
    """A piece of advice."""
    return finding(
        advice.severity,
        advice.code,
        advice.consequence,
        blocking=False,
        site=site,
        task=task,
        path=advice.path,
        remedy=advice.remedy,
        page=advice.page,
    )


def of_problem(
    problem: Problem, code: str, site: CallSite | None = None, task: str | None = None
) -> Json:
    """One problem of a config, or of a team file."""
    message = str(problem).removesuffix(f": {problem.remedy}")
    page = page_of(code) if code in RULES else None
    return finding(
        "error",
        code,
        message,
        site=site,
        task=task,
        path=problem.path,
        remedy=problem.remedy,
        page=page,
    )


def of_error(
    error: BaseException, rule: str, task: str | None = None, site: CallSite | None = None
) -> Iterator[Json]:
    """What a module or a task raised: each problem of our errors, and of others what they say.

    Args:
        error: the exception.
        rule: what could not be done because of it, as the end of a sentence about that.
        task: the name of the task.
        site: its line, if the error tells none.
    """
    if not isinstance(error, ConfigError):
        message, where = f"{rule}: {_summary(error)}", _site(error) or site
        code = "task" if task else "import"
        yield finding("error", code, message, site=where, task=task, trace=_trace(error))
        return
    is_file = os.path.isfile(error.subject)  # noqa: PTH113  # which takes any text
    for problem in error.problems:
        line = CallSite(error.subject, problem.line or 1) if is_file else error.call_site
        yield {
            **of_problem(problem, "team-file" if is_file else "config", line or site),
            "task": None if is_file else task,
            "traceback": _trace(error),
        }


def is_installed(file: str | None) -> bool:
    """Whether *file* is of Python itself or of an installed package."""
    if not file or file.startswith("<"):
        return True
    return any(file.startswith(folder) for folder in _LIBRARIES)


def _summary(error: BaseException) -> str:
    """Its type, and what it says, in one line of no more than a few hundred characters."""
    if isinstance(error, SystemExit):
        return f"it ends the program: sys.exit({error.code!r})"
    said = "<no text>"
    with suppress(Exception):  # whatever a stranger's class does
        said = error.msg if isinstance(error, SyntaxError) else str(error)
    text = " ".join(f"{type(error).__name__}: {said}".split()).removesuffix(":")
    text = "".join(each if each.isprintable() else "?" for each in text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _site(error: BaseException) -> CallSite | None:
    """The innermost line of the user's own code."""
    if isinstance(error, SyntaxError) and error.filename:
        return CallSite(error.filename, error.lineno or 1)
    found = None
    trace = _users(error.__traceback__)
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not is_installed(file) and not is_library(trace.tb_frame):
            found = CallSite(file, trace.tb_lineno)
        trace = trace.tb_next
    return found


def _trace(error: BaseException) -> str:
    """The traceback from the user's code on."""
    told: list[Any] = traceback.format_exception(type(error), error, _users(error.__traceback__))
    return "".join(told).rstrip()


def _users(trace: TracebackType | None) -> TracebackType | None:
    """*trace* without our lines, and those of Python's imports, before the user's."""
    while trace is not None and is_library(trace.tb_frame):
        trace = trace.tb_next
    return trace
