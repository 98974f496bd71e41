"""Flyte's storage settings, as flytekit reads them, and as processes without flytekit do."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest
from flytekit.configuration import S3Config
from flytekit.configuration.file import get_config_file
from flytekit.core.context_manager import FlyteContextManager
from flytekit.core.data_persistence import FileAccessProvider

from flytekitplugins.dask import storage
from flytekitplugins.dask.host import FLYTEKIT
from flytekitplugins.dask.storage import (
    options_from_environment,
    options_of_flytekit,
    read_storage,
)
from tests.support.processes import run
from tests.support.s3 import without_keys

VARIABLES = {
    "FLYTE_AWS_ENDPOINT": "http://127.0.0.1:9",
    "FLYTE_AWS_ACCESS_KEY_ID": "flyte",
    "FLYTE_AWS_SECRET_ACCESS_KEY": "hunter2",
    "FLYTE_AWS_ADDRESSING_STYLE": "path",
    "FLYTE_AZURE_STORAGE_ACCOUNT_NAME": "acme",
    "FLYTE_AZURE_STORAGE_ACCOUNT_KEY": "hunter2",
    "FLYTE_AZURE_TENANT_ID": "tenant",
    "FLYTE_AZURE_CLIENT_ID": "client",
    "FLYTE_AZURE_CLIENT_SECRET": "hunter2",
}
if not hasattr(S3Config, "adressing_style"):  # flytekit's spelling; older ones have none
    del VARIABLES["FLYTE_AWS_ADDRESSING_STYLE"]

UNUSED = {"FLYTE_AWS_RETRIES": "7", "FLYTE_AWS_BACKOFF_SECONDS": "1"}
"""Settings that flytekit reads, and does not pass to fsspec."""


@pytest.fixture(autouse=True)
def _empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)  # where flytekit looks for a config file
    with without_keys(tmp_path):
        get_config_file.cache_clear()
        yield
    get_config_file.cache_clear()


@pytest.mark.parametrize("empty", ["", None])
@pytest.mark.parametrize("number", [0, 1, 2, len(VARIABLES)])
def test_the_environment_means_what_it_means_to_flytekit(
    number: int, empty: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever variables are set."""
    for chosen in combinations(VARIABLES, number):
        for name, value in {**VARIABLES, **UNUSED}.items():
            if name in chosen or name in UNUSED:
                monkeypatch.setenv(name, value)
            elif empty is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, empty)
        found = options_from_environment(os.environ)
        assert found == options_of_flytekit(), chosen
        assert bool(found) == bool(chosen)


def test_the_options_are_those_of_flyte_files(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    access = FileAccessProvider("/tmp/acme", "/tmp/acme")  # noqa: S108  # not used
    context = FlyteContextManager.current_context().with_file_access(access)
    with FlyteContextManager.with_context(context):
        options = FLYTEKIT.storage_options()
    assert options == read_storage()
    for protocol in ("s3", "abfs"):
        kept = access.get_filesystem(protocol).storage_options
        assert kept == options[protocol]


@pytest.mark.parametrize("place", ["FLYTECTL_CONFIG", "~/.flyte/config.yaml", "flytekit.config"])
def test_a_config_file_is_read(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever flytekit finds it; variables have precedence."""
    path = Path(place).expanduser()
    path.parent.mkdir(exist_ok=True)
    if place == "FLYTECTL_CONFIG":
        path = path.with_suffix(".yaml")
        monkeypatch.setenv(place, str(path))
    text = "storage: {connection: {access-key: filed, secret-key: hunter2}}"
    if place == "flytekit.config":
        text = "[aws]\naccess_key_id=filed\nsecret_access_key=hunter2"
    path.write_text(text)
    assert read_storage()["s3"] == {"cache_regions": True, "key": "filed", "secret": "hunter2"}
    monkeypatch.setenv("FLYTE_AWS_ACCESS_KEY_ID", "flyte")
    assert read_storage()["s3"]["key"] == "flyte"


def test_flytekit_is_not_imported_for_other_settings(tmp_path: Path) -> None:
    """Which takes a worker a second, and a local cluster starts as fast as without the file."""
    (tmp_path / ".flyte").mkdir()
    (tmp_path / ".flyte" / "config.yaml").write_text("admin: {endpoint: flyte.acme}")
    code = (
        "import sys; from runpy import run_path; print(run_path(sys.argv[1])['read_storage'](), "
        "'flytekit' in sys.modules, 'fsspec' in sys.modules)"
    )
    env = {"FLYTE_AWS_ACCESS_KEY_ID": "flyte"}
    done = run(sys.executable, "-c", code, str(storage.__file__), env=env)
    assert done.stdout == "{'s3': {'key': 'flyte', 'cache_regions': True}} False False\n", done


def test_one_that_flytekit_cannot_read_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then variables count."""
    Path("config.yaml").write_text("storage: [")
    monkeypatch.setenv("FLYTECTL_CONFIG", "config.yaml")
    monkeypatch.setenv("FLYTE_AWS_ACCESS_KEY_ID", "flyte")
    assert read_storage() == {"s3": {"cache_regions": True, "key": "flyte"}}
