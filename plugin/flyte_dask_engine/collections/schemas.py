"""The one Arrow schema of all files of a frame."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from flyte_dask_engine.collections.partitions import Part, UnwritableError

__all__ = ["are_sorted", "check_orders", "common_schema", "schema_of"]

_MOST_DIGITS = 38  # of a decimal of 128 bits


def schema_of(meta: Any, *, has_index: bool) -> Any:
    """The schema of the empty frame *meta*; a column of Python objects has the type null.

    Raises:
        UnwritableError: if Arrow has no type for a column.
    """
    import pyarrow as pa  # noqa: PLC0415  # only for frames

    try:
        return pa.Schema.from_pandas(meta, preserve_index=has_index)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise UnwritableError(
            f"it cannot be written as Parquet: {str(error).rstrip('.')}. Convert that column by "
            "astype(...), or drop it"
        ) from None


def common_schema(parts: Sequence[Part]) -> Any:
    """The schema that the files of all *parts* can have.

    Raises:
        UnwritableError: if the types of a column differ.
    """
    import pyarrow as pa  # noqa: PLC0415  # only for frames

    first, *others = parts
    differing = [each for each in others if each.schema.types != first.schema.types]
    fields = []
    for field in first.schema:
        kind, since = field.type, first.number
        for part in differing:
            own = part.schema.field(field.name).type
            merged = _merged(kind, own)
            if merged is None:
                raise UnwritableError(
                    f"the column {field.name!r} has the type {own} in partition {part.number}, but "
                    f"{kind} in partition {since}. Give all its values one type, such as by "
                    "astype(...)"
                )
            if merged != kind:
                kind, since = merged, part.number
        fields.append(field.with_type(kind))
    return pa.schema(fields, first.schema.metadata)


def check_orders(parts: Sequence[Part]) -> None:
    """Check that categories with an order are the same in all partitions that have values.

    Raises:
        UnwritableError: if they are not: readers could not put them together.
    """
    first = dict[str, tuple[int, list[Any]]]()
    for part in parts:
        for name, categories in part.orders.items():
            number, known = first.setdefault(name, (part.number, categories))
            if categories != known:
                raise UnwritableError(
                    f"the ordered categories of the column {name!r} differ between the partitions "
                    f"{number} and {part.number}: give all of them the same, by "
                    "cat.set_categories([...], ordered=True)"
                )


def are_sorted(parts: Sequence[Part]) -> bool:
    """Whether each value of the index is in one file only, and follows all those before it."""
    if any(part.bounds is None for part in parts):
        return False
    bounds = [part.bounds for part in parts if part.bounds]
    return all(before[1] < after[0] for before, after in pairwise(bounds))


def _merged(one: Any, other: Any) -> Any:
    """The type of which both are, where one has no values to tell, or fewer digits; None if none.

    The types are those of Python objects, which Arrow infers from the values of one partition.
    """
    import pyarrow as pa  # noqa: PLC0415  # only for frames

    types = pa.types
    if one == other or types.is_null(other):
        return one
    if types.is_null(one):
        return other
    merges = (
        (types.is_dictionary, _merged_categories),
        (types.is_decimal, _merged_decimals),
        (types.is_list, _merged_lists),
        (types.is_struct, _merged_structs),
    )
    return next((merge(one, other) for is_it, merge in merges if is_it(one) and is_it(other)), None)


def _merged_categories(one: Any, other: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415  # only for frames

    values = _merged(one.value_type, other.value_type)
    is_possible = values is not None and one.ordered == other.ordered
    return pa.dictionary(one.index_type, values, one.ordered) if is_possible else None


def _merged_decimals(one: Any, other: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415  # only for frames

    scale = max(one.scale, other.scale)
    digits = scale + max(each.precision - each.scale for each in (one, other))
    return (pa.decimal128 if digits <= _MOST_DIGITS else pa.decimal256)(digits, scale)


def _merged_lists(one: Any, other: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415  # only for frames

    values = _merged(one.value_type, other.value_type)
    return None if values is None else pa.list_(values)


def _merged_structs(one: Any, other: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415  # only for frames

    ours, theirs = ([each.field(at) for at in range(each.num_fields)] for each in (one, other))
    names = [each.name for each in ours]
    if names != [each.name for each in theirs]:
        return None
    kinds = [_merged(a.type, b.type) for a, b in zip(ours, theirs, strict=True)]
    return None if None in kinds else pa.struct(list(zip(names, kinds, strict=True)))
