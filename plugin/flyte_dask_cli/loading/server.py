"""The process that imports a user's modules, and answers a question about their tasks.

It reads the question from its standard input, and writes a line of JSON for each module, after
the question's token.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Mapping
from json import dumps, load  # which a module may replace in there
from typing import Any

from flyte_dask.errors.call_site import CallSite
from flyte_dask.explanation.summary import Json
from flyte_dask_cli.loading.client import Question
from flyte_dask_cli.loading.findings import of_error
from flyte_dask_cli.loading.loader import Loader
from flyte_dask_cli.loading.serialize import Serializer
from flyte_dask_cli.loading.targets import Target

__all__ = ["main"]


def main() -> None:
    """Answer, and end without waiting for what modules have started."""
    asked = load(sys.stdin)
    answer = _private_channel(asked["token"])
    try:
        _answer_all(answer, asked)
    except BaseException:  # a mistake of ours, which must not wait for threads
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _answer_all(answer: Callable[[Json], None], asked: Mapping[str, Any]) -> None:
    try:
        teller = Serializer(Question(**asked["question"]))
    except ValueError as error:
        answer({"refused": str(error)})
        return
    answer({"refused": None})
    loader, process = Loader(), os.getpid()
    for number, each in enumerate(asked["targets"], start=1):
        told = _told(loader, teller, Target(**each))
        if os.getpid() != process:
            os._exit(0)  # a module has made a copy of us
        answer({"number": number, **told})


def _private_channel(token: str) -> Callable[[Json], None]:
    """Where answers go. What modules print goes to the standard error, and they read nothing."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="ascii")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with open(os.devnull, encoding="ascii") as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), sys.stdin.fileno())

    def answer(said: Json) -> None:
        answers.write(f"{token}{dumps(said)}\n")
        answers.flush()

    return answer


def _told(loader: Loader, teller: Serializer, target: Target) -> Json:
    try:
        tasks, findings = loader.load(target)
    except BaseException as error:  # a module may raise whatever it likes
        site = CallSite(target.file, 1) if target.file else None
        found = list(of_error(error, "cannot be imported", site=site))
        return {"tasks": [], "findings": found, "failed": 0}
    answers = [teller.told(task) for task in tasks]
    failed = [told for told in answers if isinstance(told, list)]
    return {
        "tasks": [told for told in answers if isinstance(told, dict)],
        "findings": [*findings, *(each for told in failed for each in told)],
        "failed": len(failed),
    }
