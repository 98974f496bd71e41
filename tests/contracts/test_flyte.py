"""Private or undocumented parts of Flyte 2's SDK that are used here."""

from __future__ import annotations

import dataclasses
import inspect
import os
from pathlib import Path
from typing import Any

import flyte
import flyte.report
import flyte.storage
import pytest
from flyte.errors import NonRecoverableError
from flyte.models import CodeBundle, SerializationContext
from flyte.types import TypeEngine
from fsspec.core import url_to_fs

from flyteplugins.flyte_dask.context import task_context
from flyteplugins.flyte_dask.flyte_internals import (
    SYS_PATH,
    TaskPluginRegistry,
    default_resolver,
    images,
    layers_of,
    template_of,
)
from flyteplugins.flyte_dask.storage import read_storage

env = flyte.TaskEnvironment(name="etl")


@env.task
def number() -> int:
    """A plain task."""
    return 1


def test_the_registry_is_the_public_one() -> None:
    """Which is slow to import."""
    from flyte.extend import TaskPluginRegistry as Public

    assert TaskPluginRegistry is Public


def test_the_variable_of_import_paths() -> None:
    from flyte._constants import FLYTE_SYS_PATH

    assert SYS_PATH == FLYTE_SYS_PATH


def test_the_default_resolver_loads_a_task_by_its_module() -> None:
    resolver = default_resolver()
    arguments = resolver.loader_args(task=number, root_dir=Path(__file__).parents[2])
    assert arguments == ["mod", "tests.contracts.test_flyte", "instance", "number"]
    assert resolver.load_task(arguments) is number
    assert resolver.import_path == "flyte._internal.resolvers.default.DefaultTaskResolver"


def test_the_resolver_of_a_task_is_in_the_arguments() -> None:
    class Resolver:
        import_path = "acme.Resolver"

        def loader_args(self, task: Any, root_dir: Path) -> list[str]:
            assert (task.name, root_dir) == ("etl.number", Path("acme"))
            return ["one", "two"]

    task = dataclasses.replace(number, task_resolver=Resolver())
    context = SerializationContext(version="1", root_dir=Path("acme"))
    assert task.container_args(context)[-4:] == ["--resolver", "acme.Resolver", "one", "two"]


def test_images_are_known_by_their_environment() -> None:
    context = SerializationContext(
        version="1", root_dir=Path.cwd(), image_cache=images({"etl": "acme/etl:3"})
    )
    assert template_of(number, context).container.image == "acme/etl:3"


def test_there_is_no_context_outside_of_a_task() -> None:
    assert task_context() is None


def test_the_attempt_is_counted_from_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLYTE_ATTEMPT_NUMBER", "2")
    property_of: Any = flyte.models.TaskContext.attempt_number
    assert property_of.fget(None) == 2


def test_what_is_retried_is_decided_by_the_class() -> None:
    from flyte._internal.runtime.convert import convert_from_native_to_error

    final = convert_from_native_to_error(NonRecoverableError("no", "NoCluster"))
    assert (final.recoverable, final.err.code, final.err.message) == (False, "NoCluster", "no")
    assert convert_from_native_to_error(flyte.errors.CustomError("WorkersLost", "no")).recoverable


def test_an_override_rebuilds_a_plain_task_as_ours() -> None:
    from flyteplugins.flyte_dask import Dask
    from flyteplugins.flyte_dask.task import DaskTask

    changed = number.override(plugin_config=Dask(workers=2))
    assert isinstance(changed, DaskTask)
    assert (changed.task_type, changed.parent_env_name) == ("dask", "etl")


def test_a_bundle_lists_its_files() -> None:
    """Relative to the root of the code."""
    assert "files" in {each.name for each in dataclasses.fields(CodeBundle)}


def test_an_image_has_its_layers() -> None:
    """By the names of their classes."""
    image = flyte.Image.from_debian_base(python_version=(3, 12))
    assert image.base_image
    assert image.base_image.startswith("ghcr.io/flyteorg/flyte:")
    made = image.with_pip_packages("a").with_apt_packages("b").with_env_vars({"C": "d"})
    assert [type(each).__name__ for each in layers_of(made)] == [
        "PipPackages",
        "AptPackages",
        "Env",
    ]


def test_types_are_looked_up_after_a_hook() -> None:
    assert callable(TypeEngine.lazy_import_transformers)
    source = inspect.getsource(TypeEngine._get_transformer)
    assert "cls.lazy_import_transformers()" in source


def test_a_report_has_tabs_that_can_be_replaced() -> None:
    tab = flyte.report.Report("any").get_tab("Dask")
    tab.log("one")
    tab.replace("two")
    assert tab.get_html() == "two"


def test_the_settings_of_its_storage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Are read from the same environment variables."""
    variables = {
        "FLYTE_AWS_ENDPOINT": "http://localhost:1",
        "FLYTE_AWS_ACCESS_KEY_ID": "a",
        "FLYTE_AWS_SECRET_ACCESS_KEY": "b",
        "FLYTE_AWS_S3_ADDRESSING_STYLE": "virtual",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    theirs: Any = flyte.storage.S3.auto()
    found = (theirs.endpoint, theirs.access_key_id, theirs.secret_access_key)
    assert (*found, theirs.addressing_style) == (*variables.values(),)
    assert read_storage() == {
        "s3": {
            "key": "a",
            "secret": "b",
            "client_kwargs": {"endpoint_url": "http://localhost:1"},
            "config_kwargs": {"s3": {"addressing_style": "virtual"}},
        }
    }
    for name in variables:
        monkeypatch.delenv(name)
    assert read_storage() == {}
    assert "FLYTE_AWS_ENDPOINT" not in os.environ


def test_its_filesystems_cannot_be_sent_to_workers() -> None:
    """So a session uses fsspec's own, but not where the SDK makes them for itself."""
    import pickle

    from flyte_dask_engine.session.storage import storage_here
    from flytekitplugins.dask.host import FLYTEKIT
    from flyteplugins.flyte_dask.host import FLYTE

    filesystem, _ = url_to_fs("s3://acme/any")
    assert type(filesystem).__module__ == "obstore.fsspec"
    with pytest.raises(pickle.PicklingError):
        pickle.dumps(filesystem)
    for host in (FLYTE, FLYTEKIT):
        with storage_here(host):
            assert type(url_to_fs("s3://acme/any")[0]).__module__ == "s3fs.core"
    with storage_here(FLYTE):
        ours, path = url_to_fs("s3://acme/any")
        assert (type(ours).__module__, path) == ("s3fs.core", "acme/any")
        theirs = flyte.storage.get_underlying_filesystem(protocol="s3")
        assert type(theirs).__module__ == "obstore.fsspec"
