"""The Dask collections among a task's outputs, which its workers write before its cluster ends."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Protocol, Union, get_args, get_origin

import attrs

from flyte_dask_engine.collections.folder import Folder
from flyte_dask_engine.collections.imported import is_imported_class, is_instance
from flyte_dask_engine.collections.places import Place, remember, take_place
from flyte_dask_engine.collections.writing import Writer, writing
from flyte_dask_engine.collections.written import Written
from flyte_dask_engine.errors import InvalidOutput
from flyte_dask_engine.host import Host

__all__ = ["Output", "SdkTypes", "not_a_frame", "not_of_type", "not_pandas", "write_outputs"]


@attrs.frozen(eq=False)
class Output:
    """A collection in an output."""

    name: str
    """The output's name, and where in it the collection is."""
    collection: Any
    columns: tuple[str, ...] = ()
    uri: str | None = None
    is_array: bool = False

    def writer(self, new_folder: Callable[[], str]) -> Writer:
        """What writes it."""
        folder = Folder.at(self.uri or new_folder())
        name = f"the output {self.name}"
        if self.is_array:
            from flyte_dask_engine.collections.arrays import ArrayWriter  # noqa: PLC0415  # zarr

            return ArrayWriter.of(name, self.collection, folder)
        from flyte_dask_engine.collections.frames import FrameWriter  # noqa: PLC0415  # pyarrow

        return FrameWriter.of(name, self.collection, folder, self.columns)


class SdkTypes(Protocol):
    """What an SDK knows of the types of outputs."""

    @property
    def host(self) -> Host:
        """The SDK, for errors."""
        ...

    @property
    def has_arrays(self) -> bool:
        """Whether a Dask Array is a type of the SDK."""
        ...

    def columns(self, kind: Any) -> tuple[str, ...]:
        """The columns that the type *kind* of a frame names."""
        ...

    def dataset(self, name: str, value: object, kind: Any) -> Sequence[Output] | None:
        """The frame in a *value* of the SDK's own type of datasets; None if it is another one."""
        ...

    def new_folder(self) -> str:
        """The URI of a new folder for an output."""
        ...


def write_outputs(
    outputs: Mapping[str, object],
    kinds: Mapping[str, Any],
    sdk: SdkTypes,
    write: Callable[[Sequence[Writer]], Sequence[Written]],
    task: str,
) -> None:
    """Let the workers write the Dask collections in *outputs*, all of them together.

    The SDK converts the outputs later; its encoders then find where these collections are.

    Args:
        outputs: the outputs by name.
        kinds: their types by name.
        sdk: what the SDK knows of types.
        write: writes collections.
        task: the name of the task.

    Raises:
        InvalidOutput: if one cannot be written, or is none although its type says so.
    """
    found = [
        each
        for name, value in outputs.items()
        for each in _collections(name, value, kinds.get(name), sdk)
    ]
    pending = dict[tuple[int, tuple[str, ...], str | None], list[Output]]()
    for each in found:
        if not _is_input(each):
            pending.setdefault((id(each.collection), each.columns, each.uri), []).append(each)
    if not pending:
        return
    with writing(task, sdk.host):
        writers = [first.writer(sdk.new_folder) for first, *_ in pending.values()]
    for same, written in zip(pending.values(), write(writers), strict=True):
        first = same[0]
        remember(first.collection, Place(written.uri, first.columns, written, len(same)))


def not_a_frame(what: str, value: object, host: Host) -> InvalidOutput:
    """The error for a *value* whose type is said to be a Dask DataFrame."""
    return not_of_type(
        what, value, "dask.dataframe.DataFrame", "from_pandas(frame, npartitions=1)", host
    )


def not_of_type(what: str, value: object, kind: str, maker: str, host: Host) -> InvalidOutput:
    """The error for a *value* whose type is said to be *kind*, which *maker* makes."""
    package = type(value).__module__.partition(".")[0]
    return host.error(InvalidOutput)(
        f"the type of {what} is {kind}, but it is a {package}.{type(value).__name__}: change the "
        f"type, or the value, such as by {kind.rpartition('.')[0]}.{maker}"
    )


def not_pandas(what: str, host: Host) -> InvalidOutput:
    """The error for a Dask DataFrame whose type is said to be that of pandas."""
    return host.error(InvalidOutput)(
        f"{what} is a Dask DataFrame, but its type is pandas.DataFrame: return frame.compute(), or "
        "annotate dask.dataframe.DataFrame, which the workers write"
    )


def _is_input(output: Output) -> bool:
    """Whether it is an input that is returned unchanged, and so is where it was read."""
    place = take_place(output.collection, output.columns, output.uri)
    return place is not None and place.written is None


def _collections(name: str, value: Any, kind: Any, sdk: SdkTypes) -> Iterator[Output]:
    """The collections in *value*, of the type *kind*, that the SDK converts by a type of ours."""
    base = _base_of(kind)
    dataset = sdk.dataset(name, value, kind)
    if dataset is not None:
        yield from dataset
    elif _is_frame(value) and is_imported_class(base, "dask.dataframe", "DataFrame"):
        yield Output(name, value, sdk.columns(kind))
    elif is_imported_class(base, "dask.dataframe", "DataFrame"):
        raise not_a_frame(f"the output {name}", value, sdk.host)
    elif _is_frame(value) and is_imported_class(base, "pandas", "DataFrame"):
        raise not_pandas(f"the output {name}", sdk.host)
    elif sdk.has_arrays and _is_array(value) and is_imported_class(base, "dask.array", "Array"):
        yield Output(name, value, is_array=True)
    else:
        for inner_name, inner, inner_kind in _members(name, value, base):
            yield from _collections(inner_name, inner, inner_kind, sdk)


def _members(name: str, value: Any, base: Any) -> Iterator[tuple[str, Any, Any]]:
    """What an SDK converts separately of a *value* of the type *base*, with names and types."""
    origin, arguments = get_origin(base), get_args(base)
    if origin in {Union, types.UnionType}:
        fitting = [each for each in arguments if _is_of(value, _base_of(each))]
        if not fitting and _is_frame(value):  # then it is an error
            fitting = [
                each
                for each in arguments
                if is_imported_class(_base_of(each), "pandas", "DataFrame")
            ]
        yield from [(name, value, each) for each in fitting[:1]]
    elif origin is list and isinstance(value, list):
        yield from ((f"{name}[{at}]", each, arguments[0]) for at, each in enumerate(value))
    elif origin is dict and isinstance(value, dict):
        yield from ((f"{name}[{key!r}]", each, arguments[1]) for key, each in value.items())
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):  # whose annotations the SDKs do not look at
            inner = getattr(value, field.name)
            yield f"{name}.{field.name}", inner, type(inner)
    elif is_instance(value, "pydantic", "BaseModel"):
        model: Any = type(value)
        for field_name in model.model_fields:
            inner = getattr(value, field_name)
            yield f"{name}.{field_name}", inner, type(inner)


def _base_of(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _is_of(value: object, base: Any) -> bool:
    """Whether *value* is of the type *base* of a union."""
    plain = get_origin(base) or base
    return isinstance(plain, type) and isinstance(value, plain)


def _is_frame(value: object) -> bool:
    return is_instance(value, "dask.dataframe", "DataFrame")


def _is_array(value: object) -> bool:
    return is_instance(value, "dask.array", "Array")
