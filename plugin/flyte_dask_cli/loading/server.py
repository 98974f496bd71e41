"""The server process, which imports users' modules and serializes their tasks.

It reads the request from its standard input, and writes a line of JSON for each module, each of
which starts with the request's token.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from json import dumps, load  # a module may replace the attributes of json
from typing import Any

from flyte_dask.errors.call_site import CallSite
from flyte_dask.explanation.summary import Json
from flyte_dask_cli.loading.client import Request
from flyte_dask_cli.loading.findings import from_error, import_chain
from flyte_dask_cli.loading.loader import Loaded, Loader
from flyte_dask_cli.loading.missing_modules import remedy_for
from flyte_dask_cli.loading.serialize import Serializer
from flyte_dask_cli.loading.targets import Target

__all__ = ["main"]


def main() -> None:
    """Serve one request, and exit without waiting for threads that modules have started."""
    request = load(sys.stdin)
    send = _private_channel(request["token"])
    try:
        _serve(send, request)
    except BaseException:  # an internal error, which must not wait for threads either
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _serve(send: Callable[[Json], None], request: Mapping[str, Any]) -> None:
    try:
        serializer = Serializer(Request(**request["request"]))
    except ValueError as error:
        send({"error": str(error)})
        return
    send({"error": None})
    loader, process = Loader(), os.getpid()
    for number, each in enumerate(request["targets"], start=1):
        response = _response(loader, serializer, Target(**each))
        if os.getpid() != process:
            os._exit(0)  # a fork that a module has left running
        send({"number": number, **response})


def _private_channel(token: str) -> Callable[[Json], None]:
    """A function that sends messages; prints of modules go to standard error from now on.

    Standard input is empty from now on.
    """
    messages = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="ascii")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with open(os.devnull, encoding="ascii") as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), sys.stdin.fileno())

    def send(message: Json) -> None:
        messages.write(f"{token}{dumps(message)}\n")
        messages.flush()

    return send


def _response(loader: Loader, serializer: Serializer, target: Target) -> Json:
    loaded = _loaded(loader, target)
    findings = [*loaded.findings, *_failure(target, loaded.failure)]
    if not (loaded.is_valid or serializer.takes_invalid_modules):
        return {"tasks": [], "findings": findings, "failed": 0}
    results = [serializer.serialize(task) for task in loaded.tasks]
    failed = [each for each in results if isinstance(each, list)]
    if serializer.has_nodes:
        results += [serializer.serialize_node(node) for node in loaded.nodes]
    serialized = [each for each in results if isinstance(each, dict)]
    findings += [found for each in results if isinstance(each, list) for found in each]
    findings += [found for task in loaded.invalid for found in serializer.problems_of_own(task)]
    failures = len(failed) + len(loaded.invalid)
    return {"tasks": serialized, "findings": findings, "failed": failures}


def _loaded(loader: Loader, target: Target) -> Loaded:
    try:
        return loader.load(target)
    except BaseException as error:  # such as a task that does not exist
        return Loaded([], is_valid=False, failure=error)


def _failure(target: Target, error: BaseException | None) -> Iterator[Json]:
    """The findings of the error that ended the import of *target*."""
    if error is None:
        return
    line = CallSite(target.file, 1) if target.file else None
    not_checked = {"module": target.name, "imports": import_chain(error)}
    for each in from_error(error, "cannot be imported", call_site=line):
        remedy = each["remedy"] or remedy_for(error, each["file"], target)
        yield {**each, "remedy": remedy, "not_checked": [not_checked]}
