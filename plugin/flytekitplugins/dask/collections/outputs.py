"""The Dask collections among a task's outputs, which its workers write before its cluster ends."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Union, get_args, get_origin

import attrs
from flytekit import FlyteContextManager, StructuredDataset
from flytekit.core.type_engine import TypeEngine

from flyte_dask_engine.collections.folder import Folder
from flyte_dask_engine.collections.places import Place, remember, take_place
from flyte_dask_engine.collections.writing import Writer, writing
from flyte_dask_engine.session.session import Session
from flyte_dask_engine.session.stored import imported_class
from flytekitplugins.dask.collections.running import new_folder, not_pandas
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
    pending = dict[tuple[int, tuple[str, ...], str | None], list[_Output]]()
    for each in found:
        if not _is_input(each):
            pending.setdefault((id(each.collection), each.columns, each.uri), []).append(each)
    if not pending:
        return
    with writing(task, FLYTEKIT):
        writers = [first.writer() for first, *_ in pending.values()]
    for same, written in zip(pending.values(), session.write(writers), strict=True):
        first = same[0]
        remember(first.collection, Place(written.uri, first.columns, written, len(same)))


def _is_input(output: _Output) -> bool:
    """Whether it is an input that is returned unchanged, and so is where it was read."""
    place = take_place(output.collection, output.columns, output.uri)
    return place is not None and place.written is None


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
        if _is_frame(value.dataframe) and value.literal is None and _is_parquet(kind):
            yield _Output(f"{name}.dataframe", value.dataframe, _columns_of(kind), value.uri)
    elif _is_frame(value) and _is_type(base, "dask.dataframe", "DataFrame"):
        yield _Output(name, value, _columns_of(kind))
    elif _is_frame(value) and _is_type(base, "pandas", "DataFrame"):
        raise not_pandas(f"the output {name}")
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
        if not fitting and _is_frame(value):  # then it is an error
            fitting = [
                each for each in arguments if _is_type(_base_of(each), "pandas", "DataFrame")
            ]
        yield from [(name, value, each) for each in fitting[:1]]
    elif origin is list and isinstance(value, list):
        yield from ((f"{name}[{at}]", each, arguments[0]) for at, each in enumerate(value))
    elif origin is dict and isinstance(value, dict):
        yield from ((f"{name}[{key!r}]", each, arguments[1]) for key, each in value.items())
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):  # whose annotations flytekit does not look at
            inner = getattr(value, field.name)
            yield f"{name}.{field.name}", inner, type(inner)
    elif _is_a(value, "pydantic", "BaseModel"):
        model: Any = type(value)
        for field_name in model.model_fields:
            inner = getattr(value, field_name)
            yield f"{name}.{field_name}", inner, type(inner)


def _base_of(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _columns_of(kind: Any) -> tuple[str, ...]:
    found = _dataset_type(kind)
    return tuple(each.name for each in (found.columns if found else ()))


def _is_of(value: object, base: Any) -> bool:
    """Whether *value* is of the type *base* of a union."""
    plain = get_origin(base) or base
    return isinstance(plain, type) and isinstance(value, plain)


def _is_parquet(kind: Any) -> bool:
    found = _dataset_type(kind)
    return found is None or found.format in {"", "parquet"}


def _dataset_type(kind: Any) -> Any:
    """Flytekit's type of a structured dataset or frame; None if *kind* is neither."""
    return TypeEngine.to_literal_type(kind).structured_dataset_type


def _is_frame(value: object) -> bool:
    return _is_a(value, "dask.dataframe", "DataFrame")


def _is_array(value: object) -> bool:
    return _is_a(value, "dask.array", "Array")


def _is_a(value: object, module: str, name: str) -> bool:
    """Whether *value* is an instance of that class, which need not be imported."""
    kind = imported_class(module, name)
    return isinstance(kind, type) and isinstance(value, kind)


def _is_type(kind: object, module: str, name: str) -> bool:
    return kind is not None and kind is imported_class(module, name)
