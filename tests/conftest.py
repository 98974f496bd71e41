"""Settings of hypothesis, the order of tests, and a clean environment."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from importlib import import_module

import pytest
from hypothesis import settings

from tests.support.backend import ADDRESS
from tests.support.paths import PROJECT

SOURCES = PROJECT / "dsl"

# No deadline: a busy machine does not falsify a property.
settings.register_profile("patient", settings.get_profile("default"), deadline=None)
# CI uses the same examples each time, so fewer of them; elsewhere they are random, and may find new
# failures. Hypothesis has a profile "ci" of its own.
settings.register_profile(
    "fixed", settings.get_profile("patient"), max_examples=50, derandomize=True, database=None
)
# Enough examples to find differences between Pythons; the default Python runs all of them.
settings.register_profile("few", settings.get_profile("fixed"), max_examples=20)
settings.load_profile("fixed" if "CI" in os.environ else "patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slowest tests first, so that parallel processes end at about the same time."""
    items.sort(key=lambda item: not any(map(item.get_closest_marker, ("fault", "once"))))
    if not SOURCES.exists():  # the installed wheel is tested
        for item in items:
            if item.get_closest_marker("source"):
                item.add_marker(pytest.mark.skip(reason="tests the source tree"))


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset the address of a cluster, and options for the runs of pytest that tests start."""
    for name in (ADDRESS, "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def _filesystems(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide those that the SDK of Flyte 2 registers for its process from the tests of others."""
    registry = vars(import_module("fsspec.registry"))["_registry"]
    if not any("flyte2" in each or each == "test_flyte.py" for each in request.path.parts):
        for name, kind in [*registry.items()]:
            if kind.__module__ == "obstore.fsspec":
                monkeypatch.delitem(registry, name)


@pytest.fixture(autouse=True)
def _level_of_logs() -> Iterator[None]:
    """Restore the levels of sessions' loggers, which a session on Flyte sets for its process."""
    loggers = [logging.getLogger(name) for name in ("flytekit.dask.runtime", "flyte_dask.runtime")]
    levels = [each.level for each in loggers]
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
