"""The report as a flytekit deck: one tab of the page that a task leaves."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click
from distributed import Future
from flytekit import Deck, StructuredDataset
from flytekit.core.context_manager import ExecutionParameters, ExecutionState, FlyteContextManager
from flytekit.deck.deck import DECK_FILE_NAME

from flyte_dask_engine.collections.places import place_of
from flytekitplugins.dask.flytekit_internals import deck_page, write_deck

__all__ = ["may_compute", "shown_in_deck"]

_NAME = "Dask"

_logger = logging.getLogger("flytekit.dask.runtime")


class _LazyDeck(Deck):
    """A deck that is rendered on demand: at the end, or earlier by ``Deck.publish()``."""

    def __init__(self, name: str, make: Callable[[], str]) -> None:
        super().__init__(name, auto_add_to_deck=False)
        self._make = make
        self.is_open = True

    @property
    def html(self) -> str:
        """The tab."""
        return self._make()


@contextmanager
def shown_in_deck(make: Callable[[], str], task: str) -> Iterator[None]:
    """Show the page that *make* renders as a deck of *task*, during the block and afterwards.

    When the block ends, the deck is written to where Flyte looks for it, or to a local file whose
    path is printed.
    """
    context = FlyteContextManager.current_context()
    parameters, state = context.user_space_params, context.execution_state
    if parameters is None:  # no decks
        yield
        return
    # flytekit shares its list with tasks that others call, and shows one deck of each name
    is_nested = any(isinstance(each, _LazyDeck) and each.is_open for each in parameters.decks)
    deck = _LazyDeck(f"{_NAME}: {task}" if is_nested else _NAME, make)
    parameters.decks[:] = [
        *(each for each in parameters.decks if not _is_replaced(each, deck, is_nested)),
        deck,
    ]
    try:
        yield
    finally:
        deck.is_open = False
        if state is None or state.mode != ExecutionState.Mode.TASK_EXECUTION:
            _write_locally(parameters, task)
        elif not parameters.enable_deck:  # otherwise flytekit does it, also if the task fails
            write_deck(task, parameters)


def may_compute(value: object) -> bool:
    """Whether rendering *value* as a deck may use the cluster: it is a collection or a future."""
    held = value.dataframe if isinstance(value, StructuredDataset) else value
    if place_of(held) is not None:  # shown from what was written
        return False
    # not dask.is_dask_collection, which builds the graph
    return isinstance(held, Future) or hasattr(type(held), "__dask_graph__")


def _is_replaced(before: Deck, deck: _LazyDeck, is_nested: bool) -> bool:
    """Whether *deck* replaces the one *before* it; decks of nested tasks are all kept."""
    if is_nested:
        return before.name == deck.name
    return isinstance(before, _LazyDeck) or before.name == deck.name


def _write_locally(parameters: ExecutionParameters, task: str) -> None:
    """Write all decks so far to a local file, and print its path."""
    files = FlyteContextManager.current_context().file_access
    try:
        path = Path(files.get_random_local_directory(), DECK_FILE_NAME)
        path.write_text(deck_page(parameters), encoding="utf-8")
    except Exception:
        _logger.exception("Cannot write the deck")
        return
    with suppress(OSError, ValueError):  # standard error is closed
        click.echo(f"{task}: report: {path.as_uri()}", err=True)
