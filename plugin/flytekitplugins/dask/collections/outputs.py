"""The Dask collections among a task's outputs, which its workers write before its cluster ends."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import attrs
from flytekit import FlyteContextManager, StructuredDataset
from flytekit.core.type_engine import TypeEngine

from flyte_dask_engine.collections.folder import Folder
from flyte_dask_engine.collections.places import Place, place_of, remember
from flyte_dask_engine.collections.writing import Writer, writing
from flyte_dask_engine.errors import InvalidOutput
from flyte_dask_engine.session.session import Session
from flyte_dask_engine.session.stored import imported_class
from flytekitplugins.dask.collections.running import new_folder
from flytekitplugins.dask.host import FLYTEKIT

__all__ = ["write_outputs"]


def write_outputs(
    task: str, outputs: Mapping[str, object], kinds: Mapping[str, Any], session: Session
) -> None:
    """Let the workers write the Dask collections in *outputs*, all of them together.

    Flytekit converts the outputs later; the encoders then find where these collections are.

    Args:
        task: the name of the task.
        outputs: the outputs by name.
        kinds: their types by name.
        session: the open session of the task.

    Raises:
        InvalidOutput: if one cannot be written, or is none although its type says so.
    """
    found = [
        each
        for name, value in outputs.items()
        for each in _collections(name, value, kinds.get(name))
    ]
    pending = dict[tuple[int, tuple[str, ...], str | None], _Output]()
    for each in found:
        if place_of(each.collection, each.columns, each.uri) is None:
            pending.setdefault((id(each.collection), each.columns, each.uri), each)
    if not pending:
        return
    with writing(task, FLYTEKIT):
        writers = [each.writer() for each in pending.values()]
    for output, written in zip(pending.values(), session.write(writers), strict=True):
        remember(output.collection, Place(written.uri, output.columns, written))


@attrs.frozen(eq=False)
class _Output:
    """A collection in an output."""

    name: str
    """The output's name, and where in it the collection is."""
    collection: Any
    columns: tuple[str, ...] = ()
    uri: str | None = None
    is_array: bool = False

    def writer(self) -> Writer:
        """What writes it."""
        context = FlyteContextManager.current_context()
        folder = Folder.at(self.uri or new_folder(context))
        name = f"the output {self.name}"
        if self.is_array:
            from flyte_dask_engine.collections.arrays import ArrayWriter  # noqa: PLC0415  # zarr

            return ArrayWriter.of(name, self.collection, folder)
        from flyte_dask_engine.collections.frames import FrameWriter  # noqa: PLC0415  # pyarrow

        return FrameWriter.of(name, self.collection, folder, self.columns)


def _collections(name: str, value: Any, kind: Any) -> Iterator[_Output]:
    """The collections in *value* that flytekit converts by one of our types."""
    base = _base_of(kind)
    if isinstance(value, StructuredDataset):
        if _is_frame(value.dataframe) and value.literal is None:
            yield _Output(f"{name}.dataframe", value.dataframe, _columns_of(kind), value.uri)
    elif _is_frame(value) and _is_type(base, "dask.dataframe", "DataFrame"):
        yield _Output(name, value, _columns_of(kind))
    elif _is_frame(value) and _is_type(base, "pandas", "DataFrame"):
        raise FLYTEKIT.error(InvalidOutput)(
            f"the output {name} is a Dask DataFrame, but its type is pandas.DataFrame: return "
            "frame.compute(), or annotate dask.dataframe.DataFrame, which the workers write"
        )
    elif _is_array(value) and _is_type(base, "dask.array", "Array"):
        yield _Output(name, value, is_array=True)
    else:
        for inner_name, inner, inner_kind in _members(name, value, base):
            yield from _collections(inner_name, inner, inner_kind)


def _members(name: str, value: Any, base: Any) -> Iterator[tuple[str, Any, Any]]:
    """What flytekit converts separately of a *value* of the type *base*, with names and types."""
    origin, arguments = get_origin(base), get_args(base)
    if origin in {Union, types.UnionType}:
        fitting = [each for each in arguments if _is_of(value, _base_of(each))]
        yield from [(name, value, each) for each in fitting[:1]]
    elif origin is list and isinstance(value, list):
        yield from ((f"{name}[{at}]", each, arguments[0]) for at, each in enumerate(value))
    elif origin is dict and isinstance(value, dict):
        yield from ((f"{name}[{key!r}]", each, arguments[1]) for key, each in value.items())
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        hints = get_type_hints(type(value), include_extras=True)
        for field in dataclasses.fields(value):
            yield f"{name}.{field.name}", getattr(value, field.name), hints.get(field.name)


def _base_of(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _columns_of(kind: Any) -> tuple[str, ...]:
    found: Any = TypeEngine.to_literal_type(kind).structured_dataset_type
    return tuple(each.name for each in (found.columns if found else ()))


def _is_of(value: object, base: Any) -> bool:
    """Whether *value* is of the type *base* of a union."""
    plain = get_origin(base) or base
    return isinstance(plain, type) and isinstance(value, plain)


def _is_frame(value: object) -> bool:
    kind = imported_class("dask.dataframe", "DataFrame")
    return isinstance(kind, type) and isinstance(value, kind)


def _is_array(value: object) -> bool:
    kind = imported_class("dask.array", "Array")
    return isinstance(kind, type) and isinstance(value, kind)


def _is_type(kind: object, module: str, name: str) -> bool:
    return kind is not None and kind is imported_class(module, name)
