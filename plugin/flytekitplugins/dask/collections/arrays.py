"""Dask Arrays as a type of flytekit: a folder in the blob store with a Zarr array."""

from __future__ import annotations

import importlib.util
from contextlib import suppress
from typing import Any

import dask.array as da
from flytekit import FlyteContext
from flytekit.core.type_engine import TypeEngine, TypeTransformer
from flytekit.models.core.types import BlobType
from flytekit.models.literals import Blob, BlobMetadata, Literal, Scalar
from flytekit.models.types import LiteralType

from flyte_dask.errors import MissingExtra
from flyte_dask_engine.collections.arrays import ArrayWriter, read_array
from flyte_dask_engine.collections.folder import Folder
from flyte_dask_engine.collections.outputs import not_of_type
from flyte_dask_engine.collections.places import Place, place_of, remember, take_place
from flyte_dask_engine.collections.writing import write_all, writing
from flyte_dask_engine.errors import InvalidInput
from flyte_dask_engine.session.storage import storage_here
from flytekitplugins.dask.collections.running import compute_here, new_folder, task_of
from flytekitplugins.dask.collections.showing import page, shown
from flytekitplugins.dask.host import FLYTEKIT

__all__ = ["register"]

_KIND = BlobType(format="zarr", dimensionality=BlobType.BlobDimensionality.MULTIPART)


class ArrayTransformer(TypeTransformer[Any]):
    """Writes Dask Arrays as Zarr, and reads them."""

    def __init__(self) -> None:
        super().__init__("Dask Array", da.Array, enable_type_assertions=False)

    def get_literal_type(self, t: type[Any]) -> LiteralType:  # noqa: ARG002  # of the base class
        """A folder."""
        return LiteralType(blob=_KIND)

    def to_literal(
        self,
        ctx: FlyteContext,
        python_val: Any,
        python_type: type[Any],  # noqa: ARG002  # of the base class
        expected: LiteralType,  # noqa: ARG002  # as above
    ) -> Literal:
        """The literal of an array; one that is nowhere yet, as in a plain task, is written here."""
        _check_extra()
        if not isinstance(python_val, da.Array):
            kind, maker = "dask.array.Array", "from_array(values)"
            raise not_of_type("the value", python_val, kind, maker, FLYTEKIT)
        place = take_place(python_val, (), None)
        if place is None:
            uri = new_folder(ctx)
            with storage_here(FLYTEKIT), writing(task_of(ctx), FLYTEKIT):
                writer = ArrayWriter.of("the Dask Array", python_val, Folder.at(uri))
                (written,) = write_all([writer], compute_here)
            place = Place(uri, written=written)
            remember(python_val, place)
        return Literal(scalar=Scalar(blob=Blob(metadata=BlobMetadata(_KIND), uri=place.uri)))

    def to_python_value(
        self,
        ctx: FlyteContext,  # noqa: ARG002  # of the base class
        lv: Literal,
        expected_python_type: type[Any],  # noqa: ARG002  # as above
    ) -> Any:
        """The array of a literal; only its metadata is read."""
        _check_extra()
        scalar: Any = lv.scalar
        uri = scalar.blob.uri
        with storage_here(FLYTEKIT):
            try:
                array = read_array(Folder.at(uri))
            except (FileNotFoundError, KeyError, TypeError, ValueError) as error:
                raise FLYTEKIT.error(InvalidInput)(f"no Zarr array at {uri}: {error}") from None
        remember(array, Place(uri))
        return array

    def to_html(
        self,
        ctx: FlyteContext,  # noqa: ARG002  # of the base class
        python_val: Any,
        expected_python_type: type[Any],  # noqa: ARG002  # as above
    ) -> str:
        """What is known of an array, without a computation."""
        place = place_of(python_val)
        if place is not None and place.written is not None:
            return shown(place.written)
        facts = [("uri", place.uri)] if place else []
        sizes = " x ".join(f"{each:,}" for each in python_val.shape)
        return page([*facts, ("shape", sizes)], [("values", str(python_val.dtype))])


def register() -> None:
    """Make Dask Arrays a type of flytekit."""
    with suppress(ValueError):  # a program's own transformer stays
        TypeEngine.register(ArrayTransformer())


def _check_extra() -> None:
    is_old = not hasattr(da.Array, "__weakref__")
    if is_old or importlib.util.find_spec("zarr") is None:
        problem = "this Dask is too old for it" if is_old else "zarr is not installed"
        raise MissingExtra(
            f"Dask Arrays are written and read as Zarr arrays, but {problem}: install "
            "flyte-dask with its extra 'array' in the images of the task and its cluster"
        )
