"""What happens once, when `flyte_dask` is imported; it is almost free, and no I/O."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType

__all__ = ["REINSTALL", "REMEDY", "start"]

REINSTALL = "install flyte-dask again, with pip's options --force-reinstall --no-deps"
REMEDY = f"uninstall flytekitplugins-dask, then {REINSTALL}"
"""Both steps, in this order: uninstalling either package removes the files of both."""

_FLYTE_2 = "flyte"
"""The module of the SDK of Flyte 2."""

_METADATA = r"\bflytekitplugins_dask-([\w.]+?)(-[^/]*)?\.(dist|egg)-info\b"


def start() -> None:
    """Warn of the official plugin, and register with flytekit and Flyte 2, where they are there."""
    _warn_of_official_plugin()
    # flytekit loads its plugins when it is imported: ours waits there until there can be a config
    if "flytekitplugins.dask.plugin" in sys.modules:
        sys.modules["flytekitplugins.dask.plugin"].register()
    if _FLYTE_2 in sys.modules:
        _register_with_flyte_2()
    else:
        sys.meta_path.insert(0, _Flyte2Finder())


class _Flyte2Finder:
    """Finds the SDK of Flyte 2, once, and lets its import end with a registration.

    It has no entry points for types of tasks, and a program may import it after its configs.
    """

    is_done = False

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        """The module of the SDK, as other finders know it; None for all others."""
        if name != _FLYTE_2 or self.is_done:
            return None
        self.is_done = True
        from importlib.util import find_spec  # noqa: PLC0415  # needed only with the SDK

        spec = find_spec(name)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_register(module: ModuleType) -> None:
                execute(module)
                _register_with_flyte_2()

            spec.loader.exec_module = execute_and_register  # type: ignore[method-assign]  # of one
        # a new list, since this one is being iterated
        sys.meta_path = [each for each in sys.meta_path if each is not self]
        return spec


def _register_with_flyte_2() -> None:
    """Register with the SDK; a log record tells if that is too old, or not what it seems to be."""
    try:
        import_module("flyteplugins.flyte_dask.plugin").register()
    except Exception:
        import logging  # noqa: PLC0415  # this is rare

        logging.getLogger("flyte_dask").warning(
            "cannot register with the SDK of Flyte 2, which then rejects configs of flyte-dask. "
            "Remedy: install flyte-dask with its extra 'flyte2'",
            exc_info=True,
        )


def _warn_of_official_plugin() -> None:
    """Log a warning if ``flytekitplugins-dask``, whose files this package replaces, is installed.

    It is found in what the import system knows of the folders that it read: to list them again
    would be I/O at each import. A Python warning may be configured as an error, a log record not.
    """
    for finder in tuple(sys.path_importer_cache.values()):  # other threads may import too
        if "flytekitplugins_dask-" in (names := "/".join(getattr(finder, "_path_cache", ()))):
            import logging  # noqa: PLC0415  # few have it
            import re  # noqa: PLC0415

            found = re.search(_METADATA, names)
            if found:
                logging.getLogger("flyte_dask").warning(
                    "flytekitplugins-dask %s and flyte-dask are both installed, and both own "
                    "flytekitplugins/dask: tasks use the one that was installed last. Remedy: %s",
                    found[1],
                    REMEDY,
                )
