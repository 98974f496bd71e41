"""The JSON Schema of team files, for editors, derived from the tables."""

from __future__ import annotations

from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import attrs

from flyte_dask.rules import RULES
from flyte_dask.team_files.tables import SCHEMA_KEY, Sides, Tables

__all__ = ["schema"]

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_PLAIN = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
}
_CODES = ("silence", "fatal")
"""The fields that hold codes of advice."""


def schema() -> dict[str, Any]:
    """A new copy of the schema."""
    definitions: dict[str, Any] = {}
    root = _table(Tables, definitions)
    root["properties"][SCHEMA_KEY] = {
        "type": "string",
        "description": "Location of this schema.",
    }
    return {"$schema": _DRAFT, "title": "flyte-dask team file", **root, "$defs": definitions}


def _table(cls: type, definitions: dict[str, Any]) -> dict[str, Any]:
    properties = {}
    for name, field in attrs.fields_dict(attrs.resolve_types(cls)).items():
        kind = _kind(field.type, definitions)
        if name in _CODES:
            kind = {"type": "array", "items": {"enum": list(RULES)}}
        properties[name] = {**kind, **field.metadata}
    least = {"minProperties": 1} if cls is Sides else {}
    return {
        "description": cls.__doc__,
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        **least,
    }


def _kind(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if get_origin(kind) in {Union, UnionType}:
        kinds = [each for each in get_args(kind) if each is not type(None)]
        if float in kinds:
            kinds.remove(int)  # included in numbers
        schemas = [_kind(each, definitions) for each in kinds]
        return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    if get_origin(kind) is Literal:
        return {"enum": list(get_args(kind))}
    if get_origin(kind) is tuple:
        return {"type": "array", "items": _kind(get_args(kind)[0], definitions)}
    if get_origin(kind) is dict:
        return {"type": "object", "additionalProperties": _kind(get_args(kind)[1], definitions)}
    if kind in _PLAIN:
        return dict(_PLAIN[kind])
    if kind.__name__ not in definitions:
        definitions[kind.__name__] = {}  # in case it contains itself
        definitions[kind.__name__] = _table(kind, definitions)
    return {"$ref": f"#/$defs/{kind.__name__}"}
