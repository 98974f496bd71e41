"""The cost of a session, against plain distributed: opening, code upload, tasks, local cluster.

The cluster is a real scheduler with two real workers. Both sides take turns in one process, so that
they see the same machine.
"""

from __future__ import annotations

import io
import logging
import os
import statistics
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

from distributed import Client, LocalCluster
from flytekit.configuration import (
    FastSerializationSettings,
    ImageConfig,
    SerializationSettings,
)
from flytekit.core.context_manager import FlyteContextManager

from bench.alternating import alternate, row, spread
from bench.results import Section
from bench.venvs import Sides
from flyte_dask import Dask
from flyte_dask_engine.session.session import session
from flytekitplugins.dask.host import FLYTEKIT
from tests.support.backend import ADDRESS, cluster

TURNS = 15
WORKING_TURNS = 5
TASKS = 2000
SMALL, LARGE = (5, 20_000), (250, 20_000)  # files, and bytes in each
_ARCHIVE = "code.tar.gz"

Open = Callable[[], AbstractContextManager[Client]]


def report(_: Sides) -> Section:
    """The section, in Markdown."""
    logging.getLogger("flytekit.dask.runtime").setLevel(logging.ERROR)  # sessions without tasks
    with cluster(2) as started, tempfile.TemporaryDirectory() as folder:

        def ours() -> AbstractContextManager[Client]:
            return _session({ADDRESS: started.address})

        def with_code(files: int, size: int) -> Open:
            def opening() -> AbstractContextManager[Client]:
                Path(folder, _ARCHIVE).write_bytes(_archive(files, size))
                return _with_code(folder, started.address)

            return opening

        opening = seconds_of(
            TURNS, partial(bare, started.address), ours, with_code(*SMALL), with_code(*LARGE)
        )
        working = seconds_of(WORKING_TURNS, partial(bare, started.address), ours, of=_work)
    local = seconds_of(TURNS, _bare_local, lambda: _session({}))
    plain, *others = opening
    whats = [
        "opening a session, against `Client()`",
        "opening it with 100 kB of code",
        "opening it with 5 MB of code in 250 files",
    ]
    rows = [more(what, ours, plain) for what, ours in zip(whats, others, strict=True)]
    bare_rates, rates = ([TASKS / each for each in side] for side in working)
    bare_local, ours_local = local
    local_row = (
        "a local cluster and its session, against `LocalCluster(processes=False)` and `Client()`"
    )
    return Section(f"""## Runtime

In the development venv, on two ready workers except for the last row. {TURNS} turns, and
{WORKING_TURNS} for throughput, where more is better.

| operation | flyte-dask | distributed | ratio or difference |
|---|---|---|---|
{chr(10).join(rows)}
{row(f"{TASKS:,} small tasks", rates, bare_rates, unit="per s")}
{row(local_row, _ms(ours_local), _ms(bare_local), unit="ms")}

The official plugin has no session: the column of distributed is what its users write. Code is
different each time, as in a new registration.
""")


def more(what: str, ours: list[float], bare: list[float]) -> str:
    """A row of the table, with the difference."""
    mine, other = _ms(ours), _ms(bare)
    added = statistics.median(mine) - statistics.median(other)
    return f"| {what} | {spread(mine, 'ms')} | {spread(other, 'ms')} | +{added:.0f} ms |"


def _ms(seconds: list[float]) -> list[float]:
    return [1000 * each for each in seconds]


def seconds_of(
    turns: int, *openings: Open, of: Callable[[Client], None] | None = None
) -> list[list[float]]:
    """Seconds of opening each, or of *of* with its client."""
    return alternate(turns, *(partial(_time, opening, of) for opening in openings))


def _time(opening: Open, of: Callable[[Client], None] | None) -> float:
    prepared = opening()
    start = time.perf_counter()
    with prepared as client:
        if of is not None:
            start = time.perf_counter()
            of(client)
        return time.perf_counter() - start


def _work(client: Client) -> None:
    client.gather(client.map(abs, range(TASKS), pure=False))


@contextmanager
def bare(address: str) -> Iterator[Client]:
    """A client of the cluster there."""
    with Client(address) as client:
        yield client


@contextmanager
def _bare_local() -> Iterator[Client]:
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": False}
    with (
        LocalCluster(**options, dashboard_address="127.0.0.1:0", memory_limit=None) as local,
        Client(local) as client,
    ):
        yield client


@contextmanager
def _session(env: dict[str, str]) -> Iterator[Client]:
    os.environ.update(env)
    try:
        with session(Dask(workers=2), "bench", host=FLYTEKIT) as opened:
            yield opened.client
    finally:
        for name in env:
            del os.environ[name]


@contextmanager
def _with_code(folder: str, address: str) -> Iterator[Client]:
    """A session after a fast registration, whose archive is in *folder*."""
    fast = FastSerializationSettings(True, folder, f"s3://bucket/{_ARCHIVE}")
    settings = SerializationSettings(ImageConfig(), fast_serialization_settings=fast)
    context = FlyteContextManager.current_context().with_serialization_settings(settings)
    with FlyteContextManager.with_context(context), _session({ADDRESS: address}) as client:
        yield client


def _archive(files: int, size: int) -> bytes:
    """Modules of *size* random bytes each, which hardly compress."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for number in range(files):
            content = f"DATA = {os.urandom(size // 2).hex()!r}\n".encode()
            info = tarfile.TarInfo(f"project/module_{number}.py")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()
