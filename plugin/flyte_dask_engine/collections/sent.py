"""Functions of ours in graphs, where scheduler and workers may lack flyte-dask."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import cloudpickle
from cloudpickle.cloudpickle import register_pickle_by_value

from flyte_dask_engine.collections import partitions

__all__ = ["Sent"]


class Sent:
    """A function with named arguments, which is pickled by value, with what it uses of its module.

    distributed would pickle it by reference, although the module is registered, where it is a part
    of an object of another module. What is unpickled is a plain function.
    """

    def __init__(self, function: Callable[..., Any], **arguments: object) -> None:
        for module in (partitions.__name__, function.__module__):
            register_pickle_by_value(sys.modules[module])
        self._function = partial(function, **arguments)
        self.__name__ = function.__name__  # by which Dask names tasks
        self.__signature__ = inspect.signature(self._function)  # Dask looks for `partition_info`

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        return self._function(*args, **kwargs)

    def __reduce__(self) -> Any:
        """Pickle by value."""
        return cloudpickle.loads, (cloudpickle.dumps(self._function),)

    def __dask_tokenize__(self) -> Any:
        """What it does is known by its arguments."""
        return self._function.func.__qualname__, str(self._function.keywords)
