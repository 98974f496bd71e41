"""A report as a deck of flytekit's: one tab of the page that a task leaves."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click
from flytekit import Deck
from flytekit.core.context_manager import ExecutionParameters, ExecutionState, FlyteContextManager
from flytekit.deck.deck import DECK_FILE_NAME

from flytekitplugins.dask.flytekit_internals import deck_page, write_deck

__all__ = ["complete", "shown_in_deck"]

_NAME = "Dask"

_logger = logging.getLogger("flytekit.dask.runtime")


class _LazyDeck(Deck):
    """A deck that is made when it is asked for: at the end, or before by ``Deck.publish()``."""

    def __init__(
        self, name: str, task: str, make: Callable[[], str], complete: Callable[[], None]
    ) -> None:
        super().__init__(name, auto_add_to_deck=False)
        self._make = make
        self.task = task
        self.complete = complete
        self.is_open = True

    @property
    def html(self) -> str:
        """The tab."""
        return self._make()


@contextmanager
def shown_in_deck(
    make: Callable[[], str], task: str, completing: Callable[[], None]
) -> Iterator[None]:
    """A deck of what *make* makes, for *task*, while the block lasts and then.

    At its end the deck is where Flyte looks for it; or in a local file, whose path is told. Before
    flytekit makes its own decks within the block, *completing* is called.
    """
    context = FlyteContextManager.current_context()
    parameters, state = context.user_space_params, context.execution_state
    if parameters is None:  # nobody will ask
        yield
        return
    # flytekit gives its list to tasks that others call, too, and shows one deck of each name
    is_within = any(isinstance(each, _LazyDeck) and each.is_open for each in parameters.decks)
    deck = _LazyDeck(f"{_NAME}: {task}" if is_within else _NAME, task, make, completing)
    parameters.decks[:] = [
        *(each for each in parameters.decks if not _is_replaced(each, deck, is_within)),
        deck,
    ]
    try:
        yield
    finally:
        deck.is_open = False
        if state is None or state.mode != ExecutionState.Mode.TASK_EXECUTION:
            _leave(parameters, task)
        elif not parameters.enable_deck:  # else flytekit does it, also if the task fails
            write_deck(task, parameters)


def complete(parameters: ExecutionParameters, task: str) -> None:
    """Let the deck of *task*, if it has one, tell of what was until now, and of nothing later."""
    for deck in reversed(parameters.decks):  # those of tasks that it called came later
        if isinstance(deck, _LazyDeck) and deck.is_open and deck.task == task:
            deck.complete()
            return


def _is_replaced(before: Deck, deck: _LazyDeck, is_within: bool) -> bool:
    """Whether *deck* comes in the place of that *before* it; of those within another all stay."""
    if is_within:
        return before.name == deck.name
    return isinstance(before, _LazyDeck) or before.name == deck.name


def _leave(parameters: ExecutionParameters, task: str) -> None:
    """Write a file with all decks that there are so far, and tell where it is, as far as may be."""
    files = FlyteContextManager.current_context().file_access
    try:
        path = Path(files.get_random_local_directory(), DECK_FILE_NAME)
        path.write_text(deck_page(parameters), encoding="utf-8")
    except Exception:
        _logger.exception("The deck could not be written")
        return
    with suppress(OSError, ValueError):  # nobody reads it, or it is closed
        click.echo(f"{task}: its deck is at {path.as_uri()}", err=True)
