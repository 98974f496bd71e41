"""The cost of a registration whose log is shown, and its lines of advice."""

from __future__ import annotations

import fcntl
import os
import pty
import statistics
import struct
import termios
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bench.alternating import Cost, alternate, ratio, row
from bench.packaging import KINDS, package, projects
from bench.results import Section, at_most
from bench.venvs import Side, Sides

TASKS, TURNS = 1000, 7
_KINDS = ("shared-advised", "distinct-advised")
_RICH = {"FLYTE_SDK_RICH_TRACEBACKS": "1"}
_PLAIN = {"FLYTE_SDK_RICH_TRACEBACKS": "0"}


class Way(NamedTuple):
    """A way to show a log."""

    what: str
    env: dict[str, str]
    files: Callable[[], tuple[int, int]]
    """Opens both ends, for reading and for writing."""


def _terminal() -> tuple[int, int]:
    """Both ends of a terminal of 120 columns."""
    reading, writing = pty.openpty()
    fcntl.ioctl(writing, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    return reading, writing


WAYS = [
    Way("in a terminal, by flytekit's rich handler", _RICH, _terminal),
    Way("in a pipe, by flytekit's rich handler", _RICH, os.pipe),
    Way("in a pipe, as lines of JSON", _PLAIN, os.pipe),
]


class Shown(NamedTuple):
    """A registration whose log was read."""

    cost: Cost
    lines: int
    """The number of lines that it printed."""


def report(sides: Sides) -> Section:
    """The section, in Markdown."""
    rows, targets = [], []
    for kind in _KINDS:
        for way in WAYS:
            ours, theirs = _compare(sides, kind, way)
            cpu = [[each.cost.cpu for each in of] for of in (ours, theirs)]
            lines = [statistics.median(each.lines for each in of) for of in (ours, theirs)]
            rows.append(row(f"{KINDS[kind]}, {way.what}: CPU", *cpu))
            rows.append(f"| lines | {lines[0]:.0f} | {lines[1]:.0f} | |")
            what = f"CPU of packaging {TASKS:,} tasks, {KINDS[kind]}, its log {way.what}"
            most = KINDS[kind].most
            targets.append(at_most(f"{what}, against the official plugin", most, ratio(*cpu)))
    text = f"""## The log of a registration

`pyflyte package` as above, of {TASKS:,} tasks that all get advice; all that it prints is read.
The official plugin logs nothing; both print a line per task. {TURNS} turns.

| registration | flyte-dask | official plugin | ratio |
|---|---|---|---|
{chr(10).join(rows)}
"""
    return Section(text, targets)


def _compare(sides: Sides, kind: str, way: Way) -> list[list[Shown]]:
    with projects(sides, kind, TASKS) as folders:
        measures = (partial(show, side, folders[side.name], way) for side in sides)
        return alternate(TURNS, *measures)


def show(side: Side, folder: Path, way: Way) -> Shown:
    """Package the project in *folder*, and read what that prints."""
    reading, writing = way.files()
    read: list[bytes] = []
    reader = threading.Thread(target=_read_all, args=(reading, read))
    reader.start()
    try:
        cost = package(side, folder, writing, way.env)
    finally:
        os.close(writing)
        reader.join()
        os.close(reading)
    return Shown(cost, b"".join(read).count(b"\n"))


def _read_all(descriptor: int, read: list[bytes]) -> None:
    """Append all that can be read from *descriptor*; a terminal ends in an error."""
    try:
        while part := os.read(descriptor, 65536):
            read.append(part)
    except OSError:
        pass
