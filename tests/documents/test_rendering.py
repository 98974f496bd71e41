"""The extensions for the reference, without building it, which `just docs` does."""

from __future__ import annotations

from inspect import Parameter, signature

import griffe
import pytest

import flyte_dask
from docs.rendering import AttrsClasses, Linked, Plain
from flyte_dask.policy import Policy
from flyte_dask.prediction.platform import Platform
from tests.support.paths import PROJECT

DSL = PROJECT / "dsl"
pytestmark = pytest.mark.source

CONFIGS = [
    *(flyte_dask.Dask, flyte_dask.Scheduler, flyte_dask.WorkerGroup, flyte_dask.Resources),
    *(flyte_dask.Runtime, flyte_dask.Parent, flyte_dask.Preset, Platform, Policy),
]


@pytest.fixture(scope="module")
def package() -> griffe.Object | griffe.Alias:
    """The package as it is loaded for the reference."""
    extensions = griffe.Extensions(AttrsClasses(), Linked(), Plain())
    return griffe.load("flyte_dask", search_paths=[DSL], extensions=extensions)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.__name__)
def test_the_reference_has_the_signatures_of_configs(
    config: type, package: griffe.Object | griffe.Alias
) -> None:
    reference = package[f"{config.__module__.partition('.')[2]}.{config.__name__}"].parameters
    shown = [
        (each.name, each.kind, each.default is None) for each in reference if each.name != "self"
    ]
    assert shown == [
        (each.name, griffe.ParameterKind(each.kind.description), each.default is Parameter.empty)
        for each in signature(config).parameters.values()
    ]


def test_the_reference_has_the_types_of_converters(package: griffe.Object | griffe.Alias) -> None:
    assert (
        str(package["config.Dask"].parameters["workers"].annotation) == "int | WorkerGroup | None"
    )


def test_names_in_docstrings_are_links(package: griffe.Object | griffe.Alias) -> None:
    docstring = package["config.Dask.with_runtime"].docstring
    assert docstring is not None
    assert '<autoref optional identifier="flyte_dask.config.runtime.Runtime">' in docstring.value


def test_private_defaults_are_not_shown(
    package: griffe.Object | griffe.Alias,
) -> None:
    assert package["config.Dask.with_runtime"].parameters["client"].default == "..."
