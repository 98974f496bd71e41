"""The report as a flytekit deck: one tab of the page that a task leaves."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click
from distributed import Future
from flytekit import Deck, StructuredDataset
from flytekit.core.context_manager import ExecutionParameters, ExecutionState, FlyteContextManager
from flytekit.deck.deck import DECK_FILE_NAME

from flyte_dask_engine.collections.places import place_of
from flytekitplugins.dask.flytekit_internals import deck_page, write_deck

__all__ = ["is_shown", "may_compute", "shown_in_deck"]

_NAME = "Dask"
_ADDED = " (cluster)"

_logger = logging.getLogger("flytekit.dask.runtime")


class _LazyDeck(Deck):
    """A deck that is rendered on demand: at the end, or earlier by ``Deck.publish()``."""

    def __init__(self, label: str, task: str, make: Callable[[], str], decks: list[Deck]) -> None:
        super().__init__(label, auto_add_to_deck=False)
        self.label = label
        self.task = task
        self.is_open = True
        self._make = make
        self._decks = decks

    @property
    def name(self) -> str:
        """The title of the tab: its label, unless a deck of the function has that name.

        flytekit shows one deck of each name, and the function may add its own at any time.
        """
        others = {each.name for each in self._decks if not isinstance(each, _LazyDeck)}
        name = self.label
        while name in others:
            name += _ADDED
        return name

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
    deck = _add(parameters.decks, make, task)
    try:
        yield
    finally:
        deck.is_open = False
        if state is None or state.mode != ExecutionState.Mode.TASK_EXECUTION:
            _write_locally(parameters, task)
        elif not parameters.enable_deck:  # otherwise flytekit does it, also if the task fails
            write_deck(task, parameters)


def is_shown(task: str, parameters: ExecutionParameters) -> bool:
    """Whether the deck of *task* is among those of *parameters*, until its `shown_in_deck` ends."""
    return any(each.task == task for each in _open_decks(parameters.decks))


def may_compute(value: object) -> bool:
    """Whether rendering *value* as a deck may use the cluster: it is a collection or a future."""
    held = value.dataframe if isinstance(value, StructuredDataset) else value
    if place_of(held) is not None:  # shown from what was written
        return False
    # not dask.is_dask_collection, which builds the graph
    return isinstance(held, Future) or hasattr(type(held), "__dask_graph__")


def _add(decks: list[Deck], make: Callable[[], str], task: str) -> _LazyDeck:
    """Put the deck of *task* first, or behind those of the tasks that call it.

    flytekit shares its list with tasks that others call, and with those that ran before. Decks of
    the former are kept; of tasks that were called twice, the latest.
    """
    is_nested = any(_open_decks(decks))
    label = f"{_NAME}: {task}" if is_nested else _NAME
    before = [each for each in decks if isinstance(each, _LazyDeck)]
    kept = [each for each in before if is_nested and each.label != label]
    deck = _LazyDeck(label, task, make, decks)
    decks[:] = [*kept, deck, *(each for each in decks if each not in before)]
    return deck


def _open_decks(decks: Iterable[Deck]) -> Iterator[_LazyDeck]:
    """Those of tasks that are running."""
    return (each for each in decks if isinstance(each, _LazyDeck) and each.is_open)


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
