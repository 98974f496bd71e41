"""The function's error arrives as itself, whatever its class does when it is read."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from markupsafe import escape

from flyte_dask_engine.foreign_errors import chain_of, describe, kind_of
from flyte_dask_engine.host import Host
from flyte_dask_engine.session.session import Session, session
from flytekitplugins.dask import Dask
from tests.support import unreadable
from tests.support.backend import ADDRESS, cluster
from tests.support.processes import PATIENCE
from tests.support.runner import CODE

TEXTS = {
    "Mute": "Mute: mine (str() of this error raised KeyError)",
    "Endless": "Endless: mine (str() of this error raised RecursionError)",
    "Huge": f"Huge: {'x' * 4000} ... (4,996,000 characters more)",
    "circular": "ValueError: mine",
    "deep": "ValueError: mine",
}


@pytest.fixture(scope="module", params=["threads", pytest.param("remote", marks=pytest.mark.once)])
def opened(request: pytest.FixtureRequest) -> Iterator[Session]:
    """A session with workers in this process, and one with a real worker."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "threads":
            patch.delenv(ADDRESS, raising=False)
            with session(Dask(), "etl") as made:
                yield made
        else:
            with cluster(workers=1, nannies=False, env=CODE) as started:
                patch.setenv(ADDRESS, started.address)
                with session(Dask(), "etl") as made:
                    yield made


@pytest.mark.parametrize("where", ["here", "on a worker"])
@pytest.mark.parametrize("name", unreadable.NAMES)
def test_it_arrives_as_itself(name: str, where: str, opened: Session) -> None:
    function: Callable[[], Any] = partial(unreadable.fail, name)
    if where == "on a worker":
        function = partial(opened.client.submit(function, pure=False).result, PATIENCE)
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # its text is compared below
        opened.run(function)
    error = caught.value
    assert describe(error) == TEXTS.get(name, f"{name}: mine")
    printed = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    assert "in fail\n" in printed
    assert kind_of(error) in printed
    lengths = {"circular": 2, "deep": 10_001 if where == "here" else 50}
    assert len([*chain_of(error)]) == lengths.get(name, 1)


class Showing(Host):
    """A host that keeps the report."""

    page = ""

    @contextmanager
    def show_report(self, make: Callable[[], str], task: str) -> Iterator[None]:  # noqa: ARG002
        """Keep the report as it is when the block ends."""
        try:
            yield
        finally:
            self.page = make()


@pytest.mark.parametrize("name", ["Mute", "Closed", "Huge"])
def test_it_is_in_the_report(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ADDRESS, raising=False)
    host = Showing()
    opening = session(Dask(), "etl", has_deck=True, host=host)
    with pytest.raises(ValueError), opening:  # noqa: PT011  # any
        unreadable.fail(name)
    kind, _, text = TEXTS.get(name, f"{name}: mine").partition(": ")
    shown = f"failed: {kind}</h2><pre>{escape(text)}"
    assert shown in host.page
