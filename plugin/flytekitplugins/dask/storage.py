"""flytekit's storage settings, as the options that it passes to fsspec.

`read_storage` runs in scheduler and workers too. It is pickled by value, because their images may
have another flyte-dask or flytekit, or none. So this module imports nothing but Python's own
modules, and flytekit only where a config file of it may have such settings.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flytekit.configuration import DataConfig

__all__ = ["options_from_environment", "options_of_flytekit", "read_storage"]

_VARIABLES = {
    "s3": {
        "key": "FLYTE_AWS_ACCESS_KEY_ID",
        "secret": "FLYTE_AWS_SECRET_ACCESS_KEY",
        "client_kwargs": "FLYTE_AWS_ENDPOINT",
        "config_kwargs": "FLYTE_AWS_ADDRESSING_STYLE",
    },
    "abfs": {
        "account_name": "FLYTE_AZURE_STORAGE_ACCOUNT_NAME",
        "account_key": "FLYTE_AZURE_STORAGE_ACCOUNT_KEY",
        "client_id": "FLYTE_AZURE_CLIENT_ID",
        "client_secret": "FLYTE_AZURE_CLIENT_SECRET",
        "tenant_id": "FLYTE_AZURE_TENANT_ID",
    },
}

_FILES = "FLYTECTL_CONFIG", "_FLYTECTL_CONFIG_PYFLYTE_OVERRIDE"  # the latter by pyflyte --config


def read_storage() -> dict[str, dict[str, Any]]:
    """The options by protocol in this process; none for a protocol without settings."""
    with suppress(Exception):  # without flytekit, with one that differs, or without a home
        if any(map(_may_have_settings, _config_files())):
            return options_of_flytekit()
    return options_from_environment(os.environ)


def _config_files() -> list[Path]:
    """The files that flytekit looks for, in any order."""
    home = Path("~/.flyte").expanduser()
    named = [os.environ[each] for each in _FILES if os.environ.get(each)]
    return [*map(Path, named), Path("flytekit.config"), home / "config", home / "config.yaml"]


def _may_have_settings(file: Path) -> bool:
    """Whether *file* is worth importing flytekit for: most have only the address of Flyte."""
    if not file.is_file():
        return False
    text = file.read_text(encoding="utf-8", errors="replace")
    return any(each in text for each in ("storage", "[aws]", "[azure]"))


def options_of_flytekit(data: DataConfig | None = None) -> dict[str, dict[str, Any]]:
    """The options by protocol, as flytekit makes them of *data*; None reads the settings."""
    from flytekit.configuration import DataConfig  # noqa: PLC0415  # absent or slow
    from flytekit.core.data_persistence import get_fsspec_storage_options  # noqa: PLC0415

    settings = DataConfig.auto() if data is None else data
    found = {each: get_fsspec_storage_options(each, settings) for each in _VARIABLES}
    return {
        protocol: options
        for protocol, options in found.items()
        if options != get_fsspec_storage_options(protocol, DataConfig())
    }


def options_from_environment(environment: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """What `options_of_flytekit` makes of environment variables alone, without flytekit."""
    found: dict[str, dict[str, Any]] = {}
    for protocol, variables in _VARIABLES.items():
        texts = {option: environment.get(name) for option, name in variables.items()}
        options: dict[str, Any] = {option: text for option, text in texts.items() if text}
        if options:
            found[protocol] = options
    if s3 := found.get("s3"):
        s3["cache_regions"] = True
        if endpoint := s3.get("client_kwargs"):
            s3["client_kwargs"] = {"endpoint_url": endpoint}
        if s3.get("config_kwargs"):  # flytekit knows one style only
            s3["config_kwargs"] = {"s3": {"addressing_style": "virtual"}}
    if azure := found.get("abfs"):
        azure["anon"] = False
    return found
