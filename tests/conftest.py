"""What holds for every test."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from tests.support.backend import ADDRESS
from tests.support.paths import PROJECT

SOURCES = PROJECT / "dsl"

# A machine that is busy with something else makes no property false.
settings.register_profile("patient", settings.get_profile("default"), deadline=None)
# Where changes are judged, examples are the same each time; elsewhere they find new things.
settings.register_profile("judge", settings.get_profile("patient"), derandomize=True, database=None)
# As many of them as tell whether a Python differs, where the default one has tried all.
settings.register_profile("judge briefly", settings.get_profile("judge"), max_examples=20)
settings.load_profile("judge" if "CI" in os.environ else "patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes longest first, so that several processes end at about the same time.

    What waits for most of its time, as faults do, stays among what computes.
    """
    items.sort(key=lambda item: not any(map(item.get_closest_marker, ("fault", "once"))))
    if not SOURCES.exists():  # an installed wheel is tested
        for item in items:
            if item.get_closest_marker("source"):
                item.add_marker(pytest.mark.skip(reason="about the source tree"))


@pytest.fixture(autouse=True)
def _without_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither its cluster, nor its options for the runs of pytest that tests start."""
    for name in (ADDRESS, "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
