"""Names that flytekitplugins-dask once had, and that its documentation showed for long."""

from __future__ import annotations

import pytest

import flytekitplugins.dask

REMOVED = {
    "DaskCluster": r"has no DaskCluster: use WorkerGroup\(number_of_workers=\.\.\.\) and Scheduler",
    "JobPodSpec": "has no JobPodSpec: set image and resources of the task itself",
}


@pytest.mark.parametrize("name", REMOVED)
def test_importing_one_says_what_replaces_it(name: str) -> None:
    with pytest.raises(ImportError, match=REMOVED[name]) as caught:
        exec(f"from flytekitplugins.dask import {name}")
    assert caught.value.name == "flytekitplugins.dask"


@pytest.mark.parametrize("name", REMOVED)
def test_it_is_an_attribute_that_is_not_there(name: str) -> None:
    assert not hasattr(flytekitplugins.dask, name)
    assert getattr(flytekitplugins.dask, name, None) is None
    with pytest.raises(AttributeError, match=REMOVED[name]):
        getattr(flytekitplugins.dask, name)


def test_other_names_are_unknown_as_in_any_package() -> None:
    with pytest.raises(ImportError, match="cannot import name 'Cluster'"):
        exec("from flytekitplugins.dask import Cluster")
    with pytest.raises(AttributeError, match=r"^module 'flytekitplugins\.dask' has no "):
        vars(flytekitplugins.dask)["__getattr__"]("Cluster")
