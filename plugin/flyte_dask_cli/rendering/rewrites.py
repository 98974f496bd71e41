"""Rewrites of the user's code as a diff."""

from __future__ import annotations

import sys

import click

from flyte_dask_cli.fixes import ByHand, Plan
from flyte_dask_cli.rendering.console import Screen

__all__ = ["show_rewrites"]


def show_rewrites(rewrites: Plan, *, err: bool = False) -> None:
    """Print the rewrites as a unified diff, and to standard error what has to be rewritten by hand.

    With *err*, the diff goes to standard error too.
    """
    screen = Screen(sys.stderr if err else None)
    for each in rewrites.files:
        for line in each.diff().splitlines():
            screen.line(line, _style(line))
    for hand in rewrites.by_hand:
        text = f"{_problem(hand)}: write {hand.new!r} by hand"
        click.echo(f"flyte-dask: {hand.path}:{hand.line}: {text}", err=True)


def _problem(hand: ByHand) -> str:
    if hand.used == (hand.line,):
        return f"{hand.old!r} is not one plain string here"
    lines = f"line{'s' if len(hand.used) > 1 else ''} {', '.join(map(str, hand.used))}"
    return f"{hand.old!r} is used in {lines}"


def _style(line: str) -> str | None:
    if line.startswith(("---", "+++")):
        return "title"
    return line[0] if line[:1] in {"+", "-"} else None
