"""Findings: problems of a task or a module, as JSON."""

from __future__ import annotations

import os
import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import suppress
from types import FrameType

from flyte_dask.advice import Advice
from flyte_dask.errors import ConfigError, Problem, short
from flyte_dask.errors.call_site import CallSite, is_library
from flyte_dask.explanation.summary import Json, place
from flyte_dask.rules import RULES, SEVERITIES, page_of

__all__ = [
    "SEVERITIES",
    "finding",
    "from_advice",
    "from_error",
    "from_problem",
    "import_chain",
    "is_installed",
]

_MAX_LENGTH = 400
_LIBRARIES = [sysconfig.get_paths()[name] for name in ("stdlib", "purelib", "platlib")]


def finding(
    severity: str, code: str, message: str, call_site: CallSite | None = None, **others: object
) -> Json:
    """One finding.

    Args:
        severity: one of `SEVERITIES`.
        code: the code of the rule of advice; else ``config``, ``policy``, ``import`` and the like.
        message: the problem, without the remedy.
        call_site: the line that it is about.
        others: ``blocking``, whether it prevents registration (default: true); the name of the
            ``task``; the workflow, the id and the task of the ``node``; the ``path`` of the value
            in the task's config, or in the team file; the ``remedy``; the ``replacement`` of a
            text in a call; its ``page`` in the documentation; the ``traceback`` of its exception;
            the modules that were ``not_checked`` because of it, each with what it ``imports``, up
            to the line that failed.
    """
    head = {"severity": severity, "code": code, "blocking": True, **place(call_site)}
    names = ("task", "node", "path", "message", "remedy", "replacement", "page", "traceback")
    rest = dict.fromkeys(names)
    return {**head, **rest, "message": message, "not_checked": [], **others}


def from_advice(advice: Advice, call_site: CallSite | None, task: str) -> Json:
    """The finding of a piece of advice."""
    values = {name: getattr(advice, name) for name in ("path", "remedy", "page")}
    message, others = advice.consequence, {"blocking": False, "task": task, **values}
    return finding(advice.severity, advice.code, message, call_site, **others)


def from_problem(
    problem: Problem,
    code: str,
    call_site: CallSite | None = None,
    task: str | None = None,
    subject: str = "",
) -> Json:
    """The finding of a problem of a config, or of a team file; *subject* is what was validated."""
    message = str(problem).removesuffix(f": {problem.remedy}")
    others: Json = {"path": problem.path, "remedy": problem.remedy}
    if problem.replacement is not None and code == "config":
        words = {"call": _called(subject), "old": str(problem.value), "new": problem.replacement}
        others["replacement"] = words
    page = page_of(code) if code in RULES else None
    return finding("error", code, message, call_site, task=task, page=page, **others)


def _called(subject: str) -> str:
    """The name of the function of *subject*: that of ``with_workers(...)``, of ``@task of etl``."""
    name = subject.partition(" ")[0].removesuffix("(...)").removeprefix("@")
    return name.rpartition(".")[2]


def from_error(
    error: BaseException, rule: str, task: str | None = None, call_site: CallSite | None = None
) -> Iterator[Json]:
    """The findings of an exception of a module or a task: one for each problem of our errors.

    Args:
        error: the exception.
        rule: what failed because of it, such as ``cannot be imported``.
        task: the name of the task.
        call_site: the line of the task or module, if the error has none.
    """
    if not isinstance(error, ConfigError):
        message, where = f"{rule}: {_summary(error)}", _call_site(error) or call_site
        code = "task" if task else "import"
        yield finding("error", code, message, where, task=task, traceback=_trace(error))
        return
    is_file = os.path.isfile(error.subject)  # noqa: PTH113  # unlike Path, it accepts any text
    for problem in error.problems:
        line = CallSite(error.subject, problem.line or 1) if is_file else error.call_site
        yield {
            **from_problem(
                problem,
                "team-file" if is_file else "config",
                line or call_site,
                None if is_file else task,
                error.subject,
            ),
            "traceback": _trace(error),
        }


def import_chain(error: BaseException) -> list[str]:
    """The lines of the user's modules that imported each other, up to the one that failed."""
    found = [
        CallSite(frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_code.co_name == "<module>" and _is_users(frame)
    ]
    if isinstance(error, SyntaxError) and error.filename:
        found.append(CallSite(error.filename, error.lineno or 1))
    places = [place(each) for each in found]
    return [f"{each['file']}:{each['line']}" for each in places]


def is_installed(file: str | None) -> bool:
    """Whether *file* belongs to Python itself or to an installed package."""
    return not file or file.startswith(("<", *_LIBRARIES))


def _summary(error: BaseException) -> str:
    """Its type and text, in one line of limited length."""
    if isinstance(error, SystemExit):
        return f"it calls sys.exit({short(error.code)})"
    text = "<no text>"
    with suppress(Exception):  # a user's class may raise in __str__
        text = error.msg if isinstance(error, SyntaxError) else str(error)
    text = " ".join(f"{type(error).__name__}: {text}".split()).removesuffix(":")
    text = "".join(each if each.isprintable() else "?" for each in text)
    return text if len(text) <= _MAX_LENGTH else f"{text[:_MAX_LENGTH]}..."


def _call_site(error: BaseException) -> CallSite | None:
    """The innermost line of the user's code in the traceback."""
    if isinstance(error, SyntaxError) and error.filename:
        return CallSite(error.filename, error.lineno or 1)
    found = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        if _is_users(frame):
            found = CallSite(frame.f_code.co_filename, line)
    return found


def _is_users(frame: FrameType) -> bool:
    return not is_installed(frame.f_code.co_filename) and not is_library(frame)


def _trace(error: BaseException) -> str:
    """The traceback, from the first frame that is neither ours nor of Python's import system."""
    trace = error.__traceback__
    while trace is not None and is_library(trace.tb_frame):
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace)).rstrip()
