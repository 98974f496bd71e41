"""The entry point ``flytekit.plugins``, which flytekit loads when it is imported.

That must be almost free, since most users of flytekit have no Dask tasks. So the task type is
registered when `flyte_dask` is imported, without which there is no config.

`flytekitplugins.dask` itself cannot be the entry point. If ``flytekitplugins-dask`` was installed
last, that package is the official plugin's, which does not know the configs of `flyte_dask`; if it
was uninstalled, the files are gone. flytekit would run our tasks as plain ones, without a cluster.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import NoReturn

from flytekitplugins import dask as installed

__all__ = ["problem", "register"]

_is_ours = "presets" in getattr(installed, "__all__", ())


def problem() -> str | None:
    """Why `flytekitplugins.dask` is not this package, and the remedy; None if it is."""
    if _is_ours:
        return None
    from flyte_dask.startup import REINSTALL, REMEDY  # noqa: PLC0415  # as above

    if installed.__file__ is None:
        what = "files of flyte-dask are missing, as after flytekitplugins-dask was uninstalled"
        return f"{what}. Remedy: {REINSTALL}"
    return f"flytekitplugins.dask is not flyte-dask's: {REMEDY}"


def register() -> None:
    """Register our configs with flytekit; `flyte_dask` calls it when it is imported."""
    if _is_ours:
        import_module("flytekitplugins.dask.task")  # registers itself
        return
    from flytekitplugins.dask.rejected_configs import reject_all_but  # noqa: PLC0415  # as above

    reject_all_but(None)
    if installed.__file__ is None:
        import logging  # noqa: PLC0415

        logging.getLogger("flytekit.dask").warning("%s", problem())


def _missing(name: str) -> NoReturn:
    """Raise the error of a name that only this package has: a ``__getattr__`` of another one."""
    if name.startswith("__"):
        raise AttributeError(name)
    raise ImportError(f"cannot import {name!r}: {problem()}", name=installed.__name__)


def _register_types() -> None:
    """Make Dask collections types of flytekit, once the program has imported them.

    flytekit has no hook for that, but calls this function of its own before it looks up a type.
    """
    module = import_module("flytekit.types.structured")
    known = module.lazy_import_structured_dataset_handler
    registered = set[str]()

    def register_imported_types() -> None:
        known()
        for name, kind, ours in (
            ("dataframe", "DataFrame", "frames"),
            ("array", "Array", "arrays"),
        ):
            # one that is still being imported has no such class yet
            if name not in registered and hasattr(sys.modules.get(f"dask.{name}"), kind):
                registered.add(name)
                import_module(f"flytekitplugins.dask.collections.{ours}").register()

    vars(module)["lazy_import_structured_dataset_handler"] = register_imported_types


if _is_ours:
    _register_types()
else:
    setattr(installed, "__getattr__", _missing)  # noqa: B010  # type checkers know no such module
if "flyte_dask" in sys.modules:
    register()
elif not _is_ours:
    import_module("flyte_dask")  # calls it, and reports what is wrong
