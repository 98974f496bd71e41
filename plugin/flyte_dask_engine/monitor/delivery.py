"""What a client waits for, although its scheduler knows that it failed; it is delivered late."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from distributed import Client
from distributed.core import clean_exception

from flyte_dask_engine.cluster_plugins.task_errors import raisable
from flyte_dask_engine.distributed_internals import stopped_receiving, why_it_stopped
from flyte_dask_engine.monitor.abort import abort_waiting
from flyte_dask_engine.monitor.diagnosis import Subject
from flyte_dask_engine.monitor.snapshot import Snapshot

__all__ = ["Deliveries"]

_LATE = 3  # polls after which a message is not under way, but was lost

Ask = Callable[..., Awaitable[Mapping[str, Any] | None]]
"""Asks the `SchedulerObserver`."""


class Deliveries:
    """Finds errors that did not reach a client, and clients that receive nothing at all."""

    def __init__(self, subject: Subject, ask: Ask) -> None:
        self.number_erred = 0
        """How many erred tasks are known."""
        self._subject = subject
        self._ask = ask
        self._polls: dict[Any, int] = {}  # by key of the task
        self._polls_without: dict[str, int] = {}  # by client

    def observe(self, snapshot: Snapshot) -> None:
        """Take in the tasks that erred."""
        if snapshot.number_erred > self.number_erred:  # otherwise another snapshot had them, too
            self.number_erred = snapshot.number_erred
            self._polls.update(dict.fromkeys(snapshot.erred, 0))

    async def complete(self, clients: Iterable[Client]) -> None:
        """Let *clients* fail that wait for a task which failed, or that receive nothing.

        It is to be called at each poll.
        """
        known = [*clients]
        for key in self._late(known):
            with suppress(OSError):
                error = _error_of(await self._ask("error", key=key) or {})
                if error is not None:
                    _deliver(key, error, known)
        for client in self._stopped(known):
            error = self._subject.stopped_receiving(why_it_stopped(client))
            abort_waiting([client], self._subject.address, error)

    def _late(self, clients: list[Client]) -> list[Any]:
        """The erred tasks of which *clients* should have learned by now."""
        self._polls = {
            key: number + 1
            for key, number in self._polls.items()
            if any(_waits_for(key, each) for each in clients)
        }
        return [key for key, number in self._polls.items() if number >= _LATE]

    def _stopped(self, clients: list[Client]) -> list[Client]:
        """Those of *clients* that have received nothing for several polls."""
        found = {each.id: each for each in clients if stopped_receiving(each)}
        self._polls_without = {name: self._polls_without.get(name, 0) + 1 for name in found}
        return [each for name, each in found.items() if self._polls_without[name] > _LATE]


def _waits_for(key: Any, client: Client) -> bool:
    state = client.futures.get(key)
    return state is not None and state.status == "pending"


def _error_of(response: Mapping[str, Any]) -> Exception | None:
    """The error of a task from the observer's *response*; None if it has none."""
    if not response:
        return None
    with suppress(BaseException):  # raised by the exception when it is unpickled
        _, error, _ = clean_exception(response["exception"])
        if error is not None:
            return raisable(error)
    return RuntimeError(str(response["text"]))


def _deliver(key: Any, error: Exception, clients: Iterable[Client]) -> None:
    """Make the future *key* of all *clients* that wait for it fail with *error*."""
    for client in clients:
        if client.loop is not None and _waits_for(key, client):
            with suppress(RuntimeError):  # its loop has ended, so nothing waits in it
                client.loop.add_callback(_fail, key, error, client)


def _fail(key: Any, error: Exception, client: Client) -> None:
    state = client.futures.get(key)
    if state is not None and state.status == "pending":
        state.set_error(error, None)
